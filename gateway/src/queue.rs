//! Queues of batches: boxes travel full to the receiver and come back empty to the sender.
//!
//! Invariant: there are exactly as many boxes as the queue has slots, all made at the start. So pushing never fails and
//! nothing is allocated later; "full" means that the sender has no empty box, and it is a value, not an error. The
//! sender takes the box that came back last, so that a queue that is kept short stays in the cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam::queue::ArrayQueue;

use crate::idle::Waker;

/// What a box carries.
pub trait Batch: Send + 'static {
    /// An empty batch with all the space it will ever need.
    fn with_space() -> Self;

    /// Whether there is nothing in it.
    fn is_empty(&self) -> bool;

    /// Whether one more message fits, the largest included.
    fn has_room(&self) -> bool;

    /// Forgets the messages, keeps the space.
    fn clear(&mut self);
}

#[derive(Debug)]
struct Lanes<B> {
    full: ArrayQueue<Box<B>>,
    empty: ArrayQueue<Box<B>>,
    sender_gone: AtomicBool,
    receiver_gone: AtomicBool,
}

/// The end that fills boxes.
#[derive(Debug)]
pub struct BatchSender<B: Batch> {
    lanes: Arc<Lanes<B>>,
    /// Empty boxes; the last one came back last.
    spare: Vec<Box<B>>,
    filling: Option<Box<B>>,
    receiver: Waker,
}

/// The end that empties boxes.
#[derive(Debug)]
pub struct BatchReceiver<B: Batch> {
    lanes: Arc<Lanes<B>>,
    sender: Waker,
}

/// A queue of `slots` boxes between two threads, each end with the waker of the other.
///
/// # Panics
/// When `slots` is zero.
#[must_use]
pub fn batches<B: Batch>(slots: usize, sender: Waker, receiver: Waker) -> (BatchSender<B>, BatchReceiver<B>) {
    let lanes = Arc::new(Lanes {
        full: ArrayQueue::new(slots),
        empty: ArrayQueue::new(slots),
        sender_gone: AtomicBool::new(false),
        receiver_gone: AtomicBool::new(false),
    });
    let spare = (0..slots).map(|_| Box::new(B::with_space())).collect();
    let back = BatchReceiver { lanes: Arc::clone(&lanes), sender };
    (BatchSender { lanes, spare, filling: None, receiver }, back)
}

impl<B: Batch> BatchSender<B> {
    /// Space for one more message, the largest included; `None` while the receiver holds all boxes but the `reserved`
    /// last ones. What is written there travels with the next [`Self::flush`], or when the box is full.
    #[inline]
    pub fn space(&mut self, reserved: usize) -> Option<&mut B> {
        if self.filling.as_ref().is_some_and(|batch| !batch.has_room()) {
            self.flush();
        }
        if self.filling.is_none() || reserved > 0 {
            self.open(reserved)?;
        }
        self.filling.as_deref_mut()
    }

    /// Makes sure that a box is open and that `reserved` more are at hand.
    fn open(&mut self, reserved: usize) -> Option<()> {
        let needed = reserved + usize::from(self.filling.is_none());
        if self.spare.len() < needed {
            self.collect();
        }
        if self.spare.len() < needed {
            return None;
        }
        if self.filling.is_none() {
            self.filling = self.spare.pop();
        }
        Some(())
    }

    fn collect(&mut self) {
        while let Some(batch) = self.lanes.empty.pop() {
            self.spare.push(batch);
        }
    }

    /// The open box, if there is one; written space included.
    #[inline]
    pub fn filling(&mut self) -> Option<&mut B> {
        self.filling.as_deref_mut()
    }

    /// Hands over what was written; whether there was anything.
    ///
    /// # Panics
    /// Never: there are as many slots as boxes.
    pub fn flush(&mut self) -> bool {
        let Some(batch) = self.filling.take_if(|batch| !batch.is_empty()) else { return false };
        let pushed = self.lanes.full.push(batch);
        assert!(pushed.is_ok(), "there are as many slots as boxes");
        self.receiver.wake();
        true
    }

    /// Whether nobody will ever receive what is sent.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.lanes.receiver_gone.load(Ordering::Acquire)
    }
}

