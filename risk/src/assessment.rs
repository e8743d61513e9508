//! What an account is worth and what its positions and orders require, exactly.
//!
//! Invariant: every figure is computed from balances, legs and marks alone. What is remembered of a leg names the mark it
//! was taken at and is forgotten with every change of the leg, so it can never be stale. Sums of requirements are exact and rounded up once, when shown. Source: `MARGIN.md` 2 to 5.

use crate::account::{Leg, LegId, Valuation};
use crate::ledger::Ledger;
use crate::limits::WITHDRAWAL_FLOOR_PPB;
use crate::ratio::Ratio;
use crate::units::{AccountId, InstrumentId, Leverage, Mark, Money, Position, Qty, Rate, Requirement};

/// An account at the current marks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Assessment {
    /// Balance plus unrealised profit and loss.
    pub equity: Money,
    /// Initial margin of positions and open orders, open loss and reserved fees included.
    pub initial: Requirement,
    /// Maintenance margin of the positions.
    pub maintenance: Requirement,
    /// Gross notional of the positions: exposure.
    pub exposure: Money,
    /// Balance plus unrealised losses only: what withdrawals may count on.
    pub withdrawal_equity: Money,
}

impl Assessment {
    /// Equity below maintenance margin: to be liquidated.
    #[must_use]
    pub fn is_below_maintenance(&self) -> bool {
        Requirement::of_money(self.equity) < self.maintenance
    }

    /// Equity left for new initial margin, rounded down; negative when there is none.
    #[must_use]
    pub fn free_margin(&self) -> Money {
        (Requirement::of_money(self.equity) - self.initial).floor()
    }

    /// Exposure over equity; `None` when equity is not positive.
    #[must_use]
    pub fn leverage(&self) -> Option<Ratio> {
        Ratio::new(Requirement::of_money(self.exposure), self.equity)
    }

    /// Maintenance margin over equity, 1 or more means liquidation; `None` when equity is not positive.
    #[must_use]
    pub fn margin_ratio(&self) -> Option<Ratio> {
        Ratio::new(self.maintenance, self.equity)
    }

    /// Most that may be withdrawn from `balance`: withdrawal equity less the larger of initial margin and a tenth of
    /// exposure, rounded down, never more than the balance.
    #[must_use]
    pub fn withdrawable(&self, balance: Money) -> Money {
        let kept = self.initial.max(Rate::new(WITHDRAWAL_FLOOR_PPB).of(self.exposure));
        let free = (Requirement::of_money(self.withdrawal_equity) - kept).floor();
        free.min(balance).max(Money::ZERO)
    }
}

impl Ledger {
    /// Assesses an account. O(legs).
    #[must_use]
    pub fn assess(&self, account: AccountId) -> Assessment {
        let balance = self.accounts[account.index()].balance;
        let mut sum = Assessment { equity: balance, withdrawal_equity: balance, ..Assessment::default() };
        for (leg_id, leg) in self.legs_of(account) {
            let instrument = self.instrument(leg.instrument);
            let mark = self.mark_of(leg.instrument);
            let profit = self.unrealised(leg, mark);
            let notional = instrument.notional(leg.position.size(), mark);
            sum.equity += profit;
            sum.withdrawal_equity += profit.min(Money::ZERO);
            sum.exposure += notional;
            sum.maintenance += instrument.maintenance(notional);
            sum.initial += self.leg_requirement(leg_id, leg, mark);
        }
        sum
    }

    /// Equity and initial margin alone: all that admitting an order asks for. O(legs), and for a leg that has not
    /// changed since it was last valued at this mark, two additions.
    #[inline]
    pub(crate) fn equity_and_initial(&mut self, account: AccountId) -> (Money, Requirement) {
        let mut equity = self.accounts[account.index()].balance;
        let mut initial = Requirement::ZERO;
        let mut next = self.accounts[account.index()].first_leg;
        while let Some(leg_id) = next.some() {
            let leg = &self.legs[leg_id.index()];
            let mark = self.mark_of(leg.instrument);
            next = leg.next;
            // Not through `valuation_of`: the remembered case is added from where it lies, without a copy.
            if leg.valuation.mark == mark {
                equity += leg.valuation.profit;
                initial += leg.valuation.requirement;
            } else {
                let valuation = self.value_leg(leg_id, mark);
                equity += valuation.profit;
                initial += valuation.requirement;
            }
        }
        (equity, initial)
    }

