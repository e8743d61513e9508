//! `fulcrum margin brackets`: published leverage brackets, checked and turned into margin tables.
//!
//! Invariant: the product's own loader decides; numbers are taken as they are written, digit by digit.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use flate2::read::MultiGzDecoder;
use risk::brackets::{BracketError, BracketRule};
use risk::limits::PPB;
use risk::{Bracket, BracketTable, Leverage, Money, Requirement};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::exact::{self, Exact, whole};
use crate::desk::table::{Align, Table};
use crate::format::{decimal, group_whole, percent, trimmed};

/// Decimals that published amounts are counted with.
const MONEY_DECIMALS: u8 = 6;
/// Largest file, unpacked.
const OCTETS_MAX: u64 = 1 << 28;

/// Arguments of `fulcrum margin brackets`.
#[derive(Clone, Debug, Args)]
pub struct BracketsArgs {
    /// File of brackets, .json or .json.gz
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Show the brackets of this symbol, as `BTC/USDT:USDT`
    #[arg(long, value_name = "S")]
    pub symbol: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// A bracket as it is published.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Published {
    notional_floor: Number,
    notional_cap: Number,
    maint_margin_ratio: Number,
    initial_leverage: Number,
    cum: Number,
}

#[derive(Deserialize)]
struct Row {
    info: Published,
}

#[derive(Deserialize)]
struct OfSymbol {
    symbol: String,
    brackets: Vec<Published>,
}

/// Brackets by symbol.
#[derive(Clone, Debug)]
pub struct BracketFile {
    symbols: BTreeMap<String, Vec<Published>>,
}

impl BracketFile {
    /// Reads a file, plain or packed.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn open(path: &Path) -> Result<Self, String> {
        let named = path.display();
        let unreadable = |error: std::io::Error| format!("{named} cannot be read: {error}");
        let mut octets = std::fs::read(path).map_err(unreadable)?;
        if octets.starts_with(&[0x1f, 0x8b]) {
            let mut unpacked = Vec::new();
            let mut packed = MultiGzDecoder::new(octets.as_slice()).take(OCTETS_MAX);
            packed.read_to_end(&mut unpacked).map_err(unreadable)?;
            octets = unpacked;
        }
        Self::read(&octets).map_err(|reason| format!("{named}: {reason}"))
    }

    /// Either an object of lists by symbol, each with the venue's own words under `info`, or the venue's own list of
    /// `symbol` and `brackets`.
    fn read(octets: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(octets).map_err(|error| error.to_string())?;
        let wrong = |error: serde_json::Error| format!("these are no leverage brackets: {error}");
        let mut symbols = BTreeMap::new();
        if value.is_array() {
            for OfSymbol { symbol, brackets } in
                serde_json::from_value::<Vec<OfSymbol>>(value).map_err(wrong)?
            {
                symbols.insert(symbol, brackets);
            }
        } else {
            let rows: BTreeMap<String, Vec<Row>> = serde_json::from_value(value).map_err(wrong)?;
            for (symbol, rows) in rows {
                symbols.insert(symbol, rows.into_iter().map(|row| row.info).collect());
            }
        }
        if symbols.is_empty() { Err("there is no symbol".to_owned()) } else { Ok(Self { symbols }) }
    }

    /// The brackets of a symbol, with amounts counted in so many decimals.
    ///
    /// # Errors
    /// Why there are none that the venue can take.
    pub fn table(&self, symbol: &str, money_decimals: u8) -> Result<BracketTable, String> {
        let published = self.symbols.get(symbol).ok_or_else(|| format!("there is no symbol {symbol}"))?;
        let brackets = counted(published, money_decimals)?;
        BracketTable::new(&brackets).map_err(broken)
    }
}

fn counted(published: &[Published], money_decimals: u8) -> Result<Vec<Bracket>, String> {
    published.iter().map(|bracket| bracket.counted(money_decimals)).collect()
}

