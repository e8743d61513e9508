//! The door's hot path: frame in, command out; event in, frame out. It allocates nothing after warm-up.
//!
//! Invariant: only the thread of the test counts, and only while the door runs.

#[path = "door/harness.rs"]
#[expect(dead_code, reason = "only the logon is needed here")]
mod harness;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use engine::{Action, ClientOrderId, Event, OrderId, Seq, Stamp, TimeNs};
use gateway::clock::Stopwatch;
use gateway::door::{Allowance, ConnectionId, Door, DoorConfig, Gate};
use gateway::in_process::Refused;
use gateway::outcome::{Arrival, Outcome};
use gateway::query::Query;
use gateway::wire::private::OrderAccepted;
use gateway::wire::types::Side;
use gateway::wire::{HEADER_BYTES, Message};
use harness::{ALICE, MARK, World};

thread_local! {
    static COUNTING: Cell<bool> = const { Cell::new(false) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct CountingAllocator;

fn count() {
    // At the end of a thread its cells are gone; nothing is counted there.
    let counting = COUNTING.try_with(Cell::get).unwrap_or(false);
    if counting {
        ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
    }
}

#[expect(
    unsafe_code,
    reason = "a global allocator cannot be written without; it only forwards to the system's"
)]
// SAFETY: every method forwards its arguments unchanged to the system allocator, which keeps the contract.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Keeps the last command.
#[derive(Debug, Default)]
struct Last(Option<Arrival>);

impl Gate for Last {
    fn submit(&mut self, arrival: Arrival) -> Result<(), Refused> {
        self.0 = Some(arrival);
        Ok(())
    }

    fn ask(&mut self, query: Query) -> Result<(), Query> {
        Err(query)
    }
}

/// Orders through a door, each accepted at once.
struct Course {
    door: Door,
    id: ConnectionId,
    stamp: Stamp,
    number: u64,
    frame: Vec<u8>,
    out: Vec<u8>,
    gate: Last,
}

impl Course {
    fn new() -> Self {
        let requests = Allowance { capacity: u32::MAX, rate: 1_000_000_000 };
        let mut world = World::with(DoorConfig { requests, ..DoorConfig::default() }, 64 << 10);
        let alice = world.client(ALICE);
        let seq = Seq::new(u64::try_from(world.log.len()).expect("short"));
        Self {
            id: alice.id,
            stamp: Stamp { seq, time: world.time() },
            number: 0,
            frame: harness::numbered(1, &harness::order(1, Side::Buy, MARK, 0)),
            out: Vec::with_capacity(64 << 10),
            gate: Last::default(),
            door: world.door,
        }
    }

    fn receive(&mut self) {
        self.number += 1;
        self.frame[8..16].copy_from_slice(&self.number.to_le_bytes());
        self.frame[32..40].copy_from_slice(&self.number.to_le_bytes());
        let time = TimeNs::new(self.stamp.time.get() + 1_000);
        self.stamp = Stamp { seq: Seq::new(self.stamp.seq.get() + 1), time };
        let used = self.door.receive(self.id, &self.frame, time, &mut self.gate);
        assert_eq!(used, self.frame.len());
    }

    fn release(&mut self) {
        let arrival = self.gate.0.take().expect("submitted");
        let Action::NewOrder(order) = &arrival.command.action else { panic!("an order was sent") };
        let accepted = Event::Accepted {
            order: OrderId::new(self.number),
            client_order_id: ClientOrderId::new(self.number),
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
        let outcome =
            Outcome { stamp: self.stamp, received: time, command: &arrival.command, events: &[accepted] };
        self.door.outcome(&outcome, time);
    }

    fn fill(&mut self) {
        self.out.clear();
        let mut ready = None;
        for id in self.door.drain_ready() {
            ready = Some(id);
        }
        self.door.fill(ready.expect("there is something to send"), &mut self.out, 64 << 10);
        let accepted = usize::from(OrderAccepted::LAYOUT.block_length);
        assert_eq!(self.out.len(), HEADER_BYTES + accepted);
    }
}

fn rounds() -> u64 {
    std::env::var("FULCRUM_DOOR_ORDERS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(20_000)
}

#[test]
fn an_order_and_its_answer_allocate_nothing() {
    let mut course = Course::new();
    course.door.fill(course.id, &mut course.out, 64 << 10);
    let tick = |course: &mut Course| course.door.tick(course.stamp.time, &mut course.gate);
    for _ in 0..2_000 {
        course.receive();
        course.release();
        course.fill();
        tick(&mut course);
    }
    COUNTING.with(|counting| counting.set(true));
    for _ in 0..rounds() {
        course.receive();
        course.release();
        course.fill();
        tick(&mut course);
    }
    COUNTING.with(|counting| counting.set(false));
    assert_eq!(ALLOCATIONS.with(Cell::get), 0);
}

/// Prints what each half costs; run it alone, with more rounds.
#[test]
fn halves_of_the_hot_path_are_timed() {
    let mut course = Course::new();
    course.door.fill(course.id, &mut course.out, 64 << 10);
    let rounds = rounds();
    let mut spent = [0_u128; 4];
    for _ in 0..rounds {
        let watch = Stopwatch::start();
        let nothing = watch.elapsed();
        course.receive();
        let received = watch.elapsed();
        course.release();
        let released = watch.elapsed();
        course.fill();
        let filled = watch.elapsed();
        let ends = [nothing, received, released, filled];
        let starts = [Duration::ZERO, nothing, received, released];
        for (spent, (end, start)) in spent.iter_mut().zip(ends.into_iter().zip(starts)) {
            *spent += end.saturating_sub(start).as_nanos();
        }
    }
    let [clock, receive, outcome, fill] = spent.map(|spent| spent.div_euclid(u128::from(rounds)));
    println!("mean ns: clock {clock}; with a clock each: receive {receive}, outcome {outcome}, fill {fill}");
}
