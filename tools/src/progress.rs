//! Progress on standard error: a bar on a terminal, plain lines elsewhere.
//!
//! Invariant: standard output is never touched, and progress that cannot be shown is dropped, never an error.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Plain lines are printed at every tenth of the whole, or at every so many steps when the whole is not known.
const STEPS_PER_LINE: u64 = 1_000_000;

/// Progress of one piece of work.
#[derive(Debug)]
pub struct Progress {
    label: &'static str,
    total: Option<u64>,
    bar: Option<ProgressBar>,
    next_line: u64,
}

impl Progress {
    /// Begins to show. Without a `total` only the count is shown.
    #[must_use]
    pub fn start(label: &'static str, total: Option<u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| bar(label, total));
        Self { label, total, bar, next_line: 0 }
    }

    /// Shows how far the work is, and a word on what is being done.
    pub fn at(&mut self, done: u64, doing: &'static str) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(doing);
        } else if done >= self.next_line {
            let step = self.total.map_or(STEPS_PER_LINE, |total| total.div_euclid(10).max(1));
            self.next_line = done - done.rem_euclid(step) + step;
            self.print(done, doing);
        }
    }

    fn print(&self, done: u64, doing: &str) {
        let of = self.total.map_or(String::new(), |total| format!(" of {total}"));
        let doing = if doing.is_empty() { String::new() } else { format!(" ({doing})") };
        say(&format!("{}: {done}{of}{doing}", self.label));
    }

    /// Ends; the bar goes away.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(label: &'static str, total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => {
            "{prefix} [{bar:32}] {percent:>3} % {human_pos} of {human_len}, {per_sec}, {eta} left {msg}"
        }
        None => "{prefix} {spinner} {human_pos}, {per_sec} {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
    bar.with_style(style.progress_chars("=> ")).with_prefix(label)
}

/// Prints one line on standard error.
pub fn say(line: &str) {
    let _shown = writeln!(std::io::stderr().lock(), "{line}").is_ok();
}
