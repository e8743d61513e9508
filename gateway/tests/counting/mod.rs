//! An allocator that counts on the threads that ask for it.
//!
//! Invariant: everything is forwarded unchanged to the system's allocator; other threads are not counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Whether this thread counts.
    pub(crate) static COUNTING: Cell<bool> = const { Cell::new(false) };
    /// What it has counted.
    pub(crate) static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
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
