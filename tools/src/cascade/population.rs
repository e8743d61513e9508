//! Who holds what before the cascade: leveraged accounts on both sides, hedged ones, ones with several positions, market
//! makers with little leverage, and traders who have nothing to do with it.
//!
//! Invariant: the same seed and size give the same accounts; every position has its counterpart, so that all sum to zero.

use anyhow::Context;
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{AccountId, InstrumentId, Money, Qty};

use super::desk::{DATED, DOLLAR, Desk, INSTRUMENTS, OTHER, PERP, PRICES};
use crate::flow::random::Random;
use crate::progress::Progress;

/// Market makers.
pub(super) const MAKERS: u32 = 4;
const FIRST_MAKER: u32 = FIRST_USER_ACCOUNT;
/// Traders of the other underlying who hold nothing else.
pub(super) const BYSTANDERS: [AccountId; 2] =
    [AccountId::new(FIRST_USER_ACCOUNT + MAKERS), AccountId::new(FIRST_USER_ACCOUNT + MAKERS + 1)];
/// Takes over what the book does not, where there is one.
pub(super) const BACKSTOP: AccountId = AccountId::new(FIRST_USER_ACCOUNT + MAKERS + 2);
/// Holds a whole side, where there is one.
const WHALE: AccountId = AccountId::new(FIRST_USER_ACCOUNT + MAKERS + 3);
const FIRST_HOLDER: u32 = FIRST_USER_ACCOUNT + MAKERS + 4;
/// Leverage of the account that holds a whole side, in hundredths.
const WHALE_LEVERAGE: i64 = 1_000;
/// Notional of a position in dollars, by thousandths of accounts.
const NOTIONALS: [(u64, i64); 6] =
    [(0, 600), (400, 3_000), (800, 20_000), (950, 100_000), (995, 500_000), (1000, 2_000_000)];
/// Leverage in hundredths, by thousandths of accounts.
const LEVERAGES: [(u64, i64); 6] =
    [(0, 200), (300, 500), (600, 1_000), (850, 2_000), (970, 3_500), (1000, 4_800)];

/// Positions of one account as legs: where, and how much of a pair's quantity, in thousandths and signed.
type Legs = &'static [(InstrumentId, i64)];

/// The ways a pair of accounts stand against each other, with how many in a thousand do.
const KINDS: [(u64, Legs); 4] = [
    (700, &[(PERP, 1_000)]),
    (120, &[(PERP, 1_000), (DATED, -1_000)]),
    (100, &[(PERP, 1_000), (OTHER, 1_000)]),
    (80, &[(PERP, 600), (DATED, 400)]),
];

/// What the set-up made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Population {
    /// Lots that one side holds in each instrument.
    pub(super) open: [i64; 3],
}

pub(super) const fn maker(number: u32) -> AccountId {
    AccountId::new(FIRST_MAKER + number)
}

/// Highest account number that is used, and one more.
pub(super) const fn numbers(accounts: u32) -> u32 {
    FIRST_HOLDER + accounts
}

/// Opens, funds and fills all accounts.
pub(super) fn fill(
    desk: &mut Desk,
    accounts: u32,
    is_whale: bool,
    random: &mut Random,
) -> anyhow::Result<Population> {
    let rich = Money::new(4_000_000_000 * DOLLAR + i64::from(accounts) * 100_000 * DOLLAR);
    for number in 0..MAKERS {
        desk.fund(maker(number), rich).context("a maker")?;
    }
    for bystander in BYSTANDERS {
        desk.fund(bystander, Money::new(100_000_000 * DOLLAR))?;
    }
    if is_whale {
        desk.fund(WHALE, Money::new(DOLLAR))?;
    }
    let mut open = [0; 3];
    let mut progress = Progress::start("accounts", Some(u64::from(accounts)));
    let mut number = 0;
    while number < accounts {
        let pair = [number, number + 1].map(|number| AccountId::new(FIRST_HOLDER + number));
        let counterpart = if is_whale || number + 1 == accounts { None } else { Some(pair[1]) };
        fill_pair(desk, pair[0], counterpart, is_whale, random, &mut open)?;
        number += if counterpart.is_some() { 2 } else { 1 };
        progress.at(u64::from(number), "");
    }
    progress.finish();
    Ok(Population { open })
}

/// One account, or two against each other. An account that has no counterpart is short against the one that holds a whole
/// side, and where there is none against a maker.
fn fill_pair(
    desk: &mut Desk,
    short: AccountId,
    long: Option<AccountId>,
    is_whale: bool,
    random: &mut Random,
    open: &mut [i64; 3],
) -> anyhow::Result<()> {
    let notional = random.quantile(&NOTIONALS) * DOLLAR;
    let legs = kind(random);
    let lots = |(instrument, share): (InstrumentId, i64)| {
        let value = notional.div_euclid(1_000) * share.abs();
        value.div_euclid(PRICES[instrument.index()]).max(1)
    };
    let gross: i64 = legs.iter().map(|leg| lots(*leg) * PRICES[leg.0.index()]).sum();
    for account in [Some(short), long].into_iter().flatten() {
        let leverage = random.quantile(&LEVERAGES);
        desk.fund(account, margin(gross, leverage))?;
    }
    for &(instrument, share) in legs {
        let qty = Qty::new(lots((instrument, share)));
        let other = match long {
            Some(long) => long,
            None if is_whale && instrument == PERP => {
                desk.deposit(WHALE, margin(qty.get() * PRICES[instrument.index()], WHALE_LEVERAGE))?;
                WHALE
            }
            None => maker(0),
        };
        let sides = if share > 0 { (other, short) } else { (short, other) };
        desk.trade(sides, instrument, qty)?;
        open[instrument.index()] += qty.get();
    }
    Ok(())
}

fn kind(random: &mut Random) -> Legs {
    let mut at = random.below(1_000);
    for (part, legs) in KINDS {
        if at < part {
            return legs;
        }
        at -= part;
    }
    KINDS[0].1
}

/// Money for positions at a leverage, and for the fees of opening them.
fn margin(gross: i64, leverage: i64) -> Money {
    let margin =
        (i128::from(gross) * 100).div_euclid(i128::from(leverage)) + i128::from(gross).div_euclid(900) + 1;
    Money::from_wide(margin)
}

const _: () = assert!(INSTRUMENTS.len() == PRICES.len());
