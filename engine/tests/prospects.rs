//! Who would be liquidated and who would be deleveraged, as the venue says it, is what looking at every account says.
//!
//! Random orders of many accounts over two linear instruments of one underlying and an asset of collateral, with an index that
//! moves; after stretches of them every page of a map and of a rank is compared with the accounts themselves.

use std::cmp::Ordering;

use engine::limits::SCAN_MAX;
use engine::{
    Action, ClientOrderId, Command, Events, LiquidationMap, MapStep, NewOrder, Reject, SessionId, Stamp,
    TimeInForce, TimeNs, Transfer, Venue,
};
use risk::deleveraging::{DeleveragingPolicy, Holder};
use risk::{
    AccountId, AdaptiveTerms, AssetId, AssetSpec, Capacity, ContractTerms, DebtTerms, FeeRate, InstrumentId,
    InstrumentSpec, Money, Position, Price, Qty, Rate, Side, Slice, Tier, UnderlyingId,
};

const ACCOUNTS: u32 = 2_500;
const FIRST: u32 = 16;
const COIN: AssetId = AssetId::new(1);
const STEPS: u16 = 20;
const WIDTH: Rate = Rate::new(15_000_000);

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from((self.next() >> 33).rem_euclid(u64::from(bound))).expect("below a 32-bit bound")
    }
}

