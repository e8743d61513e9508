//! The checkpoint chain: what the venue answered, committed to every 4,096 sequences.
//!
//! Invariant: `link_k = BLAKE3(link_{k-1} || canonical bytes of all events of window k, in order)`, window `k` being
//! the sequences `(k - 1) x 4096 + 1 ..= k x 4096`, and `link_0` 32 zero bytes. Live run and replay feed the same type.

use engine::codec::{self, VALUE_BYTES_MAX};
use engine::{Event, Seq};

/// Sequences in one window.
pub const CHECKPOINT_EVERY: u64 = 4096;

/// Bytes gathered before they are hashed: BLAKE3 is several times faster over many chunks at once.
const GATHER_BYTES: usize = 16 * 1024;

/// The link at the end of a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Last sequence of the window.
    pub seq: Seq,
    /// Its link.
    pub link: [u8; 32],
}

impl Checkpoint {
    /// What holds before the first window ends.
    pub const ZERO: Self = Self { seq: Seq::new(0), link: [0; 32] };
}

/// Computes the checkpoint chain from the events of every sequence.
#[derive(Debug)]
pub struct CheckpointHasher {
    noted: u64,
    last: Checkpoint,
    hasher: blake3::Hasher,
    gathered: Box<[u8]>,
    used: usize,
}

impl Default for CheckpointHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl CheckpointHasher {
    /// Before the first sequence.
    #[must_use]
    pub fn new() -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&Checkpoint::ZERO.link);
        let gathered = vec![0; GATHER_BYTES + VALUE_BYTES_MAX].into_boxed_slice();
        Self { noted: 0, last: Checkpoint::ZERO, hasher, gathered, used: 0 }
    }

    /// Takes the events of `seq`, which follows the sequence noted before; the checkpoint where a window ends with it.
    ///
    /// # Panics
    /// When `seq` does not follow: the link would commit to something that never happened.
    pub fn note(&mut self, seq: Seq, events: &[Event]) -> Option<Checkpoint> {
        assert_eq!(seq.get(), self.noted + 1, "events are noted for every sequence, in order");
        self.noted = seq.get();
        for event in events {
            self.used += codec::encode(event, &mut self.gathered[self.used..]);
            if self.used >= GATHER_BYTES {
                self.hasher.update(&self.gathered[..self.used]);
                self.used = 0;
            }
        }
        if !self.noted.is_multiple_of(CHECKPOINT_EVERY) {
            return None;
        }
        self.hasher.update(&self.gathered[..self.used]);
        self.used = 0;
        self.last = Checkpoint { seq, link: *self.hasher.finalize().as_bytes() };
        self.hasher.reset();
        self.hasher.update(&self.last.link);
        Some(self.last)
    }

    /// The last sequence noted.
    #[must_use]
    pub fn noted(&self) -> Seq {
        Seq::new(self.noted)
    }

    /// The newest checkpoint; [`Checkpoint::ZERO`] before the first.
    #[must_use]
    pub fn last(&self) -> Checkpoint {
        self.last
    }
}
