//! What do accounts cost that a mark tick does concern: those on the hot list, hedged ones near its threshold, and those
//! with several assets, which sleep behind sentinels?
//!
//! Every account trades with one rich account at the base price; then prices move to where the measurement is to take
//! place. Nobody is warned or liquidated while it lasts: that is asserted.
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "means and shares of a report")]

use engine::{Action, Command, Event, Events, Transfer};
use risk::{
    AssetId, AssetSpec, DebtTerms, InstrumentId, InstrumentSpec, Mark, Money, Price, Qty, Rate, Side, Slice,
};
use serde::Serialize;

use crate::measure::{Spread, cpu_ns_per_op};
use crate::population::{BASE, Feeder, Population, Terms, account_at, spec};
use crate::random::Random;
use crate::report::table;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Accounts on the hot list, and just outside.
    pub accounts: Vec<u32>,
    /// Accounts that a wandering price wakes.
    pub walkers: u32,
    /// Ticks per run.
    pub ticks: usize,
    /// Runs.
    pub runs: usize,
}

impl Options {
    /// A run of a moment, for tests.
    #[must_use]
    pub fn quick() -> Self {
        Self { accounts: vec![20], walkers: 40, ticks: 100, runs: 1 }
    }
}

/// One venue under ticks.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What its accounts are like.
    pub case: String,
    /// How many there are.
    pub accounts: u32,
    /// How many of them are on the hot list when the first run begins.
    pub hot: usize,
    /// CPU nanoseconds per tick, what it leaves over included.
    pub ns_per_tick: Spread,
    /// Accounts looked at per tick.
    pub looks_per_tick: f64,
    /// Nanoseconds of the median run per account looked at; none where nobody is.
    pub ns_per_look: Option<f64>,
}

/// Basis point of the base price, in sub-units of a mark.
fn basis_point() -> i64 {
    Price::new(BASE).to_mark().get().div_euclid(10_000)
}

/// Lots of every position: its value is [`VALUE`].
const LOTS: i64 = 10;
/// Value of every position at the base price.
const VALUE: i64 = LOTS * BASE * 10;
/// The rich account's.
const RICH: Money = Money::new(1 << 55);
/// The collateral asset beside the unit of account.
const COIN: AssetId = AssetId::new(1);

/// A price that wanders in steps, within bounds around the base.
struct Walk {
    random: Random,
    /// Distance from where each instrument began, in sub-units.
    at: Vec<i64>,
    /// Where each began.
    from: Vec<i64>,
    step: i64,
    within: i64,
}

impl Walk {
    fn new(from: Vec<i64>, step: i64, within: i64) -> Self {
        Self { random: Random::new(23), at: vec![0; from.len()], from, step, within }
    }

    fn step_of(&mut self, instrument: u32) -> i64 {
        let width = u32::try_from(2 * self.step + 1).expect("a step is a few basis points");
        let at = &mut self.at[instrument as usize];
        let next = *at + i64::from(self.random.below(width)) - self.step;
        *at = if next.abs() > self.within { *at } else { next };
        *at
    }

    fn price(&self, instrument: u32, offset: i64) -> Command {
        let price = Mark::new(self.from[instrument as usize] + offset);
        Command::venue(Action::index_price(InstrumentId::new(instrument), price))
    }

    /// One instrument moves.
    fn one(&mut self, instrument: u32) -> Command {
        let offset = self.step_of(instrument);
        self.price(instrument, offset)
    }

    /// Ticks of all instruments by turns.
    fn by_turns(&mut self, count: usize) -> Vec<Command> {
        let instruments = u32::try_from(self.from.len()).expect("a few");
        (0..instruments).cycle().take(count).map(|instrument| self.one(instrument)).collect()
    }

    /// Ticks of two instruments that move together.
    fn hedged(&mut self, count: usize) -> Vec<Command> {
        let pairs = (0..count.div_ceil(2)).map(|_| {
            let offset = self.step_of(0);
            [self.price(0, offset), self.price(1, offset)]
        });
        pairs.flatten().collect()
    }
}

/// A venue whose accounts are as the measurement wants them.
struct Stage {
    population: Population,
    accounts: u32,
    next: u32,
}

impl Stage {
    fn new(accounts: u32, instruments: u32, legs: u32, spec: &InstrumentSpec) -> Self {
        let terms = Terms {
            accounts: accounts + 1,
            instruments,
            legs,
            resting: 0,
            room: 0,
            fixed_qty: None,
            seed: 29,
        };
        let mut population = Population::of_spec(terms, spec);
        population.open_account(0, RICH);
        Self { population, accounts, next: 1 }
    }