fn spec(symbol: u8) -> InstrumentSpec {
    let tier = |rate| vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }];
    InstrumentSpec {
        symbol: [symbol; 16],
        price_decimals: 0,
        qty_decimals: 0,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(2),
        price_max: Price::new(40_000),
        order_qty_max: Qty::new(2_000),
        position_max: Qty::new(4_000),
        open_interest_max: Qty::new(400_000),
        price_band: Rate::new(500_000_000),
        market_collar: Rate::new(100_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(100_000),
        liquidation_fee: Rate::new(5_000_000),
        initial_tiers: tier(50_000_000),
        maintenance_tiers: tier(25_000_000),
        contract: ContractTerms { underlying: UnderlyingId::new(1), ..ContractTerms::LINEAR_PERPETUAL },
        adaptive: AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

fn coin() -> AssetSpec {
    AssetSpec {
        symbol: [b'C'; 16],
        decimals: 0,
        priced_by: InstrumentId::new(0),
        weights: vec![Slice { cap: Money::new(1 << 40), weight: Rate::new(900_000_000) }],
        liability_weight: Rate::new(1_000_000_000),
        wrong_way: Rate::new(0),
        full_weight_total: Money::ZERO,
        deposit_max: Money::new(1 << 30),
        conversion_haircut: Rate::new(0),
        debt: DebtTerms { max: Money::ZERO, interest: Rate::new(0) },
        spend_rank: 0,
    }
}

struct World {
    venue: Venue,
    random: Random,
    events: Events,
    number: u64,
    price: i64,
}

impl World {
    fn new(seed: u64) -> Self {
        let venue = Venue::new(Capacity { accounts: 4_096, legs: 16_384, orders: 65_536 });
        let random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut world = Self { venue, random, events: Events::default(), number: 0, price: 10_000 };
        world.act(Action::OpenSession { session: SessionId::new(1) });
        for number in 0..2 {
            let (instrument, spec) = (InstrumentId::new(number), Box::new(spec(b'A')));
            world.act(Action::DefineInstrument { instrument, spec });
            world.act(Action::index_price(instrument, Price::new(10_000).to_mark()));
        }
        world.act(Action::DefineAsset { asset: COIN, spec: Box::new(coin()) });
        for number in FIRST..FIRST + ACCOUNTS {
            let account = AccountId::new(number);
            world.act(Action::OpenAccount { account });
            let amount = Money::new(i64::from(20_000 + world.random.below(400_000)));
            world.act(Action::Deposit(Transfer { account, asset: AssetId::BASE, amount, external_id: 0 }));
            if number.is_multiple_of(7) {
                let amount = Money::new(i64::from(1 + world.random.below(20)));
                world.act(Action::Deposit(Transfer { account, asset: COIN, amount, external_id: 0 }));
            }
        }
        world
    }

    fn act(&mut self, action: Action) {
        self.number += 1;
        let command = Command { client_order_id: ClientOrderId::new(self.number), ..Command::venue(action) };
        self.apply(&command);
        while self.venue.pending() {
            self.apply(&Command::venue(Action::Continue));
        }
    }

    fn apply(&mut self, command: &Command) {
        let seq = self.venue.last_stamp().seq.get() + 1;
        let time = TimeNs::new(seq * 1_000_000);
        self.events.clear();
        self.venue.apply(Stamp { seq: engine::Seq::new(seq), time }, command, &mut self.events);
    }

    fn trade(&mut self) {
        let account = AccountId::new(FIRST + self.random.below(ACCOUNTS));
        let side = if self.random.below(2) == 0 { Side::Buy } else { Side::Sell };
        let limit = Price::new(self.price - 20 + i64::from(self.random.below(41)));
        let order = NewOrder {
            account,
            instrument: InstrumentId::new(self.random.below(2)),
            side,
            qty: Qty::new(2 + 2 * i64::from(self.random.below(60))),
            limit: Some(limit),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: false,
            reduce_only: false,
            persistent: false,
        };
        self.act(Action::NewOrder(order));
    }

    fn move_index(&mut self) {
        self.price += i64::from(self.random.below(61)) - 30;
        for number in 0..2 {
            self.act(Action::index_price(InstrumentId::new(number), Price::new(self.price).to_mark()));
        }
        self.act(Action::Tick);
    }

    /// All pages of a map, added up, and how many they are.
    fn map(&self, instrument: InstrumentId) -> (LiquidationMap, u32) {
        let page = |from| self.venue.liquidation_map(instrument, WIDTH, STEPS, from).expect("a map");
        let (mut sum, mut pages) = (page(0), 1);
        while let Some(from) = sum.next {
            let more = page(from);
            let add = |(step, more): (&mut MapStep, &MapStep)| {
                step.qty += more.qty;
                step.positions += more.positions;
                step.depth += more.depth;
            };
            sum.longs.iter_mut().zip(&more.longs).for_each(add);
            sum.shorts.iter_mut().zip(&more.shorts).for_each(add);
            (sum.next, pages) = (more.next, pages + 1);
        }
        (sum, pages)
    }

    /// The same by a look at every account and every price.
    fn map_by_hand(&self, instrument: InstrumentId) -> [Vec<(i64, u32, i64)>; 2] {
        let ledger = self.venue.ledger();
        let mark = ledger.instrument(instrument).mark.expect("a mark").get();
        let width = (mark * i64::from(WIDTH.get())).div_euclid(1_000_000_000);
        let mut sides = [false, true].map(|_| vec![(0, 0, 0); usize::from(STEPS)]);
        let place = |side: Side, at: i64| {
            let distance = if side == Side::Sell { mark - at } else { at - mark };
            let step = usize::try_from((distance.max(1) - 1).div_euclid(width)).expect("not negative");
            (step < usize::from(STEPS)).then_some((usize::from(side == Side::Buy), step))
        };
        for account in (FIRST..FIRST + ACCOUNTS).map(AccountId::new) {
            let is_liquidating = self.venue.liquidation_of(account).is_some();
            let Some(leg_id) = ledger.find_leg(account, instrument).filter(|_| !is_liquidating) else {
                continue;
            };
            let leg = ledger.leg(leg_id);
            let Some(side) = Side::closing(leg.position) else { continue };
            let Some(at) = ledger.liquidation_mark(account, leg_id) else { continue };
            if let Some((side, step)) = place(side, at.get()) {
                sides[side][step].0 += leg.position.size().get();
                sides[side][step].1 += 1;
            }
        }
        for (side, taken_by) in [(Side::Buy, Side::Sell), (Side::Sell, Side::Buy)] {
            for (price, qty) in self.venue.depth(instrument, side) {
                if let Some((side, step)) = place(taken_by, price.to_mark().get()) {
                    sides[side][step].2 += qty.get();
                }
            }
        }
        sides
    }

    fn check_map(&self, instrument: InstrumentId) -> (u32, u32) {
        let (map, pages) = self.map(instrument);
        let by_hand = self.map_by_hand(instrument);
        let said = [&map.longs, &map.shorts].map(|steps| {
            steps.iter().map(|step| (step.qty.get(), step.positions, step.depth.get())).collect::<Vec<_>>()
        });
        assert_eq!(said, by_hand);
        let counted = map.longs.iter().chain(&map.shorts).map(|step| step.positions).sum();
        (counted, pages)
    }

    fn check_rank(&self, account: AccountId, instrument: InstrumentId) -> Option<u32> {
        let page = |from| self.venue.deleveraging_rank(account, instrument, from).expect("known");
        let against = Position::ZERO - self.venue.ledger().position(account, instrument);
        let policy = DeleveragingPolicy::Water;
        let all: Vec<Holder> = self.venue.holders_against(instrument, against, policy).collect();
        let own = all.iter().find(|holder| holder.account == account);
        let Some(mut rank) = page(AccountId::default()) else {
            assert!(own.is_none() || against == Position::ZERO);
            return None;
        };
        let own = own.expect("who has a rank is a holder");
        while let Some(from) = rank.next {
            let more = page(from).expect("as before");
            (rank.ahead, rank.holders, rank.next) =
                (rank.ahead + more.ahead, rank.holders + more.holders, more.next);
        }
        // Leverage compared as two fractions of whole numbers.
        let over = |a: &Holder, b: &Holder| i128::from(a.open) * i128::from(b.equity.get());
        let ahead = all.iter().filter(|other| {
            let order = over(other, own).cmp(&over(own, other));
            order == Ordering::Greater || (order == Ordering::Equal && other.account < own.account)
        });
        assert_eq!((rank.ahead as usize, rank.holders as usize), (ahead.count(), all.len()));
        Some(rank.holders)
    }
}

#[test]
fn maps_and_ranks_are_what_every_account_says() {
    let seed = std::env::var("FULCRUM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_u64);
    println!("repeat: FULCRUM_SEED={seed} cargo test -p engine --test prospects");
    let mut world = World::new(seed);
    let (mut counted, mut pages, mut ranked) = (0, 0, 0);
    for _ in 0..12 {
        for _ in 0..1_000 {
            world.trade();
        }
        world.move_index();
        for instrument in [0, 1].map(InstrumentId::new) {
            let (positions, of_pages) = world.check_map(instrument);
            (counted, pages) = (counted + positions, pages.max(of_pages));
            let account = AccountId::new(FIRST + world.random.below(ACCOUNTS));
            ranked += world.check_rank(account, instrument).unwrap_or(0);
        }
    }
    println!("{counted} positions in maps of up to {pages} pages, {ranked} holders in ranks");
    assert!(counted > 2_000 && ranked > 2_000 && pages > 1, "there was something to find");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut world = World::new(1);
    world.trade();
    let map = |instrument, width, steps, from| {
        world.venue.liquidation_map(InstrumentId::new(instrument), Rate::new(width), steps, from).err()
    };
    assert_eq!(map(9, 1, 1, 0), Some(Reject::UnknownInstrument));
    assert_eq!(map(0, 0, 1, 0), Some(Reject::BadParameter));
    assert_eq!(map(0, 1_000_000_001, 1, 0), Some(Reject::BadParameter));
    assert_eq!(map(0, 1, 0, 0), Some(Reject::BadParameter));
    assert_eq!(map(0, 1, 33, 0), Some(Reject::BadParameter));
    assert_eq!(map(0, 1, 32, u64::MAX), Some(Reject::BadParameter));
    // Any number below is some place, and the worst that it does is an empty page.
    for from in [1, 1 << 59, (1 << 60) + 77, (2 << 60) + 5_000, (3 << 60) + 5_000] {
        assert_eq!(map(0, 1_000_000, 32, from), None);
    }
    let rank = |account, instrument| {
        let (account, instrument) = (AccountId::new(account), InstrumentId::new(instrument));
        world.venue.deleveraging_rank(account, instrument, AccountId::default())
    };
    assert_eq!(rank(FIRST, 9), Err(Reject::UnknownInstrument));
    assert_eq!(rank(4_000, 0), Err(Reject::UnknownAccount));
    assert!(SCAN_MAX >= usize::from(STEPS));
}
