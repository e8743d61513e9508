//! The command line of `fulcrum order`.
//!
//! Invariant: what contradicts itself is refused before anything is sent, with exit code 2.

use clap::{Args, Subcommand};

use crate::desk::Access;

/// Arguments of `fulcrum order`.
#[derive(Clone, Debug, Args)]
pub struct OrderArgs {
    /// By which key, at which venue.
    #[command(flatten)]
    pub access: Access,
    /// What to do.
    #[command(subcommand)]
    pub action: OrderAction,
}

/// What `fulcrum order` does.
#[derive(Clone, Debug, Subcommand)]
pub enum OrderAction {
    /// Buy: `order --key FILE buy 0.5 BTC-PERP @ 60000`
    Buy(NewArgs),
    /// Sell: `order --key FILE sell 0.5 BTC-PERP --market`
    Sell(NewArgs),
    /// Cancel one resting order
    Cancel(WhichArgs),
    /// Change price and total quantity of a resting order; a smaller quantity at the same price keeps its place
    Amend(AmendArgs),
    /// Cancel every resting order of the account
    CancelAll {
        /// Only in this instrument
        #[arg(value_name = "INSTRUMENT")]
        instrument: Option<String>,
    },
    /// Set the account's leverage in an instrument; 0 leaves it to the instrument's table
    Leverage {
        /// By name or number
        #[arg(value_name = "INSTRUMENT")]
        instrument: String,
        /// Such as 10 or 12.5
        #[arg(value_name = "LEVERAGE")]
        leverage: String,
    },
    /// List the account's resting orders
    List {
        /// Only in this instrument
        #[arg(value_name = "INSTRUMENT")]
        instrument: Option<String>,
    },
    /// Print what happens to the account until Ctrl-C; by a drop-copy session, so it disturbs no other command
    Watch,
}

/// A new order.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct NewArgs {
    /// Quantity
    #[arg(value_name = "QUANTITY")]
    pub quantity: String,
    /// Instrument, by name or number
    #[arg(value_name = "INSTRUMENT")]
    pub instrument: String,
    /// Limit price
    #[arg(value_name = "@ PRICE", num_args = 0..=2, conflicts_with = "market")]
    pub price: Vec<String>,
    /// At the best prices there are, no worse than the instrument's collar; at once
    #[arg(long)]
    pub market: bool,
    /// Refuse the order rather than take
    #[arg(long, conflicts_with_all = ["market", "ioc", "fok"])]
    pub post_only: bool,
    /// Only reduce the position; the quantity is cut to it
    #[arg(long)]
    pub reduce_only: bool,
    /// Take what can be taken at once, cancel the rest
    #[arg(long, conflicts_with = "fok")]
    pub ioc: bool,
    /// Take all at once or nothing
    #[arg(long)]
    pub fok: bool,
    /// Keep it when a session that protects positions is lost
    #[arg(long)]
    pub persist: bool,
}

/// Which order.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct WhichArgs {
    /// The venue's number of the order
    #[arg(value_name = "ORDER")]
    pub order: Option<u64>,
    /// Our own number of the order, as `order` printed it
    #[arg(long, value_name = "N")]
    pub client: Option<u64>,
}

/// A changed order.
#[derive(Clone, Debug, Args)]
pub struct AmendArgs {
    /// The venue's number of the order
    #[arg(value_name = "ORDER")]
    pub order: u64,
    /// New total quantity, what is filled included [default: as it is]
    #[arg(long, value_name = "QUANTITY")]
    pub quantity: Option<String>,
    /// New price [default: as it is]
    #[arg(long, value_name = "PRICE")]
    pub price: Option<String>,
    /// Refuse the change rather than take
    #[arg(long)]
    pub post_only: bool,
}

/// The price of `@ PRICE`, `@PRICE` or nothing.
///
/// # Errors
/// When it is written otherwise.
pub fn price_of(words: &[String]) -> Result<Option<&str>, String> {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => Ok(None),
        ["@", price] => Ok(Some(price)),
        [word] if word.len() > 1 && word.starts_with('@') => Ok(Some(&word[1..])),
        _ => Err(format!("`{}` is no price; write @ PRICE, such as @ 60000.5", words.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_follows_its_sign() {
        let of = |text: &str| {
            let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
            price_of(&words).map(|price| price.map(str::to_owned))
        };
        assert_eq!(of(""), Ok(None));
        assert_eq!(of("@ 60000.5"), Ok(Some("60000.5".to_owned())));
        assert_eq!(of("@60000.5"), Ok(Some("60000.5".to_owned())));
        for wrong in ["60000", "@", "60000 @", "@1 2"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
