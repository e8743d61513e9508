//! Requirements of positions and open orders, and conservation, on a ledger of the product.
//!
//! Invariant: decimals of prices and quantities are those of the inputs, and money has as many as both together, so the
//! ledger rounds nothing.

use risk::assessment::worst_end;
use risk::{
    AccountId, Assessment, AssetId, Capacity, InstrumentId, InstrumentSpec, Ledger, LegId, Leverage, Mark,
    Money, OrderSlot, Position, Price, Qty, Rate, Requirement, Side, Tier, Weight,
};

use super::collateral::money_of;
use crate::flow::recorded::{Decimals, instrument};
use crate::margin::exact::{Exact, Unit, rate, whole};
use crate::margin::example::{Inputs, Outcome};

const INSTRUMENT: InstrumentId = InstrumentId::new(0);
/// Takes the other side of positions that are there from the start.
const OTHER: AccountId = AccountId::new(16);
const FIRST: u32 = 17;
/// A table this low lets the leverage setting decide.
const LOWEST: Rate = Rate::new(2);

/// Decimals that hold every number exactly, and the unit they make.
pub(super) fn decimals(numbers: &[&Exact]) -> Result<(u8, Unit), String> {
    for places in 0..=9_u8 {
        let unit = whole(1) / whole(10).pow(places.into());
        if numbers.iter().all(|number| (*number / &unit).is_integer()) {
            return Ok((places, Unit::of([&unit])));
        }
    }
    Err("a price or quantity has more than 9 decimals".to_owned())
}

/// What a desk must be able to count.
struct Terms<'a> {
    prices: &'a [&'a Exact],
    sizes: &'a [&'a Exact],
    cash: &'a [&'a Exact],
    initial: Rate,
    taker_fee: Rate,
}

impl Terms<'_> {
    /// A linear perpetual that admits them, and the units of price, quantity and money.
    fn spec(&self) -> Result<(InstrumentSpec, [Unit; 3]), String> {
        let (price_decimals, price) = decimals(self.prices)?;
        let (qty_decimals, qty) = decimals(self.sizes)?;
        let money_decimals = decimals(self.cash)?.0.max(price_decimals + qty_decimals);
        let money = Unit::of([&(whole(1) / whole(10).pow(money_decimals.into()))]);
        let mut price_max = 1;
        for number in self.prices {
            price_max = price_max.max(price.count(number)?);
        }
        let mut qty_max = 1;
        for number in self.sizes {
            qty_max += qty.count(number)?.abs();
        }
        let tier = |rate: u32| vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }];
        let decimals = Decimals { price: price_decimals, qty: qty_decimals, money: money_decimals };
        let (price_max, qty_max) = (Price::new(price_max), Qty::new(qty_max));
        let spec = InstrumentSpec {
            taker_fee: self.taker_fee,
            initial_tiers: tier(self.initial.get()),
            // As high as the distance to initial margin allows.
            maintenance_tiers: tier(self.initial.get().div_euclid(5).saturating_mul(4).max(1)),
            ..instrument("EXAMPLE", &decimals, Price::new(1), price_max, qty_max)
        };
        Ok((spec, [price, qty, money]))
    }
}

/// A ledger with one instrument.
struct Desk {
    ledger: Ledger,
    price: Unit,
    qty: Unit,
    money: Unit,
    mark: Mark,
    slots: u32,
}

impl Desk {
    fn new(terms: &Terms<'_>, mark: &Exact) -> Result<Self, String> {
        let (spec, [price, qty, money]) = terms.spec()?;
        let instrument =
            spec.compile().map_err(|error| format!("no instrument has such terms: {error:?}"))?;
        let mut ledger = Ledger::new(Capacity { accounts: 64, legs: 64, orders: 64 });
        ledger.define(instrument);
        let mut desk = Self { ledger, price, qty, money, mark: Mark::new(0), slots: 0 };
        desk.mark = desk.price(mark)?.to_mark();
        desk.ledger.set_index(INSTRUMENT, desk.mark);
        Ok(desk)
    }

    fn price(&self, price: &Exact) -> Result<Price, String> {
        let count = self.price.count(price)?;
        if count > 0 { Ok(Price::new(count)) } else { Err(format!("price {price} is not above zero")) }
    }

    fn qty(&self, size: &Exact) -> Result<Qty, String> {
        let count = self.qty.count(size)?;
        if count >= 0 { Ok(Qty::new(count)) } else { Err(format!("quantity {size} is below zero")) }
    }

    fn open(&mut self, account: AccountId) -> LegId {
        self.ledger.open_account(account);
        self.ledger.leg_for(account, INSTRUMENT)
    }

