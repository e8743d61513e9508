//! The log takes no memory once it is warm.
//!
//! Invariant: appending, noting events, committing and preparing the next segment allocate nothing between rotations.
#![expect(unsafe_code, reason = "counting allocations takes an allocator of our own")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use engine::{Action, Capacity, Command, Event, Seq, Stamp, TimeNs, Transfer};
use gateway::log::{Durability, Entry, EventLog, Genesis, LogOptions, RealDisk};
use risk::{AccountId, Money};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn run(log: &mut EventLog<RealDisk>, from: u64, to: u64) {
    let command = Command::venue(Action::Deposit(Transfer::new(AccountId::new(16), Money::new(5))));
    for seq in from..to {
        let stamp = Stamp { seq: Seq::new(seq), time: TimeNs::new(seq) };
        log.append(&Entry { stamp, received_ns: 0, command: &command }).expect("in order");
        log.note_events(stamp.seq, &[Event::Ticked; 4]);
        if seq % 64 == 0 {
            log.commit().expect("a sound disk");
            log.prepare_ahead().expect("a sound disk");
        }
    }
}

#[test]
fn nothing_is_allocated_after_warm_up() {
    for durability in [Durability::None, Durability::Local] {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = RealDisk::open(directory.path()).expect("a new directory");
        let options = LogOptions { segment_bytes: 16 * 1024 * 1024, durability };
        let genesis =
            Genesis::new(String::new(), TimeNs::new(1), Capacity { accounts: 1, legs: 1, orders: 1 });
        let mut log = EventLog::create(disk, options, &genesis).expect("an empty directory takes a log");
        run(&mut log, 1, 1000);
        let before = COUNT.with(Cell::get);
        run(&mut log, 1000, 21_000);
        assert_eq!(COUNT.with(Cell::get) - before, 0, "{durability:?}");
        assert!(before > 0, "the counter counts");
    }
}
