//! What happened in a campaign.

use gateway::door::DoorStats;

/// What happened, for the record.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Tally {
    pub(crate) sessions: u64,
    pub(crate) connections: u64,
    pub(crate) logons: u64,
    pub(crate) take_overs: u64,
    pub(crate) logouts: u64,
    pub(crate) requests: u64,
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    pub(crate) sequenced: u64,
    pub(crate) events: u64,
    pub(crate) duplicates: u64,
    pub(crate) gap_fills: u64,
    pub(crate) answers: u64,
    pub(crate) crashes: u64,
    pub(crate) entries_lost: u64,
    pub(crate) client_restarts: u64,
    pub(crate) states_lost: u64,
    pub(crate) resends_dropped: u64,
    pub(crate) throttled: u64,
    pub(crate) offenders: u64,
    pub(crate) lapses: u64,
    pub(crate) slow_consumers: u64,
    pub(crate) losses: u64,
    pub(crate) commands: u64,
}

impl Tally {
    fn fields(&mut self) -> [&mut u64; 24] {
        [
            &mut self.sessions,
            &mut self.connections,
            &mut self.logons,
            &mut self.take_overs,
            &mut self.logouts,
            &mut self.requests,
            &mut self.accepted,
            &mut self.rejected,
            &mut self.sequenced,
            &mut self.events,
            &mut self.duplicates,
            &mut self.gap_fills,
            &mut self.answers,
            &mut self.crashes,
            &mut self.entries_lost,
            &mut self.client_restarts,
            &mut self.states_lost,
            &mut self.resends_dropped,
            &mut self.throttled,
            &mut self.offenders,
            &mut self.lapses,
            &mut self.slow_consumers,
            &mut self.losses,
            &mut self.commands,
        ]
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let mut other = *other;
        for (sum, part) in self.fields().into_iter().zip(other.fields()) {
            *sum += *part;
        }
    }

    /// Whether everything that may go wrong did.
    pub(crate) fn is_eventful(&self) -> bool {
        let mut own = *self;
        own.fields().into_iter().all(|count| *count > 0)
    }

    /// Adds what a door counted.
    pub(crate) fn count(&mut self, stats: DoorStats) {
        self.take_overs += stats.take_overs;
        self.resends_dropped += stats.dropped_resends;
        self.throttled += stats.throttled;
        self.offenders += stats.offenders;
        self.lapses += stats.lapses;
        self.slow_consumers += stats.slow_consumers;
        self.losses += stats.losses;
    }
}
