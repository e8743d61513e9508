//! Mass quotes: both sides of a market maker's price, each replacing what stood there.

use engine::limits::QUOTES_MAX;
use engine::{
    AdvancedOrder, CancelReason, ClientOrderId, Event, Instructions, MassQuote, NewOrder, OrderId, Quote,
    Reject, SessionId, TimeInForce,
};
use risk::{AccountId, Price, Qty, Side};
use std::collections::BTreeSet;

use super::orders::Request;
use super::state::{Order, crosses};
use super::{Model, Refusal, money};

/// One side of a quote.
struct Half {
    quote: Quote,
    side: Side,
    price: Price,
    qty: Qty,
}

impl Half {
    fn of(quotes: &[Quote]) -> Vec<Self> {
        let both = |&quote: &Quote| {
            let bid = Self { quote, side: Side::Buy, price: quote.bid, qty: quote.bid_qty };
            [bid, Self { quote, side: Side::Sell, price: quote.ask, qty: quote.ask_qty }]
        };
        quotes.iter().flat_map(both).collect()
    }

    /// The number its order goes by.
    fn client(&self) -> ClientOrderId {
        let side = u64::from(self.side == Side::Sell);
        let place = u64::from(self.quote.instrument.get()) * 32 + u64::from(self.quote.level) * 2 + side;
        ClientOrderId::new((1 << 63) + place)
    }
}

/// What is to become of a side.
enum Wish {
    Nothing,
    Withdraw(OrderId),
    /// Smaller at its price.
    Keep(Order),
    /// A new place, or a new order.
    Join(Order),
}

/// Whether a request contradicts itself.
fn contradicts(quotes: &[Quote]) -> bool {
    let places: BTreeSet<_> = quotes.iter().map(|quote| (quote.instrument, quote.level)).collect();
    let crosses = |quote: &Quote| {
        let asks = quotes.iter().filter(|other| other.instrument == quote.instrument);
        let mut asks = asks.filter(|other| other.ask_qty.get() != 0);
        quote.bid_qty.get() != 0 && asks.any(|other| quote.bid >= other.ask)
    };
    quotes.is_empty()
        || quotes.len() > QUOTES_MAX
        || places.len() < quotes.len()
        || quotes.iter().any(|quote| quote.level > 15 || crosses(quote))
}

impl Model {
    pub(crate) fn mass_quote(&mut self, request: Request, asked: &MassQuote) -> Result<(), Refusal> {
        self.user_account(asked.account)?;
        self.not_liquidating(asked.account)?;
        self.unrestricted(asked.account, false)?;
        self.check_protection(asked.account, asked.protection)?;
        if contradicts(&asked.quotes) {
            return Err(Reject::BadCombination.into());
        }
        let (session, client_order_id) = request;
        let halves = Half::of(&asked.quotes);
        if asked.all_or_none {
            self.check_halves(session, asked, &halves)?;
        }
        let (mut taken, mut refused) = (0, 0);
        for half in &halves {
            match self.quote_half(session, asked, (&halves, half)) {
                Ok(()) => taken += 1,
                Err(refusal) => {
                    refused += 1;
                    self.out.push(Event::QuoteRefused {
                        session,
                        client_order_id,
                        account: asked.account,
                        instrument: half.quote.instrument,
                        level: half.quote.level,
                        side: half.side,
                        reject: refusal.reject,
                        short: money(refusal.short),
                    });
                }
            }
        }
        let account = asked.account;
        self.out.push(Event::MassQuoted { session, client_order_id, account, taken, refused });
        Ok(())
    }

    /// What stands on a side.
    fn standing(&self, session: SessionId, half: &Half) -> Option<Order> {
        let id = self.by_client.get(&(session, half.client()))?;
        self.orders.get(id).copied()
    }

    /// What the account has standing on the sides of a request: in nobody's way.
    fn replaced(&self, session: SessionId, account: AccountId, halves: &[Half]) -> BTreeSet<OrderId> {
        let standing = halves.iter().filter_map(|half| self.standing(session, half));
        standing.filter(|order| self.principal(order.account) == account).map(|order| order.id).collect()
    }

