//! The venue: ledger, books, triggers, and the one function that changes them.
//!
//! Invariant: every handler validates, then mutates, then emits; after validation nothing can fail. Conservation is
//! asserted after every command in every build. Work is bounded per command; what is left over waits for
//! [`Action::Continue`], and until it is done every other command is refused.

mod accounts;
mod activation;
mod advanced;
mod amend;
mod amend_trigger;
mod announce;
mod assets;
mod auction;
mod batch;
mod cancel;
mod check;
mod checks;
mod dead_man;
mod deleveraging;
mod expiry;
mod fees;
mod fillable;
mod follow_up;
mod funding;
mod groups;
mod held;
mod hypothesis;
mod iceberg;
mod instructions;
mod instruments;
mod isolated;
mod keys;
mod linked;
mod liquidation;
mod liquidation_map;
mod margin_change;
mod matching;
mod maturity;
mod new_order;
mod phases;
mod pricing;
mod protection;
mod quotes;
mod rank;
mod reduce_only;
mod risk_groups;
mod self_trade;
mod sessions;
mod settle;
mod standing;
mod survey;
mod sweep;
mod take_over;
mod transfers;
mod triggers;
mod views;
mod wake;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use crate::book::Book;
use crate::client_index::ClientIndex;
use crate::command::{Action, Command, SessionId, Stamp, TimeNs, TradingState};
use crate::deadlines::{Deadlines, Expiries};
use crate::event::{Event, Events, TradeId};
use crate::limits::{MATCHES_PER_COMMAND, PRICED_PER_COMMAND};
use crate::liquidation_index::LiquidationIndex;
use crate::orders::Orders;
use crate::queue::Queue;
use crate::reject::Reject;
use crate::triggers::{Trails, Triggers};
use risk::{
    Account, AccountForm, AccountId, AccountState, Capacity, InstrumentId, Ledger, Mark, Money, OwnerGroupId,
    Price, Qty, Side,
};

use assets::Interest;
use deleveraging::Deleveragings;
use funding::Funding;
use groups::{Groups, Restricting};
use instruments::Sources;
use isolated::Isolated;
use keys::Keys;
use liquidation::{Case, Paced};
use margin_change::MarginChanges;
use matching::Taker;
use maturity::{Average, Round};
use phases::{PhaseWork, Reach};
use pricing::Pricing;
use protection::Protections;
use sessions::skip_numbers;
use sweep::{Budget, SWEEPS_AT_ONCE, Sweep};
use transfers::Receipts;
use wake::Wake;

pub use auction::Indicative;
pub use deleveraging::{DeleveragingStage, DeleveragingView, OpenCall};
pub use hypothesis::{Denial, Move, Picture, Scope, Step, WhatIf};
pub use keys::Key;
pub use liquidation::{LiquidationStage, LiquidationView};
pub use liquidation_map::{LiquidationMap, MapStep};
pub use protection::{ProtectionView, Window};
pub use rank::DeleveragingRank;
pub use sessions::Session;
pub use survey::{LEVERAGE_BOUNDS, LEVERAGE_BUCKETS, Survey};
pub use views::{OpenOrderView, SpecialView};

/// What one instrument has beside its risk terms.
#[derive(Debug)]
struct Market {
    book: Book,
    state: TradingState,
    /// What takers may take; derived.
    reach: Reach,
    /// When the next state follows by itself; 0 is never.
    until: TimeNs,
    /// How long the auction lasts that follows a cancel-only time, in milliseconds; 0 is not at all.
    call_ms: u32,
    sources: Sources,
    pricing: Pricing,
    funding: Funding,
    average: Average,
    /// Price of the last match, in ticks; 0 before the first.
    last: u32,
    triggers: Triggers,
    /// Whether a moved mark or index concerns more than accounts: what takers may take, or orders that wait. Derived.
    is_followed: bool,
}

