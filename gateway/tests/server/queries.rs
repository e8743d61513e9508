//! Questions in their place among the commands, and the figures of their answers.
//!
//! Invariant: an answer knows every command sent before its question and none sent after it, and leaves when the log
//! covers what it tells of.

use engine::{
    ClientOrderId, Command, NewOrder, OrderRef, Reject, Seq, SessionId, Stamp, TimeInForce, TimeNs, Venue,
};
use gateway::clock::VirtualClock;
use gateway::duty::DutyCycle;
use gateway::log::LogError;
use gateway::log_role::CommandLog;
use gateway::outcome::{Outcome, Released};
use gateway::process::{QueueSizes, Roles, wire};
use gateway::query::{Answer, LEVELS_MAX, Query, Question, ROWS_MAX, Rows, answer};
use gateway::recovery::Recovered;
use gateway::wire::private::{AccountState, PositionState};
use gateway::wire::types::{AccountStatus, Code, LiquidationStage, MarginState, OrdFlags};
use risk::{AccountId, AssetId, InstrumentId, Mark, Money, Price, Qty, Side};

use crate::venue::{CAPACITY, OTHER, PERPETUAL, opening};

const LONG: AccountId = AccountId::new(16);
const SHORT: AccountId = AccountId::new(17);
const QUERY_TOO_LARGE: u16 = 1114;

/// A venue driven by hand.
#[derive(Debug)]
struct Bench {
    venue: Venue,
    numbers: [u64; 2],
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self { venue: Venue::new(CAPACITY), numbers: [0; 2] };
        for command in opening() {
            bench.send(&command);
        }
        bench
    }

    fn send(&mut self, command: &Command) {
        let mut events = engine::Events::default();
        let seq = Seq::new(self.venue.last_stamp().seq.get() + 1);
        self.venue.apply(Stamp { seq, time: TimeNs::new(1) }, command, &mut events);
        let refused = events.as_slice().iter().find(|event| matches!(event, engine::Event::Rejected { .. }));
        assert!(refused.is_none() && !self.venue.pending(), "{refused:?}");
    }

    /// Sends a limit order; session 1 is the long's, 2 the short's.
    fn order(&mut self, side: Side, qty: i64, limit: i64, rests: bool) -> Command {
        let (index, account) = if side == Side::Buy { (0, LONG) } else { (1, SHORT) };
        self.numbers[index] += 1;
        let order = NewOrder {
            account,
            instrument: PERPETUAL,
            side,
            qty: Qty::new(qty),
            limit: Some(Price::new(limit)),
            time_in_force: if rests { TimeInForce::GoodTillCancel } else { TimeInForce::ImmediateOrCancel },
            post_only: false,
            reduce_only: false,
            persistent: true,
        };
        let session = SessionId::new(1 + u32::try_from(index).expect("two"));
        let command = Command::order(session, ClientOrderId::new(self.numbers[index]), order);
        self.send(&command);
        command
    }

    fn ask(&self, question: Question) -> (u16, Rows) {
        let Answer { asker, query_id, seq, code, rows } =
            answer(&self.venue, &Query { asker: 5, query_id: 7, question });
        assert_eq!((asker, query_id, seq), (5, 7, self.venue.last_stamp().seq));
        (code, rows)
    }

    fn account(&self, account: AccountId) -> (AccountState, Vec<PositionState>) {
        let (code, rows) = self.ask(Question::Account { account });
        let Rows::Account { state, balances, positions } = rows else { panic!("{code}: {rows:?}") };
        let [money] = balances.as_slice() else { panic!("one asset, not {balances:?}") };
        assert_eq!((money.account_id, money.asset_id, money.decimals), (account, AssetId::BASE, 6));
        assert_eq!((money.balance, money.collateral), (state.balance, state.balance));
        assert_eq!(money.withdrawable, state.withdrawable);
        (*state, positions)
    }
}

