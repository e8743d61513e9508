//! Sessions: whose they are, what they may ask, and the numbers that make a repeated command harmless.
//!
//! Invariant: per session the client's sequence rises by exactly one with every command that is taken or skipped, and
//! the client order number rises strictly with every command that carries one, refused or not. So a command is applied
//! at most once, whatever is repeated on the way here.

use super::instructions::places;
use super::sweep::{Origin, Scope, Spared};
use super::{Venue, Verdict};
use crate::command::{
    Action, CancelOnLoss, ClientOrderId, ClientSeq, Command, Instructions, KeyId, Logon, OrderBatch,
    SessionId, SessionKind, Skip, TimeNs,
};
use crate::event::{CancelReason, Event, Events};
use crate::limits::{QUOTE_NUMBERS, SESSIONS_MAX};
use crate::reject::Reject;
use risk::AccountId;

/// Client numbers an order with exits takes beside its own.
const EXITS: u64 = 2;

/// One session.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub struct Session {
    /// Last number taken or skipped.
    pub last_client_seq: ClientSeq,
    /// Last client order number used.
    pub last_client_order_id: ClientOrderId,
    /// What it may ask.
    pub kind: SessionKind,
    /// What is cancelled when it is lost.
    pub on_loss: CancelOnLoss,
    /// Whether a connection has taken it up and neither ended nor lost it.
    pub is_logged_on: bool,
    /// Whether its key is suspended: it may only cancel.
    pub is_suspended: bool,
    /// The account it acts for; 0 where it acts for none, or for any.
    pub account: AccountId,
    /// Its key; 0 in the same process.
    pub key: KeyId,
    /// The key's number for it.
    pub tag: u32,
    /// Grace in milliseconds.
    pub grace_ms: u32,
    /// When its dead-man timer runs out; 0 when it is not armed.
    pub deadline: TimeNs,
    /// Whether the dead-man timer spares reduce-only orders.
    pub keep_reduce_only: bool,
}

impl Session {
    /// A session in the same process: numbered as its owner likes, not bound to an account.
    pub(super) const LOCAL: Self = Self {
        last_client_seq: ClientSeq::new(0),
        last_client_order_id: ClientOrderId::new(0),
        kind: SessionKind::Local,
        on_loss: CancelOnLoss::Off,
        is_logged_on: false,
        is_suspended: false,
        account: AccountId::new(0),
        key: KeyId::new(0),
        tag: 0,
        grace_ms: 0,
        deadline: TimeNs::new(0),
        keep_reduce_only: true,
    };

    /// Uses up the numbers of a command. What is refused for its sequence number has used up nothing.
    #[inline]
    fn take_numbers(&mut self, command: &Command, time: TimeNs) -> Result<(), Reject> {
        if command.client_seq != ClientSeq::default() {
            self.take_sequence(command)?;
        }
        let is_order = matches!(
            command.action,
            Action::NewOrder(_) | Action::AdvancedOrder(_) | Action::OrderBatch(_) | Action::MassQuote(_)
        );
        if command.client_order_id != ClientOrderId::default() || is_order {
            // Signed, the numbers of quotes are below every other: a request that names one is refused as well.
            let (number, last) = (command.client_order_id.get(), self.last_client_order_id.get());
            if number.cast_signed() <= last.cast_signed() {
                return Err(Reject::DuplicateClientOrderId);
            }
            self.last_client_order_id = if let Action::AdvancedOrder(advanced) = &command.action {
                last_number(command.client_order_id, &advanced.instructions)?
            } else if let Action::OrderBatch(batch) = &command.action {
                last_of_batch(command.client_order_id, batch)?
            } else {
                command.client_order_id
            };
        }
        if command.valid_until != TimeNs::default() && time > command.valid_until {
            return Err(Reject::Expired);
        }
        Ok(())
    }

    fn take_sequence(&mut self, command: &Command) -> Result<(), Reject> {
        let numbers = if let Action::Skip(skip) = &command.action { u64::from(skip.count) } else { 1 };
        let follows = self.last_client_seq.get().saturating_add(numbers);
        if command.client_seq.get() < follows {
            return Err(Reject::SequenceReplayed);
        }
        if command.client_seq.get() > follows {
            return Err(Reject::SequenceGap);
        }
        self.last_client_seq = command.client_seq;
        Ok(())
    }

    /// Whether it may ask this: by its kind, and for the account it acts for.
    #[inline]
    fn may(&self, action: &Action) -> bool {
        if self.kind == SessionKind::Local {
            return true;
        }
        if self.kind == SessionKind::OrderEntry {
            return matches!(action, Action::Skip(_))
                || (is_trading(action) && action.account() == self.account);
        }
        self.may_beside_orders(action)
    }

