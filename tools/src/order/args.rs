//! The command line of `fulcrum order`.
//!
//! Invariant: what contradicts itself is refused before anything is sent, with exit code 2.

use clap::{Args, Subcommand, ValueEnum};

use crate::admin::args::TransferArgs;
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
        /// Only on this side
        #[arg(long, value_enum)]
        side: Option<SideName>,
        /// Only those with this tag
        #[arg(long, value_name = "N")]
        tag: Option<u64>,
    },
    /// Quote both sides: `order --key FILE quote BTC-PERP 1@59990 1@60010`
    Quote(QuoteArgs),
    /// Set up market-maker protection: quotes of a group go when too much of them is filled at once
    Protect(ProtectArgs),
    /// Set the account's leverage in an instrument; 0 leaves it to the instrument's table
    Leverage {
        /// By name or number
        #[arg(value_name = "INSTRUMENT")]
        instrument: String,
        /// Such as 10 or 12.5
        #[arg(value_name = "LEVERAGE")]
        leverage: String,
    },
    /// Isolate the account's position in an instrument, or let it share the account's margin again
    MarginMode {
        /// By name or number; without position and orders
        #[arg(value_name = "INSTRUMENT")]
        instrument: String,
        /// From now on
        #[arg(value_enum)]
        mode: ModeName,
    },
    /// Move money into an isolated position, or out of it: `move-margin BTC-PERP=-100`
    MoveMargin {
        /// Instrument and amount; out of the position where it is negative
        #[arg(value_name = "INSTRUMENT=AMOUNT")]
        what: String,
    },
    /// Move money to another account of the same owner
    Transfer(TransferArgs),
    /// List the account's resting orders
    List {
        /// Only in this instrument
        #[arg(value_name = "INSTRUMENT")]
        instrument: Option<String>,
    },
    /// Print what happens to the account until Ctrl-C; by a drop-copy session, so it disturbs no other command
    Watch,
}

/// Whose margin a position counts on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ModeName {
    /// All of the account's
    Cross,
    /// Its own alone
    Isolated,
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
    /// What it says beyond.
    #[command(flatten)]
    pub more: InstructionArgs,
}

/// What a new order may say beyond price, quantity and life time.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Instructions")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct InstructionArgs {
    /// Show only so much of it; the rest follows part by part at the end of the queue
    #[arg(long, value_name = "QUANTITY")]
    pub display: Option<String>,
    /// Refuse it unless so much can be taken at once
    #[arg(long, value_name = "QUANTITY")]
    pub at_least: Option<String>,
    /// Gone after so many seconds
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["day", "ioc", "fok"])]
    pub good_for: Option<u64>,
    /// Gone at midnight UTC
    #[arg(long, conflicts_with_all = ["ioc", "fok"])]
    pub day: bool,
    /// Wait until the price has gone against the holder to this
    #[arg(long, value_name = "PRICE", conflicts_with_all = ["when", "trail"])]
    pub stop: Option<String>,
    /// Wait until the price has gone for the holder to this
    #[arg(long, value_name = "PRICE", conflicts_with = "trail")]
    pub when: Option<String>,
    /// Wait until the price has come back from its best by so much
    #[arg(long, value_name = "DISTANCE")]
    pub trail: Option<String>,
    /// Which price is watched
    #[arg(long, value_enum, default_value = "mark")]
    pub on: Watched,
    /// Post-only, but moved to the nearest price that does not take instead of refused
    #[arg(long, conflicts_with_all = ["post_only", "market", "ioc", "fok"])]
    pub slide: bool,
    /// Close the whole position, whatever its size then; QUANTITY is 0
    #[arg(long, conflicts_with = "spend")]
    pub close: bool,
    /// QUANTITY is money: take what it pays for
    #[arg(long)]
    pub spend: bool,
    /// At the best price of the other side; what does not trade rests there
    #[arg(long, conflicts_with_all = ["market", "spend", "close"])]
    pub to_limit: bool,
    /// What happens when it meets an order of the same owner
    #[arg(long, value_enum, default_value = "cancel-taker")]
    pub self_trade: SelfTradeName,
    /// A number to find it by: `cancel-all --tag`
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub tag: u64,
    /// Market-maker protection group: see `protect`
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub group: u16,
    /// Take the profit at this price: a second order that comes with it
    #[arg(long, value_name = "PRICE")]
    pub take_profit: Option<String>,
    /// Stop the loss at this price: a second order that comes with it
    #[arg(long, value_name = "PRICE")]
    pub stop_loss: Option<String>,
}

impl InstructionArgs {
    /// Whether it waits for a price; then one without a limit is a market order once it fires.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.stop.is_some() || self.when.is_some() || self.trail.is_some()
    }
}

/// A watched price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Watched {
    /// Of the last match
    Last,
    /// The mark
    #[default]
    Mark,
    /// The index
    Index,
}

/// What happens when an order meets one of the same owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum SelfTradeName {
    /// The rest of the order that comes is cancelled
    #[default]
    CancelTaker,
    /// The order that rests is cancelled
    CancelMaker,
    /// Both are
    CancelBoth,
    /// Both lose what they would have matched
    Decrement,
}

/// A side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum SideName {
    /// Buy orders
    Buy,
    /// Sell orders
    Sell,
}

/// Both sides of a price.
#[derive(Clone, Debug, Args)]
pub struct QuoteArgs {
    /// Instrument, by name or number
    #[arg(value_name = "INSTRUMENT")]
    pub instrument: String,
    /// QUANTITY@PRICE to buy; 0@0 withdraws it
    #[arg(value_name = "BID")]
    pub bid: String,
    /// QUANTITY@PRICE to sell; 0@0 withdraws it
    #[arg(value_name = "ASK")]
    pub ask: String,
    /// Tells several quotes in one instrument apart, below 16
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub level: u8,
    /// Market-maker protection group: see `protect`
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub group: u16,
    /// Both sides or none
    #[arg(long)]
    pub all_or_none: bool,
}

/// Limits of a market-maker protection group.
#[derive(Clone, Debug, Args)]
pub struct ProtectArgs {
    /// Number of the group, from 1 on
    #[arg(value_name = "GROUP")]
    pub group: u16,
    /// Instrument whose lots the quantities are in, by name or number
    #[arg(value_name = "INSTRUMENT", required_unless_present_any = ["reset", "end"])]
    pub instrument: Option<String>,
    /// How long fills are counted together, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    pub window_ms: u32,
    /// How long it stays frozen after it tripped, in milliseconds; 0 is until reset
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub frozen_ms: u32,
    /// Trip at this filled quantity
    #[arg(long, value_name = "QUANTITY")]
    pub quantity: Option<String>,
    /// Trip at this net filled quantity
    #[arg(long, value_name = "QUANTITY")]
    pub net: Option<String>,
    /// Trip at this number of fills
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub fills: u32,
    /// Unfreeze it and forget what it has counted
    #[arg(long, conflicts_with = "end")]
    pub reset: bool,
    /// End it
    #[arg(long)]
    pub end: bool,
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
    /// New trigger price, or distance, of an order that waits for one
    #[arg(long, value_name = "PRICE", conflicts_with = "post_only")]
    pub trigger: Option<String>,
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
