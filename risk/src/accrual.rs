//! Funding of legs: a payment is one number per instrument, and each leg books its share when it is next touched.
//!
//! Invariant (I4): what all legs of an instrument owe sums to nothing but rounding, so the funding account, which stands
//! between payers and receivers, is short of exactly what legs still owe, less what the rounding left it: never less
//! than nothing. Source: `MARGIN.md` 12.

use crate::account::{Leg, LegId};
use crate::instrument::Instrument;
use crate::ledger::Ledger;
use crate::limits::{NOTIONAL_MAX, PPB};
use crate::rounding::{div_ceil, wide_mul};
use crate::units::{AccountId, InstrumentId, Money, Position};

/// Binary digits of a funding amount below one money unit.
pub const FUNDING_SHIFT: u32 = 32;

/// What so many lots, positive long, owe for `per_lot` (money x 2^32): rounded up, so that payers pay more and receivers get
/// less. Source: `MARGIN.md` 12.
#[must_use]
pub fn payment(lots: i64, per_lot: i128) -> Money {
    Money::from_wide(div_ceil(i128::from(lots) * per_lot, 1 << FUNDING_SHIFT))
}

impl Instrument {
    /// What was paid per lot since a payment, money x 2^32.
    fn funding_since(&self, epoch: u32) -> i128 {
        self.funding[self.funding.len() - 1] - self.funding[epoch as usize]
    }

    /// What a position owes for `per_lot`, see [`payment`].
    #[must_use]
    pub fn funding_of(&self, position: Position, per_lot: i128) -> Money {
        payment(position.get().div_euclid(self.spec.lot.get()), per_lot)
    }

    /// How far the mark must move against a position to cost it at least what a payment of `per_lot` does, its maintenance
    /// margin taken into account; in sub-units. For linear contracts; others do not rest on it.
    #[must_use]
    pub fn funding_shift(&self, per_lot: i64) -> i64 {
        // A long's equity less five quarters of its maintenance margin rises by at least this share of its value.
        let steepest = self.maintenance_table().lines().map(|(rate, _)| rate).max().unwrap_or(0);
        let share = if per_lot > 0 { 4 * PPB - 5 * steepest } else { 4 * PPB };
        let marks = self.scale().marks_of(per_lot.saturating_abs(), self.spec.lot);
        let marks = i64::try_from(marks).unwrap_or(i64::MAX);
        let shift = div_ceil(wide_mul(marks, 4 * PPB), i128::from(share.max(1)));
        i64::try_from(shift).unwrap_or(i64::MAX).saturating_add(1)
    }
}

impl Ledger {
    /// A payment of `per_lot` (money x 2^32, positive where longs pay). O(1): legs book it when they are touched.
    ///
    /// It is bounded so that no position pays more than the largest value of the open interest.
    pub fn accrue_funding(&mut self, instrument: InstrumentId, per_lot: i64) {
        let terms = &mut self.instruments[instrument.index()];
        let lots = terms.spec.open_interest_max.get().div_euclid(terms.spec.lot.get());
        let most = (i128::from(NOTIONAL_MAX) << FUNDING_SHIFT).div_euclid(i128::from(lots));
        let paid = terms.funding[terms.funding.len() - 1];
        terms.funding.push(paid + i128::from(per_lot).clamp(-most, most));
        terms.funding_epoch = u32::try_from(terms.funding.len() - 1).expect("payments are fewer than 2^32");
        self.revise(instrument);
    }

    /// What a leg owes of funding that is not booked yet; negative where it is owed.
    #[inline]
    #[must_use]
    pub fn funding_owed(&self, leg: &Leg) -> Money {
        let instrument = self.instrument(leg.instrument);
        if leg.funding_epoch == instrument.funding_epoch {
            return Money::ZERO;
        }
        self.unbooked_funding(leg)
    }

    #[cold]
    fn unbooked_funding(&self, leg: &Leg) -> Money {
        let instrument = self.instrument(leg.instrument);
        instrument.funding_of(leg.position, instrument.funding_since(leg.funding_epoch))
    }

    /// Whether a leg has not booked the last payment.
    #[inline]
    #[must_use]
    pub fn funding_is_due(&self, leg_id: LegId) -> bool {
        let leg = self.leg(leg_id);
        leg.funding_epoch != self.instrument(leg.instrument).funding_epoch
    }

    /// Whether one of two legs of an instrument has not booked the last payment.
    #[inline]
    #[must_use]
    pub fn funding_is_due_of(&self, one: LegId, other: LegId) -> bool {
        let (one, other) = (self.leg(one), self.leg(other));
        let epoch = self.instrument(one.instrument).funding_epoch;
        one.funding_epoch != epoch || other.funding_epoch != epoch
    }

    /// Books what a leg owes; what it paid, or `None` where nothing was due.
    pub fn settle_funding(&mut self, leg_id: LegId) -> Option<Money> {
        if !self.funding_is_due(leg_id) {
            return None;
        }
        let leg = *self.leg(leg_id);
        let owed = self.unbooked_funding(&leg);
        let asset = self.instrument(leg.instrument).settlement();
        self.begin_funding(leg_id);
        self.move_cash(leg.account, AccountId::FUNDING, asset, owed);
        (leg.position != Position::ZERO).then_some(owed)
    }

    /// A leg owes nothing of what was paid before.
    pub(crate) fn begin_funding(&mut self, leg_id: LegId) {
        let epoch = self.instrument(self.leg(leg_id).instrument).funding_epoch;
        self.leg_mut(leg_id).funding_epoch = epoch;
    }

    /// Verifies I4: what the funding account holds in each asset, with what it is owed, is what rounding left it.
    ///
    /// # Panics
    /// When it is less than nothing.
    pub(crate) fn check_funding(&self) {
        let mut owed = alloc::vec![0_i64; self.assets.len() + 1];
        for (account, _) in self.accounts() {
            for (_, leg) in self.legs_of(account) {
                owed[self.instrument(leg.instrument).settlement().index()] += self.funding_owed(leg).get();
            }
        }
        for (asset, owed) in (0..).map(crate::units::AssetId::new).zip(owed) {
            let held = self.balance(AccountId::FUNDING, asset).get();
            assert!(held + owed >= 0, "I4: funding sums to nothing but rounding");
        }
    }
}
