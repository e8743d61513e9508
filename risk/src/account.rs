//! Accounts and their legs: one leg per instrument in which an account holds, orders or has set a leverage.
//!
//! Invariant: an account's legs form one chain in ascending instrument number, each instrument at most once; a leg
//! without position, orders and leverage setting does not exist.

use crate::holdings::{DebtorPlace, HoldingId};
use crate::limits::LEGS_PER_ACCOUNT_MAX;
use crate::reservation::OrderSlot;
use crate::units::{
    AccountId, InstrumentId, Leverage, Money, OwnerGroupId, Position, Price, Qty, Requirement,
};
use crate::{byte_enum, place, unit};

place!(
    /// Place of a leg in the leg store.
    LegId
);

byte_enum!(
    /// What an account may do.
    AccountState {
        /// Not opened.
        Absent = 0,
        /// Everything its margin allows.
        Active = 1,
        /// Below maintenance margin: waiting for its liquidation, or in it.
        Liquidating = 2,
    }
);

byte_enum!(
    /// What the operator forbids an account.
    Restriction {
        /// Nothing.
        None = 1,
        /// Anything that may raise a position.
        ReduceOnly = 2,
        /// Everything but cancelling: the kill switch.
        Suspended = 3,
    }
);

byte_enum!(
    /// An account in one word. Where several hold, the last of these.
    Standing {
        /// Everything its margin allows.
        Active = 1,
        /// The operator lets it reduce only.
        ReduceOnly = 2,
        /// The operator suspended it.
        Suspended = 3,
        /// In liquidation.
        Liquidating = 4,
        /// In liquidation, and worth less than nothing when it was last looked at.
        Bankrupt = 5,
    }
);

byte_enum!(
    /// How an account stands to others of its owner.
    AccountForm {
        /// Acts for itself.
        Plain = 1,
        /// In some instruments isolated positions act for it.
        Parent = 2,
        /// Is the isolated position of another: one instrument, margin of its own.
        Isolated = 3,
        /// Is an insurance fund: money comes in, and goes where liquidations need it.
        Fund = 4,
    }
);

/// An account: a balance in the unit of account, holdings of other assets, and legs.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub struct Account {
    /// What it may do.
    pub state: AccountState,
    /// What the operator forbids it.
    pub restriction: Restriction,
    /// The two in one word, as it was last told.
    pub standing: Standing,
    /// How it stands to others of its owner.
    pub form: AccountForm,
    /// Which share of fees it pays; 0 is all.
    pub fee_tier: u8,
    /// Whose it is together with others; 0 when it stands alone.
    pub group: OwnerGroupId,
    /// Cash, realised results and fees booked in. May be negative while positions cover it.
    pub balance: Money,
    pub(crate) first_leg: LegId,
    pub(crate) legs: u32,
    /// Balances in other assets; none for an account that only has the unit of account.
    pub(crate) first_holding: HoldingId,
    /// Place in the list of accounts that owe in some asset, or none.
    pub(crate) debtor: DebtorPlace,
}

impl Account {
    pub(crate) const ABSENT: Self = Self {
        state: AccountState::Absent,
        restriction: Restriction::None,
        standing: Standing::Active,
        form: AccountForm::Plain,
        fee_tier: 0,
        group: OwnerGroupId::new(0),
        balance: Money::ZERO,
        first_leg: LegId::NONE,
        legs: 0,
        first_holding: HoldingId::NONE,
        debtor: DebtorPlace::NONE,
    };

    /// Whether it has, or had, balances in several assets.
    #[inline]
    #[must_use]
    pub const fn has_holdings(&self) -> bool {
        self.first_holding.get() != HoldingId::NONE.get()
    }

    /// Whether so many more legs are admitted.
    #[must_use]
    pub const fn has_room_for_legs(&self, legs: u32) -> bool {
        self.legs + legs <= LEGS_PER_ACCOUNT_MAX
    }
}

