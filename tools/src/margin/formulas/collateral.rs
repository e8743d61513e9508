//! What collateral counts for.
//!
//! Invariant: weights are in billionths, values in a unit in which all of them are whole, so nothing is rounded on the way.

use risk::haircut::{self, Schedule, Slice, asset_value};
use risk::limits::MONEY_MAX;
use risk::{Money, Requirement};

use crate::margin::exact::{Exact, Unit, rate, whole};
use crate::margin::example::{Inputs, Outcome};

/// A requirement in money of this unit.
pub(super) fn money_of(requirement: Requirement, unit: &Unit) -> Exact {
    unit.number(requirement.ppb()) / whole(risk::limits::PPB.into())
}

pub(super) fn gross_up(inputs: Inputs<'_>) -> Outcome {
    let (amount, ratio) = (inputs.number("amount")?, rate(&inputs.number("ratio")?)?);
    if ratio.get() == 0 {
        return Err("the ratio is not above zero".to_owned());
    }
    let unit = Unit::of([&amount]);
    let given = haircut::gross_up(Money::new(unit.count(&amount)?), ratio);
    Ok(vec![("value", unit.fraction(given).into())])
}

/// Rows are name, balance, price, weight of a holding, weight of a liability.
pub(super) fn equity(inputs: Inputs<'_>) -> Outcome {
    let profit = inputs.number("upnl")?;
    let rows = inputs.rows("balances", 5)?;
    let mut values = Vec::with_capacity(rows.len());
    for row in &rows {
        values.push(row.number(1)? * row.number(2)?);
    }
    let unit = Unit::of(values.iter().chain([&profit]));
    let mut equity = Requirement::of_money(Money::new(unit.count(&profit)?));
    for (row, value) in rows.iter().zip(&values) {
        let slice = Slice { cap: Money::new(MONEY_MAX), weight: rate(&row.number(3)?)? };
        equity +=
            asset_value(Money::new(unit.count(value)?), &one_schedule(&[slice])?, rate(&row.number(4)?)?);
    }
    Ok(vec![("equity", money_of(equity, &unit).into())])
}

fn one_schedule(slices: &[Slice]) -> Result<Schedule, String> {
    Schedule::new(slices).map_err(|error| format!("no schedule of weights: {error:?}"))
}

/// Slices end at `caps`, or begin at `floors`, by value.
pub(super) fn schedule(inputs: Inputs<'_>) -> Outcome {
    let value = inputs.number_of(&["amount", "qty", "balance"])? * inputs.number_of(&["price", "px"])?;
    let weights = inputs.numbers("weights").or_else(|_| inputs.numbers("ratios"))?;
    let (caps, last) = match inputs.numbers("caps") {
        Ok(caps) => (caps, None),
        Err(_) => (inputs.numbers("floors")?.into_iter().skip(1).collect(), Some(Money::new(MONEY_MAX))),
    };
    let unit = Unit::of(caps.iter().chain([&value]));
    let caps = caps.iter().map(|cap| unit.count(cap).map(Money::new)).collect::<Result<Vec<_>, _>>()?;
    let caps: Vec<_> = caps.into_iter().chain(last).collect();
    if caps.len() != weights.len() {
        return Err("there are not as many slices as weights".to_owned());
    }
    let slice = |(cap, weight): (Money, &Exact)| Ok(Slice { cap, weight: rate(weight)? });
    let slices = caps.into_iter().zip(&weights).map(slice).collect::<Result<Vec<_>, String>>()?;
    let weighed = one_schedule(&slices)?.weigh(Money::new(unit.count(&value)?));
    Ok(vec![("value", money_of(weighed, &unit).into())])
}
