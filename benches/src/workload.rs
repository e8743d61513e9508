//! Which flow do engines compete on? The mix of exchange-core's own benchmark, generated from a seed.
//!
//! After a prefill the mix is about 9 % good-till-cancel orders, 3 % immediate orders, 6 % cancels and 82 % moves, with
//! the number of resting orders held near the target. A move keeps the order's number and remaining quantity, goes 1 %
//! of the way to the last price (a tick at least), loses time priority and may match.

use std::collections::BTreeSet;

use risk::Side;

use crate::random::Random;
use crate::reference::{Expected, Reference};

/// How many kinds of operation there are.
pub const KINDS: usize = 5;

/// What an operation does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, clap::ValueEnum)]
pub enum Kind {
    /// A good-till-cancel order.
    #[value(name = "gtc")]
    Add,
    /// An order that takes what it can at once.
    #[value(name = "ioc")]
    Immediate,
    /// Removes an order.
    Cancel,
    /// Changes an order's price.
    Move,
    /// Takes some off an order's quantity; it keeps its place.
    Reduce,
}

impl Kind {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; KINDS] = [Self::Add, Self::Immediate, Self::Cancel, Self::Move, Self::Reduce];

    /// As printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "gtc",
            Self::Immediate => "ioc",
            Self::Cancel => "cancel",
            Self::Move => "move",
            Self::Reduce => "reduce",
        }
    }
}

/// One operation. Cancels and moves repeat side and remaining quantity for engines that need them.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    /// What.
    pub kind: Kind,
    /// Side of the order.
    pub side: Side,
    /// Quantity.
    pub qty: u32,
    /// The client's number of the order.
    pub id: u32,
    /// Limit price in ticks.
    pub price: i64,
}

/// Which resting order a cancel or move names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// One of the 512 oldest, as exchange-core does: they stay in cache.
    Oldest,
    /// Any: memory is cold.
    Uniform,
}

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// As printed.
    pub name: &'static str,
    /// Resting orders to hold.
    pub resting: u32,
    /// Operations after the prefill.
    pub ops: usize,
    /// Whom cancels and moves name.
    pub target: Target,
    /// Price of the first order.
    pub base: i64,
    /// Seed of the generator.
    pub seed: u64,
}

impl Shape {
    /// The three sizes every engine is measured at.
    pub const SIZES: [Self; 3] = [
        Self { name: "1k", resting: 1_000, ops: 3_000_000, target: Target::Oldest, base: 100_000, seed: 1 },
        Self {
            name: "100k",
            resting: 100_000,
            ops: 3_000_000,
            target: Target::Uniform,
            base: 200_000,
            seed: 2,
        },
        Self {
            name: "1M",
            resting: 1_000_000,
            ops: 3_000_000,
            target: Target::Uniform,
            base: 200_000,
            seed: 3,
        },
    ];

    /// How far prices may lie from the last one.
    #[must_use]
    pub fn deviation(&self) -> i64 {
        self.base.div_euclid(20).min(10_000)
    }

    /// No price is below.
    #[must_use]
    pub fn price_min(&self) -> i64 {
        self.base - 5 * self.deviation()
    }

    /// No price is above.
    #[must_use]
    pub fn price_max(&self) -> i64 {
        self.base + 5 * self.deviation()
    }
}

/// A flow.
#[derive(Debug)]
pub struct Workload {
    /// As printed.
    pub name: &'static str,
    /// Where it came from, as printed.
    pub origin: String,
    /// How many orders rest in it, roughly.
    pub resting: u32,
    /// Stands in for the price of the last trade before the first one.
    pub base: i64,
    /// No price is above.
    pub price_max: i64,
    /// Prefill, then the operations to time.
    pub all: Vec<Op>,
    /// How many are prefill.
    pub prefill: usize,
    /// What all of them must end in.
    pub expected: Expected,
    /// Orders are numbered below this.
    pub ids: u32,
}

impl Workload {
    /// Generates the flow.
    #[must_use]
    pub fn generate(shape: Shape) -> Self {
        let mut generator = Generator::new(shape);
        generator.prefill();
        let prefill = generator.ops.len();
        while generator.ops.len() < prefill + shape.ops {
            generator.step();
        }
        let Generator { book, ops, next_id, .. } = generator;
        let (origin, price_max) = (format!("seed {}", shape.seed), shape.price_max());
        let Shape { name, resting, base, .. } = shape;
        let expected = book.expected();
        Self { name, origin, resting, base, price_max, all: ops, prefill, expected, ids: next_id }
    }

