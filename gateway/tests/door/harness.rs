//! A world in one thread: a door, a queue, a venue, a log that covers what it has after a delay, and clients.
//!
//! Invariant: time passes only when a test says so; the same calls give the same octets.

use std::collections::VecDeque;

use ed25519_dalek::{Signer, SigningKey};
use engine::{
    Action, Capacity, Command, Event, Events, KeyId, KeyTerms, Seq, Stamp, TimeNs, Transfer, Venue,
};
use gateway::door::{ConnectionId, Door, DoorConfig, Gate, HELLO_BYTES, Projection, signed_octets};
use gateway::in_process::Refused;
use gateway::outcome::{Arrival, Outcome};
use gateway::query::{self, Answer, Query};
use gateway::wire::frame::{self, Flags, Prefix};
use gateway::wire::message::Message;
use gateway::wire::private::{FromVenue, Hello, LogonProof, NewOrder};
use gateway::wire::types::{
    CodMode, Durability, Millis, Octets, OrdFlags, OrdType, PostOnlyMode, PriceN, QtyN, SessionKind, Side,
    Stp, Tif, TimeNsN, TriggerSrc,
};
use risk::{AccountId, FeeRate, InstrumentId, InstrumentSpec, Mark, Money, Price, Qty, Rate, Tier};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const START: u64 = 1_700_000_000_000 * MS;
pub(crate) const CAPACITY: Capacity = Capacity { accounts: 64, legs: 64, orders: 4_096 };
/// A price at the mark.
pub(crate) const MARK: i64 = 500_000;

/// Keys of the test: two traders, one who only reads the first one's account, an operator, an oracle.
pub(crate) const ALICE: u8 = 1;
pub(crate) const BOB: u8 = 2;
pub(crate) const READER: u8 = 3;
pub(crate) const OPERATOR: u8 = 4;
pub(crate) const ORACLE: u8 = 5;
/// A key that no operator has registered.
pub(crate) const NOBODY: u8 = 9;

pub(crate) fn secret(key: u8) -> SigningKey {
    SigningKey::from_bytes(&[key; 32])
}

pub(crate) const fn key_id(key: u8) -> KeyId {
    KeyId::new(1_000 + key as u64)
}

pub(crate) fn account(key: u8) -> AccountId {
    AccountId::new(match key {
        ALICE | READER => 16,
        BOB => 17,
        _ => 0,
    })
}

fn spec() -> InstrumentSpec {
    let tier = |rate| vec![Tier { floor: Money::new(0), rate: Rate::new(rate) }];
    InstrumentSpec {
        symbol: *b"TEST\0\0\0\0\0\0\0\0\0\0\0\0",
        price_decimals: 1,
        qty_decimals: 3,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(5),
        lot: Qty::new(1),
        price_max: Price::new(2_000_000),
        order_qty_max: Qty::new(1_000),
        position_max: Qty::new(20_000),
        open_interest_max: Qty::new(1_000_000),
        price_band: Rate::new(50_000_000),
        market_collar: Rate::new(10_000_000),
        mark_step_max: Rate::new(50_000_000),
        maker_fee: FeeRate::new(-50_000),
        taker_fee: Rate::new(500_000),
        liquidation_fee: Rate::new(5_000_000),
        initial_tiers: tier(20_000_000),
        maintenance_tiers: tier(10_000_000),
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

fn genesis() -> Vec<Command> {
    let instrument = InstrumentId::new(0);
    let mut actions = vec![
        Action::DefineInstrument { instrument, spec: Box::new(spec()) },
        Action::index_price(instrument, Mark::new(MARK * 1024)),
    ];
    for number in [16, 17] {
        let account = AccountId::new(number);
        actions.push(Action::OpenAccount { account });
        actions.push(Action::Deposit(Transfer::new(account, Money::new(1_000_000_000_000))));
    }
    for (key, kinds) in
        [(ALICE, 0b10), (BOB, 0b110), (READER, 0b100), (OPERATOR, 0b1_0000), (ORACLE, 0b10_0000)]
    {
        let terms = KeyTerms {
            public: secret(key).verifying_key().to_bytes(),
            account: account(key),
            kinds,
            expires: TimeNs::new(0),
        };
        actions.push(Action::RegisterKey { key: key_id(key), terms: Box::new(terms) });
    }
    actions.into_iter().map(Command::venue).collect()
}

/// What a log holds.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) stamp: Stamp,
    pub(crate) command: Command,
    pub(crate) events: Vec<Event>,
}

impl Logged {
    pub(crate) fn outcome(&self) -> Outcome<'_> {
        Outcome { stamp: self.stamp, received: self.stamp.time, command: &self.command, events: &self.events }
    }
}

