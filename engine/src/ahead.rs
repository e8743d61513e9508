//! Reading ahead: asks the processor for memory that an operation waiting behind the current ones will touch.
//!
//! Invariant: changes no state, only caches; where the processor has no such instruction it does nothing. An operation
//! is announced twice: from afar what its own words name, from nearby what that memory, which has come by then, names.

/// How many operations before it an operation is announced from afar.
pub const FAR: usize = 12;
/// How many operations before it an operation is announced from nearby.
pub const NEAR: usize = 6;

/// Which of the two announcements this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Distance {
    /// [`FAR`] operations before.
    Far,
    /// [`NEAR`] operations before.
    Near,
}

/// Asks for the cache line that `what` begins in, without waiting for it.
#[inline]
pub(crate) fn fetch<T>(what: &T) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
    safe_arch::prefetch_t0(what);
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse")))]
    let _ = what;
}
