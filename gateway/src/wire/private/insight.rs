//! Questions of what would be and of how much is at risk, and the rows of their answers.
//!
//! Invariant: as for every question, nothing is numbered and nothing changes. Templates 330 to 349 are theirs.

use risk::{AccountId, InstrumentId, Money, Qty};

use crate::wire::message::{Group, messages, rows};
use crate::wire::types::{
    Code, I64N, MarginState, MarkN, Millis, MoneyN, OrdFlags, PictureOf, PriceN, ShockScope, Side, StepKind,
    Tif, U16N, U32N,
};

messages! {
    /// Asks what an account would be after these steps, one after another. Client to venue. The answer is the account as it
    /// is and as it would be, with its isolated positions, and a `StepVerdict` for each step.
    330 WhatIfQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
    } [
        /// The steps, at most 32.
        steps: Group<StepRow>
    ]
    /// Asks what an account would be under each of these shocks, one at a time. Client to venue. The answer is an
    /// `AccountPicture` for each.
    331 StressQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
    } [
        /// The shocks, at most 64.
        shocks: Group<ShockRow>
    ]
    /// Asks how an account answers to prices and how far it is from liquidation. Client to venue. The answer is an
    /// `UnderlyingRisk` for each underlying and a `PositionRisk` for each position, isolated ones too.
    332 SensitivityQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// How far ahead is looked.
        horizon: Millis,
    }
    /// Asks what is at risk in an instrument. Client to venue. The answer is an `InstrumentRisk`, for an operator also a
    /// `RiskSurvey` of its holders.
    333 InstrumentRiskQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Which.
        instrument_id: InstrumentId,
        /// The survey passes accounts from here on; 0 is all.
        from_account: AccountId,
        /// How far ahead is looked.
        horizon: Millis,
    }
    /// Asks what is at risk in the whole venue. Operator to venue. The answer is a `RiskSurvey`.
    334 VenueRiskQuery {
        /// The client's number of the query.
        query_id: u64,
        /// The survey passes accounts from here on; 0 is all.
        from_account: AccountId,
    }
    /// An account or isolated position: a row of an answer. Venue to client. Money of the unit of account.
    340 AccountPicture {
        /// The client's number of the query.
        query_id: u64,
        /// Which.
        account_id: AccountId,
        /// Cash in the unit of account.
        balance: Money,
        /// Worth at marks, collateral by its weights.
        equity: Money,
        /// What of it counts for initial margin.
        initial_equity: Money,
        /// Required for positions and open orders, rounded up.
        initial_margin: Money,
        /// Below it the account is liquidated; rounded up.
        maintenance_margin: Money,
        /// Gross notional of the positions.
        exposure: Money,
        /// Initial equity left for new initial margin, rounded down.
        available: Money,
        /// What may be withdrawn.
        withdrawable: Money,
        /// Exposure over equity, in billionths, rounded up; none when equity is not positive.
        leverage_e9: I64N,
        /// Maintenance margin over equity, in billionths, rounded up; none when equity is not positive.
        margin_ratio_e9: I64N,
        /// Of what: before, after, or under a shock.
        of: Code<PictureOf>,
        /// Which shock, counted from 0; 0 without one.
        place: u16,
        /// What its margin is like.
        level: Code<MarginState>,
    }
    /// A position: a row of an answer. Venue to client. Money of the asset it settles in.
    341 PositionPicture {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Position; short is negative.
        qty: i64,
        /// The sum of its signed fill values.
        cost: Money,
        /// Mark price.
        mark: MarkN,
        /// Size at mark, rounded up.
        notional: Money,
        /// Unrealised profit and loss, rounded down.
        unrealized_pnl: Money,
        /// Of this position, rounded up.
        maintenance_margin: Money,
        /// Mark at which the account is liquidated, if only this mark moves.
        liquidation_mark: MarkN,
        /// Price at which closing it now would use up its share of the equity.
        bankruptcy_px: PriceN,
        /// Open buy quantity, orders that only reduce left out.
        buy_qty: Qty,
        /// Open sell quantity, likewise.
        sell_qty: Qty,
        /// Its notional over the account's equity, in billionths, rounded up; none when equity is not positive.
        leverage_e9: I64N,
        /// Its maintenance margin over the account's equity, in billionths, rounded up; none when equity is not positive.
        margin_ratio_e9: I64N,
        /// Of what: before or after.
        of: Code<PictureOf>,
    }
    /// What came of a step: a row of an answer. Venue to client. A step that was denied changed nothing.
    342 StepVerdict {
        /// The client's number of the query.
        query_id: u64,
        /// Which step, counted from 0.
        place: u16,
        /// 0, or the code with which an order would be refused, or why the step makes no sense.
        code: u16,
        /// Initial margin that is missing.
        short: MoneyN,
    }
    /// What one underlying does to an account: a row of an answer. Venue to client. Money of the unit of account.
    343 UnderlyingRisk {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// The account's first instrument of it.
        instrument_id: InstrumentId,
        /// What equity gains from 1 %: half of what it differs by between 1 % more and 1 % less, rounded down.
        delta: Money,
        /// The same per whole unit of the quote currency.
        unit_delta: Money,
        /// How much `delta` grows with another 1 %.
        gamma: Money,
        /// Standard deviation over the horizon, in billionths of the price, rounded up.
        sigma_e9: u64,
        /// The fall of all its prices together that liquidates, in billionths, negative; none where none does.
        fall_e9: I64N,
        /// The same in billionths of a standard deviation, rounded down.
        fall_sigmas_e9: I64N,
        /// How likely it is touched within the horizon, in billionths, rounded up.
        fall_probability_e9: U32N,
        /// The rise that liquidates, likewise.
        rise_e9: I64N,
        /// The same in billionths of a standard deviation, rounded down.
        rise_sigmas_e9: I64N,
        /// How likely it is touched within the horizon, in billionths, rounded up.
        rise_probability_e9: U32N,
        /// The underlying.
        underlying: u16,
    }
    /// How far a position is from the liquidation of its account: a row of an answer. Venue to client.
    344 PositionRisk {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Position; short is negative.
        qty: i64,
        /// Mark price.
        mark: MarkN,
        /// Mark at which the account is liquidated, if only this mark moves.
        liquidation_mark: MarkN,
        /// The move there, in billionths of the mark, rounded toward zero.
        distance_e9: I64N,
        /// Standard deviation over the horizon, in billionths of the mark, rounded up.
        sigma_e9: u64,
        /// The move there in billionths of a standard deviation, rounded down.
        sigmas_e9: I64N,
        /// How likely it is touched within the horizon, in billionths, rounded up.
        probability_e9: U32N,
    }
    /// What is at risk in an instrument: a row of an answer. Venue to client. Money of the asset it settles in.
    345 InstrumentRisk {
        /// The client's number of the query.
        query_id: u64,
        /// Which.
        instrument_id: InstrumentId,
        /// Mark price.
        mark: MarkN,
        /// Open interest.
        open_interest: Qty,
        /// The same at the mark, rounded up.
        open_notional: Money,
        /// Standard deviation over the horizon by the last minutes, in billionths of the price.
        fast_sigma_e9: u64,
        /// The same by the last days.
        slow_sigma_e9: u64,
    }
    /// What a stretch of the accounts risks together: a row of an answer. Venue to operator. Sums beyond 64 bits are cut off.
    346 RiskSurvey {
        /// The client's number of the query.
        query_id: u64,
        /// The instrument whose holders are counted; none counts all accounts with exposure.
        instrument_id: U32N,
        /// The next query goes on from here; none when all have been passed.
        next_account: U32N,
        /// How many they are.
        accounts: u32,
        /// Of these, healthy.
        healthy: u32,
        /// Of these, warned.
        warned: u32,
        /// Of these, in liquidation or about to be.
        liquidating: u32,
        /// Sum of their exposure, or of what they hold in the instrument.
        exposure: Money,
        /// Sum of their equity.
        equity: Money,
        /// Sum of their maintenance margin.
        maintenance_margin: Money,
        /// Exposure over equity, in billionths, rounded up; none when equity is not positive.
        leverage_e9: I64N,
        /// The highest leverage ratio of an account, in billionths, rounded up.
        highest_leverage_e9: I64N,
        /// Whose it is.
        highest_account: U32N,
    } [
        /// Accounts by leverage ratio.
        buckets: Group<LeverageBucket>
    ]
}