/// The queue to the engine: bounded, its last places for cancels.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) tasks: VecDeque<Result<Arrival, Query>>,
    pub(crate) capacity: usize,
}

impl Gate for Queue {
    fn submit(&mut self, arrival: Arrival) -> Result<(), Refused> {
        let is_cancel = matches!(arrival.command.action, Action::CancelOrder(_) | Action::MassCancel(_));
        let room = if is_cancel { self.capacity + 2 } else { self.capacity };
        if self.tasks.len() >= room {
            return Err(Refused::Full(arrival.command));
        }
        self.tasks.push_back(Ok(arrival));
        Ok(())
    }

    fn ask(&mut self, query: Query) -> Result<(), Query> {
        if self.tasks.len() >= self.capacity {
            return Err(query);
        }
        self.tasks.push_back(Err(query));
        Ok(())
    }
}

/// Everything but the clients.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) door: Door,
    pub(crate) venue: Venue,
    pub(crate) queue: Queue,
    pub(crate) log: Vec<Logged>,
    /// Outcomes and answers that the log does not cover yet, and when it will.
    uncovered: VecDeque<(u64, Result<usize, Answer>)>,
    /// How long the log takes.
    pub(crate) delay: u64,
    pub(crate) now: u64,
    last: Stamp,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(DoorConfig::default(), 1 << 14)
    }

    pub(crate) fn with(config: DoorConfig, ring_bytes: usize) -> Self {
        let mut world = Self {
            door: door(config, Projection::new(ring_bytes)),
            venue: Venue::new(CAPACITY),
            queue: Queue { tasks: VecDeque::new(), capacity: 1 << 20 },
            log: Vec::new(),
            uncovered: VecDeque::new(),
            delay: 0,
            now: START,
            last: Stamp::default(),
        };
        for command in genesis() {
            world.operator(command);
        }
        world.settle();
        world
    }

    pub(crate) fn time(&self) -> TimeNs {
        TimeNs::new(self.now)
    }

    /// A command from the same process.
    pub(crate) fn operator(&mut self, command: Command) {
        self.queue.tasks.push_back(Ok(Arrival { received: self.time(), command }));
    }

    fn apply(&mut self, command: Command) {
        self.last = Stamp { seq: Seq::new(self.last.seq.get() + 1), time: TimeNs::new(self.now) };
        let mut events = Events::default();
        self.venue.apply(self.last, &command, &mut events);
        self.uncovered.push_back((self.now + self.delay, Ok(self.log.len())));
        self.log.push(Logged { stamp: self.last, command, events: events.as_slice().to_vec() });
    }

    /// The engine works the queue off.
    pub(crate) fn work(&mut self) {
        while let Some(task) = self.queue.tasks.pop_front() {
            match task {
                Ok(arrival) => {
                    self.apply(arrival.command);
                    while self.venue.pending() {
                        self.apply(Command::venue(Action::Continue));
                    }
                }
                Err(query) => {
                    let answer = query::answer(&self.venue, &query);
                    self.uncovered.push_back((self.now + self.delay, Err(answer)));
                }
            }
        }
    }

    /// The engine works, and what the log covers by now comes to the door.
    pub(crate) fn settle(&mut self) {
        self.work();
        while self.uncovered.front().is_some_and(|(covered_at, _)| *covered_at <= self.now) {
            let (_, released) = self.uncovered.pop_front().expect("looked at the line before");
            match released {
                Ok(index) => self.door.outcome(&self.log[index].outcome(), TimeNs::new(self.now)),
                Err(answer) => self.door.answer(&answer, TimeNs::new(self.now)),
            }
        }
    }

    /// A round of the server.
    pub(crate) fn round(&mut self) {
        let now = self.time();
        self.door.tick(now, &mut self.queue);
        self.settle();
    }

    /// Time passes, a millisecond a round.
    pub(crate) fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += MS;
            self.round();
        }
    }

    /// The server dies and comes back with what the log has.
    pub(crate) fn restart(&mut self) {
        let mut projection = Projection::new(1 << 14);
        for logged in &self.log {
            projection.apply(&logged.outcome());
        }
        self.door = door(self.door.config().clone(), projection);
        self.queue.tasks.clear();
        self.uncovered.clear();
    }

    pub(crate) fn connect(&mut self, key: u8) -> Client {
        let id = self.door.open(self.time()).expect("there is room");
        Client {
            id,
            key,
            kind: kind_of(key),
            tag: 0,
            next: 1,
            expected: 0,
            cod: CodMode::KeepProtection,
            grace: 0,
            left: Vec::new(),
            heartbeat: 0,
        }
    }

    /// A client that is logged on.
    pub(crate) fn client(&mut self, key: u8) -> Client {
        let mut client = self.connect(key);
        client.log_on(self);
        client
    }

    /// Actions in the log, ticks left out.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let actions = self.log.iter().map(|logged| logged.command.action.clone());
        actions.filter(|action| *action != Action::Tick).collect()
    }

    pub(crate) fn resting(&self, key: u8) -> usize {
        let open_orders = query::Question::OpenOrders { account: account(key), instrument: None };
        let query = Query { asker: 0, query_id: 0, question: open_orders };
        query::answer(&self.venue, &query).rows.count()
    }
}

