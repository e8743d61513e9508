//! Mass quotes.
//!
//! Invariant: a session has at most one order per instrument, level and side by its quotes, under a client number that
//! follows from the three, so the client index finds it; none of them takes. What one request replaces is in nobody's
//! way, so a quote may move past where its own other side stood.

use super::checks::{Ahead, Checks, check_restriction};
use super::new_order::Checked;
use super::{Refusal, Venue, Verdict};
use crate::command::{
    ClientOrderId, Instructions, MassQuote, NewOrder, ProtectionId, Quote, SessionId, TimeInForce,
};
use crate::conditions::Stage;
use crate::event::{CancelReason, Event, Events};
use crate::limits::{QUOTE_LEVELS, QUOTE_NUMBERS, QUOTES_MAX};
use crate::orders::Terms;
use crate::reject::Reject;
use risk::{Account, AccountId, AccountState, Candidate, InstrumentId, Money, OrderSlot, Price, Qty, Side};

/// Sides of the largest request.
const SIDES_MAX: usize = 2 * QUOTES_MAX;

const NO_CANDIDATE: Candidate = Candidate {
    account: AccountId::new(0),
    instrument: InstrumentId::new(0),
    leg: None,
    side: Side::Buy,
    price: Price::new(0),
    qty: Qty::ZERO,
    reduce_only: false,
    replaces: None,
};

/// A request, and by whom and under which number it came.
#[derive(Clone, Copy, Debug)]
struct Request<'r> {
    session: SessionId,
    client_order_id: ClientOrderId,
    quotes: &'r MassQuote,
}

/// One side of a quote.
#[derive(Clone, Copy, Debug)]
struct QuoteSide {
    instrument: InstrumentId,
    level: u8,
    side: Side,
    price: Price,
    qty: Qty,
}

impl QuoteSide {
    /// Of a request, in the order they are taken.
    fn all(quotes: &[Quote]) -> impl Iterator<Item = Self> + '_ {
        quotes.iter().flat_map(|quote| {
            let &Quote { instrument, level, bid, bid_qty, ask, ask_qty } = quote;
            let side = |side, price, qty| Self { instrument, level, side, price, qty };
            [side(Side::Buy, bid, bid_qty), side(Side::Sell, ask, ask_qty)]
        })
    }

    /// The client number of its order.
    fn number(&self) -> ClientOrderId {
        let place = u64::from(self.instrument.get()) * u64::from(QUOTE_LEVELS) + u64::from(self.level);
        ClientOrderId::new(QUOTE_NUMBERS + place * 2 + u64::from(self.side == Side::Sell))
    }

    /// Its order.
    const fn order(&self, account: AccountId) -> NewOrder {
        NewOrder {
            account,
            instrument: self.instrument,
            side: self.side,
            qty: self.qty,
            limit: Some(self.price),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: true,
            reduce_only: false,
            persistent: false,
        }
    }
}

/// What comes of a side that passed its checks.
#[derive(Clone, Copy, Debug)]
enum Plan {
    /// Nothing is wanted, and nothing stands there.
    Nothing,
    /// What stands there goes.
    Withdraw(OrderSlot),
    /// It becomes smaller, or stays as it is, and keeps its place.
    Keep(OrderSlot),
    /// It joins the end of its level, in the place of another or anew.
    Join(Candidate),
}

impl Venue {
    #[inline(never)]
    pub(super) fn mass_quote(
        &mut self,
        session: SessionId,
        client_order_id: ClientOrderId,
        quotes: &MassQuote,
        events: &mut Events,
    ) -> Verdict {
        self.check_request(quotes)?;
        let request = Request { session, client_order_id, quotes };
        if quotes.all_or_none {
            self.check_sides_together(&request, events)?;
        }

        let (mut taken, mut refused) = (0, 0);
        for side in QuoteSide::all(&quotes.quotes) {
            match self.admit_side(&request, &side) {
                Ok((plan, feed)) => {
                    if let Plan::Join(candidate) = &plan {
                        self.feed(candidate.account, feed, events);
                    }
                    self.carry_out(&request, &side, plan, events);
                    taken += 1;
                }
                Err(refusal) => {
                    self.refuse_side(&request, &side, refusal, events);
                    refused += 1;
                }
            }
        }
        let account = quotes.account;
        events.push(Event::MassQuoted { session, client_order_id, account, taken, refused });
        Ok(())
    }

    /// What concerns the request as a whole: account, protection group, shape.
    fn check_request(&self, quotes: &MassQuote) -> Result<(), Reject> {
        let &Account { state, restriction, .. } = self.user(quotes.account)?;
        if state == AccountState::Liquidating {
            return Err(Reject::AccountLiquidating);
        }
        check_restriction(restriction, false)?;
        self.check_protection(quotes.account, quotes.protection)?;
        if is_well_formed(&quotes.quotes) { Ok(()) } else { Err(Reject::BadCombination) }
    }

