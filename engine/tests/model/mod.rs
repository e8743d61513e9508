//! The reference model: the published rules of the venue in the plainest form, to hold the real one against.
//!
//! Invariant: nothing is kept that can be recomputed. Balances, positions and queues are maps and queues; every
//! requirement is a scan over all orders. The model shares the vocabulary of commands and events with the venue and
//! none of its arithmetic. From the venue's events it takes only what the rules leave open: order numbers, and the
//! order in which accounts are flagged after a price move.

pub(crate) mod admin;
pub(crate) mod amend;
pub(crate) mod arith;
pub(crate) mod assets;
pub(crate) mod auction;
pub(crate) mod batches;
pub(crate) mod compare;
pub(crate) mod debts;
pub(crate) mod deleveraging;
pub(crate) mod fees;
pub(crate) mod follow_up;
pub(crate) mod funding;
pub(crate) mod funds;
pub(crate) mod groups;
pub(crate) mod instructions;
pub(crate) mod isolated;
pub(crate) mod linked;
pub(crate) mod liquidation;
pub(crate) mod margin;
pub(crate) mod margin_change;
pub(crate) mod matching;
pub(crate) mod orders;
pub(crate) mod phases;
pub(crate) mod prices;
pub(crate) mod protection;
pub(crate) mod quotes;
pub(crate) mod reduction;
pub(crate) mod risk_groups;
pub(crate) mod sessions;
pub(crate) mod settle;
pub(crate) mod sharing;
pub(crate) mod stable;
pub(crate) mod state;
pub(crate) mod sweeps;
pub(crate) mod take_over;
pub(crate) mod timers;
pub(crate) mod triggers;
pub(crate) mod watch;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use engine::limits::MATCHES_PER_COMMAND;
use engine::{
    Action, AdvancedOrder, ClientOrderId, Command, Event, Instructions, KeyId, OrderId, ProtectionId, Reject,
    SessionId, TimeNs,
};
use risk::limits::ASSETS_MAX;
use risk::{AccountId, Capacity, DebtTerms, FeeTier, InstrumentId, Mark, Money, Position, Price, Qty};

use assets::Asset;
use auction::Uncrossing;
use debts::Interest;
use deleveraging::Offer;
use funds::Asked;
use liquidation::Case;
use margin_change::{Pass, Planned};
use risk_groups::RiskGroup;
use state::{
    Account, Budget, Group, Instrument, Isolation, Key, Leg, Order, Restricting, Session, Settling, Sweep,
    Taker,
};

/// Where the model takes from what the rules leave open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hints {
    /// From the venue's events.
    Venue,
    /// From itself: numbers ascend, accounts are flagged by ascending number.
    Own,
}

/// A broken rule with what is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) reject: Reject,
    pub(crate) short: i128,
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Self { reject, short: 0 }
    }
}

