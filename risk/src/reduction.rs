//! One step of a liquidation: which leg to reduce, by how much, and what to ask for it.
//!
//! Invariant: a leg that hedges others of its underlying is never chosen. What is asked is never less than the bankruptcy
//! amount, and falls with distress, from the value at the mark on. Source: `MARGIN.md` 7.

use crate::account::{Leg, LegId};
use crate::assessment::Assessment;
use crate::bankruptcy::{distress, fillable_amount};
use crate::collateral::Change;
use crate::instrument::Instrument;
use crate::ledger::Ledger;
use crate::limits::PPB;
use crate::liquidation_size::{Bracketed, Standing};
use crate::rounding::{div_floor, wide_mul};
use crate::units::{AccountId, AssetId, InstrumentId, Money, Position, Qty, Rate, Requirement, UnderlyingId};

/// The underlying of instruments that name none: they hedge nothing.
pub(crate) const NO_UNDERLYING: UnderlyingId = UnderlyingId::new(0);

impl Ledger {
    /// Whether a position runs against what its account holds of the underlying in all: closing it would leave more at
    /// risk.
    #[must_use]
    pub fn hedges(&self, leg: &Leg) -> bool {
        let underlying = self.instrument(leg.instrument).spec.contract.underlying;
        if underlying == NO_UNDERLYING {
            return false;
        }
        let net = self.net_exposure(leg.account, underlying);
        (net > Money::ZERO && leg.position.get() < 0) || (net < Money::ZERO && leg.position.get() > 0)
    }

    /// The leg to reduce next: of those whose instrument is `admitted` and that hedge nothing, the one that restores the
    /// most for what it costs, `target x marginal maintenance rate - slippage - liquidation fee` per unit of value; lowest
    /// instrument number among equals. `slippage` is the part of value that closing some of a leg is expected to lose.
    #[must_use]
    pub fn leg_to_reduce(
        &self,
        account: AccountId,
        admitted: impl Fn(InstrumentId) -> bool,
        slippage: impl Fn(&Leg) -> Option<Rate>,
    ) -> Option<LegId> {
        let mut best: Option<(i64, LegId)> = None;
        for (leg_id, leg) in self.legs_of(account) {
            if leg.position == Position::ZERO || !admitted(leg.instrument) || self.hedges(leg) {
                continue;
            }
            let gain = self.restored_per_value(leg, slippage(leg));
            if best.is_none_or(|(most, _)| gain > most) {
                best = Some((gain, leg_id));
            }
        }
        best.map(|(_, leg_id)| leg_id)
    }

    /// What closing one unit of a leg's value restores, in billionths, rounded down.
    fn restored_per_value(&self, leg: &Leg, slippage: Option<Rate>) -> i64 {
        let rate = self.marginal_rate(leg);
        let target = i64::from(self.risk_terms_of(leg.instrument).target.get());
        let released = div_floor(wide_mul(rate, target), i128::from(PPB));
        i64::try_from(released).unwrap_or(i64::MAX) - self.lost_per_value(leg, slippage)
    }

    /// What closing one unit of a leg's value costs, in billionths: slippage, where nothing rests all the maintenance margin
    /// it releases, and the liquidation fee.
    fn lost_per_value(&self, leg: &Leg, slippage: Option<Rate>) -> i64 {
        let fee = self.instrument(leg.instrument).spec.liquidation_fee;
        slippage.map_or_else(|| self.marginal_rate(leg), |slippage| i64::from(slippage.get()))
            + i64::from(fee.get())
    }

    /// Maintenance rate of the bracket a leg stands in.
    fn marginal_rate(&self, leg: &Leg) -> i64 {
        let instrument = self.instrument(leg.instrument);
        let notional = instrument.notional(leg.position.size(), self.mark_of(leg.instrument));
        instrument.maintenance_table().line_at(notional).0
    }