    /// Checks each side by itself, room for it with those before it; then limits and margin of all together.
    fn check_sides_together(&mut self, request: &Request<'_>, events: &mut Events) -> Verdict {
        let mut candidates = [NO_CANDIDATE; SIDES_MAX];
        let (mut count, mut ahead) = (0, Ahead::default());
        for side in QuoteSide::all(&request.quotes.quotes) {
            let before = &candidates[..count];
            let account = self.acting_account(request.quotes.account, side.instrument)?;
            ahead.in_leg = new_in(before, side.instrument);
            // A leg that a side before it opens is there for this one.
            (ahead.legs, ahead.all_legs) = (0, 0);
            for one in opening(before).filter(|one| one.instrument != side.instrument) {
                ahead.legs += u32::from(one.account == account);
                ahead.all_legs += 1;
            }
            let candidate = match self.plan(request, &side, ahead)? {
                Plan::Nothing | Plan::Keep(_) => continue,
                Plan::Withdraw(slot) => self.candidate(request, &side, Some(slot)),
                Plan::Join(candidate) => candidate,
            };
            ahead.orders += u32::from(candidate.replaces.is_none());
            candidates[count] = candidate;
            count += 1;
        }
        self.admit_together(&candidates[..count]).map_err(|(_, refusal)| refusal)?;

        self.feed_family(&candidates[..count], events);
        Ok(())
    }

    /// What comes of a side as things stand, and what its isolated position gets for it.
    fn admit_side(&mut self, request: &Request<'_>, side: &QuoteSide) -> Result<(Plan, Money), Refusal> {
        let plan = self.plan(request, side, Ahead::default())?;
        let mut feed = Money::ZERO;
        if let Plan::Join(candidate) = &plan
            && !request.quotes.all_or_none
        {
            feed = self.admit(candidate)?;
        }
        Ok((plan, feed))
    }

    /// The rules of one side but the limits and the margin of its account.
    fn plan(&self, request: &Request<'_>, side: &QuoteSide, ahead: Ahead) -> Result<Plan, Reject> {
        let account = self.acting_account(request.quotes.account, side.instrument)?;
        let standing = self.clients.find(&self.orders, request.session, side.number());
        if standing.is_some_and(|slot| self.orders.get(slot).account != account) {
            return Err(Reject::DuplicateClientOrderId);
        }
        let &QuoteSide { instrument, price, qty, .. } = side;
        if qty == Qty::ZERO {
            return Ok(standing.map_or(Plan::Nothing, Plan::Withdraw));
        }
        self.check_market(&side.order(account), None)?;
        if self.is_liquidating(account) {
            return Err(Reject::AccountLiquidating);
        }
        self.check_quantity(instrument, qty)?;
        self.check_price(instrument, price)?;
        let key = self.key_of(instrument, price);
        let keeps_place =
            |slot: &OrderSlot| self.orders.get(*slot).key == key && qty <= self.orders.leaves(*slot);
        if let Some(slot) = standing.filter(keeps_place) {
            return Ok(Plan::Keep(slot));
        }
        self.check_band(instrument, side.side, price)?;
        self.check_value(instrument, price, qty)?;
        if standing.is_none() {
            self.check_room(account, instrument, 1, ahead)?;
        }
        if self.is_in_the_way(request, side, key) {
            return Err(Reject::PostOnlyWouldCross);
        }
        Ok(Plan::Join(self.candidate(request, side, standing)))
    }

    /// Whether it would meet an order that the request does not replace. It replaces few, so few are looked at.
    fn is_in_the_way(&self, request: &Request<'_>, side: &QuoteSide, key: u32) -> bool {
        let book = &self.markets[side.instrument.index()].book;
        let mut next = book.front(side.side, key);
        while let Some(maker) = next {
            if !self.is_replaced(request, maker) {
                return true;
            }
            next = book.behind(&self.orders, maker, side.side, key);
        }
        false
    }

    fn is_replaced(&self, request: &Request<'_>, slot: OrderSlot) -> bool {
        let (order, terms) = (self.orders.get(slot), self.orders.terms(slot));
        let is_of_request =
            terms.session == request.session && self.principal(order.account) == request.quotes.account;
        is_of_request
            && QuoteSide::all(&request.quotes.quotes).any(|side| side.number() == terms.client_order_id)
    }

    fn candidate(&self, request: &Request<'_>, side: &QuoteSide, replaces: Option<OrderSlot>) -> Candidate {
        let account = request.quotes.account;
        let account = self.acting_account(account, side.instrument).unwrap_or(account);
        Candidate {
            account,
            instrument: side.instrument,
            leg: self.ledger.find_leg(account, side.instrument),
            side: side.side,
            price: side.price,
            qty: side.qty,
            reduce_only: false,
            replaces,
        }
    }