/// The state of the venue.
#[derive(Debug)]
pub struct Venue {
    capacity: Capacity,
    ledger: Ledger,
    orders: Orders,
    clients: ClientIndex,
    markets: Vec<Market>,
    keys: Keys,
    sessions: Vec<Session>,
    /// Dead-man timers of the sessions.
    deadlines: Deadlines,
    /// Orders that expire.
    expiries: Expiries,
    index: LiquidationIndex,
    /// Liquidations whose step comes next, first found first.
    liquidating: VecDeque<Case>,
    /// Those that wait for the next tick.
    paced: Paced,
    /// Those none of whose positions may be closed while an index is not trusted.
    held: BTreeMap<AccountId, Case>,
    /// Whether those that are held join the others again.
    resuming: bool,
    deleveragings: Deleveragings,
    /// A taker that met the bound of its command.
    suspended: Option<Taker>,
    /// Sweeps that are not through, the one at work first.
    sweeps: VecDeque<Sweep>,
    groups: Groups,
    /// A restriction of an owner group that has not come to all its accounts.
    restricting: Option<Restricting>,
    protections: Protections,
    /// Changes of margin that are scheduled.
    margin_changes: MarginChanges,
    /// Isolated positions.
    isolated: Isolated,
    /// Those whose leg came to hold nothing in this command; none between commands.
    over: Vec<AccountId>,
    /// Transfers that are remembered so that none is carried out twice.
    receipts: Receipts,
    /// Accounts in liquidation that were worth less than nothing at the last look.
    bankrupt: u32,
    /// Trailing stops of all instruments.
    trails: Trails,
    /// Instruments with crossed triggers, the first crossed first.
    crossed: VecDeque<InstrumentId>,
    /// Orders whose turn to take comes, the next first.
    waiting: Queue,
    /// An uncrossing, restart or settlement that is not through.
    phase: Option<PhaseWork>,
    /// Times at which states change by themselves, the earliest last. Derived from the instruments.
    state_timers: Vec<(TimeNs, InstrumentId)>,
    /// What is left of the matching work of this command; between commands it means nothing.
    work: usize,
    /// Whether work is left over. Whoever leaves some says so here, and a command that finds it said looks again at its
    /// end, so that every other command asks one word. Derived.
    left_over: bool,
    /// The time of a tick that has not fired all timers it must.
    firing: Option<TimeNs>,
    /// A price move that has not woken all it must.
    wakes: VecDeque<Wake>,
    interest: Interest,
    /// A tick that has not reached all instruments it must.
    round: Option<Round>,
    /// Instruments that time alone concerns, ascending. Derived.
    timed: Vec<InstrumentId>,
    last_trade: TradeId,
    last: Stamp,
}

/// A broken rule, with what is missing where money is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Refusal {
    reject: Reject,
    short: Money,
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Self { reject, short: Money::ZERO }
    }
}

impl From<risk::MarginShort> for Refusal {
    fn from(short: risk::MarginShort) -> Self {
        Self { reject: Reject::InsufficientMargin, short: short.0 }
    }
}

type Verdict = Result<(), Refusal>;

