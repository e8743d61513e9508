//! How an order takes: as a plain order does at the venue, and the two rules that plain orders do not have.
//!
//! Invariant: every match is the venue's. Where an own resting order must yield, it is cancelled and what is left of the
//! taker is sent again; where a level is shared in proportion, each share is an order of its own, and the orders that
//! it passes are requeued in turn, so that the level is in its old order at the end.

use engine::TimeInForce;
use risk::{Price, Qty};

use super::Failure;
use super::adapter::{Adapter, Incoming, Trade, Verdict, listed};
use super::matching::Told;
use super::message::{Algorithm, SelfTrade};
use super::number::round_half_even;
use super::resting::{Book, Standing};

/// The smallest quantity.
const LOT: Qty = Qty::new(1);

impl Adapter {
    /// Sends an order and tells its matches.
    pub(super) fn take(&mut self, book: &mut Book, mut incoming: Incoming) -> Verdict {
        let is_whole = incoming.time_in_force == TimeInForce::FillOrKill;
        match self.config.algorithm {
            Algorithm::Fifo if is_whole && self.own_orders_yield(incoming.owner) => {
                if self.reachable(book, &incoming) < incoming.qty {
                    return Ok(Vec::new());
                }
                incoming.time_in_force = TimeInForce::ImmediateOrCancel;
            }
            Algorithm::ProRata if is_whole && self.reachable(book, &incoming) < incoming.qty => {
                return Ok(Vec::new());
            }
            Algorithm::ProRata => return Ok(self.take_shares(book, incoming)?),
            Algorithm::Fifo => {}
        }
        let told = self.place(book, &incoming)?;
        self.go_on(book, incoming, told)
    }

    /// Whether resting orders of an owner yield to what he sends.
    fn own_orders_yield(&self, owner: i64) -> bool {
        self.config.self_trade == SelfTrade::CancelResting && !self.is_free(owner)
    }

    /// What orders of others offer at the order's price or better.
    fn reachable(&self, book: &Book, incoming: &Incoming) -> Qty {
        let queue = book.queue(&self.matching, incoming.side.opposite());
        let reached = queue.iter().take_while(|order| incoming.crosses(order.price));
        let yields = self.own_orders_yield(incoming.owner);
        let others = reached.filter(|order| !(yields && order.named.owner == incoming.owner));
        others.fold(Qty::ZERO, |sum, order| sum + order.leaves)
    }

    /// The matches so far; and where the taker met an order of its own that must yield, the rest of its way.
    pub(super) fn go_on(&mut self, book: &mut Book, mut incoming: Incoming, mut told: Told) -> Verdict {
        let mut trades = self.trades(book, &incoming, &told)?;
        while told.self_trade > Qty::ZERO && self.own_orders_yield(incoming.owner) {
            let queue = book.queue(&self.matching, incoming.side.opposite());
            let met = queue.first().filter(|order| order.named.owner == incoming.owner);
            let met = met.ok_or_else(|| {
                Failure::Disagrees("the venue ended an order at one of another owner".to_owned())
            })?;
            self.matching.cancel(met.named.account, met.number)?;
            incoming.qty = told.self_trade;
            told = self.place(book, &incoming)?;
            trades.extend(self.trades(book, &incoming, &told)?);
        }
        Ok(trades)
    }

    /// Takes level by level in proportion; what is left of a limit order rests.
    fn take_shares(&mut self, book: &mut Book, mut incoming: Incoming) -> Result<Vec<Trade>, Failure> {
        let mut trades = Vec::new();
        let rests = incoming.time_in_force == TimeInForce::GoodTillCancel;
        let instrument = listed(book)?.instrument;
        while incoming.qty > Qty::ZERO {
            let best = self.matching.best(instrument, incoming.side.opposite());
            let Some(price) = best.filter(|&price| incoming.crosses(price)) else { break };
            let left = self.take_level(book, &incoming, price, &mut trades)?;
            if left == incoming.qty {
                break;
            }
            incoming.qty = left;
        }
        if rests && incoming.qty > Qty::ZERO {
            let told = self.place(book, &incoming)?;
            trades.extend(self.trades(book, &incoming, &told)?);
        }
        Ok(trades)
    }

    /// Takes from each order of the best level its share; what is left of the taker.
    fn take_level(
        &mut self,
        book: &mut Book,
        incoming: &Incoming,
        price: Price,
        trades: &mut Vec<Trade>,
    ) -> Result<Qty, Failure> {
        let queue = book.queue(&self.matching, incoming.side.opposite());
        let level: Vec<Standing> = queue.into_iter().take_while(|order| order.price == price).collect();
        let offered: Vec<Qty> = level.iter().map(|order| order.leaves).collect();
        let mut left = incoming.qty;
        for (order, share) in level.iter().zip(shares(incoming.qty, &offered)) {
            if share > Qty::ZERO {
                let time_in_force = TimeInForce::ImmediateOrCancel;
                let part = Incoming { qty: share, limit: Some(price), time_in_force, ..incoming.clone() };
                let told = self.place(book, &part)?;
                let is_its = told.matches.len() == 1
                    && told.matches.iter().all(|one| one.maker == order.number && one.qty == share);
                if !is_its {
                    return Err(Failure::Disagrees(
                        "a share was not matched with the order it is of".to_owned(),
                    ));
                }
                trades.extend(self.trades(book, &part, &told)?);
                left -= share;
            }
            if share < order.leaves {
                self.requeue(book, order, order.leaves - share)?;
            }
        }
        Ok(left)
    }

    /// Sends an order to the end of its queue: by one lot more, which costs it its place, and one lot less, which does
    /// not.
    fn requeue(&mut self, book: &mut Book, order: &Standing, leaves: Qty) -> Result<(), Failure> {
        for leaves in [leaves + LOT, leaves] {
            let told = self.matching.amend(order.named.account, order.number, order.price, leaves)?;
            if !told.priority_kept {
                book.rejoin(order.number);
            }
        }
        Ok(())
    }
}

/// What each order of a level gives: in proportion, to the nearest lot; the last one gives what is still missing.
fn shares(wanted: Qty, offered: &[Qty]) -> Vec<Qty> {
    let total = offered.iter().fold(0, |sum, qty| sum + i128::from(qty.get()));
    let filled = i128::from(wanted.get()).min(total);
    let mut missing = filled;
    let mut share = |place: usize, offer: &Qty| {
        let offer = i128::from(offer.get());
        let proportion =
            if place + 1 == offered.len() { missing } else { round_half_even(filled * offer, total) };
        let given = proportion.min(offer).min(missing);
        missing -= given;
        Qty::new(i64::try_from(given).expect("no more than an order offers"))
    };
    offered.iter().enumerate().map(|(place, offer)| share(place, offer)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(wanted: i64, offered: &[i64]) -> Vec<i64> {
        let offered: Vec<Qty> = offered.iter().map(|&qty| Qty::new(qty)).collect();
        shares(Qty::new(wanted), &offered).into_iter().map(Qty::get).collect()
    }

    #[test]
    fn shares_are_in_proportion_and_add_up() {
        assert_eq!(shared(50, &[60, 30, 10]), [30, 15, 5]);
        assert_eq!(shared(100, &[60, 30, 10]), [60, 30, 10]);
        assert_eq!(shared(500, &[60, 30, 10]), [60, 30, 10]);
        assert_eq!(shared(1, &[1, 1, 1]), [0, 0, 1]);
        assert_eq!(shared(2, &[1, 1, 1]), [1, 1, 0]);
        assert_eq!(shared(7, &[7]), [7]);
        assert_eq!(shared(7, &[]), [0; 0]);
    }
}
