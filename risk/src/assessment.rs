//! What an account is worth and what its positions and orders require, exactly.
//!
//! Invariant: every figure is computed from balances, legs and marks alone. What is remembered of a leg names the mark it
//! was taken at and is forgotten with every change of the leg, so it can never be stale. Sums of requirements are exact and rounded up once, when shown. Source: `MARGIN.md` 2 to 5.

use crate::account::{Leg, LegId, Remembered};
use crate::collateral::Change;
use crate::instrument::Instrument;
use crate::ledger::Ledger;
use crate::limits::WITHDRAWAL_FLOOR_PPB;
use crate::liquidation::Level;
use crate::ratio::Ratio;
use crate::units::{
    AccountId, AssetId, InstrumentId, Leverage, Mark, Money, Position, Qty, Rate, Requirement, Side,
};

/// An account at the current marks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Assessment {
    /// Balance plus unrealised profit and loss, at marks; other assets by their weights.
    pub equity: Money,
    /// What of it counts for initial margin: at prudent prices, profits in part.
    pub initial_equity: Money,
    /// Initial margin of positions and open orders, open loss and reserved fees included.
    pub initial: Requirement,
    /// Maintenance margin of the positions.
    pub maintenance: Requirement,
    /// Gross notional of the positions: exposure.
    pub exposure: Money,
    /// What of that counts without unrealised profits: what withdrawals may count on.
    pub withdrawal_equity: Money,
}

impl Assessment {
    /// Of a balance alone.
    pub(crate) fn of_balance(balance: Money) -> Self {
        let (equity, initial_equity, withdrawal_equity) = (balance, balance, balance);
        Self { equity, initial_equity, withdrawal_equity, ..Self::default() }
    }

    /// Equity below maintenance margin: to be liquidated.
    #[must_use]
    pub fn is_below_maintenance(&self) -> bool {
        self.is_below(Level::Maintenance)
    }

    /// Equity below what a level asks for.
    #[must_use]
    pub fn is_below(&self, level: Level) -> bool {
        self.slack(level) < Requirement::ZERO
    }

    /// Equity less what a level asks for.
    #[must_use]
    pub fn slack(&self, level: Level) -> Requirement {
        Requirement::of_money(self.equity) - level.of(self.maintenance)
    }

    /// Equity left for new initial margin, rounded down; negative when there is none.
    #[must_use]
    pub fn free_margin(&self) -> Money {
        (Requirement::of_money(self.initial_equity) - self.initial).floor()
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

    /// What withdrawals may take out of withdrawal equity: all but the larger of initial margin and a tenth of exposure,
    /// rounded down; below zero when nothing.
    #[must_use]
    pub fn free_to_withdraw(&self) -> Money {
        let kept = self.initial.max(Rate::new(WITHDRAWAL_FLOOR_PPB).of(self.exposure));
        (Requirement::of_money(self.withdrawal_equity) - kept).floor()
    }
}

impl Ledger {
    /// Assesses an account. O(legs); for an account with several assets O(legs x assets).
    #[must_use]
    pub fn assess(&self, account: AccountId) -> Assessment {
        self.assess_with(account, &Change::NONE)
    }

    /// Assesses an account with something assumed of it.
    pub(crate) fn assess_with(&self, account: AccountId, change: &Change) -> Assessment {
        let base = AssetId::BASE.index();
        let mut sum = Assessment::of_balance(self.accounts[account.index()].balance + change.cash[base]);
        (sum.initial, sum.maintenance) = (change.initial[base], change.maintenance[base]);
        for (leg_id, leg) in self.legs_in(account, AssetId::BASE) {
            self.add_leg(leg_id, leg, &mut sum);
        }
        if self.accounts[account.index()].has_holdings() || change.opens_an_asset() {
            self.add_assets(account, change, &mut sum);
        }
        sum
    }

    /// An account's legs that settle in one asset.
    pub(crate) fn legs_in(
        &self,
        account: AccountId,
        asset: AssetId,
    ) -> impl Iterator<Item = (LegId, &Leg)> + '_ {
        self.legs_of(account).filter(move |(_, leg)| self.instrument(leg.instrument).settlement() == asset)
    }

    /// Adds what a leg is worth and requires, in its settlement asset.
    pub(crate) fn add_leg(&self, leg_id: LegId, leg: &Leg, sum: &mut Assessment) {
        let instrument = self.instrument(leg.instrument);
        let mark = self.mark_of(leg.instrument);
        let notional = instrument.notional(leg.position.size(), mark);
        let initial_profit = self.initial_profit(leg);
        sum.equity += self.unrealised(leg, mark);
        sum.initial_equity += initial_profit;
        sum.withdrawal_equity += initial_profit.min(Money::ZERO);
        sum.exposure += notional;
        sum.maintenance += instrument.maintenance(notional);
        sum.initial += self.leg_requirement(leg_id, leg, mark);
    }

