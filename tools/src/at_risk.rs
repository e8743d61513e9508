//! `fulcrum risk`: how an account answers to prices and how far it is from liquidation; what an instrument, or the whole
//! venue, has at risk.
//!
//! Invariant: every figure is the venue's own; only the sums over the pages of a survey are added up here.

mod map;

use std::fmt;
use std::io::Write;

use clap::Args;
use gateway::client::{Answer, Query};
use gateway::wire::private::{InstrumentRisk, PositionRisk, RiskSurvey, UnderlyingRisk};
use gateway::wire::types::{I64N, Millis, SessionKind, U32N};
use risk::rounding::div_ceil;
use risk::{AccountId, Money};
use serde::Serialize;

use crate::account::ratio;
use crate::desk::instruments::{Instruments, show_mark};
use crate::desk::table::{Align, Table};
use crate::desk::{Access, Desk};
use crate::format::{decimal, percent};
use crate::whatif::desk_for;

/// Arguments of `fulcrum risk`.
#[derive(Clone, Debug, Args)]
pub struct RiskArgs {
    /// By which key, at which venue.
    #[command(flatten)]
    pub access: Access,
    /// Whose, by a key of the operator [default: the key's own account]
    #[arg(long, value_name = "N", conflicts_with_all = ["instrument", "venue"])]
    pub account: Option<u32>,
    /// What an instrument has at risk, by name or number; by a key of the operator also its holders
    #[arg(long, value_name = "INSTRUMENT", conflicts_with = "venue")]
    pub instrument: Option<String>,
    /// What the whole venue has at risk; by a key of the operator
    #[arg(long)]
    pub venue: bool,
    /// What would be liquidated in an instrument as its mark moves away, beside what rests in the book
    #[arg(long, requires = "instrument", conflicts_with_all = ["account", "venue"])]
    pub map: bool,
    /// Width of a step of the map
    #[arg(long, value_name = "PERCENT", default_value = "1%", requires = "map")]
    pub step: String,
    /// Steps of the map on each side
    #[arg(long, value_name = "N", default_value_t = 10, requires = "map", value_parser = clap::value_parser!(u16).range(1..=32))]
    pub steps: u16,
    /// How far ahead standard deviations and probabilities look, in minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 1_440, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub horizon: u32,
}

/// How near a liquidation is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NearReport {
    /// The move, in percent of the price.
    pub move_percent: String,
    /// The same in standard deviations.
    pub sigmas: Option<String>,
    /// How likely it is touched, in percent.
    pub probability_percent: Option<String>,
}

/// What an underlying does to an account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct UnderlyingReport {
    /// Whose.
    pub account: u32,
    /// Number.
    pub underlying: u16,
    /// The first instrument of it.
    pub instrument: String,
    /// Money per 1 %.
    pub delta: String,
    /// Money per whole unit of the quote currency.
    pub unit_delta: String,
    /// How much delta grows with another 1 %.
    pub gamma: String,
    /// Standard deviation over the horizon, in percent.
    pub sigma_percent: String,
    /// The fall of all its prices that liquidates.
    pub fall: Option<NearReport>,
    /// The rise that does.
    pub rise: Option<NearReport>,
}

/// How far a position is from liquidation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DistanceReport {
    /// Whose.
    pub account: u32,
    /// Name.
    pub instrument: String,
    /// Short is negative.
    pub quantity: String,
    /// Mark price.
    pub mark: Option<String>,
    /// Mark at which the account is liquidated, if only this mark moves.
    pub liquidation: Option<String>,
    /// How far that is.
    pub distance: Option<NearReport>,
}

/// What an instrument has at risk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct InstrumentReport {
    /// Name.
    pub instrument: String,
    /// Mark price.
    pub mark: Option<String>,
    /// Open interest.
    pub open_interest: String,
    /// The same in money.
    pub open_notional: String,
    /// Standard deviation over the horizon by the last minutes, in percent.
    pub fast_sigma_percent: String,
    /// The same by the last days.
    pub slow_sigma_percent: String,
}

