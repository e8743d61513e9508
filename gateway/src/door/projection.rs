//! The projection: keys, sessions and their numbered frames, folded from the log.
//!
//! Invariant: a pure function of the outcomes in their order. The server folds what becomes durable, recovery folds
//! what is read back, and both have the same frames under the same numbers. Nothing here knows connections or time.

use std::collections::BTreeMap;

use engine::{
    Action, CancelOnLoss, ClientOrderId, ClientSeq, Event, KeyId, KeyTerms, Reject, SessionId, SessionKind,
};
use risk::AccountId;

use super::ring::Ring;
use crate::outcome::Outcome;
use crate::wire::frame::{self, Flags, Prefix};
use crate::wire::message::Message;
use crate::wire::types::I64N;

risk::place!(
    /// Where the projection, and the door beside it, keep a session that came by a key.
    Place
);

/// What names a session: key, tag and kind.
pub type SessionName = (KeyId, u32, u8);

/// A registered key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    /// As registered.
    pub terms: KeyTerms,
    /// Whether it admits to nothing any more.
    pub revoked: bool,
}

/// A session that came by a key, as the log has it.
#[derive(Clone, Debug)]
pub struct LoggedSession {
    /// The venue's number of it.
    pub session: SessionId,
    /// By which key.
    pub key: KeyId,
    /// The key's number for it.
    pub tag: u32,
    /// What for.
    pub kind: SessionKind,
    /// The account it acts for.
    pub account: AccountId,
    /// What is cancelled when it is lost.
    pub on_loss: CancelOnLoss,
    /// Grace in milliseconds.
    pub grace_ms: u32,
    /// Whether a connection has taken it up and neither ended nor lost it.
    pub is_logged_on: bool,
    /// Last number that was used up.
    pub last_client_seq: ClientSeq,
    /// Last client order number that was used up when it last logged on.
    pub last_client_order_id: ClientOrderId,
    /// Its recent frames.
    pub(super) ring: Ring,
    /// Whether the command being folded gave it a frame.
    touched: bool,
}

impl LoggedSession {
    /// Number of its next frame.
    #[must_use]
    pub const fn next_number(&self) -> u64 {
        self.ring.next()
    }

    /// Number of its oldest frame that is kept.
    #[must_use]
    pub fn oldest_number(&self) -> u64 {
        self.ring.oldest()
    }

    /// What names it.
    #[must_use]
    pub const fn name(&self) -> SessionName {
        (self.key, self.tag, self.kind as u8)
    }
}

/// Sessions that hear of an account.
#[derive(Clone, Default, Debug)]
pub(super) struct Audience {
    /// They trade for it.
    pub(super) traders: Vec<Place>,
    /// They only read.
    pub(super) copies: Vec<Place>,
}

/// Keys, sessions and their frames.
#[derive(Clone, Debug)]
pub struct Projection {
    ring_bytes: usize,
    keys: BTreeMap<KeyId, Key>,
    names: BTreeMap<SessionName, Place>,
    /// By session number; `NONE` for sessions in the same process.
    places: Vec<Place>,
    sessions: Vec<LoggedSession>,
    /// By account.
    audiences: Vec<Audience>,
    /// Sessions of operators.
    operators: Vec<Place>,
    /// The level of each deleveraging that is being carried out, where there is one.
    levels: BTreeMap<u64, I64N>,
    /// Whom an isolated position acts for.
    principals: BTreeMap<AccountId, AccountId>,
    /// Sessions that the last command gave a frame.
    touched: Vec<Place>,
    scratch: Vec<u8>,
}

impl Projection {
    /// Nothing yet; keeps at most `ring_bytes` octets of frames per session, rounded up to a power of two.
    #[must_use]
    pub fn new(ring_bytes: usize) -> Self {
        Self {
            ring_bytes,
            keys: BTreeMap::new(),
            names: BTreeMap::new(),
            places: Vec::new(),
            sessions: Vec::new(),
            audiences: Vec::new(),
            operators: Vec::new(),
            levels: BTreeMap::new(),
            principals: BTreeMap::new(),
            touched: Vec::new(),
            scratch: Vec::with_capacity(256),
        }
    }

