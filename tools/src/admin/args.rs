//! The command line of `fulcrum admin`.
//!
//! Invariant: amounts and prices are decimals; account numbers are what the operator chooses, from 16 on.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::desk::Access;

/// Arguments of `fulcrum admin`.
#[derive(Clone, Debug, Args)]
pub struct AdminArgs {
    /// By which key, at which venue.
    #[command(flatten)]
    pub access: Access,
    /// What to do.
    #[command(subcommand)]
    pub action: AdminAction,
}

/// What `fulcrum admin` does.
#[derive(Clone, Debug, Subcommand)]
pub enum AdminAction {
    /// Open an account
    Account {
        /// What to do
        #[command(subcommand)]
        action: AccountAction,
    },
    /// Credit an account from outside
    Deposit {
        /// Account
        #[arg(value_name = "N")]
        account: u32,
        /// Decimal amount
        #[arg(value_name = "AMOUNT")]
        amount: String,
    },
    /// Pay out of an account
    Withdraw {
        /// Account
        #[arg(value_name = "N")]
        account: u32,
        /// Decimal amount
        #[arg(value_name = "AMOUNT")]
        amount: String,
    },
    /// Register or revoke keys
    Key {
        /// What to do
        #[command(subcommand)]
        action: KeyAction,
    },
    /// Define instruments
    Instrument {
        /// What to do
        #[command(subcommand)]
        action: InstrumentAction,
    },
    /// Open an instrument for trading, or let it admit cancels only
    State {
        /// By name or number
        #[arg(value_name = "INSTRUMENT")]
        instrument: String,
        /// From now on
        #[arg(value_enum)]
        state: StateName,
    },
    /// Let an account do nothing but cancel
    Suspend(SwitchArgs),
    /// Let an account do nothing that may raise a position
    ReduceOnly(SwitchArgs),
    /// Let an account do everything its margin allows
    Activate {
        /// Account
        #[arg(value_name = "N")]
        account: u32,
    },
    /// Cancel every resting order of an account
    CancelAll {
        /// Account
        #[arg(value_name = "N")]
        account: u32,
        /// Only in this instrument
        #[arg(value_name = "INSTRUMENT")]
        instrument: Option<String>,
    },
    /// Publish an index price, from which the mark follows; needs a key of kind oracle
    Index {
        /// By name or number
        #[arg(value_name = "INSTRUMENT")]
        instrument: String,
        /// Decimal price
        #[arg(value_name = "PRICE")]
        price: String,
        /// Number of the source of the price
        #[arg(long, value_name = "N", default_value_t = 1)]
        source: u16,
    },
}

/// What `fulcrum admin account` does.
#[derive(Clone, Debug, Subcommand)]
pub enum AccountAction {
    /// Open an account
    Open {
        /// A number not in use, from 16 on
        #[arg(value_name = "N")]
        account: u32,
    },
}

/// What `fulcrum admin key` does.
#[derive(Clone, Debug, Subcommand)]
pub enum KeyAction {
    /// Register a key
    Add(KeyAddArgs),
    /// End what a key admits to, its connections included; its number stays taken
    Revoke {
        /// As `keygen` and `key add` print it: 16 hexadecimal digits
        #[arg(value_name = "ID")]
        key: String,
    },
}

/// A key and what it admits to.
#[derive(Clone, Debug, Args)]
pub struct KeyAddArgs {
    /// The public key, 64 hexadecimal digits
    #[arg(value_name = "PUBLIC", required_unless_present = "file")]
    pub public: Option<String>,
    /// A key file on this machine instead
    #[arg(long, value_name = "FILE", conflicts_with = "public")]
    pub file: Option<PathBuf>,
    /// The account its sessions act for; none for keys of operators and oracles
    #[arg(long, value_name = "N")]
    pub account: Option<u32>,
    /// Kinds of session it may open [default: order-entry,drop-copy with --account]
    #[arg(
        long = "kind",
        value_name = "KIND,...",
        value_enum,
        value_delimiter = ',',
        required_unless_present = "account"
    )]
    pub kinds: Vec<KindName>,
    /// It opens no session from then on, in seconds from now [default: never]
    #[arg(long, value_name = "SECONDS")]
    pub expires_in: Option<u64>,
}

/// What `fulcrum admin instrument` does.
#[derive(Clone, Debug, Subcommand)]
pub enum InstrumentAction {
    /// Define the next instrument by a TOML file with the lines of one `[[instrument]]`
    Add {
        /// See the instruments of `fulcrum serve --print-config`
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// List the instruments
    List,
}

/// An account to restrict.
#[derive(Clone, Debug, Args)]
pub struct SwitchArgs {
    /// Account
    #[arg(value_name = "N")]
    pub account: u32,
    /// Cancel its resting orders at once
    #[arg(long)]
    pub cancel_orders: bool,
}

/// What an instrument admits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum StateName {
    /// Everything
    Open,
    /// Cancels only; positions are still marked and liquidated
    CancelOnly,
}

/// A kind of session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum KindName {
    /// Orders, and settings of its account
    OrderEntry,
    /// Copies of what happens to its account
    DropCopy,
    /// Instruments, accounts, keys, money
    Admin,
    /// Index prices
    Oracle,
}
