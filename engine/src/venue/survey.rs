//! Surveys: what all accounts, or all holders of an instrument, risk together.
//!
//! Invariant: reading only, and bounded: a survey passes at most [`SCAN_MAX`] account numbers and about as many legs, and says
//! where the next one goes on. Each is true of the moment it was made at; nothing is kept between them, so that no order
//! ever pays for a figure that is only looked at.

use super::Venue;
use super::hypothesis::margin_state;
use crate::event::MarginState;
use crate::limits::SCAN_MAX;
use risk::{AccountId, Assessment, InstrumentId, Money, Position, Ratio};

/// Bounds of the buckets of leverage ratios: up to and with each, then above the last.
pub const LEVERAGE_BOUNDS: [i64; 7] = [1, 2, 5, 10, 20, 50, 100];
/// Buckets: those bounds make, and one of accounts with exposure whose equity is not positive.
pub const LEVERAGE_BUCKETS: usize = LEVERAGE_BOUNDS.len() + 2;

/// What a stretch of the accounts risks together. The venue's own accounts are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Survey {
    /// Accounts in it: with exposure, or holders of the instrument.
    pub accounts: u32,
    /// Of these, healthy.
    pub healthy: u32,
    /// Of these, warned.
    pub warned: u32,
    /// Of these, in liquidation or about to be.
    pub liquidating: u32,
    /// Sum of their exposure, or of the notional they hold in the instrument; in the unit of account.
    pub exposure: i128,
    /// Sum of their equity.
    pub equity: i128,
    /// Sum of their maintenance margin, each rounded up.
    pub maintenance: i128,
    /// The account with the highest leverage ratio, and the ratio; of accounts with positive equity, the first among equals.
    pub highest: Option<(AccountId, Ratio)>,
    /// Accounts by leverage ratio: see [`LEVERAGE_BOUNDS`]; the last are those whose equity is not positive.
    pub buckets: [u32; LEVERAGE_BUCKETS],
    /// Where the next survey goes on; `None` when all have been looked at.
    pub next: Option<AccountId>,
}

impl Survey {
    fn add(&mut self, account: AccountId, exposure: Money, now: &Assessment, state: MarginState) {
        self.accounts += 1;
        match state {
            MarginState::Healthy => self.healthy += 1,
            MarginState::Warned => self.warned += 1,
            MarginState::Liquidating => self.liquidating += 1,
        }
        self.exposure += i128::from(exposure.get());
        self.equity += i128::from(now.equity.get());
        self.maintenance += i128::from(now.maintenance.ceil().get());
        self.buckets[bucket_of(now)] += 1;
        if let Some(leverage) = now.leverage()
            && self.highest.is_none_or(|(_, highest)| leverage > highest)
        {
            self.highest = Some((account, leverage));
        }
    }
}

/// In which bucket an account's leverage ratio is.
fn bucket_of(now: &Assessment) -> usize {
    if now.equity <= Money::ZERO {
        return LEVERAGE_BUCKETS - 1;
    }
    let is_within =
        |bound: &i64| i128::from(now.exposure.get()) <= i128::from(*bound) * i128::from(now.equity.get());
    LEVERAGE_BOUNDS.iter().position(is_within).unwrap_or(LEVERAGE_BOUNDS.len())
}

impl Venue {
    /// Surveys the accounts from a number on: all with exposure, or the holders of one instrument.
    #[must_use]
    pub fn survey(&self, instrument: Option<InstrumentId>, from: AccountId) -> Survey {
        let (mut survey, mut passed) = (Survey::default(), 0);
        let until = self.ledger.account_numbers();
        for number in from.get()..until {
            if passed >= SCAN_MAX {
                survey.next = Some(AccountId::new(number));
                break;
            }
            let account = AccountId::new(number);
            passed += 1;
            if self.user(account).is_err() {
                continue;
            }
            passed += self.ledger.legs_of(account).count();
            let Some(held) = self.exposure_to(account, instrument) else { continue };
            let now = self.ledger.assess(account);
            let exposure = if instrument.is_some() { held } else { now.exposure };
            survey.add(account, exposure, &now, margin_state(&self.ledger, account));
        }
        survey
    }

    /// The notional an account holds in an instrument, in the unit of account; without one, zero where it holds anything.
    /// `None` where it holds nothing.
    fn exposure_to(&self, account: AccountId, instrument: Option<InstrumentId>) -> Option<Money> {
        let mut held = self.ledger.legs_of(account).filter(|(_, leg)| leg.position != Position::ZERO);
        match instrument {
            None => held.next().map(|_| Money::ZERO),
            Some(instrument) => held
                .find(|(_, leg)| leg.instrument == instrument)
                .map(|(_, leg)| self.ledger.notional_in_base(leg)),
        }
    }
}
