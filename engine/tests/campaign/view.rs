//! What an onlooker knows who folds the venue's events: the generator's eyes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use engine::{
    Action, AmendOrder, AmendTrigger, CancelOrder, ClientOrderId, ClientSeq, Command, Event, FillSide, KeyId,
    OrderId, OrderRef, Reject, SessionId, SessionKind, Stamp, TradingState,
};
use risk::{AccountId, AssetId, InstrumentId, Mark, OwnerGroupId, Restriction, Side};

use super::{Numbering, Step};

/// An order that is not gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alive {
    pub(crate) session: SessionId,
    pub(crate) client: ClientOrderId,
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) price: i64,
    pub(crate) qty: i64,
    pub(crate) leaves: i64,
}

/// A session of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) key: KeyId,
    pub(crate) tag: u32,
    pub(crate) kind: SessionKind,
    pub(crate) account: AccountId,
}

/// Orders that are gone and still remembered, to be named once more.
const REMEMBERED: usize = 64;

/// The fold.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) alive: BTreeMap<OrderId, Alive>,
    numbers: BTreeMap<(SessionId, ClientOrderId), OrderId>,
    /// Those that wait for a trigger.
    pub(crate) sleepers: BTreeSet<OrderId>,
    pub(crate) settled: BTreeSet<InstrumentId>,
    pub(crate) gone: VecDeque<(OrderId, Alive)>,
    pub(crate) marks: BTreeMap<InstrumentId, Mark>,
    pub(crate) positions: BTreeMap<(AccountId, InstrumentId), i64>,
    pub(crate) balances: BTreeMap<AccountId, i64>,
    /// Balances in other assets.
    pub(crate) coins: BTreeMap<(AccountId, AssetId), i64>,
    settlements: BTreeMap<InstrumentId, AssetId>,
    pub(crate) closed: BTreeMap<InstrumentId, TradingState>,
    pub(crate) bound: BTreeMap<SessionId, Bound>,
    pub(crate) restricted: BTreeMap<AccountId, Restriction>,
    /// Isolated positions with the accounts they are of, once opened.
    pub(crate) isolated: BTreeMap<AccountId, AccountId>,
    /// Owner groups of accounts that have one.
    pub(crate) groups: BTreeMap<AccountId, OwnerGroupId>,
    /// Accounts in liquidation, and those of them that wait for a tick.
    pub(crate) liquidating: BTreeSet<AccountId>,
    pub(crate) paced: BTreeSet<AccountId>,
    /// Calls for a plan of the worker: the command that asked, and where.
    pub(crate) calls: BTreeMap<u64, (u64, InstrumentId)>,
    /// Last number each session has used.
    last_seq: BTreeMap<SessionId, u64>,
    /// Time of the last command, in nanoseconds.
    pub(crate) now: u64,
}

impl View {
    /// The command of a step, with the order named by the venue's number where the step asks for it.
    pub(crate) fn named(&self, step: &Step) -> Command {
        let mut command = step.command.clone();
        if step.by_number
            && let Action::CancelOrder(CancelOrder { order, .. })
            | Action::AmendOrder(AmendOrder { order, .. })
            | Action::AmendTrigger(AmendTrigger { order, .. }) = &mut command.action
            && let OrderRef::Client(client) = *order
        {
            let known = self.number(command.session, client);
            *order = OrderRef::Id(known.unwrap_or(OrderId::new(u64::MAX)));
            // By the venue's number an order can be named from any session.
            if !self.bound.contains_key(&command.session) {
                command.session = SessionId::new(0);
            }
        }
        let used = if let Action::Skip(skip) = &command.action { u64::from(skip.count) } else { 1 };
        let next = self.last_seq.get(&command.session).copied().unwrap_or(0) + used;
        command.client_seq = ClientSeq::new(match step.numbering {
            Numbering::None => 0,
            Numbering::Next => next,
            Numbering::Replayed => next.saturating_sub(1),
            Numbering::Gapped => next + 1,
        });
        command
    }