fn door(config: DoorConfig, projection: Projection) -> Door {
    Door::new(config, projection, 0x0102_0304_0506_0708, Durability::Local, [42; 32])
}

pub(crate) const fn kind_of(key: u8) -> SessionKind {
    match key {
        READER => SessionKind::DropCopy,
        OPERATOR => SessionKind::Admin,
        ORACLE => SessionKind::Oracle,
        _ => SessionKind::OrderEntry,
    }
}

/// A frame that came.
pub(crate) type Heard = (Prefix, FromVenue);

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: ConnectionId,
    pub(crate) key: u8,
    pub(crate) kind: SessionKind,
    pub(crate) tag: u32,
    /// Number of the next request.
    pub(crate) next: u64,
    /// First venue number wanted.
    pub(crate) expected: u64,
    pub(crate) cod: CodMode,
    pub(crate) grace: u32,
    pub(crate) heartbeat: u32,
    /// Octets that the door has not consumed.
    pub(crate) left: Vec<u8>,
}

impl Client {
    pub(crate) fn hello(&self) -> Hello {
        Hello {
            protocol_version: 1,
            key_id: key_id(self.key),
            session_tag: self.tag,
            kind: self.kind.into(),
            cod_mode: self.cod.into(),
            cod_grace: Millis::new(self.grace),
            heartbeat: Millis::new(self.heartbeat),
            next_send_seq_no: engine::ClientSeq::new(self.next),
            next_expected_seq_no: self.expected,
            client_nonce: Octets([self.key; 32]),
        }
    }

    /// Gives octets to the door, with what it left before.
    pub(crate) fn send(&mut self, world: &mut World, bytes: &[u8]) {
        self.left.extend_from_slice(bytes);
        self.push(world);
    }

    /// Gives the door again what it left.
    pub(crate) fn push(&mut self, world: &mut World) {
        let now = world.time();
        let used = world.door.receive(self.id, &self.left, now, &mut world.queue);
        self.left.drain(..used);
    }

    /// Says something without a number.
    pub(crate) fn say<M: Message>(&mut self, world: &mut World, message: &M) {
        let frame = unnumbered(self.next, message);
        self.send(world, &frame);
    }

    /// Asks for something under the next number.
    pub(crate) fn ask<M: Message>(&mut self, world: &mut World, message: &M) {
        let frame = numbered(self.next, message);
        self.next += 1;
        self.send(world, &frame);
    }

    /// Signs the challenge that waits.
    pub(crate) fn proof(&self, world: &mut World) -> LogonProof {
        let octets = self.octets(world);
        let (frame, _) = frame::split(&octets, 4096).expect("a frame").expect("all of it");
        assert_eq!(frame.template, 2, "a challenge waits");
        self.proof_of(frame.body)
    }

