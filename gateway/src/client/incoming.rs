//! What a session hands to its caller.
//!
//! Invariant: events come in the order of their numbers, each once; a hole is told as a hole before the event behind it.

use engine::{ClientOrderId, ClientSeq};
use risk::Money;

use crate::wire::Prefix;

use crate::wire::private::{FromVenue, LogonAck, SessionReject};

/// Names a request that was sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ticket {
    /// Its number in the session.
    pub seq_no: ClientSeq,
    /// Its name, which the events it brings about carry; 0 where the request has none.
    pub cl_ord_id: ClientOrderId,
}

/// What is known of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answered {
    /// It was carried out: its events came.
    Accepted,
    /// It was refused and changed nothing.
    Rejected {
        /// The broken rule, as a wire error code.
        code: u16,
        /// How much is missing, where money is.
        short: Option<Money>,
    },
    /// It is on its way and the connection stands.
    Waiting,
    /// The connection broke before the answer. The next logon and the replay behind it tell; until then do not send the
    /// same wish again.
    Unknown,
    /// It is in the venue's log, but the answer is no longer kept: it lay in a hole. Ask after the order.
    Sequenced,
}

impl Answered {
    /// Whether this is the last word.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        match self {
            Self::Accepted | Self::Rejected { .. } | Self::Sequenced => true,
            Self::Waiting | Self::Unknown => false,
        }
    }
}

/// A numbered frame of the venue.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// Number, flags, and the session's last number in the log at that event.
    pub prefix: Prefix,
    /// What happened; `None` where a newer venue sent what this client has no words for.
    pub message: Option<FromVenue>,
}

/// What a session hands to its caller, in order.
#[derive(Clone, PartialEq, Debug)]
pub enum Incoming {
    /// The session stands; what follows first are the events that were missed.
    LoggedOn(Box<LogonAck>),
    /// The next event.
    Event(Box<Event>),
    /// A request has its last word.
    Settled {
        /// Which.
        ticket: Ticket,
        /// Accepted, rejected, or sequenced without an answer.
        answered: Answered,
    },
    /// Events that are no longer kept: query what they may have changed.
    GapFill {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
        /// Why.
        code: u16,
    },
    /// Part of the answer to a query; `QueryEnd` is its last.
    Answer(Box<FromVenue>),
    /// A query or a session message was refused.
    Refused(SessionReject),
    /// The session ended in order.
    LoggedOut,
}
