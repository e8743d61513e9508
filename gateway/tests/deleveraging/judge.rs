//! What must be true of a log, whoever planned: replayed command by command, without a worker.
//!
//! Invariant: the judge knows the rules from the events and from the replayed state, not from whoever made the plans.

use std::collections::BTreeMap;

use engine::{Action, DeleveragingCall, Event, Events, Venue};
use gateway::log::LoggedCommand;
use risk::deleveraging::{Cut, Demand, Holder, recap};
use risk::{AccountId, AssetId, Fraction, Money, Position};

use super::world::{CAPACITY, HERE};

/// What a lying worker commits to.
pub(crate) const LIE: [u8; 32] = [7; 32];

/// The venue after a log.
pub(crate) struct Judged {
    pub(crate) venue: Venue,
    pub(crate) cuts: usize,
    /// Deleveragings that ended.
    pub(crate) ended: usize,
    pub(crate) refused_parts: usize,
    /// Plans that were taken up though nobody meant them.
    pub(crate) lies: usize,
    /// Of all commands, those that stood between two continuations of a backlog.
    pub(crate) between: usize,
}

#[derive(Default)]
struct Known {
    call: Option<DeleveragingCall>,
    level: Option<(i128, i128)>,
}

/// Replays and judges.
pub(crate) fn judge(log: &[LoggedCommand]) -> Judged {
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    let mut known = BTreeMap::<u64, Known>::new();
    let mut judged =
        Judged { venue: Venue::new(CAPACITY), cuts: 0, ended: 0, refused_parts: 0, lies: 0, between: 0 };
    for LoggedCommand { stamp, command, .. } in log {
        let is_external = !matches!(command.action, Action::Continue);
        judged.between += usize::from(is_external && judged.venue.pending());
        events.clear();
        judged.venue.apply(*stamp, command, &mut events);
        let insurance = judged.venue.ledger().balance(AccountId::INSURANCE, AssetId::BASE);
        assert!(insurance >= Money::ZERO, "{insurance:?} at {stamp:?}");
        for event in events.as_slice() {
            if let Event::DeleveragingAsked(call) = event {
                *known.entry(call.request).or_default() = Known { call: Some(*call), level: None };
            } else if let Event::DeleveragingPlanned(plan) = event {
                known.entry(plan.request).or_default().level = plan.level;
                judged.lies += usize::from(plan.commitment == LIE);
            } else if let Event::DeleveragingEnded { request, .. } = event {
                known.remove(request);
                judged.ended += 1;
            } else if let Event::Rejected { .. } = event {
                judged.refused_parts += usize::from(matches!(command.action, Action::Deleverage(_)));
            } else if let Event::Deleveraged(cut) = event {
                judged.cuts += 1;
                let about = known.get(&cut.request).expect("asked before");
                judge_cut(&judged.venue, about, cut, &command.action);
            }
        }
    }
    judged.venue.ledger().check();
    judged
}

fn judge_cut(venue: &Venue, about: &Known, cut: &engine::DeleveragingCut, action: &Action) {
    let (call, ledger) = (about.call.expect("asked before"), venue.ledger());
    let lots = cut.position.size().get();
    let demand = ledger.demand_for(HERE, call.position, call.amount);
    let demand = Demand { lots: i64::MAX, ..demand };
    let holder =
        Holder { account: cut.account, held: cut.held, open: cut.open, equity: cut.equity, score: 0 };
    // A plan of a worker says which lots are hedged; the venue's own has no hedged ones where there is one instrument.
    let hedged = matches!(action, Action::Deleverage(plan)
        if plan.cuts.iter().any(|planned| planned.account == cut.account && planned.hedged));
    // What the part itself says: a part need not repeat what the first one said.
    let level = if let Action::Deleverage(plan) = action { plan.level } else { about.level };
    let level = level.map(|(over, under)| Fraction::new(over, under));
    let most = recap(level, &demand, &holder, &Cut { account: cut.account, lots: i64::MAX, hedged });
    assert!(lots <= most, "{lots} of {most}: {cut:?}");
    assert!(cut.left.size().get() + lots == cut.held, "{cut:?}");
    let equity = ledger.assess(cut.account).equity;
    assert!(equity >= Money::ZERO, "{equity:?} after {cut:?}");
}

/// Nothing is open any more, and the holding account has nothing.
pub(crate) fn assert_over(venue: &Venue) {
    assert!(!venue.pending(), "it goes on");
    assert_eq!(venue.open_calls().count(), 0, "a call is open");
    assert_eq!(venue.ledger().position(AccountId::DELEVERAGING, HERE), Position::ZERO);
    assert_eq!(venue.ledger().balance(AccountId::DELEVERAGING, AssetId::BASE), Money::ZERO);
}
