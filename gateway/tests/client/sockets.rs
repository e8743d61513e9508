//! Both ways of driving a session, against a served venue.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use engine::{Action, Capacity, Command, KeyTerms, OrderRef, TimeNs, Transfer};
use gateway::client::request::{cancel, limit_order};
use gateway::client::{Answered, ClientError, Connection, Incoming, Key, Many, Resume, SessionTerms};
use gateway::clock::WallClock;
use gateway::log::{Durability, LogOptions};
use gateway::process::{Config, Layout};
use gateway::runner::Mode;
use gateway::serve::{ServeConfig, Served, start};
use gateway::wire::private::{AccountCreate, NewOrder};
use gateway::wire::types::{Permissions, SessionKind, Side};
use risk::{AccountId, FeeRate, InstrumentId, InstrumentSpec, Mark, Money, Price, Qty, Rate, Tier};

const PATIENCE: Duration = Duration::from_secs(20);
const INSTRUMENT: InstrumentId = InstrumentId::new(0);
const ACCOUNTS: u32 = 8;

fn account(index: u32) -> AccountId {
    AccountId::new(16 + index)
}

fn terms(index: u32, kind: SessionKind) -> SessionTerms {
    let mut secret = [3; 32];
    secret[..4].copy_from_slice(&index.to_le_bytes());
    SessionTerms::new(Key::from_secret(secret), kind)
}

fn spec() -> InstrumentSpec {
    let tier = |rate| vec![Tier { floor: Money::new(0), rate: Rate::new(rate) }];
    InstrumentSpec {
        symbol: *b"SOCK\0\0\0\0\0\0\0\0\0\0\0\0",
        price_decimals: 1,
        qty_decimals: 3,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(5),
        lot: Qty::new(1),
        price_max: Price::new(40_000),
        order_qty_max: Qty::new(400),
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

fn opening() -> Vec<Command> {
    let mut actions = vec![
        Action::DefineInstrument { instrument: INSTRUMENT, spec: Box::new(spec()) },
        Action::index_price(INSTRUMENT, Mark::new(10_000 * 1_024)),
    ];
    let register = |index, account, kind| {
        let key = terms(index, kind).key;
        let terms = KeyTerms {
            public: key.public(),
            account,
            kinds: u32::from(Permissions::of(kind)),
            expires: TimeNs::default(),
        };
        Action::RegisterKey { key: key.id(), terms: Box::new(terms) }
    };
    for index in 0..ACCOUNTS {
        let account = account(index);
        actions.push(Action::OpenAccount { account });
        actions.push(Action::Deposit(Transfer::new(account, Money::new(3_000_000_000))));
        actions.push(register(index, account, SessionKind::OrderEntry));
    }
    actions.push(register(ACCOUNTS, AccountId::new(0), SessionKind::Admin));
    actions.into_iter().map(Command::venue).collect()
}

/// Serves the venue in a directory, at a port of the system's choice or a given one.
fn serve(directory: &Path, port: u16) -> Served {
    let mut config =
        Config::new(directory.to_path_buf(), Capacity { accounts: 64, legs: 256, orders: 65_536 });
    config.layout = Layout { mode: Mode::Shared, pin: false, ..Layout::default() };
    config.log = LogOptions { segment_bytes: 1 << 20, durability: Durability::None };
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    start(&config, &ServeConfig::new(listen), &opening(), WallClock::default()).expect("the venue is served")
}

fn order(index: u32, side: Side, price: i64) -> NewOrder {
    limit_order(account(index), INSTRUMENT, side, Qty::new(2), Price::new(price))
}

#[test]
fn a_trader_by_hand_asks_is_answered_and_queries() {
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path(), 0);
    let address = served.address();
    let mut maker = Connection::connect(address, terms(0, SessionKind::OrderEntry), PATIENCE).unwrap();
    let mut taker = Connection::connect(address, terms(1, SessionKind::OrderEntry), PATIENCE).unwrap();
    let ticket = maker.submit(order(0, Side::Sell, 10_010)).unwrap();
    assert_eq!(maker.wait(ticket).unwrap(), Answered::Accepted);
    let refused = maker.request(order(0, Side::Sell, 10_011)).unwrap();
    assert_eq!(refused, Answered::Rejected { code: engine::Reject::BadPrice.code(), short: None });
    let resting = maker.order(account(0), OrderRef::Client(ticket.cl_ord_id)).unwrap().expect("it rests");
    assert_eq!(maker.open_orders(account(0), None).unwrap().len(), 1);
    let (bids, offers) = taker.book(INSTRUMENT, 5).unwrap();
    assert_eq!((bids.levels.0.len(), offers.levels.0[0].price), (0, Price::new(10_010)));
    assert_eq!(taker.instruments().unwrap().len(), 1);
    assert_eq!(taker.request(order(1, Side::Buy, 10_010)).unwrap(), Answered::Accepted);
    let (state, positions) = taker.account(account(1)).unwrap();
    assert_eq!((state.account_id, positions[0].qty), (account(1), 2));
    // Whose account it is not is nobody's to ask.
    assert!(matches!(taker.account(account(0)), Err(ClientError::Refused { .. })));
    let gone = maker.request(cancel(account(0), INSTRUMENT, OrderRef::Id(resting.order_id))).unwrap();
    assert_eq!(gone, Answered::Rejected { code: engine::Reject::UnknownOrder.code(), short: None });
    assert_eq!(maker.order(account(0), OrderRef::Client(ticket.cl_ord_id)).unwrap(), None);
    let mut filled = 0;
    while let Some(incoming) = maker.next_event(Duration::from_millis(20)).unwrap() {
        if let Incoming::Event(event) = incoming {
            filled += u32::from(event.message.is_some_and(|message| message.name() == "OrderFilled"));
        }
    }
    assert_eq!(filled, 1);
    let mut operator = Connection::connect(address, terms(ACCOUNTS, SessionKind::Admin), PATIENCE).unwrap();
    let create = AccountCreate { request_id: engine::ClientOrderId::new(0), account_id: AccountId::new(60) };
    assert_eq!(operator.request(create.clone()).unwrap(), Answered::Accepted);
    let again = operator.request(create).unwrap();
    assert_eq!(again, Answered::Rejected { code: engine::Reject::AlreadyExists.code(), short: None });
    for connection in [maker, taker, operator] {
        let _rest = connection.log_out(true).unwrap();
    }
    let _conclusion = served.stop().unwrap();
}

#[test]
fn a_logon_that_cannot_succeed_says_so_at_once_and_one_that_may_is_tried_until_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path(), 0);
    let address = served.address();
    let unknown = Connection::connect(address, terms(99, SessionKind::OrderEntry), PATIENCE);
    assert!(matches!(unknown, Err(ClientError::Fault(fault)) if fault.is_final()));
    let _conclusion = served.stop().unwrap();
    let nobody = Connection::connect(address, terms(0, SessionKind::OrderEntry), Duration::from_millis(300));
    assert!(matches!(nobody, Err(ClientError::Unreachable { .. })));
}

