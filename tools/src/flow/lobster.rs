//! Plays a recorded LOBSTER message file as orders.
//!
//! | type | played as |
//! |---|---|
//! | 1 add | limit order, good till cancelled |
//! | 2 partial cancel | amendment to a smaller total; a cancel when nothing would be left |
//! | 3 delete | cancel |
//! | 4 visible execution | immediate-or-cancel order from the other side at that price and size |
//! | 5 hidden execution, 6 cross, 7 halt | not played, counted |
//!
//! Three things a file of N levels does not say are counted rather than guessed. Orders that rested before it began, or
//! were added beyond its N levels: their cancels and executions name ids never added (`never_added`). Orders that left
//! its levels and were cancelled there: they would stay for ever and trade with whatever comes, so before an order or
//! execution is played, the resting orders that it would have met, and that therefore cannot be there any more, are
//! cancelled (`out_of_sight`). And orders that went in our book before they did at the exchange (`gone_before`): those
//! just named, and those filled in another sequence.
//!
//! Terms of the instrument come from a first pass over the file: prices count 10^-4 dollars, the tick is 100 (one cent)
//! where every played price is a multiple of it and 1 otherwise, the highest price is four times the highest in the
//! file, bands are as wide as they go, fees are zero and every account is rich, so that margin never decides. The index
//! price follows the middle of our own book. The file's times are not waited for.
//!
//! Invariant: the flow intends exactly what the file says; what it believes to rest is that intention, corrected by the
//! events it is told. Memory grows with the resting orders, not with the file.

pub mod file;
pub mod message;
mod resting;
mod survey;

use std::collections::VecDeque;
use std::path::Path;

use engine::{
    Action, AmendOrder, CancelOrder, ClientOrderId, Command, Event, NewOrder, OrderRef, TimeInForce, Transfer,
};
use risk::{AccountId, Capacity, InstrumentId, Mark, Money, Price, Side};

use self::file::Messages;
use self::message::{Kind, Message};
use self::resting::{Intended, Resting};
pub use self::survey::Survey;
use super::{BookView, Flow, FlowError, Note, SESSION};

const INSTRUMENT: InstrumentId = InstrumentId::new(0);
/// Accounts that add, in turn; 1,024 orders may rest in each.
const MAKERS: u32 = 64;
/// Accounts that execute. They never rest, so they never meet an order of their own.
const TAKERS: u32 = 8;
/// Ten to the eleven dollars each.
const DEPOSIT: Money = Money::new(1_000_000_000_000_000);
/// The index price is looked at once per so many messages.
const INDEX_INTERVAL: u64 = 64;

/// Counts of what was not played as it stands.
#[derive(Clone, Copy, Default, Debug)]
struct Skipped {
    hidden: u64,
    crosses: u64,
    halts: u64,
    never_added: u64,
    gone_before: u64,
    out_of_sight: u64,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct LobsterFlow {
    messages: Messages,
    survey: Survey,
    message_limit: u64,
    played: u64,
    queue: VecDeque<Command>,
    next_number: u64,
    resting: Resting,
    view: BookView,
    index: Option<Mark>,
    skipped: Skipped,
}

impl LobsterFlow {
    /// Surveys the file and prepares the venue's instrument and accounts. At most `message_limit` messages are played.
    ///
    /// # Errors
    /// [`FlowError`] when the file is damaged anywhere, or no instrument can be defined for its prices.
    pub fn open(path: &Path, message_limit: Option<u64>) -> Result<Self, FlowError> {
        let survey = Survey::of(&mut Messages::open(path)?)?;
        let spec = survey.spec().map_err(|reason| FlowError::Unusable { path: path.to_owned(), reason })?;
        let mut flow = Self {
            messages: Messages::open(path)?,
            message_limit: message_limit.unwrap_or(u64::MAX).min(survey.messages),
            survey,
            played: 0,
            queue: VecDeque::new(),
            next_number: 1,
            resting: Resting::default(),
            view: BookView::default(),
            index: None,
            skipped: Skipped::default(),
        };
        flow.queue.push_back(Command::venue(Action::OpenSession { session: SESSION }));
        flow.queue.push_back(Command::venue(Action::DefineInstrument {
            instrument: INSTRUMENT,
            spec: Box::new(spec),
        }));
        flow.push_index(flow.survey.first_price.to_mark());
        for account in (0..MAKERS + TAKERS).map(account_at) {
            flow.queue.push_back(Command::venue(Action::OpenAccount { account }));
            flow.queue.push_back(Command::venue(Action::Deposit(Transfer::new(account, DEPOSIT))));
        }
        Ok(flow)
    }

