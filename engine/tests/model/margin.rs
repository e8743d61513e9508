//! Equity, requirements, maintenance, what may be withdrawn: recomputed from scratch at every question.

use engine::OrderId;
use risk::{AccountId, InstrumentId, Side};

use super::Model;
use super::arith::{MARKS, PPB, ceil, floor};
use super::state::{Leg, Order};

impl Model {
    /// Every instrument number.
    pub(crate) fn all_instruments(&self) -> impl Iterator<Item = InstrumentId> + use<> {
        let count = u32::try_from(self.instruments.len()).expect("few instruments");
        (0..count).map(InstrumentId::new)
    }

    pub(crate) fn leg(&self, account: AccountId, instrument: InstrumentId) -> Leg {
        self.legs.get(&(account, instrument)).copied().unwrap_or_default()
    }

    pub(crate) fn mark(&self, instrument: InstrumentId) -> i128 {
        self.instruments[instrument.index()].mark.unwrap_or(0)
    }

    /// Orders of an account.
    pub(crate) fn orders_of(&self, account: AccountId) -> Vec<&Order> {
        let from = (account, OrderId::new(0));
        let own = self.owned.range(from..=(account, OrderId::new(u64::MAX)));
        own.map(|(_, order)| &self.orders[order]).collect()
    }

    /// Those of them that count for margin and limits.
    pub(crate) fn weighing(&self, account: AccountId) -> Vec<&Order> {
        let mut orders = self.orders_of(account);
        orders.retain(|order| order.weighs());
        orders
    }

    fn unrealised(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let leg = self.leg(account, instrument);
        let terms = &self.instruments[instrument.index()].terms;
        terms.position_value(leg.position, self.mark(instrument)) - leg.cost
    }

    /// Balance and unrealised results.
    pub(crate) fn equity(&self, account: AccountId) -> i128 {
        let unrealised: i128 = self.positions_of(account).map(|place| self.unrealised(account, place)).sum();
        self.accounts[&account].balance + unrealised
    }

    /// Instruments in which the account has a position.
    pub(crate) fn positions_of(&self, account: AccountId) -> impl Iterator<Item = InstrumentId> + '_ {
        let from = (account, InstrumentId::new(0));
        let legs = self.legs.range(from..=(account, InstrumentId::new(u32::MAX)));
        legs.filter(|(_, leg)| leg.position != 0).map(|(&(_, instrument), _)| instrument)
    }

    /// Notional of the position at the mark.
    fn notional(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let size = self.leg(account, instrument).position.abs();
        self.instruments[instrument.index()].terms.notional(size, self.mark(instrument))
    }

    /// Maintenance margin of one leg, in billionths.
    pub(crate) fn maintenance(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let notional = self.notional(account, instrument);
        self.instruments[instrument.index()].terms.maintenance_of(notional)
    }

    /// Maintenance margin of an account, in billionths.
    pub(crate) fn maintenance_total(&self, account: AccountId) -> i128 {
        self.positions_of(account).map(|place| self.maintenance(account, place)).sum()
    }

    /// Whether the account's equity is below its maintenance margin.
    pub(crate) fn below_maintenance(&self, account: AccountId) -> bool {
        self.equity(account) * PPB < self.maintenance_total(account)
    }

    /// The largest position the account may come to in an instrument if `orders` trade.
    pub(crate) fn worst(&self, account: AccountId, instrument: InstrumentId, orders: &[&Order]) -> i128 {
        let position = self.leg(account, instrument).position;
        let (mut buys, mut sells, mut reducing) = (0, 0, 0);
        for order in orders.iter().filter(|order| order.instrument == instrument) {
            match (order.reduce_only, order.side) {
                (true, _) => reducing += order.leaves,
                (false, Side::Buy) => buys += order.leaves,
                (false, Side::Sell) => sells += order.leaves,
            }
        }
        let reducing = reducing.min(position.abs());
        if position > 0 {
            sells += reducing;
        } else {
            buys += reducing;
        }
        (position + buys).abs().max((position - sells).abs())
    }

    /// Requirement of one leg with `orders` resting, in billionths.
    pub(crate) fn leg_requirement(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        orders: &[&Order],
        leverage: i128,
    ) -> i128 {
        let terms = &self.instruments[instrument.index()].terms;
        let mark = self.mark(instrument);
        let (mut gaps, mut fees) = (0, 0);
        for order in orders.iter().filter(|order| order.instrument == instrument && !order.reduce_only) {
            let gap = match order.side {
                Side::Buy => order.price * MARKS - mark,
                Side::Sell => mark - order.price * MARKS,
            };
            gaps += gap.max(0) * order.leaves;
            fees += terms.value(order.leaves, order.price) * terms.taker_fee;
        }
        let notional = terms.notional(self.worst(account, instrument, orders), mark);
        terms.initial_of(notional, leverage) + PPB * terms.open_loss(gaps) + fees
    }

    /// Requirement of an account with `orders` resting, in billionths.
    pub(crate) fn requirement(&self, account: AccountId, orders: &[&Order]) -> i128 {
        let of_leg = |place| self.leg_requirement(account, place, orders, self.leg(account, place).leverage);
        self.all_instruments().map(of_leg).sum()
    }

    /// What is missing for an account to have the orders of `then` rest in `instrument` instead of those of `now`, and
    /// `leverage` set in it; `None` if admitted.
    pub(crate) fn margin_short(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        (now, then): (&[&Order], &[&Order]),
        leverage: i128,
    ) -> Option<i128> {
        let kept = self.leg(account, instrument).leverage;
        let before = self.leg_requirement(account, instrument, now, kept);
        let after = self.leg_requirement(account, instrument, then, leverage);
        let others = self.requirement(account, now) - before;
        let equity = self.equity(account);
        let required = others + after;
        if equity * PPB >= required || (after <= before && equity >= 0) {
            return None;
        }
        Some(ceil(required - equity * PPB, PPB))
    }

    /// Unrealised losses.
    pub(crate) fn losses(&self, account: AccountId) -> i128 {
        self.positions_of(account).map(|place| self.unrealised(account, place).min(0)).sum()
    }

    /// A tenth of the exposure, in billionths.
    pub(crate) fn tenth_of(&self, account: AccountId) -> i128 {
        let exposure: i128 = self.positions_of(account).map(|place| self.notional(account, place)).sum();
        exposure * floor(PPB, 10)
    }

    /// The most that may be paid out.
    pub(crate) fn withdrawable(&self, account: AccountId) -> i128 {
        let (balance, losses) = (self.accounts[&account].balance, self.losses(account));
        let kept = self.requirement(account, &self.weighing(account)).max(self.tenth_of(account));
        balance.min(floor((balance + losses) * PPB - kept, PPB)).max(0)
    }
}