impl Published {
    fn counted(&self, money_decimals: u8) -> Result<Bracket, String> {
        let unit = exact::Unit::of([&(whole(1) / whole(10).pow(money_decimals.into()))]);
        let money = |number: &Number| unit.count(&written(number)?).map(Money::new);
        let hundredths = exact::Unit::of([]).count(&(written(&self.initial_leverage)? * whole(100)))?;
        let leverage = u32::try_from(hundredths).map_err(|_| "a leverage is below zero".to_owned())?;
        Ok(Bracket {
            floor: money(&self.notional_floor)?,
            cap: money(&self.notional_cap)?,
            maintenance: exact::rate(&written(&self.maint_margin_ratio)?)?,
            leverage_max: Leverage::new(leverage),
            cum: Requirement::from_ppb(unit.wide(&(written(&self.cum)? * whole(PPB.into())))?),
        })
    }
}

/// The decimal a number of the file is written as.
fn written(number: &Number) -> Result<Exact, String> {
    exact::parse(&number.to_string()).ok_or_else(|| format!("{number} is no decimal"))
}

const fn words(rule: BracketRule) -> &'static str {
    match rule {
        BracketRule::Floor => "it does not begin where the one before ends",
        BracketRule::Cap => "it does not end above its beginning",
        BracketRule::Rate => {
            "its maintenance rate is not above 0 %, below 100 %, and at least that of the one before"
        }
        BracketRule::Leverage => "its leverage is below 1 or above that of the one before",
        BracketRule::Cum => "its constant does not make maintenance margin continuous",
        BracketRule::MarginGap => "its initial margin is below 5/4 of its maintenance margin",
    }
}

fn broken(error: BracketError) -> String {
    match error {
        BracketError::Count => "there are none, or too many brackets".to_owned(),
        BracketError::Broken { bracket, rule } => format!("bracket {bracket}: {}", words(rule)),
    }
}

/// A symbol whose brackets cannot be taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Refused {
    /// Which.
    pub symbol: String,
    /// Why.
    pub reason: String,
}

/// What came of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Summary {
    /// Symbols.
    pub symbols: usize,
    /// Brackets of all of them.
    pub brackets: usize,
    /// Most brackets of one symbol.
    pub brackets_most: usize,
    /// Places where a bracket ends and the next begins.
    pub boundaries: usize,
    /// Those at which maintenance margin, by the published rates and constants, is the same from below and from above.
    pub continuous: usize,
    /// Symbols an instrument can take its tables from.
    pub sound: usize,
    /// Symbols whose brackets are not what they say: a joint, a rate, a leverage or a constant is wrong.
    pub differing: Vec<Refused>,
    /// Symbols whose initial margin is too near maintenance margin for an instrument of this venue.
    pub too_near: Vec<Refused>,
}

impl Summary {
    /// Of these symbols.
    #[must_use]
    pub fn of(file: &BracketFile) -> Self {
        let mut summary = Self::default();
        for (symbol, published) in &file.symbols {
            summary.symbols += 1;
            summary.brackets += published.len();
            summary.brackets_most = summary.brackets_most.max(published.len());
            let refused = |reason| Refused { symbol: symbol.clone(), reason };
            let brackets = match counted(published, MONEY_DECIMALS) {
                Ok(brackets) => brackets,
                Err(reason) => {
                    summary.differing.push(refused(reason));
                    continue;
                }
            };
            for pair in brackets.windows(2) {
                summary.boundaries += 1;
                summary.continuous += usize::from(is_continuous(&pair[0], &pair[1]));
            }
            match BracketTable::new(&brackets) {
                Ok(_) => summary.sound += 1,
                Err(error @ BracketError::Broken { rule: BracketRule::MarginGap, .. }) => {
                    summary.too_near.push(refused(broken(error)));
                }
                Err(error) => summary.differing.push(refused(broken(error))),
            }
        }
        summary
    }
}

