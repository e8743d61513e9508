//! Recorded bars as the prices that were passed through: four steps a bar, first the extreme that lies behind.
//!
//! Invariant: steps ascend in time; within one, each symbol has at most one price of each series.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use anyhow::{Context, bail};
use flate2::read::MultiGzDecoder;

use super::StressArgs;
use crate::format::mantissa;

/// A symbol with the decimals its prices are counted in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Symbol {
    /// Its name.
    pub(super) name: String,
    /// Decimals of prices: six digits of the first one.
    pub(super) price_decimals: u8,
    /// The first price, and the highest.
    pub(super) first: i64,
    /// The highest price of any series.
    pub(super) highest: i64,
}

/// Prices of one symbol at one time, in its decimals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Quote {
    /// Of the perpetual that is played.
    pub(super) perp: i64,
    /// Of the spot market, where it was recorded.
    pub(super) spot: Option<i64>,
    /// Of the venue's own mark, where it was recorded.
    pub(super) mark: Option<i64>,
}

/// All symbols at one time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Step {
    /// Nanoseconds since 1970.
    pub(super) time_ns: u64,
    /// By symbol.
    pub(super) quotes: Vec<Option<Quote>>,
}

/// What was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Recording {
    /// The instruments, in the order of their names.
    pub(super) symbols: Vec<Symbol>,
    /// What happened.
    pub(super) steps: Vec<Step>,
}

/// Open, then the extreme behind, then the one ahead, close.
type Bar = [i64; 4];
/// Bars of a symbol by time in milliseconds.
type Bars = BTreeMap<u64, Bar>;

#[derive(Default)]
struct Lines {
    perp: BTreeMap<u64, [String; 4]>,
    spot: BTreeMap<u64, [String; 4]>,
    mark: BTreeMap<u64, [String; 4]>,
}

impl Recording {
    /// Reads the series that the arguments name.
    ///
    /// # Errors
    /// Where the file is missing, malformed, or holds none of them.
    pub(super) fn read(args: &StressArgs) -> anyhow::Result<Self> {
        let path = args.file.display();
        let file = File::open(&args.file).with_context(|| format!("cannot open {path}"))?;
        let is_packed = args.file.extension().is_some_and(|extension| extension == "gz");
        let plain: Box<dyn Read> =
            if is_packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let lines =
            read_lines(BufReader::new(plain), args).with_context(|| format!("{path} is no recording"))?;
        if lines.is_empty() {
            bail!("{path} has no `{}` bars of venue `{}`; see its first columns", args.series, args.venue);
        }
        let (mut symbols, mut of_symbols) = (Vec::new(), Vec::new());
        for (name, lines) in lines {
            let (symbol, series) = symbol_of(name, &lines)?;
            symbols.push(symbol);
            of_symbols.push(series);
        }
        Ok(Self { steps: steps(&of_symbols), symbols })
    }
}

fn read_lines(file: impl BufRead, args: &StressArgs) -> anyhow::Result<BTreeMap<String, Lines>> {
    let mut all: BTreeMap<String, Lines> = BTreeMap::new();
    let spot = format!("{}_spot", args.venue);
    for (number, line) in (1..).zip(file.lines()).skip(1) {
        let line = line?;
        let fields: Vec<&str> = line.split(',').collect();
        let [venue, symbol, series, time, open, high, low, close, ..] = fields[..] else {
            bail!("line {number} has {} columns instead of 9", fields.len());
        };
        if !args.symbols.is_empty() && !args.symbols.iter().any(|wanted| wanted == symbol) {
            continue;
        }
        let is_mark = series.ends_with("_mark");
        let is_played = venue == args.venue && series == args.series;
        let is_spot = venue == spot && series == args.series;
        if !(is_played || is_spot || venue == args.venue && is_mark) {
            continue;
        }
        let of_symbol = all.entry(symbol.to_owned()).or_default();
        let into = match (is_played, is_spot) {
            (true, _) => &mut of_symbol.perp,
            (false, true) => &mut of_symbol.spot,
            (false, false) => &mut of_symbol.mark,
        };
        let time: u64 = time.parse().with_context(|| format!("line {number}: `{time}` is no time"))?;
        into.insert(time, [open, high, low, close].map(str::to_owned));
    }
    all.retain(|_, lines| !lines.perp.is_empty());
    Ok(all)
}

