//! What does a payment of funding cost: when it comes due, when an account books it, and for accounts behind sentinels?
//!
//! A payment is one number per instrument, so it costs the same however many hold positions. An account with one asset
//! books its share with its next trade; one with several is looked at when the payment comes.

use engine::{Action, Command, Event, Events, TimeInForce};
use risk::{FundingTerms, InstrumentId, InstrumentSpec, Money, Price, Qty, Rate, Side};
use serde::Serialize;

use crate::measure::{Latency, Spread, cpu_ns_per_op, now, sample_ns};
use crate::near;
use crate::population::{BASE, Feeder, Population, Terms, spec};
use crate::report::{Report, Setting, table};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Numbers of accounts, each with one position.
    pub accounts: Vec<u32>,
    /// Accounts that book what was paid, and accounts behind sentinels.
    pub booking: u32,
    /// Payments per venue.
    pub payments: usize,
    /// The core to run on.
    pub core: usize,
}

impl Options {
    /// A run of a moment, for tests.
    #[must_use]
    pub fn quick() -> Self {
        Self { accounts: vec![100, 1_000], booking: 100, payments: 5, core: 1 }
    }
}

/// One venue under payments.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Accounts with a position in the instrument that pays.
    pub accounts: u32,
    /// Nanoseconds of a tick that pays, the stamp included.
    pub payment: Latency,
    /// Of one that does not.
    pub idle: Latency,
}

/// Funding everywhere.
#[derive(Clone, Debug, Serialize)]
pub struct FundingReport {
    /// Machine.
    pub setting: Setting,
    /// Payments per venue.
    pub payments: usize,
    /// By number of accounts.
    pub lines: Vec<Line>,
    /// Accounts that trade.
    pub booking: u32,
    /// CPU nanoseconds per command of a flow, half of it resting orders and half orders that take them whole, in which
    /// every match books funding of both sides.
    pub ns_booking: Spread,
    /// The same without funding to book.
    pub ns_not_booking: Spread,
    /// CPU nanoseconds of a payment per account with two assets, each looked at.
    pub ns_per_sentinel_account: Spread,
}

/// Hourly payments of a rate quoted for eight hours.
fn funded() -> InstrumentSpec {
    let funding = FundingTerms {
        interval_ns: HOUR_NS,
        rate_period_ns: 8 * HOUR_NS,
        impact_notional: Money::new(1_000_000),
        interest: Rate::new(100_000),
        interest_clamp: Rate::new(500_000),
        rate_max: Rate::new(3_750_000),
    };
    InstrumentSpec { funding, ..spec() }
}

const HOUR_NS: u64 = 3_600_000_000_000;
const INSTRUMENT: InstrumentId = InstrumentId::new(0);

/// Sample, and let the hour pass: the next tick pays.
fn make_due(feeder: &mut Feeder) {
    feeder.let_pass(HOUR_NS >> 1);
    feeder.send(&Command::venue(Action::index_price(INSTRUMENT, Price::new(BASE).to_mark())));
    feeder.let_pass(HOUR_NS >> 1);
}

/// Applies a tick and says how long it took.
fn timed_tick(feeder: &mut Feeder, events: &mut Events) -> u32 {
    let before = now();
    feeder.drive(&Command::venue(Action::Tick), events);
    sample_ns(before, now())
}

fn paid(events: &Events) -> bool {
    events.as_slice().iter().any(|event| matches!(event, Event::FundingPaid { .. }))
}

fn payments(accounts: u32, options: &Options) -> Line {
    let terms = Terms { accounts, instruments: 1, legs: 1, resting: 0, room: 0, fixed_qty: None, seed: 37 };
    let mut population = Population::of_spec(terms, &funded());
    population.open_accounts();
    population.trade_positions();
    let mut feeder = population.feeder;
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    let (mut payment, mut idle) = (Vec::new(), Vec::new());
    for _ in 0..options.payments {
        make_due(&mut feeder);
        payment.push(timed_tick(&mut feeder, &mut events));
        assert!(paid(&events), "funding was due");
        idle.push(timed_tick(&mut feeder, &mut events));
        assert!(!paid(&events), "it was paid once");
    }
    Line { accounts, payment: Latency::of(payment.into_iter()), idle: Latency::of(idle.into_iter()) }
}

