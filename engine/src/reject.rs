//! Why a command is refused: one closed enum, in precedence order, numbered as on the wire.
//!
//! Invariant: where a command breaks several rules, the reject is the smallest number among them. A table test walks
//! the precedence; the numbers are stable for ever, with room between them for rules to come.

/// A broken rule. The number is the wire error code; ascending numbers are the order of checking.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u16)]
pub enum Reject {
    /// The venue is working off a price move; by contract the sequencer injects continuations first.
    VenuePending = 2000,
    /// A continuation without anything pending, or from a client.
    NothingPending = 2005,
    /// No such session, or a session number that is not the next.
    UnknownSession = 2010,
    /// The session has used this number before. Uses nothing up; no reply is due, the first one stands.
    SequenceReplayed = 2012,
    /// Numbers are missing before this one. Uses nothing up.
    SequenceGap = 2014,
    /// The client order number does not rise.
    DuplicateClientOrderId = 2020,
    /// Sequenced after the time the client set.
    Expired = 2025,
    /// Not what this kind of session may ask, or not for this account.
    NoPermission = 2030,
    /// No such key, or it was revoked.
    UnknownKey = 2035,
    /// The key's time is over.
    KeyExpired = 2040,
    /// The operator suspended the key; its sessions may only cancel.
    KeySuspended = 2042,
    /// The key has as many sessions as one key may have.
    TooManySessions = 2045,
    /// No such account.
    UnknownAccount = 2050,
    /// The account is one of the venue's own.
    SystemAccount = 2055,
    /// The account is the isolated position of another, which is named instead.
    IsolatedAccount = 2056,
    /// The account has used this number for a transfer of other terms.
    TransferMismatch = 2057,
    /// The account has used this number or a later one, and its terms are remembered no more.
    TransferTooOld = 2058,
    /// The two accounts are not of one owner.
    OtherOwner = 2059,
    /// No such instrument.
    UnknownInstrument = 2060,
    /// No such asset.
    UnknownAsset = 2061,
    /// The instrument does not admit this now.
    NotTrading = 2070,
    /// The account is below maintenance margin and under liquidation.
    AccountLiquidating = 2080,
    /// The operator suspended the account.
    AccountSuspended = 2085,
    /// The operator lets the account reduce only.
    AccountReduceOnly = 2090,
    /// No such market-maker protection group of this account.
    UnknownProtection = 2092,
    /// The market-maker protection group tripped and is not reset yet.
    ProtectionFrozen = 2094,
    /// No such resting order of this account.
    UnknownOrder = 2100,
    /// No isolated position of the account in the instrument.
    NoIsolatedPosition = 2102,
    /// The account has a position or orders in the instrument, so that its margin mode stands.
    MarginModeInUse = 2104,
    /// No change of the instrument's margin is scheduled.
    NothingScheduled = 2106,
    /// Flags that contradict each other.
    BadCombination = 2110,
    /// Quantity not positive, not a multiple of the lot, or not above what is already filled.
    BadQuantity = 2120,
    /// Quantity above the instrument's order maximum.
    QuantityTooLarge = 2130,
    /// Price not positive, not a multiple of the tick, or above the instrument's maximum.
    BadPrice = 2140,
    /// Trigger price or distance not positive, not a multiple of the tick, or above the instrument's maximum.
    BadTrigger = 2142,
    /// Expires at or before the time of sequencing, or must not expire.
    BadExpiry = 2145,
    /// No index price yet.
    NoMarkPrice = 2150,
    /// The watched price is not known yet.
    NoTriggerPrice = 2152,
    /// The source has sent this number, or a later one, before.
    StalePrice = 2155,
    /// The other side of the book is empty, and the order takes its price from there.
    NoLiquidity = 2158,
    /// Price outside the band around the mark.
    PriceBand = 2160,
    /// Value above the instrument's order maximum.
    NotionalTooLarge = 2165,
    /// Too many orders of the account in this instrument, or the venue's order store is full.
    TooManyOrders = 2170,
    /// Too many instruments in one account, or the venue's leg store is full.
    TooManyLegs = 2180,
    /// No room for one more account: in the venue, among the owner's, or among the account's isolated positions.
    TooManyAccounts = 2182,
    /// Nothing to reduce on that side.
    ReduceOnlyWouldIncrease = 2190,
    /// A post-only order would take.
    PostOnlyWouldCross = 2200,
    /// A fill-or-kill order cannot be filled whole.
    FokNotFillable = 2210,
    /// Less than the order's minimum can be filled at once.
    MinQtyNotFillable = 2215,
    /// The index of the instrument is not trusted enough for this now.
    IndexNotTrusted = 2290,
    /// The account's position, open orders counted in, would pass its limit.
    PositionLimit = 2300,
    /// What all accounts of the owner could reach together, open orders counted in, would pass its limit.
    OwnerPositionLimit = 2305,
    /// The instrument's open interest would pass its limit.
    OpenInterestLimit = 2310,
    /// The leverage is above the instrument's maximum.
    LeverageTooHigh = 2320,
    /// Equity does not cover initial margin after the command.
    InsufficientMargin = 2330,
    /// An account in liquidation is worth less than nothing: no money leaves an account before that is resolved.
    WithdrawalsHeld = 2335,
    /// More than may be withdrawn.
    InsufficientFunds = 2340,
    /// Another order of the batch was refused, and all belong together.
    BatchAborted = 2350,
    /// The number is taken, or not the next.
    AlreadyExists = 2400,
    /// A parameter is out of range.
    BadParameter = 2410,
}

