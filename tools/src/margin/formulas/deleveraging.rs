//! Rankings and water-filling.
//!
//! Invariant: names of accounts are only carried along; their order in the file decides among equals.

use risk::deleveraging::{self as rules, Demand, Holder, raised_by_share};
use risk::{AccountId, Money, Qty, Requirement};

use super::collateral::money_of;
use crate::margin::exact::{Exact, Unit, fraction, rate, to_fraction, whole};
use crate::margin::example::{Found, Inputs, Outcome};

pub(super) fn queue(inputs: Inputs<'_>) -> Outcome {
    let rows = inputs.rows("accounts", 3)?;
    let (mut sizes, mut ranks) = (Vec::new(), Vec::new());
    for row in &rows {
        sizes.push(row.number(1)?);
        ranks.push(to_fraction(&row.number(2)?)?);
    }
    let need = inputs.number("need")?;
    let unit = Unit::of(sizes.iter().chain([&need]));
    let lots = sizes.iter().map(|size| unit.count(size).map(Qty::new)).collect::<Result<Vec<_>, _>>()?;
    let (mut order, mut fills) = (Vec::new(), Vec::new());
    for (place, given) in rules::queue(&ranks, &lots, Qty::new(unit.count(&need)?)) {
        let name = rows[place].word(0)?;
        order.push(Found::from(name));
        if given > Qty::ZERO {
            let given = unit.number(given.get().into());
            fills.push(Found::List(vec![name.into(), given.into()]));
        }
    }
    Ok(vec![("order", order.into()), ("fills", fills.into())])
}

pub(super) fn profit_rank(inputs: Inputs<'_>) -> Outcome {
    let size = inputs.number("size")?;
    let value = |name| Ok::<_, String>(&size * inputs.number(name)?);
    let (entry, mark, bankrupt) = (value("entry")?, value("mark")?, value("bankrupt")?);
    let unit = Unit::of([&entry, &mark, &bankrupt]);
    let money = |number| unit.count(number).map(Money::new);
    let rank = rules::profit_rank(money(&entry)?, money(&mark)?, money(&bankrupt)?);
    let rank = rank.ok_or("the position has no value above its bankruptcy value")?;
    Ok(vec![("rank", fraction(rank).into())])
}

pub(super) fn leveraged_profit(inputs: Inputs<'_>) -> Outcome {
    let (profit, wallet) = (inputs.number("upnl")?, inputs.number("wallet")?);
    let maintenance = inputs.number("margin_ratio")? * (&profit + &wallet);
    let unit = Unit::of([&profit, &wallet, &maintenance]);
    let money = |number| unit.count(number).map(Money::new);
    let (one, maintenance) = (Money::new(unit.one()?), Requirement::of_money(money(&maintenance)?));
    let factors = rules::leveraged_profit(money(&profit)?, money(&wallet)?, one, maintenance);
    let [share, ratio] = factors.map(fraction);
    Ok(vec![("pct", share.clone().into()), ("lev_pnl", (share * ratio).into())])
}

/// The demand, and the units of lots and money it is counted in. A lot is worth the mark over the parts of a lot.
struct Scaled {
    demand: Demand,
    lots: Unit,
    money: Unit,
}

impl Scaled {
    fn new(inputs: Inputs<'_>, sizes: &[Exact], equities: &[Exact]) -> Result<Self, String> {
        let need = inputs.number("need")?;
        let lots = Unit::of(sizes.iter().chain([&need]));
        let lot = lots.number(1);
        let (value, haircut) = (inputs.number("mark")? * &lot, inputs.number("haircut")? * &lot);
        let money = Unit::of(equities.iter().chain([&value, &haircut]));
        let demand = Demand {
            lots: Qty::new(lots.count(&need)?),
            value: Money::new(money.count(&value)?),
            haircut: Money::new(money.count(&haircut)?),
        };
        let total = sizes.iter().fold(need, |sum, size| sum + size);
        let sums = [&total * inputs.number("mark")?, &total * inputs.number("haircut")?];
        for sum in &sums {
            money.count(sum)?;
        }
        Ok(Self { demand, lots, money })
    }

    fn holders(&self, sizes: &[Exact], equities: &[Exact]) -> Result<Vec<Holder>, String> {
        if sizes.len() != equities.len() {
            return Err("there are not as many sizes as equities".to_owned());
        }
        let mut holders = Vec::with_capacity(sizes.len());
        for (account, (size, equity)) in (0..).map(AccountId::new).zip(sizes.iter().zip(equities)) {
            let (lots, equity) = (Qty::new(self.lots.count(size)?), Money::new(self.money.count(equity)?));
            if lots <= Qty::ZERO || equity <= Money::ZERO {
                return Err("a size or an equity is not above zero".to_owned());
            }
            holders.push(Holder { account, lots, equity });
        }
        Ok(holders)
    }
}

const INSOLVENT: &str = "the holders cannot absorb it";

pub(super) fn water_filling(inputs: Inputs<'_>) -> Outcome {
    let rows = inputs.rows("accounts", 3)?;
    let column = |place| rows.iter().map(|row| row.number(place)).collect::<Result<Vec<_>, _>>();
    let (sizes, equities) = (column(1)?, column(2)?);
    let scaled = Scaled::new(inputs, &sizes, &equities)?;
    let holders = scaled.holders(&sizes, &equities)?;
    let (level, _) = scaled.demand.level_of(&mut holders.clone()).map_err(|_| INSOLVENT)?;
    let mut cuts = Vec::with_capacity(rows.len());
    for (row, holder) in rows.iter().zip(&holders) {
        let cut = scaled.lots.fraction(scaled.demand.cut(level, holder));
        cuts.push(Found::List(vec![row.word(0)?.into(), cut.into()]));
    }
    Ok(vec![("leverage", fraction(level).into()), ("cuts", cuts.into())])
}

/// All the holders given stand above the level.
pub(super) fn level(inputs: Inputs<'_>) -> Outcome {
    let (sizes, equities) = (inputs.numbers("q")?, inputs.numbers("e")?);
    let scaled = Scaled::new(inputs, &sizes, &equities)?;
    let level = scaled.demand.level(&scaled.holders(&sizes, &equities)?).map_err(|_| INSOLVENT)?;
    Ok(vec![("leverage", fraction(level).into())])
}

pub(super) fn capacity(inputs: Inputs<'_>) -> Outcome {
    let (caps, budget) = (inputs.numbers("caps")?, inputs.number("budget")?);
    let unit = Unit::of(&caps);
    let caps = caps.iter().map(|cap| unit.count(cap).map(Money::new)).collect::<Result<Vec<_>, _>>()?;
    let raised = money_of(raised_by_share(&caps, rate(&inputs.number("alpha")?)?), &unit);
    let feasible = whole(i128::from(raised >= budget));
    Ok(vec![("max_raise", raised.into()), ("feasible", feasible.into())])
}
