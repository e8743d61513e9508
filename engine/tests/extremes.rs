//! At the ends of every range: the largest prices, quantities, open interests, leverages and balances, single units, and
//! weights of nothing, of all and of twice as much. Random commands there meet a typed reject or are carried out; nothing
//! overflows in a build that looks for it.
//!
//! `FULCRUM_EXTREME_COMMANDS` sets how many commands, `FULCRUM_SEED` the first seed.

#[expect(dead_code, reason = "coverage and generators are asked for by other campaigns")]
mod campaign;

use std::collections::BTreeMap;

use campaign::configured;
use campaign::rng::Rng;
use engine::limits::EVENTS_PER_COMMAND;
use engine::{
    Action, ClientOrderId, Command, Event, Events, NewOrder, Seq, SessionId, Stamp, TimeInForce, TimeNs,
    Transfer, TransferBetween, Venue,
};
use risk::limits::{FIRST_USER_ACCOUNT, MONEY_MAX, NOTIONAL_MAX, PRICE_MAX, QTY_MAX};
use risk::{
    AccountId, AdaptiveTerms, AssetId, AssetSpec, Capacity, ContractKind, ContractTerms, DebtTerms, FeeRate,
    FundingTerms, InstrumentId, InstrumentSpec, Leverage, Mark, Money, Price, PricingTerms, Qty, Rate, Side,
    Slice, Tier,
};

const _: () = assert!(cfg!(debug_assertions), "a build that looks for overflows");

const COMMANDS: u64 = 60_000;
const COMMANDS_PER_WORLD: u64 = 3_000;
const ACCOUNTS: u64 = 6;
const INSTRUMENTS: u32 = 5;

fn one_tier(rate: u32) -> Vec<Tier> {
    vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }]
}

