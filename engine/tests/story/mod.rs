//! Plays a scenario: reads commands and expectations, names accounts and orders, compares line by line.

pub(crate) mod assets;
pub(crate) mod funds;
pub(crate) mod liquidation;
pub(crate) mod machine;
pub(crate) mod orders;
pub(crate) mod owners;
pub(crate) mod phases;
pub(crate) mod prices;
pub(crate) mod read;
pub(crate) mod sessions;
pub(crate) mod write;

use std::collections::BTreeMap;

use engine::{Action, ClientOrderId, ClientSeq, Command, Event, OrderRef, SessionId, TimeNs, Transfer};
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{AccountId, AssetId, Capacity, InstrumentId, InstrumentSpec, Money};

use machine::Machine;

/// By whom a command comes, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sender {
    session: SessionId,
    client_seq: ClientSeq,
    valid_until: TimeNs,
}

/// A scenario being played.
pub(crate) struct Story<'m> {
    make: &'m dyn Fn(Capacity) -> Box<dyn Machine>,
    machine: Option<Box<dyn Machine>>,
    capacity: Capacity,
    /// Names of accounts.
    pub(crate) accounts: BTreeMap<String, AccountId>,
    /// Names of orders with the session they came by, by client number, which counts from 1.
    pub(crate) orders: Vec<(String, SessionId)>,
    /// The number the next order or batch is sent with.
    pub(crate) next_number: ClientOrderId,
    /// Names of sessions.
    pub(crate) sessions: BTreeMap<String, SessionId>,
    /// The name the next session that is opened gets.
    pub(crate) newcomer: Option<String>,
    /// By whom the next command comes.
    pub(crate) sender: Sender,
    pub(crate) numbers: BTreeMap<engine::OrderId, String>,
    /// Terms of the instruments.
    pub(crate) specs: Vec<InstrumentSpec>,
    /// Names of assets by number, the unit of account first.
    pub(crate) assets: Vec<String>,
    /// Commands so far, and by deleveraging the one that asked for a plan.
    commands: u64,
    pub(crate) bases: BTreeMap<u64, u64>,
    /// Events of the last command, in words.
    happened: Vec<String>,
    expected: Vec<String>,
    refused: bool,
}

impl<'m> Story<'m> {
    pub(crate) fn new(make: &'m dyn Fn(Capacity) -> Box<dyn Machine>) -> Self {
        let names = ["fees", "insurance", "dust", "funding", "conversion", "deleveraging", "bad-debt"];
        let own = names.into_iter().zip(AccountId::OWN);
        Self {
            make,
            machine: None,
            capacity: Capacity { accounts: 64, legs: 256, orders: 4096 },
            accounts: own.map(|(name, account)| (name.to_owned(), account)).collect(),
            orders: Vec::new(),
            next_number: ClientOrderId::new(0),
            sessions: BTreeMap::new(),
            newcomer: None,
            sender: Sender::default(),
            numbers: BTreeMap::new(),
            specs: Vec::new(),
            assets: vec!["money".to_owned()],
            commands: 0,
            bases: BTreeMap::new(),
            happened: Vec::new(),
            expected: Vec::new(),
            refused: false,
        }
    }

    fn machine(&mut self) -> &mut dyn Machine {
        self.machine.get_or_insert_with(|| (self.make)(self.capacity)).as_mut()
    }

