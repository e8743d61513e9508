//! Deadlines, the earliest at hand: a binary heap in which each holder knows its place. Sessions have theirs for the
//! dead-man timer, orders for their expiry.
//!
//! Invariant: at most one deadline a holder; a parent is never later than its children, equal ones ordered by rank, so
//! the order of firing does not depend on the order of arming. Heaps follow from their holders' deadlines, so they are
//! not state of their own. No allocation but where room is made.

use alloc::vec;
use alloc::vec::Vec;

use crate::command::{SessionId, TimeNs};
use risk::OrderSlot;

/// No deadline.
const UNARMED: TimeNs = TimeNs::new(0);

/// Where in a heap a holder's deadline is. Which of several arrangements a heap is in decides nothing, so it has no bytes
/// in the digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeapPlace(u32);

impl HeapPlace {
    /// Not in the heap.
    pub const NOWHERE: Self = Self(u32::MAX);

    fn of(index: usize) -> Self {
        Self(u32::try_from(index).expect("sessions and orders are fewer than 2^32"))
    }

    const fn index(self) -> usize {
        self.0 as usize
    }
}

impl bincode::Encode for HeapPlace {
    fn encode<E: bincode::enc::Encoder>(&self, _: &mut E) -> Result<(), bincode::error::EncodeError> {
        Ok(())
    }
}

/// Keeps the places of holders.
pub(crate) trait Places<T> {
    fn place(&self, holder: T) -> HeapPlace;
    fn set_place(&mut self, holder: T, place: HeapPlace);
}

/// A deadline: when, which comes first among equals, and whose it is.
type Deadline<T> = (TimeNs, u64, T);

/// Deadlines of holders that know their places.
#[derive(Debug)]
pub(crate) struct Heap<T> {
    entries: Vec<Deadline<T>>,
}

/// Orders that expire, ranked by serial. The places are in their conditions.
pub(crate) type Expiries = Heap<OrderSlot>;

impl<T: Copy + Ord> Heap<T> {
    /// Room for so many deadlines.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { entries: Vec::with_capacity(capacity) }
    }

    /// Sets or moves a holder's deadline.
    pub(crate) fn set(&mut self, deadline: Deadline<T>, places: &mut impl Places<T>) {
        let place = places.place(deadline.2);
        if place == HeapPlace::NOWHERE {
            self.entries.push(deadline);
            self.settle(self.entries.len() - 1, places);
        } else {
            self.entries[place.index()] = deadline;
            self.settle(place.index(), places);
        }
    }

    /// Takes a holder's deadline away, where it has one.
    pub(crate) fn remove(&mut self, holder: T, places: &mut impl Places<T>) {
        let place = places.place(holder);
        if place == HeapPlace::NOWHERE {
            return;
        }
        places.set_place(holder, HeapPlace::NOWHERE);
        self.entries.swap_remove(place.index());
        if place.index() < self.entries.len() {
            self.settle(place.index(), places);
        }
    }

    /// The holder whose deadline is the earliest, if that is at or before `now`.
    pub(crate) fn due(&self, now: TimeNs) -> Option<T> {
        self.entries.first().filter(|(time, ..)| *time <= now).map(|(.., holder)| *holder)
    }

    /// The deadline at a place.
    pub(crate) fn at(&self, place: HeapPlace) -> Option<&Deadline<T>> {
        self.entries.get(place.index())
    }

    /// Deadlines there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Moves the entry at `at` up or down to where it belongs, and notes the places of all it passes.
    fn settle(&mut self, mut at: usize, places: &mut impl Places<T>) {
        while let Some(parent) = at.checked_sub(1).map(|before| before >> 1)
            && self.entries[at] < self.entries[parent]
        {
            self.entries.swap(at, parent);
            self.note(at, places);
            at = parent;
        }
        while let Some(child) = self.earlier_child(at)
            && self.entries[child] < self.entries[at]
        {
            self.entries.swap(at, child);
            self.note(at, places);
            at = child;
        }
        self.note(at, places);
    }

    fn earlier_child(&self, at: usize) -> Option<usize> {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        if left >= self.entries.len() {
            return None;
        }
        let right_is_earlier = right < self.entries.len() && self.entries[right] < self.entries[left];
        Some(if right_is_earlier { right } else { left })
    }

    fn note(&self, at: usize, places: &mut impl Places<T>) {
        places.set_place(self.entries[at].2, HeapPlace::of(at));
    }

    /// Verifies order and places.
    pub(crate) fn check(&self, places: &impl Places<T>) {
        for (place, (time, rank, holder)) in self.entries.iter().enumerate() {
            let parent = place.checked_sub(1).map(|before| &self.entries[before >> 1]);
            assert!(
                parent.is_none_or(|(before, first, _)| (before, first) < (time, rank)),
                "a parent is earlier"
            );
            assert!(places.place(*holder) == HeapPlace::of(place), "a holder knows its place");
        }
    }
}

