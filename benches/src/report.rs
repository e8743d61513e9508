//! How does a report reach people and programs?
#![expect(clippy::print_stdout, reason = "printing is what this module is for")]

use serde::Serialize;

/// Where and with what a report was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    /// Cores this machine shows.
    pub cores: usize,
    /// The core the measuring thread is bound to.
    pub pinned: Option<usize>,
    /// Whether assertions of debug builds are on: such figures compare with nothing.
    pub debug_assertions: bool,
}

impl Setting {
    /// Binds this thread to `core` and describes the machine.
    #[must_use]
    pub fn prepare(core: usize) -> Self {
        Self { cores: cores(), pinned: crate::measure::pin(core), debug_assertions: cfg!(debug_assertions) }
    }

    /// Describes the machine to a report whose threads find their own cores.
    #[must_use]
    pub fn unpinned() -> Self {
        Self { cores: cores(), pinned: None, debug_assertions: cfg!(debug_assertions) }
    }

    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        let pinned = self.pinned.map_or("not pinned".to_owned(), |core| format!("pinned to core {core}"));
        let build = if self.debug_assertions { "; DEBUG ASSERTIONS ON, figures mean nothing" } else { "" };
        format!("{} cores, {pinned}{build}; not comparable across machines", self.cores)
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, core::num::NonZero::get)
}

/// A report in both forms.
pub trait Report: Serialize {
    /// For people.
    fn text(&self) -> String;
}

/// Prints a report.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn show(report: &impl Report, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        println!("{}", report.text());
    }
    Ok(())
}

/// Lines up columns: the first to the left, the others to the right.
#[must_use]
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let padded = if column == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
            line.push_str(&padded);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "10".to_owned()], vec!["bcd".to_owned(), "9".to_owned()]];
        assert_eq!(table(&rows), "a    10\nbcd   9\n");
    }
}