/// The whole state.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) hints: Hints,
    pub(crate) capacity: Capacity,
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    /// Without entries that hold nothing.
    pub(crate) legs: BTreeMap<(AccountId, InstrumentId), Leg>,
    pub(crate) instruments: Vec<Instrument>,
    /// Every order that is not gone.
    pub(crate) orders: BTreeMap<OrderId, Order>,
    /// The same by owner, and those that wait for a trigger by instrument: only so that a scan stays short.
    pub(crate) owned: BTreeSet<(AccountId, OrderId)>,
    pub(crate) asleep: BTreeSet<(InstrumentId, OrderId)>,
    pub(crate) keys: BTreeMap<KeyId, Key>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) groups: BTreeMap<(AccountId, ProtectionId), Group>,
    /// Every order ever accepted; a quote's number names the latest.
    pub(crate) by_client: BTreeMap<(SessionId, ClientOrderId), OrderId>,
    pub(crate) used_numbers: BTreeSet<OrderId>,
    pub(crate) trades: u64,
    /// Changes of margin that are scheduled, and the pass over accounts one of them makes.
    pub(crate) planned: BTreeMap<InstrumentId, Planned>,
    pub(crate) passing: Option<Pass>,
    /// Tiers of fees, but for the instruments' own.
    pub(crate) tiers: BTreeMap<u8, FeeTier>,
    /// Isolated positions of accounts.
    pub(crate) isolated: BTreeMap<(AccountId, InstrumentId), Isolation>,
    /// Every transfer with a number that was done, the oldest first.
    pub(crate) done: Vec<(AccountId, Asked)>,
    /// Deposits less withdrawals, by asset.
    pub(crate) deposits: [i128; ASSETS_MAX + 1],
    /// Assets beside the unit of account, by number from 1.
    pub(crate) assets: Vec<Asset>,
    /// Terms of debts in the unit of account.
    pub(crate) base_debt: DebtTerms,
    /// Who owes, as interest is charged: from the end.
    pub(crate) debtors: Vec<AccountId>,
    pub(crate) interest: Interest,
    /// Warned accounts, and whose turn it is to be looked at with the next price.
    pub(crate) warned: Vec<AccountId>,
    pub(crate) warned_turn: usize,
    /// Prices after which every account was held against its state, and accounts held so.
    pub(crate) scans: (u64, u64),
    pub(crate) places: u64,
    pub(crate) serials: u64,
    /// Units of work that are left of the command.
    pub(crate) work: usize,
    pub(crate) suspended: Option<Taker>,
    pub(crate) sweeps: VecDeque<Sweep>,
    pub(crate) uncrossing: Option<Uncrossing>,
    /// The time of a tick whose timers have not all fired.
    pub(crate) firing: Option<u64>,
    /// Instruments in which something was crossed that has not fired, first crossed first.
    pub(crate) crossed: Vec<InstrumentId>,
    /// Orders whose turn comes.
    pub(crate) waiting: VecDeque<OrderId>,
    pub(crate) restricting: Option<Restricting>,
    pub(crate) settling: Option<Settling>,
    /// The time of the last command, in nanoseconds, and its number.
    pub(crate) now: u64,
    pub(crate) commands: u64,
    pub(crate) risk_groups: Vec<RiskGroup>,
    /// Of instruments that were put into one.
    pub(crate) group_of: BTreeMap<InstrumentId, u8>,
    /// Accounts that became funds.
    pub(crate) funds: BTreeSet<AccountId>,
    /// What the holding account offers, the oldest first, and how many offers there were.
    pub(crate) offers: Vec<Offer>,
    pub(crate) requests: u64,
    /// Whether a tick has come since the last call.
    pub(crate) call_is_due: bool,
    /// A price move may still have accounts to flag.
    pub(crate) waking: bool,
    pub(crate) queue: VecDeque<Case>,
    /// Liquidations that wait for a tick, and those for which it has come.
    pub(crate) paced: BTreeMap<AccountId, Case>,
    pub(crate) due: BTreeMap<AccountId, Case>,
    /// Accounts under liquidation that can close nothing now, and whether they join the queue again.
    pub(crate) held: BTreeMap<AccountId, Case>,
    pub(crate) resuming: bool,
    /// The instrument a tick has not come to yet, and the tick's time.
    pub(crate) round: Option<(usize, u64)>,
    /// Whether a continuation said nothing that may have gone on with a price move or with the tick.
    pub(crate) quiet: bool,
    /// Numbers the venue gave to the orders it accepted in this command.
    numbers: VecDeque<OrderId>,
    pub(crate) out: Vec<Event>,
    /// What this command brought about that only shows inside.
    pub(crate) noted: Vec<&'static str>,
    complaint: Option<String>,
}

/// Money for an event.
pub(crate) fn money(amount: i128) -> Money {
    Money::new(i64::try_from(amount).expect("the venue's limits keep money in 64 bits"))
}

/// A price for an event.
pub(crate) fn price(mantissa: i128) -> Price {
    Price::new(i64::try_from(mantissa).expect("prices are bounded"))
}

/// A quantity for an event.
pub(crate) fn qty(mantissa: i128) -> Qty {
    Qty::new(i64::try_from(mantissa).expect("quantities are bounded"))
}

/// A price with sub-units for an event.
pub(crate) fn mark_of(mantissa: i128) -> Mark {
    Mark::new(i64::try_from(mantissa).expect("marks are bounded"))
}

/// A position for an event.
pub(crate) fn position(mantissa: i128) -> Position {
    Position::new(i64::try_from(mantissa).expect("positions are bounded"))
}