impl Venue {
    /// An empty venue with the venue's own session and accounts.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        let Capacity { accounts, legs, orders } = capacity;
        Self {
            capacity,
            ledger: Ledger::new(capacity),
            orders: Orders::with_capacity(orders),
            clients: ClientIndex::with_capacity(orders),
            markets: Vec::new(),
            keys: Keys::default(),
            sessions: alloc::vec![Session::LOCAL],
            deadlines: Deadlines::with_one(),
            expiries: Expiries::with_capacity(orders as usize),
            index: LiquidationIndex::with_capacity(accounts, legs),
            liquidating: VecDeque::with_capacity(accounts as usize),
            paced: Paced::default(),
            held: BTreeMap::new(),
            deleveragings: Deleveragings::default(),
            resuming: false,
            suspended: None,
            sweeps: VecDeque::with_capacity(SWEEPS_AT_ONCE),
            trails: Trails::with_capacity(orders),
            crossed: VecDeque::new(),
            groups: Groups::default(),
            restricting: None,
            protections: Protections::default(),
            margin_changes: MarginChanges::default(),
            isolated: Isolated::default(),
            over: Vec::new(),
            receipts: Receipts::default(),
            bankrupt: 0,
            waiting: Queue::EMPTY,
            phase: None,
            state_timers: Vec::new(),
            work: 0,
            left_over: false,
            firing: None,
            wakes: VecDeque::with_capacity(PRICED_PER_COMMAND),
            interest: Interest::default(),
            round: None,
            timed: Vec::new(),
            last_trade: TradeId::default(),
            last: Stamp::default(),
        }
    }

    /// Applies one command: the only function that changes state. Appends its events.
    ///
    /// # Panics
    /// When stamps do not rise, or an invariant does not hold; the venue must stop then.
    pub fn apply(&mut self, stamp: Stamp, command: &Command, events: &mut Events) {
        assert!(stamp.seq > self.last.seq && stamp.time >= self.last.time, "stamps rise");
        self.last = stamp;
        self.work = MATCHES_PER_COMMAND;
        match self.handle(command, events) {
            Ok(()) => {
                if self.left_over {
                    self.end_with_left_over(events);
                }
            }
            Err(refusal) => self.refuse(command, refusal, events),
        }
        self.ledger.assert_conserved();
    }

    /// Lets what follows up have its turn, and finds out what is left over then.
    #[cold]
    fn end_with_left_over(&mut self, events: &mut Events) {
        if self.has_follow_up() {
            self.follow_up(events);
        }
        self.give_back(events);
        self.left_over = self.is_anything_left();
    }

    #[cold]
    fn refuse(&mut self, command: &Command, refusal: Refusal, events: &mut Events) {
        events.push(Event::Rejected {
            session: command.session,
            account: command.action.account(),
            client_order_id: command.client_order_id,
            reject: refusal.reject,
            short: refusal.short,
        });
        self.left_over = self.is_anything_left();
    }

    fn handle(&mut self, command: &Command, events: &mut Events) -> Verdict {
        let session = command.session;
        let continues = matches!(command.action, Action::Continue);
        if self.left_over && !continues {
            return Err(Reject::VenuePending.into());
        }
        if !continues {
            self.receive(command)?;
        }
        match &command.action {
            Action::NewOrder(order) => self.new_order(session, command.client_order_id, order, events),
            Action::CancelOrder(cancel) => self.cancel_order(session, cancel, events),
            Action::AmendOrder(amend) => self.amend_order(session, amend, events),
            Action::MassCancel(cancel) => self.mass_cancel(session, command.client_order_id, cancel, events),
            Action::IndexPrice { instrument, source, source_seq, price } => {
                self.index_price(*instrument, (*source, *source_seq), *price, events)
            }
            Action::Continue => self.continue_work(session, events),
            Action::Tick => {
                self.tick(events);
                Ok(())
            }
            Action::OpenSession { session } => self.open_session(*session, events),
            Action::OpenAccount { account } => self.open_account(*account, events),
            Action::Deposit(transfer) => self.deposit(transfer, events),
            Action::Withdraw(transfer) => self.withdraw(transfer, events),
            Action::Logon(logon) => self.logon(logon, events),
            Action::Logoff { session, cancel_orders } => self.logoff(*session, *cancel_orders, events),
            Action::SessionLost { session } => self.session_lost(*session, events),
            Action::Skip(skip) => skip_numbers(command, *skip, events),
            Action::CancelAllAfter { timeout_ms, keep_reduce_only, .. } => {
                self.cancel_all_after(command, *timeout_ms, *keep_reduce_only, events)
            }
            Action::AdvancedOrder(advanced) => {
                self.advanced_order(session, command.client_order_id, advanced, events)
            }
            Action::OrderBatch(batch) => self.order_batch(session, batch, events),
            Action::MassQuote(quotes) => self.mass_quote(session, command.client_order_id, quotes, events),
            Action::AmendTrigger(amend) => self.amend_trigger(session, amend, events),
            Action::SetProtection(protection) => self.set_protection(command, *protection, events),
            Action::ResetProtection { account, group } => {
                self.reset_protection(command, *account, *group, events)
            }
            Action::SetLeverage { .. }
            | Action::RegisterKey { .. }
            | Action::RevokeKey { .. }
            | Action::SuspendKey { .. }
            | Action::SetRestriction { .. }
            | Action::SetOwnerGroup { .. }
            | Action::SetGroupRestriction { .. }
            | Action::TransferBetween(_)
            | Action::SetMarginMode { .. }
            | Action::MoveMargin(_)
            | Action::DefineFeeTier { .. }
            | Action::SetFeeTier { .. } => self.handle_of_owner(command, events),
            Action::DefineInstrument { .. }
            | Action::SetTradingState { .. }
            | Action::Restarted { .. }
            | Action::SetLimits { .. }
            | Action::StartAuction { .. }
            | Action::Settle { .. }
            | Action::SetIndexSource { .. }
            | Action::DefineAsset { .. }
            | Action::SetDebtTerms { .. }
            | Action::ScheduleMargin { .. }
            | Action::CancelMargin { .. }
            | Action::SetRiskGroup { .. }
            | Action::AssignRiskGroup { .. }
            | Action::Deleverage(_) => self.handle_of_market(command, events),
        }
    }

    /// What concerns an instrument or an asset as a whole.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other actions are those of `handle`, which calls this"
    )]
    #[cold]
    fn handle_of_market(&mut self, command: &Command, events: &mut Events) -> Verdict {
        match &command.action {
            Action::DefineInstrument { instrument, spec } => {
                self.define_instrument(*instrument, spec, events)
            }
            Action::SetTradingState { instrument, state } => {
                self.set_trading_state(*instrument, *state, events)
            }
            Action::Restarted { cancel_only_ms, call_ms } => {
                self.restarted(*cancel_only_ms, *call_ms, events)
            }
            Action::SetLimits { instrument, limits } => self.set_limits(*instrument, limits, events),
            Action::StartAuction { instrument, call_ms } => self.start_auction(*instrument, *call_ms, events),
            Action::Settle { instrument, price } => self.settle(*instrument, *price, events),
            Action::SetIndexSource { instrument, source, weight } => {
                self.set_index_source(*instrument, *source, *weight, events)
            }
            Action::DefineAsset { asset, spec } => self.define_asset(*asset, spec, events),
            Action::SetDebtTerms { asset, terms } => self.set_debt_terms(*asset, *terms, events),
            Action::ScheduleMargin { instrument, change } => {
                self.schedule_margin(*instrument, change, events)
            }
            Action::CancelMargin { instrument } => self.cancel_margin(*instrument, events),
            Action::SetRiskGroup { group, terms } => self.set_risk_group(*group, terms, events),
            Action::AssignRiskGroup { instrument, group } => {
                self.assign_risk_group(*instrument, *group, events)
            }
            Action::Deleverage(plan) => self.deleverage(plan, events),
            _ => Ok(()),
        }
    }

    /// What concerns an account and others of its owner, or a key.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other actions are those of `handle`, which calls this"
    )]
    #[cold]
    fn handle_of_owner(&mut self, command: &Command, events: &mut Events) -> Verdict {
        match &command.action {
            Action::SetLeverage { account, instrument, leverage } => {
                self.set_leverage(*account, *instrument, *leverage, events)
            }
            Action::RegisterKey { key, terms } => self.register_key(*key, terms, events),
            Action::RevokeKey { key } => self.revoke_key(*key, events),
            Action::SuspendKey { key, suspended, cancel_orders } => {
                self.suspend_key(*key, *suspended, *cancel_orders, events)
            }
            Action::SetOwnerGroup { account, group } => self.set_owner_group(*account, *group, events),
            Action::SetRestriction { account, restriction, cancel_orders } => {
                self.set_restriction(*account, *restriction, *cancel_orders, events)
            }
            Action::SetGroupRestriction { group, restriction, cancel_orders } => {
                self.set_group_restriction(*group, *restriction, *cancel_orders, events)
            }
            Action::TransferBetween(transfer) => self.transfer_between(transfer, events),
            Action::SetMarginMode { account, instrument, isolated } => {
                self.set_margin_mode(*account, *instrument, *isolated, events)
            }
            Action::MoveMargin(moved) => self.move_margin(moved, events),
            Action::DefineFeeTier { tier, terms } => self.define_fee_tier(*tier, *terms, events),
            Action::SetFeeTier { account, tier } => self.set_fee_tier(*account, *tier, events),
            _ => Ok(()),
        }
    }

    /// Whether there is work that [`Action::Continue`] takes up.
    #[inline]
    #[must_use]
    pub fn pending(&self) -> bool {
        self.left_over || self.has_backlog()
    }

    /// Whether it must take it up before any other command is taken. Steps of liquidations and deleveragings let others come
    /// between.
    #[inline]
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.left_over
    }

    /// Looks at everything that may be left over.
    fn is_anything_left(&self) -> bool {
        self.suspended.is_some()
            || !self.sweeps.is_empty()
            || self.phase.is_some()
            || self.firing.is_some()
            || !self.wakes.is_empty()
            || self.interest.left > 0
            || self.has_follow_up()
            || self.restricting.is_some()
            || self.round.is_some()
            || self.margin_changes.has_work()
            || self.resuming
            || self.is_planning()
    }

    /// Whether liquidations and deleveragings can go on. Other commands may come between their steps.
    fn has_backlog(&self) -> bool {
        !self.liquidating.is_empty() || self.paced.is_due() || self.has_deleveraging_to_do()
    }

    /// Takes up left-over work: one bounded piece, oldest kind first.
    fn continue_work(&mut self, session: SessionId, events: &mut Events) -> Verdict {
        if session != SessionId::default() || !self.pending() {
            return Err(Reject::NothingPending.into());
        }
        if let Some(taker) = self.suspended.take() {
            self.take_and_settle(taker, events);
        } else if !self.sweeps.is_empty() {
            self.go_on_sweeping(&mut Budget::of_command(), events);
        } else if let Some(work) = self.phase.take_if(|work| work.is_urgent()) {
            self.go_on_with_phase(work, events);
        } else if let Some(now) = self.firing.take() {
            self.fire_due(now, events);
        } else if let Some(wake) = self.wakes.pop_front() {
            self.go_on_waking(wake, events);
        } else if self.interest.left > 0 {
            self.go_on_charging_interest(events);
        } else if self.has_follow_up() {
            // What follows up is taken up at the end of every command, this one too.
        } else if let Some(restricting) = self.restricting.take() {
            self.go_on_restricting(restricting, events);
        } else if let Some(work) = self.phase.take() {
            self.go_on_with_phase(work, events);
        } else if let Some(round) = self.round.take() {
            self.go_on_with_round(round, events);
        } else if self.margin_changes.has_work() {
            self.go_on_with_margin(events);
        } else if self.resuming {
            self.go_on_resuming(events);
        } else if self.is_planning() {
            self.go_on_planning(events);
        } else {
            self.go_on_with_backlog(events);
        }
        Ok(())
    }

    /// A piece of a deleveraging that comes before liquidations, else a step of one of these, else a call.
    fn go_on_with_backlog(&mut self, events: &mut Events) {
        if self.go_on_deleveraging(events) {
            return;
        }
        match self.next_case() {
            Some(case) => self.liquidation_step(case, events),
            None => {
                self.call_next(events);
            }
        }
    }

    #[cold]
    fn go_on_with_phase(&mut self, work: PhaseWork, events: &mut Events) {
        match work {
            PhaseWork::Uncross(uncrossing) => self.uncross(uncrossing, &mut Budget::of_command(), events),
            PhaseWork::Restart(restart) => self.go_on_restarting(restart, events),
            PhaseWork::Settle(settling) => self.go_on_settling(settling, events),
        }
    }

    /// Accounts, positions, marks, instruments: exact queries.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The room it was given.
    #[must_use]
    pub const fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// Stamp of the last command applied.
    #[must_use]
    pub const fn last_stamp(&self) -> Stamp {
        self.last
    }

    /// Sessions opened; the next session's number.
    #[must_use]
    pub fn sessions(&self) -> u32 {
        u32::try_from(self.sessions.len()).expect("bounded by SESSIONS_MAX")
    }

    /// What an instrument admits.
    #[must_use]
    pub fn trading_state(&self, instrument: InstrumentId) -> Option<TradingState> {
        self.markets.get(instrument.index()).map(|market| market.state)
    }

    /// When the next state of an instrument follows by itself, if it does.
    #[must_use]
    pub fn state_until(&self, instrument: InstrumentId) -> Option<TimeNs> {
        let market = self.markets.get(instrument.index())?;
        (market.until != TimeNs::default()).then_some(market.until)
    }

    /// Best price of a side and the quantity there.
    #[must_use]
    pub fn best(&self, instrument: InstrumentId, side: Side) -> Option<(Price, Qty)> {
        self.depth(instrument, side).next()
    }

    /// Price levels of a side, best first.
    pub fn depth(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = (Price, Qty)> + '_ {
        let market = self.markets.get(instrument.index());
        let mut next = market.and_then(|market| market.book.best(side));
        core::iter::from_fn(move || {
            let (key, ladder) = (next?, market?.book.ladder(side));
            next = match side {
                Side::Buy => key.checked_sub(1).and_then(|below| ladder.at_or_below(below)),
                Side::Sell => key.checked_add(1).and_then(|above| ladder.at_or_above(above)),
            };
            Some((self.price_of(instrument, key), Qty::new(ladder.qty(key))))
        })
    }

    /// A trading account that a command may name.
    #[inline]
    fn user(&self, account: AccountId) -> Result<&Account, Reject> {
        let known = self.trader(account)?;
        if known.form == AccountForm::Isolated { Err(Reject::IsolatedAccount) } else { Ok(known) }
    }

    /// A trading account, isolated positions too.
    #[inline]
    fn trader(&self, account: AccountId) -> Result<&Account, Reject> {
        checks::trader_of(&self.ledger, account)
    }

    /// The owner group of an account; 0 where it stands alone.
    #[inline]
    fn group_of(&self, account: AccountId) -> OwnerGroupId {
        self.ledger.group_of(account)
    }

    #[inline]
    fn is_liquidating(&self, account: AccountId) -> bool {
        self.ledger.account(account).is_some_and(|account| account.state == AccountState::Liquidating)
    }

    /// The mark of an instrument, if it has one.
    #[inline]
    fn mark(&self, instrument: InstrumentId) -> Option<Mark> {
        self.ledger.instrument(instrument).mark
    }

    /// A price in ticks; exact for every validated price.
    #[inline]
    fn key_of(&self, instrument: InstrumentId, price: Price) -> u32 {
        let ticks = price.get().div_euclid(self.ledger.instrument(instrument).spec.tick.get());
        u32::try_from(ticks).expect("validated prices have at most LADDER_KEYS_MAX ticks")
    }

    #[inline]
    fn price_of(&self, instrument: InstrumentId, key: u32) -> Price {
        Price::new(i64::from(key) * self.ledger.instrument(instrument).spec.tick.get())
    }
}
