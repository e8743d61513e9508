//! The instruments as the venue tells them: what turns names and decimals into numbers, and back.
//!
//! Invariant: exact both ways; a text that does not fit an instrument's decimals is refused.

use gateway::wire::private::{AssetDef, InstrumentDef};
use risk::{AssetId, InstrumentId, Mark, Money, Price, Qty};

use crate::format::{NumberError, decimal, group_whole, mantissa};

/// Bits of a mark below a price unit.
const MARK_SHIFT: u32 = risk::limits::MARK_SHIFT;

/// Why a name is no instrument.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoInstrument {
    /// No such name.
    #[error("there is no instrument {name}; this venue has {known}")]
    Unknown {
        /// As given.
        name: String,
        /// Names there are.
        known: String,
    },
    /// There is none at all.
    #[error("this venue has no instrument yet; define one with `fulcrum admin instrument add FILE`")]
    None,
}

/// Every instrument of a venue and every asset, in the order of their numbers.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Instruments {
    /// Instruments.
    pub defs: Vec<InstrumentDef>,
    /// Assets, the unit of account first.
    pub assets: Vec<AssetDef>,
}

/// The name of an instrument.
#[must_use]
pub fn symbol(def: &InstrumentDef) -> String {
    let octets = def.symbol.0;
    let end = octets.iter().position(|octet| *octet == 0).unwrap_or(octets.len());
    String::from_utf8_lossy(&octets[..end]).into_owned()
}

impl Instruments {
    /// Finds one by its name, in any case, or by its number.
    ///
    /// # Errors
    /// [`NoInstrument`].
    pub fn find(&self, name: &str) -> Result<&InstrumentDef, NoInstrument> {
        let number = name.parse().ok().map(InstrumentId::new);
        let is_it = |def: &&InstrumentDef| {
            symbol(def).eq_ignore_ascii_case(name) || number == Some(def.instrument_id)
        };
        if self.defs.is_empty() {
            return Err(NoInstrument::None);
        }
        let known = || self.defs.iter().map(symbol).collect::<Vec<_>>().join(", ");
        self.defs
            .iter()
            .find(is_it)
            .ok_or_else(|| NoInstrument::Unknown { name: name.to_owned(), known: known() })
    }

    /// The one with a number.
    #[must_use]
    pub fn get(&self, instrument: InstrumentId) -> Option<&InstrumentDef> {
        self.defs.iter().find(|def| def.instrument_id == instrument)
    }

    /// The name of the one with a number.
    #[must_use]
    pub fn name(&self, instrument: InstrumentId) -> String {
        self.get(instrument).map_or_else(|| instrument.to_string(), symbol)
    }

    /// The asset an instrument settles in.
    #[must_use]
    pub fn settlement(&self, instrument: InstrumentId) -> AssetId {
        self.get(instrument).map_or(AssetId::BASE, |def| def.settlement_asset)
    }

    /// Decimals of the unit of account.
    ///
    /// # Errors
    /// [`NoInstrument::None`]: money has the decimals of the instruments that settle in it.
    pub fn money_decimals(&self) -> Result<u8, NoInstrument> {
        let first = self.defs.iter().find(|def| def.settlement_asset == AssetId::BASE);
        first.map(|def| def.money_decimals).ok_or(NoInstrument::None)
    }

    /// Money as people write it.
    ///
    /// # Errors
    /// [`crate::format::NumberError`] or [`NoInstrument`].
    pub fn parse_money(&self, text: &str) -> anyhow::Result<Money> {
        Ok(Money::new(mantissa(text, self.money_decimals()?)?))
    }

    /// Money as people read it.
    #[must_use]
    pub fn money(&self, money: Money) -> String {
        self.money_decimals().map_or_else(|_| money.to_string(), |decimals| show_money(money, decimals))
    }

    /// A price of an instrument as people read it.
    #[must_use]
    pub fn price(&self, instrument: InstrumentId, price: Price) -> String {
        self.get(instrument).map_or_else(|| price.to_string(), |def| show_price(def, price))
    }

    /// A limit price as people read it; an order that sleeps without one is a market order once it fires.
    #[must_use]
    pub fn limit(&self, instrument: InstrumentId, price: Price) -> String {
        if price == Price::new(0) { "market".to_owned() } else { self.price(instrument, price) }
    }

