//! The client: keys, sessions, and two ways of driving them.
//!
//! Invariant: a request has one of three outcomes, accepted, rejected, or unknown until resynced, and "unknown" is never
//! reported as either of the others. A frame that may have reached the venue is only ever sent again with the number
//! and the content it had, so sending again cannot do anything twice; nothing is tried again under a new number.
//!
//! [`Session`] is the protocol without sockets and without a clock. [`Connection`] drives one session over a blocking
//! socket and reconnects by itself; [`Many`] drives any number of them in one thread without blocking.

mod back_off;
pub mod blocking;
pub mod fault;
pub mod incoming;
pub mod key;
pub mod many;
pub mod query;
pub mod request;
pub mod resume;
pub mod session;
mod window;

pub use blocking::{ClientError, Connection};
pub use fault::{Fault, SendError};
pub use incoming::{Answered, Event, Incoming, Ticket};
pub use key::{Key, KeyError};
pub use many::Many;
pub use query::{Answer, Query};
pub use request::Request;
pub use resume::{Resume, ResumeError};
pub use session::{Phase, Session, SessionTerms};
