//! Who must be told what, worked out from the log by the rules and not by the projection.

use std::collections::BTreeMap;

use engine::{Action, Event, FillSide, OrderId, Reject, SessionId, SessionKind};
use gateway::wire::private::{
    AccountStatusChanged, AdminAck, BadDebtBooked, BalanceChange, CancelAllAfterAck, Converted, DeadManFired,
    DeficitCovered, Deleveraged, DeleveragingAsked, DeleveragingEnded, DeleveragingPlanned, FeeTierSet,
    FundingBooked, InterestCharged, LeverageSet, LiquidationEnd, LiquidationHeld, LiquidationPaced,
    LiquidationStart, LiquidationStepped, MarginModeChanged, MarginStateChanged, MassCancelAck, MassQuoteAck,
    Movement, OracleAck, OrderAccepted, OrderActivated, OrderAmended, OrderArmed, OrderCanceled, OrderFilled,
    OrderRefreshed, OrderTriggered, OrderTrimmed, PositionAssumed, PositionSettled, PositionTakenOver,
    ProtectionAck, ProtectionTripped, QuoteRefused, RequestRejected, SessionReject, StandingChanged,
    ThrottleReject, TransferRepeated, WouldLiquidate,
};
use risk::AccountId;

use crate::server::Entry;

/// An event of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Due {
    pub(crate) template: u16,
    /// The session's last number in the log.
    pub(crate) through: u64,
    /// The last of its command.
    pub(crate) is_end: bool,
}

#[derive(Debug)]
struct Listener {
    kind: SessionKind,
    account: AccountId,
    last: u64,
    due: Vec<Due>,
}

/// Sessions by number, and what each is due.
#[derive(Debug, Default)]
pub(crate) struct Model {
    listeners: BTreeMap<SessionId, Listener>,
    /// Whom an isolated position acts for.
    principals: BTreeMap<AccountId, AccountId>,
}

/// Whether a command of a session used its number up.
pub(crate) fn is_taken(entry: &Entry) -> bool {
    let in_vain = matches!(
        entry.events.first(),
        Some(Event::Rejected { reject: Reject::SequenceReplayed | Reject::SequenceGap, .. })
    );
    entry.command.client_seq.get() != 0 && !in_vain
}

impl Model {
    /// What every session is due.
    pub(crate) fn of(log: &[Entry]) -> BTreeMap<SessionId, Vec<Due>> {
        let mut model = Self::default();
        for entry in log {
            model.take(entry);
        }
        model.listeners.into_iter().map(|(session, listener)| (session, listener.due)).collect()
    }

    fn give(&mut self, session: SessionId, template: u16) {
        if let Some(listener) = self.listeners.get_mut(&session) {
            listener.due.push(Due { template, through: listener.last, is_end: false });
        }
    }

    fn principal(&self, account: AccountId) -> AccountId {
        self.principals.get(&account).copied().unwrap_or(account)
    }

    fn give_all(&mut self, account: AccountId, kind: SessionKind, template: u16) {
        let account = self.principal(account);
        let all = self.listeners.iter().filter(|(_, other)| other.kind == kind && other.account == account);
        let all: Vec<SessionId> = all.map(|(session, _)| *session).collect();
        for session in all {
            self.give(session, template);
        }
    }

    fn take(&mut self, entry: &Entry) {
        let lengths: Vec<(SessionId, usize)> =
            self.listeners.iter().map(|(session, listener)| (*session, listener.due.len())).collect();
        let command = &entry.command;
        if is_taken(entry)
            && let Some(listener) = self.listeners.get_mut(&command.session)
        {
            listener.last = command.client_seq.get();
        }
        for event in &entry.events {
            self.event(entry, event);
        }
        // A trading state may be entered later; that it was asked for is answered at once.
        let asks = matches!(
            command.action,
            Action::SetTradingState { .. } | Action::StartAuction { .. } | Action::Settle { .. }
        );
        if asks && !entry.events.iter().any(|event| matches!(event, Event::Rejected { .. })) {
            self.acknowledge(entry);
        }
        for (session, length) in lengths {
            let due = &mut self.listeners.get_mut(&session).expect("nobody leaves").due;
            if due.len() > length
                && let Some(last) = due.last_mut()
            {
                last.is_end = true;
            }
        }
    }

    fn kind(&self, session: SessionId) -> Option<SessionKind> {
        self.listeners.get(&session).map(|listener| listener.kind)
    }

    /// An order's event: its session, copies, and the session of the same account that commanded it.
    fn order(&mut self, entry: &Entry, session: SessionId, account: AccountId, template: u16) {
        self.give(session, template);
        self.give_all(account, SessionKind::DropCopy, template);
        let (commander, account) = (entry.command.session, self.principal(account));
        let is_own = self
            .listeners
            .get(&commander)
            .is_some_and(|listener| listener.kind == SessionKind::OrderEntry && listener.account == account);
        if is_own
            && commander != session
            && template != OrderAccepted::TEMPLATE
            && template != OrderFilled::TEMPLATE
        {
            self.give(commander, template);
        }
    }

