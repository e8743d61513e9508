//! New orders: from the client's words to a taker, and from what is left of the taker to the book.
//!
//! Invariant: checks run in reject order, so the first that fails is the reject; nothing is modified before the last
//! has passed, but the session's numbers, which every command uses up. Orders with instructions and without share the
//! one sequence of checks.

use super::checks::{Ahead, Checks, check_reduce_only, check_restriction, trader_of};
use super::fillable::Walk;
use super::instructions::places;
use super::matching::{Purpose, Taker};
use super::{Venue, Verdict};
use crate::command::{ClientOrderId, Instructions, NewOrder, SelfTrade, SessionId, TimeInForce};
use crate::event::{Event, Events};
use crate::orders::{NewSlot, Terms};
use crate::reject::Reject;
use risk::{Account, AccountState, Candidate, LegId, OrderSlot, OwnerGroupId, Position, Price, Qty, Weight};

/// What an order says beyond the plain one. Nothing is a type of its own, so that the checks of a plain order are
/// compiled without those it cannot fail.
pub(super) trait Beyond {
    fn said(&self) -> Option<&Instructions>;
}

/// A plain order's.
pub(super) struct Nothing;

impl Beyond for Nothing {
    #[inline]
    fn said(&self) -> Option<&Instructions> {
        None
    }
}

impl Beyond for Instructions {
    #[inline]
    fn said(&self) -> Option<&Instructions> {
        Some(self)
    }
}

/// An order that passed its checks, but for what it takes up: as it will stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked {
    /// Worst price it trades at; 0 for a market order that sleeps.
    pub(super) limit: Price,
    /// Its quantity, cut to the position where it only reduces; 0 where its trigger decides.
    pub(super) qty: Qty,
    /// The account's leg, where it has one.
    pub(super) leg: Option<LegId>,
    /// The account's owner group.
    pub(super) group: OwnerGroupId,
}

impl Checked {
    /// The order as risk sees it.
    #[inline]
    pub(super) const fn candidate(&self, order: &NewOrder) -> Candidate {
        Candidate {
            account: order.account,
            instrument: order.instrument,
            leg: self.leg,
            side: order.side,
            price: self.limit,
            qty: self.qty,
            reduce_only: order.reduce_only,
            replaces: None,
        }
    }
}

/// The checks of an order, in reject order.
pub(super) trait OrderChecks: Checks {
    /// Everything about an order but the limits and the margin of its account.
    #[inline]
    fn check_order<B: Beyond>(&self, order: &NewOrder, beyond: &B, ahead: Ahead) -> Result<Checked, Reject> {
        let mut checked = self.check_terms(order, beyond, ahead)?;
        if beyond.said().is_some_and(|said| said.trigger.is_some()) {
            return Ok(checked);
        }
        let position = checked.leg.map_or(Position::ZERO, |leg| self.ledger().leg(leg).position);
        checked.qty = check_reduce_only(order, checked.qty, position)?;
        self.check_crossing(order, beyond, &mut checked)?;
        Ok(checked)
    }

    /// Everything about an order that needs no look at the account's position.
    #[inline]
    fn check_terms<B: Beyond>(&self, order: &NewOrder, beyond: &B, ahead: Ahead) -> Result<Checked, Reject> {
        let &Account { state, restriction, group, .. } = trader_of(self.ledger(), order.account)?;
        self.venue().check_market(order, beyond.said())?;
        if state == AccountState::Liquidating {
            return Err(Reject::AccountLiquidating);
        }
        check_restriction(restriction, order.reduce_only)?;
        let said = beyond.said();
        if let Some(said) = said {
            self.venue().check_protection(self.real(order.account), said.protection)?;
        }
        let (limit, qty) = match said {
            None => (self.plain_limit(order)?, order.qty),
            Some(said) => self.venue().special_terms(order, said, group)?,
        };
        let places = said.map_or(1, places);
        let leg = self.check_room(order.account, order.instrument, places, ahead)?;
        Ok(Checked { limit, qty, leg, group })
    }

    /// Combination, quantity, price and value of a plain order; its worst price.
    #[inline]
    fn plain_limit(&self, order: &NewOrder) -> Result<Price, Reject> {
        let rests = order.time_in_force.rests();
        if (order.limit.is_none() && rests) || (order.post_only && !rests) {
            return Err(Reject::BadCombination);
        }
        self.check_quantity(order.instrument, order.qty)?;
        let limit = match order.limit {
            Some(limit) => {
                self.check_price(order.instrument, limit)?;
                self.check_band(order.instrument, order.side, limit)?;
                limit
            }
            None => self.market_limit(order.instrument, order.side)?,
        };
        self.check_value(order.instrument, limit, order.qty)?;
        Ok(limit)
    }