/// Bars of perpetual, spot and mark.
type Series = [Bars; 3];

fn symbol_of(name: String, lines: &Lines) -> anyhow::Result<(Symbol, Series)> {
    let [first, ..] = lines.perp.values().next().context("a symbol has bars")?;
    let whole = first.split('.').next().unwrap_or_default().trim_start_matches('0').len();
    let leading = first
        .split('.')
        .nth(1)
        .filter(|_| whole == 0)
        .map_or(0, |part| part.len() - part.trim_start_matches('0').len());
    let price_decimals = u8::try_from((6 + leading).saturating_sub(whole)).unwrap_or(0).min(9);
    let bars = |lines: &BTreeMap<u64, [String; 4]>| -> anyhow::Result<Bars> {
        let bar = |(time, text): (&u64, &[String; 4])| Ok((*time, bar(text, price_decimals)?));
        lines.iter().map(bar).collect()
    };
    let series = [bars(&lines.perp)?, bars(&lines.spot)?, bars(&lines.mark)?];
    let first = series[0].values().next().map_or(0, |bar| bar[0]);
    let highest = series.iter().flat_map(Bars::values).flatten().max().copied().unwrap_or(first);
    if series.iter().flat_map(Bars::values).flatten().any(|price| *price <= 0) {
        bail!("{name} has a price that is not above zero");
    }
    Ok((Symbol { name, price_decimals, first, highest }, series))
}

fn bar(text: &[String; 4], decimals: u8) -> anyhow::Result<Bar> {
    let price = |text: &String| {
        // More digits than are counted say nothing: six of the first price are.
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let part = &part[..part.len().min(usize::from(decimals))];
        mantissa(&format!("{whole}.{part:0<1}"), decimals)
            .map_err(|_| anyhow::anyhow!("`{text}` is no price"))
    };
    let [open, high, low, close] = [price(&text[0])?, price(&text[1])?, price(&text[2])?, price(&text[3])?];
    Ok(if close >= open { [open, low, high, close] } else { [open, high, low, close] })
}

/// Four steps for each time at which any symbol has a bar. Where the other series have a longer bar, it lasts.
fn steps(of_symbols: &[Series]) -> Vec<Step> {
    let mut times: Vec<u64> = of_symbols.iter().flat_map(|[perp, ..]| perp.keys().copied()).collect();
    times.sort_unstable();
    times.dedup();
    let length = times.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(60_000);
    let mut steps = Vec::with_capacity(times.len() * 4);
    for time in times {
        for quarter in 0..4 {
            let at = usize::try_from(quarter).unwrap_or(0);
            let quotes = of_symbols.iter().map(|[perp, spot, mark]| {
                let perp = perp.get(&time)?[at];
                let spot = spot.get(&time).map(|bar| bar[at]);
                let mark = mark.range(..=time).next_back().map(|(_, bar)| bar[0]);
                Some(Quote { perp, spot, mark })
            });
            let time_ns = (time + quarter * length.div_euclid(4)) * 1_000_000;
            steps.push(Step { time_ns, quotes: quotes.collect() });
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_passed_through_by_way_of_the_extreme_behind() {
        let text = |prices: [&str; 4]| prices.map(str::to_owned);
        assert_eq!(bar(&text(["10.5", "12", "9.25", "11"]), 2).unwrap(), [1_050, 925, 1_200, 1_100]);
        assert_eq!(bar(&text(["11", "12", "9.25", "10.5"]), 2).unwrap(), [1_100, 1_200, 925, 1_050]);
        assert_eq!(bar(&text(["0.123456789", "1", "0.1", "0.2"]), 3).unwrap(), [123, 100, 1_000, 200]);
    }
}