#[test]
fn a_server_that_stops_and_comes_back_finds_its_clients_again() {
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path(), 0);
    let address = served.address();
    let mut trader = Connection::connect(address, terms(0, SessionKind::OrderEntry), PATIENCE).unwrap();
    assert_eq!(trader.request(order(0, Side::Buy, 9_000 + 500)).unwrap(), Answered::Accepted);
    let _conclusion = served.stop().unwrap();
    // Taken while nobody is there to take it.
    let ticket = trader.submit(order(0, Side::Buy, 9_505)).unwrap();
    let served = serve(directory.path(), address.port());
    assert_eq!(trader.wait(ticket).unwrap(), Answered::Accepted);
    assert_eq!(trader.open_orders(account(0), None).unwrap().len(), 2);
    // And another process goes on with the state of this one.
    let path = directory.path().join("trader.session");
    trader.resume().expect("it was logged on").save(&path).unwrap();
    drop(trader);
    let resume = Resume::load(&path).unwrap();
    let other = terms(1, SessionKind::OrderEntry);
    let refused = Connection::take_up(address, other, resume.as_ref(), PATIENCE);
    assert!(matches!(refused, Err(ClientError::OtherSession)));
    let terms = terms(0, SessionKind::OrderEntry);
    let mut trader = Connection::take_up(address, terms, resume.as_ref(), PATIENCE).unwrap();
    assert_eq!(trader.request(order(0, Side::Buy, 9_510)).unwrap(), Answered::Accepted);
    assert_eq!(trader.open_orders(account(0), None).unwrap().len(), 3);
    drop(trader);
    let _conclusion = served.stop().unwrap();
}

#[test]
fn many_sessions_settle_every_request_although_their_connections_are_cut() {
    const REQUESTS: u32 = 1_000;
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path(), 0);
    let mut many = Many::new().unwrap();
    for index in 0..ACCOUNTS {
        let terms = terms(index, SessionKind::OrderEntry);
        assert_eq!(many.add(served.address(), terms, None), usize::try_from(index).unwrap());
    }
    let (mut settled, mut sent, mut accepted, mut cuts) = (0, 0, 0, 0);
    let start = many.now().get();
    while settled < ACCOUNTS * REQUESTS {
        let elapsed = many.now().get() - start;
        assert!(elapsed < 60_000_000_000, "{settled} of {sent} are settled");
        if many.is_standing() || sent > 0 {
            for index in 0..ACCOUNTS {
                let link = usize::try_from(index).unwrap();
                let side = if index % 2 == 0 { Side::Buy } else { Side::Sell };
                if sent < ACCOUNTS * REQUESTS && many.session(link).unsettled() < 100 {
                    let price = 10_000 + 5 * i64::from(sent % 7);
                    // A full round each, so every session sends as many as any other.
                    let _ticket = many.send(link, order(index, side, price)).unwrap();
                    sent += 1;
                }
            }
        }
        if sent > cuts * 900 + 900 {
            many.cut(usize::try_from(cuts % ACCOUNTS).unwrap());
            cuts += 1;
        }
        let _seen = many
            .turn(Duration::from_millis(1), |_, incoming| {
                if let Incoming::Settled { answered, .. } = incoming {
                    settled += 1;
                    accepted += u32::from(answered == Answered::Accepted);
                    assert!(matches!(answered, Answered::Accepted | Answered::Rejected { .. }));
                }
            })
            .unwrap();
    }
    assert!(cuts > 5 && 20 * accepted > ACCOUNTS * REQUESTS, "{cuts} cuts, {accepted} accepted");
    assert!((0..many.len()).all(|link| many.session(link).unsettled() == 0));
    let _conclusion = served.stop().unwrap();
}
