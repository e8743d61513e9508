//! Questions of what would be and of how much is at risk, and the rows of their answers.
//!
//! Invariant: as for every question, nothing is numbered and nothing changes. Templates 330 to 349 are theirs.

use risk::{AccountId, InstrumentId, Mark, Money, Qty};

use crate::wire::message::{Group, messages, rows};
use crate::wire::types::{
    Code, DeleveragingPolicy, DeleveragingStage, I64N, IdN, MarginState, MarkN, Millis, MoneyN, OrdFlags,
    PictureOf, PriceN, ShockScope, Side, StepKind, Tif, TimeNsN, U16N, U32N,
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
    /// Asks how soon a holder would be deleveraged. Client to venue. The answer is a `DeleveragingRank`.
    335 DeleveragingRankQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// The other holders are passed from here on; 0 is all.
        from_account: AccountId,
    }
    /// Asks for the terms of a risk group and what stands behind it. Client to venue. The answer is a `RiskGroup`, and an
    /// `OpenDeleveraging` for each that is not over.
    336 RiskGroupQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Which.
        group: u8,
    }
    /// Asks what would be liquidated in an instrument as its mark moves away, the marks of others standing still. Client to
    /// venue. The answer is a `LiquidationMap`.
    337 LiquidationMapQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Which.
        instrument_id: InstrumentId,
        /// Width of a step, in billionths of the mark; above 0.
        width_e9: u32,
        /// Steps of each side, from 1 to 32.
        steps: u16,
        /// Where the page begins: what the page before said; 0 is the first.
        from: u64,
    }
    /// What would be liquidated as the mark moves away: a row of an answer. Venue to client. Each position counts where its
    /// account comes to maintenance margin if this mark alone moves. What several pages say of a step is added up; the depth
    /// is on the first alone.
    339 LiquidationMap {
        /// The client's number of the query.
        query_id: u64,
        /// Which.
        instrument_id: InstrumentId,
        /// The mark that the steps are counted from.
        mark: MarkN,
        /// The next page begins here; none when all have been passed.
        next: IdN,
    } [
        /// The steps: longs from the mark down, then shorts from it up.
        steps: Group<MapStep>
    ]
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
    /// How soon a holder would be deleveraged: a row of an answer. Venue to client. What several pages say of other holders is
    /// added up.
    347 DeleveragingRank {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Lots it holds.
        held_lots: i64,
        /// Of these, lots that no other position of its underlying hedges.
        open_lots: i64,
        /// Equity, rounded down.
        equity: Money,
        /// Value of the open lots over equity, in billionths, rounded up. Where the policy is `Water`, it is cut when the
        /// level of a deleveraging falls below this.
        level_e9: I64N,
        /// By which rule its side would be cut.
        policy: Code<DeleveragingPolicy>,
        /// Holders of the same side who come before it.
        ahead: u32,
        /// Holders of the same side, itself counted in.
        holders: u32,
        /// The next query goes on from here; none when all have been passed.
        next_account: U32N,
    }
    /// A risk group and what stands behind it: a row of an answer. Venue to client.
    348 RiskGroup {
        /// The client's number of the query.
        query_id: u64,
        /// Which.
        group: u8,
        /// The insurance fund.
        fund_account_id: AccountId,
        /// Most the fund gives for one account in one liquidation, in the unit of account.
        fund_account_max: Money,
        /// Part of the highest balance in the window that may be given within it, in parts per billion.
        fund_share: u32,
        /// Length of the window, in nanoseconds.
        fund_window_ns: u64,
        /// How far beyond the mark a fill may be that the fund adds to, in parts per billion of the value.
        fund_spread: u32,
        /// The account that takes over at the mark what the book does not take; none where there is none.
        backstop_account_id: U32N,
        /// Most initial margin that the backstop account may come to need by a takeover.
        backstop_margin_max: Money,
        /// Equity over maintenance margin below which the book is given up, in parts per billion.
        backstop_at: u32,
        /// Equity over maintenance margin that steps restore, in parts per billion.
        target: u32,
        /// Distress of an account with no equity, in parts per billion.
        adjust: u32,
        /// What each step adds to distress, in parts per billion.
        urgency: u32,
        /// Part of a position's maintenance margin that is given up at full distress, in parts per billion.
        spread: u32,
        /// Part of the resting depth that one step may take, in parts per billion.
        step_share: u32,
        /// Notional that a step may take whatever rests, in the unit of account.
        step_min: Money,
        /// Steps after which the book is given up.
        steps_max: u16,
        /// How the holders of the other side share what nobody takes.
        policy: Code<DeleveragingPolicy>,
        /// How long the deleveraging worker has for its plan, in milliseconds.
        plan_within_ms: u32,
        /// Balance of the fund in the unit of account.
        fund_balance: Money,
        /// What the fund may give now for an account that it has given nothing.
        fund_allowance: Money,
        /// The highest balance in the window.
        fund_peak: Money,
        /// Equity of the backstop account, rounded down; an operator's to know.
        backstop_equity: MoneyN,
        /// Its initial margin, open orders counted in, rounded up; an operator's to know.
        backstop_initial_margin: MoneyN,
        /// How many groups there are.
        groups: u8,
        /// Liquidations that go on, whatever they wait for.
        liquidating: u32,
    }
    /// A deleveraging that is not over: a row of an answer. Venue to client. Money of the asset its instrument settles in.
    349 OpenDeleveraging {
        /// The client's number of the query.
        query_id: u64,
        /// Number of the deleveraging.
        request: u64,
        /// Where.
        instrument_id: InstrumentId,
        /// What is offered; positive is a long, and shorts give up.
        position_qty: i64,
        /// What all of it costs the holders.
        amount: Money,
        /// What of it was given up so far.
        given_up_qty: i64,
        /// When the venue plans by itself; none where nothing is asked.
        plan_by: TimeNsN,
        /// Calls so far.
        round: u8,
        /// How far it is.
        stage: Code<DeleveragingStage>,
    }
}

rows! {
    /// What lies between the mark and a mark farther away, beyond the steps before.
    MapStep {
        /// The far end.
        to: Mark,
        /// Positions that would be liquidated, as a quantity.
        qty: Qty,
        /// How many they are.
        positions: u32,
        /// Quantity resting in the book that would take them.
        depth: Qty,
        /// Whether they are longs (1) or shorts (2).
        side: Code<Side>,
    }
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
