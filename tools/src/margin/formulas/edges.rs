//! Liquidation and bankruptcy prices.
//!
//! Invariant: each venue's form is the same question: at which notional does what the position is worth cover what the
//! rest leaves, plus its maintenance margin? Only the product's own function answers it.

use risk::liquidation_price::edge_notional;
use risk::{Fraction, Money, Side};

use super::tables::{ScaledTable, flat, rounded};
use crate::margin::exact::{Exact, Unit, whole};
use crate::margin::example::{Inputs, Outcome};

/// A position, what stands against it, and its lines of maintenance margin.
struct Case {
    /// The way it gains: [`Side::Buy`] with rising notional.
    side: Side,
    /// What it was worth when it was entered, without sign.
    entered: Exact,
    /// Equity beside its own profit or loss.
    cash: Exact,
    /// Maintenance margin that does not move with its notional.
    fixed: Exact,
    /// Rates and constants.
    lines: Vec<(Exact, Exact)>,
}

impl Case {
    /// The notional at the edge.
    fn notional(&self) -> Result<Exact, String> {
        let cost = match self.side {
            Side::Buy => self.entered.clone(),
            Side::Sell => -&self.entered,
        };
        let need = cost - &self.cash + &self.fixed;
        let rates = Unit::of(self.lines.iter().map(|(rate, _)| rate));
        let one = rates.one()?;
        if one > 1 << 32 {
            return Err("the rates have no common unit that the venue could count in".to_owned());
        }
        let parts = |amount: &Exact| amount * whole(one.into());
        let constants: Vec<_> = self.lines.iter().map(|(_, constant)| parts(constant)).collect();
        let money = Unit::of(constants.iter().chain([&parts(&need)]));
        let mut lines = Vec::with_capacity(self.lines.len());
        for ((rate, _), constant) in self.lines.iter().zip(&constants) {
            let rate = rates.count(rate)?;
            if !(0..one).contains(&rate) {
                return Err("a maintenance rate is below 0 %, or 100 % or more".to_owned());
            }
            lines.push((rate, money.wide(constant)?));
        }
        let need = money.wide(&parts(&need))?;
        let notional: Option<Fraction> = edge_notional(self.side, need, one, lines.into_iter());
        let notional = notional.map(|notional| money.fraction(notional)).ok_or("there is no tier")?;
        if notional > whole(0) { Ok(notional) } else { Err("no price above zero will do".to_owned()) }
    }
}

/// The price of a linear contract.
fn linear(case: &Case, size: &Exact) -> Outcome {
    Ok(vec![("lp", (case.notional()? / size).into())])
}

fn side_of(inputs: Inputs<'_>) -> Result<Side, String> {
    let side = inputs.number("side")?;
    match side {
        side if side == whole(1) => Ok(Side::Buy),
        side if side == whole(-1) => Ok(Side::Sell),
        side => Err(format!("side {side} is neither 1 nor -1")),
    }
}

/// A long where no side is given.
pub(super) fn side_or_long(inputs: Inputs<'_>) -> Result<Side, String> {
    if inputs.has("side") { side_of(inputs) } else { Ok(Side::Buy) }
}

fn positive(inputs: Inputs<'_>, name: &str) -> Result<Exact, String> {
    let number = inputs.number(name)?;
    if number > whole(0) { Ok(number) } else { Err(format!("input `{name}` is not above zero")) }
}

pub(super) fn one_line(inputs: Inputs<'_>) -> Outcome {
    let size = positive(inputs, "size")?;
    let case = Case {
        side: side_of(inputs)?,
        entered: &size * inputs.number("entry")?,
        cash: inputs.number("wb")? + inputs.number("upnl")?,
        fixed: inputs.number("tmm")?,
        lines: vec![(inputs.number("mmr")?, inputs.number("cum")?)],
    };
    linear(&case, &size)
}

pub(super) fn cross(inputs: Inputs<'_>) -> Outcome {
    let (mut cash, mut fixed) = (inputs.number("wb")?, whole(0));
    for other in inputs.parts("others")? {
        let (size, mark) = (positive(other, "size")?, other.number("mark")?);
        let profit = &size * (&mark - other.number("entry")?);
        cash += match side_of(other)? {
            Side::Buy => profit,
            Side::Sell => -profit,
        };
        fixed += size * mark * other.number("mmr")? - other.number("cum")?;
    }
    let target = inputs.part("target")?;
    let size = positive(target, "size")?;
    let entered = &size * target.number("entry")?;
    let lines = vec![(target.number("mmr")?, target.number("cum")?)];
    linear(&Case { side: side_of(target)?, entered, cash, fixed, lines }, &size)
}

/// Maintenance is half of the initial margin at the highest leverage.
pub(super) fn isolated(inputs: Inputs<'_>) -> Outcome {
    let size = positive(inputs, "size")?;
    let rate = whole(1) / (whole(2) * positive(inputs, "max_lev")?);
    let case = Case {
        side: side_of(inputs)?,
        entered: &size * inputs.number("entry")?,
        cash: inputs.number("collateral")?,
        fixed: whole(0),
        lines: vec![(rate, whole(0))],
    };
    linear(&case, &size)
}

