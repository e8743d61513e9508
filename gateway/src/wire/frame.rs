//! Frames: 24 octets of session prefix, 8 of SBE header, the message.
//!
//! Invariant: splitting is a pure function of the bytes, whatever pieces they came in; the constant and the length are
//! checked before anything is waited for.

use super::codes::ErrorCode;
use super::message::Message;

/// Prefix and SBE header.
pub const HEADER_BYTES: usize = 32;
/// Stands in every frame: SBE 1.0, little endian.
pub const ENCODING_TYPE: u16 = 0xEB50;
/// Number of the private schema.
pub const SCHEMA_PRIVATE: u16 = 701;
/// Version of the private schema.
pub const SCHEMA_VERSION: u16 = 3;

/// Bits of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Flags(pub u16);

impl Flags {
    /// Sent before.
    pub const RESEND: u16 = 1;
    /// Last frame that one command gives this session.
    pub const END_OF_EVENT: u16 = 1 << 1;
    /// Carries no number of its own: `seq_no` is the next number to be used.
    pub const UNSEQUENCED: u16 = 1 << 3;

    /// Whether a bit is set.
    #[must_use]
    pub const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}

/// The session's part of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Prefix {
    /// Bits.
    pub flags: Flags,
    /// Number of the frame in its direction; of an unsequenced one the next to be used.
    pub seq_no: u64,
    /// From the venue: the client's last number in the log. From the client: the venue's last number received in order.
    pub ack_seq_no: u64,
}

/// A frame that has been cut out of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// The session's part.
    pub prefix: Prefix,
    /// Octets of the block.
    pub block_length: u16,
    /// Which message.
    pub template: u16,
    /// Of which schema.
    pub schema: u16,
    /// Version of the sender's schema.
    pub version: u16,
    /// Block and what follows it.
    pub body: &'a [u8],
}

/// Why a stream cannot be cut into frames; its connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// The constant is missing: no frame begins here.
    BadEncodingType,
    /// Shorter than a header, or longer than agreed.
    BadLength,
}

impl FrameError {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::BadEncodingType => ErrorCode::BadEncodingType,
            Self::BadLength => ErrorCode::BadLength,
        }
    }
}

/// Cuts the first frame off `bytes`: the frame and its length, or `None` if there is not all of it yet.
///
/// # Errors
/// [`FrameError`], from the first six octets on: a length that is too long is not waited for.
pub fn split(bytes: &[u8], max_frame: usize) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    // Nothing is said before both can be checked, so that what is said does not depend on the pieces they came in.
    let Some((start, _)) = bytes.split_first_chunk::<6>() else { return Ok(None) };
    let [length @ .., low, high] = *start;
    if u16::from_le_bytes([low, high]) != ENCODING_TYPE {
        return Err(FrameError::BadEncodingType);
    }
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length < HEADER_BYTES || length > max_frame {
        return Err(FrameError::BadLength);
    }
    let Some(frame) = bytes.get(..length) else { return Ok(None) };
    let prefix =
        Prefix { flags: Flags(u16_at(frame, 6)), seq_no: u64_at(frame, 8), ack_seq_no: u64_at(frame, 16) };
    let frame = Frame {
        prefix,
        block_length: u16_at(frame, 24),
        template: u16_at(frame, 26),
        schema: u16_at(frame, 28),
        version: u16_at(frame, 30),
        body: &frame[HEADER_BYTES..],
    };
    Ok(Some((frame, length)))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("a slice of two"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a slice of eight"))
}

/// Appends the frame of a message.
pub fn append<M: Message>(prefix: Prefix, message: &M, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    message.encode(out);
    let length = u32::try_from(out.len() - start).expect("messages are bounded");
    let header = &mut out[start..start + HEADER_BYTES];
    header[..4].copy_from_slice(&length.to_le_bytes());
    header[4..6].copy_from_slice(&ENCODING_TYPE.to_le_bytes());
    header[6..8].copy_from_slice(&prefix.flags.0.to_le_bytes());
    header[8..16].copy_from_slice(&prefix.seq_no.to_le_bytes());
    header[16..24].copy_from_slice(&prefix.ack_seq_no.to_le_bytes());
    header[24..26].copy_from_slice(&M::LAYOUT.block_length.to_le_bytes());
    header[26..28].copy_from_slice(&M::LAYOUT.template.to_le_bytes());
    header[28..30].copy_from_slice(&SCHEMA_PRIVATE.to_le_bytes());
    header[30..32].copy_from_slice(&SCHEMA_VERSION.to_le_bytes());
}
