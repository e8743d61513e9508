//! What a venue may send, as a client reads it: anything at all, also from a newer venue.
//!
//! Invariant: no octets make it panic; what is read and written again is read as the same message.
#![no_main]

use gateway::wire::frame::split;
use gateway::wire::private::FromVenue;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| {
    let mut rest = stream;
    while let Ok(Some((frame, length))) = split(rest, 65_536) {
        if let Ok(message) = FromVenue::decode(&frame) {
            let mut again = Vec::with_capacity(length);
            message.append(frame.prefix, &mut again);
            assert!(again.len() <= length, "what is not known is left out");
            let (frame, _) = split(&again, 65_536).expect("a frame").expect("all of it");
            assert_eq!(FromVenue::decode(&frame).as_ref(), Ok(&message));
        }
        rest = &rest[length..];
    }
});