impl Reject {
    /// Every reject, in precedence order.
    pub const ALL: &'static [Self] = &[
        Self::VenuePending,
        Self::NothingPending,
        Self::UnknownSession,
        Self::SequenceReplayed,
        Self::SequenceGap,
        Self::DuplicateClientOrderId,
        Self::Expired,
        Self::NoPermission,
        Self::UnknownKey,
        Self::KeyExpired,
        Self::KeySuspended,
        Self::TooManySessions,
        Self::UnknownAccount,
        Self::SystemAccount,
        Self::IsolatedAccount,
        Self::TransferMismatch,
        Self::TransferTooOld,
        Self::OtherOwner,
        Self::UnknownInstrument,
        Self::UnknownAsset,
        Self::NotTrading,
        Self::AccountLiquidating,
        Self::AccountSuspended,
        Self::AccountReduceOnly,
        Self::UnknownProtection,
        Self::ProtectionFrozen,
        Self::UnknownOrder,
        Self::NoIsolatedPosition,
        Self::MarginModeInUse,
        Self::NothingScheduled,
        Self::BadCombination,
        Self::BadQuantity,
        Self::QuantityTooLarge,
        Self::BadPrice,
        Self::BadTrigger,
        Self::BadExpiry,
        Self::NoMarkPrice,
        Self::NoTriggerPrice,
        Self::StalePrice,
        Self::NoLiquidity,
        Self::PriceBand,
        Self::NotionalTooLarge,
        Self::TooManyOrders,
        Self::TooManyLegs,
        Self::TooManyAccounts,
        Self::ReduceOnlyWouldIncrease,
        Self::PostOnlyWouldCross,
        Self::FokNotFillable,
        Self::MinQtyNotFillable,
        Self::IndexNotTrusted,
        Self::PositionLimit,
        Self::OwnerPositionLimit,
        Self::OpenInterestLimit,
        Self::LeverageTooHigh,
        Self::InsufficientMargin,
        Self::WithdrawalsHeld,
        Self::InsufficientFunds,
        Self::BatchAborted,
        Self::AlreadyExists,
        Self::BadParameter,
    ];

    /// The wire error code.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }
}

impl bincode::Encode for Reject {
    fn encode<E: bincode::enc::Encoder>(&self, encoder: &mut E) -> Result<(), bincode::error::EncodeError> {
        bincode::Encode::encode(&self.code(), encoder)
    }
}

impl<C> bincode::Decode<C> for Reject {
    fn decode<D: bincode::de::Decoder<Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        let code: u16 = bincode::Decode::decode(decoder)?;
        let known = Self::ALL.iter().find(|reject| reject.code() == code);
        known.copied().ok_or(bincode::error::DecodeError::Other("unknown Reject"))
    }
}
bincode::impl_borrow_decode!(Reject);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_in_precedence_order() {
        assert!(Reject::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
    }
}
