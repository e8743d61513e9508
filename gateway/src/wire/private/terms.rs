//! Terms of instruments and assets: what the operator sets, and the rows that tell them.
//!
//! Invariant: a row tells everything that its request set.

use engine::ClientOrderId;
use risk::{AccountId, AssetId, InstrumentId, Money, UnderlyingId};

use super::operator::TierRow;
use crate::wire::message::{Group, messages, rows};
use crate::wire::types::{Chars16, Code, ContractKind, I64N, MarkN, Millis, OracleState, TimeNsN, U32N};

messages! {
    /// Asks for every asset. Client to venue.
    124 AssetQuery {
        /// The client's number of the query.
        query_id: u64,
    }
    /// Asks for all terms of an instrument. Client to venue.
    125 TermsQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Which.
        instrument_id: InstrumentId,
    }
    /// An asset: a row of an answer. Venue to client.
    232 AssetDef {
        /// The client's number of the query.
        query_id: u64,
        /// Which; 0 is the unit of account.
        asset_id: AssetId,
        /// The instrument whose index is the price of one whole unit; none of the unit of account.
        priced_by: U32N,
        /// That index.
        index: MarkN,
        /// What a debt counts for, in parts per billion.
        liability_weight: u32,
        /// Part of the value that does not count against longs of the same underlying, in parts per billion.
        wrong_way: u32,
        /// Above this value of all balances together, weights for initial margin shrink; 0 is never.
        full_weight_total: Money,
        /// Largest sum of deposits less withdrawals.
        deposit_max: Money,
        /// Deposits less withdrawals.
        deposits: Money,
        /// What a conversion takes off, in parts per billion.
        conversion_haircut: u32,
        /// A debt above this is paid at once out of other assets.
        debt_max: Money,
        /// Interest on debts a year of 365 days, in parts per billion.
        debt_interest: u32,
        /// Decimals of the smallest unit.
        decimals: u8,
        /// Assets are spent in ascending rank.
        spend_rank: u8,
        /// Name.
        symbol: Chars16,
    } [
        /// What part counts of each slice of the value.
        weights: Group<WeightRow>
    ]
    /// All terms of an instrument, and the prices behind its mark: a row of an answer. Venue to client.
    233 InstrumentTerms {
        /// The client's number of the query.
        query_id: u64,
        /// Where.
        instrument_id: InstrumentId,
        /// Quote currency per contract and price unit.
        multiplier: u32,
        /// Largest move of the mark per index price, in parts per billion.
        mark_step_max: u32,
        /// Parts per billion.
        liquidation_fee: u32,
        /// How price and quantity make a value.
        contract_kind: Code<ContractKind>,
        /// The asset profits, fees and requirements are counted in.
        settlement_asset: AssetId,
        /// Instruments of one underlying hedge each other.
        underlying: UnderlyingId,
        /// When a dated future ends.
        expiry: TimeNsN,
        /// Time before the end over which the settlement price is averaged, in nanoseconds.
        averaging_ns: u64,
        /// Open interest from which the initial rate rises; 0 with `oi_upper` 0 is never.
        oi_lower: Money,
        /// Open interest at which the initial rate is 100 %.
        oi_upper: Money,
        /// Depth of the book; 0 switches the concentration add-on off.
        depth: Money,
        /// Notional free of the add-on, in billionths of the depth.
        concentration_free: u64,
        /// Rate per depth beyond that, in parts per billion.
        concentration_slope: u32,
        /// What part of unrealised profit counts for initial margin, in parts per billion.
        profit_weight: u32,
        /// Sources that must be live; 0 takes each index price as it comes.
        sources_min: u8,
        /// A source's price is stale after this time, in nanoseconds; 0 is never.
        stale_ns: u64,
        /// A source further from the median is left out, in parts per billion; 0 is none.
        outlier: u32,
        /// Sources that disagree by more make the index uncertain, in parts per billion; 0 is never.
        uncertain: u32,
        /// An index further from its slow average is wild, in parts per billion; 0 is never.
        wild: u32,
        /// Ticks of the index inside the limit that end a wild state.
        confirmations: u8,
        /// Band around the index for what makes the mark, in parts per billion; 0 leaves the mark to the index.
        component_band: u32,
        /// Time constant of the average of book less index, in nanoseconds.
        basis_tau_ns: u64,
        /// The stable price moves at most so much a second, in parts per billion; 0 is no stable price.
        stable_step: u32,
        /// While the index is stale the mark moves at most so much a minute, in parts per billion.
        frozen_step: u32,
        /// Time between payments of funding, in nanoseconds; 0 is no funding.
        interval_ns: u64,
        /// Time the rate is quoted for, in nanoseconds.
        rate_period_ns: u64,
        /// Notional that the impact prices are taken for.
        impact_notional: Money,
        /// Interest part of the rate, a period, in parts per billion.
        interest: u32,
        /// It pulls the premium by at most this, in parts per billion.
        interest_clamp: u32,
        /// Bound of the rate, a period, in parts per billion.
        rate_max: u32,
        /// Slow price for initial margin.
        stable: MarkN,
        /// Rate of the last funding interval, in parts per billion a period; positive where longs pay. None without funding.
        funding_rate: I64N,
        /// How far the index may be trusted.
        oracle_state: Code<OracleState>,
    } [
        /// Margin brackets.
        tiers: Group<TierRow>
    ]
    /// A balance in one asset: a row of an answer. Venue to client.
    234 AssetBalance {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// In what; 0 is the unit of account.
        asset_id: AssetId,
        /// In its smallest unit; negative where it is owed.
        balance: Money,
        /// What the balance alone counts for, in the unit of account.
        collateral: Money,
        /// What may be withdrawn of it.
        withdrawable: Money,
        /// Decimals of the smallest unit.
        decimals: u8,
    }
    /// Defines the next collateral asset. Admin to venue.
    416 AssetDefine {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// The next free number, from 1 on.
        asset_id: AssetId,
        /// The instrument whose index is the price of one whole unit.
        priced_by: InstrumentId,
        /// What a debt counts for, in parts per billion; at least 100 %.
        liability_weight: u32,
        /// Part of the value that does not count against longs of the same underlying, in parts per billion.
        wrong_way: u32,
        /// Above this value of all balances together, weights for initial margin shrink; 0 is never.
        full_weight_total: Money,
        /// Largest sum of deposits less withdrawals.
        deposit_max: Money,
        /// What a conversion takes off, in parts per billion.
        conversion_haircut: u32,
        /// A debt above this is paid at once out of other assets.
        debt_max: Money,
        /// Interest on debts a year of 365 days, in parts per billion.
        debt_interest: u32,
        /// Decimals of the smallest unit.
        decimals: u8,
        /// Assets are spent in ascending rank, among equals by number.
        spend_rank: u8,
        /// Name.
        symbol: Chars16,
    } [
        /// What part counts of each slice of the value.
        weights: Group<WeightRow>
    ]
    /// Sets the terms of debts in an asset. Admin to venue.
    417 SetDebtTerms {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Which; 0 is the unit of account.
        asset_id: AssetId,
        /// A debt above this is paid at once out of other assets.
        debt_max: Money,
        /// Interest on debts a year of 365 days, in parts per billion.
        debt_interest: u32,
    }
    /// Defines, or defines anew, a tier of fees: what its accounts pay of the fees of instruments. Admin to venue.
    430 FeeTierDefine {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Which, from 1; 0 is the instrument's own fees.
        tier: u8,
        /// Share of the taker fee, in parts per billion.
        taker: u32,
        /// Share of a maker fee that is charged, in parts per billion.
        maker: u32,
        /// Share of a rebate, in parts per billion.
        rebate: u32,
    }
    /// Gives an account a tier of fees. Admin to venue.
    431 SetFeeTier {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Which; 0 is the instrument's own fees.
        tier: u8,
    }
    /// Schedules a change of an instrument's margin, in place of one that is scheduled. Admin to venue.
    432 ScheduleMargin {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Where.
        instrument_id: InstrumentId,
        /// From the first tick at or past this time; none is at once.
        effective: TimeNsN,
        /// In so many steps maintenance margin goes there; 1 is at once.
        steps: u16,
        /// Time from one step to the next; 0 with one step.
        step: Millis,
        /// Open interest from which the initial rate rises; 0 with `oi_upper` 0 is never.
        oi_lower: Money,
        /// Open interest at which the initial rate is 100 %.
        oi_upper: Money,
        /// Depth of the book; 0 switches the concentration add-on off.
        depth: Money,
        /// Notional free of the add-on, in billionths of the depth.
        concentration_free: u64,
        /// Rate per depth beyond that, in parts per billion.
        concentration_slope: u32,
        /// What part of unrealised profit counts for initial margin, in parts per billion.
        profit_weight: u32,
    } [
        /// What is asked for in the end.
        tiers: Group<TierRow>
    ]
    /// Takes back what is scheduled of an instrument's margin; steps that were taken stay. Admin to venue.
    433 CancelMargin {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Where.
        instrument_id: InstrumentId,
    }
    /// Sets what a source counts in the index of an instrument. Admin to venue.
    418 SetIndexSource {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Where.
        instrument_id: InstrumentId,
        /// Which source.
        source_id: u16,
        /// Against the weights of the others; 0 is not at all.
        weight: u16,
    }
}

rows! {
    /// A slice of the value of a balance.
    WeightRow {
        /// The slice ends at this value.
        cap: Money,
        /// Part of the slice that counts, in parts per billion.
        weight: u32,
    }
}