/// Every account trades once a round, after a payment or without one; nanoseconds per command.
fn booking(pays: bool, options: &Options) -> Spread {
    let accounts = options.booking;
    let terms = Terms { accounts, instruments: 1, legs: 1, resting: 0, room: 0, fixed_qty: None, seed: 37 };
    let mut population = Population::of_spec(terms, &funded());
    population.open_accounts();
    population.trade_positions();
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    let mut ns = Vec::new();
    for round in 0..options.payments {
        if pays {
            make_due(&mut population.feeder);
            timed_tick(&mut population.feeder, &mut events);
            assert!(paid(&events), "funding was due");
        }
        let side = if round & 1 == 0 { Side::Buy } else { Side::Sell };
        let (limit, qty) = (Price::new(BASE), Qty::new(1));
        let mut commands = Vec::new();
        for maker in (0..accounts).step_by(2) {
            let rests = TimeInForce::GoodTillCancel;
            commands.push(population.order(maker, INSTRUMENT, side, qty, limit, rests));
            let takes = TimeInForce::ImmediateOrCancel;
            commands.push(population.order(maker + 1, INSTRUMENT, side.opposite(), qty, limit, takes));
        }
        let mut booked = 0;
        ns.push(cpu_ns_per_op(commands.len(), || {
            for command in &commands {
                population.feeder.drive(command, &mut events);
                booked += events.as_slice().iter().filter(|event| is_booking(event)).count();
            }
        }));
        assert_eq!(booked, if pays { commands.len() } else { 0 }, "every account books what was paid, once");
    }
    Spread::of(&ns)
}

const fn is_booking(event: &Event) -> bool {
    matches!(event, Event::FundingBooked { .. })
}

fn behind_sentinels(options: &Options) -> Spread {
    let mut feeder = near::with_two_assets(options.booking, &funded());
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    let mut ns = Vec::new();
    for _ in 0..options.payments {
        make_due(&mut feeder);
        let before = feeder.venue.looks();
        let tick = || feeder.drive(&Command::venue(Action::Tick), &mut events);
        ns.push(cpu_ns_per_op(options.booking as usize, tick));
        assert!(feeder.venue.looks() - before >= u64::from(options.booking), "each is looked at");
    }
    Spread::of(&ns)
}

/// Measures everything.
#[must_use]
pub fn run(options: &Options) -> FundingReport {
    FundingReport {
        setting: Setting::prepare(options.core),
        payments: options.payments,
        lines: options.accounts.iter().map(|&accounts| payments(accounts, options)).collect(),
        booking: options.booking,
        ns_booking: booking(true, options),
        ns_not_booking: booking(false, options),
        ns_per_sentinel_account: behind_sentinels(options),
    }
}

impl Report for FundingReport {
    fn text(&self) -> String {
        let triple = |latency: &Latency| format!("{}/{}/{}", latency.p50, latency.p99, latency.p999);
        let heads = ["accounts", "a tick that pays", "one that does not"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        rows.extend(
            self.lines
                .iter()
                .map(|line| vec![line.accounts.to_string(), triple(&line.payment), triple(&line.idle)]),
        );
        let spread = |of: &Spread| format!("{:.1} ({:.1}-{:.1})", of.median, of.min, of.max);
        format!(
            "{}\npayment of funding, {} payments; ns p50/p99/p99.9, one stamp included\n{}\n\
             orders that rest and orders that take them, {} accounts, CPU ns per command: {} where each match books \
             funding of both sides, {} where it does not\n\
             a payment to {} accounts with two assets, CPU ns per account: {}\n",
            self.setting.line(),
            self.payments,
            table(&rows),
            self.booking,
            spread(&self.ns_booking),
            spread(&self.ns_not_booking),
            self.booking,
            spread(&self.ns_per_sentinel_account),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn funding_is_paid_and_booked() {
        let report = run(&Options::quick());
        assert_eq!(report.lines.len(), 2, "{}", report.text());
    }
}
