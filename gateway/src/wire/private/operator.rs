//! Requests of operators and oracles.
//!
//! Invariant: each is answered by one acknowledgement, which carries its number.

use engine::{ClientOrderId, KeyId, Seq, TimeNs};
use risk::{AccountId, AssetId, InstrumentId, Mark, Money, Price, Qty, Rate, UnderlyingId};

use crate::wire::message::{Group, messages, rows};
use crate::wire::types::{
    AccountStatus, Chars16, Code, ContractKind, IdN, MarkN, Millis, Octets, Permissions, TimeNsN,
    TradingState, U32N,
};

messages! {
    /// Defines an instrument. Admin to venue.
    400 InstrumentDefine {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Where.
        instrument_id: InstrumentId,
        /// Prices are multiples of it.
        tick: Price,
        /// Quantities are multiples of it.
        lot: Qty,
        /// Highest order price.
        price_max: Price,
        /// Largest order.
        order_qty_max: Qty,
        /// Largest position.
        position_max: Qty,
        /// Largest open interest.
        open_interest_max: Qty,
        /// Quote currency per contract and price unit.
        multiplier: u32,
        /// Band around the mark, in parts per billion.
        price_band: u32,
        /// Collar of market orders, in parts per billion.
        market_collar: u32,
        /// Largest move of the mark per index price, in parts per billion.
        mark_step_max: u32,
        /// Parts per billion; negative is a rebate.
        maker_fee: i32,
        /// Parts per billion.
        taker_fee: u32,
        /// Parts per billion.
        liquidation_fee: u32,
        /// Decimals of a price.
        price_decimals: u8,
        /// Decimals of a quantity.
        qty_decimals: u8,
        /// Decimals of money.
        money_decimals: u8,
        /// Name.
        symbol: Chars16,
        /// How price and quantity make a value.
        contract_kind: Code<ContractKind> = Code::of(ContractKind::Linear); since 2,
        /// The asset profits, fees and requirements are counted in.
        settlement_asset: AssetId = AssetId::BASE; since 2,
        /// Instruments of one underlying hedge each other.
        underlying: UnderlyingId = UnderlyingId::new(0); since 2,
        /// When a dated future ends; none is a perpetual.
        expiry: TimeNsN = TimeNsN::NONE; since 2,
        /// Time before the end over which the settlement price is averaged, in nanoseconds; 0 is the last index.
        averaging_ns: u64 = 0; since 2,
        /// Open interest from which the initial rate rises; 0 with `oi_upper` 0 is never.
        oi_lower: Money = Money::ZERO; since 2,
        /// Open interest at which the initial rate is 100 %.
        oi_upper: Money = Money::ZERO; since 2,
        /// Depth of the book; 0 switches the concentration add-on off.
        depth: Money = Money::ZERO; since 2,
        /// Notional free of the add-on, in billionths of the depth.
        concentration_free: u64 = 0; since 2,
        /// Rate per depth beyond that, in parts per billion.
        concentration_slope: u32 = 0; since 2,
        /// What part of unrealised profit counts for initial margin, in parts per billion.
        profit_weight: u32 = Rate::ONE.get(); since 2,
        /// Sources that must be live; 0 takes each index price as it comes.
        sources_min: u8 = 0; since 2,
        /// A source's price is stale after this time, in nanoseconds; 0 is never.
        stale_ns: u64 = 0; since 2,
        /// A source further from the median is left out, in parts per billion; 0 is none.
        outlier: u32 = 0; since 2,
        /// Sources that disagree by more make the index uncertain, in parts per billion; 0 is never.
        uncertain: u32 = 0; since 2,
        /// An index further from its slow average is wild, in parts per billion; 0 is never.
        wild: u32 = 0; since 2,
        /// Ticks of the index inside the limit that end a wild state.
        confirmations: u8 = 0; since 2,
        /// Band around the index for what makes the mark, in parts per billion; 0 leaves the mark to the index.
        component_band: u32 = 0; since 2,
        /// Time constant of the average of book less index, in nanoseconds.
        basis_tau_ns: u64 = 0; since 2,
        /// The stable price moves at most so much a second, in parts per billion; 0 is no stable price.
        stable_step: u32 = 0; since 2,
        /// While the index is stale the mark moves at most so much a minute, in parts per billion.
        frozen_step: u32 = 0; since 2,
        /// Time between payments of funding, in nanoseconds; 0 is no funding.
        interval_ns: u64 = 0; since 2,
        /// Time the rate is quoted for, in nanoseconds.
        rate_period_ns: u64 = 0; since 2,
        /// Notional that the impact prices are taken for.
        impact_notional: Money = Money::ZERO; since 2,
        /// Interest part of the rate, a period, in parts per billion.
        interest: u32 = 0; since 2,
        /// It pulls the premium by at most this, in parts per billion.
        interest_clamp: u32 = 0; since 2,
        /// Bound of the rate, a period, in parts per billion.
        rate_max: u32 = 0; since 2,
    } [
        /// Margin brackets.
        tiers: Group<TierRow>
    ]
    /// Changes what an instrument admits. Admin to venue.
    401 SetTradingState {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Where.
        instrument_id: InstrumentId,
        /// From now on.
        state: Code<TradingState>,
    }
    /// Opens an account. Admin to venue.
    402 AccountCreate {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
    }
    /// Money into an account, or out of it. Admin to venue.
    403 Transfer {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Positive in, negative out.
        amount: Money,
        /// What.
        asset_id: AssetId = AssetId::BASE; since 2,
        /// The account's number for it, rising per account: sent again with it, the same transfer is done once.
        external_id: IdN = IdN::NONE; since 2,
    }
    /// The operator's switch for an account: `Active`, `ReduceOnly` or `Suspended`. Admin to venue.
    404 SetAccountStatus {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// From now on.
        status: Code<AccountStatus>,
        /// 1: its resting orders go at once.
        cancel_orders: u8,
    }
    /// Registers a public key. Admin to venue.
    405 KeyRegister {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// A number not in use.
        key_id: KeyId,
        /// Whose.
        account_id: AccountId,
        /// Kinds of session it may open.
        permissions: Permissions,
        /// From then on it opens no session.
        expires: TimeNsN,
        /// Ed25519 public key.
        public_key: Octets<32>,
    }
    /// Ends what a key admits to, its connections included. Admin to venue.
    408 KeyRevoke {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Which.
        key_id: KeyId,
    }
    /// Cancels all orders of an account. Admin to venue.
    409 AdminMassCancel {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Which; none is all.
        instrument_id: U32N,
    }
    /// Puts an account into an owner group; only while it has no orders. Admin to venue.
    410 SetOwnerGroup {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Which; 0 lets it stand alone.
        group_id: u32,
    }
    /// The operator's switch for every account of an owner group. Admin to venue.
    411 SetGroupStatus {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Which.
        group_id: u32,
        /// From now on: `Active`, `ReduceOnly` or `Suspended`.
        status: Code<AccountStatus>,
        /// 1: their resting orders go at once.
        cancel_orders: u8,
    }
    /// The operator's switch for a key: while it is suspended its sessions may only cancel. Admin to venue.
    412 KeySuspend {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Which.
        key_id: KeyId,
        /// 1 suspends, 0 admits again.
        suspended: u8,
        /// 1: the orders of its sessions go at once.
        cancel_orders: u8,
    }
    /// Changes the trading limits of an instrument. Admin to venue.
    413 SetLimits {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Where.
        instrument_id: InstrumentId,
        /// Largest order.
        order_qty_max: Qty,
        /// Largest value of one order; 0 is no limit.
        order_notional_max: Money,
        /// Largest position.
        position_max: Qty,
        /// Largest open interest.
        open_interest_max: Qty,
        /// Most orders of one account in the instrument.
        orders_max: u32,
        /// Band around the mark, in parts per billion.
        price_band: u32,
        /// Collar of market orders, in parts per billion.
        market_collar: u32,
        /// Matching pauses beyond this distance from the mark, in parts per billion; 0 is never.
        limit_state_band: u32,
        /// How long the auction lasts that ends such a pause.
        limit_state_call: Millis,
        /// Largest position of all accounts of one owner together; 0 is no limit.
        owner_position_max: Qty = Qty::ZERO; since 2,
    }
    /// Begins a call auction that uncrosses by itself. Admin to venue.
    414 StartAuction {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Where.
        instrument_id: InstrumentId,
        /// How long orders are collected.
        call: Millis,
    }
    /// Ends a closed instrument at this price. Admin to venue.
    415 SettleInstrument {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Where.
        instrument_id: InstrumentId,
        /// Price with 1,024 sub-units to a price unit.
        price: Mark,
    }
    /// An admin request is done or refused. Venue to client.
    420 AdminAck {
        /// The client's name for the request.
        request_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Template of the request.
        ref_template_id: u16,
        /// 0, or the broken rule.
        code: u16,
    }
    /// An index price. Oracle to venue.
    450 IndexPrice {
        /// Rises per source and instrument.
        source_seq: u64,
        /// Where.
        instrument_id: InstrumentId,
        /// Price with 1,024 sub-units to a price unit.
        price: Mark,
        /// Where it comes from.
        source_id: u16,
    }
    /// An index price was taken or refused. Venue to client.
    451 OracleAck {
        /// As sent.
        source_seq: u64,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Where.
        instrument_id: InstrumentId,
        /// Mark from now on.
        mark: MarkN,
        /// 0, or the broken rule.
        code: u16,
    }
}

rows! {
    /// A margin bracket.
    TierRow {
        /// Notional at which it begins.
        floor: Money,
        /// Marginal rate in parts per billion.
        rate: u32,
        /// 1 initial margin, 2 maintenance margin.
        table: u8,
    }
}
