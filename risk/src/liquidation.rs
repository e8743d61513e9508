//! Liquidation arithmetic: the safety of a leg, the mark at which it is used up, bankruptcy amounts and prices.
//!
//! Invariant: a leg's safety never falls while the mark moves in the position's favour; everything a trigger promises
//! follows from that. Sources: `MARGIN.md` 6 (triggers, no-miss proof) and 7 (bankruptcy).

use crate::account::{Leg, LegId};
use crate::bankruptcy::bankruptcy_amount;
use crate::collateral::Change;
use crate::instrument::Instrument;
use crate::ledger::Ledger;
use crate::limits::PPB;
use crate::liquidation_price::edge_notional;
use crate::rounding::{div_ceil, div_floor};
use crate::units::{AccountId, AssetId, Mark, Money, Position, Price, Qty, Requirement, Side};

/// Rounding a value down, a notional up and funding up loses less than one money unit each; a trigger keeps all back.
const ROUNDING_RESERVE: Requirement = Requirement::from_ppb(3 * PPB as i128);
/// Weighing an asset and valuing its requirement rounds four times.
const ASSET_RESERVE: Requirement = Requirement::from_ppb(4 * PPB as i128);

/// How much of maintenance margin equity is asked to cover.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// All of it: below is liquidation.
    Maintenance,
    /// Five quarters of it: below is a warning. Nothing adaptive moves it.
    Warning,
}

impl Level {
    /// A line of the maintenance table as the level asks for it, its rate rounded up and its deduction down. Below 100 %
    /// always, since five quarters of maintenance are never more than initial margin; at that, no notional helps.
    fn line(self, (rate, cut): (i64, i128)) -> (i64, i128) {
        match self {
            Self::Maintenance => (rate, cut),
            Self::Warning => (((5 * rate + 3) >> 2).min(PPB - 1), (5 * cut) >> 2),
        }
    }

    /// What is asked for where `maintenance` is required, rounded up to a billionth.
    #[inline]
    #[must_use]
    pub fn of(self, maintenance: Requirement) -> Requirement {
        match self {
            Self::Maintenance => maintenance,
            // Added to what it is a part of: the product would be checked for overflow.
            Self::Warning => maintenance + Requirement::from_ppb((maintenance.ppb() + 3) >> 2),
        }
    }
}

impl Ledger {
    /// What a leg adds to an account's slack at `mark`: unrealised profit less what the level asks for, exact; in the
    /// settlement asset.
    ///
    /// The slack of an account with one asset is its balance plus the safety of its legs.
    #[inline]
    #[must_use]
    pub fn safety(&self, leg: &Leg, mark: Mark, level: Level) -> Requirement {
        let instrument = self.instrument(leg.instrument);
        let notional = instrument.notional(leg.position.size(), mark);
        Requirement::of_money(self.unrealised(leg, mark)) - level.of(instrument.maintenance(notional))
    }

    /// The last mark, coming from the safe side, at which the leg's safety is surely still at least `floor`; rounded
    /// toward the safe side. `None` when no mark can bring the leg there, or for a flat leg. For a linear short whose
    /// safety is below `floor` at every mark it is `None` too; callers ask only for floors the leg is above.
    ///
    /// Maintenance is the maximum of lines, so the safe notional is the tightest bound of any line: no bracket has
    /// to be looked up and none can be wrong.
    #[must_use]
    pub fn trigger(&self, leg: &Leg, floor: Requirement, level: Level) -> Option<Mark> {
        let target = floor + ROUNDING_RESERVE + Requirement::of_money(leg.cost + self.funding_owed(leg));
        edge(self.instrument(leg.instrument), leg, target.ppb(), level)
    }

    /// Mark at which the account reaches maintenance margin if only this leg's mark moves; `None` when no mark can.
    /// Shown rounded toward the current mark: earlier than real, never later. Source: `MARGIN.md` 6.
    #[must_use]
    pub fn liquidation_mark(&self, account: AccountId, leg_id: LegId) -> Option<Mark> {
        let leg = self.leg(leg_id);
        let level = Level::Maintenance;
        if self.instrument(leg.instrument).settlement() != AssetId::BASE {
            return self.search_liquidation_mark(account, leg);
        }
        let floor = self.safety(leg, self.mark_of(leg.instrument), level) - self.slack(account, level);
        let target = floor + Requirement::of_money(leg.cost + self.funding_owed(leg));
        edge(self.instrument(leg.instrument), leg, target.ppb(), level)
    }

    /// Equity less what a level asks for.
    #[must_use]
    pub fn slack(&self, account: AccountId, level: Level) -> Requirement {
        self.assess(account).slack(level)
    }

