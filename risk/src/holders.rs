//! Who holds the other side of a bankrupt position, and what taking it over costs, in the terms an allocation works with.
//!
//! Invariant: whole lots and money of the unit of account. A haircut is rounded up, so nobody who can bear it by these figures
//! ends below zero. Source: `MARGIN.md` 13.

use crate::account::{Leg, LegId};
use crate::deleveraging::{
    DeleveragingPolicy, Demand, Holder, leveraged_profit, product_score, profit_rank, score,
};
use crate::ledger::Ledger;
use crate::limits::NOTIONAL_MAX;
use crate::reduction::NO_UNDERLYING;
use crate::rounding::{div_ceil, div_floor, wide_mul};
use crate::units::{AccountId, InstrumentId, Money, Position, Qty};

impl Ledger {
    /// What is asked of the holders who take over `position` for `amount` in the settlement asset.
    #[must_use]
    pub fn demand_for(&self, instrument: InstrumentId, position: Position, amount: Money) -> Demand {
        let terms = self.instrument(instrument);
        let lots = position.size().get().div_euclid(terms.spec.lot.get());
        let lost = amount - terms.position_value(position, self.mark_of(instrument));
        let lost = match self.find_asset(terms.settlement()) {
            None => lost,
            Some(asset) => asset.worth_up(lost, self.asset_prices(asset).0),
        };
        let haircut = div_ceil(i128::from(lost.get()), i128::from(lots.max(1)));
        // A lot of next to no value is rounded up to a whole money unit; all lots together stay in range.
        let open = self.open_interest(instrument).get().div_euclid(terms.spec.lot.get());
        let most = Money::new(NOTIONAL_MAX.div_euclid(open.max(1)));
        let value = self.lot_in_base(instrument).min(most);
        Demand { lots, value, haircut: Money::from_wide(haircut) }
    }

    /// Value of a lot at the mark in the unit of account, rounded up, at least 1.
    #[must_use]
    pub fn lot_in_base(&self, instrument: InstrumentId) -> Money {
        self.size_in_base(instrument, self.instrument(instrument).spec.lot).max(Money::new(1))
    }

    /// An account as a holder of the side that gives up against `position`: positive where shorts give up. `None` where it
    /// holds nothing of that side or has no equity. O(legs).
    #[must_use]
    pub fn holder(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        position: Position,
        policy: DeleveragingPolicy,
    ) -> Option<Holder> {
        if account.is_system() {
            return None;
        }
        let leg_id = self.find_leg(account, instrument)?;
        let leg = self.leg(leg_id);
        let is_opposite = (leg.position.get() > 0) == (position.get() < 0) && leg.position != Position::ZERO;
        let equity = self.assess(account).equity;
        if !is_opposite || equity <= Money::ZERO {
            return None;
        }
        let held = leg.position.size().get().div_euclid(self.instrument(instrument).spec.lot.get());
        let open = self.unhedged_lots(leg);
        Some(Holder { account, held, open, equity, score: self.score(leg_id, policy) })
    }

    /// Whole lots of a leg that no other position of its account in the same underlying hedges: of the lots held the part that
    /// the net exposure is of the leg's own, rounded down.
    #[must_use]
    pub fn unhedged_lots(&self, leg: &Leg) -> i64 {
        let terms = self.instrument(leg.instrument);
        let held = leg.position.size().get().div_euclid(terms.spec.lot.get());
        let underlying = terms.spec.contract.underlying;
        if underlying == NO_UNDERLYING {
            return held;
        }
        let (net, own) = (self.net_exposure(leg.account, underlying), self.exposure_of(leg));
        if own == Money::ZERO {
            return held;
        }
        if net == Money::ZERO || (net > Money::ZERO) != (own > Money::ZERO) {
            return 0;
        }
        let lots = div_floor(wide_mul(held, net.get().abs()), i128::from(own.get().abs()));
        i64::try_from(lots).unwrap_or(held).min(held)
    }

    /// The rank of a leg in a queue.
    fn score(&self, leg_id: LegId, policy: DeleveragingPolicy) -> i128 {
        let leg = self.leg(leg_id);
        let value = self.value_of(leg, leg.position.size());
        match policy {
            DeleveragingPolicy::Water => 0,
            DeleveragingPolicy::Profit => {
                profit_rank(leg.cost, value, self.bankruptcy_amount(leg_id)).map_or(i128::MAX, score)
            }
            DeleveragingPolicy::LeveragedProfit => {
                let asset = self.instrument(leg.instrument).settlement();
                let decimals = self.instrument(leg.instrument).spec.money_decimals;
                let unit = Money::new(10_i64.saturating_pow(u32::from(decimals)));
                let wallet = self.balance(leg.account, asset);
                let profit = self.unrealised(leg, self.mark_of(leg.instrument));
                product_score(leveraged_profit(profit, wallet, unit, self.maintenance_of(leg)))
            }
        }
    }

    /// The quantity of so many lots.
    #[must_use]
    pub fn qty_of_lots(&self, instrument: InstrumentId, lots: i64) -> Qty {
        Qty::new(lots.saturating_mul(self.instrument(instrument).spec.lot.get()))
    }
}