    /// Folds the next outcome.
    pub fn apply(&mut self, outcome: &Outcome<'_>) {
        for place in self.touched.drain(..) {
            self.sessions[place.index()].touched = false;
        }
        self.take_numbers(outcome);
        for event in outcome.events {
            self.note(outcome, event);
            self.route(outcome, event);
        }
        self.route_phase(outcome);
        for place in &self.touched {
            self.sessions[place.index()].ring.flag_newest(Flags::END_OF_EVENT);
        }
    }

    /// A key.
    #[must_use]
    pub fn key(&self, key: KeyId) -> Option<&Key> {
        self.keys.get(&key)
    }

    /// A session that came by a key.
    #[must_use]
    pub fn session(&self, session: SessionId) -> Option<&LoggedSession> {
        self.place(session).map(|place| &self.sessions[place.index()])
    }

    /// Every session that came by a key, in the order in which they first came.
    #[must_use]
    pub fn sessions(&self) -> &[LoggedSession] {
        &self.sessions
    }

    /// Octets that frames take, space held ready included.
    #[must_use]
    pub fn ring_space(&self) -> usize {
        self.sessions.iter().map(|session| session.ring.space()).sum()
    }

    #[inline]
    pub(super) fn place(&self, session: SessionId) -> Option<Place> {
        let place = self.places.get(usize::try_from(session.get()).ok()?).copied();
        place.and_then(Place::some)
    }

    pub(super) fn place_of_name(&self, name: SessionName) -> Option<Place> {
        self.names.get(&name).copied()
    }

    #[inline]
    pub(super) fn at(&self, place: Place) -> &LoggedSession {
        &self.sessions[place.index()]
    }

    /// Sessions that the last command gave a frame.
    pub(super) fn touched(&self) -> &[Place] {
        &self.touched
    }

    /// The session's own numbers, as the engine counts them.
    #[inline]
    fn take_numbers(&mut self, outcome: &Outcome<'_>) {
        let command = outcome.command;
        if command.client_seq == ClientSeq::default() {
            return;
        }
        let Some(place) = self.place(command.session) else { return };
        let used_nothing = |event: &Event| {
            let Event::Rejected { reject, .. } = event else { return false };
            let unnumbered =
                [Reject::SequenceReplayed, Reject::SequenceGap, Reject::VenuePending, Reject::UnknownSession];
            unnumbered.contains(reject)
        };
        if outcome.events.first().is_some_and(used_nothing) {
            return;
        }
        let session = &mut self.sessions[place.index()];
        session.last_client_seq = command.client_seq;
    }

    /// What an event says of keys and sessions.
    #[inline]
    fn note(&mut self, outcome: &Outcome<'_>, event: &Event) {
        if let Event::KeyRegistered { key, .. } = event {
            if let Action::RegisterKey { terms, .. } = &outcome.command.action {
                self.keys.insert(*key, Key { terms: (**terms).clone(), revoked: false });
            }
        } else if let Event::KeyRevoked { key } = event {
            if let Some(known) = self.keys.get_mut(key) {
                known.revoked = true;
            }
        } else if let Event::LoggedOn { .. } = event {
            self.logged_on(event);
        } else if let Event::MarginModeSet { account, acting, .. } = event {
            if acting != account {
                self.principals.insert(*acting, *account);
            }
        } else if let Event::LoggedOff { session, .. } = event
            && let Some(place) = self.place(*session)
        {
            self.sessions[place.index()].is_logged_on = false;
        }
    }

    fn logged_on(&mut self, event: &Event) {
        let Event::LoggedOn {
            session,
            key,
            tag,
            kind,
            account,
            on_loss,
            grace_ms,
            last_client_seq,
            last_client_order_id,
        } = *event
        else {
            return;
        };
        let Some(place) = self.place(session).or_else(|| self.open(session, (key, tag, kind as u8))) else {
            return;
        };
        if place.index() == self.sessions.len() {
            self.listen(account, kind, place);
            self.sessions.push(LoggedSession {
                session,
                key,
                tag,
                kind,
                account,
                on_loss,
                grace_ms,
                is_logged_on: true,
                last_client_seq,
                last_client_order_id,
                ring: Ring::new(self.ring_bytes),
                touched: false,
            });
            return;
        }
        let known = &mut self.sessions[place.index()];
        known.is_logged_on = true;
        (known.on_loss, known.grace_ms) = (on_loss, grace_ms);
        (known.last_client_seq, known.last_client_order_id) = (last_client_seq, last_client_order_id);
    }

