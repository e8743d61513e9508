//! What the sessions were told, beside what the log says they had to be told.
//!
//! Invariant: both count the same facts, one from frames and one from events, and share no code on the way.

use engine::{Event, Reject, SessionId};
use gateway::outcome::Outcome;
use gateway::wire::private::FromVenue;
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

    /// Counts what an outcome had to be told, where every account has one session: a liquidation has no order of the
    /// account, and the account is told all the same.
    pub fn expect(&mut self, outcome: &Outcome<'_>) {
        for event in outcome.events {
            let told = |session: SessionId| u64::from(session != NOBODY);
            if let Event::Accepted { session, .. } = *event {
                self.accepted += told(session);
            } else if let Event::Fill(fill) = event {
                let sides = [&fill.maker, &fill.taker];
                self.fill_sides += sides.map(|side| u64::from(!side.account.is_system())).iter().sum::<u64>();
            } else if let Event::Cancelled { session, .. } = *event {
                self.cancelled += told(session);
            } else if let Event::Amended { session, .. } = *event {
                self.amended += told(session);
            } else if let Event::Trimmed { session, .. } = *event {
                self.trimmed += told(session);
            } else if let Event::Skipped { session, .. } = *event {
                self.rejected += told(session);
            } else if let Event::Rejected { session, reject, .. } = *event {
                let is_silent = matches!(reject, Reject::SequenceReplayed | Reject::SequenceGap);
                self.rejected += if is_silent { 0 } else { told(session) };
            }
        }
    }
}
