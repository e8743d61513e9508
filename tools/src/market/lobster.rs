//! `fulcrum market --format lobster`: a LOBSTER message file replayed as orders, held against its book file.
//!
//! The replay starts from a row of a book file. Where the book file shows all that its messages speak of, as the vendor's
//! files of one level count do, it goes on **row by row**: each row is first compared with the venue's book, then what came
//! into sight is taken over from it, since no message tells of orders behind the last level. Where messages go deeper
//! than the rows, it runs **free** from its start: nothing is taken over, and what changed out of sight stays a
//! disagreement.
//!
//! Invariant: agreement is between the file and the venue's own book and fills; the reasons of disagreements come from
//! the files ([`mod@step`]) and from what has been out of sight ([`replay`]), never from the disagreement itself.

pub mod compare;
pub mod held;
pub mod passed;
pub mod reason;
pub mod replay;
pub mod report;
pub mod row;
pub mod step;
pub mod survey;

use std::path::{Path, PathBuf};

use self::compare::{Difference, Verdict, compare, take_over};
use self::passed::Place;
use self::reason::Reason;
use self::replay::Replay;
pub use self::report::Report;
use self::row::{Row, Rows};
use self::step::{Step, step};
use self::survey::Survey;
use super::floor::Floor;
use super::report::{Disagreement, Disagreements};
use crate::flow::FlowError;
use crate::flow::lobster::file::Messages;
use crate::flow::lobster::message::Message;
use crate::progress::Progress;

/// Progress is shown once per so many messages.
const SHOW_INTERVAL: u64 = 4_096;

/// Where the files are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Files {
    /// Messages.
    pub messages: PathBuf,
    /// Rows to compare with.
    pub book: PathBuf,
    /// Book file whose first row the replay starts from, where it is not `book`.
    pub seed: Option<PathBuf>,
}

/// What to compare.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Where the files are.
    pub files: Files,
    /// Levels to compare at most.
    pub levels: Option<usize>,
    /// Disagreements to list at most, of each check.
    pub list: usize,
}

/// Replays and compares.
///
/// # Errors
/// [`FlowError`] when a file cannot be read, is malformed anywhere, or does not belong to the other.
pub fn run(options: &Options) -> Result<Report, FlowError> {
    let files = &options.files;
    let survey = Survey::of(files)?;
    let follows = survey.rows_show_all();
    let (seed_path, seed) = start_row(files, &survey, follows)?;
    let unusable = |reason| FlowError::Unusable { path: seed_path.clone(), reason };
    let mut messages = Messages::open(&files.messages)?.without_header();
    let Some(first) = messages.next_message()? else {
        return Err(unusable("the message file is empty now".to_owned()));
    };
    let floor = Floor::open(&survey.terms(&seed)).map_err(unusable)?;
    let start = Replay::start(floor, &seed, &first, follows);
    let mut run = Run {
        replay: start.map_err(|reason| unusable(format!("its first row {reason}")))?,
        rows: Rows::open(&files.book)?,
        before: None,
        levels: options.levels.map_or(survey.levels, |levels| levels.min(survey.levels)),
        contradiction: survey.contradiction,
        equal: Equal::default(),
        disagreements: Disagreements::new(options.list),
    };
    run.play_all(messages, &first, survey.messages)?;
    Ok(Report::of(run, &survey, follows, (&seed_path, &seed)))
}

/// The row to start from, and its file.
fn start_row(files: &Files, survey: &Survey, follows: bool) -> Result<(PathBuf, Row), FlowError> {
    let own = || (files.book.clone(), survey.first.clone());
    if follows {
        return Ok(own());
    }
    let Some(path) = &files.seed else {
        return Ok(wider_beside(files, survey).unwrap_or_else(own));
    };
    let seed = first_row(path)?;
    if is_wider(&seed, &survey.first) {
        return Ok((path.clone(), seed));
    }
    let reason =
        "its first row is not that of the book file; --seed is for a wider book file of these messages";
    Err(FlowError::Unusable { path: path.clone(), reason: reason.to_owned() })
}