/// Dead-man timers of sessions, ranked by session.
#[derive(Debug)]
pub(crate) struct Deadlines {
    heap: Heap<SessionId>,
    places: SessionPlaces,
}

/// By session, its place in the heap.
#[derive(Debug)]
struct SessionPlaces(Vec<HeapPlace>);

impl Places<SessionId> for SessionPlaces {
    fn place(&self, session: SessionId) -> HeapPlace {
        self.0[session.get() as usize]
    }

    fn set_place(&mut self, session: SessionId, place: HeapPlace) {
        self.0[session.get() as usize] = place;
    }
}

impl Deadlines {
    /// Room for the venue's own session.
    pub(crate) fn with_one() -> Self {
        Self { heap: Heap::with_capacity(1), places: SessionPlaces(vec![HeapPlace::NOWHERE]) }
    }

    /// Room for one session more.
    pub(crate) fn open(&mut self) {
        self.places.0.push(HeapPlace::NOWHERE);
        self.heap.entries.reserve(self.sessions() - self.heap.len());
    }

    /// Sessions there is room for.
    pub(crate) fn sessions(&self) -> usize {
        self.places.0.len()
    }

    /// Sets or moves a session's deadline; zero takes it away.
    pub(crate) fn set(&mut self, session: SessionId, deadline: TimeNs) {
        if deadline == UNARMED {
            self.heap.remove(session, &mut self.places);
        } else {
            self.heap.set((deadline, u64::from(session.get()), session), &mut self.places);
        }
    }

    /// The session whose deadline is the earliest, if that is at or before `now`.
    pub(crate) fn due(&self, now: TimeNs) -> Option<SessionId> {
        self.heap.due(now)
    }

    /// A session's deadline; zero when it has none.
    pub(crate) fn of(&self, session: SessionId) -> TimeNs {
        self.heap.at(self.places.place(session)).map_or(UNARMED, |(deadline, ..)| *deadline)
    }

    /// Verifies order and places.
    pub(crate) fn check(&self) {
        self.heap.check(&self.places);
        let armed = self.places.0.iter().filter(|&&place| place != HeapPlace::NOWHERE).count();
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

    #[test]
    fn equal_deadlines_fire_by_rank_not_by_holder() {
        let mut places = SessionPlaces(vec![HeapPlace::NOWHERE; 60]);
        let mut heap = Heap::with_capacity(60);
        for step in 0..60_u32 {
            let holder = SessionId::new(step * 7 % 60);
            heap.set((TimeNs::new(u64::from(step % 3)), u64::from(60 - step), holder), &mut places);
            heap.check(&places);
        }
        // A new rank moves a deadline to where it would have been placed with it.
        heap.set((TimeNs::new(0), 100, SessionId::new(0)), &mut places);
        let mut ranks = Vec::new();
        while let Some(holder) = heap.due(TimeNs::new(2)) {
            let (time, rank, _) = *heap.at(places.place(holder)).expect("it is there");
            ranks.push((time, rank));
            heap.remove(holder, &mut places);
            heap.remove(holder, &mut places);
            heap.check(&places);
        }
        assert!(ranks.len() == 60 && ranks.is_sorted());
        assert!(ranks.contains(&(TimeNs::new(0), 100)));
    }
}
