//! Trailing stops of one watched price and one direction: the nearest at hand while their triggers follow the price.
//!
//! A trigger lies a distance below the highest price since its order joined, the order's peak. Invariant: by ascending
//! serial peaks never rise, because an order joins at the price of the moment, above which no other's peak can have
//! stayed behind. So a new peak concerns the orders from some serial on, and a tree ordered by serial takes it on whole
//! branches; what lies below learns of it when somebody passes.
//! Cost: joining, leaving, the nearest, and a new peak however many it passes, are O(log n) in the worst case: the tree is
//! an AVL tree, at most 35 high with 2^24 orders.

use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::ladder::NIL;
use risk::OrderSlot;

/// The trigger of a stop whose distance is longer than its peak is high.
const LOWEST: u32 = 1;

#[derive(Clone, Copy, Debug)]
struct Node {
    serial: u64,
    slot: OrderSlot,
    distance: u32,
    peak: u32,
    /// A peak that the nodes below have still to take over; 0 where there is none.
    due: u32,
    /// Shortest distance from here down.
    shortest: u32,
    /// Highest trigger from here down.
    nearest: u32,
    left: u32,
    right: u32,
    height: u32,
}

/// Trailing stops that follow one price in one direction.
#[derive(Debug)]
pub(crate) struct Trail {
    root: u32,
    /// No peak lies below this price.
    seen: u32,
}

impl Trail {
    pub(crate) const EMPTY: Self = Self { root: NIL, seen: 0 };
}

/// A trailing stop as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Trailing {
    pub(crate) slot: OrderSlot,
    pub(crate) serial: u64,
    pub(crate) distance: u32,
    pub(crate) peak: u32,
}

impl Trailing {
    /// The price that fires it.
    pub(crate) fn trigger(&self) -> u32 {
        trigger_of(self.peak, self.distance)
    }
}

fn trigger_of(peak: u32, distance: u32) -> u32 {
    peak.saturating_sub(distance).max(LOWEST)
}

/// The nodes of all trails. The shape of the trees decides nothing, so it is not state.
#[derive(Debug)]
pub(crate) struct Trails {
    nodes: Vec<Node>,
    free: Vec<u32>,
}

impl Trails {
    /// Room for `capacity` trailing stops.
    pub(crate) fn with_capacity(capacity: u32) -> Self {
        let capacity = capacity as usize;
        Self { nodes: Vec::with_capacity(capacity), free: Vec::with_capacity(capacity) }
    }

    /// Adds an order, whose serial is the highest so far and whose peak is the price of the moment.
    pub(crate) fn join(&mut self, trail: &mut Trail, order: Trailing) {
        debug_assert!(trail.root == NIL || order.peak <= trail.seen, "every price was followed");
        let Trailing { slot, serial, distance, peak } = order;
        let nearest = order.trigger();
        let (left, right, height) = (NIL, NIL, 1);
        let node =
            Node { serial, slot, distance, peak, due: 0, shortest: distance, nearest, left, right, height };
        let place = self.store(node);
        trail.root = self.append(trail.root, place);
        trail.seen = peak;
    }

    /// Removes the order with this serial, which is a member.
    pub(crate) fn leave(&mut self, trail: &mut Trail, serial: u64) {
        trail.root = self.remove(trail.root, serial);
    }

    /// The price was at `peak`.
    pub(crate) fn follow(&mut self, trail: &mut Trail, peak: u32) {
        if trail.root != NIL && trail.seen < peak {
            trail.seen = peak;
            self.raise(trail.root, peak);
        }
    }

    /// The highest trigger.
    pub(crate) fn nearest_trigger(&self, trail: &Trail) -> Option<u32> {
        (trail.root != NIL).then(|| self.node(trail.root).nearest)
    }