    /// A place for a session that has none yet.
    fn open(&mut self, session: SessionId, name: SessionName) -> Option<Place> {
        let index = usize::try_from(session.get()).ok()?;
        let place = Place::new(u32::try_from(self.sessions.len()).ok()?);
        if self.places.len() <= index {
            self.places.resize(index + 1, Place::NONE);
        }
        self.places[index] = place;
        self.names.insert(name, place);
        Some(place)
    }

    /// Enters a new session among those that hear of its account.
    fn listen(&mut self, account: AccountId, kind: SessionKind, place: Place) {
        let Ok(index) = usize::try_from(account.get()) else { return };
        match kind {
            SessionKind::OrderEntry | SessionKind::DropCopy => {
                if self.audiences.len() <= index {
                    self.audiences.resize_with(index + 1, Audience::default);
                }
                let audience = &mut self.audiences[index];
                let list =
                    if kind == SessionKind::DropCopy { &mut audience.copies } else { &mut audience.traders };
                list.push(place);
            }
            SessionKind::Admin => self.operators.push(place),
            SessionKind::Local | SessionKind::Oracle => {}
        }
    }

    /// Those who hear of an account, if anybody does. Of an isolated position those hear whom it acts for.
    #[inline]
    pub(super) fn audience(&self, account: AccountId) -> Option<&Audience> {
        self.audiences.get(usize::try_from(self.principal(account).get()).ok()?)
    }

    /// The account that acts by itself: an isolated position acts for another.
    #[inline]
    pub(super) fn principal(&self, account: AccountId) -> AccountId {
        if self.principals.is_empty() { account } else { self.principal_of(account) }
    }

    #[cold]
    fn principal_of(&self, account: AccountId) -> AccountId {
        self.principals.get(&account).copied().unwrap_or(account)
    }

    /// The level that a deleveraging cuts holders to, as last decided.
    pub(super) fn level_of(&self, request: u64) -> I64N {
        self.levels.get(&request).copied().unwrap_or(I64N::NONE)
    }

    /// Keeps the level that was decided; none is forgotten.
    pub(super) fn set_level(&mut self, request: u64, level: I64N) {
        if level == I64N::NONE {
            self.levels.remove(&request);
        } else {
            self.levels.insert(request, level);
        }
    }

    /// Whether a session acts for an account, or for whom that acts for.
    #[inline]
    pub(super) fn acts_for(&self, place: Place, account: AccountId) -> bool {
        self.at(place).account == self.principal(account)
    }

    /// Encodes a message for whoever [`Self::give`] names next.
    #[inline]
    pub(super) fn stage<M: Message>(&mut self, message: &M) {
        self.scratch.clear();
        frame::append(Prefix::default(), message, &mut self.scratch);
    }

    /// Gives the staged message to a session, under its next number.
    #[inline]
    pub(super) fn give(&mut self, place: Place) {
        let session = &mut self.sessions[place.index()];
        self.scratch[8..16].copy_from_slice(&session.ring.next().to_le_bytes());
        self.scratch[16..24].copy_from_slice(&session.last_client_seq.get().to_le_bytes());
        session.ring.push(&self.scratch);
        if !session.touched {
            session.touched = true;
            self.touched.push(place);
        }
    }

    /// Gives the staged message to every session that trades for an account, but `except`.
    pub(super) fn give_traders(&mut self, account: AccountId, except: Option<Place>) {
        let listeners = self.audience(account).map_or(0, |audience| audience.traders.len());
        for index in 0..listeners {
            let place = self.audience(account).map(|audience| audience.traders[index]);
            if let Some(place) = place.filter(|place| Some(*place) != except) {
                self.give(place);
            }
        }
    }

    /// Gives the staged message to every operator.
    pub(super) fn give_operators(&mut self) {
        for index in 0..self.operators.len() {
            self.give(self.operators[index]);
        }
    }

    /// Gives the staged message to every session that only reads of an account.
    #[inline]
    pub(super) fn give_copies(&mut self, account: AccountId) {
        let listeners = self.audience(account).map_or(0, |audience| audience.copies.len());
        for index in 0..listeners {
            if let Some(place) = self.audience(account).map(|audience| audience.copies[index]) {
                self.give(place);
            }
        }
    }
}
