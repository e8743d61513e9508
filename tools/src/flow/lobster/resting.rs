//! What a LOBSTER flow believes to rest in the venue's book.
//!
//! Invariant: the three indexes (number, exchange id, price and number per side) hold the same orders. What went while
//! the file still has it is remembered until the file ends it too. Cost: O(log orders).

use std::collections::{BTreeMap, BTreeSet};

use engine::ClientOrderId;
use risk::{AccountId, Price, Qty, Side};

/// An order as the file has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Intended {
    pub(super) lobster: u64,
    pub(super) number: ClientOrderId,
    pub(super) account: AccountId,
    pub(super) side: Side,
    pub(super) price: Price,
    /// Total quantity at the venue, filled parts included.
    pub(super) total: Qty,
    pub(super) leaves: Qty,
}

/// Orders believed to rest.
#[derive(Debug, Default)]
pub(super) struct Resting {
    orders: BTreeMap<ClientOrderId, Intended>,
    numbers: BTreeMap<u64, ClientOrderId>,
    bids: BTreeSet<(Price, ClientOrderId)>,
    asks: BTreeSet<(Price, ClientOrderId)>,
    /// Exchange ids that are gone at the venue but not in the file.
    gone: BTreeSet<u64>,
}

impl Resting {
    pub(super) fn insert(&mut self, intended: Intended) {
        // An id that is added twice names the later order from now on; the earlier one stays known by its number.
        self.numbers.insert(intended.lobster, intended.number);
        self.side(intended.side).insert((intended.price, intended.number));
        self.orders.insert(intended.number, intended);
    }

    pub(super) fn by_lobster(&self, lobster: u64) -> Option<&Intended> {
        self.orders.get(self.numbers.get(&lobster)?)
    }

    /// Whether the file still has this order though it is gone here; asked once, when the file ends it.
    pub(super) fn take_gone(&mut self, lobster: u64) -> bool {
        self.gone.remove(&lobster)
    }

    /// The order with the best price of a side.
    pub(super) fn best(&self, side: Side) -> Option<&Intended> {
        let (_, number) = match side {
            Side::Buy => self.bids.last()?,
            Side::Sell => self.asks.first()?,
        };
        self.orders.get(number)
    }

    /// Takes `size` off an order; off its total too when it is cancelled rather than executed.
    pub(super) fn reduce(&mut self, number: ClientOrderId, size: Qty, cancelled: bool) {
        let Some(intended) = self.orders.get_mut(&number) else { return };
        intended.leaves -= size;
        if cancelled {
            intended.total -= size;
        }
        if intended.leaves <= Qty::ZERO {
            self.remove(number);
        }
    }

    /// Corrects an order by what the venue says remains of it; more than believed is on its way to be less.
    pub(super) fn learn_leaves(&mut self, number: ClientOrderId, leaves: Qty) {
        let Some(intended) = self.orders.get_mut(&number) else { return };
        intended.leaves = intended.leaves.min(leaves);
        if intended.leaves <= Qty::ZERO {
            self.lose(number);
        }
    }

    /// The order is gone though the file still has it.
    pub(super) fn lose(&mut self, number: ClientOrderId) {
        if let Some(intended) = self.orders.get(&number) {
            self.gone.insert(intended.lobster);
            self.remove(number);
        }
    }

    /// The file ended the order.
    pub(super) fn remove(&mut self, number: ClientOrderId) {
        if let Some(intended) = self.orders.remove(&number) {
            if self.numbers.get(&intended.lobster) == Some(&number) {
                self.numbers.remove(&intended.lobster);
            }
            self.side(intended.side).remove(&(intended.price, number));
        }
    }

    fn side(&mut self, side: Side) -> &mut BTreeSet<(Price, ClientOrderId)> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}