    /// Takes in what became of a command.
    pub(crate) fn sent(&mut self, stamp: Stamp, command: &Command, events: &[Event]) {
        self.now = stamp.time.get();
        if let Action::DefineInstrument { instrument, spec } = &command.action {
            self.settlements.insert(*instrument, spec.contract.settlement);
        }
        let refused = match events.first() {
            Some(Event::Rejected { reject, .. }) => *reject <= Reject::SequenceGap,
            _ => false,
        };
        if !refused && command.client_seq.get() > 0 {
            self.last_seq.insert(command.session, command.client_seq.get());
        }
        for event in events {
            self.fold(event);
            self.reckon(event);
            self.meet(event);
            self.wind_up(event, stamp);
        }
    }

    /// The venue's number of an order.
    fn number(&self, session: SessionId, client: ClientOrderId) -> Option<OrderId> {
        let gone = || self.gone.iter().find(|(_, order)| (order.session, order.client) == (session, client));
        self.numbers.get(&(session, client)).copied().or_else(|| gone().map(|(number, _)| *number))
    }

    /// Whom a command names to act for an account.
    fn principal(&self, account: AccountId) -> AccountId {
        self.isolated.get(&account).copied().unwrap_or(account)
    }

    fn remove(&mut self, number: OrderId) {
        self.sleepers.remove(&number);
        if let Some(order) = self.alive.remove(&number) {
            self.numbers.remove(&(order.session, order.client));
            self.gone.push_back((number, order));
            if self.gone.len() > REMEMBERED {
                self.gone.pop_front();
            }
        }
    }

    fn side(&mut self, side: &FillSide, instrument: InstrumentId) {
        self.positions.insert((self.principal(side.account), instrument), side.position.get());
        let asset = self.settlements.get(&instrument).copied().unwrap_or(AssetId::BASE);
        self.note_balance((side.account, asset), side.balance.get());
        if side.leaves.get() == 0 {
            self.remove(side.order);
        } else if let Some(order) = self.alive.get_mut(&side.order) {
            order.leaves = side.leaves.get();
        }
    }

    fn note_balance(&mut self, (account, asset): (AccountId, AssetId), balance: i64) {
        if asset == AssetId::BASE {
            self.balances.insert(account, balance);
        } else {
            self.coins.insert((account, asset), balance);
        }
    }

    /// An order that sleeps, or fired, has such terms.
    fn reshape(&mut self, number: OrderId, price: i64, leaves: i64) {
        if let Some(order) = self.alive.get_mut(&number) {
            (order.price, order.leaves, order.qty) = (price, leaves, leaves);
        }
    }

    /// Takes in what an event says of orders.
    fn fold(&mut self, event: &Event) {
        if let Event::Accepted { order, client_order_id: client, session, account, .. } = *event
            && let Event::Accepted { instrument, side, limit, qty, .. } = *event
        {
            let (price, qty) = (limit.get(), qty.get());
            let account = self.principal(account);
            let alive = Alive { session, client, account, instrument, side, price, qty, leaves: qty };
            self.alive.insert(order, alive);
            self.numbers.insert((session, client), order);
        } else if let Event::Fill(fill) = event {
            self.side(&fill.taker, fill.instrument);
            self.side(&fill.maker, fill.instrument);
        } else if let Event::Cancelled { order, .. } = *event {
            self.remove(order);
        } else if let Event::Amended { order, limit, qty, leaves, .. } = *event {
            if let Some(known) = self.alive.get_mut(&order) {
                (known.price, known.qty, known.leaves) = (limit.get(), qty.get(), leaves.get());
            }
        } else if let Event::Trimmed { order, leaves, .. } = *event {
            if let Some(known) = self.alive.get_mut(&order) {
                known.qty -= known.leaves - leaves.get();
                known.leaves = leaves.get();
            }
        } else if let Event::Armed { order, limit, leaves, .. } = *event {
            self.sleepers.insert(order);
            self.reshape(order, limit.get(), leaves.get());
        } else if let Event::Triggered { order, .. } = *event {
            self.sleepers.remove(&order);
        } else if let Event::Activated { order, limit, leaves, .. } = *event {
            self.reshape(order, limit.get(), leaves.get());
        }
    }

