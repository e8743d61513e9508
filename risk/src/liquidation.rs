//! Liquidation arithmetic: the safety value of a leg, the mark at which it is used up, bankruptcy amounts and prices.
//!
//! Invariant: a leg's safety value never falls while the mark moves in the position's favour; everything a trigger
//! promises follows from that. Sources: `MARGIN.md` 6 (triggers, no-miss proof) and 7 (bankruptcy).

use crate::account::{Leg, LegId};
use crate::bankruptcy::bankruptcy_amount;
use crate::instrument::Instrument;
use crate::ledger::Ledger;
use crate::limits::{MARK_SHIFT, PPB};
use crate::liquidation_price::edge_notional;
use crate::rounding::{div_ceil, div_floor};
use crate::units::{AccountId, InstrumentId, Mark, Money, Price, Requirement, Side};

/// Rounding a value down and a notional up loses less than one money unit each; a trigger keeps both back.
const ROUNDING_RESERVE: Requirement = Requirement::from_ppb(2 * PPB as i128);

impl Ledger {
    /// What a leg adds to an account's slack at `mark`: unrealised profit less maintenance margin, exact.
    ///
    /// The slack of an account is its balance plus the safety of its legs; below zero means below maintenance.
    #[inline]
    #[must_use]
    pub fn safety(&self, leg: &Leg, mark: Mark) -> Requirement {
        let instrument = self.instrument(leg.instrument);
        let notional = instrument.notional(leg.position.size(), mark);
        Requirement::of_money(instrument.position_value(leg.position, mark) - leg.cost)
            - instrument.maintenance(notional)
    }

    /// The last mark, coming from the safe side, at which the leg's safety is surely still at least `floor`; rounded
    /// toward the safe side. `None` when no mark can bring the leg there, or for a flat leg. For a short whose safety
    /// is below `floor` at every mark it is `None` too; callers ask only for floors the leg is above.
    ///
    /// Maintenance is the maximum of lines, so the safe notional is the tightest bound of any line: no bracket has
    /// to be looked up and none can be wrong.
    #[must_use]
    pub fn trigger(&self, leg: &Leg, floor: Requirement) -> Option<Mark> {
        let instrument = self.instrument(leg.instrument);
        let target = (floor + ROUNDING_RESERVE).ppb() + i128::from(leg.cost.get()) * i128::from(PPB);
        edge(instrument, leg, target)
    }

    /// Mark at which the account reaches maintenance margin if only this leg's mark moves; `None` when no mark can.
    /// Shown rounded toward the current mark: earlier than real, never later. Source: `MARGIN.md` 6.
    #[must_use]
    pub fn liquidation_mark(&self, account: AccountId, leg_id: LegId) -> Option<Mark> {
        let leg = self.leg(leg_id);
        let now = self.assess(account);
        let slack = Requirement::of_money(now.equity) - now.maintenance;
        let floor = self.safety(leg, self.mark_of(leg.instrument)) - slack;
        let target = floor.ppb() + i128::from(leg.cost.get()) * i128::from(PPB);
        edge(self.instrument(leg.instrument), leg, target)
    }

    /// The amount an account must receive (negative: may pay) for closing its whole position in a leg, so that the leg
    /// consumes the share of equity that its share of maintenance margin is:
    /// `V(q) - floor(E MM_leg / MM_total)`. Rounded in the account's favour. Source: `MARGIN.md` 7.
    #[must_use]
    pub fn bankruptcy_amount(&self, leg_id: LegId) -> Money {
        let leg = self.leg(leg_id);
        let own = self.maintenance_of(leg).ceil();
        let total: Money = self
            .legs_of(leg.account)
            .fold(Money::ZERO, |sum, (_, leg)| sum + self.maintenance_of(leg).ceil());
        let equity = self.assess(leg.account).equity;
        let value =
            self.instrument(leg.instrument).position_value(leg.position, self.mark_of(leg.instrument));
        bankruptcy_amount(value, equity, own, total)
    }

    /// The worst price, on the tick, at which closing the whole leg still yields `amount`; `None` when no price of the
    /// instrument's range does.
    #[must_use]
    pub fn bankruptcy_price(&self, leg_id: LegId, amount: Money) -> Option<Price> {
        let leg = self.leg(leg_id);
        let instrument = self.instrument(leg.instrument);
        let tick = i128::from(instrument.spec.tick.get());
        let (over, under) = instrument.price_of_value(i128::from(amount.get().abs()), leg.position.size());
        let price = match (leg.position.get() > 0, amount > Money::ZERO) {
            // A long that may even pay to be rid of it sells at the lowest price there is.
            (true, false) => tick,
            (true, true) => (div_ceil(over, under * tick) * tick).max(tick),
            // A short that must receive money to close cannot: prices are positive.
            (false, true) => return None,
            (false, false) => div_floor(over, under * tick) * tick,
        };
        let inside = price > 0 && price <= i128::from(instrument.spec.price_max.get());
        inside.then(|| i64::try_from(price).map(Price::new).ok()).flatten()
    }

    /// Maintenance margin of a leg at the current mark.
    #[must_use]
    pub fn maintenance_of(&self, leg: &Leg) -> Requirement {
        let instrument = self.instrument(leg.instrument);
        instrument.maintenance(instrument.notional(leg.position.size(), self.mark_of(leg.instrument)))
    }

    /// The leg to close next: the one with the largest maintenance margin, lowest instrument number among equals.
    #[must_use]
    pub fn largest_leg(&self, account: AccountId) -> Option<LegId> {
        self.largest_leg_in(account, |_| true)
    }

    /// The same among the instruments that are `admitted`.
    #[must_use]
    pub fn largest_leg_in(
        &self,
        account: AccountId,
        admitted: impl Fn(InstrumentId) -> bool,
    ) -> Option<LegId> {
        let mut largest: Option<(Requirement, LegId)> = None;
        let open = |leg: &Leg| leg.position.get() != 0 && admitted(leg.instrument);
        for (leg_id, leg) in self.legs_of(account).filter(|(_, leg)| open(leg)) {
            let maintenance = self.maintenance_of(leg);
            if largest.is_none_or(|(most, _)| maintenance > most) {
                largest = Some((maintenance, leg_id));
            }
        }
        largest.map(|(_, leg_id)| leg_id)
    }
}

/// The mark where `value - maintenance` of a leg's position is `target` billionths, on the exact (unrounded) curve,
/// rounded toward the safe side. For a long `N (1 - r_k) + c_k >= target` for every line; for a short
/// `N (1 + r_k) - c_k <= -target`.
fn edge(instrument: &Instrument, leg: &Leg, target: i128) -> Option<Mark> {
    let size = leg.position.size();
    let side = match leg.position.get() {
        0 => return None,
        1.. => Side::Buy,
        _ => Side::Sell,
    };
    let notional = edge_notional(side, target, PPB, instrument.maintenance_table().lines())?;
    let mark = match side {
        Side::Buy => {
            let (over, under) = instrument.mark_of_notional(notional.ceil().max(0), size);
            div_ceil(over, under)
        }
        Side::Sell => {
            let (over, under) = instrument.mark_of_notional(notional.floor().max(0), size);
            div_floor(over, under)
        }
    };
    // A mark of zero or beyond the range is one that cannot come.
    i64::try_from(mark).ok().filter(|&mark| mark > 0).map(Mark::new)
}

// `mark_of_notional` shifts a notional that `MONEY_MAX` bounds, times a divisor of at most 2^40.
const _: () = assert!(62 + 40 + MARK_SHIFT < 126);
