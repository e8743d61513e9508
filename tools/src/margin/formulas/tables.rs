//! Margin tables and the ramp of the initial rate with open interest.
//!
//! Invariant: a table's arithmetic knows no scale. Floors are counted in one unit and rates in another, so that thirds are
//! as exact as decimals.

use risk::open_interest::{depth_bounds, ramp};
use risk::{Money, Rate, Tier, TierTable};

use crate::margin::exact::{Exact, Unit, ppb, to_fraction, whole};
use crate::margin::example::{Inputs, Outcome};

/// A table of the product, with the units its floors and rates are counted in.
pub(super) struct ScaledTable {
    pub(super) table: TierTable,
    pub(super) money: Unit,
    pub(super) rate: Unit,
}

impl ScaledTable {
    /// The table of these floors and rates; `beside` are other amounts of money it will meet.
    pub(super) fn new(floors: &[Exact], rates: &[Exact], beside: &[Exact]) -> Result<Self, String> {
        if floors.len() != rates.len() {
            return Err("there are not as many floors as rates".to_owned());
        }
        let (money, rate) = (Unit::of(floors.iter().chain(beside)), Unit::of(rates));
        let mut tiers = Vec::with_capacity(floors.len());
        for (floor, share) in floors.iter().zip(rates) {
            let parts = u32::try_from(rate.count(share)?).map_err(|_| format!("{share} is no rate"))?;
            tiers.push(Tier { floor: Money::new(money.count(floor)?), rate: Rate::new(parts) });
        }
        let table = TierTable::new(&tiers).map_err(|error| format!("no margin table: {error:?}"))?;
        Ok(Self { table, money, rate })
    }

    fn of(inputs: Inputs<'_>, beside: &[Exact]) -> Result<Self, String> {
        Self::new(&inputs.numbers("floors")?, &inputs.numbers("rates")?, beside)
    }

    /// An amount the table answered, counted in both units.
    pub(super) fn amount(&self, counted: i128) -> Exact {
        self.rate.number(1) * self.money.number(counted)
    }

    fn notional(&self, notional: &Exact) -> Result<Money, String> {
        self.money.count(notional).map(Money::new)
    }
}

pub(super) fn constants(inputs: Inputs<'_>) -> Outcome {
    let scaled = ScaledTable::of(inputs, &[])?;
    let constants: Vec<_> = scaled.table.lines().map(|(_, constant)| scaled.amount(constant)).collect();
    Ok(vec![("cum", constants.into())])
}

pub(super) fn lookup(inputs: Inputs<'_>) -> Outcome {
    let notional = inputs.number("notional")?;
    let scaled = ScaledTable::of(inputs, std::slice::from_ref(&notional))?;
    let (rate, constant) = scaled.table.line_at(scaled.notional(&notional)?);
    Ok(vec![("rate", scaled.rate.number(rate.into()).into()), ("cum", scaled.amount(constant).into())])
}

pub(super) fn requirement(inputs: Inputs<'_>) -> Outcome {
    let notional = inputs.number("notional")?;
    let scaled = ScaledTable::of(inputs, std::slice::from_ref(&notional))?;
    let notional = scaled.notional(&notional)?;
    let (rate, constant) = scaled.table.line_at(notional);
    let requirement = scaled.table.requirement(notional).ppb();
    Ok(vec![
        ("rate", scaled.rate.number(rate.into()).into()),
        ("cum", scaled.amount(constant).into()),
        ("mm", scaled.amount(requirement).into()),
    ])
}

/// Parts per million in one.
const PPM: u32 = 1_000_000;

/// The ramped rate in parts per million, rounded down.
fn ramped_ppm(inputs: Inputs<'_>) -> Result<u32, String> {
    let [base, interest, lower, upper] = ["im_ppm", "oi", "lower", "upper"].map(|name| inputs.number(name));
    let (base, interest, lower, upper) = (base?, interest?, lower?, upper?);
    let base = u32::try_from(Unit::of([]).count(&base)?).map_err(|_| format!("{base} is no rate"))?;
    let unit = Unit::of([&interest, &lower, &upper]);
    let money = |number: &Exact| unit.count(number).map(Money::new);
    let ramped =
        ramp(Rate::new(base), Rate::new(PPM), money(&interest)?, money(&lower)?, money(&upper)?).floor();
    u32::try_from(ramped).map_err(|_| "the rate is out of range".to_owned())
}

pub(super) fn ramp_ppm(inputs: Inputs<'_>) -> Outcome {
    Ok(vec![("ppm", whole(ramped_ppm(inputs)?.into()).into())])
}

pub(super) fn ramp_margin(inputs: Inputs<'_>) -> Outcome {
    let notional = inputs.number("qq")?;
    let rate = Rate::new(ramped_ppm(inputs)?.saturating_mul(1_000));
    let notional = Money::new(Unit::of([]).count(&notional)?.saturating_abs());
    Ok(vec![("im", whole(rate.of_ceil(notional).get().into()).into())])
}

pub(super) fn ramp_by_depth(inputs: Inputs<'_>) -> Outcome {
    let (base, depth, interest) = (inputs.number("base")?, inputs.number("depth")?, inputs.number("oi")?);
    let multiple = |name| {
        let multiple = ppb(&inputs.number(name)?)?;
        u64::try_from(multiple).map_err(|_| format!("input `{name}` is below zero"))
    };
    let (money, rates) = (Unit::of([&depth, &interest]), Unit::of([&base]));
    let (lower, upper) =
        depth_bounds(Money::new(money.count(&depth)?), multiple("k_lower")?, multiple("k_upper")?);
    let rate = |count: i64| u32::try_from(count).map(Rate::new).map_err(|_| format!("{base} is no rate"));
    let (base, one) = (rate(rates.count(&base)?)?, rate(rates.one()?)?);
    let ramped = ramp(base, one, Money::new(money.count(&interest)?), lower, upper);
    Ok(vec![("imf", rates.fraction(ramped).into())])
}

/// A flat table of one rate.
pub(super) fn flat(rate: &Exact, beside: &[Exact]) -> Result<ScaledTable, String> {
    ScaledTable::new(&[whole(0)], std::slice::from_ref(rate), beside)
}

/// What a number is as a fraction, rounded up or down as the product rounds.
pub(super) fn rounded(number: &Exact, up: bool) -> Result<Exact, String> {
    let fraction = to_fraction(number)?;
    Ok(whole(if up { fraction.ceil() } else { fraction.floor() }))
}