impl Model {
    pub(crate) fn new(capacity: Capacity, hints: Hints) -> Self {
        Self {
            hints,
            capacity,
            accounts: AccountId::OWN.into_iter().map(|account| (account, Account::default())).collect(),
            legs: BTreeMap::new(),
            instruments: Vec::new(),
            orders: BTreeMap::new(),
            owned: BTreeSet::new(),
            asleep: BTreeSet::new(),
            keys: BTreeMap::new(),
            sessions: vec![Session::default()],
            groups: BTreeMap::new(),
            by_client: BTreeMap::new(),
            used_numbers: BTreeSet::new(),
            trades: 0,
            planned: BTreeMap::new(),
            passing: None,
            tiers: BTreeMap::new(),
            isolated: BTreeMap::new(),
            done: Vec::new(),
            deposits: [0; ASSETS_MAX + 1],
            assets: Vec::new(),
            base_debt: DebtTerms::FREE,
            debtors: Vec::new(),
            interest: Interest::default(),
            warned: Vec::new(),
            warned_turn: 0,
            scans: (0, 0),
            places: 0,
            serials: 0,
            work: 0,
            suspended: None,
            sweeps: VecDeque::new(),
            uncrossing: None,
            firing: None,
            crossed: Vec::new(),
            waiting: VecDeque::new(),
            restricting: None,
            settling: None,
            now: 0,
            commands: 0,
            risk_groups: vec![RiskGroup::FIRST],
            group_of: BTreeMap::new(),
            funds: BTreeSet::new(),
            offers: Vec::new(),
            requests: 0,
            call_is_due: false,
            waking: false,
            queue: VecDeque::new(),
            paced: BTreeMap::new(),
            due: BTreeMap::new(),
            held: BTreeMap::new(),
            resuming: false,
            round: None,
            quiet: false,
            numbers: VecDeque::new(),
            out: Vec::new(),
            noted: Vec::new(),
            complaint: None,
        }
    }

    /// Whether work is left over. While a price move is being worked off only the venue knows.
    pub(crate) fn pending(&self) -> bool {
        self.blocked() || self.has_case() || self.has_offer_to_do()
    }

    /// Whether it goes before any other command.
    pub(crate) fn blocked(&self) -> bool {
        self.suspended.is_some()
            || !self.sweeps.is_empty()
            || self.uncrossing.is_some()
            || self.firing.is_some()
            || self.interest.left > 0
            || self.has_follow_up()
            || self.restricting.is_some()
            || self.settling.is_some()
            || self.round.is_some()
            || self.passing.is_some()
            || self.resuming
            || self.is_planning()
    }

    /// Records the first thing in which the venue cannot be right, beside what it says in events.
    pub(crate) fn complain(&mut self, what: String) {
        self.complaint.get_or_insert(what);
    }

    /// What is wrong beside the events.
    pub(crate) fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    pub(crate) fn account_mut(&mut self, account: AccountId) -> &mut Account {
        self.accounts.get_mut(&account).expect("only open accounts are booked")
    }

    /// Stores a leg; one that holds nothing is no leg.
    pub(crate) fn store_leg(&mut self, account: AccountId, instrument: InstrumentId, leg: Leg) {
        if leg == Leg::default() {
            self.legs.remove(&(account, instrument));
        } else {
            self.legs.insert((account, instrument), leg);
        }
    }

    /// Applies one command; its events. `hints` are the venue's events for the same command.
    pub(crate) fn apply(&mut self, now: TimeNs, command: &Command, hints: &[Event]) -> Vec<Event> {
        self.now = now.get();
        self.commands += 1;
        self.out = Vec::new();
        self.noted.clear();
        self.work = MATCHES_PER_COMMAND;
        let accepted =
            |event: &Event| if let Event::Accepted { order, .. } = *event { Some(order) } else { None };
        self.numbers = hints.iter().filter_map(accepted).collect();
        match self.carry_out(command, hints) {
            Ok(()) => {
                self.follow_up();
                self.give_back();
            }
            Err(Refusal { reject, short }) => self.out.push(Event::Rejected {
                session: command.session,
                account: command.action.account(),
                client_order_id: command.client_order_id,
                reject,
                short: money(short),
            }),
        }
        core::mem::take(&mut self.out)
    }

