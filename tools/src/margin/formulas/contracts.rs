//! Values and profits of inverse contracts.
//!
//! Invariant: a match is valued once, and that value is booked to both sides with opposite signs.

use risk::contract::Scale;
use risk::limits::PRICE_MAX;
use risk::{ContractKind, Money, Position, Price, Qty};

use super::edges::side_or_long;
use super::ledger::decimals;
use crate::margin::exact::{Exact, Unit, whole};
use crate::margin::example::{Inputs, Outcome};

/// Smallest units of a coin where nothing else is said.
const UNITS: i128 = 100_000_000;

/// An inverse contract worth one of the quote currency, and its quantity.
struct Contract {
    scale: Scale,
    qty: Qty,
    price: Unit,
    coin: Exact,
}

impl Contract {
    fn new(inputs: Inputs<'_>, prices: &[&Exact]) -> Result<Self, String> {
        let (size, coin) = (inputs.number("qty")?, inputs.number_or("scale", whole(UNITS))?);
        let (price_decimals, price) = decimals(prices)?;
        let (qty_decimals, qty) = decimals(&[&size])?;
        let units = u32::try_from(Unit::of([]).count(&coin)?).map_err(|_| "input `scale` is out of range")?;
        let exponent = i32::from(price_decimals) - i32::from(qty_decimals);
        let scale = Scale::new(ContractKind::Inverse, exponent, units).ok_or("no contract has such units")?;
        let contract = Self { scale, qty: Qty::new(qty.count(&size)?), price, coin };
        for number in prices {
            let at = contract.price(number)?;
            if units == 0 || contract.qty < Qty::ZERO || !contract.scale.admits(contract.qty, at, at) {
                return Err("a value is out of range".to_owned());
            }
        }
        Ok(contract)
    }

    fn price(&self, price: &Exact) -> Result<Price, String> {
        let count = self.price.count(price)?;
        if (1..=PRICE_MAX).contains(&count) {
            Ok(Price::new(count))
        } else {
            Err(format!("price {price} is out of range"))
        }
    }
}

/// What buyer and seller book, in the coin's smallest unit.
pub(super) fn two_sided(inputs: Inputs<'_>) -> Outcome {
    let price = inputs.number("px")?;
    let contract = Contract::new(inputs, &[&price])?;
    // The cost of a buyer of an inverse contract falls: coin is what it gets.
    let buyer = -contract.scale.value(contract.qty, contract.price(&price)?);
    let seller = -buyer;
    let amount = |amount: Money| whole(amount.get().into()).into();
    Ok(vec![("buyer", amount(buyer)), ("seller", amount(seller)), ("sum", amount(buyer + seller))])
}

/// What a position is worth at the mark less what it cost, in coin.
pub(super) fn profit(inputs: Inputs<'_>) -> Outcome {
    let (entry, mark) = (inputs.number("entry")?, inputs.number_of(&["mark", "exit", "px"])?);
    let contract = Contract::new(inputs, &[&entry, &mark])?;
    let cost = contract.scale.value(contract.qty, contract.price(&entry)?);
    let position = Position::ZERO.after(side_or_long(inputs)?, contract.qty);
    let cost = if position < Position::ZERO { -cost } else { cost };
    let profit = contract.scale.position_value(position, contract.price(&mark)?.to_mark()) - cost;
    Ok(vec![("pnl", (whole(profit.get().into()) / contract.coin).into())])
}
