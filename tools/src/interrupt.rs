//! Ctrl-C and SIGTERM as a flag: the first asks for a graceful end, one more after a second ends at once. What comes
//! within that second is the same wish: `timeout` and shells signal a process and its group.
//!
//! Invariant: the handler only sets the flag; whoever works looks at it between two steps. Ending at once loses nothing
//! that was acknowledged: the log is as good as after a kill.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gateway::clock::Stopwatch;

/// Exit code of a run that was interrupted: 128 and the number of SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// Signals closer together than this are one.
const SAME_WISH: Duration = Duration::from_secs(1);

/// Whether somebody asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens for signals from now on. Where the system refuses, the process just ends by them, as it would have.
    #[must_use]
    pub fn listen() -> Self {
        let interrupt = Self::default();
        let asked = Arc::clone(&interrupt.asked);
        let mut first: Option<Stopwatch> = None;
        let heard = ctrlc::set_handler(move || {
            asked.store(true, Ordering::SeqCst);
            if first.get_or_insert_with(Stopwatch::start).elapsed() > SAME_WISH {
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
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Whether to stop.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

#[expect(clippy::exit, reason = "a repeated Ctrl-C means now; the log needs no farewell")]
fn end_at_once() {
    std::process::exit(i32::from(INTERRUPTED));
}
