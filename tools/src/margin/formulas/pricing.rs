//! Mark and stable price, funding rate and payment.
//!
//! Invariant: prices are counted so finely that the product's own rounding has nothing to take away, unless the example
//! is about that rounding.

use risk::ema::Ema;
use risk::mark_price::{Components, fair_price, median};
use risk::stable_price::stable_step;
use risk::{FundingRate, FundingTerms, Mark, Rate, accrual, funding};

use crate::margin::exact::{Exact, Unit, of_rate, ppb, rate, to_fraction, whole};
use crate::margin::example::{Inputs, Outcome};

/// Parts of a money unit that funding of a lot is counted in, and of a weight of an average.
const Q32: i128 = 1 << accrual::FUNDING_SHIFT;
/// What a rate is of stays below this, so that the product of rate and time fits.
const OWED_MAX: i128 = 1 << 60;
/// Hours a funding rate is quoted for where nothing else is said.
const PERIOD: i128 = 8;

fn billionth() -> Exact {
    of_rate(Rate::new(1))
}

fn mark(unit: &Unit, price: &Exact) -> Result<Mark, String> {
    let count = unit.count(price)?;
    if count > 0 { Ok(Mark::new(count)) } else { Err(format!("price {price} is not above zero")) }
}

fn price(unit: &Unit, mark: Mark) -> Exact {
    unit.number(mark.get().into())
}

/// A rate, at most four times the whole.
fn funding_of(number: &Exact) -> Result<FundingRate, String> {
    let parts = ppb(number)?;
    let most = i64::from(Rate::ONE.get()) * 4;
    if parts.abs() <= most {
        Ok(FundingRate::new(parts))
    } else {
        Err(format!("{number} is no funding rate"))
    }
}

pub(super) fn funding_rate(inputs: Inputs<'_>) -> Outcome {
    let premium = funding_of(&inputs.number("premium")?)?;
    let most = inputs.number_or("cap", of_rate(Rate::new(u32::MAX)))?;
    let terms = FundingTerms {
        interest: rate(&inputs.number("interest")?)?,
        interest_clamp: rate(&inputs.number("clamp")?)?,
        rate_max: rate(&most)?,
        ..FundingTerms::NONE
    };
    Ok(vec![("rate8h", (whole(funding::rate(premium, &terms).get().into()) * billionth()).into())])
}

/// An hour's part of a rate quoted for eight.
pub(super) fn funding_payment(inputs: Inputs<'_>) -> Outcome {
    let value = inputs.number("size")? * inputs.number("oracle")?;
    let unit = Unit::of([&value, &(billionth() / whole(PERIOD))]);
    let rate = funding_of(&inputs.number("rate8h")?)?;
    let due = funding::accrual(unit.wide(&value)?, rate, 1, 8);
    Ok(vec![("pay", unit.number(due).into())])
}

/// Parts per billion in one per million.
const PER_MILLION: i128 = 1_000;

pub(super) fn funding_bound(inputs: Inputs<'_>) -> Outcome {
    let share = |name| Ok::<_, String>(inputs.number(name)? / whole(1_000_000));
    let (initial, fraction) = (share("im_ppm")?, share("mf_ppm")?);
    let factor = u64::try_from(ppb(&share("factor")?)?).map_err(|_| "input `factor` is below zero")?;
    let bound = funding::rate_bound(factor, rate(&initial)?, rate(&(initial * fraction))?);
    Ok(vec![("clamp", (whole(bound.get().into()) / whole(PER_MILLION)).into())])
}

/// The index counts millionths of a quote quantum for each base quantum; the rate is one for eight hours.
pub(super) fn funding_index(inputs: Inputs<'_>) -> Outcome {
    let small = |name| {
        let number = Unit::of([]).count(&inputs.number(name)?)?;
        i32::try_from(number)
            .ok()
            .filter(|number| number.abs() < 40)
            .ok_or(format!("input `{name}` is out of range"))
    };
    let places = small("ar")? + small("exp")? + 6;
    // Whole and denominator apart: the one is what is owed on, the other lengthens the period.
    let value = to_fraction(&(inputs.number("price")? * whole(10).pow(places) * whole(1_000_000)))?;
    let rate = funding_of(&(inputs.number("rate_ppm")? / whole(1_000_000)))?;
    let elapsed = u32::try_from(Unit::of([]).count(&inputs.number("secs")?)?);
    let period = value.under().checked_mul(28_800).and_then(|period| u32::try_from(period).ok());
    let (Ok(elapsed), Some(period), ..=OWED_MAX) = (elapsed, period, value.over().saturating_abs()) else {
        return Err("a time or a price is out of range".to_owned());
    };
    Ok(vec![("delta", whole(funding::accrual(value.over(), rate, elapsed, period)).into())])
}

/// What each position receives of a payment, and what the rounding leaves.
pub(super) fn funding_dust(inputs: Inputs<'_>) -> Outcome {
    let per_lot = Unit::of([]).wide(&(inputs.number("delta")? * whole(Q32)))?;
    let (mut payments, mut dust) = (Vec::new(), whole(0));
    for lots in inputs.numbers("pos")? {
        let lots = Unit::of([]).count(&lots)?;
        // What a position pays must be money.
        Unit::of([]).count(&(whole(per_lot) * whole(lots.into()) / whole(Q32)).floor())?;
        let payment = whole((-accrual::payment(lots, per_lot)).get().into());
        dust -= &payment;
        payments.push(payment);
    }
    Ok(vec![("payments", payments.into()), ("dust", dust.into())])
}