    /// What the first pass found.
    #[must_use]
    pub fn survey(&self) -> &Survey {
        &self.survey
    }

    fn play(&mut self, message: Message) {
        match message.kind {
            Kind::Add => self.add(message),
            Kind::PartialCancel => self.cancel_part(message),
            Kind::Delete => self.delete(message),
            Kind::Execution => self.execute(message),
            Kind::HiddenExecution => self.skipped.hidden += 1,
            Kind::Cross => self.skipped.crosses += 1,
            Kind::Halt => self.skipped.halts += 1,
        }
        if self.played.is_multiple_of(INDEX_INTERVAL) {
            self.follow_book();
        }
    }

    fn add(&mut self, message: Message) {
        self.drop_out_of_sight(message.side.opposite(), message.price, true);
        let number = self.take_number();
        let account = account_at(u32::try_from(number.get() % u64::from(MAKERS)).unwrap_or(0));
        self.resting.insert(Intended {
            lobster: message.order,
            number,
            account,
            side: message.side,
            price: message.price,
            total: message.size,
            leaves: message.size,
        });
        self.order(number, account, message.side, message, TimeInForce::GoodTillCancel);
    }

    fn cancel_part(&mut self, message: Message) {
        let Some(intended) = self.resting.by_lobster(message.order).copied() else {
            self.count_absent(message.order);
            return;
        };
        if intended.leaves <= message.size {
            self.delete(message);
            return;
        }
        let (number, account) = (intended.number, intended.account);
        let qty = intended.total - message.size;
        self.resting.reduce(number, message.size, true);
        let amend = AmendOrder {
            account,
            order: OrderRef::Client(number),
            limit: intended.price,
            qty,
            post_only: false,
        };
        self.queue.push_back(Command::client(SESSION, Action::AmendOrder(amend)));
    }

    fn delete(&mut self, message: Message) {
        match self.resting.by_lobster(message.order).copied() {
            Some(intended) => {
                self.resting.remove(intended.number);
                self.push_cancel(intended);
            }
            None => self.count_absent(message.order),
        }
    }

    fn execute(&mut self, message: Message) {
        let Some(intended) = self.resting.by_lobster(message.order).copied() else {
            self.count_absent(message.order);
            return;
        };
        self.drop_out_of_sight(intended.side, intended.price, false);
        self.resting.reduce(intended.number, message.size, false);
        let number = self.take_number();
        let account = account_at(MAKERS + u32::try_from(number.get() % u64::from(TAKERS)).unwrap_or(0));
        self.order(number, account, intended.side.opposite(), message, TimeInForce::ImmediateOrCancel);
    }

    /// Cancels what an order at `price` would have met before: every resting order of `side` better than it, or at it
    /// where `with_equal`.
    fn drop_out_of_sight(&mut self, side: Side, price: Price, with_equal: bool) {
        while let Some(intended) = self.resting.best(side).copied() {
            let better = match side {
                Side::Buy => intended.price > price,
                Side::Sell => intended.price < price,
            };
            if !(better || with_equal && intended.price == price) {
                return;
            }
            self.skipped.out_of_sight += 1;
            self.resting.lose(intended.number);
            self.push_cancel(intended);
        }
    }

