//! What is assumed, as people write it: orders, fills and shocks.
//!
//! Invariant: exact, as everywhere: a text that does not fit an instrument's decimals is refused.

use anyhow::{Context, bail};
use gateway::wire::private::{InstrumentDef, ShockRow, StepRow};
use gateway::wire::types::{
    Code, I64N, MarkN, OrdFlags, PriceN, ShockScope, Side, StepKind, Tif, U16N, U32N,
};
use risk::Qty;

use crate::desk::instruments::{Instruments, parse_price, parse_qty};
use crate::format::mantissa;

/// Decimals of a percentage whose mantissa is parts per billion.
const PERCENT_DECIMALS: u8 = 7;

/// A step that says nothing yet.
fn blank(kind: StepKind) -> StepRow {
    StepRow {
        kind: kind.into(),
        scope: ShockScope::Instrument.into(),
        instrument_id: U32N::NONE,
        underlying: U16N::NONE,
        rate_e9: I64N::NONE,
        mark: MarkN::NONE,
        side: Side::Buy.into(),
        price: PriceN::NONE,
        qty: Qty::ZERO,
        tif: Tif::GTC.into(),
        post_only: 0,
        flags: OrdFlags(0),
    }
}

/// `buy 5 @ 101 in BTC-PERP` or `sell 5 market in BTC-PERP`: the step, its instrument, and the words after it.
fn trade<'a>(
    text: &'a str,
    kind: StepKind,
    instruments: &Instruments,
) -> anyhow::Result<(StepRow, Vec<&'a str>)> {
    let spread = text.replace('@', " @ ");
    let words: Vec<&str> = spread.split_whitespace().collect();
    let (side, qty, price, rest) = match words.as_slice() {
        [side, qty, "@", price, rest @ ..] => (*side, *qty, Some(*price), rest),
        [side, qty, "market", rest @ ..] => (*side, *qty, None, rest),
        _ => {
            bail!("`{text}` is no trade; write `buy 5 @ 101 in BTC-PERP`, or `market` in place of the price")
        }
    };
    let [join, name, ..] = rest else { bail!("`{text}` names no instrument; end it with `in BTC-PERP`") };
    if *join != "in" {
        bail!("`{text}`: expected `in INSTRUMENT`, not `{join}`");
    }
    let def = instruments.find(name)?;
    let mut step = blank(kind);
    step.side = match side {
        "buy" => Side::Buy.into(),
        "sell" => Side::Sell.into(),
        _ => bail!("`{side}` is no side; write buy or sell"),
    };
    step.instrument_id = def.instrument_id.get().into();
    step.qty = parse_qty(def, qty)?;
    step.price = PriceN::from(price.map(|price| parse_price(def, price)).transpose()?);
    let extra = text.split_whitespace().skip_while(|word| !word.eq_ignore_ascii_case(name)).skip(1).collect();
    Ok((step, extra))
}

/// An order: a trade, then any of `reduce-only`, `post-only`, `ioc`, `fok`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn order(text: &str, instruments: &Instruments) -> anyhow::Result<StepRow> {
    let (mut step, extra) = trade(text, StepKind::Order, instruments)?;
    if step.price == PriceN::NONE {
        step.tif = Tif::IOC.into();
    }
    for word in extra {
        match word {
            "reduce-only" => step.flags.0 |= OrdFlags::REDUCE_ONLY,
            "post-only" => step.post_only = 1,
            "ioc" => step.tif = Tif::IOC.into(),
            "fok" => step.tif = Tif::FOK.into(),
            _ => {
                bail!("`{word}` is nothing an order says here; there are reduce-only, post-only, ioc and fok")
            }
        }
    }
    Ok(step)
}

/// A fill: a trade with a price.
///
/// # Errors
/// What is wrong with it.
pub(super) fn fill(text: &str, instruments: &Instruments) -> anyhow::Result<StepRow> {
    let (step, extra) = trade(text, StepKind::Fill, instruments)?;
    if step.price == PriceN::NONE {
        bail!("`{text}`: a fill has a price; write `buy 5 @ 101 in BTC-PERP`");
    }
    if let Some(word) = extra.first() {
        bail!("`{word}`: a fill says no more than side, quantity, price and instrument");
    }
    Ok(step)
}

