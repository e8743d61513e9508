//! What the sessions were told, beside what the log says they had to be told.
//!
//! Invariant: both count the same facts, one from frames and one from events, and share no code on the way.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Event, Reject, SessionId};
use gateway::outcome::Outcome;
use gateway::wire::private::FromVenue;
use risk::AccountId;
use serde::Serialize;

/// Facts told to sessions, by kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Heard {
    /// Orders accepted.
    pub accepted: u64,
    /// Sides of fills: both where both orders are of sessions.
    pub fill_sides: u64,
    /// Orders gone.
    pub cancelled: u64,
    /// Orders changed.
    pub amended: u64,
    /// Orders cut.
    pub trimmed: u64,
    /// Requests refused.
    pub rejected: u64,
    /// Events that were no longer kept for a session; the log has no such thing.
    pub missed: u64,
}

const NOBODY: SessionId = SessionId::new(0);

impl Heard {
    /// Counts a message of the venue.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other messages are only heard")]
    pub fn hear(&mut self, message: &FromVenue) {
        match message {
            FromVenue::OrderAccepted(_) => self.accepted += 1,
            FromVenue::OrderFilled(_) => self.fill_sides += 1,
            FromVenue::OrderCanceled(_) => self.cancelled += 1,
            FromVenue::OrderAmended(_) => self.amended += 1,
            FromVenue::OrderTrimmed(_) => self.trimmed += 1,
            FromVenue::RequestRejected(_) | FromVenue::SessionReject(_) | FromVenue::ThrottleReject(_) => {
                self.rejected += 1;
            }
            FromVenue::AdminAck(ack) => self.rejected += u64::from(ack.code != 0),
            FromVenue::OracleAck(ack) => self.rejected += u64::from(ack.code != 0),
            _ => {}
        }
    }
}

/// What sessions had to be told, by the log: everything that concerns them until they logged off. Liquidations go on by
/// themselves, so that orders may be filled when nobody listens any more.
#[derive(Debug, Default)]
pub struct Owed {
    heard: Heard,
    /// For whom each session acts.
    acts_for: BTreeMap<SessionId, AccountId>,
    gone: BTreeSet<SessionId>,
    /// Accounts whose session is gone.
    deserted: BTreeSet<AccountId>,
}

impl Owed {
    /// What all outcomes come to.
    pub const fn heard(&self) -> Heard {
        self.heard
    }

    /// Counts what an outcome had to be told, where every account has one session: a liquidation has no order of the
    /// account, and the account is told all the same.
    pub fn expect(&mut self, outcome: &Outcome<'_>) {
        for event in outcome.events {
            if let Event::LoggedOn { session, account, .. } = *event {
                self.acts_for.insert(session, account);
            } else if let Event::LoggedOff { session, .. } = *event {
                self.gone.insert(session);
                self.deserted.extend(self.acts_for.get(&session));
            } else {
                self.count(event);
            }
        }
    }

    fn count(&mut self, event: &Event) {
        let told = |session: SessionId| u64::from(session != NOBODY && !self.gone.contains(&session));
        let listens =
            |account: AccountId| u64::from(!account.is_system() && !self.deserted.contains(&account));
        let heard = &mut self.heard;
        if let Event::Accepted { session, .. } = *event {
            heard.accepted += told(session);
        } else if let Event::Fill(fill) = event {
            heard.fill_sides += listens(fill.maker.account) + listens(fill.taker.account);
        } else if let Event::Cancelled { session, .. } = *event {
            heard.cancelled += told(session);
        } else if let Event::Amended { session, .. } = *event {
            heard.amended += told(session);
        } else if let Event::Trimmed { session, .. } = *event {
            heard.trimmed += told(session);
        } else if let Event::Skipped { session, .. } = *event {
            heard.rejected += told(session);
        } else if let Event::Rejected { session, reject, .. } = *event {
            let is_silent = matches!(reject, Reject::SequenceReplayed | Reject::SequenceGap);
            heard.rejected += if is_silent { 0 } else { told(session) };
        }
    }
}
