//! Reading ahead for commands that wait behind others.
//!
//! Invariant: changes no state, and believes nothing a command says, since it has not been validated: what does not
//! exist is passed over.

use super::Venue;
use crate::ahead::Distance;
use crate::command::{Action, AmendOrder, CancelOrder, Command, NewOrder, OrderId, OrderRef};

impl Venue {
    /// Announces a command that waits behind [`crate::ahead::FAR`] others, and again behind [`crate::ahead::NEAR`]. Does
    /// nothing while orders fit into the caches.
    #[inline]
    pub fn announce(&self, command: &Command, distance: Distance) {
        if !self.orders.outgrow_caches() {
            return;
        }
        if let Action::NewOrder(order) = &command.action {
            self.announce_new(order, distance);
        } else if let Action::CancelOrder(CancelOrder { order: OrderRef::Id(id), .. })
        | Action::AmendOrder(AmendOrder { order: OrderRef::Id(id), .. }) = command.action
        {
            self.announce_removal(id, distance);
        }
    }

    fn announce_new(&self, order: &NewOrder, distance: Distance) {
        let market = self.markets.get(order.instrument.index());
        let instrument = self.ledger.find_instrument(order.instrument);
        let (Some(market), Some(instrument), Some(limit)) = (market, instrument, order.limit) else {
            return;
        };
        let ticks = limit.get().div_euclid(instrument.spec.tick.get());
        if let Ok(key) = u32::try_from(ticks) {
            market.book.announce_rest(&self.orders, order.side, key, distance);
        }
    }

    fn announce_removal(&self, id: OrderId, distance: Distance) {
        match distance {
            Distance::Far => self.orders.fetch_with_terms(id),
            Distance::Near => {
                let market =
                    self.orders.peek(id).and_then(|order| self.markets.get(order.instrument().index()));
                if let Some(market) = market {
                    market.book.announce_removal(&self.orders, id, distance);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::TimeInForce;
    use risk::{AccountId, Capacity, InstrumentId, Price, Qty, Side};

    #[test]
    fn what_does_not_exist_is_passed_over() {
        let venue = Venue::new(Capacity { accounts: 32, legs: 32, orders: 32 });
        let order = NewOrder {
            account: AccountId::new(99),
            instrument: InstrumentId::new(7),
            side: Side::Buy,
            qty: Qty::new(-1),
            limit: Some(Price::new(i64::MIN)),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: false,
            reduce_only: false,
            persistent: false,
        };
        for distance in [Distance::Far, Distance::Near] {
            venue.announce_new(&order, distance);
            for id in [0, 1, u64::MAX] {
                venue.announce_removal(OrderId::new(id), distance);
            }
        }
    }
}