    fn side(&mut self, entry: &Entry, side: &FillSide) {
        if side.order == OrderId::default() {
            self.give_all(side.account, SessionKind::OrderEntry, OrderFilled::TEMPLATE);
            self.give_all(side.account, SessionKind::DropCopy, OrderFilled::TEMPLATE);
        } else {
            self.order(entry, side.session, side.account, OrderFilled::TEMPLATE);
        }
    }

    fn account(&mut self, account: AccountId, template: u16) {
        self.give_all(account, SessionKind::OrderEntry, template);
        self.give_all(account, SessionKind::DropCopy, template);
    }

    fn operators(&mut self, template: u16) {
        let admins = self.listeners.iter().filter(|(_, other)| other.kind == SessionKind::Admin);
        let admins: Vec<SessionId> = admins.map(|(session, _)| *session).collect();
        for session in admins {
            self.give(session, template);
        }
    }

    fn acknowledge(&mut self, entry: &Entry) {
        if self.kind(entry.command.session) == Some(SessionKind::Admin) {
            self.give(entry.command.session, AdminAck::TEMPLATE);
        }
    }

    fn listen(&mut self, session: SessionId, kind: SessionKind, account: AccountId, last: u64) {
        let listener = Listener { kind, account, last, due: Vec::new() };
        let known = self.listeners.entry(session).or_insert(listener);
        assert_eq!(known.last, last, "a logon tells the last number");
    }

    /// A whole group is answered by the event of the group.
    fn acknowledge_restriction(&mut self, entry: &Entry) {
        if matches!(entry.command.action, Action::SetRestriction { .. }) {
            self.acknowledge(entry);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events are those of `rest`")]
    fn event(&mut self, entry: &Entry, event: &Event) {
        match event {
            Event::LoggedOn { session, kind, account, last_client_seq, .. } => {
                self.listen(*session, *kind, *account, last_client_seq.get());
            }
            Event::Fill(fill) => {
                self.side(entry, &fill.taker);
                self.side(entry, &fill.maker);
            }
            Event::Accepted { session, account, .. }
            | Event::Cancelled { session, account, .. }
            | Event::Amended { session, account, .. }
            | Event::Trimmed { session, account, .. }
            | Event::Armed { session, account, .. }
            | Event::Triggered { session, account, .. }
            | Event::Activated { session, account, .. }
            | Event::Refreshed { session, account, .. } => {
                self.order(entry, *session, *account, told_of_order(event));
            }
            Event::MassQuoted { session, .. } => self.give(*session, MassQuoteAck::TEMPLATE),
            Event::QuoteRefused { session, .. } => self.give(*session, QuoteRefused::TEMPLATE),
            Event::ProtectionSet { session, .. } | Event::ProtectionReset { session, .. } => {
                self.give(*session, ProtectionAck::TEMPLATE);
            }
            Event::ProtectionTripped { account, .. } => self.account(*account, ProtectionTripped::TEMPLATE),
            Event::PositionSettled { account, .. } => self.account(*account, PositionSettled::TEMPLATE),
            Event::Rejected { session, .. } => self.refusal(entry, *session),
            Event::MassCancelled { session, .. } if self.kind(*session) == Some(SessionKind::Admin) => {
                self.give(*session, AdminAck::TEMPLATE);
            }
            Event::MassCancelled { session, .. } => self.give(*session, MassCancelAck::TEMPLATE),
            Event::Skipped { session, skip, .. } if skip.code == 1_110 => {
                self.give(*session, ThrottleReject::TEMPLATE);
            }
            Event::Skipped { session, .. } => self.give(*session, SessionReject::TEMPLATE),
            Event::DeadManSet { session, .. } => self.give(*session, CancelAllAfterAck::TEMPLATE),
            Event::DeadManFired { session, .. } => self.give(*session, DeadManFired::TEMPLATE),
            Event::Transferred { account, .. } => {
                self.account(*account, BalanceChange::TEMPLATE);
                self.acknowledge(entry);
            }
            Event::RestrictionSet { account, .. } => {
                self.account(*account, AccountStatusChanged::TEMPLATE);
                self.acknowledge_restriction(entry);
            }
            Event::LeverageSet { account, .. } => self.account(*account, LeverageSet::TEMPLATE),
            Event::LiquidationStarted { account, .. } => self.account(*account, LiquidationStart::TEMPLATE),
            Event::TakenOver { account, by, .. } => {
                self.account(*account, PositionTakenOver::TEMPLATE);
                self.account(*by, PositionAssumed::TEMPLATE);
            }
            Event::LiquidationEnded { account, .. } => self.account(*account, LiquidationEnd::TEMPLATE),
            Event::Marked { .. } | Event::SourcePriceTaken { .. } => {
                if self.kind(entry.command.session) == Some(SessionKind::Oracle) {
                    self.give(entry.command.session, OracleAck::TEMPLATE);
                }
            }
            _ => self.rest(entry, event),
        }
    }

    /// Margin, money that moves, and what an operator did.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "nobody is told of the others, or `event` has told them"
    )]
    fn rest(&mut self, entry: &Entry, event: &Event) {
        match event {
            Event::Moved(movement) => {
                self.account(movement.from, Movement::TEMPLATE);
                self.account(movement.to, Movement::TEMPLATE);
                if matches!(entry.command.action, Action::TransferBetween(_)) {
                    self.acknowledge(entry);
                }
            }
            Event::WouldLiquidate { account, .. } => self.account(*account, WouldLiquidate::TEMPLATE),
            Event::FeeTierSet { account, .. } => {
                self.account(*account, FeeTierSet::TEMPLATE);
                self.acknowledge(entry);
            }
            Event::MarginModeSet { account, acting, .. } => {
                self.principals.insert(*acting, *account);
                self.account(*account, MarginModeChanged::TEMPLATE);
            }
            Event::TransferRepeated { .. } => {
                self.acknowledge(entry);
                if self.kind(entry.command.session) == Some(SessionKind::OrderEntry) {
                    self.give(entry.command.session, TransferRepeated::TEMPLATE);
                }
            }
            Event::MarginStateChanged { account, .. } => {
                self.account(*account, MarginStateChanged::TEMPLATE);
            }
            Event::FundingBooked { account, .. } => self.account(*account, FundingBooked::TEMPLATE),
            Event::Converted { account, .. } => self.account(*account, Converted::TEMPLATE),
            Event::DeficitCovered { account, .. } => self.account(*account, DeficitCovered::TEMPLATE),
            Event::InterestCharged { account, .. } => self.account(*account, InterestCharged::TEMPLATE),
            Event::StandingChanged { account, .. } => self.account(*account, StandingChanged::TEMPLATE),
            Event::LiquidationHeld { account } | Event::LiquidationResumed { account } => {
                self.account(*account, LiquidationHeld::TEMPLATE);
            }
            Event::LiquidationStepped(step) => self.account(step.account, LiquidationStepped::TEMPLATE),
            Event::LiquidationPaced { account, .. } => self.account(*account, LiquidationPaced::TEMPLATE),
            Event::Deleveraged(cut) => self.account(cut.account, Deleveraged::TEMPLATE),
            Event::BadDebtBooked { account, .. } => {
                self.account(*account, BadDebtBooked::TEMPLATE);
                self.operators(BadDebtBooked::TEMPLATE);
            }
            Event::DeleveragingAsked(_) => self.operators(DeleveragingAsked::TEMPLATE),
            Event::DeleveragingPlanned(_) => self.operators(DeleveragingPlanned::TEMPLATE),
            Event::DeleveragingEnded { .. } => self.operators(DeleveragingEnded::TEMPLATE),
            Event::AccountOpened { .. }
            | Event::RiskGroupSet { .. }
            | Event::RiskGroupAssigned { .. }
            | Event::AssetDefined { .. }
            | Event::DebtTermsSet { .. }
            | Event::FeeTierDefined { .. }
            | Event::MarginScheduled { .. }
            | Event::MarginChangeEnded { .. }
            | Event::InstrumentDefined { .. }
            | Event::OwnerGroupSet { .. }
            | Event::GroupRestrictionSet { .. }
            | Event::KeySuspended { .. }
            | Event::LimitsSet { .. }
            | Event::IndexSourceSet { .. }
            | Event::KeyRegistered { .. }
            | Event::KeyRevoked { .. } => self.acknowledge(entry),
            _ => {}
        }
    }