/// The unit in which a rate's part of an index price is whole, and the index with what funding makes of it.
fn fair(inputs: Inputs<'_>, interval: &Exact, beside: &[Exact]) -> Result<(Unit, Mark, Mark), String> {
    let (index, left) = (inputs.number("index")?, inputs.number("left")?);
    let hours = Unit::of([interval, &left]);
    let time =
        |time: &Exact| u64::try_from(hours.count(time)?).map_err(|_| format!("time {time} is below zero"));
    if left > *interval {
        return Err("more time is left than the interval has".to_owned());
    }
    let unit = Unit::of(beside.iter().chain([&index, &(billionth() / interval)]));
    let (index, rate) = (mark(&unit, &index)?, ppb(&inputs.number("rate")?)?);
    let fair = fair_price(index, rate, time(&left)?, time(interval)?);
    Ok((unit, index, fair))
}

fn interval(inputs: Inputs<'_>) -> Result<Exact, String> {
    let interval = inputs.number_or("interval", whole(PERIOD))?;
    if interval > whole(0) { Ok(interval) } else { Err("the interval is not above zero".to_owned()) }
}

pub(super) fn fair_mark(inputs: Inputs<'_>) -> Outcome {
    let (unit, _, fair) = fair(inputs, &interval(inputs)?, &[])?;
    Ok(vec![("fair", price(&unit, fair).into())])
}

/// The median of the three components, inside a band of the whole index.
pub(super) fn median_mark(inputs: Inputs<'_>) -> Outcome {
    let (smoothed, last) = (inputs.number("index")? + inputs.number("basis")?, inputs.number("last")?);
    let (unit, index, fair) = fair(inputs, &interval(inputs)?, &[smoothed.clone(), last.clone()])?;
    let components = Components { fair, smoothed: mark(&unit, &smoothed)?, book: Some(mark(&unit, &last)?) };
    let found = components.mark(index, Rate::ONE);
    Ok(vec![("p1", price(&unit, fair).into()), ("p2", smoothed.into()), ("mark", price(&unit, found).into())])
}

pub(super) fn median_of_three(inputs: Inputs<'_>) -> Outcome {
    let [a, b, c] = ["a", "b", "c"].map(|name| inputs.number(name));
    let (a, b, c) = (a?, b?, c?);
    let unit = Unit::of([&a, &b, &c]);
    let found = median(mark(&unit, &a)?, mark(&unit, &b)?, mark(&unit, &c)?);
    Ok(vec![("mark", price(&unit, found).into())])
}

/// All components at one price: what is left of it is the band.
pub(super) fn clamped(inputs: Inputs<'_>) -> Outcome {
    let (index, raw) = (inputs.number("index")?, inputs.number_of(&["price", "mark", "raw", "candidate"])?);
    let unit = Unit::of([&index, &raw, &billionth()]);
    let (index, raw) = (mark(&unit, &index)?, mark(&unit, &raw)?);
    let components = Components { fair: raw, smoothed: raw, book: Some(raw) };
    let found = components.mark(index, rate(&inputs.number("band")?)?);
    Ok(vec![("mark", price(&unit, found).into())])
}

/// An average led toward each of a series, by a weight of so many parts of 2^32.
pub(super) fn average(inputs: Inputs<'_>) -> Outcome {
    let weight = inputs.number_of(&["alpha_q32", "alpha"])?;
    let weight = if weight <= whole(1) { weight * whole(Q32) } else { weight };
    let weight = Unit::of([]).count(&weight)?;
    let weight = u64::try_from(weight).ok().filter(|weight| *weight <= risk::ema::WEIGHT_ONE);
    let weight = weight.ok_or("the weight is not from 0 to 2^32")?;
    let whole_number = |number: &Exact| Unit::of([]).count(number);
    let mut ema = Ema::at(whole_number(&inputs.number_or("ema", whole(0))?)?);
    let mut averages = Vec::new();
    for sample in inputs.numbers("series")? {
        ema.lead(whole_number(&sample)?, weight);
        averages.push(whole(ema.get().into()));
    }
    Ok(vec![("ema", averages.into())])
}

/// Time is in seconds.
pub(super) fn stable(inputs: Inputs<'_>) -> Outcome {
    let [stable, delayed, oracle] = ["stable", "delay", "oracle"].map(|name| inputs.number(name));
    let (stable, delayed, oracle) = (stable?, delayed?, oracle?);
    let unit = Unit::of([&stable, &delayed, &oracle, &billionth()]);
    let elapsed = Unit::of([]).count(&(inputs.number("dt")? * whole(1_000_000_000)))?;
    let elapsed = u64::try_from(elapsed).map_err(|_| "input `dt` is below zero")?;
    let step = rate(&inputs.number("limit")?)?;
    if step > Rate::ONE {
        return Err("input `limit` is above 1 a second".to_owned());
    }
    let prices = (mark(&unit, &stable)?, mark(&unit, &delayed)?, mark(&unit, &oracle)?);
    let found = stable_step(prices.0, prices.1, prices.2, elapsed, step);
    Ok(vec![("stable", price(&unit, found).into())])
}