    /// The first `count` timed operations with everything before them, and what they must end in.
    #[must_use]
    pub fn first(&self, count: usize) -> (&[Op], Expected) {
        let end = (self.prefill + count).min(self.all.len());
        let part = &self.all[..end];
        if end == self.all.len() {
            return (part, self.expected);
        }
        let mut book = Reference::new(self.base);
        for op in part {
            book.apply(op);
        }
        (part, book.expected())
    }

    /// Whether it takes something off orders in place, which not every engine can.
    #[must_use]
    pub fn reduces(&self) -> bool {
        self.all.iter().any(|op| op.kind == Kind::Reduce)
    }

    /// How many of the timed operations are of each kind, in the order of [`Kind::ALL`].
    #[must_use]
    pub fn mix(&self) -> [usize; KINDS] {
        Kind::ALL.map(|kind| self.all[self.prefill..].iter().filter(|op| op.kind == kind).count())
    }
}

/// Resting orders to choose from.
#[derive(Debug)]
enum Live {
    /// Numbers rise with age, so the oldest are the smallest.
    Oldest(BTreeSet<u32>),
    /// A dense list and each order's place in it.
    Uniform { list: Vec<u32>, places: Vec<u32> },
}

impl Live {
    fn insert(&mut self, id: u32) {
        match self {
            Self::Oldest(set) => {
                set.insert(id);
            }
            Self::Uniform { list, places } => {
                if places.len() <= id as usize {
                    places.resize(id as usize + 1, 0);
                }
                places[id as usize] = u32::try_from(list.len()).expect("fewer orders than numbers");
                list.push(id);
            }
        }
    }

    fn remove(&mut self, id: u32) {
        match self {
            Self::Oldest(set) => {
                set.remove(&id);
            }
            Self::Uniform { list, places } => {
                let place = places[id as usize];
                list.swap_remove(place as usize);
                if let Some(&moved) = list.get(place as usize) {
                    places[moved as usize] = place;
                }
            }
        }
    }

    fn pick(&self, random: &mut Random) -> u32 {
        match self {
            Self::Oldest(set) => {
                let among = u32::try_from(set.len().min(512)).expect("512 at most");
                *set.iter().nth(random.below(among) as usize).expect("below the length")
            }
            Self::Uniform { list, .. } => {
                let among = u32::try_from(list.len()).expect("fewer orders than numbers");
                list[random.below(among) as usize]
            }
        }
    }
}

struct Generator {
    shape: Shape,
    random: Random,
    book: Reference,
    live: Live,
    ops: Vec<Op>,
    next_id: u32,
    /// Orders per side as last sampled; the generator steers by old figures, as exchange-core's does.
    sampled: [u32; 2],
}

impl Generator {
    fn new(shape: Shape) -> Self {
        let live = match shape.target {
            Target::Oldest => Live::Oldest(BTreeSet::new()),
            Target::Uniform => Live::Uniform { list: Vec::new(), places: Vec::new() },
        };
        Self {
            shape,
            random: Random::new(shape.seed),
            book: Reference::new(shape.base),
            live,
            ops: Vec::with_capacity(shape.ops + 2 * shape.resting as usize),
            next_id: 1,
            sampled: [0; 2],
        }
    }

    const fn half(&self) -> u32 {
        self.shape.resting >> 1
    }

    /// `resting` orders, then more on the thinner side until both hold their half.
    fn prefill(&mut self) {
        for _ in 0..self.shape.resting {
            let side = self.side();
            self.add(side);
        }
        for side in [Side::Buy, Side::Sell] {
            while self.book.count(side) < self.half() {
                self.add(side);
            }
        }
        self.sample();
    }

    const fn side(&mut self) -> Side {
        if self.random.coin() { Side::Buy } else { Side::Sell }
    }

    fn sample(&mut self) {
        self.sampled = [self.book.count(Side::Buy), self.book.count(Side::Sell)];
    }

    fn step(&mut self) {
        let side = self.side();
        let lack = self.half().saturating_sub(self.sampled[side as usize]);
        let is_far = lack > 512.min((self.half() * 3) >> 2);
        let choice = self.random.below(match (lack > 0, is_far) {
            (true, true) => 2,
            (true, false) => 10,
            (false, _) => 40,
        });
        let is_empty = self.book.count(Side::Buy) + self.book.count(Side::Sell) == 0;
        match choice {
            _ if lack > 0 && (choice < 2 || is_empty) => {
                let side = self.side();
                self.add(side);
            }
            _ if choice < 2 || is_empty => self.take(),
            2 => self.cancel(),
            _ => self.shift(),
        }
        let period = 512.min(self.shape.resting + 1) as usize;
        if self.ops.len().is_multiple_of(period) {
            self.sample();
        }
    }

