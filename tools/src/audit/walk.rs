//! A walk through a log that shows the venue before and after every command.
//!
//! Invariant: the log is verified by the product's own replay; the venue shown is a second one that takes the same commands.

use std::path::Path;

use engine::{Events, Venue};
use gateway::log::{LogReader, RealDisk};
use gateway::outcome::Outcome;
use gateway::replay::{read_genesis, replay};

use crate::progress::Progress;
use crate::verify::NoDirectory;

/// Progress is shown once per so many commands.
const SHOW_INTERVAL: u64 = 16_384;

/// Who looks on.
pub(super) trait Onlooker {
    /// The venue before a command, with what the command will bring about.
    fn before(&mut self, venue: &Venue, outcome: &Outcome<'_>);
    /// The venue after it.
    fn after(&mut self, venue: &Venue, outcome: &Outcome<'_>);
}

/// Walks through the whole log.
pub(super) fn walk(directory: &Path, onlooker: &mut impl Onlooker) -> anyhow::Result<()> {
    NoDirectory::check(directory)?;
    let genesis = read_genesis(&mut LogReader::open(RealDisk::read_only(directory)?)?)?;
    let mut venue = Venue::new(genesis.capacity);
    let mut events = Events::default();
    let mut progress = Progress::start("auditing", None);
    replay(RealDisk::read_only(directory)?, None, |outcome| {
        onlooker.before(&venue, outcome);
        events.clear();
        venue.apply(outcome.stamp, outcome.command, &mut events);
        onlooker.after(&venue, outcome);
        if outcome.stamp.seq.get().is_multiple_of(SHOW_INTERVAL) {
            progress.at(outcome.stamp.seq.get(), "commands");
        }
    })?;
    progress.finish();
    Ok(())
}