    /// Equity and initial margin alone: all that admitting an order asks for. O(legs), and for a leg that has not
    /// changed since it was last valued at these prices, two additions.
    #[inline]
    pub(crate) fn equity_and_initial(&mut self, account: AccountId) -> (Money, Requirement) {
        let mut equity = self.accounts[account.index()].balance;
        let mut initial = Requirement::ZERO;
        let mut next = self.accounts[account.index()].first_leg;
        while let Some(leg_id) = next.some() {
            let leg = &self.legs[leg_id.index()];
            next = leg.next;
            if leg.valued_at.0 != self.revision_of(leg.instrument) {
                self.value_leg(leg_id);
            }
            let leg = &self.legs[leg_id.index()];
            equity += leg.profit.0;
            initial += leg.requirement.0;
        }
        (equity, initial)
    }

    /// What a leg requires, remembered or found anew.
    #[inline]
    pub(crate) fn requirement_of(&mut self, leg_id: LegId) -> Requirement {
        let leg = &self.legs[leg_id.index()];
        if leg.valued_at.0 != self.revision_of(leg.instrument) {
            self.value_leg(leg_id);
        }
        self.legs[leg_id.index()].requirement.0
    }

    /// Values a leg and remembers it. Where only its orders have changed, its profit is as it was.
    #[inline(never)]
    fn value_leg(&mut self, leg_id: LegId) {
        let mark = self.mark_of(self.leg(leg_id).instrument);
        self.tighten(leg_id, mark);
        let leg = self.leg(leg_id);
        let revision = self.revision_of(leg.instrument);
        let knows_profit = leg.valued_at.0.with_orders() == revision;
        let profit = if knows_profit { leg.profit.0 } else { self.initial_profit(leg) };
        let requirement = self.leg_requirement(leg_id, leg, mark);
        let leg = &mut self.legs[leg_id.index()];
        leg.valued_at = Remembered(revision);
        (leg.profit, leg.requirement) = (Remembered(profit), Remembered(requirement));
    }

    /// The largest position an account could reach in an instrument if all its open orders filled on one side.
    #[must_use]
    pub fn worst_position(&self, account: AccountId, instrument: InstrumentId) -> Qty {
        self.find_leg(account, instrument).map_or(Qty::ZERO, |leg_id| {
            let Leg { position, buy_qty, sell_qty, reduce_only_qty, .. } = *self.leg(leg_id);
            OpenOrders { buy_qty, sell_qty, reduce_only_qty, ..OpenOrders::NONE }.worst_position(position)
        })
    }

    /// Unrealised profit and loss of a leg at a mark, funding that is not booked counted in, rounded down; in the
    /// settlement asset.
    #[inline]
    #[must_use]
    pub fn unrealised(&self, leg: &Leg, mark: Mark) -> Money {
        self.instrument(leg.instrument).position_value(leg.position, mark) - leg.cost - self.funding_owed(leg)
    }

    /// What a leg's profit counts for initial margin: at the worse of mark and stable price, and of a profit the
    /// instrument's part. Source: `MARGIN.md` 4.
    #[inline]
    #[must_use]
    pub fn initial_profit(&self, leg: &Leg) -> Money {
        let instrument = self.instrument(leg.instrument);
        let profit = self.unrealised(leg, instrument.prudent_mark(leg.position));
        let weight = instrument.spec.adaptive.profit_weight;
        if profit > Money::ZERO && weight != Rate::ONE { weight.of_floor(profit) } else { profit }
    }

    /// What a leg contributes to initial margin:
    /// `max(IM(|q + B|), IM(|q - A|)) + open loss + fees`, reduce-only quantity on its closing side. Source:
    /// `MARGIN.md` 4.
    #[must_use]
    pub(crate) fn leg_requirement(&self, leg_id: LegId, leg: &Leg, mark: Mark) -> Requirement {
        let orders = self.open_orders(leg_id, leg, mark);
        let worst = orders.worst_position(leg.position);
        self.instrument(leg.instrument).requirement_with(worst, leg.leverage, mark, &orders)
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
}

impl Instrument {
    /// The requirement of open orders that lead to `worst` at most: requirements do not fall with size, so the larger of the
    /// two extreme positions has the larger one.
    #[must_use]
    pub(crate) fn requirement_with(
        &self,
        worst: Qty,
        leverage: Leverage,
        mark: Mark,
        orders: &OpenOrders,
    ) -> Requirement {
        let notional = self.notional(worst, mark);
        let mut requirement = self.initial(notional, leverage.initial_rate()) + orders.fees_reserved;
        if orders.distance != 0 {
            requirement += Requirement::of_money(self.scale().open_loss(orders.distance));
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
        worst_end(bought, sold).1
    }
}

/// The end of the range of positions that open orders can lead to that requires the most, and its size: requirements do
/// not fall with size. Buying all among equals.
#[inline]
#[must_use]
pub fn worst_end(bought: Position, sold: Position) -> (Side, Qty) {
    if sold.size() > bought.size() { (Side::Sell, sold.size()) } else { (Side::Buy, bought.size()) }
}
