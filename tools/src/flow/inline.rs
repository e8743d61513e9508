//! A venue without threads and log, for the tests of flows: events reach the flow `lag` commands late.
//!
//! Invariant: the flow is told exactly what came before the command `lag` places back, as the demonstration does.

use std::collections::VecDeque;

use engine::{Action, Command, Event, Events, Seq, Stamp, TimeNs, Venue};

use super::Flow;

/// What playing a flow brought about.
pub(super) struct Played {
    pub(super) venue: Venue,
    pub(super) commands: Vec<Command>,
    pub(super) events: Vec<Event>,
}

/// Plays a flow to its end.
pub(super) fn play(flow: &mut dyn Flow, lag: usize) -> Played {
    let mut played = Played { venue: Venue::new(flow.capacity()), commands: Vec::new(), events: Vec::new() };
    let mut waiting: VecDeque<Vec<Event>> = VecDeque::new();
    let mut scratch = Events::default();
    let mut seq = 0;
    while let Some(command) = flow.next_command().expect("a sound source") {
        let mut told = Vec::new();
        let mut apply = |venue: &mut Venue, command: &Command| {
            seq += 1;
            scratch.clear();
            venue.apply(Stamp { seq: Seq::new(seq), time: TimeNs::new(seq) }, command, &mut scratch);
            told.extend_from_slice(scratch.as_slice());
        };
        apply(&mut played.venue, &command);
        while played.venue.pending() {
            apply(&mut played.venue, &Command::venue(Action::Continue));
        }
        played.commands.push(command);
        played.events.extend_from_slice(&told);
        waiting.push_back(told);
        if waiting.len() > lag {
            for event in waiting.pop_front().into_iter().flatten() {
                flow.learn(&event);
            }
        }
    }
    for event in waiting.into_iter().flatten() {
        flow.learn(&event);
    }
    played
}
