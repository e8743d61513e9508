//! Sessions: whose they are, what they may ask, and the numbers that make a repeated command harmless.
//!
//! Invariant: per session the client's sequence rises by exactly one with every command that is taken or skipped, and
//! the client order number rises strictly with every command that carries one, refused or not. So a command is applied
//! at most once, whatever is repeated on the way here.

use super::{Venue, Verdict};
use crate::command::{
    Action, CancelOnLoss, ClientOrderId, ClientSeq, Command, KeyId, Logon, SessionId, SessionKind, TimeNs,
};
use crate::event::{Event, Events};
use crate::limits::SESSIONS_MAX;
use crate::reject::Reject;
use risk::AccountId;

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
    /// The account it acts for; 0 where it acts for none, or for any.
    pub account: AccountId,
    /// Its key; 0 in the same process.
    pub key: KeyId,
    /// The key's number for it.
    pub tag: u32,
    /// Grace in milliseconds.
    pub grace_ms: u32,
    /// When its dead-man timer runs out; 0 when it is not armed.
    pub(super) deadline: TimeNs,
    /// Whether the dead-man timer spares reduce-only orders.
    pub(super) keep_reduce_only: bool,
}

impl Session {
    /// A session in the same process: numbered as its owner likes, not bound to an account.
    pub(super) const LOCAL: Self = Self {
        last_client_seq: ClientSeq::new(0),
        last_client_order_id: ClientOrderId::new(0),
        kind: SessionKind::Local,
        on_loss: CancelOnLoss::Off,
        is_logged_on: false,
        account: AccountId::new(0),
        key: KeyId::new(0),
        tag: 0,
        grace_ms: 0,
        deadline: TimeNs::new(0),
        keep_reduce_only: true,
    };
}

impl Venue {
    /// Uses up the numbers of a command; whether it may be handled. What is refused here for its sequence number has
    /// used up nothing.
    pub(super) fn take_numbers(&mut self, command: &Command) -> Result<(), Reject> {
        let time = self.last.time;
        let session = self.sessions.get_mut(command.session.get() as usize).ok_or(Reject::UnknownSession)?;
        if command.client_seq != ClientSeq::default() {
            let numbers = match &command.action {
                Action::Skip(skip) => u64::from(skip.count),
                _ => 1,
            };
            let follows = session.last_client_seq.get() + numbers;
            if command.client_seq.get() < follows {
                return Err(Reject::SequenceReplayed);
            }
            if command.client_seq.get() > follows {
                return Err(Reject::SequenceGap);
            }
            session.last_client_seq = command.client_seq;
        }
        let is_order = matches!(command.action, Action::NewOrder(_));
        if command.client_order_id != ClientOrderId::default() || is_order {
            if command.client_order_id <= session.last_client_order_id {
                return Err(Reject::DuplicateClientOrderId);
            }
            session.last_client_order_id = command.client_order_id;
        }
        if command.valid_until != TimeNs::default() && time > command.valid_until {
            return Err(Reject::Expired);
        }
        Ok(())
    }

    pub(super) fn open_session(&mut self, session: SessionId, events: &mut Events) -> Verdict {
        if session.get() != self.sessions() {
            return Err(Reject::AlreadyExists.into());
        }
        if session.get() >= SESSIONS_MAX {
            return Err(Reject::BadParameter.into());
        }
        self.sessions.push(Session::LOCAL);
        events.push(Event::SessionOpened { session });
        Ok(())
    }

    pub(super) fn logon(&mut self, _logon: &Logon, _events: &mut Events) -> Verdict {
        Err(Reject::UnknownKey.into())
    }

    /// A session's numbers and terms.
    #[must_use]
    pub fn session(&self, session: SessionId) -> Option<&Session> {
        self.sessions.get(session.get() as usize)
    }
}