/// An instrument whose open interest at its highest price is as large as any may be.
fn largest(price_max: i64, open_interest: i64, tick: i64) -> InstrumentSpec {
    InstrumentSpec {
        symbol: [0; 16],
        price_decimals: 0,
        qty_decimals: 0,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(tick),
        lot: Qty::new(1),
        price_max: Price::new(price_max),
        order_qty_max: Qty::new(open_interest),
        position_max: Qty::new(open_interest),
        open_interest_max: Qty::new(open_interest),
        price_band: Rate::new(500_000_000),
        market_collar: Rate::new(500_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(-100_000_000),
        taker_fee: Rate::new(100_000_000),
        liquidation_fee: Rate::new(100_000_000),
        initial_tiers: one_tier(2),
        maintenance_tiers: one_tier(1),
        contract: ContractTerms::LINEAR_PERPETUAL,
        adaptive: AdaptiveTerms {
            oi_lower: Money::ZERO,
            oi_upper: Money::new(NOTIONAL_MAX),
            depth: Money::new(1),
            concentration_free: 0,
            concentration_slope: Rate::new(u32::MAX),
            profit_weight: Rate::new(0),
        },
        pricing: PricingTerms::DIRECT,
        funding: FundingTerms::NONE,
    }
}

/// The coarsest prices, the finest, the dearest margin, and inverse contracts of either end.
fn instruments() -> Vec<InstrumentSpec> {
    let dear = largest(1 << 20, 1 << 37, 1);
    let coin = ContractTerms {
        kind: ContractKind::Inverse,
        settlement: AssetId::new(1),
        ..ContractTerms::LINEAR_PERPETUAL
    };
    vec![
        largest(1 << 25, 1 << 32, 1),
        largest(PRICE_MAX - (1 << 14), 1 << 17, 1 << 14),
        InstrumentSpec {
            initial_tiers: one_tier(1_000_000_000),
            maintenance_tiers: one_tier(800_000_000),
            adaptive: AdaptiveTerms::OFF,
            ..dear
        },
        InstrumentSpec { contract: coin, ..largest(1 << 25, QTY_MAX, 1) },
        InstrumentSpec {
            contract: coin,
            maintenance_tiers: one_tier(800_000_000),
            initial_tiers: one_tier(1_000_000_000),
            adaptive: AdaptiveTerms::OFF,
            ..largest(1 << 25, 1 << 20, 1)
        },
    ]
}

/// Assets that count for nothing, and in full; debts that count twice.
fn assets() -> Vec<AssetSpec> {
    let spec = |weight: u32, liability: u32, haircut: u32| AssetSpec {
        symbol: [0; 16],
        decimals: 0,
        priced_by: InstrumentId::new(0),
        weights: vec![Slice { cap: Money::new(MONEY_MAX), weight: Rate::new(weight) }],
        liability_weight: Rate::new(liability),
        wrong_way: Rate::new(1_000_000_000 - weight),
        full_weight_total: Money::new(1),
        deposit_max: Money::new(MONEY_MAX),
        conversion_haircut: Rate::new(haircut),
        debt: DebtTerms { max: Money::ZERO, interest: Rate::new(4_000_000_000) },
        spend_rank: 0,
    };
    vec![
        spec(1_000_000_000, 2_000_000_000, 500_000_000),
        spec(0, 2_000_000_000, 0),
        AssetSpec {
            full_weight_total: Money::ZERO,
            debt: DebtTerms::FREE,
            ..spec(1_000_000_000, 1_000_000_000, 0)
        },
    ]
}

struct World {
    venue: Venue,
    rng: Rng,
    seq: u64,
    time: u64,
    clients: u64,
    events: Events,
    carried_out: u64,
    refused: u64,
    /// How often each kind of event came about.
    met: BTreeMap<&'static str, u64>,
}

impl World {
    fn new(seed: u64) -> Self {
        let capacity = Capacity { accounts: 32, legs: 128, orders: 512 };
        Self {
            venue: Venue::new(capacity),
            rng: Rng::new(seed),
            seq: 0,
            time: 1,
            clients: 0,
            events: Events::with_capacity(EVENTS_PER_COMMAND),
            carried_out: 0,
            refused: 0,
            met: BTreeMap::new(),
        }
    }

    fn apply(&mut self, action: Action) -> bool {
        self.clients += 1;
        let client_order_id = ClientOrderId::new(self.clients);
        let order = Command { client_order_id, ..Command::client(SessionId::new(0), action) };
        let went = self.send(&order);
        while self.venue.pending() {
            self.send(&Command::venue(Action::Continue));
        }
        went
    }

    fn send(&mut self, command: &Command) -> bool {
        self.seq += 1;
        self.time += 1_000_000;
        self.events.clear();
        let stamp = Stamp { seq: Seq::new(self.seq), time: TimeNs::new(self.time) };
        self.venue.apply(stamp, command, &mut self.events);
        for event in self.events.as_slice() {
            *self.met.entry(event.name()).or_default() += 1;
        }
        !matches!(self.events.as_slice(), [Event::Rejected { .. }])
    }

    fn open(&mut self) {
        let all = instruments();
        for (number, spec) in (0..).zip(all) {
            if number == 3 {
                for (asset, spec) in (1..).map(AssetId::new).zip(assets()) {
                    assert!(self.apply(Action::DefineAsset { asset, spec: Box::new(spec) }), "{asset}");
                }
            }
            let instrument = InstrumentId::new(number);
            let price = spec.price_max.to_mark();
            assert!(self.apply(Action::DefineInstrument { instrument, spec: Box::new(spec) }), "{number}");
            assert!(self.apply(Action::index_price(instrument, price)));
        }
        for number in 0..ACCOUNTS {
            let account = AccountId::new(FIRST_USER_ACCOUNT + u32::try_from(number).expect("few"));
            assert!(self.apply(Action::OpenAccount { account }));
        }
    }

    fn account(&mut self) -> AccountId {
        AccountId::new(FIRST_USER_ACCOUNT + u32::try_from(self.rng.below(ACCOUNTS)).expect("few"))
    }

    /// A number near one end of a range, or anywhere in it.
    fn extreme(&mut self, most: i64) -> i64 {
        match self.rng.below(6) {
            0 | 1 => most - self.rng.within(0, 2).min(most),
            2 | 3 => self.rng.within(1, 3).min(most),
            4 => most >> self.rng.below(62),
            _ => self.rng.within(1, most),
        }
    }

    fn price(&mut self, instrument: InstrumentId) -> Price {
        let spec = &self.venue.ledger().instrument(instrument).spec;
        let (tick, most) = (spec.tick.get(), spec.price_max.get());
        let mark =
            self.venue.ledger().instrument(instrument).mark.map_or(most, |mark| mark.floor_price().get());
        let near = match self.rng.below(4) {
            0 => mark,
            1 => mark >> 1,
            2 => (mark + (mark >> 1)).min(most),
            _ => self.extreme(most),
        };
        Price::new(near.div_euclid(tick).max(1) * tick)
    }

    fn action(&mut self) -> Action {
        let account = self.account();
        let instrument =
            InstrumentId::new(u32::try_from(self.rng.below(u64::from(INSTRUMENTS))).expect("few"));
        let asset = AssetId::new(u16::try_from(self.rng.below(4)).expect("few"));
        let amount = Money::new(self.extreme(MONEY_MAX));
        match self.rng.below(100) {
            0..14 => Action::Deposit(Transfer { asset, ..Transfer::new(account, amount) }),
            14..20 => Action::Withdraw(Transfer { asset, ..Transfer::new(account, amount) }),
            20..23 => {
                let to = self.account();
                Action::TransferBetween(TransferBetween { from: account, to, asset, amount, external_id: 0 })
            }
            23..40 => {
                let spec = &self.venue.ledger().instrument(instrument).spec;
                let most = spec.price_max.to_mark().get();
                Action::index_price(instrument, Mark::new(self.extreme(most)))
            }
            40..44 => {
                let max = self.rng.pick(&[0, 1, MONEY_MAX]);
                let interest = self.rng.pick(&[0, 1, 4_000_000_000]);
                let terms = DebtTerms { max: Money::new(max), interest: Rate::new(interest) };
                Action::SetDebtTerms { asset, terms }
            }
            44..47 => {
                self.time += self.rng.pick(&[1, 3_600, 400 * 24 * 3_600]) * 1_000_000_000;
                Action::Tick
            }
            47..50 => {
                let leverage = Leverage::new(self.rng.pick(&[100, 101, u32::MAX, 1_000_000_000]));
                Action::SetLeverage { account, instrument, leverage }
            }
            _ => {
                let most = self.venue.ledger().instrument(instrument).spec.order_qty_max.get();
                let (qty, limit) = (Qty::new(self.extreme(most)), self.price(instrument));
                let side = self.rng.pick(&[Side::Buy, Side::Sell]);
                let market = self.rng.permille(100);
                let lasts = !market && self.rng.permille(500);
                Action::NewOrder(NewOrder {
                    account,
                    instrument,
                    side,
                    qty,
                    limit: (!market).then_some(limit),
                    time_in_force: if lasts {
                        TimeInForce::GoodTillCancel
                    } else {
                        TimeInForce::ImmediateOrCancel
                    },
                    post_only: false,
                    reduce_only: self.rng.permille(100),
                    persistent: false,
                })
            }
        }
    }
}

#[test]
fn nothing_overflows_at_the_ends_of_ranges() {
    let total = configured("FULCRUM_EXTREME_COMMANDS", COMMANDS);
    let first = configured("FULCRUM_SEED", 1);
    let (mut carried_out, mut refused) = (0, 0);
    let mut met: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in first..first + total.div_ceil(COMMANDS_PER_WORLD) {
        println!(
            "repeat with: FULCRUM_SEED={seed} FULCRUM_EXTREME_COMMANDS=1 cargo test -p engine --test extremes"
        );
        let mut world = World::new(seed);
        world.open();
        for turn in 0..COMMANDS_PER_WORLD {
            let action = world.action();
            if world.apply(action) {
                world.carried_out += 1;
            } else {
                world.refused += 1;
            }
            if turn % 64 == 0 {
                world.venue.check();
            }
            // What people are shown is computed from the same figures.
            let account = world.account();
            for asset in (0..4).map(AssetId::new) {
                let leaves = world.venue.ledger().withdrawable(account, asset);
                assert!(leaves >= Money::ZERO, "{leaves} of {asset} may leave {account}");
            }
        }
        carried_out += world.carried_out;
        refused += world.refused;
        for (name, count) in world.met {
            *met.entry(name).or_default() += count;
        }
    }
    println!("{carried_out} carried out, {refused} refused: {met:#?}");
    for name in ["Fill", "TakenOver", "Converted", "InterestCharged"] {
        assert!(total < COMMANDS || met.contains_key(name), "{name} never happened");
    }
    assert!(carried_out > refused.div_euclid(8), "{carried_out} carried out, {refused} refused");
}