    /// Plays the whole text; the line and what went wrong there.
    pub(crate) fn play(&mut self, text: &str) -> Result<(), String> {
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            let words: Vec<&str> = line.split_whitespace().collect();
            let outcome = match words.as_slice() {
                [] => Ok(()),
                [">", rest @ ..] => {
                    self.expected.push(rest.join(" "));
                    Ok(())
                }
                ["?", rest @ ..] => self.settle().and_then(|()| self.state(rest)),
                _ => self.settle().and_then(|()| self.command(&words)),
            };
            outcome.map_err(|failure| format!("{number}: {line}\n{failure}"))?;
        }
        self.settle().map_err(|failure| format!("end\n{failure}"))
    }

    /// Compares what the last command did with what was written under it.
    fn settle(&mut self) -> Result<(), String> {
        let expected = core::mem::take(&mut self.expected);
        let happened = core::mem::take(&mut self.happened);
        if expected.is_empty() {
            if self.refused {
                return Err(format!("the command before was refused: {happened:?}"));
            }
            return Ok(());
        }
        self.refused = false;
        if expected == happened {
            return Ok(());
        }
        let (expected, happened) = (expected.join("\n    > "), happened.join("\n    > "));
        Err(format!("  before this line was expected\n    > {expected}\n  but happened\n    > {happened}"))
    }

    pub(crate) fn apply(&mut self, action: Action) {
        let Sender { session, client_seq, valid_until } = self.sender;
        let mut command = Command { client_seq, valid_until, ..Command::client(session, action) };
        if matches!(command.action, Action::NewOrder(_) | Action::AdvancedOrder(_) | Action::OrderBatch(_)) {
            command.client_order_id = self.next_number;
        }
        if matches!(command.action, Action::MassQuote(_)) {
            command.client_order_id = ClientOrderId::new(self.orders.len() as u64);
        }
        self.commands += 1;
        let events = self.machine().apply(&command);
        self.take_in(&events);
    }

    fn take_in(&mut self, events: &[Event]) {
        for event in events {
            if let Event::Accepted { order, client_order_id, .. } = event {
                let name = owners::quote_name(*client_order_id).unwrap_or_else(|| {
                    let index = usize::try_from(client_order_id.get() - 1).expect("small");
                    self.orders[index].0.clone()
                });
                self.numbers.insert(*order, name);
            }
            if let Event::DeleveragingAsked(call) = event {
                self.bases.insert(call.request, self.commands);
            }
            if let (Event::LoggedOn { session, .. }, Some(name)) = (event, self.newcomer.take()) {
                self.sessions.insert(name, *session);
            }
            if let Event::AccountOpened { account } = event
                && !self.accounts.values().any(|known| known == account)
            {
                // One that a margin mode opened: its parent is named by the event that ends the command.
                if let Some(Event::MarginModeSet { account: parent, instrument, .. }) = events.last() {
                    self.accounts.insert(format!("{}/{instrument}", self.owner(*parent)), *account);
                }
            }
            self.refused |= matches!(event, Event::Rejected { .. });
            let words = self.in_words(event);
            self.happened.push(words);
        }
    }

    /// `by SESSION [NUMBER] [until MS] ...`: a command of a session, with its number there and a deadline.
    fn sent(&mut self, session: &str, words: &[&str]) -> Result<(), String> {
        let mut sender = Sender { session: self.session(session)?, ..Sender::default() };
        let mut words = words;
        if let [number, rest @ ..] = words
            && let Ok(number) = number.parse()
        {
            sender.client_seq = ClientSeq::new(number);
            words = rest;
        }
        if let ["until", ms, rest @ ..] = words {
            sender.valid_until = machine::time(read::number(ms)?.unsigned_abs());
            words = rest;
        }
        self.sender = sender;
        let outcome = self.command(words);
        self.sender = Sender::default();
        outcome
    }

    /// A command line.
    fn command(&mut self, words: &[&str]) -> Result<(), String> {
        match *words {
            ["capacity", ref settings @ ..] => {
                for (name, value) in read::settings(settings)? {
                    let value = u32::try_from(read::number(value)?).map_err(|error| error.to_string())?;
                    match name {
                        "accounts" => self.capacity.accounts = value,
                        "legs" => self.capacity.legs = value,
                        "orders" => self.capacity.orders = value,
                        _ => return Err("no such capacity".to_owned()),
                    }
                }
            }
            ["instrument", ref settings @ ..] => {
                let instrument = InstrumentId::new(u32::try_from(self.specs.len()).expect("few"));
                let spec = Box::new(read::spec(settings)?);
                self.specs.push((*spec).clone());
                self.apply(Action::DefineInstrument { instrument, spec });
            }
            ["account", name, "with", amount] => {
                let amount = Money::new(read::number(amount)?);
                let above = self.accounts.values().map(|account| account.get() + 1).max();
                let account = AccountId::new(above.unwrap_or(0).max(FIRST_USER_ACCOUNT));
                self.accounts.insert(name.to_owned(), account);
                self.apply(Action::OpenAccount { account });
                if amount > Money::ZERO {
                    self.apply(Action::Deposit(Transfer::new(account, amount)));
                }
            }
            ["asset", name, ref settings @ ..] => self.define_asset(name, settings)?,
            ["by", session, ref rest @ ..] => self.sent(session, rest)?,
            ["wait", ms] => {
                let ms = read::number(ms)?.unsigned_abs();
                self.machine().wait(ms);
            }
            ["drain"] => {
                while self.machine().pending() {
                    self.apply(Action::Continue);
                }
            }
            ["repeat", count, account, ref rest @ ..] => {
                for _ in 0..read::number(count)? {
                    let action = self.of_account(account, rest)?;
                    self.apply(action);
                }
            }
            _ => {
                let action = self.action(words)?;
                self.apply(action);
            }
        }
        Ok(())
    }

    /// A `?` line: `NAME (balance|position|cost|orders) [in NUMBER] = VALUE`, `NAME balance of ASSET = VALUE`, or
    /// `pending = yes|no`.
    fn state(&mut self, words: &[&str]) -> Result<(), String> {
        if let ["resting", "=", count] = *words {
            let resting = i64::from(self.machine().resting());
            return if resting == read::number(count)? { Ok(()) } else { Err(format!("  it is {resting}")) };
        }
        if let ["pending", "=", answer] = *words {
            let pending = self.machine().pending();
            return if pending == (answer == "yes") {
                Ok(())
            } else {
                Err(format!("  pending is {pending}"))
            };
        }
        if let [name, "balance", "of", asset, "=", value] = *words {
            let (account, asset) = (self.account(name)?, self.asset(asset)?);
            let found = self.machine().balance(account, asset);
            return if found == read::number(value)? { Ok(()) } else { Err(format!("  it is {found}")) };
        }
        let (name, what, instrument, value) = match *words {
            [name, what, "=", value] => (name, what, 0, value),
            [name, what, "in", place, "=", value] => (name, what, read::number(place)?, value),
            _ => return Err("not a statement".to_owned()),
        };
        let account = self.account(name)?;
        let instrument = InstrumentId::new(u32::try_from(instrument).map_err(|error| error.to_string())?);
        let (position, cost, orders) = self.machine().held(account, instrument);
        let found = match what {
            "balance" => self.machine().balance(account, AssetId::BASE),
            "position" => position,
            "cost" => cost,
            "orders" => i64::from(orders),
            _ => return Err("no such quantity".to_owned()),
        };
        if found == read::number(value)? { Ok(()) } else { Err(format!("  it is {found}")) }
    }

    /// An account by its name.
    pub(crate) fn account(&self, name: &str) -> Result<AccountId, String> {
        self.accounts.get(name).copied().ok_or_else(|| format!("no account {name}"))
    }

    /// An order by its name, the last one of that name: by its client's number in the session it came by, by the
    /// venue's in others.
    pub(crate) fn order(&self, name: &str) -> Result<OrderRef, String> {
        let place = self.orders.iter().rposition(|(known, _)| known == name);
        if let Some(place) = place.filter(|place| self.orders[*place].1 == self.sender.session) {
            return Ok(OrderRef::Client(ClientOrderId::new(place as u64 + 1)));
        }
        let number = self.numbers.iter().rfind(|(_, known)| *known == name).map(|(number, _)| *number);
        number.map(OrderRef::Id).ok_or_else(|| format!("{name} was never accepted"))
    }

    /// A session by its name.
    pub(crate) fn session(&self, name: &str) -> Result<SessionId, String> {
        self.sessions.get(name).copied().ok_or_else(|| format!("no session {name}"))
    }
}