pub(super) fn long_tiered(inputs: Inputs<'_>) -> Outcome {
    tiered(inputs, Side::Buy)
}

pub(super) fn short_tiered(inputs: Inputs<'_>) -> Outcome {
    tiered(inputs, Side::Sell)
}

fn tiered(inputs: Inputs<'_>, side: Side) -> Outcome {
    let size = positive(inputs, "size")?;
    let scaled = ScaledTable::new(&inputs.numbers("floors")?, &inputs.numbers("rates")?, &[])?;
    let lines = scaled.table.lines();
    let lines = lines.map(|(rate, constant)| (scaled.rate.number(rate.into()), scaled.amount(constant)));
    let case = Case {
        side,
        entered: &size * inputs.number("entry")?,
        cash: inputs.number("cash")?,
        fixed: whole(0),
        lines: lines.collect(),
    };
    linear(&case, &size)
}

/// The notional of an inverse contract falls as its price rises: a long gains with falling notional.
const fn inverse(side: Side) -> Side {
    side.opposite()
}

/// Maintenance margin is that of the entry, and does not move.
pub(super) fn inverse_isolated(inputs: Inputs<'_>) -> Outcome {
    let qty = positive(inputs, "qty")?;
    let entered = &qty / positive(inputs, "entry")?;
    let case = Case {
        side: inverse(side_of(inputs)?),
        cash: &entered / positive(inputs, "lev")?,
        fixed: &entered * inputs.number("mmr")?,
        entered,
        lines: vec![(whole(0), whole(0))],
    };
    Ok(vec![("lp", (qty / case.notional()?).into())])
}

/// A long; the fee of closing it is set aside at the price in question, maintenance margin is that of the entry.
pub(super) fn inverse_cross(inputs: Inputs<'_>) -> Outcome {
    let qty = positive(inputs, "qty")?;
    let entered = &qty / positive(inputs, "entry")?;
    let maintenance = &entered * inputs.number("mmr")?;
    let (balance, fee) = (inputs.number("balance")?, inputs.number("fee")?);
    let price = |fixed: Exact| {
        let case = Case {
            side: inverse(Side::Buy),
            entered: entered.clone(),
            cash: balance.clone(),
            fixed,
            lines: vec![(fee.clone(), whole(0))],
        };
        Ok::<_, String>(&qty / case.notional()?)
    };
    Ok(vec![("bp", price(whole(0))?.into()), ("lp", price(maintenance)?.into())])
}

pub(super) fn inverse_bankrupt_long(inputs: Inputs<'_>) -> Outcome {
    inverse_bankrupt(inputs, Side::Buy)
}

pub(super) fn inverse_bankrupt_short(inputs: Inputs<'_>) -> Outcome {
    inverse_bankrupt(inputs, Side::Sell)
}

fn inverse_bankrupt(inputs: Inputs<'_>, side: Side) -> Outcome {
    let entered = whole(1) / positive(inputs, "entry")?;
    let cash = &entered / positive(inputs, "lev")?;
    let lines = vec![(whole(0), whole(0))];
    let case = Case { side: inverse(side), entered, cash, fixed: whole(0), lines };
    Ok(vec![("bp", (whole(1) / case.notional()?).into())])
}

/// Each leg's trigger lies where its safety has fallen by its share of the slack, rounded toward its price.
pub(super) fn split_slack(inputs: Inputs<'_>) -> Outcome {
    let (slack, tick) = (inputs.number("slack")?, positive(inputs, "tick")?);
    let (legs, split) = (inputs.rows("legs", 4)?, inputs.numbers("split")?);
    if legs.len() != split.len() {
        return Err("there are not as many shares as legs".to_owned());
    }
    let mut triggers = Vec::with_capacity(legs.len());
    for (leg, share) in legs.iter().zip(&split) {
        let side = match leg.word(0)? {
            "long" => Side::Buy,
            "short" => Side::Sell,
            other => return Err(format!("a leg is `{other}`, neither long nor short")),
        };
        let (size, rate) = (leg.number(1)?, leg.number(3)?);
        let entered = &size * leg.number(2)?;
        let scaled = flat(&rate, std::slice::from_ref(&entered))?;
        let maintenance = scaled.table.requirement(Money::new(scaled.money.count(&entered)?)).ppb();
        // At its price it stands on its maintenance margin and its share of the slack.
        let cash = scaled.amount(maintenance) + &slack * share;
        let case = Case { side, entered, cash, fixed: whole(0), lines: vec![(rate, whole(0))] };
        let ticks = case.notional()? / size / &tick;
        triggers.push(rounded(&ticks, side == Side::Buy)? * &tick);
    }
    Ok(vec![("triggers", triggers.into())])
}
