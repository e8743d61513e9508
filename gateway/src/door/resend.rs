//! A connection's place in its session's frames.
//!
//! Invariant: frames leave in the order of their numbers, each as it lies in the ring; nothing is copied for a slow
//! reader. What a resend asks for is sent between live frames, with its flag, and never moves the place.

use super::projection::LoggedSession;
use crate::wire::Flags;

/// Frames asked for again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Resend {
    /// The next.
    pub(super) next: u64,
    /// One behind the last.
    pub(super) end: u64,
}

/// Where a connection reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reader {
    /// Number of the next frame.
    pub(super) next: u64,
    /// Frames below were there before the logon: they are flagged.
    pub(super) live_from: u64,
    /// One at a time.
    pub(super) resend: Option<Resend>,
}

impl Reader {
    /// Whether the ring has overrun it.
    #[inline]
    pub(super) fn is_overrun(&self, session: &LoggedSession) -> bool {
        self.next < session.oldest_number()
    }

    /// Whether a numbered frame is due.
    #[inline]
    pub(super) fn is_due(&self, session: &LoggedSession) -> bool {
        self.resend.is_some() || self.next < session.next_number()
    }

    /// Appends the next numbered frame below `before`, if `room` is enough; whether it did.
    #[inline]
    pub(super) fn read(
        &mut self,
        session: &LoggedSession,
        before: u64,
        room: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        if let Some(resend) = &mut self.resend {
            let copied = resend.next < resend.end && session.ring.copy(resend.next, Flags::RESEND, room, out);
            resend.next += u64::from(copied);
            let is_done = resend.next >= resend.end;
            if is_done {
                self.resend = None;
            }
            if copied || !is_done {
                return copied;
            }
        }
        if self.next >= before.min(session.next_number()) {
            return false;
        }
        let flags = if self.next < self.live_from { Flags::RESEND } else { 0 };
        let copied = session.ring.copy(self.next, flags, room, out);
        self.next += u64::from(copied);
        copied
    }
}
