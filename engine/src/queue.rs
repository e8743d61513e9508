//! A queue of orders through their own links, which an order in no book does not use otherwise.
//!
//! Invariant: an order is in at most one of a book, the triggers and the queue. Joining, leaving from anywhere and
//! taking the first are O(1), and nothing is allocated.

use crate::ladder::{Link, NIL, Nodes};
use risk::OrderSlot;

/// First come, first out.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(crate) struct Queue {
    head: u32,
    tail: u32,
    len: u32,
}

impl Queue {
    pub(crate) const EMPTY: Self = Self { head: NIL, tail: NIL, len: 0 };

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.head == NIL
    }

    /// Joins the end.
    pub(crate) fn push_back(&mut self, slot: OrderSlot, nodes: &mut impl Nodes) {
        let tail = core::mem::replace(&mut self.tail, slot.get());
        *nodes.link(slot.get()) = Link { prev: tail, next: NIL };
        if tail == NIL {
            self.head = slot.get();
        } else {
            nodes.link(tail).next = slot.get();
        }
        self.len += 1;
    }

    /// Takes the first.
    pub(crate) fn pop_front(&mut self, nodes: &mut impl Nodes) -> Option<OrderSlot> {
        let first = (self.head != NIL).then(|| OrderSlot::new(self.head))?;
        self.remove(first, nodes);
        Some(first)
    }

    /// Leaves, from wherever it stands.
    pub(crate) fn remove(&mut self, slot: OrderSlot, nodes: &mut impl Nodes) {
        let Link { prev, next } = core::mem::replace(nodes.link(slot.get()), Link::LOOSE);
        if prev == NIL {
            self.head = next;
        } else {
            nodes.link(prev).next = next;
        }
        if next == NIL {
            self.tail = prev;
        } else {
            nodes.link(next).prev = prev;
        }
        self.len -= 1;
    }

    /// Those who wait, first come first.
    pub(crate) fn walk(&self, nodes: &mut impl Nodes, mut visit: impl FnMut(OrderSlot)) {
        let (mut at, mut count) = (self.head, 0);
        while at != NIL {
            visit(OrderSlot::new(at));
            at = nodes.link(at).next;
            count += 1;
        }
        assert!(count == self.len, "as many wait as the queue counts");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    struct Links(Vec<Link>);

    impl Nodes for Links {
        fn link(&mut self, node: u32) -> &mut Link {
            &mut self.0[node as usize]
        }
    }

    fn waiting(queue: &Queue, links: &mut Links) -> Vec<u32> {
        let mut seen = Vec::new();
        queue.walk(links, |slot| seen.push(slot.get()));
        seen
    }

    #[test]
    fn who_leaves_from_the_middle_holds_nobody_up() {
        let mut links = Links(std::vec![Link::LOOSE; 4]);
        let mut queue = Queue::EMPTY;
        for node in 0..4 {
            queue.push_back(OrderSlot::new(node), &mut links);
        }
        queue.remove(OrderSlot::new(2), &mut links);
        assert_eq!(waiting(&queue, &mut links), [0, 1, 3]);
        queue.remove(OrderSlot::new(3), &mut links);
        queue.push_back(OrderSlot::new(2), &mut links);
        assert_eq!(queue.pop_front(&mut links), Some(OrderSlot::new(0)));
        assert_eq!(waiting(&queue, &mut links), [1, 2]);
        queue.remove(OrderSlot::new(1), &mut links);
        queue.remove(OrderSlot::new(2), &mut links);
        assert_eq!((queue.is_empty(), queue.pop_front(&mut links)), (true, None));
    }
}
