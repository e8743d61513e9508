//! The door's hot path: frame in, command out; event in, frame out. It allocates nothing after warm-up.
//!
//! Invariant: only the thread of the test counts, and only while the door runs.

mod counting;
#[path = "door/harness.rs"]
#[expect(dead_code, reason = "only the logon is needed here")]
mod harness;

use counting::{ALLOCATIONS, COUNTING};
use engine::{Action, Event, OrderId, Seq, Stamp, TimeNs};
use gateway::clock::Stopwatch;
use gateway::door::{Allowance, ConnectionId, Door, DoorConfig, Gate};
use gateway::in_process::Refused;
use gateway::outcome::{Arrival, Outcome};
use gateway::query::Query;
use gateway::wire::private::{NewOrder, OrderAccepted};
use gateway::wire::types::Side;
use gateway::wire::{HEADER_BYTES, Message};
use harness::{ALICE, MARK, World};

/// Orders between two looks at the clock.
const BATCH: usize = 50;

/// Keeps commands.
#[derive(Debug)]
struct Kept(Vec<Arrival>);

impl Gate for Kept {
    fn submit(&mut self, arrival: Arrival) -> Result<(), Refused> {
        self.0.push(arrival);
        Ok(())
    }

    fn ask(&mut self, query: Query) -> Result<(), Query> {
        Err(query)
    }
}

/// Orders through a door, each accepted.
struct Course {
    door: Door,
    id: ConnectionId,
    stamp: Stamp,
    number: u64,
    frames: Vec<u8>,
    out: Vec<u8>,
    gate: Kept,
}

impl Course {
    fn new() -> Self {
        let requests = Allowance { capacity: u32::MAX, rate: 1_000_000_000 };
        let mut world = World::with(DoorConfig { requests, ..DoorConfig::default() }, 64 << 10);
        let alice = world.client(ALICE);
        let seq = Seq::new(u64::try_from(world.log.len()).expect("short"));
        let frame = harness::numbered(1, &harness::order(1, Side::Buy, MARK, 0));
        Self {
            id: alice.id,
            stamp: Stamp { seq, time: world.time() },
            number: 0,
            frames: frame.repeat(BATCH),
            out: Vec::with_capacity(64 << 10),
            gate: Kept(Vec::with_capacity(BATCH + 1)),
            door: world.door,
        }
    }

    fn number_frames(&mut self) {
        let length = HEADER_BYTES + usize::from(NewOrder::LAYOUT.block_length);
        for frame in self.frames.chunks_exact_mut(length) {
            self.number += 1;
            frame[8..16].copy_from_slice(&self.number.to_le_bytes());
            frame[32..40].copy_from_slice(&self.number.to_le_bytes());
        }
        self.stamp.time = TimeNs::new(self.stamp.time.get() + 1_000);
        self.gate.0.clear();
    }

    fn receive(&mut self) {
        let used = self.door.receive(self.id, &self.frames, self.stamp.time, &mut self.gate);
        assert_eq!(used, self.frames.len());
    }

    fn release(&mut self) {
        for arrival in &self.gate.0 {
            let Action::NewOrder(order) = &arrival.command.action else { panic!("an order was sent") };
            let accepted = Event::Accepted {
                order: OrderId::new(arrival.command.client_seq.get()),
                client_order_id: arrival.command.client_order_id,
                session: arrival.command.session,
                account: order.account,
                instrument: order.instrument,
                side: order.side,
                limit: order.limit.expect("a limit order"),
                qty: order.qty,
                time_in_force: order.time_in_force,
                reduce_only: false,
            };
            let time = self.stamp.time;
            self.stamp.seq = Seq::new(self.stamp.seq.get() + 1);
            let outcome =
                Outcome { stamp: self.stamp, received: time, command: &arrival.command, events: &[accepted] };
            self.door.outcome(&outcome, time);
        }
    }

    fn fill(&mut self) {
        self.out.clear();
        let mut ready = None;
        for id in self.door.drain_ready() {
            ready = Some(id);
        }
        self.door.fill(ready.expect("there is something to send"), &mut self.out, 64 << 10);
        let accepted = HEADER_BYTES + usize::from(OrderAccepted::LAYOUT.block_length);
        assert_eq!(self.out.len(), BATCH * accepted);
    }

    fn tick(&mut self) {
        self.door.tick(self.stamp.time, &mut self.gate);
    }
}

fn batches() -> usize {
    std::env::var("FULCRUM_DOOR_BATCHES").ok().and_then(|batches| batches.parse().ok()).unwrap_or(1_000)
}

#[test]
fn an_order_and_its_answer_allocate_nothing() {
    let batches = batches();
    let mut course = Course::new();
    course.door.fill(course.id, &mut course.out, 64 << 10);
    for batch in 0..100 + batches {
        COUNTING.set(batch >= 100);
        course.number_frames();
        course.receive();
        course.release();
        course.fill();
        course.tick();
    }
    COUNTING.set(false);
    assert_eq!(ALLOCATIONS.get(), 0);

    // The counter counts: a control.
    COUNTING.set(true);
    drop(std::hint::black_box(Box::new(1_u64)));
    COUNTING.set(false);
    assert_eq!(ALLOCATIONS.get(), 1);
}

/// Prints what each part costs an order; run it alone, with more batches.
#[test]
fn parts_of_the_hot_path_are_timed() {
    let batches = batches();
    let mut course = Course::new();
    course.door.fill(course.id, &mut course.out, 64 << 10);
    let mut spent = [0_u128; 3];
    for _ in 0..batches {
        course.number_frames();
        let parts: [fn(&mut Course); 3] = [Course::receive, Course::release, Course::fill];
        for (part, spent) in parts.into_iter().zip(&mut spent) {
            let watch = Stopwatch::start();
            part(&mut course);
            *spent += watch.elapsed().as_nanos();
        }
    }
    let orders = u128::try_from(batches * BATCH).expect("a count");
    let [receive, outcome, fill] = spent.map(|spent| spent.div_euclid(orders));
    println!("mean ns an order: receive {receive}, outcome {outcome}, fill {fill}");
}