/// What accounts risk together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SurveyReport {
    /// How many.
    pub accounts: u64,
    /// Of these, healthy.
    pub healthy: u64,
    /// Of these, warned.
    pub warned: u64,
    /// Of these, in liquidation.
    pub liquidating: u64,
    /// Sum of exposure.
    pub exposure: String,
    /// Sum of equity.
    pub equity: String,
    /// Sum of maintenance margin.
    pub maintenance_margin: String,
    /// Exposure over equity; absent when equity is not positive.
    pub leverage: Option<String>,
    /// The highest leverage ratio of an account.
    pub highest_leverage: Option<String>,
    /// Whose it is.
    pub highest_account: Option<u32>,
    /// Accounts by leverage ratio: up to and with each bound.
    pub by_leverage: Vec<(String, u64)>,
}

/// Everything that was asked for. Serialised as it stands for `--json`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct RiskReport {
    /// The state after this command; of a survey in pages, the last.
    pub seq: u64,
    /// Underlyings of an account.
    pub underlyings: Vec<UnderlyingReport>,
    /// Its positions.
    pub positions: Vec<DistanceReport>,
    /// An instrument.
    pub instrument: Option<InstrumentReport>,
    /// Its holders, or all accounts.
    pub survey: Option<SurveyReport>,
}

/// The pages of a survey, added up.
#[derive(Debug, Default)]
struct Sums {
    counts: [u64; 4],
    money: [i128; 3],
    highest: Option<(i64, u32)>,
    buckets: Vec<(U32N, u64)>,
}

impl Sums {
    fn add(&mut self, page: &RiskSurvey) {
        let RiskSurvey { accounts, healthy, warned, liquidating, .. } = *page;
        for (sum, part) in self.counts.iter_mut().zip([accounts, healthy, warned, liquidating]) {
            *sum += u64::from(part);
        }
        for (sum, part) in self.money.iter_mut().zip([page.exposure, page.equity, page.maintenance_margin]) {
            *sum += i128::from(part.get());
        }
        let highest = page.highest_leverage_e9.get().zip(page.highest_account.get());
        if let Some((leverage, account)) = highest
            && self.highest.is_none_or(|(before, _)| leverage > before)
        {
            self.highest = Some((leverage, account));
        }
        if self.buckets.is_empty() {
            self.buckets = page.buckets.0.iter().map(|bucket| (bucket.bound, 0)).collect();
        }
        for ((_, sum), bucket) in self.buckets.iter_mut().zip(&page.buckets.0) {
            *sum += u64::from(bucket.accounts);
        }
    }

    fn report(&self, instruments: &Instruments) -> SurveyReport {
        let [accounts, healthy, warned, liquidating] = self.counts;
        let [exposure, equity, maintenance_margin] = self.money.map(|sum| {
            instruments.money_decimals().map_or_else(|_| sum.to_string(), |decimals| decimal(sum, decimals))
        });
        let leverage = (self.money[1] > 0).then(|| div_ceil(self.money[0] * 1_000_000_000, self.money[1]));
        let bucket = |(place, (bound, count)): (usize, &(U32N, u64))| {
            let name = match bound.get() {
                None => "no equity".to_owned(),
                Some(_) if place + 2 == self.buckets.len() => "above".to_owned(),
                Some(bound) => format!("{bound}x"),
            };
            (name, *count)
        };
        SurveyReport {
            accounts,
            healthy,
            warned,
            liquidating,
            exposure,
            equity,
            maintenance_margin,
            leverage: leverage
                .and_then(|ratio_e9| i64::try_from(ratio_e9).ok())
                .map(|ratio_e9| ratio(ratio_e9, 0)),
            highest_leverage: self.highest.map(|(leverage, _)| ratio(leverage, 0)),
            highest_account: self.highest.map(|(_, account)| account),
            by_leverage: self.buckets.iter().enumerate().map(bucket).collect(),
        }
    }
}

/// Billionths of a standard deviation with two decimals, rounded down: nearer than it is.
fn sigmas(billionths: i64) -> String {
    decimal(i128::from(billionths.div_euclid(10_000_000)), 2)
}

fn sigma_percent(billionths: u64) -> String {
    percent(i64::try_from(billionths).unwrap_or(i64::MAX))
}

