//! Faults: why a connection is of no use any more, and why a request was not taken.
//!
//! Invariant: every fault says whether connecting again can help; none of them changes what is known of a request.

use crate::wire::FrameError;
use crate::wire::codes::{self, ErrorCode};
use crate::wire::message::Refusal;
use crate::wire::types::TermCode;

/// Why a connection has to be closed. Close it, call [`super::Session::disconnected`], and connect again unless
/// [`Fault::is_final`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// What came is no frame.
    #[error("the venue sent what is no frame ({0:?}): connect again")]
    Frame(FrameError),
    /// A message cannot be read.
    #[error("message {template} of the venue cannot be read ({refusal}): connect again")]
    Message {
        /// Its template.
        template: u16,
        /// Why.
        refusal: Refusal,
    },
    /// A message that may not come now.
    #[error("message {template} came where it may not: connect again")]
    OutOfPlace {
        /// Its template.
        template: u16,
    },
    /// Nothing was heard for three heartbeats, or no logon came about in time.
    #[error("the venue has been silent for {silence_ms} ms: connect again")]
    Lapsed {
        /// How long.
        silence_ms: u64,
    },
    /// The venue takes no logon.
    #[error("logon refused: {} {text}{}", code_text(*code), advice(*code))]
    LogonRejected {
        /// Wire error code.
        code: u16,
        /// In words.
        text: String,
    },
    /// The venue ended the connection.
    #[error("the venue ended the connection: {code:?} {text}{}", term_advice(*code))]
    Terminated {
        /// Why.
        code: Option<TermCode>,
        /// In words.
        text: String,
    },
    /// The log is not the one this session's numbers belong to.
    #[error(
        "this venue's log is {theirs:016x}, the session's numbers belong to {ours:016x}: check the address, or start \
         without the saved state"
    )]
    OtherVenue {
        /// Epoch the numbers belong to.
        ours: u64,
        /// Epoch of the venue.
        theirs: u64,
    },
    /// The venue has lost what it had acknowledged, as after the loss of its disk.
    #[error(
        "the venue knows requests up to {client_seq} and events below {venue_seq}, less than it had acknowledged: its \
         log was cut; compare open orders and positions, then start without the saved state"
    )]
    VenueForgot {
        /// Its last number of the client.
        client_seq: u64,
        /// Number of its next event.
        venue_seq: u64,
    },
    /// Somebody else sends under this session's numbers.
    #[error(
        "the venue has number {theirs} of this session, {ours} is the last one sent here: another process uses the same \
         key and tag; stop one of them or give it a tag of its own"
    )]
    NumbersTaken {
        /// Last number used here.
        ours: u64,
        /// Last number the venue has.
        theirs: u64,
    },
}

impl Fault {
    /// Whether connecting again with the same terms and state cannot help.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Frame(_) | Self::Message { .. } | Self::OutOfPlace { .. } | Self::Lapsed { .. } => false,
            Self::OtherVenue { .. } | Self::VenueForgot { .. } | Self::NumbersTaken { .. } => true,
            Self::LogonRejected { code, .. } => !is_passing(*code),
            Self::Terminated { code, .. } => match code {
                Some(TermCode::Unauthorised | TermCode::TakenOver) => true,
                Some(
                    TermCode::Finished
                    | TermCode::HeartbeatLapsed
                    | TermCode::SlowConsumer
                    | TermCode::ProtocolError
                    | TermCode::ServerShutdown
                    | TermCode::Throttled
                    | TermCode::SequenceGap,
                )
                | None => false,
            },
        }
    }
}

/// Whether a refused logon may succeed later as it is: the venue was not ready, or the line is bad.
fn is_passing(code: u16) -> bool {
    use ErrorCode::{BadEncodingType, BadLength, NotLoggedOn, ShuttingDown, Throttled, TooManyConnections};
    let passing = [BadEncodingType, BadLength, NotLoggedOn, ShuttingDown, Throttled, TooManyConnections];
    passing.iter().any(|passing| passing.code() == code)
}

fn code_text(code: u16) -> String {
    codes::name(code).map_or_else(|| code.to_string(), |name| format!("{code} {name}"))
}

fn advice(code: u16) -> &'static str {
    use ErrorCode::{BadSignature, KeyExpired, NoPermission, ResendOutOfRange, TooManySessions, UnknownKey};
    let is_of = |codes: &[ErrorCode]| codes.iter().any(|known| known.code() == code);
    if is_passing(code) {
        "; try again later"
    } else if is_of(&[ResendOutOfRange]) {
        "; the venue's log was cut: compare open orders and positions, then start without the saved state"
    } else if is_of(&[BadSignature, UnknownKey, KeyExpired, NoPermission]) {
        "; have the operator register or renew the key"
    } else if is_of(&[TooManySessions]) {
        "; use one of the tags the key has used before"
    } else {
        "; client and venue do not speak the same version"
    }
}

fn term_advice(code: Option<TermCode>) -> &'static str {
    match code {
        Some(TermCode::TakenOver) => "; another connection holds the session: stop it or take another tag",
        Some(TermCode::Unauthorised) => "; the key was revoked: have the operator register another",
        Some(TermCode::SlowConsumer) => "; read faster, then connect again",
        Some(TermCode::Throttled) => "; send more slowly, then connect again",
        Some(TermCode::ServerShutdown) => "; connect again when it is back",
        Some(
            TermCode::Finished | TermCode::HeartbeatLapsed | TermCode::ProtocolError | TermCode::SequenceGap,
        )
        | None => "; connect again",
    }
}

/// Why a request was not taken. Nothing was sent and no number was used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    /// The session does not know its numbers yet, or has them from a file that may be old.
    #[error("the session's numbers are not certain before its first logon: connect first")]
    NumbersUnknown,
    /// Too much is on its way.
    #[error("{0} requests are unanswered: take in what the venue sends, then try again")]
    WindowFull(usize),
    /// The caller's own number does not rise.
    #[error(
        "client order number {wanted} is not above {last}, the last one used: leave it 0 to have it chosen"
    )]
    IdNotRising {
        /// As given.
        wanted: u64,
        /// Last used.
        last: u64,
    },
    /// Numbers from 2^63 on are those of quotes.
    #[error(
        "client order number {wanted} would name the order of a quote: requests and their orders are numbered below 2^63"
    )]
    IdReserved {
        /// The last number the request would use up.
        wanted: u64,
    },
    /// Longer than the venue takes.
    #[error("the frame has {length} octets, the venue takes {limit}")]
    TooLong {
        /// Octets of it.
        length: usize,
        /// Octets the venue takes.
        limit: usize,
    },
}
