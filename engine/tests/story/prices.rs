//! Words about index, mark, funding and dated futures: settings of an instrument, and commands.

use engine::Action;
use risk::{InstrumentId, InstrumentSpec, Money};

use super::machine::time;
use super::read::{mark, number, rate, small};

/// Milliseconds as nanoseconds.
fn length(word: &str) -> Result<u64, String> {
    Ok(number(word)?.unsigned_abs() * 1_000_000)
}

fn tiny(word: &str) -> Result<u8, String> {
    u8::try_from(number(word)?).map_err(|error| error.to_string())
}

fn source_of(word: &str) -> Result<u16, String> {
    u16::try_from(number(word)?).map_err(|error| error.to_string())
}

/// A setting of an instrument.
pub(super) fn set(spec: &mut InstrumentSpec, name: &str, value: &str) -> Result<(), String> {
    let (pricing, funding) = (&mut spec.pricing, &mut spec.funding);
    match name {
        "sources" => pricing.sources_min = tiny(value)?,
        "stale" => pricing.stale_ns = length(value)?,
        "outlier" => pricing.outlier = rate(value)?,
        "uncertain" => pricing.uncertain = rate(value)?,
        "wild" => pricing.wild = rate(value)?,
        "confirmations" => pricing.confirmations = tiny(value)?,
        "mark_band" => pricing.component_band = rate(value)?,
        "basis" => pricing.basis_tau_ns = length(value)?,
        "stable" => pricing.stable_step = rate(value)?,
        "frozen" => pricing.frozen_step = rate(value)?,
        "funding" => funding.interval_ns = length(value)?,
        "period" => funding.rate_period_ns = length(value)?,
        "impact" => funding.impact_notional = Money::new(number(value)?),
        "interest" => funding.interest = rate(value)?,
        "pull" => funding.interest_clamp = rate(value)?,
        "rate_max" => funding.rate_max = rate(value)?,
        "expiry" => spec.contract.expiry_ns = time(number(value)?.unsigned_abs()).get(),
        "averaging" => spec.contract.averaging_ns = length(value)?,
        _ => return Err(format!("no setting {name}")),
    }
    Ok(())
}

/// `index PRICE [from SOURCE [number N]] [in INSTRUMENT]`, `source SOURCE weighs N [in INSTRUMENT]`.
pub(super) fn of_index(words: &[&str]) -> Result<Action, String> {
    let (words, place) = match words {
        [words @ .., "in", place] => (words, small(place)?),
        words => (words, 0),
    };
    let instrument = InstrumentId::new(place);
    Ok(match *words {
        ["index", price] => Action::index_price(instrument, mark(price)?),
        ["index", price, "from", source] => {
            Action::IndexPrice { instrument, source: source_of(source)?, source_seq: 0, price: mark(price)? }
        }
        ["index", price, "from", source, "number", at] => Action::IndexPrice {
            instrument,
            source: source_of(source)?,
            source_seq: number(at)?.unsigned_abs(),
            price: mark(price)?,
        },
        ["source", source, "weighs", weight] => {
            Action::SetIndexSource { instrument, source: source_of(source)?, weight: source_of(weight)? }
        }
        _ => return Err("no such command".to_owned()),
    })
}