    /// Small sizes are the likely ones; 126 at most.
    const fn size(&mut self) -> u32 {
        1 + self.random.below(6) * self.random.below(6) * self.random.below(6)
    }

    fn clamp(&self, price: i64) -> i64 {
        price.clamp(self.shape.price_min(), self.shape.price_max())
    }

    /// Passive by the mean of four uniform draws below a deviation that itself is rarely large.
    fn add(&mut self, side: Side) {
        let bound = u32::try_from(self.shape.deviation()).expect("10,000 at most");
        let deviation = 1 + self.random.squared_below(bound);
        let sum: u32 = (0..4).map(|_| self.random.below(deviation)).sum();
        let offset = (i64::from(sum >> 2) * 2 - i64::from(deviation)).abs();
        let last = self.clamp(self.book.last());
        let price = match side {
            Side::Buy => last - offset,
            Side::Sell => last + offset,
        };
        let op = Op { kind: Kind::Add, side, qty: self.size(), id: self.next_id, price: self.clamp(price) };
        self.next_id += 1;
        self.push(op);
    }

    fn take(&mut self) {
        let side = self.side();
        let price = match side {
            Side::Buy => self.shape.price_max(),
            Side::Sell => self.shape.price_min(),
        };
        let op = Op { kind: Kind::Immediate, side, qty: self.size(), id: self.next_id, price };
        self.next_id += 1;
        if self.push(op) > 0 {
            self.sample();
        }
    }

    fn cancel(&mut self) {
        let id = self.live.pick(&mut self.random);
        let order = *self.book.order(id).expect("live orders rest");
        self.push(Op { kind: Kind::Cancel, side: order.side, qty: order.qty, id, price: order.price });
    }

    fn shift(&mut self) {
        let id = self.live.pick(&mut self.random);
        let order = *self.book.order(id).expect("live orders rest");
        let distance = self.book.last() - order.price;
        let step = match distance.signum() {
            0 if self.random.coin() => 1,
            0 => -1,
            sign => sign * (distance.abs() + 99).div_euclid(100),
        };
        let price = self.clamp(order.price + step);
        let price = if price == order.price { price - 1 } else { price };
        self.push(Op { kind: Kind::Move, side: order.side, qty: order.qty, id, price });
    }

    fn push(&mut self, op: Op) -> u32 {
        let rested = self.book.order(op.id).is_some();
        let left = self.book.apply(&op);
        let rests = self.book.order(op.id).is_some();
        for &id in self.book.filled() {
            self.live.remove(id);
        }
        match (rested, rests) {
            (false, true) => self.live.insert(op.id),
            (true, false) => self.live.remove(op.id),
            (true, true) | (false, false) => {}
        }
        self.ops.push(op);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(target: Target) -> Workload {
        Workload::generate(Shape {
            name: "test",
            resting: 1_000,
            ops: 60_000,
            target,
            base: 100_000,
            seed: 1,
        })
    }

    #[test]
    fn mix_is_that_of_exchange_core() {
        for target in [Target::Oldest, Target::Uniform] {
            let workload = small(target);
            let per_mille = workload.mix().map(|count| (count * 1000).div_euclid(60_000));
            for (got, want) in per_mille.into_iter().zip([90, 30, 60, 820, 0]) {
                assert!(got.abs_diff(want) <= 15, "{target:?}: {per_mille:?} per mille");
            }
            assert!(workload.expected.resting.abs_diff(1_000) < 150, "{:?}", workload.expected);
            assert!(workload.expected.totals.trades > 2_000, "{:?}", workload.expected);
        }
    }

    #[test]
    fn same_seed_same_flow() {
        assert_eq!(small(Target::Uniform).expected, small(Target::Uniform).expected);
    }

    #[test]
    fn a_part_is_expected_to_end_in_its_own_totals() {
        let workload = small(Target::Oldest);
        let (part, expected) = workload.first(1_000);
        assert_eq!(part.len(), workload.prefill + 1_000);
        assert_ne!(expected, workload.expected);
        assert_eq!(workload.first(usize::MAX >> 1).1, workload.expected);
    }
}