/// The first row of a wider book file of the same messages, if one lies beside them: beside `X_message_50*` a file
/// `X_orderbook_50*`. What lies there and does not fit is none of our business.
fn wider_beside(files: &Files, survey: &Survey) -> Option<(PathBuf, Row)> {
    let name = files.messages.file_name()?.to_str()?;
    let (stem, rest) = name.split_once("_message_")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    if digits.parse::<usize>().ok()? <= survey.levels {
        return None;
    }
    let wanted = format!("{stem}_orderbook_{digits}");
    let parent = files.messages.parent().unwrap_or(Path::new(""));
    let directory = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let entries = std::fs::read_dir(directory).ok()?;
    let is_wanted = |name: &String| {
        let rest = name.strip_prefix(&wanted);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let path = parent.join(names.filter(is_wanted).min()?);
    let seed = first_row(&path).ok().filter(|seed| is_wider(seed, &survey.first))?;
    Some((path, seed))
}

fn first_row(path: &Path) -> Result<Row, FlowError> {
    Rows::open(path)?.next_row()?.ok_or_else(|| FlowError::Unusable {
        path: path.to_owned(),
        reason: "no row in it; expected a LOBSTER orderbook file".to_owned(),
    })
}

/// Whether a row to start from shows what the first row of the book file shows, and perhaps more.
fn is_wider(seed: &Row, first: &Row) -> bool {
    seed.levels >= first.levels && seed.asks.starts_with(&first.asks) && seed.bids.starts_with(&first.bids)
}

/// Rows that agree.
#[derive(Clone, Copy, Default, Debug)]
struct Equal {
    rows: u64,
    bbo: u64,
    book: u64,
}

/// A comparison under way.
#[derive(Debug)]
struct Run {
    replay: Replay,
    rows: Rows,
    before: Option<Row>,
    levels: usize,
    /// Line of the first row that does not follow from its message.
    contradiction: Option<u64>,
    equal: Equal,
    disagreements: Disagreements,
}

impl Run {
    fn play_all(&mut self, mut messages: Messages, first: &Message, total: u64) -> Result<(), FlowError> {
        let mut progress = Progress::start("replaying", Some(total));
        let mut place = Place { row: 0, line: messages.lines().line() };
        self.compare_row(first, place)?;
        while let Some(message) = messages.next_message()? {
            place = Place { row: place.row + 1, line: messages.lines().line() };
            self.replay.play(&message, place);
            self.compare_row(&message, place)?;
            if place.row.is_multiple_of(SHOW_INTERVAL) {
                progress.at(place.row, "messages");
            }
        }
        progress.finish();
        Ok(())
    }

    /// Reads the message's row, if there is one, and holds the venue's book against it.
    fn compare_row(&mut self, message: &Message, place: Place) -> Result<(), FlowError> {
        let Some(row) = self.rows.next_row()? else {
            // From here on nothing says what is in sight.
            self.replay.follows = false;
            return Ok(());
        };
        let line = self.rows.lines().line();
        let contradicts =
            self.before.as_ref().is_some_and(|before| step(before, message, &row) == Step::Contradicts);
        let contradicted = match self.contradiction {
            Some(first) if !self.replay.follows => first <= line,
            _ => contradicts,
        };
        let verdict = compare(&self.replay, &row, self.levels, contradicted);
        let all = if self.levels == row.levels {
            verdict.book.is_some()
        } else {
            compare(&self.replay, &row, row.levels, contradicted).book.is_some()
        };
        self.count(verdict, Place { row: place.row, line });
        if self.replay.follows {
            take_over(&mut self.replay, &row, all);
        }
        self.before = Some(row);
        Ok(())
    }

    fn count(&mut self, verdict: Verdict, place: Place) {
        self.equal.rows += 1;
        self.equal.bbo += u64::from(verdict.bbo.is_none());
        self.equal.book += u64::from(verdict.book.is_none());
        let listed = verdict.bbo.is_some();
        if let Some(Difference { expected, found, reason }) = verdict.bbo {
            self.note("bbo", place, expected, found, reason);
        }
        match verdict.book {
            // Its first difference is the one just listed.
            Some(difference) if listed => {
                let reason = difference.reason;
                self.disagreements.count("book", place.row, reason.key(), reason.evidence());
            }
            Some(Difference { expected, found, reason }) => self.note("book", place, expected, found, reason),
            None => {}
        }
    }

    fn note(&mut self, check: &'static str, place: Place, expected: String, found: String, reason: Reason) {
        let (row, line) = (place.row, place.line);
        let one = Disagreement { check, row, line, expected, found, reason: reason.key() };
        self.disagreements.note(one, reason.evidence());
    }
}