    fn refusal(&mut self, entry: &Entry, session: SessionId) {
        if entry.command.client_seq.get() != 0 && !is_taken(entry) {
            return;
        }
        match self.kind(session) {
            None => {}
            Some(SessionKind::Admin) => self.give(session, AdminAck::TEMPLATE),
            Some(SessionKind::Oracle) if matches!(entry.command.action, Action::IndexPrice { .. }) => {
                self.give(session, OracleAck::TEMPLATE);
            }
            Some(
                SessionKind::Local | SessionKind::OrderEntry | SessionKind::DropCopy | SessionKind::Oracle,
            ) => {
                self.give(session, RequestRejected::TEMPLATE);
            }
        }
    }
}

/// What is told of an order's event.
fn told_of_order(event: &Event) -> u16 {
    let told = [
        (matches!(event, Event::Accepted { .. }), OrderAccepted::TEMPLATE),
        (matches!(event, Event::Cancelled { .. }), OrderCanceled::TEMPLATE),
        (matches!(event, Event::Amended { .. }), OrderAmended::TEMPLATE),
        (matches!(event, Event::Trimmed { .. }), OrderTrimmed::TEMPLATE),
        (matches!(event, Event::Armed { .. }), OrderArmed::TEMPLATE),
        (matches!(event, Event::Triggered { .. }), OrderTriggered::TEMPLATE),
        (matches!(event, Event::Activated { .. }), OrderActivated::TEMPLATE),
        (matches!(event, Event::Refreshed { .. }), OrderRefreshed::TEMPLATE),
    ];
    told.into_iter().find_map(|(is_it, template)| is_it.then_some(template)).expect("an order's event")
}
