//! Random campaigns against the venue: worlds, a seeded generator of commands, and what a campaign reached.

pub(crate) mod bursts;
pub(crate) mod collateral;
pub(crate) mod connect;
pub(crate) mod coverage;
pub(crate) mod crowds;
pub(crate) mod disturb;
pub(crate) mod forms;
pub(crate) mod generate;
pub(crate) mod operate;
pub(crate) mod rng;
pub(crate) mod special;
pub(crate) mod standby;
pub(crate) mod view;
pub(crate) mod worlds;

use engine::{Command, TimeNs};

/// Nanoseconds from one command to the next.
pub(crate) const STEP_NS: u64 = 50_000;

/// When the command of this number is sequenced.
pub(crate) const fn time_of(command: u64) -> TimeNs {
    TimeNs::new(command * STEP_NS)
}

/// How a step's command is numbered in its session when the step is taken, so that a script still means something with
/// steps left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Numbering {
    /// Not at all.
    None,
    /// As the next.
    Next,
    /// As one that was there before.
    Replayed,
    /// As one after the next.
    Gapped,
}

/// Which plan a step of the worker carries out, made of the state when the step is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PlanKind {
    /// All there is to it.
    Right,
    /// The next few cuts of it.
    Part,
    /// A few cuts, and that is said to be all.
    Unfinished,
    /// Of the state one command before.
    Stale,
    /// The part after the next.
    OtherPart,
    /// Without the level.
    NoLevel,
    /// With a level of nothing, and of more than there is.
    WildLevel,
}

/// One command of a script.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The command. Orders are named by the client's number, so that a script still means something with steps left
    /// out.
    pub(crate) command: Command,
    /// Name the order by the venue's number instead, looked up when the step is taken.
    pub(crate) by_number: bool,
    pub(crate) numbering: Numbering,
    /// Do not wait for what the venue has left over.
    pub(crate) barges: bool,
    /// How many steps of liquidations and deleveragings come before it, where nothing else is left over.
    pub(crate) backlog: u32,
    /// A plan in the place of the one in the command, where a call is open.
    pub(crate) plan: Option<PlanKind>,
    /// Time that passes before it beyond the ordinary step.
    pub(crate) waits_ns: u64,
}

impl From<Command> for Step {
    fn from(command: Command) -> Self {
        Self {
            command,
            by_number: false,
            numbering: Numbering::None,
            barges: false,
            backlog: u32::MAX,
            plan: None,
            waits_ns: 0,
        }
    }
}

/// A number from the environment.
pub(crate) fn configured(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |text| text.replace('_', "").parse().expect("a number"))
}
