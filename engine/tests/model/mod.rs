//! The reference model: the published rules of the venue in the plainest form, to hold the real one against.
//!
//! Invariant: nothing is kept that can be recomputed. Balances, positions and queues are maps and queues; every
//! requirement is a scan over all orders. The model shares the vocabulary of commands and events with the venue and
//! none of its arithmetic. From the venue's events it takes only what the rules leave open: order numbers, and the
//! order in which accounts are flagged after a price move.

pub(crate) mod admin;
pub(crate) mod arith;
pub(crate) mod compare;
pub(crate) mod liquidation;
pub(crate) mod margin;
pub(crate) mod matching;
pub(crate) mod orders;
pub(crate) mod sessions;
pub(crate) mod state;
pub(crate) mod sweeps;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use engine::{Action, ClientOrderId, Command, Event, KeyId, OrderId, Reject, SessionId, TimeNs};
use risk::{AccountId, Capacity, InstrumentId, Money, Position, Price, Qty};

use state::{Account, Budget, Instrument, Key, Leg, Order, Session, Sweep, Taker};

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
    pub(crate) orders: BTreeMap<OrderId, Order>,
    pub(crate) keys: BTreeMap<KeyId, Key>,
    pub(crate) sessions: Vec<Session>,
    /// Every order ever accepted.
    pub(crate) by_client: BTreeMap<(SessionId, ClientOrderId), OrderId>,
    pub(crate) used_numbers: BTreeSet<OrderId>,
    pub(crate) trades: u64,
    /// Deposits less withdrawals.
    pub(crate) deposits: i128,
    pub(crate) joins: u64,
    pub(crate) suspended: Option<Taker>,
    pub(crate) sweep: Option<Sweep>,
    /// The time of a tick whose timers have not all fired.
    pub(crate) firing: Option<u64>,
    /// The time of the last command, in nanoseconds.
    pub(crate) now: u64,
    /// A price move may still have accounts to flag.
    pub(crate) waking: bool,
    pub(crate) queue: VecDeque<AccountId>,
    pub(crate) out: Vec<Event>,
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

/// A position for an event.
pub(crate) fn position(mantissa: i128) -> Position {
    Position::new(i64::try_from(mantissa).expect("positions are bounded"))
}

impl Model {
    pub(crate) fn new(capacity: Capacity, hints: Hints) -> Self {
        let own = [AccountId::FEES, AccountId::INSURANCE, AccountId::DUST];
        Self {
            hints,
            capacity,
            accounts: own.into_iter().map(|account| (account, Account::default())).collect(),
            legs: BTreeMap::new(),
            instruments: Vec::new(),
            orders: BTreeMap::new(),
            keys: BTreeMap::new(),
            sessions: vec![Session::default()],
            firing: None,
            now: 0,
            by_client: BTreeMap::new(),
            used_numbers: BTreeSet::new(),
            trades: 0,
            deposits: 0,
            joins: 0,
            suspended: None,
            sweep: None,
            waking: false,
            queue: VecDeque::new(),
            out: Vec::new(),
            complaint: None,
        }
    }

    /// Whether work is left over. While a price move is being worked off only the venue knows.
    pub(crate) fn pending(&self) -> bool {
        self.suspended.is_some() || self.sweep.is_some() || self.firing.is_some() || !self.queue.is_empty()
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
        self.out = Vec::new();
        if let Err(refusal) = self.carry_out(command, hints) {
            self.out = vec![Event::Rejected {
                session: command.session,
                account: command.action.account(),
                client_order_id: command.client_order_id,
                reject: refusal.reject,
                short: money(refusal.short),
            }];
        }
        core::mem::take(&mut self.out)
    }

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
        if busy {
            return Err(Reject::VenuePending.into());
        }
        self.receive(command)?;
        match &command.action {
            Action::NewOrder(order) => self.new_order(session, command.client_order_id, order, hints),
            Action::CancelOrder(cancel) => self.cancel_order(session, cancel),
            Action::AmendOrder(amend) => self.amend_order(session, amend),
            Action::MassCancel(cancel) => self.mass_cancel(session, command.client_order_id, cancel),
            Action::IndexPrice { instrument, source, source_seq, price } => {
                self.index_price(*instrument, (*source, *source_seq), *price, hints)
            }
            Action::Continue => Ok(()),
            Action::Tick => {
                self.out.push(Event::Ticked);
                self.fire_due(self.now);
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
                let request = (session, command.client_order_id);
                self.cancel_all_after(request, *account, *timeout_ms, *keep_reduce_only)
            }
            Action::SetRestriction { account, restriction, cancel_orders } => {
                self.set_restriction(*account, *restriction, *cancel_orders)
            }
            Action::AdvancedOrder(_)
            | Action::OrderBatch(_)
            | Action::MassQuote(_)
            | Action::AmendTrigger(_)
            | Action::SetProtection(_)
            | Action::ResetProtection { .. }
            | Action::SetOwnerGroup { .. }
            | Action::SetGroupRestriction { .. }
            | Action::SuspendKey { .. }
            | Action::SetLimits { .. }
            | Action::StartAuction { .. }
            | Action::Restarted { .. }
            | Action::Settle { .. } => Err(Reject::BadParameter.into()),
        }
    }

    /// One portion of what is left over.
    fn go_on(&mut self, hints: &[Event]) {
        if let Some(taker) = self.suspended.take() {
            self.run_taker(taker);
        } else if let Some(sweep) = self.sweep.take() {
            self.sweep_on(sweep, &mut Budget::default());
        } else if let Some(now) = self.firing.take() {
            self.fire_due(now);
        } else {
            // A step of a liquidation says something, and never begins by flagging.
            let flags = matches!(hints.first(), None | Some(Event::LiquidationStarted { .. }));
            if self.waking && flags {
                self.wake(hints);
                return;
            }
            if self.waking {
                self.end_waking();
            }
            if self.queue.is_empty() {
                self.complain("the venue goes on where nothing is left".to_owned());
            } else {
                self.liquidation_step();
            }
        }
    }
}