    /// An account with a position taken at the mark.
    fn positioned(&mut self, size: &Exact) -> Result<LegId, String> {
        let (leg, other) = (self.open(AccountId::new(FIRST)), self.open(OTHER));
        let position = Position::new(self.qty.count(size)?);
        let value = self.ledger.instrument(INSTRUMENT).position_value(position, self.mark);
        self.ledger.transfer_position(other, leg, position, value);
        Ok(leg)
    }

    fn rest(&mut self, leg: LegId, side: Side, size: &Exact, price: &Exact) -> Result<(), String> {
        let (qty, price) = (self.qty(size)?, self.price(price)?);
        if qty > Qty::ZERO {
            let slot = OrderSlot::new(self.slots);
            self.ledger.reserve(slot, leg, side, price, qty, Weight::Full);
            self.ledger.begin_resting(slot);
            self.slots += 1;
        }
        Ok(())
    }

    fn assess(&self, leg: LegId) -> Assessment {
        self.ledger.assess(self.ledger.leg(leg).account)
    }

    /// The end of the reachable positions that requires the most, and the initial margin of it at the mark.
    fn worst(&self, leg: LegId) -> (Side, Requirement) {
        let leg = self.ledger.leg(leg);
        let bought = leg.position.after(Side::Buy, leg.buy_qty);
        let (side, size) = worst_end(bought, leg.position.after(Side::Sell, leg.sell_qty));
        let instrument = self.ledger.instrument(INSTRUMENT);
        (side, instrument.initial(instrument.notional(size, self.mark), leg.leverage.initial_rate()))
    }

    fn amount(&self, requirement: Requirement) -> Exact {
        money_of(requirement, &self.money)
    }
}

/// All orders at the mark: no open loss, no fees.
pub(super) fn open_size(inputs: Inputs<'_>) -> Outcome {
    let mark = inputs.number("mark")?;
    let [position, buys, sells] = ["pos", "buys", "sells"].map(|name| inputs.number(name));
    let (position, buys, sells) = (position?, buys?, sells?);
    let terms = Terms {
        prices: &[&mark],
        sizes: &[&position, &buys, &sells],
        cash: &[],
        initial: rate(&inputs.number("imf")?)?,
        taker_fee: Rate::new(0),
    };
    let mut desk = Desk::new(&terms, &mark)?;
    let leg = desk.positioned(&position)?;
    desk.rest(leg, Side::Buy, &buys, &mark)?;
    desk.rest(leg, Side::Sell, &sells, &mark)?;
    let side = match desk.worst(leg).0 {
        Side::Buy => "buy",
        Side::Sell => "sell",
    };
    Ok(vec![("imr", desk.amount(desk.assess(leg).initial).into()), ("side", side.into())])
}

/// Orders are rows of quantity and price.
pub(super) fn worst_case(inputs: Inputs<'_>) -> Outcome {
    let (mark, position) = (inputs.number("mark")?, inputs.number("pos")?);
    let mut orders = Vec::new();
    for (name, side) in [("buys", Side::Buy), ("sells", Side::Sell)] {
        for row in inputs.rows(name, 2)? {
            orders.push((side, row.number(0)?, row.number(1)?));
        }
    }
    let prices: Vec<_> = orders.iter().map(|(_, _, price)| price).chain([&mark]).collect();
    let sizes: Vec<_> = orders.iter().map(|(_, size, _)| size).chain([&position]).collect();
    let terms = Terms {
        prices: &prices,
        sizes: &sizes,
        cash: &[],
        initial: rate(&inputs.number("imf")?)?,
        taker_fee: rate(&inputs.number("taker_fee")?)?,
    };
    let mut desk = Desk::new(&terms, &mark)?;
    let leg = desk.positioned(&position)?;
    for (side, size, price) in &orders {
        desk.rest(leg, *side, size, price)?;
    }
    let (total, (_, margin)) = (desk.assess(leg).initial, desk.worst(leg));
    let fees = desk.ledger.leg(leg).fees_reserved;
    Ok(vec![
        ("im", desk.amount(margin).into()),
        ("open_loss", desk.amount(total - margin - fees).into()),
        ("fees", desk.amount(fees).into()),
        ("total", desk.amount(total).into()),
    ])
}