    /// A quantity of an instrument as people read it.
    #[must_use]
    pub fn qty(&self, instrument: InstrumentId, qty: i64) -> String {
        self.get(instrument).map_or_else(|| qty.to_string(), |def| show_qty(def, qty))
    }
}

/// A price as people write it.
///
/// # Errors
/// [`NumberError`].
pub fn parse_price(def: &InstrumentDef, text: &str) -> Result<Price, NumberError> {
    mantissa(text, def.price_decimals).map(Price::new)
}

/// A quantity as people write it.
///
/// # Errors
/// [`NumberError`].
pub fn parse_qty(def: &InstrumentDef, text: &str) -> Result<Qty, NumberError> {
    mantissa(text, def.qty_decimals).map(Qty::new)
}

/// A price as people read it.
#[must_use]
pub fn show_price(def: &InstrumentDef, price: Price) -> String {
    decimal(i128::from(price.get()), def.price_decimals)
}

/// A quantity, or a signed position, as people read it.
#[must_use]
pub fn show_qty(def: &InstrumentDef, qty: i64) -> String {
    decimal(i128::from(qty), def.qty_decimals)
}

/// Money as people read it.
#[must_use]
pub fn show_money(money: Money, decimals: u8) -> String {
    group_whole(&decimal(i128::from(money.get()), decimals))
}

/// A mark as people read it, rounded down to two decimals more than a price has: a mark has binary sub-units.
#[must_use]
pub fn show_mark(def: &InstrumentDef, mark: Mark) -> String {
    let hundredths = (i128::from(mark.get()) * 100) >> MARK_SHIFT;
    decimal(hundredths, def.price_decimals + 2)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use gateway::wire::types::{Chars16, ContractKind, MarkN, Millis, TimeNsN, TradingState};

    pub(crate) fn bitcoin() -> InstrumentDef {
        let mut name = [0; 16];
        name[..8].copy_from_slice(b"BTC-PERP");
        InstrumentDef {
            query_id: 1,
            instrument_id: InstrumentId::new(0),
            tick: Price::new(5),
            lot: Qty::new(1),
            price_max: Price::new(4_000_000),
            order_qty_max: Qty::new(100),
            index: MarkN::NONE,
            mark: MarkN::NONE,
            open_interest: Qty::ZERO,
            leverage_max_e2: 5_000,
            maker_fee: 0,
            taker_fee: 0,
            price_decimals: 1,
            qty_decimals: 4,
            money_decimals: 6,
            state: TradingState::Open.into(),
            symbol: Chars16(name),
            order_notional_max: Money::ZERO,
            position_max: Qty::new(1_000),
            open_interest_max: Qty::new(10_000),
            orders_max: 100,
            price_band: 50_000_000,
            market_collar: 10_000_000,
            limit_state_band: 0,
            limit_state_call: Millis::new(0),
            settlement_asset: AssetId::BASE,
            contract_kind: ContractKind::Linear.into(),
            expiry: TimeNsN::NONE,
            owner_position_max: Qty::ZERO,
        }
    }

    #[test]
    fn names_and_numbers_are_found() {
        let instruments = Instruments { defs: vec![bitcoin()], assets: Vec::new() };
        assert!(instruments.find("btc-perp").is_ok() && instruments.find("0").is_ok());
        let error = instruments.find("ETH").unwrap_err().to_string();
        assert!(error.contains("ETH") && error.contains("BTC-PERP"), "{error}");
        assert_eq!(Instruments::default().find("x"), Err(NoInstrument::None));
    }

    #[test]
    fn numbers_are_shown_with_their_decimals() {
        let def = bitcoin();
        assert_eq!(show_price(&def, Price::new(600_005)), "60000.5");
        assert_eq!(show_qty(&def, -5), "-0.0005");
        assert_eq!(show_mark(&def, Mark::new(600_005 * 1024 + 512)), "60000.550");
        assert_eq!(parse_price(&def, "60000.5"), Ok(Price::new(600_005)));
        let instruments = Instruments { defs: vec![def], assets: Vec::new() };
        assert_eq!(instruments.parse_money("1000.5").unwrap(), Money::new(1_000_500_000));
        assert_eq!(instruments.money(Money::new(-1_234_567_890)), "-1,234.567890");
    }
}