    /// Takes in what an event says of money and instruments.
    fn reckon(&mut self, event: &Event) {
        if let Event::PositionSettled { account, instrument, balance, .. } = *event {
            self.positions.insert((self.principal(account), instrument), 0);
            self.balances.insert(account, balance.get());
        } else if let Event::InstrumentSettled { instrument, .. } = *event {
            self.settled.insert(instrument);
            self.closed.remove(&instrument);
        } else if let Event::Marked { instrument, mark, .. } = *event {
            self.marks.insert(instrument, mark);
        } else if let Event::Transferred { account, asset, balance, .. } = *event {
            self.note_balance((account, asset), balance.get());
        } else if let Event::Moved(moved) = *event {
            self.note_balance((moved.from, moved.asset), moved.from_balance.get());
            self.note_balance((moved.to, moved.asset), moved.to_balance.get());
        } else if let Event::TakenOver { account, by, instrument, position, .. } = *event {
            self.positions.insert((self.principal(account), instrument), 0);
            *self.positions.entry((by, instrument)).or_default() += position.get();
        } else if let Event::TradingStateSet { instrument, state, .. } = *event {
            if state == TradingState::Open {
                self.closed.remove(&instrument);
            } else {
                self.closed.insert(instrument, state);
            }
        }
    }

    /// Takes in what an event says of liquidations and deleveragings.
    fn wind_up(&mut self, event: &Event, stamp: Stamp) {
        if let Event::LiquidationStarted { account, .. } = *event {
            self.liquidating.insert(account);
        } else if let Event::LiquidationPaced { account, .. } = *event {
            self.paced.insert(account);
        } else if let Event::LiquidationStepped(step) = event {
            self.paced.remove(&step.account);
        } else if let Event::LiquidationEnded { account, .. } = *event {
            self.liquidating.remove(&account);
            self.paced.remove(&account);
        } else if let Event::DeleveragingAsked(call) = event {
            if call.plan_by.get() > 0 {
                self.calls.insert(call.request, (stamp.seq.get(), call.instrument));
            }
        } else if let Event::DeleveragingPlanned(plan) = event {
            if !plan.by_worker {
                self.calls.remove(&plan.request);
            }
        } else if let Event::DeleveragingEnded { request, .. } = *event {
            self.calls.remove(&request);
        } else if let Event::Deleveraged(cut) = event {
            self.positions.insert((self.principal(cut.account), cut.instrument), cut.left.get());
            let asset = self.settlements.get(&cut.instrument).copied().unwrap_or(AssetId::BASE);
            self.note_balance((cut.account, asset), cut.balance.get());
        }
    }

    /// Takes in what an event says of sessions and operators.
    fn meet(&mut self, event: &Event) {
        if let Event::LoggedOn { session, key, tag, kind, account, .. } = *event {
            self.bound.insert(session, Bound { key, tag, kind, account });
        } else if let Event::MarginModeSet { account, acting, .. } = *event {
            if acting != account {
                self.isolated.insert(acting, account);
            }
        } else if let Event::OwnerGroupSet { account, group } = *event {
            if group == OwnerGroupId::new(0) {
                self.groups.remove(&account);
            } else {
                self.groups.insert(account, group);
            }
        } else if let Event::RestrictionSet { account, restriction } = *event {
            if restriction == Restriction::None {
                self.restricted.remove(&account);
            } else {
                self.restricted.insert(account, restriction);
            }
        }
    }
}
