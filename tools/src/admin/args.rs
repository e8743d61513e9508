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
    Deposit(MoneyArgs),
    /// Pay out of an account
    Withdraw(MoneyArgs),
    /// Move money between two accounts of one owner
    Transfer {
        /// Account that gives
        #[arg(value_name = "FROM")]
        from: u32,
        /// To whom, and how much.
        #[command(flatten)]
        transfer: TransferArgs,
    },
    /// Define collateral assets
    Asset {
        /// What to do
        #[command(subcommand)]
        action: AssetAction,
    },
    /// Set what a source counts in the index of an instrument
    Source(SourceArgs),
    /// Change the margin of an instrument at a set time, or in steps
    Margin {
        /// What to do
        #[command(subcommand)]
        action: MarginAction,
    },
    /// Define a tier of fees, or give an account one
    FeeTier {
        /// What to do
        #[command(subcommand)]
        action: FeeTierAction,
    },
    /// Set the terms of a risk group, or see what stands behind it
    RiskGroup {
        /// What to do
        #[command(subcommand)]
        action: RiskGroupAction,
    },
    /// Put an instrument into a risk group
    AssignRiskGroup(AssignArgs),
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
    /// Set what an instrument admits
    State {
        /// By name or number
        #[arg(value_name = "INSTRUMENT")]
        instrument: String,
        /// From now on
        #[arg(value_enum)]
        state: StateName,
    },
    /// Begin a call auction that ends by itself
    Auction {
        /// By name or number
        #[arg(value_name = "INSTRUMENT")]
        instrument: String,
        /// How long orders are collected, in milliseconds
        #[arg(long, value_name = "MS", default_value_t = 10_000)]
        call_ms: u32,
    },
    /// Change what orders and positions of an instrument may reach
    Limits(LimitArgs),
    /// End a closed instrument: its orders go, its positions are settled at this price
    Settle {
        /// By name or number
        #[arg(value_name = "INSTRUMENT")]
        instrument: String,
        /// Decimal price
        #[arg(value_name = "PRICE")]
        price: String,
    },
    /// Put an account into an owner group; accounts of a group never trade with each other
    Group {
        /// Account
        #[arg(value_name = "N")]
        account: u32,
        /// Group; 0 lets the account stand alone
        #[arg(value_name = "GROUP")]
        group: u32,
    },
    /// Let the accounts of an owner group do nothing but cancel
    SuspendGroup(GroupSwitchArgs),
    /// Let the accounts of an owner group do everything their margin allows
    ActivateGroup {
        /// Group
        #[arg(value_name = "GROUP")]
        group: u32,
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

/// Money in or out.
#[derive(Clone, Debug, Args)]
pub struct MoneyArgs {
    /// Account
    #[arg(value_name = "N")]
    pub account: u32,
    /// Decimal amount
    #[arg(value_name = "AMOUNT")]
    pub amount: String,
    /// Of this asset, by name or number [default: the unit of account]
    #[arg(long, value_name = "ASSET")]
    pub asset: Option<String>,
    /// The account's number for it, rising: with it, asking again does nothing
    #[arg(long, value_name = "NUMBER")]
    pub number: Option<u64>,
}

/// Money to another account.
#[derive(Clone, Debug, Args)]
pub struct TransferArgs {
    /// Account that receives
    #[arg(value_name = "TO")]
    pub to: u32,
    /// Decimal amount
    #[arg(value_name = "AMOUNT")]
    pub amount: String,
    /// Of this asset, by name or number [default: the unit of account]
    #[arg(long, value_name = "ASSET")]
    pub asset: Option<String>,
    /// The giver's number for it, rising: with it, asking again does nothing
    #[arg(long, value_name = "NUMBER")]
    pub number: Option<u64>,
}

/// What `fulcrum admin asset` does.
#[derive(Clone, Debug, Subcommand)]
pub enum AssetAction {
    /// Define the next asset by a TOML file with the lines of one `[[asset]]`
    Add {
        /// See the assets of `fulcrum serve --print-config`
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Set the terms of debts in an asset
    Debt(DebtArgs),
    /// List the assets
    List,
}

/// Terms of debts; what is not said stays as it is.
#[derive(Clone, Debug, Args)]
pub struct DebtArgs {
    /// By name or number; `money` is the unit of account
    #[arg(value_name = "ASSET")]
    pub asset: String,
    /// A debt above this is paid at once out of other assets
    #[arg(long, value_name = "AMOUNT")]
    pub max: Option<String>,
    /// Interest a year, in percent
    #[arg(long, value_name = "PERCENT")]
    pub interest: Option<String>,
}

/// What `fulcrum admin fee-tier` does.
#[derive(Clone, Debug, Subcommand)]
pub enum FeeTierAction {
    /// Define a tier, or define it anew: what its accounts pay of the fees of instruments
    Define {
        /// Number, from 1
        #[arg(value_name = "TIER")]
        tier: u8,
        /// Share of the taker fee
        #[arg(long, value_name = "PERCENT", default_value = "100%")]
        taker: String,
        /// Share of a maker fee that is charged
        #[arg(long, value_name = "PERCENT", default_value = "100%")]
        maker: String,
        /// Share of a rebate
        #[arg(long, value_name = "PERCENT", default_value = "100%")]
        rebate: String,
    },
    /// Give an account a tier; 0 is the instrument's own fees
    Set {
        /// Account
        #[arg(value_name = "N")]
        account: u32,
        /// Number
        #[arg(value_name = "TIER")]
        tier: u8,
    },
}

/// Which instrument goes into which risk group.
#[derive(Clone, Debug, Args)]
pub struct AssignArgs {
    /// By name or number
    #[arg(value_name = "INSTRUMENT")]
    pub instrument: String,
    /// Number
    #[arg(value_name = "GROUP")]
    pub group: u8,
}

/// What `fulcrum admin risk-group` does.
#[derive(Clone, Debug, Subcommand)]
pub enum RiskGroupAction {
    /// Set its terms by a TOML file with the lines of one `[[risk_group]]`
    Set {
        /// One that is known, or the next number
        #[arg(value_name = "GROUP")]
        group: u8,
        /// What is left out means what a group has that nobody has set
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Show its terms, its fund, its backstop account, and the deleveragings that are not over
    Show {
        /// Number
        #[arg(value_name = "GROUP")]
        group: u8,
    },
}

/// What `fulcrum admin margin` does.
#[derive(Clone, Debug, Subcommand)]
pub enum MarginAction {
    /// Schedule the margin tables and the `adaptive` group of a TOML file with the lines of one `[[instrument]]`
    Schedule {
        /// By name or number
        #[arg(value_name = "INSTRUMENT")]
        instrument: String,
        /// Instrument file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// In so many seconds from now
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        after: u64,
        /// In so many steps maintenance margin goes there
        #[arg(long, value_name = "N", default_value_t = 1)]
        steps: u16,
        /// Time from one step to the next, in milliseconds
        #[arg(long, value_name = "MS", default_value_t = 0)]
        step_ms: u32,
    },
    /// Take back what is scheduled; steps that were taken stay
    Cancel {
        /// By name or number
        #[arg(value_name = "INSTRUMENT")]
        instrument: String,
    },
}

/// A source of an index.
#[derive(Clone, Debug, Args)]
pub struct SourceArgs {
    /// By name or number
    #[arg(value_name = "INSTRUMENT")]
    pub instrument: String,
    /// Number of the source
    #[arg(value_name = "SOURCE")]
    pub source: u16,
    /// What it counts against the others; 0 is not at all
    #[arg(value_name = "WEIGHT")]
    pub weight: u16,
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
    /// Let the sessions of a key do nothing but cancel
    Suspend {
        /// As `keygen` and `key add` print it: 16 hexadecimal digits
        #[arg(value_name = "ID")]
        key: String,
        /// Cancel the orders of its sessions at once
        #[arg(long)]
        cancel_orders: bool,
    },
    /// Lift the suspension of a key
    Admit {
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

/// An owner group to restrict.
#[derive(Clone, Debug, Args)]
pub struct GroupSwitchArgs {
    /// Group
    #[arg(value_name = "GROUP")]
    pub group: u32,
    /// Cancel its resting orders at once
    #[arg(long)]
    pub cancel_orders: bool,
}

/// Trading limits; what is not said stays as it is.
#[derive(Clone, Debug, Args)]
pub struct LimitArgs {
    /// By name or number
    #[arg(value_name = "INSTRUMENT")]
    pub instrument: String,
    /// Largest quantity of one order
    #[arg(long, value_name = "QUANTITY")]
    pub order_quantity: Option<String>,
    /// Largest value of one order; 0 is no limit
    #[arg(long, value_name = "MONEY")]
    pub order_value: Option<String>,
    /// Largest position of an account
    #[arg(long, value_name = "QUANTITY")]
    pub position: Option<String>,
    /// Largest position of all accounts of one owner together; 0 is no limit
    #[arg(long, value_name = "QUANTITY")]
    pub owner_position: Option<String>,
    /// Largest open interest
    #[arg(long, value_name = "QUANTITY")]
    pub open_interest: Option<String>,
    /// Most orders of one account
    #[arg(long, value_name = "N")]
    pub orders: Option<u32>,
    /// Band of limit prices around the mark, in percent
    #[arg(long, value_name = "PERCENT")]
    pub band: Option<String>,
    /// Collar of market orders around the mark, in percent
    #[arg(long, value_name = "PERCENT")]
    pub collar: Option<String>,
    /// Matching pauses beyond this distance from the mark, in percent; 0 is never
    #[arg(long, value_name = "PERCENT", requires = "pause_ms")]
    pub pause_band: Option<String>,
    /// How long the auction lasts that ends such a pause, in milliseconds; 0 without a pause band
    #[arg(long, value_name = "MS")]
    pub pause_ms: Option<u32>,
}

/// What an instrument admits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum StateName {
    /// Everything
    Open,
    /// Cancels only; positions are still marked and liquidated
    CancelOnly,
    /// Orders that rest are collected, nothing matches
    PreOpen,
    /// As before opening; leaving it for `open` matches at one price
    Auction,
    /// Orders that must not take, and cancels
    PostOnly,
    /// Orders that only reduce, and cancels
    ReduceOnly,
    /// Cancels only; the mark stands still
    Halted,
    /// As halted; may be settled
    Closed,
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
