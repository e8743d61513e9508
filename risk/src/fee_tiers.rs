//! Fee tiers: shares of an instrument's own fees that an account pays.
//!
//! Invariant: a tier is a discount, so what an order reserves at the instrument's own taker fee covers what it pays; and in
//! every instrument the least that a taker pays covers the most that a maker is paid back.

use crate::instrument::InstrumentSpec;
use crate::ledger::Ledger;
use crate::limits::{FEE_TIERS_MAX, PPB};
use crate::rounding::{div_ceil, div_floor, wide_mul};
use crate::units::{AccountId, FeeRate, Rate};

/// What an account pays of an instrument's fees. Logged with the command that defines it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct FeeTier {
    /// Share of the taker fee, at most all of it.
    pub taker: Rate,
    /// Share of a maker fee that is charged, at most all of it.
    pub maker: Rate,
    /// Share of a rebate, at most all of it.
    pub rebate: Rate,
}

impl FeeTier {
    /// The instrument's own fees.
    pub const FULL: Self = Self { taker: Rate::ONE, maker: Rate::ONE, rebate: Rate::ONE };

    /// Whether no share is above all of it.
    #[must_use]
    pub fn is_discount(&self) -> bool {
        self.taker <= Rate::ONE && self.maker <= Rate::ONE && self.rebate <= Rate::ONE
    }

    /// A taker's rate, rounded up.
    #[must_use]
    pub fn taker_rate(&self, own: Rate) -> Rate {
        share_ceil(own, self.taker)
    }

    /// A maker's rate: a charge is rounded up, a rebate (negative) down in size.
    #[must_use]
    pub fn maker_rate(&self, own: FeeRate) -> FeeRate {
        let size = Rate::new(own.get().unsigned_abs());
        if own.get() < 0 {
            return signed(share_floor(size, self.rebate), -1);
        }
        signed(share_ceil(size, self.maker), 1)
    }
}

fn share_ceil(rate: Rate, share: Rate) -> Rate {
    of_wide(div_ceil(wide_mul(i64::from(rate.get()), i64::from(share.get())), i128::from(PPB)))
}

fn share_floor(rate: Rate, share: Rate) -> Rate {
    of_wide(div_floor(wide_mul(i64::from(rate.get()), i64::from(share.get())), i128::from(PPB)))
}

/// A share of a rate is no larger than the rate.
fn of_wide(rate: i128) -> Rate {
    Rate::new(u32::try_from(rate).expect("a share of a rate is a rate"))
}

/// Fees are at most a tenth.
fn signed(size: Rate, sign: i32) -> FeeRate {
    FeeRate::new(sign * i32::try_from(size.get()).expect("a fee is at most a tenth"))
}

/// The defined tiers by number; 0 is the instrument's own fees.
#[derive(Clone, Debug, bincode::Encode)]
pub(crate) struct FeeTiers {
    tiers: [Option<FeeTier>; FEE_TIERS_MAX],
}

impl FeeTiers {
    pub(crate) const fn new() -> Self {
        let mut tiers = [None; FEE_TIERS_MAX];
        tiers[0] = Some(FeeTier::FULL);
        Self { tiers }
    }

    pub(crate) fn get(&self, tier: u8) -> Option<FeeTier> {
        self.tiers.get(usize::from(tier)).copied().flatten()
    }

    /// Whether, in an instrument, no match costs the venue more than it brings.
    fn admit(&self, spec: &InstrumentSpec) -> bool {
        let known = || self.tiers.iter().flatten();
        let least = known().map(|tier| tier.taker_rate(spec.taker_fee).get()).min();
        let most = known().map(|tier| -i64::from(tier.maker_rate(spec.maker_fee).get())).max();
        least.map(i64::from) >= most
    }
}

impl Ledger {
    /// A fee tier, if it is defined.
    #[must_use]
    pub fn fee_tier(&self, tier: u8) -> Option<FeeTier> {
        self.fee_tiers.get(tier)
    }

    /// Whether a tier may be defined so: a number above 0, a discount, and in no instrument a maker is paid more than a
    /// taker pays.
    #[must_use]
    pub fn admits_fee_tier(&self, tier: u8, terms: &FeeTier) -> bool {
        let place = usize::from(tier);
        if place == 0 || place >= FEE_TIERS_MAX || !terms.is_discount() {
            return false;
        }
        let mut then = self.fee_tiers.clone();
        then.tiers[place] = Some(*terms);
        self.instruments.iter().all(|instrument| then.admit(&instrument.spec))
    }

    /// Whether an instrument's fees go with the tiers there are.
    #[must_use]
    pub fn admits_fees(&self, spec: &InstrumentSpec) -> bool {
        self.fee_tiers.admit(spec)
    }

    /// Defines a tier. The caller has asked [`Self::admits_fee_tier`].
    pub fn define_fee_tier(&mut self, tier: u8, terms: FeeTier) {
        self.fee_tiers.tiers[usize::from(tier)] = Some(terms);
    }

    /// Gives an account a tier that is defined.
    pub fn set_fee_tier(&mut self, account: AccountId, tier: u8) {
        self.accounts[account.index()].fee_tier = tier;
    }

    /// What an account pays where it takes.
    #[inline]
    pub(crate) fn taker_rate(&self, account: AccountId, own: Rate) -> Rate {
        match self.accounts[account.index()].fee_tier {
            0 => own,
            tier => self.tier_of(tier).taker_rate(own),
        }
    }

    /// What an account pays, or is paid, where it rested.
    #[inline]
    pub(crate) fn maker_rate(&self, account: AccountId, own: FeeRate) -> FeeRate {
        match self.accounts[account.index()].fee_tier {
            0 => own,
            tier => self.tier_of(tier).maker_rate(own),
        }
    }

    #[cold]
    fn tier_of(&self, tier: u8) -> FeeTier {
        self.fee_tiers.get(tier).unwrap_or(FeeTier::FULL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_round_up_and_rebates_down() {
        let third = Rate::new(333_333_333);
        let tier = FeeTier { taker: third, maker: third, rebate: third };
        assert_eq!(tier.taker_rate(Rate::new(500_000)), Rate::new(166_667));
        assert_eq!(tier.maker_rate(FeeRate::new(200_000)), FeeRate::new(66_667));
        assert_eq!(tier.maker_rate(FeeRate::new(-200_000)), FeeRate::new(-66_666));
        assert_eq!(FeeTier::FULL.taker_rate(Rate::new(500_001)), Rate::new(500_001));
        assert_eq!(FeeTier::FULL.maker_rate(FeeRate::new(-7)), FeeRate::new(-7));
    }

    #[test]
    fn the_least_fee_covers_the_highest_rebate() {
        let ledger = Ledger::new(crate::Capacity { accounts: 16, legs: 4, orders: 4 });
        let half = Rate::new(500_000_000);
        let sound = FeeTier { taker: half, maker: half, rebate: half };
        assert!(ledger.admits_fee_tier(1, &sound), "no instrument objects");
        assert!(!ledger.admits_fee_tier(0, &sound), "0 is the instrument's own");
        assert!(!ledger.admits_fee_tier(16, &sound), "one too many");
        let above = FeeTier { taker: Rate::new(1_000_000_001), ..sound };
        assert!(!ledger.admits_fee_tier(1, &above), "no more than the instrument's own");
    }
}
