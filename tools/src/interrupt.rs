//! Ctrl-C and SIGTERM as a flag: the first asks for a graceful end, the second ends at once.
//!
//! Invariant: the handler only counts; whoever works looks at the flag between two steps. Ending at once loses nothing
//! that was acknowledged: the log is as good as after a kill.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Exit code of a run that was interrupted: 128 and the number of SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// Whether somebody asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    asked: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Listens for signals from now on. Where the system refuses, the process just ends by them, as it would have.
    #[must_use]
    pub fn listen() -> Self {
        let interrupt = Self::default();
        let asked = Arc::clone(&interrupt.asked);
        let heard = ctrlc::set_handler(move || {
            if asked.fetch_add(1, Ordering::SeqCst) > 0 {
                end_at_once();
            }
        });
        if let Err(error) = heard {
            crate::progress::say(&format!("note: Ctrl-C will end at once, without a summary: {error}"));
        }
        interrupt
    }

    /// Asks to stop, as a signal does.
    pub fn ask(&self) {
        self.asked.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether to stop.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst) > 0
    }
}

#[expect(clippy::exit, reason = "the second Ctrl-C means now; the log needs no farewell")]
fn end_at_once() {
    std::process::exit(i32::from(INTERRUPTED));
}
