//! Words into commands.

use engine::{Action, AmendOrder, CancelOrder, MarginChange, TimeNs};
use risk::{
    FeeRate, FeeTier, InstrumentId, InstrumentSpec, Leverage, MarginTerms, Mark, Money, Price, Qty, Rate,
    Tier,
};

use super::machine::time;
use super::prices::{of_index, set};
use super::{Story, assets};

/// A whole number; `_` separates digits.
pub(crate) fn number(word: &str) -> Result<i64, String> {
    word.replace('_', "").parse().map_err(|_| format!("{word} is not a number"))
}

pub(crate) fn small(word: &str) -> Result<u32, String> {
    u32::try_from(number(word)?).map_err(|_| format!("{word} is out of range"))
}

/// A share in percent with up to seven decimals, as parts per billion.
fn share(word: &str) -> Result<i64, String> {
    let digits = word.strip_suffix('%').ok_or_else(|| format!("{word} is not a percentage"))?;
    let (sign, digits) = digits.strip_prefix('-').map_or((1, digits), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let text = format!("{whole}{part:0<7}");
    let parts: i64 = text.parse().map_err(|_| format!("{word} is not a percentage"))?;
    Ok(sign * parts)
}

pub(crate) fn rate(word: &str) -> Result<Rate, String> {
    u32::try_from(share(word)?).map(Rate::new).map_err(|_| format!("{word} is negative"))
}

/// A price, with the fraction of a price unit in 1024ths after a `+`.
pub(crate) fn mark(word: &str) -> Result<Mark, String> {
    let (whole, part) = word.split_once('+').unwrap_or((word, "0"));
    Ok(Mark::new((number(whole)? << 10) + number(part)?))
}

/// `0:10%,5000:20%`: brackets with the notional they begin at.
fn tiers(word: &str) -> Result<Vec<Tier>, String> {
    let tier = |bracket: &str| {
        let (floor, margin) = bracket.split_once(':').ok_or_else(|| format!("{bracket} is not a bracket"))?;
        Ok(Tier { floor: Money::new(number(floor)?), rate: rate(margin)? })
    };
    word.split(',').map(tier).collect()
}

/// `name=value` words.
pub(crate) fn settings<'w>(words: &[&'w str]) -> Result<Vec<(&'w str, &'w str)>, String> {
    words.iter().map(|word| word.split_once('=').ok_or_else(|| format!("{word} is not a setting"))).collect()
}

