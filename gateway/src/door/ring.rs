//! The ring: a session's most recent numbered frames, as they went out.
//!
//! Invariant: frames are whole and numbered without a gap; the octets held never exceed the bound, the oldest frames go
//! first. Space is taken as it is first needed, never for a session that nothing happens to.

use std::collections::VecDeque;

use crate::wire::HEADER_BYTES;

/// Space taken first; doubled up to the bound.
const FIRST_BYTES: usize = 1 << 10;
/// A ring is never bounded below this, so that any frame fits.
pub const RING_BYTES_MIN: usize = 1 << 13;
/// Where the flags lie in a frame.
const FLAGS_AT: usize = 6;

/// Recent frames of one session.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    /// A power of two long, or empty.
    bytes: Vec<u8>,
    bound: usize,
    /// Low halves of the offsets at which the frames begin, oldest first.
    starts: VecDeque<u32>,
    /// Octets ever written.
    end: u64,
    /// Number of the next frame; the first is 1.
    next: u64,
}

impl Ring {
    /// An empty ring that holds at most `bound` octets, rounded up to a power of two.
    pub(super) fn new(bound: usize) -> Self {
        let bound = bound.max(RING_BYTES_MIN).next_power_of_two();
        Self { bytes: Vec::new(), bound, starts: VecDeque::new(), end: 0, next: 1 }
    }

    /// Number of the next frame.
    #[inline]
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Number of the oldest frame held; [`Self::next`] when there is none.
    #[inline]
    pub(super) fn oldest(&self) -> u64 {
        self.next - self.starts.len() as u64
    }

    /// Octets held.
    fn held(&self) -> usize {
        self.starts.front().map_or(0, |start| low(self.end).wrapping_sub(*start) as usize)
    }

    /// Takes a frame, and the next number with it.
    pub(super) fn push(&mut self, frame: &[u8]) {
        while self.held() + frame.len() > self.bound {
            self.starts.pop_front();
        }
        let needed = self.held() + frame.len();
        if needed > self.bytes.len() {
            self.grow(needed);
        }
        let at = self.place(low(self.end));
        let first = frame.len().min(self.bytes.len() - at);
        self.bytes[at..at + first].copy_from_slice(&frame[..first]);
        self.bytes[..frame.len() - first].copy_from_slice(&frame[first..]);
        self.starts.push_back(low(self.end));
        self.end += frame.len() as u64;
        self.next += 1;
    }

    fn grow(&mut self, needed: usize) {
        let mut wider = vec![0; needed.next_power_of_two().max(FIRST_BYTES).min(self.bound)];
        if let Some(start) = self.starts.front() {
            let held = self.held();
            let mask = wider.len() - 1;
            for offset in 0..held {
                let place = (*start as usize).wrapping_add(offset);
                wider[place & mask] = self.bytes[place & (self.bytes.len() - 1)];
            }
        }
        self.bytes = wider;
    }

    const fn place(&self, offset: u32) -> usize {
        offset as usize & (self.bytes.len() - 1)
    }

    /// Sets `flags` in the newest frame.
    pub(super) fn flag_newest(&mut self, flags: u16) {
        let Some(start) = self.starts.back() else { return };
        for (index, bits) in flags.to_le_bytes().into_iter().enumerate() {
            let at = self.place(start.wrapping_add(low((FLAGS_AT + index) as u64)));
            self.bytes[at] |= bits;
        }
    }

    /// Appends frame `number` with `flags` set, if it is held and `room` is enough for it; whether it was.
    #[inline]
    pub(super) fn copy(&self, number: u64, flags: u16, room: usize, out: &mut Vec<u8>) -> bool {
        let Some(index) = number.checked_sub(self.oldest()).and_then(|index| usize::try_from(index).ok())
        else {
            return false;
        };
        let Some(start) = self.starts.get(index).copied() else { return false };
        let end = self.starts.get(index + 1).copied().unwrap_or_else(|| low(self.end));
        let length = end.wrapping_sub(start) as usize;
        if length > room {
            return false;
        }
        let frame_at = out.len();
        let at = self.place(start);
        let first = length.min(self.bytes.len() - at);
        out.extend_from_slice(&self.bytes[at..at + first]);
        out.extend_from_slice(&self.bytes[..length - first]);
        if flags != 0 {
            for (index, bits) in flags.to_le_bytes().into_iter().enumerate() {
                out[frame_at + FLAGS_AT + index] |= bits;
            }
        }
        true
    }

    /// Octets of space taken.
    pub(super) fn space(&self) -> usize {
        self.bytes.len() + self.starts.capacity() * size_of::<u32>()
    }
}

/// The low half: rings are far shorter than 2^32 octets.
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
const fn low(offset: u64) -> u32 {
    offset as u32
}

const _: () = assert!(FLAGS_AT + 2 <= HEADER_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64, length: usize) -> Vec<u8> {
        let mut frame = vec![u8::try_from(number % 251).expect("below 251"); length];
        frame[FLAGS_AT] = 0;
        frame[FLAGS_AT + 1] = 0;
        frame
    }

    #[test]
    fn what_is_held_comes_back_whole_and_the_oldest_goes_first() {
        let mut ring = Ring::new(RING_BYTES_MIN);
        for number in 1..=5_000_u64 {
            let length = 40 + usize::try_from(number * 37 % 160).expect("small");
            assert_eq!(ring.next(), number);
            ring.push(&frame(number, length));
            assert!(ring.held() <= RING_BYTES_MIN);
            let oldest = ring.oldest();
            assert!(number < 20 || oldest > 1 || number < 200);
            for held in oldest..=number {
                let mut out = Vec::new();
                assert!(ring.copy(held, 0, 4096, &mut out));
                assert_eq!(out, frame(held, 40 + usize::try_from(held * 37 % 160).expect("small")));
            }
            let mut out = Vec::new();
            assert!(!ring.copy(oldest - 1, 0, 4096, &mut out), "{oldest} is the oldest");
            assert!(!ring.copy(number + 1, 0, 4096, &mut out));
        }
        assert!(ring.oldest() > 4_900);
    }

    #[test]
    fn flags_are_kept_and_added() {
        let mut ring = Ring::new(0);
        // Walks the flags over the seam of the ring.
        for number in 1..2_000 {
            ring.push(&frame(number, 33));
            ring.flag_newest(2);
            let mut out = vec![9];
            assert!(ring.copy(number, 0x0101, 33, &mut out));
            assert_eq!(out[1 + FLAGS_AT..1 + FLAGS_AT + 2], [3, 1]);
            assert!(!ring.copy(number, 0, 32, &mut out), "no room");
        }
    }

    #[test]
    fn an_unused_ring_takes_no_space() {
        assert_eq!(Ring::new(1 << 18).space(), 0);
    }
}