    /// Takes one side, or refuses it and withdraws what stands there.
    fn quote_half(
        &mut self,
        session: SessionId,
        asked: &MassQuote,
        (halves, half): (&[Half], &Half),
    ) -> Result<(), Refusal> {
        let own = |old: &Order| self.principal(old.account) == asked.account;
        let standing = self.standing(session, half).filter(own);
        let checked = self.check_half(session, asked, (halves, half), &[]).and_then(|wish| {
            if let Wish::Join(order) = &wish
                && !asked.all_or_none
            {
                let now = self.weighing(order.account);
                let old = standing.map(|old| old.id);
                self.check_exposure(order, &now, old)?;
                self.check_margin(order, &now, old)?;
            }
            Ok(wish)
        });
        match checked {
            Ok(Wish::Nothing) => {}
            Ok(Wish::Withdraw(old)) => self.cancel(old, CancelReason::Replaced),
            Ok(Wish::Keep(order)) => {
                self.orders.insert(order.id, order);
                self.emit_amended(order.id, true);
            }
            Ok(Wish::Join(order)) if standing.is_some() => {
                self.feed_side(asked, &order, standing.map(|old| old.id));
                self.requeue(order);
                self.rest_quote(order.id);
            }
            Ok(Wish::Join(order)) => {
                self.feed_side(asked, &order, None);
                let id = self.accept(order);
                self.rest_quote(id);
            }
            Err(refusal) => {
                if let Some(old) = standing {
                    self.cancel(old.id, CancelReason::Replaced);
                }
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// Where sides are admitted one by one, each gives its isolated position what it needs.
    fn feed_side(&mut self, asked: &MassQuote, order: &Order, replaced: Option<OrderId>) {
        if !asked.all_or_none {
            self.feed_order(order, replaced);
        }
    }

    /// Quotes never take.
    fn rest_quote(&mut self, id: OrderId) {
        self.order_mut(id).show_anew();
        self.join(id);
    }

    /// A side as the order it asks for.
    fn order_of_half(asked: &MassQuote, half: &Half) -> AdvancedOrder {
        let order = NewOrder {
            account: asked.account,
            instrument: half.quote.instrument,
            side: half.side,
            qty: half.qty,
            limit: Some(half.price),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: true,
            reduce_only: false,
            persistent: false,
        };
        let instructions = Instructions { protection: asked.protection, ..Instructions::PLAIN };
        AdvancedOrder { order, instructions }
    }

    /// Whether it would meet an order that the request does not replace.
    fn in_the_way(&self, session: SessionId, halves: &[Half], order: &Order) -> bool {
        let replaced = self.replaced(session, self.principal(order.account), halves);
        let makers = self.instruments[order.instrument.index()].book.walk(order.side.opposite());
        let others = makers.iter().filter(|id| !replaced.contains(id)).map(|id| &self.orders[id]);
        others.into_iter().any(|maker| crosses(order.side, order.price, maker.price))
    }

    /// Every rule one side can break, but those on the account's limits and margin; what is to become of it.
    fn check_half(
        &self,
        session: SessionId,
        asked: &MassQuote,
        (halves, half): (&[Half], &Half),
        ahead: &[&Order],
    ) -> Result<Wish, Refusal> {
        let standing = self.standing(session, half);
        let acting = self.acting(asked.account, half.quote.instrument)?;
        if standing.is_some_and(|old| old.account != acting) {
            return Err(Reject::DuplicateClientOrderId.into());
        }
        if half.qty.get() == 0 {
            return Ok(standing.map_or(Wish::Nothing, |old| Wish::Withdraw(old.id)));
        }
        let mut order = self.drafted((session, half.client()), &Self::order_of_half(asked, half));
        self.known_instrument(order.instrument)?;
        if !self.admits(&order) {
            return Err(Reject::NotTrading.into());
        }
        self.not_liquidating(acting)?;
        self.check_qty(&order, order.leaves)?;
        self.check_prices(&order, Some(order.price))?;
        if self.instruments[order.instrument.index()].mark.is_none() {
            return Err(Reject::NoMarkPrice.into());
        }
        if let Some(old) = standing {
            let (price, leaves) = (order.price, order.leaves);
            order = Order { said: order.said, post_only: true, ..old };
            if price == old.price && leaves <= old.leaves {
                order.lessen(old.leaves - leaves);
                return Ok(Wish::Keep(order));
            }
            (order.price, order.leaves) = (price, leaves);
        }
        self.check_size(&order, false)?;
        if standing.is_none() {
            self.check_room(&order, ahead)?;
        }
        if self.in_the_way(session, halves, &order) {
            return Err(Reject::PostOnlyWouldCross.into());
        }
        Ok(Wish::Join(order))
    }

    /// All or none: each side against the state before, room for it behind those before it, then limits and margin for
    /// all together.
    fn check_halves(
        &mut self,
        session: SessionId,
        asked: &MassQuote,
        halves: &[Half],
    ) -> Result<(), Refusal> {
        let mut replaced = BTreeSet::new();
        let mut joining: Vec<Order> = Vec::new();
        for half in halves {
            let fresh: Vec<&Order> = joining.iter().filter(|order| order.id.get() == 0).collect();
            match self.check_half(session, asked, (halves, half), &fresh)? {
                Wish::Nothing | Wish::Keep(_) => {}
                Wish::Withdraw(old) => {
                    replaced.insert(old);
                }
                Wish::Join(order) => {
                    replaced.insert(order.id);
                    joining.push(order);
                }
            }
        }
        let all: Vec<&Order> = joining.iter().collect();
        self.check_together(asked.account, &replaced, &all).map_err(|(_, refusal)| refusal)?;
        self.feed_family(&replaced, &joining);
        Ok(())
    }
}