/// The plainest instrument: value is price times quantity, no fees, initial margin 10 %, maintenance 5 %, wide bands.
fn plain() -> InstrumentSpec {
    let tier = |rate| vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }];
    InstrumentSpec {
        symbol: *b"PLAIN\0\0\0\0\0\0\0\0\0\0\0",
        price_decimals: 0,
        qty_decimals: 0,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(1_000_000),
        order_qty_max: Qty::new(1_000_000),
        position_max: Qty::new(1_000_000),
        open_interest_max: Qty::new(1_000_000),
        price_band: Rate::new(500_000_000),
        market_collar: Rate::new(500_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(0),
        initial_tiers: tier(100_000_000),
        maintenance_tiers: tier(50_000_000),
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

/// The plain instrument with settings.
pub(crate) fn spec(words: &[&str]) -> Result<InstrumentSpec, String> {
    let mut spec = plain();
    for (name, value) in settings(words)? {
        match name {
            "tick" => spec.tick = Price::new(number(value)?),
            "lot" => spec.lot = Qty::new(number(value)?),
            "price_max" => spec.price_max = Price::new(number(value)?),
            "order_qty_max" => spec.order_qty_max = Qty::new(number(value)?),
            "position_max" => spec.position_max = Qty::new(number(value)?),
            "open_interest_max" => spec.open_interest_max = Qty::new(number(value)?),
            "band" => spec.price_band = rate(value)?,
            "collar" => spec.market_collar = rate(value)?,
            "step" => spec.mark_step_max = rate(value)?,
            "maker_fee" => {
                spec.maker_fee =
                    FeeRate::new(i32::try_from(share(value)?).map_err(|error| error.to_string())?);
            }
            "taker_fee" => spec.taker_fee = rate(value)?,
            "liquidation_fee" => spec.liquidation_fee = rate(value)?,
            "initial" => spec.initial_tiers = tiers(value)?,
            "maintenance" => spec.maintenance_tiers = tiers(value)?,
            _ if assets::contract_setting(&mut spec, (name, value))? => {}
            _ => set(&mut spec, name, value)?,
        }
    }
    Ok(spec)
}

impl Story<'_> {
    /// `INSTRUMENT [initial=TIERS] [maintenance=TIERS] [at=MS] [steps=N] [every=MS]`.
    fn margin_change(&self, words: &[&str]) -> Result<Action, String> {
        let [place, terms @ ..] = words else { return Err("which instrument".to_owned()) };
        let place = small(place)?;
        let spec = self.specs.get(place as usize).ok_or("no such instrument")?;
        let mut change =
            MarginChange { terms: MarginTerms::of(spec), effective: TimeNs::new(0), steps: 1, step_ms: 0 };
        for (name, value) in settings(terms)? {
            match name {
                "initial" => change.terms.initial_tiers = tiers(value)?,
                "maintenance" => change.terms.maintenance_tiers = tiers(value)?,
                "at" => change.effective = time(number(value)?.unsigned_abs()),
                "steps" => change.steps = u16::try_from(small(value)?).map_err(|error| error.to_string())?,
                "every" => change.step_ms = small(value)?,
                _ => return Err(format!("no setting {name}")),
            }
        }
        Ok(Action::ScheduleMargin { instrument: InstrumentId::new(place), change: Box::new(change) })
    }

    /// A command that begins with what it is about.
    pub(crate) fn action(&mut self, words: &[&str]) -> Result<Action, String> {
        Ok(match *words {
            ["index" | "source", ..] => of_index(words)?,
            ["continue"] => Action::Continue,
            ["tick"] => Action::Tick,
            ["key" | "revoke" | "logon" | "logoff" | "lose" | "skip" | "restrict", ..] => {
                self.of_session(words)?
            }
            ["group" | "restrict-group" | "suspend" | "admit", ..] => self.of_owners(words)?,
            ["margin-change", ref terms @ ..] => self.margin_change(terms)?,
            ["margin-as-it-is", place] => {
                Action::CancelMargin { instrument: InstrumentId::new(small(place)?) }
            }
            ["fee-tier", tier, taker, maker, rebate] => {
                let tier = u8::try_from(small(tier)?).map_err(|error| error.to_string())?;
                let (taker, maker, rebate) = (rate(taker)?, rate(maker)?, rate(rebate)?);
                Action::DefineFeeTier { tier, terms: FeeTier { taker, maker, rebate } }
            }
            ["fees-of", name, tier] => Action::SetFeeTier {
                account: self.account(name)?,
                tier: u8::try_from(small(tier)?).map_err(|error| error.to_string())?,
            },
            ["risk_group", group, ref settings @ ..] => self.risk_group(group, settings)?,
            ["assign", instrument, group] => Self::assign(instrument, group)?,
            ["plan", request, ref words @ ..] => self.plan(request, words)?,
            ["debt-terms", asset, ref settings @ ..] => self.debt_terms(asset, settings)?,
            ["trading" | "auction" | "restarted" | "limits" | "settle", ..] => self.of_phase(words)?,
            [account, ref rest @ ..] => self.of_account(account, rest)?,
            [] => return Err("nothing".to_owned()),
        })
    }

    /// A command of an account.
    pub(crate) fn of_account(&mut self, name: &str, words: &[&str]) -> Result<Action, String> {
        let account = self.account(name)?;
        Ok(match *words {
            ["buy" | "sell", ..] => self.order_of(account, words)?,
            ["batch", mode, ref rest @ ..] => self.batch_of(account, mode, rest)?,
            ["amend-trigger", order, ref rest @ ..] => self.amend_trigger(account, order, rest)?,
            ["cancel", "all", ref which @ ..] => Self::cancel_all(account, which)?,
            ["protects", ref terms @ ..] => Self::protect(account, terms)?,
            ["unfreezes", group] => Self::unfreeze(account, group)?,
            ["quotes", ref quotes @ ..] => self.mass_quote(account, quotes)?,
            ["cancel", order] => Action::CancelOrder(CancelOrder { account, order: self.order(order)? }),
            ["amend", order, "to", qty, "@", price, ref wishes @ ..] => Action::AmendOrder(AmendOrder {
                account,
                order: self.order(order)?,
                limit: Price::new(number(price)?),
                qty: Qty::new(number(qty)?),
                post_only: wishes == ["post-only"],
            }),
            ["deposits" | "withdraws" | "gives", ..] => self.of_money(account, words)?,
            ["isolates" | "shares" | "margin", ..] => Self::of_isolated(account, words)?,
            ["guards", ms] => Self::guard(account, ms, false)?,
            ["guards", ms, "keeping", "reduce-only"] => Self::guard(account, ms, true)?,
            ["leverage", leverage] => Self::leverage(account, "0", leverage)?,
            ["leverage", leverage, "in", place] => Self::leverage(account, place, leverage)?,
            _ => return Err("no such command".to_owned()),
        })
    }

    fn leverage(account: risk::AccountId, place: &str, leverage: &str) -> Result<Action, String> {
        let times = leverage.strip_suffix('x').ok_or("a leverage ends in x")?;
        let (whole, part) = times.split_once('.').unwrap_or((times, ""));
        let leverage = Leverage::new(small(&format!("{whole}{part:0<2}"))?);
        Ok(Action::SetLeverage { account, instrument: InstrumentId::new(small(place)?), leverage })
    }
}