    /// Opens an account with so much money, and trades its positions.
    fn open(&mut self, deposit: i64, coins: i64, legs: &[(u32, Side)]) {
        let index = self.next;
        self.next += 1;
        self.population.open_account(index, Money::new(deposit));
        if coins > 0 {
            let asset = Transfer { asset: COIN, ..Transfer::new(account_at(index), Money::new(coins)) };
            self.population.feeder.admin(Action::Deposit(asset));
        }
        for &(instrument, side) in legs {
            self.population.trade(index, 0, InstrumentId::new(instrument), side, Qty::new(LOTS));
        }
    }

    /// Moves an index to so many basis points off the base, in steps that the mark follows.
    fn move_to(&mut self, instrument: u32, basis_points: i64) -> i64 {
        let price = Price::new(BASE).to_mark().get() + basis_points * basis_point();
        self.population.feeder.admin(Action::index_price(InstrumentId::new(instrument), Mark::new(price)));
        price
    }

    fn define_coin(&mut self) {
        let spec = AssetSpec {
            symbol: *b"COIN\0\0\0\0\0\0\0\0\0\0\0\0",
            decimals: 8,
            priced_by: InstrumentId::new(0),
            weights: vec![Slice { cap: Money::new(1 << 50), weight: Rate::new(950_000_000) }],
            liability_weight: Rate::ONE,
            wrong_way: Rate::new(0),
            full_weight_total: Money::ZERO,
            deposit_max: Money::new(1 << 55),
            conversion_haircut: Rate::new(50_000_000),
            debt: DebtTerms::FREE,
            spend_rank: 1,
        };
        self.population.feeder.admin(Action::DefineAsset { asset: COIN, spec: Box::new(spec) });
    }

    /// Times runs, each over the ticks that follow those of the run before.
    fn measure(self, case: &str, runs: usize, mut follow: impl FnMut() -> Vec<Command>) -> Line {
        let mut feeder = self.population.feeder;
        assert_eq!((feeder.rejects, feeder.liquidations), (0, 0), "{case}: the venue took everything");
        let hot = feeder.venue.hot_accounts();
        let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
        let mut ns = Vec::new();
        let before = feeder.venue.looks();
        let mut count = 0;
        for _ in 0..runs.max(1) {
            let ticks = follow();
            count += ticks.len();
            ns.push(cpu_ns_per_op(ticks.len(), || {
                for tick in &ticks {
                    feeder.drive(tick, &mut events);
                    let is_quiet = matches!(events.as_slice(), [Event::Marked { .. }]);
                    assert!(is_quiet, "{case}: a tick says nothing but the mark");
                }
            }));
        }
        let looks = feeder.venue.looks() - before;
        let ns_per_tick = Spread::of(&ns);
        let looks_per_tick = looks as f64 / count.max(1) as f64;
        let ns_per_look = (looks > 0).then(|| ns_per_tick.median / looks_per_tick);
        let accounts = self.accounts;
        Line { case: case.to_owned(), accounts, hot, ns_per_tick, looks_per_tick, ns_per_look }
    }
}

/// Accounts with one long, led below the base until they are on the hot list, or just outside. A hundredth of a position's
/// value is its initial margin, half of that maintenance, five eighths of it the level of the warning; the list takes
/// who is found within 19.5 basis points of exposure of that, which a fall of 39 sees to.
fn beside_the_list(accounts: u32, path: &[i64], case: &str, options: &Options) -> Line {
    let mut stage = Stage::new(accounts, 1, 1, &spec());
    for _ in 0..accounts {
        // 110 basis points, of which 5 go as fee.
        stage.open(VALUE.div_euclid(10_000) * 110, 0, &[(0, Side::Buy)]);
    }
    let from = path.iter().map(|&basis_points| stage.move_to(0, basis_points)).last();
    let from = from.expect("a path leads somewhere");
    let still = basis_point() >> 1;
    let mut walk = Walk::new(vec![from], still, still);
    stage.measure(case, options.runs, || walk.by_turns(options.ticks))
}

/// Accounts long of one instrument and short of another as much, `slack` basis points of exposure above the level of the
/// warning; both prices wander together, so that the slack stays while each leg's trigger is crossed again and again.
fn hedged(accounts: u32, slack: i64, step: i64, options: &Options) -> Line {
    let mut stage = Stage::new(accounts, 2, 2, &spec());
    for _ in 0..accounts {
        // 220 basis points of one leg, of which 10 go as fees; both legs together are warned at 125.
        stage.open(VALUE.div_euclid(10_000) * 220, 0, &[(0, Side::Buy), (1, Side::Sell)]);
    }
    let from = stage.move_to(0, 2 * slack - 85);
    let from = vec![from, Price::new(BASE).to_mark().get()];
    let mut walk = Walk::new(from, step * basis_point(), 50 * basis_point());
    let case = format!("hedged, {slack} basis points above the warning, ticks of {step} at most");
    stage.measure(&case, options.runs, || walk.hedged(options.ticks))
}

