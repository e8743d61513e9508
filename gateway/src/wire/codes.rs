//! Error codes of the gateway, below 2000; from there on they are the engine's [`Reject`]s.
//!
//! Invariant: one number, one meaning, for ever.

use engine::Reject;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// Why the gateway refuses a frame, a logon or a request.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u16)]
        pub enum ErrorCode { $($(#[doc = $doc])+ $name = $code,)+ }

        impl ErrorCode {
            /// Every code, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The number.
            #[must_use]
            pub const fn code(self) -> u16 {
                self as u16
            }

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Its meaning, in words.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+),)+ }
            }
        }
    };
}

codes! {
    /// No frame begins here.
    BadEncodingType = 1001,
    /// A frame shorter than a header or longer than agreed, or a request with more in it than its message.
    BadLength = 1002,
    /// No such schema.
    UnknownSchema = 1003,
    /// A version of the protocol that is not spoken here.
    UnsupportedVersion = 1004,
    /// No such message, or not one that a client sends.
    UnknownTemplate = 1005,
    /// The block is shorter than the message.
    ShortBlock = 1006,
    /// An octet that is no value of its enumeration.
    BadEnum = 1007,
    /// A field that must have a value has none.
    NullInRequired = 1008,
    /// A group does not fit its frame.
    BadGroup = 1009,
    /// A text is not UTF-8, too long, or does not fit its frame.
    BadUtf8 = 1010,
    /// A reserved field or value is used.
    Unsupported = 1011,
    /// The signature is not the key's, or not over this challenge.
    BadSignature = 1101,
    /// No such key, or it was revoked.
    UnknownKey = 1102,
    /// The key's time is over.
    KeyExpired = 1103,
    /// Not what this key or this kind of session may ask.
    NoPermission = 1104,
    /// The key has as many sessions as one key may have.
    TooManySessions = 1105,
    /// A number was left out.
    SequenceGap = 1106,
    /// Events that were not sent yet, or are no longer kept.
    ResendOutOfRange = 1107,
    /// One resend at a time.
    ResendInProgress = 1108,
    /// Logon first.
    NotLoggedOn = 1109,
    /// Too fast.
    Throttled = 1110,
    /// The venue stops.
    ShuttingDown = 1111,
    /// The venue holds as many connections as it may.
    TooManyConnections = 1113,
    /// The answer is longer than one query may have.
    QueryTooLarge = 1114,
}

/// The name of any code: the gateway's or the engine's.
#[must_use]
pub fn name(code: u16) -> Option<String> {
    let ours = ErrorCode::ALL.iter().find(|known| known.code() == code).map(|known| known.name().to_owned());
    ours.or_else(|| {
        Reject::ALL.iter().find(|reject| reject.code() == code).map(|reject| format!("{reject:?}"))
    })
}