rows! {
    /// Something that is assumed.
    StepRow {
        /// What: prices are others, the account has traded, or it has placed an order.
        kind: Code<StepKind>,
        /// Whose prices; any value without a shock.
        scope: Code<ShockScope>,
        /// Where; none with another scope.
        instrument_id: U32N,
        /// Of which underlying; none with another scope.
        underlying: U16N,
        /// Prices move by this part of themselves, in billionths; none where they move to `mark`.
        rate_e9: I64N,
        /// Index, mark and stable price become this.
        mark: MarkN,
        /// Side of a fill or an order; any value without one.
        side: Code<Side>,
        /// Price of a fill, limit of an order; none of a market order.
        price: PriceN,
        /// Quantity of a fill or an order.
        qty: Qty,
        /// Life time of an order: `GTC`, `IOC` or `FOK`; any value without one.
        tif: Code<Tif>,
        /// 1 where the order must not take.
        post_only: u8,
        /// Bits of an order: only `REDUCE_ONLY` counts.
        flags: OrdFlags,
    }
    /// A shock.
    ShockRow {
        /// Whose prices.
        scope: Code<ShockScope>,
        /// Where; none with another scope.
        instrument_id: U32N,
        /// Of which underlying; none with another scope.
        underlying: U16N,
        /// They move by this part of themselves, in billionths.
        rate_e9: i64,
    }
    /// Accounts whose leverage ratio is above the bound before and not above this one.
    LeverageBucket {
        /// The bound; none of accounts whose equity is not positive, the largest number of those above every bound.
        bound: U32N,
        /// How many.
        accounts: u32,
    }
}