    /// What a session that enters no orders may ask.
    #[inline(never)]
    fn may_beside_orders(&self, action: &Action) -> bool {
        match self.kind {
            SessionKind::Local | SessionKind::OrderEntry => false,
            SessionKind::DropCopy => matches!(action, Action::Skip(_)),
            SessionKind::Admin => is_operating(action),
            SessionKind::Oracle => matches!(action, Action::IndexPrice { .. } | Action::Skip(_)),
        }
    }

    /// Which of its orders stay when it is lost; `None` when all do.
    const fn spared_on_loss(&self) -> Option<Spared> {
        match self.on_loss {
            CancelOnLoss::Off => None,
            CancelOnLoss::All => Some(Spared::Nothing),
            CancelOnLoss::KeepProtection => Some(Spared::Protection),
        }
    }
}

/// The last of the numbers an order takes: its own, and two for its exits.
fn last_number(first: ClientOrderId, said: &Instructions) -> Result<ClientOrderId, Reject> {
    let exits = if places(said) > 1 { EXITS } else { 0 };
    let last = first.get().checked_add(exits).filter(|&last| exits == 0 || last < QUOTE_NUMBERS);
    last.map(ClientOrderId::new).ok_or(Reject::DuplicateClientOrderId)
}

/// The last of the numbers a batch takes, which rise above its own.
fn last_of_batch(own: ClientOrderId, batch: &OrderBatch) -> Result<ClientOrderId, Reject> {
    let mut last = own;
    for one in &batch.orders {
        if one.client_order_id <= last || one.client_order_id.get() >= QUOTE_NUMBERS {
            return Err(Reject::DuplicateClientOrderId);
        }
        last = last_number(one.client_order_id, &one.order.instructions)?;
    }
    Ok(last)
}

/// What an order entry session may ask for its account.
const fn is_trading(action: &Action) -> bool {
    matches!(
        action,
        Action::NewOrder(_)
            | Action::CancelOrder(_)
            | Action::AmendOrder(_)
            | Action::MassCancel(_)
            | Action::SetLeverage { .. }
            | Action::CancelAllAfter { .. }
            | Action::AdvancedOrder(_)
            | Action::OrderBatch(_)
            | Action::MassQuote(_)
            | Action::AmendTrigger(_)
            | Action::SetProtection(_)
            | Action::ResetProtection { .. }
            | Action::TransferBetween(_)
            | Action::SetMarginMode { .. }
            | Action::MoveMargin(_)
    )
}

/// What an operator's session may ask.
const fn is_operating(action: &Action) -> bool {
    matches!(
        action,
        Action::OpenAccount { .. }
            | Action::Deposit(_)
            | Action::Withdraw(_)
            | Action::DefineInstrument { .. }
            | Action::SetTradingState { .. }
            | Action::RegisterKey { .. }
            | Action::RevokeKey { .. }
            | Action::SetRestriction { .. }
            | Action::MassCancel(_)
            | Action::Skip(_)
            | Action::SetOwnerGroup { .. }
            | Action::SetGroupRestriction { .. }
            | Action::SuspendKey { .. }
            | Action::SetLimits { .. }
            | Action::StartAuction { .. }
            | Action::Settle { .. }
            | Action::DefineFeeTier { .. }
            | Action::SetFeeTier { .. }
            | Action::SetRiskGroup { .. }
            | Action::AssignRiskGroup { .. }
            | Action::ScheduleMargin { .. }
            | Action::CancelMargin { .. }
            | Action::SetIndexSource { .. }
            | Action::DefineAsset { .. }
            | Action::SetDebtTerms { .. }
            | Action::TransferBetween(_)
    )
}

/// The numbers are used up already; the reasons go into the log's events.
pub(super) fn skip_numbers(command: &Command, skip: Skip, events: &mut Events) -> Verdict {
    if skip.count == 0 || command.client_seq == ClientSeq::default() {
        return Err(Reject::BadParameter.into());
    }
    events.push(Event::Skipped { session: command.session, through: command.client_seq, skip });
    Ok(())
}

impl Venue {
    /// Takes the numbers of a command, and asks whether its session may ask for this.
    #[inline]
    pub(super) fn receive(&mut self, command: &Command) -> Result<(), Reject> {
        let time = self.last.time;
        let session = self.sessions.get_mut(command.session.get() as usize).ok_or(Reject::UnknownSession)?;
        session.take_numbers(command, time)?;
        if !session.may(&command.action) {
            return Err(Reject::NoPermission);
        }
        if session.is_suspended { self.check_suspended(&command.action) } else { Ok(()) }
    }

