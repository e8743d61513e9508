//! What an order finds is what the walk before it said: all or nothing, a least quantity, and the most that money pays
//! for are held against an order that simply takes what there is.
//!
//! Invariant: after the same history a fill-or-kill order is filled whole exactly when an immediate-or-cancel order is,
//! and an order with a least quantity is accepted exactly when that one fills so much. Makers that fall below
//! maintenance by the very fills are the exception that the rules name; histories with one are told apart and counted.

#[path = "campaign/rng.rs"]
mod rng;

use engine::{
    Action, AdvancedOrder, BatchMode, BatchedOrder, CancelReason, ClientOrderId, Command, Event, Events,
    Instructions, NewOrder, OrderBatch, Pricing, Reject, SelfTrade, Seq, SessionId, Stamp, TimeInForce,
    TimeNs, Transfer, Venue,
};
use risk::{
    AccountId, Capacity, FeeRate, InstrumentId, InstrumentSpec, Money, OwnerGroupId, Price, Qty, Rate, Side,
    Tier,
};
use rng::Rng;

const MARKET: InstrumentId = InstrumentId::new(0);
const ACCOUNTS: u32 = 6;
const FIRST: u32 = 16;
const MODES: [SelfTrade; 4] =
    [SelfTrade::CancelTaker, SelfTrade::CancelMaker, SelfTrade::CancelBoth, SelfTrade::Decrement];