    /// [`Self::liquidation_mark`] of a leg that settles in another asset, whose weights no formula inverts: slack falls
    /// one way with the mark, so bisect for the last mark that is still sound.
    fn search_liquidation_mark(&self, account: AccountId, leg: &Leg) -> Option<Mark> {
        let top = 2 * self.instrument(leg.instrument).spec.price_max.to_mark().get();
        let now = self.mark_of(leg.instrument).get();
        let sound = |mark: i64| self.slack_at(account, leg, Mark::new(mark)) >= Requirement::ZERO;
        let (adverse, favourable) = match Side::closing(leg.position)? {
            Side::Sell => (1, top),
            Side::Buy => (top, 1),
        };
        let (mut good, mut bad) = if sound(now) { (now, adverse) } else { (favourable, now) };
        if sound(bad) || !sound(good) {
            return None;
        }
        while (good - bad).abs() > 1 {
            let half = bad + ((good - bad) >> 1);
            if sound(half) { good = half } else { bad = half }
        }
        Some(Mark::new(good))
    }

    /// Slack of an account if only this leg's mark were another.
    fn slack_at(&self, account: AccountId, leg: &Leg, mark: Mark) -> Requirement {
        let instrument = self.instrument(leg.instrument);
        let now = self.mark_of(leg.instrument);
        let maintenance = |mark| instrument.maintenance(instrument.notional(leg.position.size(), mark));
        let mut change = Change::NONE;
        let asset = instrument.settlement().index();
        change.cash[asset] = self.unrealised(leg, mark) - self.unrealised(leg, now);
        change.maintenance[asset] = maintenance(mark) - maintenance(now);
        let then = self.assess_with(account, &change);
        Requirement::of_money(then.equity) - then.maintenance
    }

    /// A lower bound of an account's slack while every mark and index it depends on stays within `2^-shift` of where it
    /// is. Source: `MARGIN.md` 6.
    #[must_use]
    pub fn slack_within(&self, account: AccountId, shift: u32, level: Level) -> Requirement {
        let mut slack = Requirement::of_money(self.accounts[account.index()].balance);
        for (_, leg) in self.legs_in(account, AssetId::BASE) {
            slack += self.safety(leg, self.adverse(leg, shift), level) - ROUNDING_RESERVE;
        }
        for asset in (1..self.asset_numbers()).map(AssetId::new) {
            slack += self.asset_slack_within(account, asset, shift, level);
        }
        slack
    }

    /// The worst mark for a leg within the bound.
    fn adverse(&self, leg: &Leg, shift: u32) -> Mark {
        let (below, above) = self.mark_of(leg.instrument).around(shift);
        if leg.position.get() > 0 { below } else { above }
    }

    /// What an asset adds to [`Self::slack_within`]: least equity and largest requirement in the asset's own units, at the
    /// worse end of its price. Between the ends it is worth no less, since what an asset counts for is concave in its
    /// price.
    fn asset_slack_within(
        &self,
        account: AccountId,
        asset: AssetId,
        shift: u32,
        level: Level,
    ) -> Requirement {
        let (mut equity, mut required) = (self.balance(account, asset), Requirement::ZERO);
        for (_, leg) in self.legs_in(account, asset) {
            let instrument = self.instrument(leg.instrument);
            let (below, above) = self.mark_of(leg.instrument).around(shift);
            let at = |mark| level.of(instrument.maintenance(instrument.notional(leg.position.size(), mark)));
            equity += self.unrealised(leg, self.adverse(leg, shift));
            required += at(below).max(at(above));
        }
        let (asset, required) = (self.asset(asset), required.ceil());
        if equity == Money::ZERO && required == Money::ZERO {
            return Requirement::ZERO;
        }
        let (below, above) = self.asset_prices(asset).0.around(shift);
        let at =
            |price| Requirement::of_money(asset.collateral(equity, price) - asset.worth_up(required, price));
        at(below).min(at(above)) - ASSET_RESERVE
    }

    /// The amount an account must receive (negative: may pay) for closing its whole position in a leg. Source:
    /// `MARGIN.md` 7.
    #[must_use]
    pub fn bankruptcy_amount(&self, leg_id: LegId) -> Money {
        self.bankruptcy_amount_of(leg_id, self.leg(leg_id).position.size())
    }

    /// The amount an account must receive (negative: may pay) for closing `qty` of a leg, so that this consumes the share
    /// of equity that the maintenance margin it releases is of all: `dV - floor(E dM / M)`. In the settlement asset,
    /// rounded in the account's favour. Source: `MARGIN.md` 7.
    #[must_use]
    pub fn bankruptcy_amount_of(&self, leg_id: LegId, qty: Qty) -> Money {
        let leg = self.leg(leg_id);
        let released = self.maintenance_in_base(leg) - self.maintenance_left_in_base(leg, qty);
        let total: Money =
            self.legs_of(leg.account).fold(Money::ZERO, |sum, (_, leg)| sum + self.maintenance_in_base(leg));
        let equity = self.assess(leg.account).equity;
        // With nothing of value, the amount is the share of equity the leg may use up, taken away.
        let share = bankruptcy_amount(Money::ZERO, equity, released, total);
        self.value_of(leg, qty) + self.in_settlement_asset(self.instrument(leg.instrument), share)
    }