fn near(rate: I64N, in_sigmas: I64N, probability: U32N) -> Option<NearReport> {
    rate.get().map(|rate| NearReport {
        move_percent: percent(rate),
        sigmas: in_sigmas.get().map(sigmas),
        probability_percent: probability.get().map(|billionths| percent(i64::from(billionths))),
    })
}

impl UnderlyingReport {
    fn of(row: &UnderlyingRisk, instruments: &Instruments) -> Self {
        let money = |amount: Money| instruments.money(amount);
        Self {
            account: row.account_id.get(),
            underlying: row.underlying,
            instrument: instruments.name(row.instrument_id),
            delta: money(row.delta),
            unit_delta: money(row.unit_delta),
            gamma: money(row.gamma),
            sigma_percent: sigma_percent(row.sigma_e9),
            fall: near(row.fall_e9, row.fall_sigmas_e9, row.fall_probability_e9),
            rise: near(row.rise_e9, row.rise_sigmas_e9, row.rise_probability_e9),
        }
    }
}

impl DistanceReport {
    fn of(row: &PositionRisk, instruments: &Instruments) -> Self {
        let def = instruments.get(row.instrument_id);
        let mark = |mark: Option<risk::Mark>| def.zip(mark).map(|(def, mark)| show_mark(def, mark));
        Self {
            account: row.account_id.get(),
            instrument: instruments.name(row.instrument_id),
            quantity: instruments.qty(row.instrument_id, row.qty),
            mark: mark(row.mark.get()),
            liquidation: mark(row.liquidation_mark.get()),
            distance: near(row.distance_e9, row.sigmas_e9, row.probability_e9),
        }
    }
}

impl InstrumentReport {
    fn of(row: &InstrumentRisk, instruments: &Instruments) -> Self {
        let def = instruments.get(row.instrument_id);
        let decimals = def.map_or(0, |def| def.money_decimals);
        Self {
            instrument: instruments.name(row.instrument_id),
            mark: def.zip(row.mark.get()).map(|(def, mark)| show_mark(def, mark)),
            open_interest: instruments.qty(row.instrument_id, row.open_interest.get()),
            open_notional: decimal(i128::from(row.open_notional.get()), decimals),
            fast_sigma_percent: sigma_percent(row.fast_sigma_e9),
            slow_sigma_percent: sigma_percent(row.slow_sigma_e9),
        }
    }
}

impl RiskReport {
    fn of(answer: &Answer, instruments: &Instruments) -> Self {
        Self {
            seq: answer.seq.get(),
            underlyings: answer
                .underlyings
                .iter()
                .map(|row| UnderlyingReport::of(row, instruments))
                .collect(),
            positions: answer.distances.iter().map(|row| DistanceReport::of(row, instruments)).collect(),
            instrument: answer.instrument_risk.as_ref().map(|row| InstrumentReport::of(row, instruments)),
            survey: None,
        }
    }
}

impl fmt::Display for NearReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.move_percent)?;
        if let (Some(sigmas), Some(probability)) = (&self.sigmas, &self.probability_percent) {
            write!(f, " ({sigmas} sigma, {probability})")?;
        }
        Ok(())
    }
}

fn or_never(near: Option<&NearReport>) -> String {
    near.map_or_else(|| "never".to_owned(), ToString::to_string)
}

