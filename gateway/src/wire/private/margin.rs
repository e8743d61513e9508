//! Money between accounts, margin, collateral and its debts.
//!
//! Invariant: nobody is told the balance of another account; ratios are rounded up, so they never look safer than they
//! are.

use engine::{ClientOrderId, Seq, TimeNs};
use risk::{AccountId, AssetId, InstrumentId, Money};

use crate::wire::message::messages;
use crate::wire::types::{
    AccountStatus, Code, ConversionReason, I64N, IdN, MarginMode, MarginState, MovementReason, TimeNsN,
};

messages! {
    /// Moves money to another account of the same owner. Client to venue, traders and operators.
    350 TransferBetween {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Who gives; 0 is the session's own.
        account_id: AccountId,
        /// Who receives.
        to_account_id: AccountId,
        /// What.
        asset_id: AssetId,
        /// How much; above zero.
        amount: Money,
        /// The giver's number for it, rising per account: sent again with it, the same transfer is done once.
        external_id: IdN,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
    }
    /// Isolates the account's position in an instrument, or lets it share the account's margin again. Client to venue.
    351 SetMarginMode {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose; 0 is the session's own.
        account_id: AccountId,
        /// Where. The account has neither a position nor orders there.
        instrument_id: InstrumentId,
        /// From now on.
        mode: Code<MarginMode>,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
    }
    /// Moves money into an isolated position, or out of it. Client to venue.
    352 MoveMargin {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose; 0 is the session's own.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Into the position (positive) or out of it; not zero.
        amount: Money,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
    }
    /// Money went from one account to another. Venue to client, to both accounts.
    360 Movement {
        /// The request of this session that brought it about, if one did.
        request_id: IdN,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose side this is.
        account_id: AccountId,
        /// Who gave.
        from_account_id: AccountId,
        /// Who received.
        to_account_id: AccountId,
        /// What.
        asset_id: AssetId,
        /// How much.
        amount: Money,
        /// Balance of `account_id` after it.
        balance: Money,
        /// The giver's number for it.
        external_id: IdN,
        /// Why.
        reason: Code<MovementReason>,
    }
    /// The margin of an account came into another state. Amounts are in the unit of account. Venue to client.
    361 MarginStateChanged {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Equity, rounded down.
        equity: Money,
        /// Gross notional of the positions, rounded up.
        exposure: Money,
        /// Required for positions and open orders, rounded up.
        initial_margin: Money,
        /// Required for positions, rounded up.
        maintenance_margin: Money,
        /// Exposure over equity, in billionths; none when equity is not positive.
        leverage_e9: I64N,
        /// Maintenance margin over equity, in billionths; none when equity is not positive.
        margin_ratio_e9: I64N,
        /// From now on.
        state: Code<MarginState>,
    }
    /// Funding of a position was booked, in the asset its instrument settles in. Venue to client.
    362 FundingBooked {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// What was paid; negative where it was received.
        paid: Money,
        /// Balance in that asset after it.
        balance: Money,
    }
    /// A debt in one asset was paid out of another. Venue to client.
    363 Converted {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Given.
        sold_asset_id: AssetId,
        /// How much of it.
        given: Money,
        /// Received.
        bought_asset_id: AssetId,
        /// How much of it.
        received: Money,
        /// Why.
        reason: Code<ConversionReason>,
    }
    /// Interest on a debt was booked; it is owed in the same asset. Venue to client.
    364 InterestCharged {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// On what.
        asset_id: AssetId,
        /// How much.
        amount: Money,
        /// Balance after it.
        balance: Money,
    }
    /// What an account is in one word changed. Venue to client.
    365 StandingChanged {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// From now on.
        status: Code<AccountStatus>,
    }
    /// The insurance account paid what an account still owed in an asset beside the unit of account. Venue to client.
    366 DeficitCovered {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// In what.
        asset_id: AssetId,
        /// How much.
        amount: Money,
    }
    /// A transfer was asked for once more and was done before; nothing moved. Venue to the client that asked.
    367 TransferRepeated {
        /// The request of this session.
        request_id: IdN,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Who gave.
        account_id: AccountId,
        /// The giver's number for it.
        external_id: u64,
        /// Balance of the giver, as it is now.
        balance: Money,
    }
    /// The liquidation of an account waits for an index that can be trusted, or goes on. Venue to client.
    368 LiquidationHeld {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// 1: it waits. 0: it goes on.
        held: u8,
    }
    /// A position is isolated from now on, or shares the account's margin. Venue to client.
    369 MarginModeChanged {
        /// The request of this session that brought it about, if one did.
        request_id: IdN,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// The account that acts there: what happens to the position is told with its number.
        acting_account_id: AccountId,
        /// From now on.
        mode: Code<MarginMode>,
    }
    /// An account pays the fees of a tier. Venue to client.
    370 FeeTierSet {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// From now on; 0 is the instrument's own fees.
        tier: u8,
    }
    /// A change of an instrument's margin would put the account below maintenance margin as things stand. Venue to client.
    371 WouldLiquidate {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Equity, rounded down.
        equity: Money,
        /// Maintenance margin after the change, rounded up.
        maintenance_margin: Money,
    }
}
