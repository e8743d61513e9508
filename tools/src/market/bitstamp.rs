//! `fulcrum market --format bitstamp`: order events replayed through price-time matching, and held against the recorded
//! pairs of maker and taker.
//!
//! The reading: an order that crosses the book when it arrives and is in no recorded trade was a post-only order, which
//! the exchange refused. Which orders trade is thus taken from the trades file; who trades with whom, at which price and in
//! which sequence is the venue's.
//!
//! What stands in the way of the rest is found by a second replay. A maker the venue matched, that by the trades file never
//! traded, and whose end by the orders file is missing or comes only with the recording's last moment, when the recorder
//! ends whatever it still has, was no longer there: a **stale** order. It is left out, and the replay repeated until no
//! new one shows. What agrees then is put down to stale orders, the rest is not.
//!
//! Invariant: the figures of agreement are those of the first replay, with nothing left out.

pub mod read;
pub mod replay;
pub mod report;
pub mod survey;

use std::collections::BTreeSet;
use std::path::PathBuf;

use self::read::Records;
use self::replay::Replay;
pub use self::report::Report;
use self::survey::Survey;
use crate::flow::FlowError;
use crate::progress::Progress;

/// Progress is shown once per so many events.
const SHOW_INTERVAL: u64 = 16_384;
/// Replays at most; real recordings need two.
const REPLAYS_MAX: usize = 8;

/// What to compare.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Order events.
    pub orders: PathBuf,
    /// Trades.
    pub trades: PathBuf,
    /// Disagreements to list at most, of each check.
    pub list: usize,
}

/// Replays and compares.
///
/// # Errors
/// [`FlowError`] when a file cannot be read, is malformed anywhere, or does not belong to the other.
pub fn run(options: &Options) -> Result<Report, FlowError> {
    let survey = Survey::of(&options.orders, &options.trades)?;
    let nothing = BTreeSet::new();
    let first = play_all(options, &survey, &nothing)?;
    let mut stale = stale_of(&first, survey.last_time);
    let mut last = None;
    for _ in 1..REPLAYS_MAX {
        let left_out = stale.clone();
        if left_out.is_empty() {
            break;
        }
        let again = play_all(options, &survey, &left_out)?;
        stale.extend(stale_of(&again, survey.last_time));
        last = Some(again.pairs);
        if stale == left_out {
            break;
        }
    }
    Ok(Report::of(&survey, &first, last.as_ref(), &stale, options.list))
}

fn play_all<'a>(
    options: &Options,
    survey: &'a Survey,
    left_out: &'a BTreeSet<u64>,
) -> Result<Replay<'a>, FlowError> {
    let mut replay = Replay::start(survey, left_out)
        .map_err(|reason| FlowError::Unusable { path: options.orders.clone(), reason })?;
    let mut records = Records::orders(&options.orders)?;
    let mut progress = Progress::start("replaying", Some(survey.events));
    let mut done = 0;
    while let Some(event) = records.next_order()? {
        replay.play(&event, records.lines().line());
        done += 1;
        if done % SHOW_INTERVAL == 0 {
            progress.at(done, "order events");
        }
    }
    progress.finish();
    Ok(replay)
}

/// Makers that never traded by the trades file and that nothing but the end of the recording ends.
fn stale_of(replay: &Replay<'_>, last_time: u64) -> BTreeSet<u64> {
    let ends_with_it = |end: &Option<u64>| end.is_none_or(|end| end == last_time);
    replay.suspects.iter().filter(|(_, end)| ends_with_it(end)).map(|(&id, _)| id).collect()
}
