//! The one place that calls the serialisation library: fixed-width little-endian bytes of commands and events.
//!
//! Invariant: the bytes of a value depend on nothing but the value. Golden bytes in the tests pin the format, so that
//! the library can be exchanged (wincode writes the same bytes) without touching a log.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use bincode::{Decode, Encode};

/// Longest encoding of one value that is accepted when decoding.
pub const VALUE_BYTES_MAX: usize = 4096;

type Format = Configuration<LittleEndian, Fixint, Limit<VALUE_BYTES_MAX>>;

const fn format() -> Format {
    bincode::config::standard().with_fixed_int_encoding().with_little_endian().with_limit::<VALUE_BYTES_MAX>()
}

/// The bytes are not a value of the expected type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("bytes are not a value of the expected type")
    }
}

impl core::error::Error for Malformed {}

/// Writes `value` at the start of `buffer`; the length written.
///
/// # Panics
/// When `buffer` is shorter than the value; callers size it by [`VALUE_BYTES_MAX`].
#[inline]
pub fn encode<T: Encode>(value: &T, buffer: &mut [u8]) -> usize {
    bincode::encode_into_slice(value, buffer, format()).expect("buffers hold VALUE_BYTES_MAX")
}

/// Reads one value from the start of `bytes`; the value and its length.
///
/// # Errors
/// [`Malformed`], with nothing allocated by a declared length beyond [`VALUE_BYTES_MAX`].
#[inline]
pub fn decode<T: Decode<()>>(bytes: &[u8]) -> Result<(T, usize), Malformed> {
    bincode::decode_from_slice(bytes, format()).map_err(|_| Malformed)
}

/// Feeds the bytes of `value`, of any length, to `sink`.
pub fn encode_to<T: Encode>(value: &T, sink: impl FnMut(&[u8])) {
    struct Sink<F>(F);
    impl<F: FnMut(&[u8])> Writer for Sink<F> {
        fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
            (self.0)(bytes);
            Ok(())
        }
    }
    let unlimited = bincode::config::standard().with_fixed_int_encoding().with_little_endian();
    bincode::encode_into_writer(value, Sink(sink), unlimited).expect("the sink never fails");
}
