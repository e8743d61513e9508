//! What a tick brings about: dead-man timers, expiries, states whose time is over, so many per command.

use engine::limits::TIMERS_PER_COMMAND;
use engine::{CancelReason, Event, OrderId, SessionId, TimeNs};
use risk::InstrumentId;

use super::Model;
use super::state::{Budget, Scope};

/// A timer that ran out.
enum Due {
    DeadMan(usize),
    Expiry(OrderId),
    State(InstrumentId),
}

impl Model {
    /// The timer that fires next.
    fn next_due(&self, now: u64) -> Option<Due> {
        let armed = self.sessions.iter().enumerate().filter(|(_, session)| session.deadline > 0);
        let silent = armed.filter(|(_, session)| session.deadline <= now);
        if let Some((place, _)) = silent.min_by_key(|(place, session)| (session.deadline, *place)) {
            return Some(Due::DeadMan(place));
        }
        let over = self.orders.values().filter(|order| (1..=now).contains(&order.said.expires.get()));
        if let Some(order) = over.min_by_key(|order| (order.said.expires, order.serial)) {
            return Some(Due::Expiry(order.id));
        }
        let timed = self.all_instruments().filter_map(|place| {
            let (until, _) = self.instruments[place.index()].until?;
            (until <= now).then_some((until, place))
        });
        timed.min().map(|(_, place)| Due::State(place))
    }

    /// Fires as many timers as one command may.
    pub(crate) fn fire_timers(&mut self, now: u64) {
        let mut budget = Budget::default();
        let mut fired = 0;
        while let Some(due) = self.next_due(now) {
            if fired == TIMERS_PER_COMMAND || !self.sweeps.is_empty() || self.uncrossing.is_some() {
                self.firing = Some(now);
                return;
            }
            fired += 1;
            match due {
                Due::DeadMan(place) => self.fire_dead_man(place, &mut budget),
                Due::Expiry(order) => self.cancel(order, CancelReason::Expired),
                Due::State(instrument) => self.end_state(instrument, now),
            }
        }
    }

    fn fire_dead_man(&mut self, place: usize, budget: &mut Budget) {
        let session = &mut self.sessions[place];
        session.deadline = 0;
        let (account, spares_reduce_only) = (session.account, session.keep_reduce_only);
        let id = SessionId::new(u32::try_from(place).expect("few sessions"));
        self.out.push(Event::DeadManFired { session: id, account });
        let scope = Scope {
            sessions: Some(vec![id]),
            spares_reduce_only,
            ..Scope::of_family(account, CancelReason::DeadMan)
        };
        self.sweep_on(Self::sweep_of(scope, None), budget);
    }

    /// A time from now on, in milliseconds.
    pub(crate) fn in_ms(&self, ms: u32) -> u64 {
        self.now + u64::from(ms) * super::arith::NS_PER_MS
    }
}

/// When a state ends by itself, for an event.
pub(crate) fn until_of(until: Option<(u64, u64)>) -> TimeNs {
    TimeNs::new(until.map_or(0, |(until, _)| until))
}
