//! The shape of a role: a unit of work that never blocks, so that any number of them can share a thread.
//!
//! Invariant: `do_work` returns without waiting for anybody. Where it cannot go on, it says that it did nothing.

/// A role.
pub trait DutyCycle: Send {
    /// Does what there is to do, bounded; the amount of work done, 0 when there was none.
    fn do_work(&mut self) -> usize;

    /// Whether it will never have work again. Its thread ends when that is true of all its roles.
    fn is_finished(&self) -> bool;

    /// Called once, on the role's thread, after it has finished.
    fn on_close(&mut self) {}
}