    fn push_cancel(&mut self, intended: Intended) {
        let cancel = CancelOrder { account: intended.account, order: OrderRef::Client(intended.number) };
        self.queue.push_back(Command::client(SESSION, Action::CancelOrder(cancel)));
    }

    fn count_absent(&mut self, lobster: u64) {
        if self.resting.take_gone(lobster) {
            self.skipped.gone_before += 1;
        } else {
            self.skipped.never_added += 1;
        }
    }

    fn order(
        &mut self,
        client_order_id: ClientOrderId,
        account: AccountId,
        side: Side,
        message: Message,
        time_in_force: TimeInForce,
    ) {
        let order = NewOrder {
            account,
            instrument: INSTRUMENT,
            side,
            qty: message.size,
            limit: Some(message.price),
            time_in_force,
            post_only: false,
            reduce_only: false,
            persistent: false,
        };
        self.queue.push_back(Command::order(SESSION, client_order_id, order));
    }

    fn take_number(&mut self) -> ClientOrderId {
        let number = ClientOrderId::new(self.next_number);
        self.next_number += 1;
        number
    }

    fn follow_book(&mut self) {
        let (bid, ask) = (self.view.best(INSTRUMENT, Side::Buy), self.view.best(INSTRUMENT, Side::Sell));
        let (Some(bid), Some(ask)) = (bid, ask) else { return };
        let middle = Mark::new((bid.to_mark().get() + ask.to_mark().get()) >> 1);
        if self.index != Some(middle) {
            self.push_index(middle);
        }
    }

    fn push_index(&mut self, price: Mark) {
        self.index = Some(price);
        self.queue.push_back(Command::venue(Action::index_price(INSTRUMENT, price)));
    }
}

fn account_at(place: u32) -> AccountId {
    AccountId::new(risk::limits::FIRST_USER_ACCOUNT + place)
}

impl Flow for LobsterFlow {
    fn next_command(&mut self) -> Result<Option<Command>, FlowError> {
        loop {
            if let Some(command) = self.queue.pop_front() {
                return Ok(Some(command));
            }
            if self.played >= self.message_limit {
                return Ok(None);
            }
            let Some(message) = self.messages.next_message()? else {
                return Ok(None);
            };
            self.played += 1;
            self.play(message);
        }
    }

    fn learn(&mut self, event: &Event) {
        self.view.learn(event);
        if let Event::Fill(fill) = event {
            for side in [&fill.maker, &fill.taker] {
                self.resting.learn_leaves(side.client_order_id, side.leaves);
            }
        }
        if let Event::Rejected { client_order_id, .. } | Event::Cancelled { client_order_id, .. } = event {
            self.resting.lose(*client_order_id);
        }
    }

    fn progress(&self) -> (u64, u64) {
        (self.played, self.message_limit)
    }

    fn phase(&self) -> &'static str {
        "playing"
    }

    fn capacity(&self) -> Capacity {
        let accounts = risk::limits::FIRST_USER_ACCOUNT + MAKERS + TAKERS;
        let adds = u32::try_from(self.survey.resting_max.saturating_add(1024)).unwrap_or(u32::MAX);
        Capacity { accounts, legs: accounts, orders: adds.clamp(1 << 14, engine::limits::ORDER_SLOTS_MAX) }
    }

    fn notes(&self) -> Vec<Note> {
        let Skipped { hidden, crosses, halts, never_added, gone_before, out_of_sight } = self.skipped;
        [
            ("messages", self.played),
            ("skipped_hidden", hidden),
            ("skipped_crosses", crosses),
            ("skipped_halts", halts),
            ("never_added", never_added),
            ("gone_before", gone_before),
            ("out_of_sight", out_of_sight),
        ]
        .map(|(key, count)| Note { key, count })
        .to_vec()
    }
}

#[cfg(test)]
mod tests;