    /// The order with the highest trigger, among equals the one with the lowest serial.
    pub(crate) fn nearest(&self, trail: &Trail) -> Option<Trailing> {
        let (mut at, mut due) = (trail.root, 0);
        let wanted = self.nearest_trigger(trail)?;
        loop {
            let node = self.node(at);
            let peak = if due == 0 { node.peak } else { due };
            due = due.max(node.due);
            if node.left != NIL && self.nearest_of(node.left, due) == wanted {
                at = node.left;
            } else if trigger_of(peak, node.distance) == wanted {
                let Node { slot, serial, distance, .. } = *node;
                return Some(Trailing { slot, serial, distance, peak });
            } else {
                at = node.right;
            }
        }
    }

    /// The member with this serial.
    pub(crate) fn find(&self, trail: &Trail, serial: u64) -> Option<Trailing> {
        let (mut at, mut due) = (trail.root, 0);
        while at != NIL {
            let node = self.node(at);
            let peak = if due == 0 { node.peak } else { due };
            if node.serial == serial {
                let Node { slot, distance, .. } = *node;
                return Some(Trailing { slot, serial, distance, peak });
            }
            due = due.max(node.due);
            at = if serial < node.serial { node.left } else { node.right };
        }
        None
    }

    /// Every member, by ascending serial.
    pub(crate) fn for_each(&self, trail: &Trail, mut visit: impl FnMut(Trailing)) {
        self.walk(trail.root, 0, &mut visit);
    }

