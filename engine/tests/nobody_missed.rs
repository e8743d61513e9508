//! The full scan: after each price every account is assessed, and none that the venue let sleep may be below what its
//! state says.
//!
//! Hedged books and single positions, linear and inverse, on money, on coins and on both; prices that wander and jump,
//! one of them that of an instrument that stands still and only prices collateral; payments of funding in both
//! directions, interest, and trades in between. `FULCRUM_INDEX_TICKS` sets how many prices, `FULCRUM_SEED` which.

#[expect(dead_code, reason = "coverage and generators are asked for by other campaigns")]
mod campaign;

use std::collections::{BTreeMap, BTreeSet};

use campaign::collateral::{coined, coins};
use campaign::configured;
use campaign::rng::Rng;
use campaign::worlds::{LOT_VALUE, Traded};
use engine::limits::EVENTS_PER_COMMAND;
use engine::{
    Action, ClientOrderId, Command, Event, Events, MarginState, MassCancel, NewOrder, Seq, SessionId, Stamp,
    TimeInForce, TimeNs, TradingState, Transfer, Venue,
};
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{
    AccountId, AccountState, AdaptiveTerms, AssetId, Capacity, InstrumentId, Level, Mark, Money, Price, Qty,
    Side,
};

const TICKS: u64 = 20_000;
const ACCOUNTS: u32 = 1_000;
/// Takes the other side of everybody, and never falls.
const MAKER: AccountId = AccountId::new(FIRST_USER_ACCOUNT);
const COMMAND_NS: u64 = 1_000_000;
/// Ticks after which what stands in the book, and with it the sign of funding, changes.
const MOOD: u64 = 400;

struct Watched {
    venue: Venue,
    events: Events,
    rng: Rng,
    traded: Vec<Traded>,
    seq: u64,
    time: u64,
    clients: u64,
    warned: BTreeSet<AccountId>,
    counts: BTreeMap<&'static str, u64>,
}

/// The instruments with room for everybody, and without what moves initial margin alone.
fn roomy() -> Vec<Traded> {
    let mut all = coined();
    for traded in &mut all {
        let lots = traded.spec.lot.get() * 20_000_000;
        traded.spec.position_max = Qty::new(lots);
        traded.spec.open_interest_max = Qty::new(lots);
        traded.spec.order_qty_max = Qty::new(lots);
        traded.spec.adaptive = AdaptiveTerms::OFF;
    }
    all
}

