//! Rankings and water-filling.
//!
//! Invariant: names of accounts are only carried along; their order in the file decides among equals.

use risk::deleveraging::{
    self as rules, Allocation, DeleveragingPolicy, Demand, Holder, allocate, raised_by_share,
};
use risk::{AccountId, Fraction, Money, Requirement};

use super::collateral::money_of;
use crate::margin::exact::{Exact, Unit, fraction, rate, to_fraction, whole};
use crate::margin::example::{Found, Inputs, Outcome};

/// A holder of so many lots, none of them hedged.
fn holder(account: usize, lots: i64, equity: Money, score: i128) -> Result<Holder, String> {
    let account = u32::try_from(account).map(AccountId::new).map_err(|_| "too many accounts")?;
    if lots <= 0 || equity <= Money::ZERO {
        return Err("a size or an equity is not above zero".to_owned());
    }
    Ok(Holder { account, held: lots, open: lots, equity, score })
}

/// At no haircut equity is not asked for, so it may be anything.
pub(super) fn queue(inputs: Inputs<'_>) -> Outcome {
    let rows = inputs.rows("accounts", 3)?;
    let sizes = rows.iter().map(|row| row.number(1)).collect::<Result<Vec<_>, _>>()?;
    let need = inputs.number("need")?;
    let unit = Unit::of(sizes.iter().chain([&need]));
    let mut holders = Vec::with_capacity(rows.len());
    for (place, (row, size)) in rows.iter().zip(&sizes).enumerate() {
        let score = rules::score(to_fraction(&row.number(2)?)?);
        holders.push(holder(place, unit.count(size)?, Money::new(1), score)?);
    }
    let planned = |lots| {
        let demand = Demand { lots, value: Money::new(1), haircut: Money::ZERO };
        allocate(DeleveragingPolicy::Profit, demand, holders.iter().copied())
    };
    let name_of = |account: AccountId| rows[account.index()].word(0).map(Found::from);
    // Who gives up all there is, does so in the order of the queue.
    let total = holders.iter().try_fold(0_i64, |sum, holder| sum.checked_add(holder.held));
    let all = planned(total.ok_or("the sizes together are too large for the venue's integers")?);
    let order = all.cuts().iter().map(|cut| name_of(cut.account)).collect::<Result<Vec<_>, _>>()?;
    let mut fills = Vec::with_capacity(rows.len());
    for cut in planned(unit.count(&need)?).cuts() {
        fills.push(Found::List(vec![name_of(cut.account)?, unit.number(cut.lots.into()).into()]));
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
            lots: lots.count(&need)?,
            value: Money::new(money.count(&value)?),
            haircut: Money::new(money.count(&haircut)?),
        };
        if demand.value <= Money::ZERO {
            return Err("input `mark` is not above zero".to_owned());
        }
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
        let holders = sizes.iter().zip(equities).enumerate().map(|(place, (size, equity))| {
            holder(place, self.lots.count(size)?, Money::new(self.money.count(equity)?), 0)
        });
        holders.collect()
    }

    /// The plan, where these holders can absorb the demand, and its level.
    fn plan(&self, holders: &[Holder]) -> Result<(Allocation, Fraction), String> {
        let plan = allocate(DeleveragingPolicy::Water, self.demand, holders.iter().copied());
        match plan.level() {
            Some(level) if plan.unallocated() == 0 => Ok((plan, level)),
            _ => Err("the holders cannot absorb it at one level".to_owned()),
        }
    }
}

pub(super) fn water_filling(inputs: Inputs<'_>) -> Outcome {
    let rows = inputs.rows("accounts", 3)?;
    let column = |place| rows.iter().map(|row| row.number(place)).collect::<Result<Vec<_>, _>>();
    let (sizes, equities) = (column(1)?, column(2)?);
    let scaled = Scaled::new(inputs, &sizes, &equities)?;
    let holders = scaled.holders(&sizes, &equities)?;
    let (_, level) = scaled.plan(&holders)?;
    let mut cuts = Vec::with_capacity(rows.len());
    for (row, holder) in rows.iter().zip(&holders) {
        let cut = scaled.lots.fraction(scaled.demand.exact_cut(level, holder));
        cuts.push(Found::List(vec![row.word(0)?.into(), cut.into()]));
    }
    Ok(vec![("leverage", fraction(level).into()), ("cuts", cuts.into())])
}

/// All the holders given stand above the level.
pub(super) fn level(inputs: Inputs<'_>) -> Outcome {
    let (sizes, equities) = (inputs.numbers("q")?, inputs.numbers("e")?);
    let scaled = Scaled::new(inputs, &sizes, &equities)?;
    let (plan, level) = scaled.plan(&scaled.holders(&sizes, &equities)?)?;
    if plan.holders_above() < plan.holders() {
        return Err("not all holders stand above the level".to_owned());
    }
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
