//! A small venue: two instruments, accounts with money, keys.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use ed25519_dalek::SigningKey;
use engine::{Action, Capacity, Command, KeyId, KeyTerms, SessionId, SessionKind, TimeNs, Transfer};
use gateway::clock::WallClock;
use gateway::log::{Durability, LogOptions};
use gateway::process::{Config, Layout};
use gateway::runner::Mode;
use gateway::serve::{ServeConfig, Served, start};
use risk::{AccountId, FeeRate, InstrumentId, InstrumentSpec, Mark, Money, Price, Qty, Rate, Tier};

pub(crate) const CAPACITY: Capacity = Capacity { accounts: 4_096, legs: 16_384, orders: 65_536 };
/// The instruments.
pub(crate) const PERPETUAL: InstrumentId = InstrumentId::new(0);
pub(crate) const OTHER: InstrumentId = InstrumentId::new(1);
/// Accounts run from here.
const FIRST_ACCOUNT: u32 = 16;
/// Accounts, each with a key.
pub(crate) const ACCOUNTS: u32 = 256;
/// Price at the beginning.
pub(crate) const HOME: i64 = 500_000;

fn spec() -> InstrumentSpec {
    let tier = |floor, rate| Tier { floor: Money::new(floor), rate: Rate::new(rate) };
    InstrumentSpec {
        symbol: *b"TEST-PERP\0\0\0\0\0\0\0",
        price_decimals: 1,
        qty_decimals: 3,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(5),
        lot: Qty::new(1),
        price_max: Price::new(2_000_000),
        order_qty_max: Qty::new(400),
        position_max: Qty::new(20_000),
        open_interest_max: Qty::new(1_000_000),
        price_band: Rate::new(50_000_000),
        market_collar: Rate::new(10_000_000),
        mark_step_max: Rate::new(50_000_000),
        maker_fee: FeeRate::new(-50_000),
        taker_fee: Rate::new(500_000),
        liquidation_fee: Rate::new(5_000_000),
        initial_tiers: vec![tier(0, 20_000_000), tier(50_000_000_000, 50_000_000)],
        maintenance_tiers: vec![tier(0, 10_000_000), tier(50_000_000_000, 25_000_000)],
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

/// The account at an index.
pub(crate) fn account(index: u32) -> AccountId {
    AccountId::new(FIRST_ACCOUNT + index)
}

/// The key of an account, and its number.
pub(crate) fn key(index: u32) -> (SigningKey, KeyId) {
    let mut secret = [7; 32];
    secret[..4].copy_from_slice(&index.to_le_bytes());
    let key = SigningKey::from_bytes(&secret);
    let public = key.verifying_key().to_bytes();
    let number = u64::from_le_bytes(*public.first_chunk().expect("32 octets"));
    (key, KeyId::new(number))
}

/// Instruments with a mark, sessions 1 to 3 in the same process, funded accounts.
pub(crate) fn opening() -> Vec<Command> {
    let mut commands = Vec::new();
    let mut venue = |action| commands.push(Command::venue(action));
    for instrument in [PERPETUAL, OTHER] {
        venue(Action::DefineInstrument { instrument, spec: Box::new(spec()) });
        venue(Action::index_price(instrument, Mark::new(HOME * 1024)));
    }
    for session in 1..=3 {
        venue(Action::OpenSession { session: SessionId::new(session) });
    }
    for account in (0..ACCOUNTS).map(account) {
        venue(Action::OpenAccount { account });
        venue(Action::Deposit(Transfer::new(account, Money::new(3_000_000_000))));
    }
    commands
}

/// The same, and a key for every account.
pub(crate) fn opening_with_keys() -> Vec<Command> {
    let mut commands = opening();
    for index in 0..ACCOUNTS {
        let (signing, number) = key(index);
        let public = signing.verifying_key().to_bytes();
        let kinds = 1 << SessionKind::OrderEntry as u8;
        let terms = Box::new(KeyTerms { public, account: account(index), kinds, expires: TimeNs::default() });
        commands.push(Command::venue(Action::RegisterKey { key: number, terms }));
    }
    commands
}

pub(crate) fn config(directory: &Path, mode: Mode, durability: Durability) -> Config {
    let mut config = Config::new(directory.to_path_buf(), CAPACITY);
    // Tests run beside each other; pinned, they would queue up on one core.
    config.layout = Layout { mode, pin: false, ..Layout::default() };
    config.log = LogOptions { segment_bytes: 1 << 20, durability };
    config
}

/// How it is served: at a port of its own.
pub(crate) fn serving() -> ServeConfig {
    ServeConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// Serves the venue in `directory`.
pub(crate) fn serve(directory: &Path, mode: Mode, durability: Durability, serving: &ServeConfig) -> Served {
    let config = config(directory, mode, durability);
    start(&config, serving, &opening_with_keys(), WallClock::default()).expect("the venue is served")
}