impl Watched {
    fn new(seed: u64) -> Self {
        let capacity = Capacity { accounts: ACCOUNTS + 64, legs: 8 * ACCOUNTS, orders: 4_096 };
        Self {
            venue: Venue::new(capacity),
            events: Events::with_capacity(EVENTS_PER_COMMAND),
            rng: Rng::new(seed),
            traded: roomy(),
            seq: 0,
            time: 1_000_000_000,
            clients: 0,
            warned: BTreeSet::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Applies a command and what it leaves over.
    fn apply(&mut self, action: Action) {
        let mut command = Command::venue(action);
        if matches!(command.action, Action::NewOrder(_)) {
            self.clients += 1;
            command = Command {
                client_order_id: ClientOrderId::new(self.clients),
                ..Command::client(SessionId::new(0), command.action)
            };
        }
        self.send(&command);
        while self.venue.pending() {
            self.send(&Command::venue(Action::Continue));
        }
    }

    fn send(&mut self, command: &Command) {
        self.seq += 1;
        self.time += COMMAND_NS;
        self.events.clear();
        let stamp = Stamp { seq: Seq::new(self.seq), time: TimeNs::new(self.time) };
        self.venue.apply(stamp, command, &mut self.events);
        for event in self.events.as_slice() {
            *self.counts.entry(event.name()).or_default() += 1;
            if let Event::MarginStateChanged { account, state, .. } = *event {
                if state == MarginState::Warned {
                    self.warned.insert(account);
                } else {
                    self.warned.remove(&account);
                }
            }
            if let Event::FundingPaid { per_lot, .. } = *event {
                let sign = if per_lot > 0 { "longs pay" } else { "shorts pay" };
                *self.counts.entry(sign).or_default() += 1;
            }
        }
    }

    fn mark(&self, instrument: InstrumentId) -> Mark {
        let known = self.venue.ledger().instrument(instrument).mark;
        known.unwrap_or(Price::new(self.traded[instrument.index()].home).to_mark())
    }

    /// Instruments, assets, accounts with what they begin with.
    fn open(&mut self) {
        let mut assets = (1..).map(AssetId::new).zip(coins());
        for (place, traded) in self.traded.clone().into_iter().enumerate() {
            let instrument = InstrumentId::new(u32::try_from(place).expect("few"));
            if traded.spec.contract.settlement != AssetId::BASE {
                let all: Vec<_> = assets.by_ref().collect();
                for (asset, known) in all {
                    self.apply(Action::DefineAsset { asset, spec: Box::new(known.spec) });
                }
            }
            self.apply(Action::DefineInstrument { instrument, spec: Box::new(traded.spec) });
            self.apply(Action::index_price(instrument, Price::new(traded.home).to_mark()));
            if !traded.trades {
                self.apply(Action::SetTradingState { instrument, state: TradingState::Halted });
            }
        }
        self.apply(Action::OpenAccount { account: MAKER });
        self.apply(Action::Deposit(Transfer::new(MAKER, Money::new(1 << 55))));
        let coin = Transfer { asset: AssetId::new(1), ..Transfer::new(MAKER, Money::new(1 << 50)) };
        self.apply(Action::Deposit(coin));
        for number in 1..=ACCOUNTS {
            self.apply(Action::OpenAccount { account: AccountId::new(MAKER.get() + number) });
        }
        for number in 1..=ACCOUNTS {
            self.endow(AccountId::new(MAKER.get() + number));
        }
    }

    /// Gives an account money, or coins, or both, and positions as large as that admits, hedged or not.
    fn endow(&mut self, account: AccountId) {
        let parts = self.rng.within(1, 12);
        if !account.get().is_multiple_of(3) {
            let amount = Money::new((LOT_VALUE >> 2) * parts);
            self.apply(Action::Deposit(Transfer::new(account, amount)));
        }
        if account.get() % 3 != 1 {
            for (asset, known) in (1..).map(AssetId::new).zip(coins()) {
                let amount = Money::new(known.quarter * self.rng.within(1, 8));
                self.apply(Action::Deposit(Transfer { asset, ..Transfer::new(account, amount) }));
            }
        }
        let side = self.rng.pick(&[Side::Buy, Side::Sell]);
        for (place, part) in [(0, side), (2, side.opposite()), (3, side)] {
            if self.rng.permille(650) {
                self.trade(account, InstrumentId::new(place), part);
            }
        }
    }

    /// A trade at the mark as large as margin admits, give or take.
    fn trade(&mut self, account: AccountId, instrument: InstrumentId, side: Side) {
        let spec = &self.traded[instrument.index()].spec;
        let tick = spec.tick.get();
        let limit = Price::new(self.mark(instrument).floor_price().get().div_euclid(tick).max(1) * tick);
        let mut lots = self.rng.within(8, 64);
        let order = |account, side, lots: i64, time_in_force| {
            Action::NewOrder(NewOrder {
                account,
                instrument,
                side,
                qty: Qty::new(lots * spec.lot.get()),
                limit: Some(limit),
                time_in_force,
                post_only: false,
                reduce_only: false,
                persistent: false,
            })
        };
        let rests = order(MAKER, side.opposite(), lots, TimeInForce::GoodTillCancel);
        let mut takes = Vec::new();
        while lots > 0 {
            takes.push(order(account, side, lots, TimeInForce::ImmediateOrCancel));
            lots >>= 1;
        }
        self.apply(rests);
        for take in takes {
            self.apply(take);
            if !matches!(self.events.as_slice().first(), Some(Event::Rejected { .. })) {
                break;
            }
        }
        self.apply(Action::MassCancel(MassCancel::of_account(MAKER)));
    }

    /// Stands orders of size above or below the index, so that longs or shorts pay.
    fn set_mood(&mut self, mood: u64) {
        self.apply(Action::MassCancel(MassCancel::of_account(MAKER)));
        let instrument = InstrumentId::new(0);
        let (side, percent) = match mood % 3 {
            0 => return,
            1 => (Side::Buy, 102),
            _ => (Side::Sell, 98),
        };
        let price = self.mark(instrument).floor_price().get().div_euclid(500) * percent * 5;
        self.apply(Action::NewOrder(NewOrder {
            account: MAKER,
            instrument,
            side,
            qty: Qty::new(1_000),
            limit: Some(Price::new(price)),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: true,
            reduce_only: false,
            persistent: false,
        }));
    }

    /// The next price of some instrument: it wanders about its home and now and then jumps.
    fn price(&mut self) {
        let instrument = InstrumentId::new(u32::try_from(self.rng.below(4)).expect("few"));
        let home = self.traded[instrument.index()].home << 10;
        let now = self.venue.ledger().instrument(instrument).index.map_or(home, Mark::get);
        let share = |permyriad: i64| now.div_euclid(10_000) * permyriad;
        let moved = match self.rng.below(1_000) {
            0..900 => share(self.rng.within(-12, 12)),
            900..995 => share(self.rng.within(-120, 120)),
            _ => share(self.rng.within(-700, 700)),
        };
        let price = Mark::new(now + (home - now).div_euclid(200) + moved + self.rng.within(-3, 3));
        self.apply(Action::index_price(instrument, price));
    }

    /// Assesses everybody.
    fn scan(&self) {
        let ledger = self.venue.ledger();
        for (account, known) in ledger.accounts() {
            if account.is_system() || known.state != AccountState::Active {
                continue;
            }
            let now = ledger.assess(account);
            assert!(!now.is_below(Level::Maintenance), "account {account} was missed: {now:?}");
            let is_told = self.warned.contains(&account) || !now.is_below(Level::Warning);
            assert!(is_told, "account {account} was not warned: {now:?}");
        }
    }

    /// Trades of a few, and money for those that have nothing left.
    fn disturb(&mut self) {
        let account = AccountId::new(MAKER.get() + 1 + u32::try_from(self.rng.below(1_000)).expect("few"));
        let instrument = InstrumentId::new(self.rng.pick(&[0, 2, 3]));
        let is_flat = self.venue.ledger().assess(account).exposure == Money::ZERO;
        if is_flat {
            self.endow(account);
        } else {
            let side = self.rng.pick(&[Side::Buy, Side::Sell]);
            self.trade(account, instrument, side);
        }
    }
}

#[test]
fn no_account_is_missed() {
    let ticks = configured("FULCRUM_INDEX_TICKS", TICKS);
    let seed = configured("FULCRUM_SEED", 1);
    println!(
        "repeat with: FULCRUM_SEED={seed} FULCRUM_INDEX_TICKS={ticks} cargo test -p engine --test nobody_missed"
    );
    let mut watched = Watched::new(seed);
    watched.open();
    watched.scan();
    for tick in 0..ticks {
        watched.price();
        watched.scan();
        let calm = tick.div_euclid(MOOD) % 3 == 0;
        if tick.is_multiple_of(MOOD) {
            watched.set_mood(tick.div_euclid(MOOD));
        }
        if tick % 16 == 0 && calm {
            watched.disturb();
        }
        if tick % 40 == 0 {
            let hours = if tick % 2_000 == 0 { 3_600 } else { 1 };
            watched.time += hours * 1_000_000_000;
            watched.apply(Action::Tick);
            watched.scan();
        }
        if tick % 1_000 == 0 {
            watched.venue.check();
        }
    }
    println!("{ticks} prices, after each {ACCOUNTS} accounts, none missed: {:#?}", watched.counts);
    if ticks >= TICKS {
        for kind in [
            "MarginStateChanged",
            "LiquidationStarted",
            "longs pay",
            "shorts pay",
            "Converted",
            "InterestCharged",
        ] {
            assert!(watched.counts.contains_key(kind), "{kind} never happened");
        }
    }
}