    pub(crate) fn proof_of(&self, challenge: &[u8]) -> LogonProof {
        let mut hello = Vec::new();
        self.hello().encode(&mut hello);
        let hello: [u8; HELLO_BYTES] = hello.try_into().expect("a Hello block");
        let octets = signed_octets(&hello, challenge.try_into().expect("a Challenge block"));
        LogonProof { key_id: key_id(self.key), signature: Octets(secret(self.key).sign(&octets).to_bytes()) }
    }

    /// Says Hello, signs, waits for the log; what came.
    pub(crate) fn try_log_on(&mut self, world: &mut World) -> Vec<Heard> {
        let hello = self.hello();
        self.say(world, &hello);
        let proof = self.proof(world);
        self.say(world, &proof);
        world.settle();
        self.hear(world)
    }

    /// Logs on and takes the numbers up.
    pub(crate) fn log_on(&mut self, world: &mut World) -> Vec<Heard> {
        let heard = self.try_log_on(world);
        let Some((_, FromVenue::LogonAck(ack))) = heard.first() else { panic!("no LogonAck: {heard:?}") };
        self.next = ack.last_client_seq_no.get() + 1;
        heard
    }

    /// A new connection of the same session.
    pub(crate) fn reconnect(&mut self, world: &mut World) -> Vec<Heard> {
        self.id = world.door.open(world.time()).expect("there is room");
        self.left.clear();
        self.log_on(world)
    }

    /// Octets that are due.
    pub(crate) fn octets(&self, world: &mut World) -> Vec<u8> {
        let mut out = Vec::new();
        world.door.fill(self.id, &mut out, usize::MAX);
        out
    }

    /// Frames that are due.
    pub(crate) fn hear(&self, world: &mut World) -> Vec<Heard> {
        frames(&self.octets(world))
    }

    /// Messages that are due.
    pub(crate) fn messages(&self, world: &mut World) -> Vec<FromVenue> {
        self.hear(world).into_iter().map(|(_, message)| message).collect()
    }

    /// A limit order that rests below the mark by `away` ticks; bids only.
    pub(crate) fn bid(&mut self, world: &mut World, name: u64, away: i64) {
        self.ask(world, &order(name, Side::Buy, MARK - away * 5, 0));
    }
}

pub(crate) fn frames(octets: &[u8]) -> Vec<Heard> {
    let (mut heard, mut at) = (Vec::new(), 0);
    while at < octets.len() {
        let (frame, length) = frame::split(&octets[at..], 1 << 16).expect("a frame").expect("whole frames");
        heard.push((frame.prefix, FromVenue::decode(&frame).expect("a message of the venue")));
        at += length;
    }
    heard
}

pub(crate) fn numbered<M: Message>(number: u64, message: &M) -> Vec<u8> {
    let mut out = Vec::new();
    frame::append(Prefix { flags: Flags(0), seq_no: number, ack_seq_no: 0 }, message, &mut out);
    out
}

pub(crate) fn unnumbered<M: Message>(next: u64, message: &M) -> Vec<u8> {
    let mut out = Vec::new();
    let flags = Flags(Flags::UNSEQUENCED);
    frame::append(Prefix { flags, seq_no: next, ack_seq_no: 0 }, message, &mut out);
    out
}

pub(crate) fn order(name: u64, side: Side, price: i64, flags: u16) -> NewOrder {
    NewOrder {
        cl_ord_id: engine::ClientOrderId::new(name),
        account_id: AccountId::new(0),
        instrument_id: InstrumentId::new(0),
        price: PriceN::from(Price::new(price)),
        qty: Qty::new(10),
        display_qty: QtyN::NONE,
        trigger_price: PriceN::NONE,
        expire_time: TimeNsN::NONE,
        valid_until: TimeNsN::NONE,
        user_tag: 0,
        flags: OrdFlags(flags),
        side: side.into(),
        ord_type: OrdType::Limit.into(),
        tif: Tif::GTC.into(),
        stp: Stp::CancelTaker.into(),
        trigger_src: TriggerSrc::Mark.into(),
        post_only: PostOnlyMode::Off.into(),
    }
}

/// How often something stands in a list.
pub(crate) fn count<T>(list: &[T], is: impl Fn(&T) -> bool) -> usize {
    list.iter().filter(|item| is(item)).count()
}
