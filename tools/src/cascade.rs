//! `fulcrum cascade`: prices fall through a venue full of leveraged accounts, and every guarantee of liquidation, insurance
//! and deleveraging is verified from the events.
//!
//! Invariant: time is virtual, and everything is drawn from the seed: with the same arguments the run and its digest are the
//! same. A guarantee that does not hold makes the exit code 1 and is told with the line that repeats the run.

mod desk;
mod fairness;
mod latency;
mod market;
mod measure;
mod population;
mod report;
#[cfg(test)]
mod tests;
mod watch;

use std::io::Write;

use anyhow::Context;
use clap::{Args, ValueEnum};
use risk::deleveraging::DeleveragingPolicy;
use risk::limits::MONEY_MAX;
use risk::{AccountId, Money, Rate, RiskGroupTerms};

use crate::flow::random::Random;
use crate::format::{mantissa, parts_per_billion, percent};
use crate::progress::{Progress, say};

use desk::{Desk, STEP_NS};
use fairness::Fairness;
use latency::Latency;
use population::Population;
use watch::{FundTerms, Victim, Watch};

pub use report::Report;

/// Intervals after which a cascade must have come to rest.
const REST_MAX: u64 = 2_000;
/// Times in a run that the venue verifies itself against a naive recomputation.
const CHECKS: u64 = 10;
const MONEY_DECIMALS: u8 = 6;

/// What rests in the books.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Depth {
    /// Nothing
    Empty,
    /// A thousandth of the open interest on each side, renewed ten times a second
    Thin,
    /// Twice the open interest on each side
    Deep,
}

/// How holders share what nobody takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Policy {
    /// The most leveraged are cut to one level of leverage
    Water,
    /// A queue by profit and leverage
    Bitmex,
    /// A queue by profit and margin ratio
    Binance,
}

impl Policy {
    const ALL: [Self; 3] = [Self::Water, Self::Bitmex, Self::Binance];

    const fn rule(self) -> DeleveragingPolicy {
        match self {
            Self::Water => DeleveragingPolicy::Water,
            Self::Bitmex => DeleveragingPolicy::Profit,
            Self::Binance => DeleveragingPolicy::LeveragedProfit,
        }
    }

    /// As it is given.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Water => "water",
            Self::Bitmex => "bitmex",
            Self::Binance => "binance",
        }
    }
}

impl Depth {
    const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Thin => "thin",
            Self::Deep => "deep",
        }
    }
}

/// Arguments of `fulcrum cascade`.
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[derive(Clone, Debug, Args)]
pub struct CascadeArgs {
    /// Accounts with leveraged positions, beside four makers
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub accounts: u32,
    /// What rests in the books
    #[arg(long, value_enum, default_value_t = Depth::Thin)]
    pub depth: Depth,
    /// Money in the insurance fund: dollars, or `1u` for the smallest unit there is
    #[arg(long, value_name = "X", default_value = "0", value_parser = parse_money)]
    pub insurance: Money,
    /// How far the price moves, such as `-30%`, a fifth of it at once; the other underlying moves half as much
    #[arg(long, value_name = "P", default_value = "-30%", allow_hyphen_values = true, value_parser = parse_shock)]
    pub shock: i64,
    /// Simulated seconds in which it does, with ten ticks in each
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
    /// How holders share what nobody takes
    #[arg(long, value_enum, default_value_t = Policy::Water)]
    pub policy: Policy,
    /// Seed of the accounts and prices
    #[arg(long, value_name = "K", default_value_t = 1)]
    pub seed: u64,
    /// Money of an account that takes over at the mark what the books do not take, as `--insurance` [default: there is none]
    #[arg(long, value_name = "X", value_parser = parse_money)]
    pub backstop: Option<Money>,
    /// Let a worker plan deleveragings, whose plans arrive a tick later, instead of the venue
    #[arg(long)]
    pub worker: bool,
    /// Give the whole long side of the perpetual to one account
    #[arg(long)]
    pub whale: bool,
    /// Run the same cascade under each policy, and compare whom they hit
    #[arg(long)]
    pub compare: bool,
    /// Measure how long unrelated orders take before and during it; these figures are no part of the digest
    #[arg(long, conflicts_with = "compare")]
    pub latency: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn parse_money(text: &str) -> Result<Money, String> {
    let units = match text.strip_suffix('u') {
        Some(units) => units.parse().map_err(|_| "expected a whole number of units before `u`".to_owned())?,
        None => mantissa(text, MONEY_DECIMALS).map_err(|error| error.to_string())?,
    };
    if (0..MONEY_MAX >> 2).contains(&units) { Ok(Money::new(units)) } else { Err("out of range".to_owned()) }
}

fn parse_shock(text: &str) -> Result<i64, String> {
    let rate = parts_per_billion(text).map_err(|error| error.to_string())?;
    if (-950_000_000..=1_000_000_000).contains(&rate) {
        Ok(rate)
    } else {
        Err("expected a move from -95% to 100%".to_owned())
    }
}

impl CascadeArgs {
    /// The line that repeats a run.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { accounts, seconds, seed, .. } = self;
        let (depth, policy) = (self.depth.name(), self.policy.name());
        let (insurance, shock) = (self.insurance.get(), percent(self.shock));
        let mut line = format!(
            "fulcrum cascade --accounts {accounts} --depth {depth} --insurance {insurance}u --shock {shock} \
             --seconds {seconds} --policy {policy} --seed {seed}"
        );
        let backstop = self.backstop.map(|money| format!(" --backstop {}u", money.get()));
        line.push_str(backstop.as_deref().unwrap_or_default());
        for (is_given, flag) in [(self.worker, " --worker"), (self.whale, " --whale")] {
            line.push_str(if is_given { flag } else { "" });
        }
        line
    }
}

