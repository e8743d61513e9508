//! Holds the model's state against the venue's ledger.

use std::collections::BTreeMap;

use risk::{AccountId, AccountState, InstrumentId, Ledger, Side};

use super::Model;
use super::state::Order;

/// A leg as both sides describe it.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    instrument: InstrumentId,
    position: i128,
    cost: i128,
    leverage: i128,
    orders: usize,
    buys: i128,
    sells: i128,
    reducing: i128,
    fees: i128,
}

impl Model {
    fn held(&self, account: AccountId, orders: &[Order]) -> Vec<Held> {
        let mut all = Vec::new();
        for instrument in self.all_instruments() {
            let own: Vec<_> = orders.iter().filter(|order| order.instrument == instrument).collect();
            if own.is_empty() && !self.legs.contains_key(&(account, instrument)) {
                continue;
            }
            let leg = self.leg(account, instrument);
            let terms = &self.instruments[instrument.index()].terms;
            let sum = |side| {
                own.iter()
                    .filter(|order| !order.reduce_only && order.side == side)
                    .map(|order| order.leaves)
                    .sum()
            };
            let plain = own.iter().filter(|order| !order.reduce_only);
            all.push(Held {
                instrument,
                position: leg.position,
                cost: leg.cost,
                leverage: leg.leverage,
                orders: own.len(),
                buys: sum(Side::Buy),
                sells: sum(Side::Sell),
                reducing: own.iter().filter(|order| order.reduce_only).map(|order| order.leaves).sum(),
                fees: plain.map(|order| terms.value(order.leaves, order.price) * terms.taker_fee).sum(),
            });
        }
        all
    }

    /// The first difference between the model and the venue's ledger.
    pub(crate) fn difference(&self, ledger: &Ledger) -> Option<String> {
        let open: Vec<AccountId> = ledger.accounts().map(|(account, _)| account).collect();
        let known: Vec<AccountId> = self.accounts.keys().copied().collect();
        if open != known {
            return Some(format!("accounts: venue {open:?}, model {known:?}"));
        }
        let mut orders: BTreeMap<AccountId, Vec<Order>> = BTreeMap::new();
        // The venue keeps a suspended taker reserved, as if it rested.
        for order in self.orders.values().chain(self.suspended.iter().map(|taker| &taker.order)) {
            orders.entry(order.account).or_default().push(*order);
        }
        for (account, venue) in ledger.accounts() {
            let model = self.accounts[&account];
            let liquidating = venue.state == AccountState::Liquidating;
            let balance = i128::from(venue.balance.get());
            if (balance, liquidating) != (model.balance, model.liquidating) {
                return Some(format!("account {account}: venue {balance} {liquidating}, model {model:?}"));
            }
            let legs = ledger.legs_of(account).map(|(_, leg)| Held {
                instrument: leg.instrument,
                position: i128::from(leg.position.get()),
                cost: i128::from(leg.cost.get()),
                leverage: i128::from(leg.leverage.get()),
                orders: leg.orders as usize,
                buys: i128::from(leg.buy_qty.get()),
                sells: i128::from(leg.sell_qty.get()),
                reducing: i128::from(leg.reduce_only_qty.get()),
                fees: leg.fees_reserved.ppb(),
            });
            let (venue, model): (Vec<Held>, Vec<Held>) =
                (legs.collect(), self.held(account, orders.get(&account).map_or(&[], Vec::as_slice)));
            if venue != model {
                return Some(format!("account {account}:\n  venue {venue:?}\n  model {model:?}"));
            }
        }
        let resting = ledger.order_count() as usize;
        let money: i128 = self.accounts.values().map(|account| account.balance).sum();
        let costs: i128 = self.legs.values().map(|leg| leg.cost).sum();
        let known = self.orders.len() + usize::from(self.suspended.is_some());
        if resting != known {
            return Some(format!("resting orders: venue {resting}, model {known}"));
        }
        // The model's own books: what was paid in is in balances, or settled in cash against open costs.
        assert!(money == self.deposits + costs, "the model conserves money");
        None
    }
}
