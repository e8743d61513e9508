//! Waiting: spin, then yield, then sleep; and waking whoever sleeps. A thread without sockets parks; one that has them
//! sleeps where they are polled, so that both the network and its peers can wake it.
//!
//! Invariant: nobody wakes a thread that has not announced its sleep. An unpark costs the caller about 9 us, so the
//! announcement is a flag: the sleeper raises it, looks for work once more, and only then sleeps; a waker publishes its
//! work first and then reads the flag. A sequentially consistent fence on each side makes it impossible that both miss.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use mio::{Poll, Registry, Token};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

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
    /// For a thread that shares its core: a few microseconds, then neighbours come first. It stays awake over a sync of
    /// the log, since waking it would cost as much again; a neighbour that has work gets the core at once.
    pub const SHARED: Self = Self { spins: 100, yields: 400, park_max: Duration::from_millis(10) };
}

/// The event a thread that sleeps over its sockets is woken with by its peers. Whoever takes it says that there was work:
/// what it tells of may have been published behind the back of the round that found it.
pub const ALARM: Token = Token(usize::MAX);

/// How a sleeper is reached.
#[derive(Debug)]
enum Alarm {
    /// It parks.
    Thread(OnceLock<Thread>),
    /// It sleeps over its sockets.
    Poller(mio::Waker),
}

#[derive(Debug)]
struct Bed {
    announced: AtomicBool,
    alarm: Alarm,
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
        // Of several wakers one pays for it.
        if !self.bed.announced.swap(false, Ordering::AcqRel) {
            return;
        }
        match &self.bed.alarm {
            Alarm::Thread(thread) => {
                if let Some(thread) = thread.get() {
                    thread.unpark();
                }
            }
            // It fails only where the system has no memory left; the sleep is bounded.
            Alarm::Poller(waker) => {
                let _woken = waker.wake().is_ok();
            }
        }
    }
}

/// The waiting side: one per thread.
#[derive(Debug)]
pub struct Idle {
    patience: Patience,
    bed: Arc<Bed>,
    /// Where the sockets are polled, if there are any.
    sockets: Option<Registry>,
    /// Rounds without work so far.
    rounds: u32,
}

impl Idle {
    /// A strategy that waits as `patience` says, for a thread without sockets.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        let bed = Bed { announced: AtomicBool::new(false), alarm: Alarm::Thread(OnceLock::new()) };
        Self { patience, bed: Arc::new(bed), sockets: None, rounds: 0 }
    }

    /// A strategy that waits as `patience` says, for a thread that polls its sockets with `poll` in every round: while it
    /// sleeps, an event there wakes it. Peers wake it with the event [`ALARM`]; every event counts as work.
    ///
    /// # Errors
    /// When the system has no file descriptor left.
    pub fn over_sockets(patience: Patience, poll: &Poll) -> io::Result<Self> {
        let alarm = Alarm::Poller(mio::Waker::new(poll.registry(), ALARM)?);
        let sockets = Some(poll.registry().try_clone()?);
        let bed = Bed { announced: AtomicBool::new(false), alarm };
        Ok(Self { patience, bed: Arc::new(bed), sockets, rounds: 0 })
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
            if let Alarm::Thread(thread) = &self.bed.alarm {
                let _first = thread.get_or_init(thread::current);
            }
            self.bed.announced.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
        } else {
            self.sleep(park_max);
            self.bed.announced.store(false, Ordering::Relaxed);
            // Back to the announcement: a sleep that ends without work does not spin again.
            self.rounds = awake;
        }
    }

    fn sleep(&self, longest: Duration) {
        let Some(sockets) = &self.sockets else { return thread::park_timeout(longest) };
        // Only sleeps: the events stay where they are for the next round. A sleep cut short, by a signal or because the
        // system cannot, is one round more.
        let mut ready = [PollFd::new(sockets, PollFlags::IN)];
        let longest = Timespec::try_from(longest).ok();
        let _woken = poll(&mut ready, longest.as_ref()).is_ok();
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
        assert!(matches!(&idle.bed.alarm, Alarm::Thread(thread) if thread.get().is_none()));

        let mut poll = Poll::new().expect("a descriptor is left");
        let idle = Idle::over_sockets(Patience::SHARED, &poll).expect("a descriptor is left");
        idle.waker().wake();
        assert!(clear(&mut poll), "no event was caused");
    }

    /// Takes the events of a poller; whether there were none.
    fn clear(poll: &mut Poll) -> bool {
        let mut events = mio::Events::with_capacity(8);
        poll.poll(&mut events, Some(Duration::ZERO)).expect("polling works");
        events.is_empty()
    }

    /// Bounces a ball between two threads that sleep at once: with a minute of sleep a single lost wake-up would be seen
    /// as a hang. `look` takes events, if there are any; whether there were.
    fn bounce(mut here: Idle, mut there: Idle, mut look: [impl FnMut() -> bool + Send; 2]) {
        let (wake_here, wake_there) = (here.waker(), there.waker());
        let ball = AtomicU64::new(0);
        let bounce = |parity: u64, idle: &mut Idle, peer: &Waker, look: &mut dyn FnMut() -> bool| {
            while ball.load(Ordering::Acquire) < 20_000 {
                let turn = ball.load(Ordering::Acquire);
                let work = usize::from(turn % 2 == parity && turn < 20_000);
                if work > 0 {
                    ball.store(turn + 1, Ordering::Release);
                    peer.wake();
                }
                idle.round(work + usize::from(look()));
            }
            peer.wake();
        };
        let [look_here, look_there] = &mut look;
        thread::scope(|scope| {
            scope.spawn(|| bounce(0, &mut here, &wake_there, look_here));
            bounce(1, &mut there, &wake_here, look_there);
        });
    }

    #[test]
    fn no_wake_up_is_lost() {
        bounce(Idle::new(SLEEPY), Idle::new(SLEEPY), [|| false, || false]);
    }

    #[test]
    fn no_wake_up_is_lost_over_sockets() {
        let mut polls = [(); 2].map(|()| Poll::new().expect("a descriptor is left"));
        let [here, there] =
            [0, 1].map(|side| Idle::over_sockets(SLEEPY, &polls[side]).expect("a descriptor is left"));
        let look = polls.each_mut().map(|poll| || !clear(poll));
        bounce(here, there, look);
    }

    #[test]
    fn the_network_wakes_a_sleeper() {
        let mut poll = Poll::new().expect("a descriptor is left");
        let mut idle = Idle::over_sockets(SLEEPY, &poll).expect("a descriptor is left");
        let mut listener =
            mio::net::TcpListener::bind("127.0.0.1:0".parse().expect("an address")).expect("a port is free");
        let address = listener.local_addr().expect("bound");
        poll.registry().register(&mut listener, Token(0), mio::Interest::READABLE).expect("registers");
        thread::scope(|scope| {
            let caller = scope.spawn(|| {
                let watch = crate::clock::Stopwatch::start();
                while watch.elapsed() < Duration::from_millis(20) {
                    thread::yield_now();
                }
                std::net::TcpStream::connect(address)
            });
            while clear(&mut poll) {
                idle.round(0);
            }
            caller.join().expect("no panic").expect("connects");
        });
    }
}
