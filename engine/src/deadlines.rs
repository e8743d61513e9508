//! Deadlines of sessions, the earliest at hand: a binary heap in which each session knows its place.
//!
//! Invariant: at most one deadline per session; a parent is never later than its children, equal ones ordered by
//! session, so the order of firing does not depend on the order of arming. No allocation but in [`Deadlines::open`].

use alloc::vec;
use alloc::vec::Vec;

use crate::command::{SessionId, TimeNs};

/// No deadline.
const UNARMED: TimeNs = TimeNs::new(0);
/// Not in the heap.
const NOWHERE: u32 = u32::MAX;

/// The heap. Derived from the sessions' deadlines, so not state of its own.
#[derive(Debug)]
pub(crate) struct Deadlines {
    heap: Vec<(TimeNs, SessionId)>,
    /// By session, its place in the heap.
    places: Vec<u32>,
}

impl Deadlines {
    /// Room for the venue's own session.
    pub(crate) fn with_one() -> Self {
        Self { heap: Vec::with_capacity(1), places: vec![NOWHERE] }
    }

    /// Room for one session more.
    pub(crate) fn open(&mut self) {
        self.places.push(NOWHERE);
        self.heap.reserve(self.places.len() - self.heap.len());
    }

    /// Sessions there is room for.
    pub(crate) fn sessions(&self) -> usize {
        self.places.len()
    }

    /// Sets or moves a session's deadline; zero takes it away.
    pub(crate) fn set(&mut self, session: SessionId, deadline: TimeNs) {
        let place = self.places[session.get() as usize];
        match (place, deadline == UNARMED) {
            (NOWHERE, true) => {}
            (NOWHERE, false) => {
                self.heap.push((deadline, session));
                self.settle(self.heap.len() - 1);
            }
            (place, true) => {
                self.places[session.get() as usize] = NOWHERE;
                self.heap.swap_remove(place as usize);
                if (place as usize) < self.heap.len() {
                    self.settle(place as usize);
                }
            }
            (place, false) => {
                self.heap[place as usize] = (deadline, session);
                self.settle(place as usize);
            }
        }
    }

    /// The session whose deadline is the earliest, if that is at or before `now`.
    pub(crate) fn due(&self, now: TimeNs) -> Option<SessionId> {
        self.heap.first().filter(|(deadline, _)| *deadline <= now).map(|(_, session)| *session)
    }

    /// A session's deadline; zero when it has none.
    pub(crate) fn of(&self, session: SessionId) -> TimeNs {
        let place = self.places[session.get() as usize];
        self.heap.get(place as usize).map_or(UNARMED, |(deadline, _)| *deadline)
    }

    /// Moves the entry at `at` up or down to where it belongs, and notes the places of all it passes.
    fn settle(&mut self, mut at: usize) {
        while let Some(parent) = at.checked_sub(1).map(|before| before >> 1)
            && self.heap[at] < self.heap[parent]
        {
            self.heap.swap(at, parent);
            self.note(at);
            at = parent;
        }
        while let Some(child) = self.earlier_child(at)
            && self.heap[child] < self.heap[at]
        {
            self.heap.swap(at, child);
            self.note(at);
            at = child;
        }
        self.note(at);
    }

    fn earlier_child(&self, at: usize) -> Option<usize> {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        if left >= self.heap.len() {
            return None;
        }
        let right_is_earlier = right < self.heap.len() && self.heap[right] < self.heap[left];
        Some(if right_is_earlier { right } else { left })
    }

    fn note(&mut self, at: usize) {
        let (_, session) = self.heap[at];
        self.places[session.get() as usize] = u32::try_from(at).expect("fewer than SESSIONS_MAX");
    }

    /// Verifies order and places.
    pub(crate) fn check(&self) {
        for (place, entry) in self.heap.iter().enumerate().skip(1) {
            assert!(self.heap[(place - 1) >> 1] < *entry, "a parent is earlier");
        }
        for (session, &place) in (0..).map(SessionId::new).zip(&self.places) {
            let known = self.heap.get(place as usize).map(|(_, session)| *session);
            assert!(known == (place != NOWHERE).then_some(session), "a session knows its place");
        }
        let armed = self.places.iter().filter(|&&place| place != NOWHERE).count();
        assert!(armed == self.heap.len(), "one deadline a session");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_first_however_they_came() {
        let mut deadlines = Deadlines::with_one();
        for _ in 1..200 {
            deadlines.open();
        }
        // Seven is coprime to 200 and to 50: sessions and deadlines in a shuffled order, four sessions a deadline.
        for step in 0..200_u32 {
            let session = step * 7 % 200;
            deadlines.set(SessionId::new(session), TimeNs::new(u64::from(session * 7 % 50) + 1));
            deadlines.check();
        }
        for session in (0..200).step_by(3) {
            deadlines.set(SessionId::new(session), UNARMED);
            deadlines.set(SessionId::new(session + 1), TimeNs::new(60 - u64::from(session) % 50));
            deadlines.check();
        }
        let mut fired = Vec::new();
        while let Some(session) = deadlines.due(TimeNs::new(45)) {
            fired.push((deadlines.of(session), session));
            deadlines.set(session, UNARMED);
            deadlines.check();
        }
        assert!(fired.len() > 50 && fired.is_sorted());
        assert_eq!(deadlines.due(TimeNs::new(45)), None);
        assert!(deadlines.due(TimeNs::new(46)).is_some());
    }
}