#[test]
fn an_account_is_told_to_the_last_unit() {
    let mut bench = Bench::new();
    // 0.1 contracts at 50,000.0: 5,000.000000 of value for 3,000 of cash.
    bench.order(Side::Sell, 100, 500_000, true);
    bench.order(Side::Buy, 100, 500_000, false);
    let (state, positions) = bench.account(LONG);
    let expected = AccountState {
        query_id: 7,
        account_id: LONG,
        balance: Money::new(2_997_500_000),
        unrealized_pnl: Money::ZERO,
        equity: Money::new(2_997_500_000),
        initial_margin: Money::new(100_000_000),
        maintenance_margin: Money::new(50_000_000),
        available: Money::new(2_897_500_000),
        withdrawable: Money::new(2_497_500_000),
        exposure: Money::new(5_000_000_000),
        // 5000 / 2997.5 and 50 / 2997.5, rounded up.
        leverage_e9: 1_668_056_714.into(),
        margin_ratio_e9: 16_680_568.into(),
        money_decimals: 6,
        status: Code::of(AccountStatus::Active),
        initial_equity: Money::new(2_997_500_000),
        margin_state: Code::of(MarginState::Healthy),
        liquidation: Code::of(LiquidationStage::None),
        liquidation_steps: 0,
    };
    assert_eq!(state, expected);
    let [position] = positions.as_slice() else { panic!("one position, not {positions:?}") };
    let mark = Price::new(500_000).to_mark();
    assert_eq!((position.qty, position.cost), (100, Money::new(5_000_000_000)));
    assert_eq!((position.mark.get(), position.unrealized_pnl), (Some(mark), Money::ZERO));
    assert_eq!(position.notional, Money::new(5_000_000_000));
    // 5,000 less the equity, for a tenth of a contract.
    assert_eq!(position.bankruptcy_px.get(), Some(Price::new(200_250)));
    // Above bankruptcy by the maintenance margin there: 0.1 (m - 20,025) = 0.01 x 0.1 m.
    let liquidation = position.liquidation_mark.get().expect("it has one");
    assert_eq!(liquidation, Mark::new((200_250 * 1024 * 100_i64).div_euclid(99) + 1));

    let (short, _) = bench.account(SHORT);
    assert_eq!(short.balance, Money::new(3_000_250_000), "with its rebate");
}

#[test]
fn without_equity_there_are_no_ratios() {
    let bench = Bench::new();
    let (state, positions) = bench.account(AccountId::FEES);
    assert_eq!((state.leverage_e9.get(), state.margin_ratio_e9.get()), (None, None));
    assert!(positions.is_empty());
    let (state, _) = bench.account(LONG);
    assert_eq!((state.leverage_e9.get(), state.margin_ratio_e9.get()), (Some(0), Some(0)));
}

#[test]
fn orders_and_levels_are_bounded_and_say_so() {
    let mut bench = Bench::new();
    for step in 0..1_000 {
        bench.order(Side::Buy, 1, 499_000 - 5 * step, true);
    }
    let all = Question::OpenOrders { account: LONG, instrument: None };
    assert!(matches!(bench.ask(all.clone()), (0, Rows::OpenOrders(rows)) if rows.len() == 1_000));
    let (code, rows) = bench.ask(Question::Book { instrument: PERPETUAL, depth: 100 });
    let Rows::Book([bids, offers]) = rows else { panic!("{rows:?}") };
    assert_eq!((code, bids.levels.0.len(), offers.levels.0.len()), (0, LEVELS_MAX, 0));
    assert_eq!(bids.levels.0[0].price, Price::new(499_000));
    assert!(bids.levels.0.is_sorted_by_key(|level| std::cmp::Reverse(level.price)));
    let (code, rows) = bench.ask(Question::Book { instrument: PERPETUAL, depth: 101 });
    let Rows::Book([bids, _]) = rows else { panic!("{rows:?}") };
    assert_eq!((code, bids.levels.0.len()), (QUERY_TOO_LARGE, LEVELS_MAX));

    // Beyond what one answer holds, in another instrument: a leg holds no more than 1,024.
    bench.numbers[0] += 1;
    for number in 0..100 {
        let other = NewOrder {
            account: LONG,
            instrument: OTHER,
            side: Side::Buy,
            qty: Qty::new(1),
            limit: Some(Price::new(499_000)),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: false,
            reduce_only: false,
            persistent: false,
        };
        bench.send(&Command::order(SessionId::new(3), ClientOrderId::new(1 + number), other));
    }
    let (code, rows) = bench.ask(all);
    assert_eq!((code, rows.count()), (QUERY_TOO_LARGE, ROWS_MAX));
    let one = Question::OpenOrders { account: LONG, instrument: Some(OTHER) };
    assert!(matches!(bench.ask(one), (0, Rows::OpenOrders(rows)) if rows.len() == 100));
}

#[test]
fn one_order_is_found_by_either_number() {
    let mut bench = Bench::new();
    bench.order(Side::Sell, 30, 500_000, true);
    bench.order(Side::Buy, 10, 500_000, false);
    let client = OrderRef::Client(ClientOrderId::new(1));
    let by = |account, session, order| {
        bench.ask(Question::Order { account, session: SessionId::new(session), order })
    };
    let (code, rows) = by(SHORT, 2, client);
    let Rows::OpenOrders(rows) = rows else { panic!("{rows:?}") };
    let [order] = rows.as_slice() else { panic!("one order, not {rows:?}") };
    assert_eq!((code, order.leaves_qty, order.cum_qty), (0, Qty::new(20), Qty::new(10)));
    assert_eq!((order.session_id, order.flags), (2, OrdFlags(OrdFlags::PERSIST)));
    let by_id = by(SHORT, 1, OrderRef::Id(order.order_id));
    assert_eq!(by_id, (0, Rows::OpenOrders(rows.clone())));
    let unknown = (Reject::UnknownOrder.code(), Rows::None);
    assert_eq!(by(SHORT, 1, client), unknown, "another session's number");
    assert_eq!(by(LONG, 2, OrderRef::Id(order.order_id)), unknown, "another's order");
}