    /// The fewest whole lots of a leg to close so that equity covers maintenance margin `target` times, or all of it.
    #[must_use]
    pub fn size_to_restore(&self, leg_id: LegId, slippage: Option<Rate>) -> Qty {
        let leg = self.leg(leg_id);
        let (instrument, mark) = (self.instrument(leg.instrument), self.mark_of(leg.instrument));
        let held = leg.position.size().get().div_euclid(instrument.spec.lot.get());
        let notional = |lots| instrument.notional(self.qty_of_lots(leg.instrument, lots), mark);
        let lost = wide_mul(notional(1).get(), self.lost_per_value(leg, slippage));
        let bracketed = Bracketed {
            held,
            tiers: instrument.maintenance_table(),
            notional,
            lost: Requirement::from_ppb(lost),
        };
        let target = self.risk_terms_of(leg.instrument).target;
        let lots = bracketed.lots_to_restore(self.standing_in(leg.account, instrument), target);
        self.qty_of_lots(leg.instrument, lots.min(self.closable_lots(leg, held))).min(leg.position.size())
    }

    /// An account in the asset an instrument settles in; exact where that is the unit of account.
    fn standing_in(&self, account: AccountId, instrument: &Instrument) -> Standing {
        let now = self.assess(account);
        if instrument.settlement() == AssetId::BASE {
            return Standing { equity: Requirement::of_money(now.equity), maintenance: now.maintenance };
        }
        let within = |money| Requirement::of_money(self.in_settlement_asset(instrument, money));
        Standing { equity: within(now.equity), maintenance: within(now.maintenance.ceil()) }
    }

    /// As many lots as may be closed before others of the underlying hedge nothing any more; all where nothing is left open.
    fn closable_lots(&self, leg: &Leg, held: i64) -> i64 {
        match self.unhedged_lots(leg) {
            0 => held,
            open => open,
        }
    }

    /// What a liquidation asks for `qty` of a leg after so many steps, before it comes to the bankruptcy amount: the value less
    /// a part of the maintenance margin released that grows with distress and with every step. In the settlement asset,
    /// rounded up.
    #[must_use]
    pub fn asked_amount(&self, leg_id: LegId, qty: Qty, steps: u16) -> Money {
        let leg = self.leg(leg_id);
        let terms = self.risk_terms_of(leg.instrument);
        let now = self.assess(leg.account);
        let urgency = u64::from(terms.urgency.get()).saturating_mul(u64::from(steps));
        let share = u64::from(distress(now.equity, now.maintenance.ceil(), terms.adjust).get());
        let share = share.saturating_add(urgency).min(u64::from(Rate::ONE.get()));
        let mut left = *leg;
        left.position = Position::new(leg.position.size().get() - qty.get());
        let released = self.maintenance_of(leg).ceil() - self.maintenance_of(&left).ceil();
        let share = Rate::new(u32::try_from(share).unwrap_or(u32::MAX));
        fillable_amount(self.value_of(leg, qty), released, share, terms.spread)
    }

    /// An account as it would be after it took over `position` for `amount`, its open orders counted in.
    #[must_use]
    pub fn assess_after(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        position: Position,
        amount: Money,
    ) -> Assessment {
        let terms = self.instrument(instrument);
        let mark = self.mark_of(instrument);
        let asset = terms.settlement().index();
        let empty = Leg::new(account, instrument, LegId::NONE);
        let found = self.find_leg(account, instrument);
        let now = found.map_or(&empty, |leg_id| self.leg(leg_id));
        let mut then = *now;
        then.position += position;
        let requirement = |leg: &Leg| {
            let leg_id = found.unwrap_or(LegId::NONE);
            if found.is_some() { self.leg_requirement(leg_id, leg, mark) } else { self.bare_requirement(leg) }
        };
        let mut change = Change::NONE;
        change.cash[asset] =
            terms.position_value(then.position, mark) - terms.position_value(now.position, mark) - amount;
        change.initial[asset] = requirement(&then) - requirement(now);
        change.maintenance[asset] = self.maintenance_of(&then) - self.maintenance_of(now);
        self.assess_with(account, &change)
    }

    /// What a position without orders requires.
    fn bare_requirement(&self, leg: &Leg) -> Requirement {
        let instrument = self.instrument(leg.instrument);
        let notional = instrument.notional(leg.position.size(), self.mark_of(leg.instrument));
        instrument.initial(notional, leg.leverage.initial_rate())
    }
}