    /// What a session of a suspended key may still ask. An unknown key that the command names is the smaller number.
    #[cold]
    fn check_suspended(&self, action: &Action) -> Result<(), Reject> {
        if let Action::RevokeKey { key } | Action::SuspendKey { key, .. } = action
            && self.usable_key(*key).is_none()
        {
            return Err(Reject::UnknownKey);
        }
        let only_takes_back = matches!(
            action,
            Action::CancelOrder(_) | Action::MassCancel(_) | Action::CancelAllAfter { .. } | Action::Skip(_)
        );
        if only_takes_back { Ok(()) } else { Err(Reject::KeySuspended) }
    }

    #[cold]
    pub(super) fn open_session(&mut self, session: SessionId, events: &mut Events) -> Verdict {
        if session.get() != self.sessions() {
            return Err(Reject::AlreadyExists.into());
        }
        if session.get() >= SESSIONS_MAX {
            return Err(Reject::BadParameter.into());
        }
        self.store_session(Session::LOCAL);
        events.push(Event::SessionOpened { session });
        Ok(())
    }

    fn store_session(&mut self, session: Session) -> SessionId {
        let id = SessionId::new(self.sessions());
        self.sessions.push(session);
        self.deadlines.open();
        id
    }

    /// Takes up the session of a key, tag and kind, whoever had it before; opens it where there is none.
    #[cold]
    pub(super) fn logon(&mut self, logon: &Logon, events: &mut Events) -> Verdict {
        let (key, found) = self.check_logon(logon)?;
        let (account, is_suspended) = (key.account, key.suspended);
        if found.is_none() && self.sessions() >= SESSIONS_MAX {
            return Err(Reject::TooManySessions.into());
        }

        let Logon { key, tag, kind, on_loss, grace_ms } = *logon;
        let id = found.unwrap_or_else(|| {
            let id = self.store_session(Session { kind, is_suspended, account, key, tag, ..Session::LOCAL });
            self.bind(key, id);
            id
        });
        let session = &mut self.sessions[id.get() as usize];
        (session.is_logged_on, session.on_loss, session.grace_ms) = (true, on_loss, grace_ms);
        let Session { last_client_seq, last_client_order_id, .. } = *session;
        events.push(Event::LoggedOn {
            session: id,
            key,
            tag,
            kind,
            account,
            on_loss,
            grace_ms,
            last_client_seq,
            last_client_order_id,
        });
        Ok(())
    }

    /// A session ends in order. With the wish to cancel, what a loss would take goes, and all where a loss would take
    /// nothing.
    #[cold]
    pub(super) fn logoff(&mut self, id: SessionId, cancel_orders: bool, events: &mut Events) -> Verdict {
        let spared = self.check_logged_on(id)?.spared_on_loss().unwrap_or(Spared::Nothing);
        self.end_session(id, false, cancel_orders.then_some(spared), events);
        Ok(())
    }

    #[cold]
    pub(super) fn session_lost(&mut self, id: SessionId, events: &mut Events) -> Verdict {
        let spared = self.check_logged_on(id)?.spared_on_loss();
        self.end_session(id, true, spared, events);
        Ok(())
    }

    /// A session can end only while somebody has it.
    fn check_logged_on(&self, id: SessionId) -> Result<&Session, Reject> {
        let session = self.session(id).ok_or(Reject::UnknownSession)?;
        if session.is_logged_on { Ok(session) } else { Err(Reject::BadParameter) }
    }

    /// Ends a session; its orders go but for what is spared, or stay. Its dead-man timer stays armed.
    fn end_session(&mut self, id: SessionId, lost: bool, spared: Option<Spared>, events: &mut Events) {
        let session = &mut self.sessions[id.get() as usize];
        session.is_logged_on = false;
        let (account, trades) = (session.account, session.kind == SessionKind::OrderEntry);
        events.push(Event::LoggedOff { session: id, lost });
        if let Some(spared) = spared.filter(|_| trades) {
            let scope = Scope::of_family(account, CancelReason::SessionLost);
            self.start_sweep(Scope { origin: Origin::Session(id), spared, ..scope }, events);
        }
    }

    /// A session's numbers and terms.
    #[must_use]
    pub fn session(&self, session: SessionId) -> Option<&Session> {
        self.sessions.get(session.get() as usize)
    }

    /// Every session, ascending; the first is the venue's own.
    pub fn sessions_by_number(&self) -> impl Iterator<Item = (SessionId, &Session)> + '_ {
        (0..).map(SessionId::new).zip(&self.sessions)
    }
}