impl fmt::Display for RiskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "as of command {}", self.seq)?;
        let right = |name| (name, Align::Right);
        if !self.underlyings.is_empty() {
            let mut table = Table::new(&[
                ("underlying", Align::Left),
                right("delta 1 %"),
                right("delta 1"),
                right("gamma"),
                right("sigma"),
                right("fall to liquidation"),
                right("rise to liquidation"),
            ]);
            for one in &self.underlyings {
                table.push(vec![
                    format!("{} ({})", one.underlying, one.instrument),
                    one.delta.clone(),
                    one.unit_delta.clone(),
                    one.gamma.clone(),
                    one.sigma_percent.clone(),
                    or_never(one.fall.as_ref()),
                    or_never(one.rise.as_ref()),
                ]);
            }
            write!(f, "\n{table}")?;
        }
        if !self.positions.is_empty() {
            let mut table = Table::new(&[
                ("instrument", Align::Left),
                right("position"),
                right("mark"),
                right("liquidation"),
                right("distance"),
            ]);
            for one in &self.positions {
                table.push(vec![
                    one.instrument.clone(),
                    one.quantity.clone(),
                    one.mark.clone().unwrap_or_else(|| "-".to_owned()),
                    one.liquidation.clone().unwrap_or_else(|| "-".to_owned()),
                    or_never(one.distance.as_ref()),
                ]);
            }
            write!(f, "\n{table}")?;
        }
        if let Some(one) = &self.instrument {
            writeln!(f, "\n  {:<20} {:>24}", "instrument", one.instrument)?;
            writeln!(f, "  {:<20} {:>24}", "open interest", one.open_interest)?;
            writeln!(f, "  {:<20} {:>24}", "at the mark", one.open_notional)?;
            writeln!(f, "  {:<20} {:>24}", "sigma, minutes", one.fast_sigma_percent)?;
            writeln!(f, "  {:<20} {:>24}", "sigma, days", one.slow_sigma_percent)?;
        }
        self.survey.as_ref().map_or(Ok(()), |survey| write!(f, "\n{survey}"))
    }
}

impl fmt::Display for SurveyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = || "none".to_owned();
        let highest = self.highest_leverage.as_ref().zip(self.highest_account);
        let rows = [
            ("accounts", self.accounts.to_string()),
            ("healthy", self.healthy.to_string()),
            ("warned", self.warned.to_string()),
            ("in liquidation", self.liquidating.to_string()),
            ("exposure", self.exposure.clone()),
            ("equity", self.equity.clone()),
            ("maintenance margin", self.maintenance_margin.clone()),
            ("leverage", self.leverage.as_ref().map_or_else(none, |ratio| format!("{ratio}x"))),
            (
                "highest",
                highest.map_or_else(none, |(ratio, account)| format!("{ratio}x of account {account}")),
            ),
        ];
        for (name, value) in rows {
            writeln!(f, "  {name:<20} {value:>24}")?;
        }
        writeln!(f)?;
        for (name, count) in &self.by_leverage {
            writeln!(f, "  {name:<20} {count:>24}")?;
        }
        Ok(())
    }
}

/// Asks for every page of a survey; the first answer, with the sums of all.
fn survey(desk: &mut Desk, query: impl Fn(AccountId) -> Query) -> anyhow::Result<RiskReport> {
    let (mut sums, mut report, mut from) = (Sums::default(), None, AccountId::default());
    loop {
        let answer = desk.ask(query(from))?;
        let report = report.get_or_insert_with(|| RiskReport::of(&answer, &desk.instruments));
        report.seq = answer.seq.get();
        let Some(page) = &answer.survey else { return Ok(report.clone()) };
        sums.add(page);
        report.survey = Some(sums.report(&desk.instruments));
        let Some(next) = page.next_account.get() else { return Ok(report.clone()) };
        from = AccountId::new(next);
    }
}

/// Asks what is at risk, and prints it; the exit code.
///
/// # Errors
/// What went wrong, and what to do next.
pub fn run(args: &RiskArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    if args.map {
        return map::run(args, output);
    }
    let horizon = Millis::new(args.horizon * 60_000);
    let mut desk = if args.venue {
        Desk::open(&args.access, SessionKind::Admin, &mut std::io::sink())?
    } else {
        desk_for(&args.access, args.account)?
    };
    let report = if args.venue {
        survey(&mut desk, |from| Query::VenueRisk { from })
    } else if let Some(name) = &args.instrument {
        let instrument = desk.instruments.find(name)?.instrument_id;
        survey(&mut desk, |from| Query::InstrumentRisk { instrument, from, horizon })
    } else {
        let account = AccountId::new(args.account.unwrap_or(0));
        let answer = desk.ask(Query::Sensitivity { account, horizon });
        answer.map(|answer| RiskReport::of(&answer, &desk.instruments)).map_err(Into::into)
    };
    desk.close()?;
    let report = report?;
    if args.access.json {
        writeln!(output, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(output, "{report}")?;
    }
    Ok(0)
}
