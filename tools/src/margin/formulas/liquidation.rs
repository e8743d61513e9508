//! Bankruptcy amounts, what a liquidation asks for, what the insurance account gets or pays, and partial sizes.
//!
//! Invariant: amounts are whole in the unit the example counts them in, as the product's money is.

use risk::bankruptcy::{bankruptcy_amount, distress, fillable_amount, insurance_delta};
use risk::liquidation_size::{PerLot, Standing};
use risk::{Money, Rate, Requirement};

use super::collateral::money_of;
use crate::margin::exact::{Exact, Unit, rate, whole};
use crate::margin::example::{Inputs, Outcome};

/// Quote quanta in one of the quote currency.
const QUANTA: i128 = 1_000_000;

fn quanta(number: &Exact) -> Result<Money, String> {
    Unit::of([]).count(&number.floor()).map(Money::new)
}

fn per_million(inputs: Inputs<'_>, name: &str) -> Result<Exact, String> {
    Ok(inputs.number(name)? / whole(QUANTA))
}

/// A position in base quanta.
struct Held {
    size: Exact,
    /// Quote quanta a base quantum is worth at a price of one.
    scale: Exact,
    price: Exact,
}

impl Held {
    fn value(&self, size: &Exact) -> Result<Money, String> {
        quanta(&(size * &self.scale * &self.price))
    }
}

/// An account: its positions, its equity and its maintenance margin.
struct Account {
    held: Vec<Held>,
    equity: Money,
    maintenance: Money,
    rate: Rate,
    target: usize,
}

impl Account {
    fn read(inputs: Inputs<'_>) -> Result<Self, String> {
        let rate = rate(&(per_million(inputs, "im_ppm")? * per_million(inputs, "mf_ppm")?))?;
        let mut equity = quanta(&inputs.number("quote")?)?;
        let mut maintenance = Money::ZERO;
        let mut held = Vec::new();
        for position in inputs.parts("positions")? {
            let resolution = position.number("ar")?;
            let places =
                i32::try_from(Unit::of([]).count(&resolution)?).ok().filter(|places| places.abs() < 40);
            let scale = whole(10).pow(places.ok_or("input `ar` is out of range")?) * whole(QUANTA);
            let (size, price) = (position.number("size")?, position.number("px")?);
            let position = Held { size, scale, price };
            let value = position.value(&position.size)?;
            equity += value;
            maintenance += rate.of_ceil(Money::new(value.get().abs()));
            held.push(position);
        }
        let target = usize::try_from(Unit::of([]).count(&inputs.number("target")?)?).ok();
        let target = target.filter(|target| *target < held.len()).ok_or("there is no such target")?;
        if maintenance <= Money::ZERO {
            return Err("there is no maintenance margin".to_owned());
        }
        Ok(Self { held, equity, maintenance, rate, target })
    }

    fn maintenance_of(&self, value: Money) -> Money {
        self.rate.of_ceil(Money::new(value.get().abs()))
    }
}

pub(super) fn bankruptcy(inputs: Inputs<'_>) -> Outcome {
    let account = Account::read(inputs)?;
    let target = &account.held[account.target];
    let before = target.value(&target.size)?;
    let after = target.value(&(&target.size + inputs.number("delta")?))?;
    let released = account.maintenance_of(before) - account.maintenance_of(after);
    if released < Money::ZERO {
        return Err("closing so much leaves more maintenance margin".to_owned());
    }
    let amount = bankruptcy_amount(before - after, account.equity, released, account.maintenance);
    Ok(vec![("quote_quantums", whole(amount.get().into()).into())])
}

pub(super) fn fillable(inputs: Inputs<'_>) -> Outcome {
    let account = Account::read(inputs)?;
    let target = &account.held[account.target];
    let value = target.value(&target.size)?;
    let adjust = rate(&per_million(inputs, "ba_ppm")?)?;
    let spread = rate(&per_million(inputs, "smmr_ppm")?)?;
    let distress = distress(account.equity, account.maintenance, adjust);
    let asked = fillable_amount(value, account.maintenance_of(value), distress, spread);
    if target.size == whole(0) {
        return Err("the position is flat".to_owned());
    }
    let price = whole(asked.get().into()) / &target.size / &target.scale;
    Ok(vec![("price", price.into())])
}

pub(super) fn insurance(inputs: Inputs<'_>) -> Outcome {
    let (fill, bankrupt) = (inputs.number("fill_quote")?, inputs.number("bankrupt_quote")?);
    let received = |amount: &Exact| match inputs.word("side")? {
        "sell" => quanta(amount),
        "buy" => quanta(amount).map(|amount| -amount),
        other => Err(format!("side is `{other}`, neither buy nor sell")),
    };
    let rate = rate(&per_million(inputs, "max_fee_ppm")?)?;
    let delta = insurance_delta(received(&fill)?, received(&bankrupt)?, rate);
    Ok(vec![("delta", whole(delta.get().into()).into())])
}

/// `lots` is the quantity closed, a multiple of `lot`.
pub(super) fn partial(inputs: Inputs<'_>) -> Outcome {
    let lot = inputs.number("lot")?;
    let value = inputs.number("mark")? * &lot;
    let released = inputs.number("rate")? * &value;
    let lost = inputs.number("slip")? * &lot + inputs.number("fee")? * &value;
    let (equity, maintenance) = (inputs.number("equity")?, inputs.number("mm")?);
    if lot <= whole(0) {
        return Err("input `lot` is not above zero".to_owned());
    }
    let unit = Unit::of([&released, &lost, &equity, &maintenance]);
    let money = |number: &Exact| unit.count(number).map(|count| Requirement::of_money(Money::new(count)));
    let lot_does = PerLot { released: money(&released)?, lost: money(&lost)? };
    let standing = Standing { equity: money(&equity)?, maintenance: money(&maintenance)? };
    let held = Unit::of([]).count(&(inputs.number("size")? / &lot).floor())?;
    // What closing all of it does must be in range too.
    for amount in [&released, &lost] {
        money(&(amount * whole(held.into())))?;
    }
    let lots = standing.lots_to_restore(rate(&inputs.number("target")?)?, lot_does, held);
    let after = standing.after(lots, lot_does);
    Ok(vec![
        ("lots", (whole(lots.into()) * lot).into()),
        ("eq_after", money_of(after.equity, &unit).into()),
        ("mm_after", money_of(after.maintenance, &unit).into()),
    ])
}
