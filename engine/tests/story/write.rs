//! Events into words.

use engine::{CancelReason, Event, Fill, OrderId, SessionId, TimeNs, Trigger, TrimReason};
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
        CancelReason::Expired => "expired",
        CancelReason::PostOnly => "post-only",
        CancelReason::Unfillable => "unfillable",
        CancelReason::Margin => "margin",
        CancelReason::Limit => "limit",
        CancelReason::Contingent => "contingent",
        CancelReason::Protection => "protection",
        CancelReason::TradingState => "trading-state",
        CancelReason::Replaced => "replaced",
        CancelReason::Settled => "settled",
        CancelReason::Deleveraged => "deleveraged",
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

/// Milliseconds since the story began.
pub(crate) fn after_start(at: TimeNs) -> u64 {
    (at.get() - time(0).get()).div_euclid(1_000_000)
}

impl Story<'_> {
    pub(crate) fn owner(&self, account: AccountId) -> String {
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
        let what = match fill.kind {
            FillKind::Trade => "fill",
            FillKind::Liquidation => "liquidation",
            FillKind::Auction => "auction",
        };
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
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events are those of `of_instrument`")]
    pub(crate) fn in_words(&self, event: &Event) -> String {
        match *event {
            Event::Rejected { reject, short, .. } => {
                let missing = if short.get() == 0 { String::new() } else { format!(" short {short}") };
                format!("refused {reject:?}{missing}")
            }
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
            Event::Trimmed { order, leaves, reason, .. } => {
                let why =
                    if reason == TrimReason::ReduceOnly { String::new() } else { format!(" {reason:?}") };
                format!("trimmed {} leaves {leaves}{why}", self.name(order))
            }
            Event::MassCancelled { account, count, .. } => {
                format!("cancelled all {} {count}", self.owner(account))
            }
            Event::Marked { mark: now, .. } => format!("marked {}", mark(now)),
            Event::SessionOpened { session } => format!("session {session}"),
            Event::AccountOpened { account } => format!("opened {}", self.owner(account)),
            Event::LeverageSet { account, leverage, .. } => {
                format!("leverage {} {} hundredths", self.owner(account), leverage)
            }
            Event::InstrumentDefined { instrument } => format!("instrument {instrument}"),
            Event::TradingStateSet { state, until, .. } if until.get() != 0 => {
                format!("trading {state:?} until {}", after_start(until))
            }
            Event::TradingStateSet { state, .. } => format!("trading {state:?}"),
            Event::Ticked => "ticked".to_owned(),
            Event::KeyRegistered { .. }
            | Event::KeyRevoked { .. }
            | Event::LoggedOn { .. }
            | Event::LoggedOff { .. }
            | Event::Skipped { .. }
            | Event::DeadManSet { .. }
            | Event::DeadManFired { .. } => self.of_connection(event),
            Event::RestrictionSet { account, restriction: now } => {
                format!("restriction {} {now:?}", self.owner(account))
            }
            Event::Armed { .. }
            | Event::Triggered { .. }
            | Event::Activated { .. }
            | Event::Refreshed { .. } => self.of_order(event),
            Event::MassQuoted { .. }
            | Event::QuoteRefused { .. }
            | Event::ProtectionSet { .. }
            | Event::ProtectionTripped { .. }
            | Event::ProtectionReset { .. }
            | Event::OwnerGroupSet { .. }
            | Event::GroupRestrictionSet { .. }
            | Event::KeySuspended { .. } => self.of_owner(event),
            Event::OracleStateChanged { .. }
            | Event::SourcePriceTaken { .. }
            | Event::IndexSourceSet { .. }
            | Event::LiquidationHeld { .. }
            | Event::LiquidationResumed { .. }
            | Event::FundingPaid { .. } => self.of_prices(event),
            _ => self.of_instrument(event),
        }
    }

    /// What happens to keys and sessions.
    fn of_connection(&self, event: &Event) -> String {
        if let Event::KeyRegistered { key, account } = *event {
            format!("key {key} for {}", self.owner(account))
        } else if let Event::KeyRevoked { key } = *event {
            format!("key {key} revoked")
        } else if let Event::LoggedOn { session, kind, last_client_seq, .. } = *event {
            format!("{} on {kind:?} after {last_client_seq}", self.who(session))
        } else if let Event::LoggedOff { session, lost } = *event {
            format!("{} {}", self.who(session), if lost { "lost" } else { "off" })
        } else if let Event::Skipped { session, through, skip } = *event {
            format!("{} skips {} through {through} code {}", self.who(session), skip.count, skip.code)
        } else if let Event::DeadManSet { session, deadline, .. } = *event {
            if deadline.get() == 0 {
                format!("dead man of {} disarmed", self.who(session))
            } else {
                format!("dead man of {} at {}", self.who(session), after_start(deadline))
            }
        } else if let Event::DeadManFired { session, .. } = *event {
            format!("dead man of {} fires", self.who(session))
        } else {
            event.name().to_owned()
        }
    }

    /// What happens to an order with instructions.
    fn of_order(&self, event: &Event) -> String {
        if let Event::Armed { order, trigger, limit, leaves, .. } = *event {
            let limit = if limit.get() == 0 { "market".to_owned() } else { limit.to_string() };
            let Trigger { source, kind, price } = trigger;
            format!("armed {} {leaves} @ {limit} {kind:?} at {price} by {source:?}", self.name(order))
        } else if let Event::Triggered { order, trigger, at, .. } = *event {
            format!("triggered {} at {trigger} by {}", self.name(order), mark(at))
        } else if let Event::Activated { order, limit, leaves, .. } = *event {
            format!("activated {} {leaves} @ {limit}", self.name(order))
        } else if let Event::Refreshed { order, shown, leaves, .. } = *event {
            format!("refreshed {} shows {shown} of {leaves}", self.name(order))
        } else {
            String::new()
        }
    }

    /// Quotes, protection and kill switches.
    fn of_owner(&self, event: &Event) -> String {
        if let Event::MassQuoted { account, taken, refused, .. } = *event {
            format!("quoted {} {taken} refused {refused}", self.owner(account))
        } else if let Event::QuoteRefused { instrument, level, side: refused, reject, short, .. } = *event {
            let short = if short.get() == 0 { String::new() } else { format!(" short {short}") };
            format!("quote {instrument}/{level} {} refused {reject:?}{short}", side(refused))
        } else if let Event::ProtectionSet { protection, .. } = *event {
            format!("protection {} of {}", protection.group, self.owner(protection.account))
        } else if let Event::ProtectionTripped { account, group, frozen_until } = *event {
            let owner = self.owner(account);
            if frozen_until.get() == 0 {
                return format!("protection {group} of {owner} tripped");
            }
            format!("protection {group} of {owner} tripped until {}", after_start(frozen_until))
        } else if let Event::ProtectionReset { account, group, .. } = *event {
            format!("protection {group} of {} reset", self.owner(account))
        } else if let Event::OwnerGroupSet { account, group } = *event {
            format!("group of {} is {group}", self.owner(account))
        } else if let Event::GroupRestrictionSet { group, restriction } = *event {
            format!("restriction of group {group} {restriction:?}")
        } else if let Event::KeySuspended { key, suspended } = *event {
            format!("key {key} {}", if suspended { "suspended" } else { "admitted" })
        } else {
            String::new()
        }
    }

    /// What happens to an index, and what comes of it.
    fn of_prices(&self, event: &Event) -> String {
        if let Event::OracleStateChanged { state, .. } = *event {
            format!("index {state:?}")
        } else if let Event::SourcePriceTaken { source, price, .. } = *event {
            format!("source {source} says {}", mark(price))
        } else if let Event::IndexSourceSet { source, weight, .. } = *event {
            format!("source {source} weighs {weight}")
        } else if let Event::LiquidationHeld { account } = *event {
            format!("liquidation of {} waits", self.owner(account))
        } else if let Event::LiquidationResumed { account } = *event {
            format!("liquidation of {} goes on", self.owner(account))
        } else if let Event::FundingPaid { rate, per_lot, index, .. } = *event {
            format!("funding {rate} per lot {per_lot} at {}", mark(index))
        } else {
            String::new()
        }
    }

    /// What happens to an instrument as a whole, or to money.
    fn of_instrument(&self, event: &Event) -> String {
        if let Event::LimitsSet { instrument, .. } = *event {
            format!("limits of {instrument}")
        } else if let Event::LimitStateEntered { limit, .. } = *event {
            format!("limit state at {limit}")
        } else if let Event::Uncrossed { price, qty, surplus, .. } = *event {
            format!("uncrossed {qty} @ {price} surplus {surplus}")
        } else if let Event::PositionSettled { account, position, amount, balance, covered, .. } = *event {
            let owner = self.owner(account);
            format!("settled {position} of {owner} for {amount} balance {balance} covered {covered}")
        } else if let Event::InstrumentSettled { price, dust, .. } = *event {
            format!("settled at {} dust {dust}", mark(price))
        } else {
            self.of_funds(event)
        }
    }
}
