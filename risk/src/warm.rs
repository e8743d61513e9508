//! Reading ahead: touches the lines a later call is going to need, so that their cache misses overlap.
//!
//! Invariant: nothing here changes anything. The values returned mean nothing; they only keep the reads from being
//! optimised away.

use crate::account::LegId;
use crate::ledger::Ledger;
use crate::reservation::OrderSlot;
use crate::units::AccountId;

impl Ledger {
    /// Reads an account; its first leg.
    #[inline]
    #[must_use]
    pub fn warm_account(&self, account: AccountId) -> LegId {
        self.accounts.get(account.index()).map_or(LegId::NONE, |account| account.first_leg)
    }

    /// Reads all of a leg; the account's next leg.
    #[inline]
    #[must_use]
    pub fn warm_leg(&self, leg: LegId) -> (i64, LegId) {
        match self.legs.get(leg.index()) {
            None => (0, LegId::NONE),
            // Fields far enough apart to be on every line the leg lies on.
            Some(leg) => {
                let first = leg.position.get() ^ leg.buy_top.get() ^ leg.sell_qty.get();
                (first ^ leg.valuation.mark.get() ^ i64::from(leg.orders), leg.next)
            }
        }
    }

    /// Reads a reservation; its leg.
    #[inline]
    #[must_use]
    pub fn warm_reservation(&self, slot: OrderSlot) -> LegId {
        self.reservations.get(slot.index()).map_or(LegId::NONE, |reservation| reservation.leg)
    }

    /// Reads the neighbours of a reservation in its leg's chain.
    #[inline]
    #[must_use]
    pub fn warm_neighbours(&self, slot: OrderSlot) -> u32 {
        let Some(reservation) = self.reservations.get(slot.index()) else { return 0 };
        self.warm_reservation(reservation.next).get() ^ self.warm_reservation(reservation.prev).get()
    }
}
