//! `fulcrum margin check`: every example of a file, computed by the product and compared.
//!
//! Invariant: an example passes only when everything it expects was found within its tolerance; one of another venue's
//! rules, or of a rule not built yet, is not applicable and says why.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::exact::Exact;
use super::example::{self, Example, Inputs, Use};
use super::formulas;
use crate::desk::table::{Align, Table};

/// Arguments of `fulcrum margin check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// File of worked examples
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print one JSON object: `passed`, `failed`, `not_applicable`, `counts`
    #[arg(long)]
    pub json: bool,
}

/// An example that did not pass, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Named {
    /// Which.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// How many of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Counts {
    /// Everything expected was found.
    pub passed: usize,
    /// Something was not.
    pub failed: usize,
    /// Not ours.
    pub not_applicable: usize,
}

/// What came of the examples.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Names of those that passed.
    pub passed: Vec<String>,
    /// Those that failed.
    pub failed: Vec<Named>,
    /// Those that are not ours.
    pub not_applicable: Vec<Named>,
    /// How many of each.
    pub counts: Counts,
    /// Counts by group, in the order of the file.
    #[serde(skip)]
    groups: Vec<(String, Counts)>,
}

/// Whether an example passed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Everything expected was found.
    Passed,
    /// Something was not, or could not be computed.
    Failed(String),
    /// Not ours.
    NotApplicable(String),
}

/// Computes an example and compares.
#[must_use]
pub fn judge(example: &Example) -> Verdict {
    match example.used {
        Use::Margin | Use::Liquidation => {}
        Use::Reference => return Verdict::NotApplicable("another venue's rule".to_owned()),
        Use::Adaptive | Use::Scenario => return Verdict::NotApplicable("not built yet".to_owned()),
    }
    let Some(formula) = formulas::find(&example.formula) else {
        return Verdict::Failed(format!(
            "no function computes `{}`; `fulcrum margin formulas` lists the known ones",
            example.formula
        ));
    };
    let Some(tolerance) = example::number_of(&example.tolerance) else {
        return Verdict::Failed("the tolerance is no number".to_owned());
    };
    match compare(example, &(formula.compute)(Inputs(&example.inputs)), &tolerance) {
        Ok(()) => Verdict::Passed,
        Err(reason) => Verdict::Failed(format!("{reason} ({})", formula.function)),
    }
}

fn compare(example: &Example, outcome: &example::Outcome, tolerance: &Exact) -> Result<(), String> {
    let found = outcome.as_ref().map_err(Clone::clone)?;
    for (name, expected) in &example.expected {
        // A formula that finds one figure is asked for it by any name.
        let found = match found.as_slice() {
            [only] if example.expected.len() == 1 => Some(only),
            several => several.iter().find(|(known, _)| known == name),
        };
        let Some((_, found)) = found else {
            return Err(format!("`{name}` is expected, but not among what is computed"));
        };
        if !found.is(expected, tolerance) {
            return Err(format!("{name} is {found}, expected {expected} within {}", example.tolerance));
        }
    }
    Ok(())
}

impl Report {
    /// Judges every example.
    #[must_use]
    pub fn of(examples: &[Example]) -> Self {
        let mut report = Self::default();
        for example in examples {
            let id = example.id.clone();
            let mut counts = Counts::default();
            match judge(example) {
                Verdict::Passed => {
                    counts.passed = 1;
                    report.passed.push(id);
                }
                Verdict::Failed(reason) => {
                    counts.failed = 1;
                    report.failed.push(Named { id, reason });
                }
                Verdict::NotApplicable(reason) => {
                    counts.not_applicable = 1;
                    report.not_applicable.push(Named { id, reason });
                }
            }
            report.count(&example.group, counts);
        }
        report
    }

    fn count(&mut self, group: &str, one: Counts) {
        self.counts.add(one);
        match self.groups.iter_mut().find(|(name, _)| name == group) {
            Some((_, counts)) => counts.add(one),
            None => self.groups.push((group.to_owned(), one)),
        }
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.not_applicable += other.not_applicable;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(&[
            ("group", Align::Left),
            ("passed", Align::Right),
            ("failed", Align::Right),
            ("not applicable", Align::Right),
        ]);
        let all = ("all".to_owned(), self.counts);
        for (group, counts) in self.groups.iter().chain([&all]) {
            let numbers = [counts.passed, counts.failed, counts.not_applicable];
            table.push([group.clone()].into_iter().chain(numbers.map(|number| number.to_string())).collect());
        }
        write!(f, "{table}")?;
        for Named { id, reason } in &self.failed {
            writeln!(f, "failed          {id}: {reason}")?;
        }
        for Named { id, reason } in &self.not_applicable {
            writeln!(f, "not applicable  {id}: {reason}")?;
        }
        Ok(())
    }
}

/// Checks the file, and prints what came of it.
///
/// # Errors
/// What is wrong with the file.
pub fn run(args: &CheckArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let named = args.file.display();
    let text = std::fs::read_to_string(&args.file)
        .map_err(|error| anyhow::anyhow!("{named} cannot be read: {error}"))?;
    let examples = example::read(&text).map_err(|reason| anyhow::anyhow!("{named}: {reason}"))?;
    let report = Report::of(&examples);
    if args.json {
        writeln!(output, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(output, "{report}")?;
    }
    output.flush()?;
    Ok(u8::from(report.counts.failed > 0))
}