    /// The number of an accepted order: the venue's where it is followed, but never one used before.
    pub(crate) fn number_order(&mut self) -> OrderId {
        let own = OrderId::new(self.used_numbers.len() as u64 + 1);
        let number = self.numbers.pop_front().unwrap_or(own);
        if number.get() == 0 || !self.used_numbers.insert(number) {
            self.complain(format!("order number {number} is zero or was used before"));
        }
        number
    }

    /// The next place among an account's own orders.
    pub(crate) fn next_place(&mut self) -> u64 {
        self.places += 1;
        self.places
    }

    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serials += 1;
        self.serials
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are those of `carry_out_of_owner`")]
    fn carry_out(&mut self, command: &Command, hints: &[Event]) -> Result<(), Refusal> {
        let busy = self.pending() || self.waking;
        let session = command.session;
        if command.action == Action::Continue {
            if !busy || session != SessionId::new(0) {
                return Err(Reject::NothingPending.into());
            }
            self.go_on(hints);
            return Ok(());
        }
        if self.blocked() || self.waking {
            return Err(Reject::VenuePending.into());
        }
        self.receive(command)?;
        let request = (session, command.client_order_id);
        match &command.action {
            Action::NewOrder(order) => {
                let plain = AdvancedOrder { order: *order, instructions: Instructions::PLAIN };
                self.new_order(request, &plain)
            }
            Action::AdvancedOrder(advanced) => self.new_order(request, advanced),
            Action::OrderBatch(batch) => self.order_batch(session, batch),
            Action::MassQuote(quotes) => self.mass_quote(request, quotes),
            Action::CancelOrder(cancel) => self.cancel_order(session, cancel),
            Action::AmendOrder(amend) => self.amend_order(session, amend),
            Action::AmendTrigger(amend) => self.amend_trigger(session, amend),
            Action::MassCancel(cancel) => self.mass_cancel(request, cancel),
            Action::IndexPrice { instrument, source, source_seq, price } => {
                self.index_price(*instrument, (*source, *source_seq), *price, hints)
            }
            Action::Continue => Ok(()),
            Action::Tick => {
                self.tick(hints);
                Ok(())
            }
            Action::OpenSession { session } => self.open_session(*session),
            Action::OpenAccount { account } => self.open_account(*account),
            Action::Deposit(transfer) => self.deposit(transfer),
            Action::Withdraw(transfer) => self.withdraw(transfer),
            Action::SetLeverage { account, instrument, leverage } => {
                self.set_leverage(*account, *instrument, *leverage)
            }
            Action::DefineInstrument { instrument, spec } => self.define_instrument(*instrument, spec),
            Action::SetTradingState { instrument, state } => self.set_trading_state(*instrument, *state),
            Action::RegisterKey { key, terms } => self.register_key(*key, terms),
            Action::RevokeKey { key } => self.revoke_key(*key),
            Action::Logon(logon) => self.logon(logon),
            Action::Logoff { session, cancel_orders } => self.end_session(*session, Some(*cancel_orders)),
            Action::SessionLost { session } => self.end_session(*session, None),
            Action::Skip(skip) => self.skip(command, *skip),
            Action::CancelAllAfter { account, timeout_ms, keep_reduce_only } => {
                self.cancel_all_after(request, *account, *timeout_ms, *keep_reduce_only)
            }
            Action::SetProtection(protection) => self.set_protection(request, protection),
            Action::ResetProtection { account, group } => self.reset_protection(request, *account, *group),
            Action::SuspendKey { key, suspended, cancel_orders } => {
                self.suspend_key(*key, *suspended, *cancel_orders)
            }
            Action::SetLimits { instrument, limits } => self.set_limits(*instrument, limits),
            Action::StartAuction { instrument, call_ms } => self.start_auction(*instrument, *call_ms),
            Action::Restarted { cancel_only_ms, call_ms } => self.restarted(*cancel_only_ms, *call_ms),
            Action::Settle { instrument, price } => self.settle_instrument(*instrument, *price),
            Action::DefineAsset { asset, spec } => self.define_asset(*asset, spec),
            Action::SetDebtTerms { asset, terms } => self.set_debt_terms(*asset, *terms),
            Action::SetIndexSource { instrument, source, weight } => {
                self.set_index_source(*instrument, *source, *weight, hints)
            }
            _ => self.carry_out_of_owner(&command.action),
        }
    }

