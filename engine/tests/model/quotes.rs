//! Mass quotes: both sides of a market maker's price, each replacing what stood there.

use engine::limits::QUOTES_MAX;
use engine::{
    AdvancedOrder, CancelReason, ClientOrderId, Event, Instructions, MassQuote, NewOrder, Quote, Reject,
    SessionId, TimeInForce,
};
use risk::{Price, Qty, Side};
use std::collections::BTreeSet;

use super::orders::Request;
use super::state::Order;
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

/// Whether a request contradicts itself.
fn contradicts(quotes: &[Quote]) -> bool {
    let places: BTreeSet<_> = quotes.iter().map(|quote| (quote.instrument, quote.level)).collect();
    let crosses = |quote: &Quote| {
        quote.bid_qty.get() != 0 && quote.ask_qty.get() != 0 && quote.bid >= quote.ask
    };
    quotes.is_empty()
        || quotes.len() > QUOTES_MAX
        || places.len() < quotes.len()
        || quotes.iter().any(|quote| quote.level > 15 || crosses(quote))
}

impl Model {
    pub(crate) fn mass_quote(&mut self, request: Request, asked: &MassQuote) -> Result<(), Refusal> {
        self.user_account(asked.account)?;
        self.free_account(asked.account)?;
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
            match self.quote_half(session, asked, half) {
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

    fn standing(&self, session: SessionId, asked: &MassQuote, half: &Half) -> Option<Order> {
        self.resolve(session, asked.account, engine::OrderRef::Client(half.client()))
    }

    /// Takes one side, or refuses it and withdraws what stands there.
    fn quote_half(&mut self, session: SessionId, asked: &MassQuote, half: &Half) -> Result<(), Refusal> {
        let standing = self.standing(session, asked, half);
        if half.qty.get() == 0 {
            if let Some(old) = standing {
                self.cancel(old.id, CancelReason::Replaced);
            }
            return Ok(());
        }
        match self.check_half(session, asked, half) {
            Ok((order, true)) => {
                self.orders.insert(order.id, order);
                self.emit_amended(order.id, true);
            }
            Ok((order, false)) if standing.is_some() => {
                self.requeue(order);
                self.start_taker(order.id);
            }
            Ok((order, false)) => {
                let id = self.accept(order);
                self.start_taker(id);
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

    /// Every rule one side can break; its order as it will be, and whether it keeps its place.
    fn check_half(
        &self,
        session: SessionId,
        asked: &MassQuote,
        half: &Half,
    ) -> Result<(Order, bool), Refusal> {
        let advanced = Self::order_of_half(asked, half);
        let Some(old) = self.standing(session, asked, half) else {
            return Ok((self.check_new((session, half.client()), &advanced)?, false));
        };
        let (limit, leaves) = (i128::from(half.price.get()), i128::from(half.qty.get()));
        let keeps = limit == old.price && leaves <= old.leaves;
        let mut order = Order { post_only: true, ..old };
        if !self.admits(&order) {
            return Err(Reject::NotTrading.into());
        }
        self.unrestricted(asked.account, keeps)?;
        order.said.protection = asked.protection;
        self.check_qty(&order, leaves)?;
        self.check_prices(&order, Some(limit))?;
        if self.instruments[order.instrument.index()].mark.is_none() {
            return Err(Reject::NoMarkPrice.into());
        }
        if keeps {
            order.lessen(old.leaves - leaves);
            return Ok((order, true));
        }
        (order.price, order.leaves) = (limit, leaves);
        self.check_size(&order, false)?;
        self.check_take_now(&mut order)?;
        let now = self.weighing(asked.account);
        self.check_exposure(&order, &now, Some(old.id))?;
        self.check_margin(&order, &now, Some(old.id))?;
        Ok((order, false))
    }

    /// All or none: each side against the state before, then limits and margin for all together.
    fn check_halves(&self, session: SessionId, asked: &MassQuote, halves: &[Half]) -> Result<(), Refusal> {
        let mut replaced = BTreeSet::new();
        let mut orders = Vec::new();
        for half in halves {
            replaced.extend(self.standing(session, asked, half).map(|old| old.id));
            if half.qty.get() != 0 {
                orders.push(self.check_half(session, asked, half)?.0);
            }
        }
        let mut now = self.weighing(asked.account);
        now.retain(|order| !replaced.contains(&order.id));
        for order in &orders {
            self.check_exposure(order, &now, None)?;
            self.check_margin(order, &now, None)?;
            now.push(order);
        }
        Ok(())
    }
}
