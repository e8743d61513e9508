//! Warming: before a batch is applied, reads what its commands are going to need, stage by stage over the whole batch,
//! so that their cache misses overlap instead of following each other.
//!
//! Invariant: nothing here changes anything, and no result depends on it. A stage touches only what the stage before
//! has brought in, so one stage costs about one miss, whatever the size of the batch.

use super::Venue;
use crate::command::{Action, Command, OrderRef};
use risk::{InstrumentId, LegId, OrderSlot, Side};

/// Commands whose misses are overlapped: about what a core can have in flight.
const GROUP: usize = 16;
/// Legs followed per account; beyond, a miss is a miss.
const LEGS_FOLLOWED: usize = 32;

/// What a command is going to need.
#[derive(Clone, Copy)]
struct Need {
    order: Option<OrderSlot>,
    /// Where it is going to rest.
    place: Option<(InstrumentId, Side, u32)>,
    /// First leg of its account, where margin will be asked for.
    leg: LegId,
}

const NOTHING: Need = Need { order: None, place: None, leg: LegId::NONE };

impl Venue {
    /// Reads what `commands` are going to need. Worth it for batches over state larger than the cache.
    ///
    /// The value means nothing; it keeps the reads from being optimised away.
    #[must_use]
    pub fn warm<'a>(&self, commands: impl Iterator<Item = &'a Command>) -> u64 {
        let mut needs = [NOTHING; GROUP];
        let mut count = 0;
        let mut sum = 0;
        for command in commands {
            needs[count] = self.need(command, &mut sum);
            count += 1;
            if count == GROUP {
                sum ^= self.warm_group(&mut needs);
                (needs, count) = ([NOTHING; GROUP], 0);
            }
        }
        if count > 0 { sum ^ self.warm_group(&mut needs) } else { sum }
    }

    /// First stage: the order named, or the account and the place in the client index.
    #[inline]
    fn need(&self, command: &Command, sum: &mut u64) -> Need {
        match &command.action {
            Action::NewOrder(order) => {
                *sum ^= self.clients.touch(command.session, order.client_order_id);
                let tick = self.ledger.find_instrument(order.instrument).map(|terms| terms.spec.tick.get());
                let key = order
                    .limit
                    .zip(tick)
                    .and_then(|(limit, tick)| u32::try_from(limit.get().checked_div_euclid(tick)?).ok());
                let place = key.map(|key| (order.instrument, order.side, key));
                Need { order: None, place, leg: self.ledger.warm_account(order.account) }
            }
            Action::CancelOrder(cancel) => Need { order: self.named(cancel.order, sum), ..NOTHING },
            Action::AmendOrder(amend) => {
                let leg = self.ledger.warm_account(amend.account);
                Need { order: self.named(amend.order, sum), place: None, leg }
            }
            Action::MassCancel(_)
            | Action::IndexPrice { .. }
            | Action::Continue
            | Action::Tick
            | Action::OpenSession { .. }
            | Action::OpenAccount { .. }
            | Action::Deposit(_)
            | Action::Withdraw(_)
            | Action::SetLeverage { .. }
            | Action::DefineInstrument { .. }
            | Action::SetTradingState { .. } => NOTHING,
        }
    }

    fn named(&self, order: OrderRef, sum: &mut u64) -> Option<OrderSlot> {
        let OrderRef::Id(id) = order else { return None };
        let slot = OrderSlot::new(u32::try_from(id.get() & 0xFF_FFFF).ok()?);
        *sum ^= self.orders.touch(slot) ^ u64::from(self.ledger.warm_reservation(slot).get());
        Some(slot)
    }

    fn warm_group(&self, needs: &mut [Need; GROUP]) -> u64 {
        let mut sum = 0;
        for need in &*needs {
            sum ^= need.order.map_or(0, |slot| self.warm_surroundings(slot));
            sum ^= need.place.map_or(0, |(instrument, side, key)| self.warm_place(instrument, side, key));
        }
        for _ in 0..LEGS_FOLLOWED {
            let mut followed = false;
            for need in needs.iter_mut().filter(|need| need.leg != LegId::NONE) {
                let (read, next) = self.ledger.warm_leg(need.leg);
                need.leg = next;
                sum ^= read.unsigned_abs();
                followed = true;
            }
            if !followed {
                break;
            }
        }
        sum
    }

    /// Neighbours, level, leg and client-index entry of an order.
    #[inline]
    fn warm_surroundings(&self, slot: OrderSlot) -> u64 {
        let Some((instrument, side, key)) = self.orders.place(slot) else { return 0 };
        let level = self.markets.get(instrument.index()).map_or(0, |market| market.book.touch(side, key).0);
        let terms = self.orders.terms(slot);
        let leg = self.ledger.warm_leg(self.ledger.warm_reservation(slot)).0;
        level
            ^ leg.unsigned_abs()
            ^ self.orders.touch_neighbours(slot)
            ^ u64::from(self.ledger.warm_neighbours(slot))
            ^ self.clients.touch(terms.session, terms.client_order_id)
    }

    /// The level an order is going to join, and the order it will stand behind.
    #[inline]
    fn warm_place(&self, instrument: InstrumentId, side: Side, key: u32) -> u64 {
        let Some(market) = self.markets.get(instrument.index()) else { return 0 };
        let (level, last) = market.book.touch(side, key);
        level ^ self.orders.touch(OrderSlot::new(last))
    }
}