/// Initial margin at the order's own price, and what the ledger adds for its distance from the mark.
pub(super) fn cost(inputs: Inputs<'_>) -> Outcome {
    let [size, price, mark] = ["qty", "price", "mark"].map(|name| inputs.number(name));
    let (size, price, mark) = (size?, price?, mark?);
    let side = if inputs.number("side")? > whole(0) { Side::Buy } else { Side::Sell };
    let hundredths = Unit::of([]).count(&(inputs.number("lev")? * whole(100)))?;
    let leverage = u32::try_from(hundredths).map(Leverage::new).map_err(|_| "input `lev` is below zero")?;
    let terms = Terms {
        prices: &[&price, &mark],
        sizes: &[&size],
        cash: &[],
        initial: LOWEST,
        taker_fee: Rate::new(0),
    };
    let mut desk = Desk::new(&terms, &mark)?;
    let leg = desk.open(AccountId::new(FIRST));
    desk.ledger.set_leverage(leg, leverage);
    desk.rest(leg, side, &size, &price)?;
    let instrument = desk.ledger.instrument(INSTRUMENT);
    let value = instrument.size_of_value(desk.qty(&size)?, desk.price(&price)?);
    let margin = instrument.initial(value, leverage.initial_rate());
    let open_loss = desk.assess(leg).initial - desk.worst(leg).1;
    Ok(vec![("im", desk.amount(margin).into()), ("open_loss", desk.amount(open_loss).into())])
}

/// What may be withdrawn keeps initial margin and a tenth of the exposure.
pub(super) fn withdrawable(inputs: Inputs<'_>) -> Outcome {
    let equity = inputs.number("equity")?;
    let initial = inputs.number_of(&["im", "initial"])?;
    let exposure = inputs.number_of(&["notional", "exposure"])?;
    let balance = inputs.number_or("balance", equity.clone())?;
    let unit = Unit::of([&equity, &initial, &exposure, &balance]);
    let money = |number| unit.count(number).map(Money::new);
    let assessment = Assessment {
        withdrawal_equity: money(&equity)?,
        initial: Requirement::of_money(money(&initial)?),
        exposure: money(&exposure)?,
        ..Assessment::default()
    };
    let amount = assessment.free_to_withdraw().min(money(&balance)?).max(Money::ZERO);
    Ok(vec![("withdrawable", unit.number(amount.get().into()).into())])
}

/// Fills are rows of buyer, seller, quantity and price; accounts are numbered from 0.
pub(super) fn conserve(inputs: Inputs<'_>) -> Outcome {
    let (mark, cash) = (inputs.number("mark")?, inputs.numbers("cash")?);
    let mut fills = Vec::new();
    for row in inputs.rows("fills", 4)? {
        fills.push([row.number(0)?, row.number(1)?, row.number(2)?, row.number(3)?]);
    }
    let prices: Vec<_> = fills.iter().map(|fill| &fill[3]).chain([&mark]).collect();
    let sizes: Vec<_> = fills.iter().map(|fill| &fill[2]).collect();
    let cash_of: Vec<_> = cash.iter().collect();
    let (initial, taker_fee) = (LOWEST, Rate::new(0));
    let mut desk =
        Desk::new(&Terms { prices: &prices, sizes: &sizes, cash: &cash_of, initial, taker_fee }, &mark)?;
    let mut legs = Vec::with_capacity(cash.len());
    for (account, amount) in (FIRST..).map(AccountId::new).zip(&cash) {
        legs.push(desk.open(account));
        desk.ledger.transfer(account, AssetId::BASE, Money::new(desk.money.count(amount)?));
    }
    for [buyer, seller, size, price] in &fills {
        let leg = |number: &Exact| {
            let place = usize::try_from(Unit::of([]).count(number)?).ok();
            place
                .and_then(|place| legs.get(place))
                .copied()
                .ok_or_else(|| format!("there is no account {number}"))
        };
        let (qty, price) = (desk.qty(size)?, desk.price(price)?);
        desk.ledger.settle_trade(leg(buyer)?, leg(seller)?, Side::Buy, price, qty);
    }
    Ok(desk.sums(&legs))
}

impl Desk {
    /// Sums over accounts. What a position cost counts too once it is settled to cash.
    fn sums(&self, legs: &[LegId]) -> Vec<(&'static str, crate::margin::example::Found)> {
        let (mut position, mut cost, mut balances, mut total) = (0_i128, 0_i128, 0_i128, 0_i128);
        let mut equities = Vec::with_capacity(legs.len());
        for leg in legs {
            let (equity, leg) = (self.assess(*leg).equity, self.ledger.leg(*leg));
            position += i128::from(leg.position.get());
            cost += i128::from(leg.cost.get());
            let account = self.ledger.account(leg.account);
            balances += account.map_or(0, |account| i128::from(account.balance.get()));
            total += i128::from(equity.get());
            equities.push(self.money.number(equity.get().into()));
        }
        let settled = i128::from(self.ledger.deposits()) - balances;
        vec![
            ("sum_pos", self.qty.number(position).into()),
            ("sum_cost", self.money.number(cost + settled).into()),
            ("sum_equity", self.money.number(total).into()),
            ("equity", equities.into()),
        ]
    }
}
