//! What a client may send, as the venue reads it: anything at all.
//!
//! Invariant: no octets make it panic, and a frame that is taken is written again as the same octets.
#![no_main]

use gateway::wire::frame::split;
use gateway::wire::private::FromClient;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| {
    let mut rest = stream;
    while let Ok(Some((frame, length))) = split(rest, 4096) {
        if let Ok(message) = FromClient::decode(&frame) {
            let mut again = Vec::with_capacity(length);
            message.append(frame.prefix, &mut again);
            assert_eq!(again, rest[..length], "{message:?}");
        }
        rest = &rest[length..];
    }
});