    /// Whether it takes where it must not, or cannot take what it must; a limit that slides is changed.
    #[inline]
    fn check_crossing<B: Beyond>(
        &self,
        order: &NewOrder,
        beyond: &B,
        checked: &mut Checked,
    ) -> Result<(), Reject> {
        let said = beyond.said();
        let key = self.venue().key_of(order.instrument, checked.limit);
        if order.post_only && self.venue().markets[order.instrument.index()].book.crosses(order.side, key) {
            let slid =
                said.filter(|said| said.slides).and_then(|_| self.venue().slid(order.instrument, order.side));
            checked.limit = slid.ok_or(Reject::PostOnlyWouldCross)?;
        }
        let least = said.map_or(Qty::ZERO, |said| said.min_qty);
        let is_whole = order.time_in_force == TimeInForce::FillOrKill;
        if !is_whole && least == Qty::ZERO {
            return Ok(());
        }
        let walk = Walk {
            account: self.real(order.account),
            group: checked.group,
            instrument: order.instrument,
            side: order.side,
            key,
            mode: said.map_or(SelfTrade::CancelTaker, |said| said.self_trade),
        };
        if is_whole && !self.venue().can_fill(&walk, checked.qty) {
            return Err(Reject::FokNotFillable);
        }
        if least > checked.qty || (least > Qty::ZERO && !self.venue().can_fill(&walk, least)) {
            return Err(Reject::MinQtyNotFillable);
        }
        Ok(())
    }
}

impl<C: Checks> OrderChecks for C {}

impl Venue {
    pub(super) fn new_order(
        &mut self,
        session: SessionId,
        client_order_id: ClientOrderId,
        order: &NewOrder,
        events: &mut Events,
    ) -> Verdict {
        let (mut order, acting) = (order, self.acting_account(order.account, order.instrument)?);
        let instead;
        if acting != order.account {
            instead = NewOrder { account: acting, ..*order };
            order = &instead;
        }
        let checked = self.check_order(order, &Nothing, Ahead::default())?;
        let feed = self.admit(&checked.candidate(order))?;

        self.feed(order.account, feed, events);
        let terms = Terms::new(session, client_order_id);
        let (slot, leg) = self.accept(terms, order, &Nothing, &checked, events);
        self.ledger.stands_as_admitted(leg);
        let taker = Taker {
            account: order.account,
            group: checked.group,
            instrument: order.instrument,
            leg,
            side: order.side,
            key: self.orders.get(slot).key,
            leaves: checked.qty,
            traded: false,
            first: 0,
            last: 0,
            purpose: Purpose::Order { slot, rests: order.time_in_force.rests() },
        };
        self.take_and_settle(taker, events);
        Ok(())
    }

    /// Stores an order that passed all checks; it is in no book, and reserves nothing while it sleeps. Its slot and its
    /// leg.
    #[inline]
    pub(super) fn accept<B: Beyond>(
        &mut self,
        terms: Terms,
        order: &NewOrder,
        beyond: &B,
        checked: &Checked,
        events: &mut Events,
    ) -> (OrderSlot, LegId) {
        let &Checked { limit, qty, leg, .. } = checked;
        let sleeps = beyond.said().is_some_and(|said| said.trigger.is_some());
        let weight = if sleeps { Weight::None } else { Weight::of(order.reduce_only) };
        let slot = self.orders.allocate(&NewSlot {
            instrument: order.instrument,
            account: order.account,
            side: order.side,
            key: self.key_of(order.instrument, limit),
            qty,
            reduce_only: order.reduce_only,
            persistent: order.persistent,
            terms,
        });
        self.clients.insert(terms.session, terms.client_order_id, slot);
        let leg = leg.unwrap_or_else(|| self.ledger.leg_for(order.account, order.instrument));
        self.ledger.reserve(slot, leg, order.side, limit, qty, weight);
        events.push(Event::Accepted {
            order: self.orders.id(slot),
            client_order_id: terms.client_order_id,
            session: terms.session,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            limit,
            qty,
            time_in_force: order.time_in_force,
            reduce_only: order.reduce_only,
        });
        (slot, leg)
    }
}
