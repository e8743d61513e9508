//! Events into words.

use engine::{CancelReason, Event, Fill, OrderId, SessionId};
use risk::{AccountId, FillKind, Mark, Side};

use super::Story;
use super::machine::time;

const fn reason(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Requested => "requested",
        CancelReason::MassCancel => "mass-cancel",
        CancelReason::Immediate => "immediate",
        CancelReason::SelfTrade => "self-trade",
        CancelReason::ReduceOnly => "reduce-only",
        CancelReason::Liquidation => "liquidation",
        CancelReason::SessionLost => "session-lost",
        CancelReason::DeadMan => "dead-man",
        CancelReason::Suspended => "suspended",
    }
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// A price, with 1024ths after a `+` where there are any.
fn mark(mark: Mark) -> String {
    let (whole, part) = (mark.get() >> 10, mark.get() & 1023);
    if part == 0 { whole.to_string() } else { format!("{whole}+{part}") }
}

impl Story<'_> {
    fn owner(&self, account: AccountId) -> String {
        let found = self.accounts.iter().find(|(_, known)| **known == account);
        found.map_or_else(|| account.to_string(), |(name, _)| name.clone())
    }

    fn who(&self, session: SessionId) -> String {
        let found = self.sessions.iter().find(|(_, known)| **known == session);
        found.map_or_else(|| format!("session {session}"), |(name, _)| name.clone())
    }

    fn name(&self, order: OrderId) -> String {
        self.numbers.get(&order).cloned().unwrap_or_else(|| "venue".to_owned())
    }

    fn fill(&self, fill: &Fill) -> String {
        let what = if fill.kind == FillKind::Liquidation { "liquidation" } else { "fill" };
        let taker = if fill.kind == FillKind::Liquidation {
            self.owner(fill.taker.account)
        } else {
            self.name(fill.taker.order)
        };
        let fees = if fill.taker.fee.get() == 0 && fill.maker.fee.get() == 0 {
            String::new()
        } else {
            format!(" fees {} {}", fill.taker.fee, fill.maker.fee)
        };
        let maker = self.name(fill.maker.order);
        format!("{what} {taker} {} {} @ {} from {maker}{fees}", side(fill.side), fill.qty, fill.price)
    }

    /// An event as a scenario writes it.
    pub(crate) fn in_words(&self, event: &Event) -> String {
        match *event {
            Event::Rejected { reject, short, .. } if short.get() != 0 => {
                format!("refused {reject:?} short {short}")
            }
            Event::Rejected { reject, .. } => format!("refused {reject:?}"),
            Event::Accepted { order, side: taken, limit, qty, .. } => {
                format!("accepted {} {} {qty} @ {limit}", self.name(order), side(taken))
            }
            Event::Fill(fill) => self.fill(&fill),
            Event::Cancelled { order, qty, reason: why, .. } => {
                format!("cancelled {} {qty} {}", self.name(order), reason(why))
            }
            Event::Amended { order, limit, qty, leaves, priority_kept, .. } => {
                let place = if priority_kept { "place kept" } else { "place lost" };
                format!("amended {} to {qty} @ {limit} leaves {leaves} {place}", self.name(order))
            }
            Event::Trimmed { order, leaves, .. } => format!("trimmed {} leaves {leaves}", self.name(order)),
            Event::MassCancelled { account, count, .. } => {
                format!("cancelled all {} {count}", self.owner(account))
            }
            Event::Marked { mark: now, .. } => format!("marked {}", mark(now)),
            Event::SessionOpened { session } => format!("session {session}"),
            Event::AccountOpened { account } => format!("opened {}", self.owner(account)),
            Event::Transferred { account, amount, balance } => {
                format!("transferred {} {amount} balance {balance}", self.owner(account))
            }
            Event::LeverageSet { account, leverage, .. } => {
                format!("leverage {} {} hundredths", self.owner(account), leverage)
            }
            Event::InstrumentDefined { instrument } => format!("instrument {instrument}"),
            Event::TradingStateSet { state, .. } => format!("trading {state:?}"),
            Event::Ticked => "ticked".to_owned(),
            Event::LiquidationStarted { account, equity, maintenance } => {
                format!(
                    "liquidation of {} begins equity {equity} maintenance {maintenance}",
                    self.owner(account)
                )
            }
            Event::TakenOver { account, position, amount, .. } => {
                format!("insurance takes {position} from {} for {amount}", self.owner(account))
            }
            Event::LiquidationEnded { account, equity, covered } => {
                format!("liquidation of {} ends equity {equity} covered {covered}", self.owner(account))
            }
            Event::KeyRegistered { key, account } => format!("key {key} for {}", self.owner(account)),
            Event::KeyRevoked { key } => format!("key {key} revoked"),
            Event::LoggedOn { session, kind, last_client_seq, .. } => {
                format!("{} on {kind:?} after {last_client_seq}", self.who(session))
            }
            Event::LoggedOff { session, lost } => {
                format!("{} {}", self.who(session), if lost { "lost" } else { "off" })
            }
            Event::Skipped { session, through, skip } => {
                format!("{} skips {} through {through} code {}", self.who(session), skip.count, skip.code)
            }
            Event::DeadManSet { session, deadline, .. } if deadline.get() == 0 => {
                format!("dead man of {} disarmed", self.who(session))
            }
            Event::DeadManSet { session, deadline, .. } => {
                let ms = (deadline.get() - time(0).get()).div_euclid(1_000_000);
                format!("dead man of {} at {ms}", self.who(session))
            }
            Event::DeadManFired { session, .. } => format!("dead man of {} fires", self.who(session)),
            Event::RestrictionSet { account, restriction } => {
                format!("restriction {} {restriction:?}", self.owner(account))
            }
        }
    }
}