fn spec() -> InstrumentSpec {
    let tier = |rate| vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }];
    InstrumentSpec {
        symbol: *b"FILLABLE\0\0\0\0\0\0\0\0",
        price_decimals: 0,
        qty_decimals: 0,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(10_000),
        order_qty_max: Qty::new(1_000),
        position_max: Qty::new(10_000),
        open_interest_max: Qty::new(100_000),
        price_band: Rate::new(400_000_000),
        market_collar: Rate::new(400_000_000),
        mark_step_max: Rate::new(400_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(0),
        initial_tiers: tier(100_000_000),
        maintenance_tiers: tier(50_000_000),
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

/// A venue and how far it has come.
struct World {
    venue: Venue,
    commands: u64,
}

impl World {
    /// Accounts of which the first two are of one owner, and a marked instrument.
    fn new() -> Self {
        let venue = Venue::new(Capacity { accounts: 32, legs: 64, orders: 512 });
        let mut world = Self { venue, commands: 0 };
        world.apply(Action::DefineInstrument { instrument: MARKET, spec: Box::new(spec()) });
        world.apply(Action::index_price(MARKET, Price::new(1_000).to_mark()));
        for account in (FIRST..FIRST + ACCOUNTS).map(AccountId::new) {
            world.apply(Action::OpenAccount { account });
            // One is nearly poor, so that some histories hold a liquidation.
            let amount = Money::new(if account.get() == FIRST + 5 { 9_000 } else { 10_000_000 });
            world.apply(Action::Deposit(Transfer::new(account, amount)));
        }
        for account in [FIRST, FIRST + 1].map(AccountId::new) {
            world.apply(Action::SetOwnerGroup { account, group: OwnerGroupId::new(3) });
        }
        world
    }

    /// Applies a command and what it leaves over; the events of all of it.
    fn apply(&mut self, action: Action) -> Vec<Event> {
        let mut events = Events::default();
        let numbered =
            matches!(action, Action::NewOrder(_) | Action::AdvancedOrder(_) | Action::OrderBatch(_));
        let client_order_id = ClientOrderId::new(if numbered { (self.commands + 1) * 32 } else { 0 });
        let mut command = Command { client_order_id, ..Command::client(SessionId::new(0), action) };
        loop {
            self.commands += 1;
            let stamp = Stamp { seq: Seq::new(self.commands), time: TimeNs::new(self.commands) };
            self.venue.apply(stamp, &command, &mut events);
            if !self.venue.pending() {
                self.venue.check();
                return events.as_slice().to_vec();
            }
            command = Command::venue(Action::Continue);
        }
    }
}

fn order(rng: &mut Rng) -> AdvancedOrder {
    let side = rng.pick(&[Side::Buy, Side::Sell]);
    let off = rng.within(-4, 12);
    let price = if side == Side::Buy { 1_000 - off } else { 1_000 + off };
    let qty = Qty::new(rng.within(1, 12));
    let reduce_only = rng.permille(300);
    let order = NewOrder {
        account: AccountId::new(FIRST + u32::try_from(rng.below(u64::from(ACCOUNTS))).expect("few")),
        instrument: MARKET,
        side,
        qty,
        limit: Some(Price::new(price)),
        time_in_force: TimeInForce::GoodTillCancel,
        post_only: rng.permille(100),
        reduce_only,
        persistent: false,
    };
    // What the walk cannot see of a reduce-only iceberg is left out.
    let hides = !reduce_only && rng.permille(400);
    let display = if hides { Qty::new(rng.within(1, qty.get())) } else { Qty::ZERO };
    let slides = order.post_only && rng.permille(500);
    let instructions = Instructions { display, slides, self_trade: rng.pick(&MODES), ..Instructions::PLAIN };
    AdvancedOrder { order, instructions }
}

/// What makes a book with everything in it.
fn history(rng: &mut Rng) -> Vec<Action> {
    let mut actions = Vec::new();
    for number in 0..rng.within(10, 60).unsigned_abs() {
        actions.push(match rng.below(10) {
            0..=5 => Action::AdvancedOrder(order(rng)),
            6 | 7 => Action::NewOrder(order(rng).order),
            8 => {
                let account = order(rng).order.account;
                let batched = |place: u64, rng: &mut Rng| {
                    let mut order = order(rng);
                    order.order.account = account;
                    BatchedOrder { client_order_id: ClientOrderId::new(number * 1_000_000 + place), order }
                };
                let first = 1 + rng.below(3);
                let orders = (first..first + 3).map(|place| batched(place, rng)).collect();
                let mode = rng.pick(&[BatchMode::Each, BatchMode::Atomic, BatchMode::OneCancelsOther]);
                Action::OrderBatch(Box::new(OrderBatch { account, mode, orders }))
            }
            _ => Action::index_price(MARKET, Price::new(1_000 + rng.within(-20, 20)).to_mark()),
        });
    }
    actions
}

/// Plays a history; numbers of batches follow the batch's own.
fn played(history: &[Action]) -> World {
    let mut world = World::new();
    for action in history {
        let mut action = action.clone();
        if let Action::OrderBatch(batch) = &mut action {
            for (place, one) in (1..).zip(&mut batch.orders) {
                one.client_order_id = ClientOrderId::new((world.commands + 1) * 32 + place);
            }
        }
        world.apply(action);
    }
    world
}

/// What came of the last order.
#[derive(Debug)]
struct Outcome {
    reject: Option<Reject>,
    /// Its quantity, cut to the position where it only reduces.
    asked: i64,
    filled: i64,
    /// Value of its fills.
    paid: i64,
    had_liquidation: bool,
    rest: Option<CancelReason>,
}

fn outcome(history: &[Action], last: AdvancedOrder) -> Outcome {
    let events = played(history).apply(Action::AdvancedOrder(last));
    let mut outcome =
        Outcome { reject: None, asked: 0, filled: 0, paid: 0, had_liquidation: false, rest: None };
    let mut own = None;
    for event in events {
        if let Event::Rejected { reject, .. } = event {
            outcome.reject = Some(reject);
        } else if let Event::Accepted { order, qty, .. } = event {
            (own, outcome.asked) = (Some(order), qty.get());
        } else if let Event::LiquidationStarted { .. } = event {
            outcome.had_liquidation = true;
        } else if let Event::Cancelled { order, reason, .. } = event {
            if Some(order) == own {
                outcome.rest = Some(reason);
            }
        } else if let Event::Fill(fill) = event
            && Some(fill.taker.order) == own
        {
            outcome.filled += fill.qty.get();
            outcome.paid += fill.value.get();
        }
    }
    outcome
}

/// Refused for another reason than what is asked about.
fn is_beside(outcome: &Outcome, asked: Reject) -> bool {
    outcome.reject.is_some_and(|reject| reject != asked)
}

#[test]
fn all_or_nothing_and_least_quantities_are_what_an_order_finds() {
    let (mut whole, mut refused, mut least, mut apart) = (0, 0, 0, 0);
    for seed in 0..4_000 {
        let mut rng = Rng::new(seed);
        let history = history(&mut rng);
        let mut last = order(&mut rng);
        last.order.post_only = false;
        last.instructions = Instructions { slides: false, display: Qty::ZERO, ..last.instructions };
        let of_life = |time_in_force, min_qty| {
            let mut asked = last;
            asked.order.time_in_force = time_in_force;
            asked.instructions.min_qty = Qty::new(min_qty);
            outcome(&history, asked)
        };
        let found = of_life(TimeInForce::ImmediateOrCancel, 0);
        if found.reject.is_some() || found.had_liquidation {
            apart += 1;
            continue;
        }
        let all = of_life(TimeInForce::FillOrKill, 0);
        assert!(!is_beside(&all, Reject::FokNotFillable), "seed {seed}: {all:?}");
        let is_whole = found.filled == found.asked;
        assert_eq!(all.reject.is_none(), is_whole, "seed {seed}: {last:?} finds {found:?}, or all: {all:?}");
        if is_whole {
            assert_eq!((all.filled, all.rest), (found.filled, None), "seed {seed}");
            whole += 1;
        } else {
            refused += 1;
        }
        let wanted = rng.within(1, last.order.qty.get());
        let some = of_life(TimeInForce::ImmediateOrCancel, wanted);
        assert!(!is_beside(&some, Reject::MinQtyNotFillable), "seed {seed}: {some:?}");
        let enough = found.filled >= wanted;
        // Of an order that goes on after its own the walk counts what comes before.
        let is_told = last.instructions.self_trade != SelfTrade::Decrement || some.reject.is_none();
        assert_eq!(is_told && enough, some.reject.is_none(), "seed {seed}: {last:?}, {wanted} of {found:?}");
        least += i32::from(enough);
    }
    println!("{whole} filled whole, {refused} not, {least} with a least quantity, {apart} apart");
    assert!(whole > 100 && refused > 300 && least > 300, "{whole}, {refused}, {least}, {apart}");
}

#[test]
fn money_buys_the_most_lots_it_pays_for() {
    let (mut bought, mut ended) = (0, 0);
    for seed in 0..3_000 {
        let mut rng = Rng::new(seed);
        let history = history(&mut rng);
        let mut last = order(&mut rng);
        (last.order.post_only, last.order.reduce_only) = (false, false);
        (last.order.limit, last.order.time_in_force) = (None, TimeInForce::ImmediateOrCancel);
        let money = rng.within(500, 30_000);
        let mode = last.instructions.self_trade;
        last.instructions = Instructions { self_trade: mode, ..Instructions::PLAIN };
        let mut asked = last;
        asked.order.qty = Qty::new(money);
        asked.instructions.pricing = Pricing::QuoteNotional;
        let paid = outcome(&history, asked);
        if paid.had_liquidation || paid.reject.is_some_and(|reject| reject != Reject::NoLiquidity) {
            continue;
        }
        assert!(paid.paid <= money && paid.rest.is_none(), "seed {seed}: {paid:?} for {money}");
        // One lot more is not there, meets an order of its own, or costs more than the money.
        last.order.qty = Qty::new(paid.filled + 1);
        let more = outcome(&history, last);
        if more.had_liquidation || more.reject.is_some() {
            continue;
        }
        let is_there = more.rest.is_none() && more.filled > paid.filled;
        assert!(
            !is_there || more.paid > money,
            "seed {seed}: {more:?} was there for {money}, taken {paid:?}"
        );
        bought += i32::from(paid.filled > 0);
        ended += i32::from(!is_there);
    }
    println!("{bought} bought something, {ended} ended with the book");
    assert!(bought > 500 && ended > 50, "{bought}, {ended}");
}