    /// What a leg is worth at this mark, remembered or found anew.
    #[inline]
    pub(crate) fn valuation_of(&mut self, leg_id: LegId, mark: Mark) -> Valuation {
        let remembered = self.legs[leg_id.index()].valuation;
        if remembered.mark == mark { remembered } else { self.value_leg(leg_id, mark) }
    }

    /// Values a leg and remembers it.
    fn value_leg(&mut self, leg_id: LegId, mark: Mark) -> Valuation {
        self.tighten(leg_id, mark);
        let leg = &self.legs[leg_id.index()];
        let profit = self.unrealised(leg, mark);
        let requirement = self.leg_requirement(leg_id, leg, mark);
        let valuation = Valuation { mark, profit, requirement };
        self.legs[leg_id.index()].valuation = valuation;
        valuation
    }

    /// The largest position an account could reach in an instrument if all its open orders filled on one side.
    #[must_use]
    pub fn worst_position(&self, account: AccountId, instrument: InstrumentId) -> Qty {
        self.find_leg(account, instrument).map_or(Qty::ZERO, |leg_id| {
            let Leg { position, buy_qty, sell_qty, reduce_only_qty, .. } = *self.leg(leg_id);
            OpenOrders { buy_qty, sell_qty, reduce_only_qty, ..OpenOrders::NONE }.worst_position(position)
        })
    }

    /// Unrealised profit and loss of a leg, rounded down.
    #[inline]
    #[must_use]
    pub fn unrealised(&self, leg: &Leg, mark: Mark) -> Money {
        self.instrument(leg.instrument).position_value(leg.position, mark) - leg.cost
    }

    /// What a leg contributes to initial margin:
    /// `max(IM(|q + B|), IM(|q - A|)) + open loss + fees`, reduce-only quantity on its closing side. Source:
    /// `MARGIN.md` 4.
    #[must_use]
    pub(crate) fn leg_requirement(&self, leg_id: LegId, leg: &Leg, mark: Mark) -> Requirement {
        let orders = self.open_orders(leg_id, leg, mark);
        self.requirement_with(leg.instrument, leg.position, leg.leverage, mark, &orders)
    }

    /// The sums over a leg's open orders.
    #[inline]
    pub(crate) fn open_orders(&self, leg_id: LegId, leg: &Leg, mark: Mark) -> OpenOrders {
        OpenOrders {
            buy_qty: leg.buy_qty,
            sell_qty: leg.sell_qty,
            reduce_only_qty: leg.reduce_only_qty,
            fees_reserved: leg.fees_reserved,
            distance: self.open_loss_distance(leg_id, mark),
        }
    }

    /// The requirement of a position with these open orders.
    #[inline]
    #[must_use]
    pub(crate) fn requirement_with(
        &self,
        instrument: InstrumentId,
        position: Position,
        leverage: Leverage,
        mark: Mark,
        orders: &OpenOrders,
    ) -> Requirement {
        let instrument = self.instrument(instrument);
        // Requirements do not fall with size, so the larger of the two extreme positions has the larger one.
        let notional = instrument.notional(orders.worst_position(position), mark);
        let mut requirement = instrument.initial(notional, leverage.initial_rate()) + orders.fees_reserved;
        if orders.distance != 0 {
            requirement += Requirement::of_money(instrument.open_loss(orders.distance));
        }
        requirement
    }
}

/// Sums over the open orders of a leg; fees and distance leave reduce-only orders out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenOrders {
    pub(crate) buy_qty: Qty,
    pub(crate) sell_qty: Qty,
    pub(crate) reduce_only_qty: Qty,
    pub(crate) fees_reserved: Requirement,
    /// See [`Ledger::open_loss_distance`].
    pub(crate) distance: i128,
}

impl OpenOrders {
    pub(crate) const NONE: Self = Self {
        buy_qty: Qty::ZERO,
        sell_qty: Qty::ZERO,
        reduce_only_qty: Qty::ZERO,
        fees_reserved: Requirement::ZERO,
        distance: 0,
    };

    /// `max(|q + B|, |q - A|)` with the reduce-only quantity added on its closing side.
    ///
    /// A reduce-only order alone never enlarges the position. But once it has closed a long, the other resting sells
    /// open a short of their full size, so leaving it out would admit `q` more than the requirement covers.
    #[inline]
    pub(crate) fn worst_position(&self, position: Position) -> Qty {
        let closing = self.reduce_only_qty.min(position.size()).get();
        let (closing_buy, closing_sell) = if position.get() > 0 { (0, closing) } else { (closing, 0) };
        let bought = position + Position::new(self.buy_qty.get() + closing_buy);
        let sold = position - Position::new(self.sell_qty.get() + closing_sell);
        bought.size().max(sold.size())
    }
}
