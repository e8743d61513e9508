//! Order flow: where the commands that a venue is played with come from.
//!
//! Invariant: a flow is a function of its seed or file and of the events it was told, in the order it was told them.
//! It reads no clock and knows nothing of threads, so a driver that tells it events at fixed places gets the same
//! commands every time.

pub mod book_view;
#[cfg(test)]
mod inline;
pub mod lines;
pub mod lobster;
pub mod modelled;
pub mod random;
pub(crate) mod recorded;

use std::path::PathBuf;

use engine::{Command, Event, SessionId};
use risk::Capacity;

pub use book_view::BookView;
pub use lobster::LobsterFlow;
pub use modelled::ModelledFlow;

/// The session a flow sends its orders by. Operator and oracle commands go by the venue's own session 0.
pub const SESSION: SessionId = SessionId::new(1);

/// Why a flow cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}; check the path", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is not a message.
    #[error("{}, line {line}: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// The file is not of the expected kind, or no instrument can be defined for it.
    #[error("{}: {reason}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// A count a flow wants reported, such as the messages of a recorded file it could not play.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Note {
    /// Stable key, in lower case with underscores.
    pub key: &'static str,
    /// How many.
    pub count: u64,
}

/// A source of commands.
pub trait Flow {
    /// The next command, or `None` when the flow is over.
    ///
    /// # Errors
    /// [`FlowError`] when the source is damaged; the flow is over then.
    fn next_command(&mut self) -> Result<Option<Command>, FlowError>;

    /// Tells the flow of a fact. Events come in the order they came about.
    fn learn(&mut self, event: &Event);

    /// How far the flow is: steps done and steps in all, for progress.
    fn progress(&self) -> (u64, u64);

    /// What the flow is doing now, in a word or two, for progress.
    fn phase(&self) -> &'static str;

    /// Room the venue needs for this flow.
    fn capacity(&self) -> Capacity;

    /// Counts to report beside the venue's own.
    fn notes(&self) -> Vec<Note>;
}
