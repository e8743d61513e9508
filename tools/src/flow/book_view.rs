//! What a client knows of the books: the resting orders of its session and the depth they make up.
//!
//! Invariant: the view is a fold over events. It is as old as the events it was told, and it is empty where it was
//! told none. Cost: O(log orders) per event.

use std::collections::BTreeMap;

use engine::{ClientOrderId, Event, FillSide, OrderId, TimeInForce};
use risk::{AccountId, InstrumentId, Price, Qty, Side};

/// A resting order as last heard of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownOrder {
    /// The venue's number.
    pub order: OrderId,
    /// Owner.
    pub account: AccountId,
    /// Where.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// Limit price.
    pub price: Price,
    /// Total quantity, filled parts included.
    pub total: Qty,
    /// What remains.
    pub leaves: Qty,
    /// Whether it only reduces.
    pub reduce_only: bool,
}

/// Quantity by price on one side of one instrument.
type Depth = BTreeMap<Price, Qty>;

/// Resting orders by client number, and depth by instrument and side.
#[derive(Clone, Debug, Default)]
pub struct BookView {
    orders: BTreeMap<ClientOrderId, KnownOrder>,
    numbers: BTreeMap<OrderId, ClientOrderId>,
    bids: BTreeMap<InstrumentId, Depth>,
    asks: BTreeMap<InstrumentId, Depth>,
    heard_up_to: ClientOrderId,
}

impl BookView {
    /// A resting order.
    #[must_use]
    pub fn order(&self, number: ClientOrderId) -> Option<&KnownOrder> {
        self.orders.get(&number)
    }

    /// Every resting order, by ascending client number.
    pub fn orders(&self) -> impl Iterator<Item = (ClientOrderId, &KnownOrder)> {
        self.orders.iter().map(|(number, order)| (*number, order))
    }

    /// Whether nothing has been heard of this order yet: it is still on its way.
    #[must_use]
    pub fn is_unheard(&self, number: ClientOrderId) -> bool {
        number > self.heard_up_to
    }

    /// Best price of a side.
    #[must_use]
    pub fn best(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.bids.get(&instrument)?.last_key_value().map(|(price, _)| *price),
            Side::Sell => self.asks.get(&instrument)?.first_key_value().map(|(price, _)| *price),
        }
    }

    /// Folds one event in.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "flows place plain orders: the other events change none of them"
    )]
    pub fn learn(&mut self, event: &Event) {
        match *event {
            Event::Rejected { client_order_id, .. } => self.hear(client_order_id),
            Event::Accepted {
                order,
                client_order_id,
                account,
                instrument,
                side,
                limit,
                qty,
                time_in_force,
                reduce_only,
                ..
            } => {
                self.hear(client_order_id);
                if time_in_force == TimeInForce::GoodTillCancel {
                    let (price, total, leaves) = (limit, qty, qty);
                    let known =
                        KnownOrder { order, account, instrument, side, price, total, leaves, reduce_only };
                    self.insert(client_order_id, known);
                }
            }
            Event::Fill(fill) => {
                self.fill_side(&fill.maker);
                self.fill_side(&fill.taker);
            }
            Event::Cancelled { client_order_id, .. } => {
                self.remove(client_order_id);
            }
            Event::Amended { client_order_id, limit, qty, leaves, .. } => {
                if let Some(known) = self.remove(client_order_id) {
                    self.insert(client_order_id, KnownOrder { price: limit, total: qty, leaves, ..known });
                }
            }
            Event::Trimmed { order, leaves, .. } => {
                if let Some(number) = self.numbers.get(&order).copied()
                    && let Some(known) = self.remove(number)
                {
                    let total = known.total - (known.leaves - leaves);
                    self.insert(number, KnownOrder { total, leaves, ..known });
                }
            }
            _ => {}
        }
    }

    fn hear(&mut self, number: ClientOrderId) {
        self.heard_up_to = self.heard_up_to.max(number);
    }

    fn fill_side(&mut self, side: &FillSide) {
        if let Some(known) = self.remove(side.client_order_id)
            && side.leaves > Qty::ZERO
        {
            self.insert(side.client_order_id, KnownOrder { leaves: side.leaves, ..known });
        }
    }

    fn depth(&mut self, instrument: InstrumentId, side: Side) -> &mut Depth {
        match side {
            Side::Buy => self.bids.entry(instrument).or_default(),
            Side::Sell => self.asks.entry(instrument).or_default(),
        }
    }

    fn insert(&mut self, number: ClientOrderId, known: KnownOrder) {
        *self.depth(known.instrument, known.side).entry(known.price).or_default() += known.leaves;
        self.numbers.insert(known.order, number);
        self.orders.insert(number, known);
    }

    fn remove(&mut self, number: ClientOrderId) -> Option<KnownOrder> {
        let known = self.orders.remove(&number)?;
        self.numbers.remove(&known.order);
        let depth = self.depth(known.instrument, known.side);
        if let Some(qty) = depth.get_mut(&known.price) {
            *qty -= known.leaves;
            if *qty <= Qty::ZERO {
                depth.remove(&known.price);
            }
        }
        Some(known)
    }
}