impl<B: Batch> BatchReceiver<B> {
    /// The oldest full box.
    #[inline]
    pub fn receive(&mut self) -> Option<Box<B>> {
        self.lanes.full.pop()
    }

    /// Gives a box back, emptied here, where its messages were just read and are in the cache.
    ///
    /// # Panics
    /// When the box did not come from this queue.
    #[inline]
    pub fn give_back(&mut self, mut batch: Box<B>) {
        batch.clear();
        let pushed = self.lanes.empty.push(batch);
        assert!(pushed.is_ok(), "there are as many slots as boxes");
        self.sender.wake();
    }

    /// Whether nothing will come any more: the sender is gone and the queue is empty.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        // In this order: a sender that goes has sent everything before.
        self.lanes.sender_gone.load(Ordering::Acquire) && self.lanes.full.is_empty()
    }

    /// Whether a box waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes.full.is_empty()
    }
}

impl<B: Batch> Drop for BatchSender<B> {
    fn drop(&mut self) {
        self.flush();
        self.lanes.sender_gone.store(true, Ordering::Release);
        self.receiver.wake();
    }
}

impl<B: Batch> Drop for BatchReceiver<B> {
    fn drop(&mut self) {
        self.lanes.receiver_gone.store(true, Ordering::Release);
        self.sender.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idle::{Idle, Patience};

    #[derive(Debug)]
    struct Numbers(Vec<u64>);

    impl Batch for Numbers {
        fn with_space() -> Self {
            Self(Vec::with_capacity(4))
        }
        fn is_empty(&self) -> bool {
            self.0.is_empty()
        }
        fn has_room(&self) -> bool {
            self.0.len() < 4
        }
        fn clear(&mut self) {
            self.0.clear();
        }
    }

    fn queue(slots: usize) -> (BatchSender<Numbers>, BatchReceiver<Numbers>) {
        let idle = Idle::new(Patience::SHARED);
        batches(slots, idle.waker(), idle.waker())
    }

    #[test]
    fn full_is_a_value_and_the_reserve_admits_more() {
        let (mut sender, mut receiver) = queue(3);
        let mut sent = 0;
        while let Some(batch) = sender.space(1) {
            batch.0.push(sent);
            sent += 1;
        }
        assert_eq!(sent, 8, "two boxes of four; the third is reserved");
        while let Some(batch) = sender.space(0) {
            batch.0.push(sent);
            sent += 1;
        }
        assert_eq!(sent, 12);
        let batch = receiver.receive().expect("boxes wait");
        receiver.give_back(batch);
        assert!(sender.space(1).is_none(), "the box that came back is the reserve again");
        assert!(sender.space(0).is_some());
    }

    #[test]
    fn order_survives_small_queues_between_threads() {
        let (mut here, mut there) = (Idle::new(Patience::SHARED), Idle::new(Patience::SHARED));
        let (mut sender, mut receiver) = batches::<Numbers>(2, here.waker(), there.waker());
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut next = 0;
                while next < 100_000 {
                    let Some(batch) = sender.space(0) else {
                        here.round(0);
                        continue;
                    };
                    batch.0.push(next);
                    next += 1;
                    if next % 3 == 0 {
                        sender.flush();
                    }
                    here.round(1);
                }
            });
            let mut expected = 0;
            while !receiver.is_finished() {
                let batch = receiver.receive();
                there.round(usize::from(batch.is_some()));
                let Some(batch) = batch else { continue };
                for &number in &batch.0 {
                    assert_eq!(number, expected);
                    expected += 1;
                }
                receiver.give_back(batch);
            }
            assert_eq!(expected, 100_000);
        });
    }

    #[test]
    fn an_end_that_goes_is_noticed() {
        let (mut sender, mut receiver) = queue(2);
        sender.space(0).expect("empty queue").0.push(7);
        assert!(!receiver.is_finished());
        drop(sender);
        assert!(!receiver.is_finished(), "what was written still travels");
        assert_eq!(receiver.receive().expect("flushed on drop").0, [7]);
        assert!(receiver.is_finished());

        let (sender, receiver) = queue(2);
        drop(receiver);
        assert!(sender.is_abandoned());
    }
}