/// What an account has in one instrument: two cache lines. The first holds all that valuing an unchanged leg and walking
/// an account's chain reads, so that an account with many positions costs one line a leg.
#[derive(Clone, Copy, Debug, bincode::Encode)]
#[repr(C, align(64))]
pub struct Leg {
    /// Where.
    pub instrument: InstrumentId,
    pub(crate) next: LegId,
    /// Owner.
    pub account: AccountId,
    pub(crate) first_order: OrderSlot,
    pub(crate) valued_at: Remembered<Revision>,
    /// Up to which payment its funding has been booked.
    pub(crate) funding_epoch: u32,
    pub(crate) profit: Remembered<Money>,
    pub(crate) requirement: Remembered<Requirement>,
    /// Signed position.
    pub position: Position,
    /// Sum of signed fill values since the position was last flat: bought positive, sold negative.
    pub cost: Money,
    /// Taker fees reserved for the resting orders, exact.
    pub fees_reserved: Requirement,
    /// Resting buy quantity, reduce-only orders left out.
    pub buy_qty: Qty,
    /// Resting sell quantity, reduce-only orders left out.
    pub sell_qty: Qty,
    /// Resting reduce-only quantity (always on the closing side).
    pub reduce_only_qty: Qty,
    /// No own buy rests above this price. Exact when last tightened, else a bound.
    pub(crate) buy_top: Price,
    /// No own sell rests below this price. Exact when last tightened, else a bound.
    pub(crate) sell_bottom: Price,
    /// Leverage setting; 0 when none.
    pub leverage: Leverage,
    /// Orders in this leg, reduce-only ones counted in.
    pub orders: u32,
}

const _: () = assert!(size_of::<Leg>() == 128);

unit!(
    /// Rises whenever the prices or terms that value an instrument's legs change; an odd number, 0 is never. A leg that
    /// names the even number below knows its profit and has other orders than it knows the requirement of.
    Revision(u32)
);

impl Revision {
    /// The first.
    pub(crate) const FIRST: Self = Self(3);

    /// The next one; `None` where numbers must begin anew.
    pub(crate) const fn next(self) -> Option<Self> {
        match self.0.checked_add(2) {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }

    /// With the orders no longer known.
    #[inline]
    pub(crate) const fn but_for_orders(self) -> Self {
        Self(self.0 & !1)
    }

    /// With the orders known, where anything is.
    #[inline]
    pub(crate) const fn with_orders(self) -> Self {
        if self.0 == 0 { self } else { Self(self.0 | 1) }
    }
}

/// What was last found for a leg: a pure function of the leg and of the revision of its instrument that it names. Every
/// change of the leg forgets it, any other revision does not match it. Not state, so not in the digest.
#[derive(Clone, Copy, Default, Debug)]
#[repr(transparent)]
pub(crate) struct Remembered<T>(pub(crate) T);

impl<T> bincode::Encode for Remembered<T> {
    fn encode<E: bincode::enc::Encoder>(&self, _: &mut E) -> Result<(), bincode::error::EncodeError> {
        Ok(())
    }
}

impl Leg {
    pub(crate) const fn new(account: AccountId, instrument: InstrumentId, next: LegId) -> Self {
        Self {
            account,
            instrument,
            position: Position::ZERO,
            cost: Money::ZERO,
            buy_qty: Qty::ZERO,
            sell_qty: Qty::ZERO,
            reduce_only_qty: Qty::ZERO,
            fees_reserved: Requirement::ZERO,
            leverage: Leverage::new(0),
            orders: 0,
            buy_top: Price::new(0),
            sell_bottom: Price::new(i64::MAX),
            first_order: OrderSlot::NONE,
            next,
            valued_at: Remembered(Revision::new(0)),
            funding_epoch: 0,
            profit: Remembered(Money::ZERO),
            requirement: Remembered(Requirement::ZERO),
        }
    }

    /// Whether it holds no position, no order and no leverage setting.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.position == Position::ZERO && self.orders == 0 && self.leverage == Leverage::new(0)
    }
}