    /// Members of all trails.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    fn node_mut(&mut self, at: u32) -> &mut Node {
        &mut self.nodes[at as usize]
    }

    fn store(&mut self, node: Node) -> u32 {
        if let Some(place) = self.free.pop() {
            self.nodes[place as usize] = node;
            return place;
        }
        self.nodes.push(node);
        u32::try_from(self.nodes.len() - 1).expect("no more than orders")
    }

    /// The highest trigger from `at` down, where a node above still has `due` to hand down.
    fn nearest_of(&self, at: u32, due: u32) -> u32 {
        let node = self.node(at);
        if due == 0 { node.nearest } else { trigger_of(due, node.shortest) }
    }

    fn append(&mut self, root: u32, place: u32) -> u32 {
        if root == NIL {
            return place;
        }
        self.hand_down(root);
        let right = self.append(self.node(root).right, place);
        self.node_mut(root).right = right;
        self.balance(root)
    }

    fn remove(&mut self, root: u32, serial: u64) -> u32 {
        self.hand_down(root);
        let Node { serial: here, left, right, .. } = *self.node(root);
        match serial.cmp(&here) {
            Ordering::Less => {
                let left = self.remove(left, serial);
                self.node_mut(root).left = left;
            }
            Ordering::Equal => {
                self.free.push(root);
                return self.joined(left, right);
            }
            Ordering::Greater => {
                let right = self.remove(right, serial);
                self.node_mut(root).right = right;
            }
        }
        self.balance(root)
    }

    /// Both halves of a node that left.
    fn joined(&mut self, left: u32, right: u32) -> u32 {
        if right == NIL {
            return left;
        }
        let (first, rest) = self.without_first(right);
        let node = self.node_mut(first);
        (node.left, node.right) = (left, rest);
        self.balance(first)
    }

    /// The node with the lowest serial, and the others.
    fn without_first(&mut self, root: u32) -> (u32, u32) {
        self.hand_down(root);
        let Node { left, right, .. } = *self.node(root);
        if left == NIL {
            return (root, right);
        }
        let (first, rest) = self.without_first(left);
        self.node_mut(root).left = rest;
        (first, self.balance(root))
    }

    /// Lifts every peak below `peak` to it: those of the highest serials.
    fn raise(&mut self, root: u32, peak: u32) {
        if root == NIL {
            return;
        }
        self.hand_down(root);
        let Node { left, right, peak: here, .. } = *self.node(root);
        if here < peak {
            self.put(right, peak);
            self.node_mut(root).peak = peak;
            self.raise(left, peak);
        } else {
            self.raise(right, peak);
        }
        self.refresh(root);
    }

    /// Puts a peak on a whole branch, none of whose peaks is higher.
    fn put(&mut self, at: u32, peak: u32) {
        if at != NIL {
            let node = self.node_mut(at);
            (node.peak, node.due) = (peak, peak);
            node.nearest = trigger_of(peak, node.shortest);
        }
    }

    fn hand_down(&mut self, at: u32) {
        let node = self.node_mut(at);
        let due = core::mem::take(&mut node.due);
        if due != 0 {
            let (left, right) = (node.left, node.right);
            self.put(left, due);
            self.put(right, due);
        }
    }

    /// Takes together what the branches know; the node has nothing to hand down.
    fn refresh(&mut self, at: u32) {
        let Node { left, right, distance, peak, .. } = *self.node(at);
        let (mut shortest, mut nearest, mut height) = (distance, trigger_of(peak, distance), 0);
        for branch in [left, right] {
            if branch != NIL {
                let branch = self.node(branch);
                shortest = shortest.min(branch.shortest);
                nearest = nearest.max(branch.nearest);
                height = height.max(branch.height);
            }
        }
        let node = self.node_mut(at);
        (node.shortest, node.nearest, node.height) = (shortest, nearest, height + 1);
    }

    fn height(&self, at: u32) -> u32 {
        if at == NIL { 0 } else { self.node(at).height }
    }

    /// Restores the balance of a node whose branches differ in height by at most two; the node now on top.
    fn balance(&mut self, at: u32) -> u32 {
        let Node { left, right, .. } = *self.node(at);
        if self.height(left) > self.height(right) + 1 {
            self.hand_down(left);
            if self.height(self.node(left).right) > self.height(self.node(left).left) {
                let left = self.turn_left(left);
                self.node_mut(at).left = left;
            }
            return self.turn_right(at);
        }
        if self.height(right) > self.height(left) + 1 {
            self.hand_down(right);
            if self.height(self.node(right).left) > self.height(self.node(right).right) {
                let right = self.turn_right(right);
                self.node_mut(at).right = right;
            }
            return self.turn_left(at);
        }
        self.refresh(at);
        at
    }

    /// The left branch comes to the top.
    fn turn_right(&mut self, at: u32) -> u32 {
        let top = self.node(at).left;
        self.hand_down(top);
        self.node_mut(at).left = self.node(top).right;
        self.node_mut(top).right = at;
        self.refresh(at);
        self.refresh(top);
        top
    }

    /// The right branch comes to the top.
    fn turn_left(&mut self, at: u32) -> u32 {
        let top = self.node(at).right;
        self.hand_down(top);
        self.node_mut(at).right = self.node(top).left;
        self.node_mut(top).left = at;
        self.refresh(at);
        self.refresh(top);
        top
    }

    fn walk(&self, at: u32, due: u32, visit: &mut impl FnMut(Trailing)) {
        if at == NIL {
            return;
        }
        let Node { slot, serial, distance, peak, left, right, due: own, .. } = *self.node(at);
        self.walk(left, due.max(own), visit);
        visit(Trailing { slot, serial, distance, peak: if due == 0 { peak } else { due } });
        self.walk(right, due.max(own), visit);
    }

    /// Verifies order, balance and what every node knows of the nodes below it.
    ///
    /// # Panics
    /// With the rule that does not hold.
    pub(crate) fn check(&self, trail: &Trail) {
        let (mut last, mut highest): (Option<Trailing>, Option<u32>) = (None, None);
        self.for_each(trail, |member| {
            assert!(member.peak >= trail.seen, "no peak below what was seen");
            if let Some(last) = last {
                assert!(last.serial < member.serial, "by ascending serial");
                assert!(last.peak >= member.peak, "peaks never rise");
            }
            highest = highest.max(Some(member.trigger()));
            last = Some(member);
        });
        assert!(self.nearest(trail).map(|nearest| nearest.trigger()) == highest, "the nearest trigger");
        self.check_branch(trail.root, 0);
    }

    /// Height, shortest distance and highest trigger from `at` down, recomputed.
    fn check_branch(&self, at: u32, due: u32) -> (u32, u32, u32) {
        if at == NIL {
            return (0, u32::MAX, 0);
        }
        let node = self.node(at);
        let below = due.max(node.due);
        let left = self.check_branch(node.left, below);
        let right = self.check_branch(node.right, below);
        assert!(left.0.abs_diff(right.0) <= 1, "balanced");
        let peak = if due == 0 { node.peak } else { due };
        let height = left.0.max(right.0) + 1;
        let shortest = node.distance.min(left.1).min(right.1);
        let nearest = trigger_of(peak, node.distance).max(left.2).max(right.2);
        assert!((node.height, node.shortest) == (height, shortest), "height and shortest distance");
        assert!(self.nearest_of(at, due) == nearest, "highest trigger");
        (height, shortest, nearest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, by looking at every order every time.
    #[derive(Default)]
    struct Naive(Vec<Trailing>);

    impl Naive {
        fn nearest(&self) -> Option<Trailing> {
            let highest = self.0.iter().map(Trailing::trigger).max()?;
            self.0.iter().copied().find(|order| order.trigger() == highest)
        }

        fn follow(&mut self, price: u32) {
            for order in &mut self.0 {
                order.peak = order.peak.max(price);
            }
        }
    }

    fn random(state: &mut u64) -> u32 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        u32::try_from(*state >> 40).expect("24 bits")
    }

    /// The price walks; orders join, leave and fire. The same nodes serve many lives.
    #[test]
    fn agrees_with_a_list() {
        for (seed, spread) in [(88_172_645_463_325_252, 3), (7, 40), (1_234_567, 900)] {
            let mut state = seed;
            let (mut trails, mut trail, mut naive) =
                (Trails::with_capacity(0), Trail::EMPTY, Naive::default());
            let (mut price, mut fired) = (500_u32, 0);
            for serial in 0..40_000_u64 {
                match random(&mut state) % 8 {
                    0..=2 => {
                        let slot = OrderSlot::new(random(&mut state));
                        let order =
                            Trailing { slot, serial, distance: random(&mut state) % spread + 1, peak: price };
                        trails.join(&mut trail, order);
                        naive.0.push(order);
                    }
                    3 if !naive.0.is_empty() => {
                        let order = naive.0.remove(random(&mut state) as usize % naive.0.len());
                        assert_eq!(trails.find(&trail, order.serial), Some(order));
                        trails.leave(&mut trail, order.serial);
                        assert_eq!(trails.find(&trail, order.serial), None);
                    }
                    _ => {
                        price = (price + random(&mut state) % 9)
                            .saturating_sub(random(&mut state) % 9)
                            .clamp(1, 1_000);
                        trails.follow(&mut trail, price);
                        naive.follow(price);
                    }
                }
                assert_eq!(trails.nearest(&trail), naive.nearest());
                while let Some(order) = trails.nearest(&trail).filter(|order| order.trigger() >= price) {
                    trails.leave(&mut trail, order.serial);
                    naive.0.retain(|other| *other != order);
                    assert_eq!(trails.nearest(&trail), naive.nearest());
                    fired += 1;
                }
                if serial % 16 == 0 {
                    trails.check(&trail);
                    let mut all = Vec::new();
                    trails.for_each(&trail, |order| all.push(order));
                    assert_eq!(all, naive.0);
                }
            }
            assert!(fired > 1_000 && trails.len() == naive.0.len());
            assert!(trails.nodes.len() < 20_000, "places are used again");
        }
    }

    /// Orders with peaks all different are passed by one rise, and the tree stays as low as promised.
    #[test]
    fn one_rise_passes_every_peak() {
        let (mut trails, mut trail) = (Trails::with_capacity(0), Trail::EMPTY);
        for serial in 0..50_000_u32 {
            let (slot, distance) = (OrderSlot::new(serial), 10 + serial % 7);
            let peak = 60_000 - serial;
            trails.join(&mut trail, Trailing { slot, serial: serial.into(), distance, peak });
        }
        trails.check(&trail);
        assert!(trails.height(trail.root) <= 17);
        trails.follow(&mut trail, 70_000);
        trails.check(&trail);
        let nearest = trails.nearest(&trail).expect("members");
        assert_eq!((nearest.serial, nearest.trigger()), (0, 69_990));
    }
}
