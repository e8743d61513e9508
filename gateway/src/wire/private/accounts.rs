//! What happens to an account beside its orders.
//!
//! Invariant: money is exact; what it was rounded from is said at the field.

use engine::{ClientOrderId, Seq, TimeNs};
use risk::{AccountId, AssetId, InstrumentId, Money};

use crate::wire::message::messages;
use crate::wire::types::{AccountStatus, Code, IdN, TimeNsN};

messages! {
    /// Sets an account's leverage in one instrument. Client to venue.
    301 SetLeverage {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// In hundredths; 0 leaves it to the instrument's table.
        leverage_e2: u32,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
    }
    /// Money came in or went out. Venue to client.
    313 BalanceChange {
        /// The request of this session that brought it about, if one did.
        request_id: IdN,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Signed amount.
        amount: Money,
        /// Balance after it.
        balance: Money,
        /// What.
        asset_id: AssetId,
    }
    /// The account is below maintenance margin. Venue to client.
    315 LiquidationStart {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Equity, rounded down.
        equity: Money,
        /// Maintenance margin, rounded up.
        maintenance_margin: Money,
    }
    /// A leverage setting changed. Venue to client.
    317 LeverageSet {
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
        /// From now on.
        leverage_e2: u32,
    }
    /// Somebody took over what the book would not take, so that the account received the position's bankruptcy amount. Venue
    /// to client.
    318 PositionTakenOver {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Position taken over.
        position_qty: i64,
        /// What was paid for it. The account received `amount` and `added`.
        amount: Money,
        /// Who took it: the backstop account, or the one that holds it until the other side has given up as much.
        by_account_id: AccountId,
        /// What the insurance fund added.
        added: Money,
    }
    /// The liquidation is over. Venue to client.
    319 LiquidationEnd {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Equity, rounded down.
        equity: Money,
        /// Paid by the insurance account.
        covered: Money,
    }
    /// The operator changed what the account may do. Venue to client.
    320 AccountStatusChanged {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// From now on.
        status: Code<AccountStatus>,
    }
    /// A position was settled because its instrument is over. Venue to client.
    321 PositionSettled {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Position that was settled; short is negative.
        position_qty: i64,
        /// What the account received for it.
        amount: Money,
        /// Balance after it.
        balance: Money,
        /// Paid by the insurance account.
        covered: Money,
    }
}
