//! Waiting: spin, then yield, then park; and waking whoever parked.
//!
//! Invariant: nobody unparks a thread that has not announced its sleep. An unpark costs the caller about 9 us, so the
//! announcement is a flag: the sleeper raises it, looks for work once more, and only then parks; a waker publishes its
//! work first and then reads the flag. A sequentially consistent fence on each side makes it impossible that both miss.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

/// How long a thread spins and yields before it parks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// Rounds without work that only pause the processor.
    pub spins: u32,
    /// Rounds after those that give the processor away.
    pub yields: u32,
    /// Longest sleep, so that duties that depend on time come up. A wake-up never depends on it.
    pub park_max: Duration,
}

impl Patience {
    /// For a thread with a core of its own: about a millisecond before it sleeps.
    pub const DEDICATED: Self = Self { spins: 40_000, yields: 0, park_max: Duration::from_millis(10) };
    /// For a thread that shares its core: some tens of microseconds, then neighbours come first.
    pub const SHARED: Self = Self { spins: 500, yields: 20, park_max: Duration::from_millis(10) };
}

#[derive(Debug, Default)]
struct Bed {
    announced: AtomicBool,
    thread: OnceLock<Thread>,
}

/// Wakes one thread, at next to no cost while it is awake.
#[derive(Clone, Debug)]
pub struct Waker {
    bed: Arc<Bed>,
}

impl Waker {
    /// To be called after work was published: wakes the thread if it has announced its sleep.
    #[inline]
    pub fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.bed.announced.load(Ordering::Relaxed) {
            self.rouse();
        }
    }

    #[cold]
    fn rouse(&self) {
        // Of several wakers one pays for the unpark.
        if self.bed.announced.swap(false, Ordering::AcqRel)
            && let Some(thread) = self.bed.thread.get()
        {
            thread.unpark();
        }
    }
}

/// The waiting side: one per thread.
#[derive(Debug)]
pub struct Idle {
    patience: Patience,
    bed: Arc<Bed>,
    /// Rounds without work so far.
    rounds: u32,
}

impl Idle {
    /// A strategy that waits as `patience` says.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self { patience, bed: Arc::default(), rounds: 0 }
    }

    /// Wakes the thread that waits here.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker { bed: Arc::clone(&self.bed) }
    }

    /// One round is over with `work` done; waits a little where it was none.
    #[inline]
    pub fn round(&mut self, work: usize) {
        if work == 0 {
            self.wait();
        } else if self.rounds > 0 {
            self.rounds = 0;
            self.bed.announced.store(false, Ordering::Relaxed);
        }
    }

    fn wait(&mut self) {
        let Patience { spins, yields, park_max } = self.patience;
        let awake = spins.saturating_add(yields);
        if self.rounds < spins {
            self.rounds += 1;
            std::hint::spin_loop();
        } else if self.rounds < awake {
            self.rounds += 1;
            thread::yield_now();
        } else if self.rounds == awake {
            // Announce and go round once more: work published before the announcement was visible is found there.
            self.rounds = awake.saturating_add(1);
            let _first = self.bed.thread.get_or_init(thread::current);
            self.bed.announced.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
        } else {
            thread::park_timeout(park_max);
            self.bed.announced.store(false, Ordering::Relaxed);
            // Back to the announcement: a sleep that ends without work does not spin again.
            self.rounds = awake;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    const SLEEPY: Patience = Patience { spins: 0, yields: 0, park_max: Duration::from_mins(1) };

    #[test]
    fn a_waker_leaves_a_thread_alone_that_is_awake() {
        let idle = Idle::new(Patience::SHARED);
        idle.waker().wake();
        assert!(idle.bed.thread.get().is_none());
    }

    #[test]
    fn no_wake_up_is_lost() {
        // With 60 s of sleep a single lost wake-up would be seen as a hang.
        let (mut here, mut there) = (Idle::new(SLEEPY), Idle::new(SLEEPY));
        let (wake_here, wake_there) = (here.waker(), there.waker());
        let ball = AtomicU64::new(0);
        let bounce = |parity: u64, idle: &mut Idle, peer: &Waker| {
            while ball.load(Ordering::Acquire) < 20_000 {
                let turn = ball.load(Ordering::Acquire);
                let work = usize::from(turn % 2 == parity && turn < 20_000);
                if work > 0 {
                    ball.store(turn + 1, Ordering::Release);
                    peer.wake();
                }
                idle.round(work);
            }
            peer.wake();
        };
        thread::scope(|scope| {
            scope.spawn(|| bounce(0, &mut here, &wake_there));
            bounce(1, &mut there, &wake_here);
        });
    }
}