    /// What `qty` of a leg is worth at the mark, signed as the position, so that parts sum to the whole.
    #[must_use]
    pub fn value_of(&self, leg: &Leg, qty: Qty) -> Money {
        let (instrument, mark) = (self.instrument(leg.instrument), self.mark_of(leg.instrument));
        let left = left_of(leg.position, qty);
        instrument.position_value(leg.position, mark) - instrument.position_value(left, mark)
    }

    /// Maintenance margin, in the unit of account and rounded up, of what is left of a leg without `qty`.
    fn maintenance_left_in_base(&self, leg: &Leg, qty: Qty) -> Money {
        let mut left = *leg;
        left.position = left_of(leg.position, qty);
        self.maintenance_in_base(&left)
    }

    /// Money of the unit of account in the asset an instrument settles in, rounded up.
    pub(crate) fn in_settlement_asset(&self, instrument: &Instrument, money: Money) -> Money {
        let Some(asset) = self.find_asset(instrument.settlement()) else { return money };
        let (index, ..) = self.asset_prices(asset);
        if money < Money::ZERO {
            -asset.amount_within(-money, index)
        } else {
            asset.amount_worth(money, index)
        }
    }

    /// The worst price, on the tick, at which closing `qty` of a leg still yields `amount`; `None` when no price of the
    /// instrument's range does.
    #[must_use]
    pub fn closing_price(&self, leg_id: LegId, qty: Qty, amount: Money) -> Option<Price> {
        let leg = self.leg(leg_id);
        let instrument = self.instrument(leg.instrument);
        let side = Side::closing(leg.position)?;
        let scale = instrument.scale();
        let price = scale.worst_price(side, qty, amount, instrument.spec.tick)?;
        let highest = i128::from(instrument.spec.price_max.get());
        // Whoever buys an inverse contract back receives the more the lower the price: no price is too high to pay nothing.
        let price = if side == Side::Buy && scale.is_inverse() { price.min(highest) } else { price };
        let inside = price > 0 && price <= highest;
        inside.then(|| i64::try_from(price).map(Price::new).ok()).flatten()
    }

    /// Maintenance margin of a leg at the current mark, in the settlement asset.
    #[must_use]
    pub fn maintenance_of(&self, leg: &Leg) -> Requirement {
        let instrument = self.instrument(leg.instrument);
        instrument.maintenance(instrument.notional(leg.position.size(), self.mark_of(leg.instrument)))
    }

    /// Maintenance margin of a leg in the unit of account, rounded up.
    #[must_use]
    pub fn maintenance_in_base(&self, leg: &Leg) -> Money {
        let required = self.maintenance_of(leg).ceil();
        match self.find_asset(self.instrument(leg.instrument).settlement()) {
            None => required,
            Some(asset) => asset.worth_up(required, self.asset_prices(asset).0),
        }
    }
}

/// A position without `qty` of it.
const fn left_of(position: Position, qty: Qty) -> Position {
    let left = position.size().get() - qty.get();
    Position::new(if position.get() < 0 { -left } else { left })
}

/// The mark where `value - what the level asks for` of a leg's position is `target` billionths, on the exact (unrounded)
/// curve, rounded toward the safe side.
fn edge(instrument: &Instrument, leg: &Leg, target: i128, level: Level) -> Option<Mark> {
    let is_inverse = instrument.scale().is_inverse();
    let side = Side::closing(leg.position)?;
    // An inverse long is in its notional what a linear short is, and the other way round.
    let gains = if is_inverse { side } else { side.opposite() };
    let lines = instrument.maintenance_table().lines().map(|line| level.line(line));
    let notional = edge_notional(gains, target, PPB, lines)?;
    let notional = if gains == Side::Buy { notional.ceil() } else { notional.floor() };
    if is_inverse && notional <= 0 {
        // No coin at all is what an infinite mark is worth: beyond every mark for a long, never reached by a short.
        return (side == Side::Sell).then(|| Mark::new(i64::MAX));
    }
    let (over, under) = instrument.scale().mark_of_notional(notional.max(0), leg.position.size());
    let mark = if side == Side::Sell { div_ceil(over, under) } else { div_floor(over, under) };
    // A mark of zero or beyond the range is one that cannot come.
    i64::try_from(mark).ok().filter(|&mark| mark > 0).map(Mark::new)
}
