//! The bytes on the wire: frames, messages, and the schema that describes them.
//!
//! Invariant: a message is declared once, here; its struct, its bytes and its XML come from that declaration, so they
//! cannot drift. A block is byte for byte an SBE 1.0 block: fixed widths, little endian, no padding. Nothing is
//! allocated by a length the peer declares.

pub mod codes;
pub mod frame;
pub mod message;
pub mod private;
pub mod schema;
pub mod types;

pub use frame::{Flags, Frame, FrameError, HEADER_BYTES, Prefix};
pub use message::{DecodeError, Group, Message, Refusal, Text};
