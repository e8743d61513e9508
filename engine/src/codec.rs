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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Action, ClientOrderId, ClientSeq, Command, Event, NewOrder, Reject, SessionId, TimeInForce, TimeNs,
    };
    use risk::{AccountId, InstrumentId, Money, Price, Qty, Side};
    use std::string::String;

    fn hex<T: Encode>(value: &T) -> String {
        let mut buffer = [0; VALUE_BYTES_MAX];
        let length = encode(value, &mut buffer);
        let digit = |value: u8| char::from_digit(u32::from(value), 16).expect("four bits");
        buffer[..length].iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect()
    }

    fn order() -> Command {
        let action = Action::NewOrder(NewOrder {
            account: AccountId::new(16),
            instrument: InstrumentId::new(1),
            side: Side::Sell,
            qty: Qty::new(10),
            limit: Some(Price::new(6_500_000)),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: true,
            reduce_only: false,
            persistent: true,
        });
        Command {
            session: SessionId::new(3),
            client_seq: ClientSeq::new(7),
            client_order_id: ClientOrderId::new(9),
            valid_until: TimeNs::new(11),
            action,
        }
    }

    #[test]
    fn bytes_are_pinned() {
        // Session, its number, client number, deadline, kind of action, account, instrument, side, quantity, Some,
        // limit, life, flags.
        let expected = String::from("03000000")
            + "0700000000000000"
            + "0900000000000000"
            + "0b00000000000000"
            + "00000000"
            + "10000000"
            + "01000000"
            + "01"
            + "0a00000000000000"
            + "01"
            + "a02e630000000000"
            + "01"
            + "01"
            + "00"
            + "01";
        assert_eq!(hex(&order()), expected);

        let rejected = Event::Rejected {
            session: SessionId::new(3),
            account: AccountId::new(16),
            client_order_id: ClientOrderId::new(9),
            reject: Reject::InsufficientMargin,
            short: Money::new(-2),
        };
        // Kind of event, session, account, client number, wire code 2330, money.
        assert_eq!(
            hex(&rejected),
            String::from("0000000003000000100000000900000000000000") + "1a09" + "feffffffffffffff"
        );
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is_accepted() {
        let mut buffer = [0; VALUE_BYTES_MAX];
        let length = encode(&order(), &mut buffer);
        assert_eq!(decode::<Command>(&buffer), Ok((order(), length)));
        for short in 0..length {
            assert_eq!(decode::<Command>(&buffer[..short]), Err(Malformed), "cut at {short}");
        }
        for (place, wrong) in [(28, 200), (40, 2), (49, 2), (58, 0), (59, 2), (61, 2)] {
            let mut bytes = buffer;
            bytes[place] = wrong;
            assert_eq!(decode::<Command>(&bytes), Err(Malformed), "octet {place} is {wrong}");
        }
    }
}