#[test]
fn what_does_not_exist_has_a_code_and_no_rows() {
    let bench = Bench::new();
    let nobody = AccountId::new(9_999);
    let session = SessionId::new(1);
    let order = OrderRef::Client(ClientOrderId::new(1));
    let unknown_account = (Reject::UnknownAccount.code(), Rows::None);
    assert_eq!(bench.ask(Question::Account { account: nobody }), unknown_account);
    assert_eq!(bench.ask(Question::OpenOrders { account: nobody, instrument: None }), unknown_account);
    assert_eq!(bench.ask(Question::Order { account: nobody, session, order }), unknown_account);
    let instrument = InstrumentId::new(2);
    let unknown_instrument = (Reject::UnknownInstrument.code(), Rows::None);
    assert_eq!(bench.ask(Question::Book { instrument, depth: 1 }), unknown_instrument);
    assert!(matches!(bench.ask(Question::Instruments), (0, Rows::Instruments(rows)) if rows.len() == 2));
}

/// A log that counts.
#[derive(Debug, Default)]
struct Counter(Seq);

impl CommandLog for Counter {
    type Error = LogError;

    fn write(&mut self, outcome: &Outcome<'_>) -> Result<(), LogError> {
        self.0 = outcome.stamp.seq;
        Ok(())
    }

    fn commit(&mut self) -> Result<Seq, LogError> {
        Ok(self.0)
    }

    fn waits(&self) -> bool {
        false
    }

    fn prepare_ahead(&mut self) -> Result<bool, LogError> {
        Ok(false)
    }

    fn close(self) -> Result<(), LogError> {
        Ok(())
    }
}

/// What a client was given, in short: a sequence, or the number of a query and the orders in its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Given {
    Outcome(u64),
    Answer(u64, usize),
}

fn given(roles: &mut Roles<Counter, VirtualClock>) -> Vec<Given> {
    let mut all = Vec::new();
    roles.client.receive(|released| {
        all.push(match released {
            Released::Outcome(outcome) => Given::Outcome(outcome.stamp.seq.get()),
            Released::Answer(answer) => Given::Answer(answer.query_id, answer.rows.count()),
        });
    });
    all
}

#[test]
fn an_answer_stands_between_the_commands_around_its_question() {
    let mut bench = Bench::new();
    bench.order(Side::Buy, 1, 499_000, true);
    let before = bench.venue.last_stamp().seq.get();
    let recovered = Recovered { venue: bench.venue, log: Counter::default() };
    let mut roles = wire(recovered, VirtualClock::default(), QueueSizes::default(), Vec::new());
    let question = Question::OpenOrders { account: LONG, instrument: None };
    let ask = |roles: &mut Roles<Counter, VirtualClock>, query_id| {
        roles.client.ask(Query { asker: 0, query_id, question: question.clone() }).expect("room");
    };
    let mut twin = Bench { venue: Bench::new().venue, numbers: [1, 0] };
    ask(&mut roles, 1);
    for number in 2..4 {
        let order = twin.order(Side::Buy, 1, 499_000, true);
        roles.client.submit(order).expect("room");
        ask(&mut roles, number);
    }
    roles.client.flush();
    assert!(roles.engine.do_work() > 0);
    // The first tells of nothing that is not durable; the others wait for the log like the outcomes around them.
    assert_eq!(given(&mut roles), [Given::Answer(1, 1)]);
    assert!(roles.log.do_work() > 0);
    let outcome = |after| Given::Outcome(before + after);
    assert_eq!(given(&mut roles), [outcome(1), Given::Answer(2, 2), outcome(2), Given::Answer(3, 3)]);
    assert_eq!(given(&mut roles), []);
}

#[test]
fn a_batch_of_answers_alone_travels_and_a_full_queue_gives_the_question_back() {
    let recovered = Recovered { venue: Bench::new().venue, log: Counter::default() };
    let queues = QueueSizes { commands: 2, reserved_for_cancels: 1, log: 2, client: 2 };
    let mut roles = wire(recovered, VirtualClock::default(), queues, Vec::new());
    let query = |query_id| Query { asker: 0, query_id, question: Question::Instruments };
    let asked = (0..1_000).take_while(|number| roles.client.ask(query(*number)).is_ok()).count();
    assert_eq!(asked, 64, "one box; the other is for cancels");
    assert_eq!(roles.client.ask(query(64)), Err(query(64)));
    let mut all = Vec::new();
    while all.len() < asked {
        roles.engine.do_work();
        all.extend(given(&mut roles));
    }
    let expected: Vec<Given> = (0..64).map(|number| Given::Answer(number, 2)).collect();
    assert_eq!(all, expected);
}