/// Plays a cascade, or the same one under each policy, and prints what happened.
///
/// # Errors
/// What the venue refused while it was set up.
pub fn run(args: &CascadeArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    if args.compare {
        return run_compared(args, output);
    }
    let (report, _) = play(args)?;
    if args.json {
        writeln!(output, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(output, "{report}")?;
    }
    output.flush()?;
    Ok(judge(&report, args))
}

fn run_compared(args: &CascadeArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let mut code = 0;
    let mut columns = Vec::new();
    for policy in Policy::ALL {
        let args = CascadeArgs { policy, ..args.clone() };
        let (report, victims) = play(&args)?;
        code = code.max(judge(&report, &args));
        columns.push(fairness::Column::of(policy.name(), &report, &victims));
    }
    let fairness = Fairness { policies: columns };
    if args.json {
        writeln!(output, "{}", serde_json::to_string(&fairness)?)?;
    } else {
        write!(output, "{fairness}")?;
    }
    output.flush()?;
    Ok(code)
}

fn judge(report: &Report, args: &CascadeArgs) -> u8 {
    for violation in &report.violations {
        say(&format!("violated: {violation}"));
    }
    if !report.is_sound() {
        say(&format!("repeat: {}", args.line()));
    }
    u8::from(!report.is_sound())
}

/// Who gave up what, by account.
type Victims = std::collections::BTreeMap<AccountId, Victim>;

/// One run.
///
/// # Errors
/// What the venue refused while it was set up.
pub fn report_of(args: &CascadeArgs) -> anyhow::Result<Report> {
    Ok(play(args)?.0)
}

fn play(args: &CascadeArgs) -> anyhow::Result<(Report, Victims)> {
    let fund = FundTerms {
        backstop: args.backstop.map(|_| population::BACKSTOP),
        backstop_margin_max: args.backstop.unwrap_or_default(),
    };
    let numbers = population::numbers(args.accounts);
    let mut desk = Desk::open(numbers, Watch::new(numbers, fund), args.worker)?;
    let mut random = Random::new(args.seed);
    let population = population::fill(&mut desk, args.accounts, args.whale, &mut random)
        .context("the venue cannot be filled with accounts")?;
    stand_behind(&mut desk, args, fund)?;
    desk.watch.setup_is_over();
    if args.latency {
        desk.latency = Some(Latency::new());
    }
    let path = market::Path { shock: args.shock, steps: u64::from(args.seconds) * 10 };
    let steps = fall(&mut desk, args.depth, path, &population, &mut random);
    let outcome = desk.watch.finish(&desk.venue);
    let victims = desk.watch.victims.clone();
    Ok((report::of(args, &desk, &outcome, steps), victims))
}

/// The fund, and the account behind it.
fn stand_behind(desk: &mut Desk, args: &CascadeArgs, fund: FundTerms) -> anyhow::Result<()> {
    if args.insurance > Money::ZERO {
        desk.deposit(AccountId::INSURANCE, args.insurance)?;
    }
    if let Some(money) = args.backstop {
        desk.fund(population::BACKSTOP, money.max(Money::new(1)))?;
    }
    desk.terms(RiskGroupTerms {
        fund_share: Rate::ONE,
        policy: args.policy.rule(),
        backstop: fund.backstop,
        backstop_margin_max: fund.backstop_margin_max,
        ..RiskGroupTerms::DEFAULT
    })
}

/// Prices move, then stand still until the venue is at rest; how many intervals that took.
fn fall(
    desk: &mut Desk,
    depth: Depth,
    path: market::Path,
    population: &Population,
    random: &mut Random,
) -> u64 {
    let mut progress = Progress::start("intervals", Some(path.steps));
    let check_every = path.steps.div_ceil(CHECKS).max(1);
    let mut step = 0;
    let mut is_busy = false;
    while step < path.steps || is_busy {
        step += 1;
        let prices = path.at(step, random);
        if let Some(latency) = &mut desk.latency {
            latency.phase(is_busy);
        }
        desk.index(prices);
        is_busy = desk.watch.take_busy();
        market::quote(desk, depth, population, prices);
        market::unrelated(desk, prices, random);
        desk.tick();
        desk.drain();
        is_busy |= desk.watch.take_busy() || desk.awaits_plans();
        if step.is_multiple_of(check_every) {
            desk.venue.check();
        }
        progress.at(step.min(path.steps), "");
        if step > path.steps + REST_MAX {
            desk.watch.violation(|| "the cascade does not come to rest".to_owned());
            break;
        }
    }
    progress.finish();
    desk.venue.check();
    step
}

/// Length of an interval, in milliseconds.
pub const INTERVAL_MS: u64 = STEP_NS.div_euclid(1_000_000);