    fn tick(&mut self, hints: &[Event]) {
        self.out.push(Event::Ticked);
        self.charge_interest();
        self.fire_timers(self.now);
        self.start_round(hints);
        self.pass_what_is_due();
        self.let_go_on();
        self.answer_late_calls();
    }

    /// What concerns an account and others of its owner, and changes of margin.
    fn carry_out_of_owner(&mut self, action: &Action) -> Result<(), Refusal> {
        if let Action::SetRestriction { account, restriction, cancel_orders } = action {
            return self.set_restriction(*account, *restriction, *cancel_orders);
        }
        if let Action::SetOwnerGroup { account, group } = action {
            return self.set_owner_group(*account, *group);
        }
        if let Action::SetGroupRestriction { group, restriction, cancel_orders } = action {
            return self.set_group_restriction(*group, *restriction, *cancel_orders);
        }
        if let Action::TransferBetween(asked) = action {
            return self.transfer_between(asked);
        }
        if let Action::SetMarginMode { account, instrument, isolated } = action {
            return self.set_margin_mode(*account, *instrument, *isolated);
        }
        if let Action::MoveMargin(asked) = action {
            return self.move_margin(asked);
        }
        if let Action::DefineFeeTier { tier, terms } = action {
            return self.define_fee_tier(*tier, *terms);
        }
        if let Action::SetFeeTier { account, tier } = action {
            return self.set_fee_tier(*account, *tier);
        }
        if let Action::ScheduleMargin { instrument, change } = action {
            return self.schedule_margin(*instrument, change);
        }
        if let Action::CancelMargin { instrument } = action {
            return self.cancel_margin(*instrument);
        }
        if let Action::SetRiskGroup { group, terms } = action {
            return self.set_risk_group(*group, terms);
        }
        if let Action::AssignRiskGroup { instrument, group } = action {
            return self.assign_risk_group(*instrument, *group);
        }
        if let Action::Deleverage(plan) = action {
            return self.deleverage(plan);
        }
        Ok(())
    }

    /// One portion of what is left over, the first by rank.
    fn go_on(&mut self, hints: &[Event]) {
        if let Some(taker) = self.suspended.take() {
            self.run_taker(taker);
        } else if let Some(sweep) = self.sweeps.pop_front() {
            self.sweep_on(sweep, &mut Budget::default());
        } else if let Some(uncrossing) = self.uncrossing.take() {
            self.uncross_on(uncrossing);
        } else if let Some(now) = self.firing.take() {
            self.fire_timers(now);
        } else {
            // A step of a liquidation says something, and never begins with what a look tells.
            let flags = hints.first().is_none_or(|event| watch::told_by_a_look(event).is_some());
            if self.waking && flags {
                self.quiet |= hints.is_empty() && (self.round.is_some() || self.interest.left > 0);
                self.wake(hints);
                return;
            }
            if self.waking {
                self.end_waking();
            }
            if self.interest.left > 0 {
                self.charge_interest_on();
            } else {
                self.go_on_below(hints);
            }
        }
    }

    /// What ranks below a price move.
    fn go_on_below(&mut self, hints: &[Event]) {
        if self.has_follow_up() {
            // It is taken up at the end of every command, this one too.
        } else if let Some(restricting) = self.restricting.take() {
            self.restrict_on(restricting);
        } else if let Some(settling) = self.settling.take() {
            self.settle_on(settling);
        } else if self.round.is_some() {
            self.go_round(hints);
            // It may have come to its end in a continuation that said nothing.
            if core::mem::take(&mut self.quiet) && self.round.is_none() && self.out.is_empty() {
                self.go_on_below(hints);
            }
        } else if let Some(pass) = self.passing.take() {
            self.pass_on(pass);
        } else if self.resuming {
            self.resume();
        } else if self.is_planning() {
            self.plan_on(hints);
        } else {
            self.backlog_on();
        }
    }
}