/// A shock: `all=-10%`, `underlying:1=-10%`, `BTC-PERP=-10%` or `BTC-PERP=54000`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn shock(text: &str, instruments: &Instruments) -> anyhow::Result<StepRow> {
    let (scope, to) =
        text.rsplit_once('=').with_context(|| format!("`{text}` is no shock; write BTC-PERP=-10%"))?;
    let (scope, def) = scope_of(scope, instruments)?;
    let mut step = blank(StepKind::Shock);
    (step.scope, step.instrument_id, step.underlying) = scope;
    if let Some(percent) = to.strip_suffix('%') {
        step.rate_e9 = mantissa(percent.trim_start_matches('+'), PERCENT_DECIMALS)?.into();
        return Ok(step);
    }
    let def = def
        .with_context(|| format!("`{text}`: only one instrument's prices can be set; write a percentage"))?;
    step.mark = parse_price(def, to)?.to_mark().into();
    Ok(step)
}

/// The words of a scope, and the instrument where it is one.
type ScopeOf<'a> = ((Code<ShockScope>, U32N, U16N), Option<&'a InstrumentDef>);

fn scope_of<'a>(text: &str, instruments: &'a Instruments) -> anyhow::Result<ScopeOf<'a>> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(((ShockScope::All.into(), U32N::NONE, U16N::NONE), None));
    }
    if let Some(number) = text.strip_prefix("underlying:") {
        let number: u16 =
            number.parse().with_context(|| format!("`{number}` is no number of an underlying"))?;
        return Ok(((ShockScope::Underlying.into(), U32N::NONE, number.into()), None));
    }
    let def = instruments.find(text)?;
    let number = U32N::from(def.instrument_id.get());
    Ok(((ShockScope::Instrument.into(), number, U16N::NONE), Some(def)))
}

/// A grid of shocks of every price: `-30%,-10%,10%`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn grid(text: &str) -> anyhow::Result<Vec<ShockRow>> {
    let rates = text.split(',').map(|part| {
        let percent = part.trim().trim_end_matches('%').trim_start_matches('+');
        Ok(ShockRow {
            scope: ShockScope::All.into(),
            instrument_id: U32N::NONE,
            underlying: U16N::NONE,
            rate_e9: mantissa(percent, PERCENT_DECIMALS)?,
        })
    });
    rates.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::instruments::tests::bitcoin;

    fn instruments() -> Instruments {
        Instruments { defs: vec![bitcoin()], assets: Vec::new() }
    }

    #[test]
    fn trades_are_read_exactly() {
        let all = instruments();
        let name = all.name(bitcoin().instrument_id);
        let step = order(&format!("buy 0.5 @ 60000.5 in {name} reduce-only"), &all).expect("an order");
        let def = bitcoin();
        assert_eq!(step.qty, parse_qty(&def, "0.5").expect("fits"));
        assert_eq!(step.price.get(), Some(parse_price(&def, "60000.5").expect("fits")));
        assert_eq!(step.flags.0, OrdFlags::REDUCE_ONLY);
        assert_eq!(step.tif.get(), Some(Tif::GTC));
        let market = order(&format!("sell 0.5 market in {name}"), &all).expect("an order");
        assert_eq!((market.price.get(), market.tif.get()), (None, Some(Tif::IOC)));
        for wrong in ["buy 5", "buy 5 @ 1", "hold 5 @ 1 in X", "buy 5 @ 1 at X"] {
            assert!(order(wrong, &all).is_err(), "{wrong}");
        }
        assert!(fill(&format!("buy 1 market in {name}"), &all).is_err(), "a fill has a price");
        assert!(order(&format!("buy 1 @ 1 in {name} please"), &all).is_err());
    }

    #[test]
    fn shocks_are_percentages_or_prices() {
        let all = instruments();
        let name = all.name(bitcoin().instrument_id);
        assert_eq!(shock("all=-10%", &all).expect("a shock").rate_e9.get(), Some(-100_000_000));
        assert_eq!(shock("underlying:3=+0.5%", &all).expect("a shock").rate_e9.get(), Some(5_000_000));
        let to = shock(&format!("{name}=60000.5"), &all).expect("a shock");
        let price = parse_price(&bitcoin(), "60000.5").expect("fits");
        assert_eq!((to.rate_e9.get(), to.mark.get()), (None, Some(price.to_mark())));
        for wrong in ["", "all", "all=5", "nothing=-5%", "underlying:x=1%"] {
            assert!(shock(wrong, &all).is_err(), "{wrong}");
        }
        let rates: Vec<i64> = grid("-30%, 10").expect("a grid").iter().map(|row| row.rate_e9).collect();
        assert_eq!(rates, [-300_000_000, 100_000_000]);
    }
}