    /// Makes of a side what was planned.
    fn carry_out(&mut self, request: &Request<'_>, side: &QuoteSide, plan: Plan, events: &mut Events) {
        let account = request.quotes.account;
        let account = self.acting_account(account, side.instrument).unwrap_or(account);
        let (order, group) = (side.order(account), request.quotes.protection);
        match plan {
            Plan::Nothing => {}
            Plan::Withdraw(slot) => self.cancel_and_drop_leg(slot, CancelReason::Replaced, events),
            Plan::Keep(slot) => {
                self.set_protection_of(slot, &order, group);
                self.amend_in_place(slot, side.price, side.qty, events);
            }
            Plan::Join(Candidate { replaces: Some(slot), .. }) => {
                self.set_protection_of(slot, &order, group);
                let key = self.key_of(side.instrument, side.price);
                self.markets[side.instrument.index()].book.remove(&mut self.orders, slot);
                self.renew(slot, side.price, key, side.qty, events);
                self.rest_quote(slot);
            }
            Plan::Join(Candidate { leg, .. }) => {
                let owner = self.group_of(order.account);
                let checked = Checked { limit: side.price, qty: side.qty, leg, group: owner };
                let terms = Terms::new(request.session, side.number());
                let (slot, _) = self.accept(terms, &order, &Instructions::PLAIN, &checked, events);
                self.set_protection_of(slot, &order, group);
                self.rest_quote(slot);
            }
        }
    }

    /// Puts the order of a quote, which meets nobody but what its request replaces, into the book.
    fn rest_quote(&mut self, slot: OrderSlot) {
        self.ledger.begin_resting(slot);
        let instrument = self.orders.get(slot).instrument();
        self.markets[instrument.index()].book.rest(&mut self.orders, slot);
    }

    /// What stood there goes, and the refusal is told.
    fn refuse_side(
        &mut self,
        request: &Request<'_>,
        side: &QuoteSide,
        refusal: Refusal,
        events: &mut Events,
    ) {
        let account = request.quotes.account;
        let standing = self.clients.find(&self.orders, request.session, side.number());
        let is_own = |slot: &OrderSlot| self.principal(self.orders.get(*slot).account) == account;
        if let Some(slot) = standing.filter(is_own) {
            self.cancel_and_drop_leg(slot, CancelReason::Replaced, events);
        }
        events.push(Event::QuoteRefused {
            session: request.session,
            client_order_id: request.client_order_id,
            account,
            instrument: side.instrument,
            level: side.level,
            side: side.side,
            reject: refusal.reject,
            short: refusal.short,
        });
    }

    /// Puts the order of a quote into a protection group, or into none.
    fn set_protection_of(&mut self, slot: OrderSlot, order: &NewOrder, group: ProtectionId) {
        if self.orders.get(slot).is_special() {
            self.orders.conditions_mut(slot).instructions.protection = group;
        } else if group != ProtectionId::default() {
            let instructions = Instructions { protection: group, ..Instructions::PLAIN };
            self.keep_conditions(slot, order, &instructions, Stage::Live);
        }
    }
}

/// How many of the candidates are new orders in the instrument.
fn new_in(candidates: &[Candidate], instrument: InstrumentId) -> u32 {
    let is_new = |candidate: &Candidate| candidate.replaces.is_none() && candidate.instrument == instrument;
    candidates.iter().map(|candidate| u32::from(is_new(candidate))).sum()
}

/// Candidates that open a leg, each leg's first.
fn opening(candidates: &[Candidate]) -> impl Iterator<Item = &Candidate> + '_ {
    candidates.iter().enumerate().filter_map(|(place, one)| {
        let opens = one.leg.is_none() && one.replaces.is_none();
        (opens && new_in(&candidates[..place], one.instrument) == 0).then_some(one)
    })
}

/// Whether levels are levels, nothing is quoted twice, and no bid is at or above an ask of the same instrument.
fn is_well_formed(quotes: &[Quote]) -> bool {
    let is_apart = |(place, quote): (usize, &Quote)| {
        let is_again = |other: &Quote| (other.instrument, other.level) == (quote.instrument, quote.level);
        quote.level < QUOTE_LEVELS
            && !quotes[..place].iter().any(is_again)
            && !quotes.iter().any(|other| crosses(quote, other))
    };
    !quotes.is_empty() && quotes.len() <= QUOTES_MAX && quotes.iter().enumerate().all(is_apart)
}

/// Whether the bid of one quote is at or above the ask of the other, or of itself.
fn crosses(bid: &Quote, ask: &Quote) -> bool {
    let both = bid.bid_qty != Qty::ZERO && ask.ask_qty != Qty::ZERO;
    both && bid.instrument == ask.instrument && bid.bid >= ask.ask
}