/// Whether maintenance margin at the boundary is the same by either bracket.
fn is_continuous(below: &Bracket, above: &Bracket) -> bool {
    let by = |bracket: &Bracket| bracket.maintenance.of(above.floor) - bracket.cum;
    by(below) == by(above)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { symbols, brackets, brackets_most, boundaries, continuous, sound, .. } = self;
        writeln!(f, "symbols      {symbols}, {brackets} brackets, at most {brackets_most} of one symbol")?;
        writeln!(f, "continuous   {continuous} of {boundaries} boundaries")?;
        writeln!(f, "sound        {sound} symbols")?;
        for Refused { symbol, reason } in &self.differing {
            writeln!(f, "differs      {symbol}: {reason}")?;
        }
        for Refused { symbol, reason } in &self.too_near {
            writeln!(f, "not taken    {symbol}: {reason}")?;
        }
        Ok(())
    }
}

/// A bracket as an instrument would have it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Shown {
    bracket: usize,
    from: String,
    to: String,
    maintenance_rate: String,
    initial_rate: String,
    leverage_max: String,
    cum: String,
    maintenance_at_cap: String,
    initial_at_cap: String,
}

fn shown(table: &BracketTable) -> Result<Vec<Shown>, String> {
    let tables = (table.initial(), table.maintenance());
    let (Ok(initial), Ok(maintenance)) = tables else { return Err("too many brackets".to_owned()) };
    let money = |money: Money| trimmed(&decimal(money.get().into(), MONEY_DECIMALS)).to_owned();
    let exact =
        |requirement: Requirement| trimmed(&decimal(requirement.ppb(), MONEY_DECIMALS + 9)).to_owned();
    let row = |(number, bracket): (usize, &Bracket)| Shown {
        bracket: number,
        from: money(bracket.floor),
        to: money(bracket.cap),
        maintenance_rate: percent(bracket.maintenance.get().into()),
        initial_rate: percent(bracket.leverage_max.initial_rate().get().into()),
        leverage_max: trimmed(&decimal(bracket.leverage_max.get().into(), 2)).to_owned(),
        cum: exact(bracket.cum),
        maintenance_at_cap: exact(maintenance.requirement(bracket.cap)),
        initial_at_cap: exact(initial.requirement(bracket.cap)),
    };
    Ok((1..).zip(table.brackets()).map(row).collect())
}

fn print_symbol(symbol: &str, rows: &[Shown], output: &mut dyn Write) -> std::io::Result<()> {
    let names = [
        "bracket",
        "from",
        "to",
        "maintenance",
        "initial",
        "leverage",
        "cum",
        "maintenance at end",
        "initial at end",
    ];
    let mut table = Table::new(&names.map(|name| (name, Align::Right)));
    for row in rows {
        let amounts = [&row.cum, &row.maintenance_at_cap, &row.initial_at_cap].map(|text| group_whole(text));
        let rates = [&row.maintenance_rate, &row.initial_rate, &row.leverage_max].map(String::clone);
        let bounds = [row.bracket.to_string(), group_whole(&row.from), group_whole(&row.to)];
        table.push(bounds.into_iter().chain(rates).chain(amounts).collect());
    }
    write!(output, "{symbol}\n{table}")
}

/// Checks the file or one symbol of it, and prints what came of it.
///
/// # Errors
/// What is wrong with the file, or with the symbol asked for.
pub fn run(args: &BracketsArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let file = BracketFile::open(&args.file).map_err(anyhow::Error::msg)?;
    let code = if let Some(symbol) = &args.symbol {
        let table = file.table(symbol, MONEY_DECIMALS).and_then(|table| shown(&table));
        let rows = table.map_err(|reason| anyhow::anyhow!("{}, {symbol}: {reason}", args.file.display()))?;
        if args.json {
            writeln!(output, "{}", serde_json::json!({ "symbol": symbol, "brackets": rows }))?;
        } else {
            print_symbol(symbol, &rows, output)?;
        }
        0
    } else {
        let summary = Summary::of(&file);
        if args.json {
            writeln!(output, "{}", serde_json::to_string(&summary)?)?;
        } else {
            write!(output, "{summary}")?;
        }
        u8::from(!summary.differing.is_empty() || summary.continuous < summary.boundaries)
    };
    output.flush()?;
    Ok(code)
}
