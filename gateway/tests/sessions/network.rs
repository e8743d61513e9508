//! The network: octets on their way, and what becomes of them.
//!
//! Both directions are streams that split anywhere. A connection ends for both sides at their own time, and what is on
//! its way then is lost from some octet on. Frames may also come twice, or be lost whole, which no stream does: sessions
//! must bear it all the same.

use gateway::door::ConnectionId;
use gateway::wire::frame;
use gateway::wire::frame::Flags;

use crate::rng::Rng;

/// One connection.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) id: ConnectionId,
    pub(crate) to_server: Vec<u8>,
    pub(crate) to_client: Vec<u8>,
    /// Came in and was not taken by the door.
    pub(crate) at_server: Vec<u8>,
    /// What the client has said to the network so far ends here: its socket is closed.
    pub(crate) client_closed: bool,
    pub(crate) server_closed: bool,
    /// The server never hears of the client's end.
    pub(crate) is_silent: bool,
}

impl Wire {
    pub(crate) const fn new(id: ConnectionId) -> Self {
        Self {
            id,
            to_server: Vec::new(),
            to_client: Vec::new(),
            at_server: Vec::new(),
            client_closed: false,
            server_closed: false,
            is_silent: false,
        }
    }

    /// The client's end is gone, in order or not.
    pub(crate) fn close_client(&mut self, rng: &mut Rng) {
        self.client_closed = true;
        self.is_silent = rng.once_in(3);
        self.to_client.clear();
        if !rng.once_in(3) {
            let kept = rng.index(self.to_server.len() + 1);
            self.to_server.truncate(kept);
        }
    }

    /// The server's end is gone.
    pub(crate) fn close_server(&mut self, rng: &mut Rng) {
        self.server_closed = true;
        self.to_server.clear();
        self.at_server.clear();
        if !rng.once_in(3) {
            let kept = rng.index(self.to_client.len() + 1);
            self.to_client.truncate(kept);
        }
    }
}

/// Takes some octets off the start.
pub(crate) fn some(octets: &mut Vec<u8>, rng: &mut Rng, is_perfect: bool) -> Vec<u8> {
    let count = if is_perfect {
        octets.len()
    } else {
        match rng.below(4) {
            0 => 0,
            1 => rng.index(octets.len() + 1).min(1 + rng.index(40)),
            2 => rng.index(octets.len() + 1),
            _ => octets.len(),
        }
    };
    octets.drain(..count).collect()
}

fn frames(mut octets: &[u8]) -> impl Iterator<Item = (&[u8], u16, bool)> {
    core::iter::from_fn(move || {
        let (cut, length) = frame::split(octets, usize::MAX).expect("what the sender wrote are frames")?;
        let (frame, rest) = octets.split_at(length);
        octets = rest;
        Some((frame, cut.template, cut.prefix.flags.has(Flags::UNSEQUENCED)))
    })
}

/// Whole frames of a client onto the wire. `former` are frames it sent before, whatever the connection.
pub(crate) fn disturb_requests(written: &[u8], former: &mut Vec<Vec<u8>>, rng: &mut Rng, out: &mut Vec<u8>) {
    for (frame, _, is_unnumbered) in frames(written) {
        if rng.once_in(700) {
            // Lost: the next number leaves a gap.
            continue;
        }
        out.extend_from_slice(frame);
        if rng.once_in(40) {
            out.extend_from_slice(frame);
        }
        if rng.once_in(30) && !former.is_empty() {
            out.extend_from_slice(&former[rng.index(former.len())]);
        }
        if rng.once_in(900) {
            out.extend_from_slice(&rng.octets());
        }
        if !is_unnumbered {
            former.push(frame.to_vec());
        }
    }
}

/// Whole frames of the venue onto the wire.
pub(crate) fn disturb_events(written: &[u8], former: &mut Vec<Vec<u8>>, rng: &mut Rng, out: &mut Vec<u8>) {
    for (frame, _, is_unnumbered) in frames(written) {
        if is_unnumbered {
            out.extend_from_slice(frame);
            continue;
        }
        if rng.once_in(300) {
            continue;
        }
        out.extend_from_slice(frame);
        if rng.once_in(40) {
            out.extend_from_slice(frame);
        }
        if rng.once_in(40) && !former.is_empty() {
            out.extend_from_slice(&former[rng.index(former.len())]);
        }
        former.push(frame.to_vec());
    }
}