/// Accounts with four legs of eight instruments, alternately long and short, and 6 to 25 % of their exposure in money, or
/// half of it in coins. The prices wander, or stand still.
fn wandering(accounts: u32, has_coins: bool, wanders: bool, options: &Options) -> Line {
    let mut stage = with_four_legs(accounts, has_coins, &spec());
    let base = vec![Price::new(BASE).to_mark().get(); INSTRUMENTS as usize];
    let (step, within) = if wanders {
        (WANDER * basis_point(), 400 * basis_point())
    } else {
        (basis_point() >> 1, basis_point() >> 1)
    };
    let mut walk = Walk::new(base, step, within);
    // All were armed at one price; by the time it is measured they have been woken at different ones.
    let settle = if wanders { walk.by_turns(8 * options.ticks) } else { Vec::new() };
    for tick in &settle {
        stage.population.feeder.send(tick);
    }
    let assets = if has_coins { "two assets" } else { "one asset" };
    let moves = if wanders { "prices wander by 25 basis points a tick" } else { "nothing is crossed" };
    stage.measure(&format!("4 legs, {assets}, {moves}"), options.runs, || walk.by_turns(8 * options.ticks))
}

/// Basis points that a wandering price moves in a tick at most.
const WANDER: i64 = 25;
const INSTRUMENTS: u32 = 8;
const LEGS: u32 = 4;

/// A venue whose accounts have four legs and two assets, half of what they were given each.
pub(crate) fn with_two_assets(accounts: u32, spec: &InstrumentSpec) -> Feeder {
    with_four_legs(accounts, true, spec).population.feeder
}

fn with_four_legs(accounts: u32, has_coins: bool, spec: &InstrumentSpec) -> Stage {
    let mut stage = Stage::new(accounts, INSTRUMENTS, LEGS, spec);
    if has_coins {
        stage.define_coin();
    }
    let mut random = Random::new(31);
    for index in 0..accounts {
        let leg = |leg: u32| {
            let side = if (index + leg) & 1 == 0 { Side::Buy } else { Side::Sell };
            ((index * 3 + leg).rem_euclid(INSTRUMENTS), side)
        };
        let legs: Vec<(u32, Side)> = (0..LEGS).map(leg).collect();
        let percent = 6 + i64::from(random.below(20));
        let deposit = VALUE.div_euclid(100) * i64::from(LEGS) * percent;
        if has_coins {
            // A coin of 10^8 units is worth the base price, 10^10 units of money.
            let half = deposit >> 1;
            stage.open(half, half.div_euclid(100), &legs);
        } else {
            stage.open(deposit, 0, &legs);
        }
    }
    stage
}

/// Measures every venue.
#[must_use]
pub fn run(options: &Options) -> Vec<Line> {
    let mut lines = Vec::new();
    for &accounts in &options.accounts {
        lines.push(beside_the_list(accounts, &[-39, -33], "one long, on the hot list", options));
        lines.push(beside_the_list(accounts, &[-15], "one long, just outside", options));
    }
    let cases = [(4, 2), (10, 2), (10, 8), (10, 16), (21, 2), (21, 16), (40, 2)];
    lines.extend(cases.map(|(slack, step)| hedged(options.walkers, slack, step, options)));
    for wanders in [false, true] {
        lines.extend([false, true].map(|has_coins| wandering(options.walkers, has_coins, wanders, options)));
    }
    lines
}

/// The lines for people.
#[must_use]
pub fn text(lines: &[Line]) -> String {
    let heads = ["accounts that", "number", "hot", "ns/tick", "min-max", "looks/tick", "ns/look"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(lines.iter().map(|line| {
        vec![
            line.case.clone(),
            line.accounts.to_string(),
            line.hot.to_string(),
            format!("{:.1}", line.ns_per_tick.median),
            format!("{:.1}-{:.1}", line.ns_per_tick.min, line.ns_per_tick.max),
            format!("{:.2}", line.looks_per_tick),
            line.ns_per_look.map_or("-".to_owned(), |ns| format!("{ns:.1}")),
        ]
    }));
    format!("accounts that ticks concern; what a tick leaves over is counted in\n{}", table(&rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_where_they_are_said_to_be() {
        let lines = run(&Options::quick());
        assert_eq!((lines[0].hot, lines[1].hot), (20, 0), "{}", text(&lines));
        assert!(
            (lines[0].looks_per_tick - 20.0).abs() < 0.01 && lines[1].looks_per_tick == 0.0,
            "{}",
            text(&lines)
        );
        let hot: Vec<usize> = lines[2..9].iter().map(|line| line.hot).collect();
        assert_eq!(hot, [40, 40, 40, 40, 0, 0, 0], "{}", text(&lines));
        assert_eq!((lines[9].looks_per_tick, lines[10].looks_per_tick), (0.0, 0.0), "{}", text(&lines));
    }
}
