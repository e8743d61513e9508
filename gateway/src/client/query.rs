//! Queries: questions about state, and their answers put together from rows.
//!
//! Invariant: an answer is complete, or says by its code that it is not.

use engine::{ClientOrderId, OrderId, OrderRef, Seq};
use risk::{AccountId, InstrumentId};

use crate::wire::private::{
    self, AccountPicture, AccountState, AssetBalance, AssetDef, BookLevels, DeleveragingRank, FromVenue,
    InstrumentDef, InstrumentRisk, InstrumentTerms, LiquidationMap, OpenDeleveraging, OpenOrder,
    PositionPicture, PositionRisk, PositionState, QueryEnd, RiskGroup, RiskSurvey, ShockRow, StepRow,
    StepVerdict, UnderlyingRisk,
};
use crate::wire::types::{IdN, Millis, Side, U32N};
use crate::wire::{Group, Prefix, frame};

/// A question. It changes nothing and may be asked again at will.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Query {
    /// An account's resting orders.
    OpenOrders {
        /// Whose.
        account: AccountId,
        /// `None` means every instrument.
        instrument: Option<InstrumentId>,
    },
    /// One resting order.
    Order {
        /// Whose.
        account: AccountId,
        /// Which.
        order: OrderRef,
    },
    /// Every instrument.
    Instruments,
    /// The best levels of a book.
    Book {
        /// Which.
        instrument: InstrumentId,
        /// Levels of each side.
        depth: u16,
    },
    /// An account and its positions.
    Account {
        /// Whose.
        account: AccountId,
    },
    /// Every asset.
    Assets,
    /// All terms of an instrument.
    Terms {
        /// Which.
        instrument: InstrumentId,
    },
    /// What an account would be after some steps.
    WhatIf {
        /// Whose.
        account: AccountId,
        /// The steps, in their order.
        steps: Vec<StepRow>,
    },
    /// What an account would be under each of some shocks.
    Stress {
        /// Whose.
        account: AccountId,
        /// The shocks.
        shocks: Vec<ShockRow>,
    },
    /// How an account answers to prices, and how far it is from liquidation.
    Sensitivity {
        /// Whose.
        account: AccountId,
        /// How far ahead is looked.
        horizon: Millis,
    },
    /// What is at risk in an instrument; an operator is also told of its holders.
    InstrumentRisk {
        /// Which.
        instrument: InstrumentId,
        /// Where the survey of its holders begins.
        from: AccountId,
        /// How far ahead is looked.
        horizon: Millis,
    },
    /// How soon a holder would be deleveraged.
    DeleveragingRank {
        /// Whose.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// The other holders are passed from here on.
        from: AccountId,
    },
    /// A risk group and what stands behind it.
    RiskGroup {
        /// Which.
        group: u8,
    },
    /// What would be liquidated as a mark moves away.
    LiquidationMap {
        /// Where.
        instrument: InstrumentId,
        /// Width of a step, in billionths of the mark.
        width_e9: u32,
        /// Steps of each side.
        steps: u16,
        /// Where the page begins.
        from: u64,
    },
    /// What is at risk in the whole venue.
    VenueRisk {
        /// Where the survey begins.
        from: AccountId,
    },
}

impl Query {
    /// Appends its frame.
    pub(super) fn append(self, query_id: u64, prefix: Prefix, out: &mut Vec<u8>) {
        match self {
            Self::OpenOrders { account: account_id, instrument } => {
                let instrument_id = U32N::from(instrument.map(InstrumentId::get));
                frame::append(prefix, &private::OpenOrdersQuery { query_id, account_id, instrument_id }, out);
            }
            Self::Order { account: account_id, order } => {
                let (order_id, cl_ord_id) = match order {
                    OrderRef::Id(id) => (Some(OrderId::get(id)), None),
                    OrderRef::Client(id) => (None, Some(ClientOrderId::get(id))),
                };
                let (order_id, cl_ord_id) = (IdN::from(order_id), IdN::from(cl_ord_id));
                let query = private::OrderStatusQuery { query_id, account_id, order_id, cl_ord_id };
                frame::append(prefix, &query, out);
            }
            Self::Instruments => frame::append(prefix, &private::InstrumentQuery { query_id }, out),
            Self::Book { instrument: instrument_id, depth } => {
                frame::append(prefix, &private::BookQuery { query_id, instrument_id, depth }, out);
            }
            Self::Account { account: account_id } => {
                frame::append(prefix, &private::RiskQuery { query_id, account_id }, out);
            }
            Self::Assets => frame::append(prefix, &private::AssetQuery { query_id }, out),
            Self::Terms { instrument: instrument_id } => {
                frame::append(prefix, &private::TermsQuery { query_id, instrument_id }, out);
            }
            Self::WhatIf { account: account_id, steps } => {
                let query = private::WhatIfQuery { query_id, account_id, steps: Group(steps) };
                frame::append(prefix, &query, out);
            }
            Self::Stress { account: account_id, shocks } => {
                let query = private::StressQuery { query_id, account_id, shocks: Group(shocks) };
                frame::append(prefix, &query, out);
            }
            Self::Sensitivity { account: account_id, horizon } => {
                frame::append(prefix, &private::SensitivityQuery { query_id, account_id, horizon }, out);
            }
            Self::InstrumentRisk { instrument: instrument_id, from: from_account, horizon } => {
                let query = private::InstrumentRiskQuery { query_id, instrument_id, from_account, horizon };
                frame::append(prefix, &query, out);
            }
            Self::DeleveragingRank { account: account_id, instrument: instrument_id, from: from_account } => {
                let query =
                    private::DeleveragingRankQuery { query_id, account_id, instrument_id, from_account };
                frame::append(prefix, &query, out);
            }
            Self::RiskGroup { group } => {
                frame::append(prefix, &private::RiskGroupQuery { query_id, group }, out);
            }
            Self::LiquidationMap { instrument: instrument_id, width_e9, steps, from } => {
                let query = private::LiquidationMapQuery { query_id, instrument_id, width_e9, steps, from };
                frame::append(prefix, &query, out);
            }
            Self::VenueRisk { from: from_account } => {
                frame::append(prefix, &private::VenueRiskQuery { query_id, from_account }, out);
            }
        }
    }
}

/// The answer to one query.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Answer {
    /// The answer is the state after this command.
    pub seq: Seq,
    /// 0, or why there is no answer, or not all of it.
    pub code: u16,
    /// Resting orders.
    pub open_orders: Vec<OpenOrder>,
    /// Instruments.
    pub instruments: Vec<InstrumentDef>,
    /// Bids of a book.
    pub bids: Option<BookLevels>,
    /// Offers of a book.
    pub offers: Option<BookLevels>,
    /// The account.
    pub account: Option<AccountState>,
    /// Its positions.
    pub positions: Vec<PositionState>,
    /// What it has in each asset.
    pub balances: Vec<AssetBalance>,
    /// Assets.
    pub assets: Vec<AssetDef>,
    /// All terms of an instrument.
    pub terms: Option<InstrumentTerms>,
    /// An account and its isolated positions, as they are, would be, or would be under a shock.
    pub pictures: Vec<AccountPicture>,
    /// Their positions.
    pub position_pictures: Vec<PositionPicture>,
    /// What came of each step.
    pub verdicts: Vec<StepVerdict>,
    /// What underlyings do to an account.
    pub underlyings: Vec<UnderlyingRisk>,
    /// How far its positions are from liquidation.
    pub distances: Vec<PositionRisk>,
    /// What is at risk in an instrument.
    pub instrument_risk: Option<InstrumentRisk>,
    /// What a stretch of the accounts risks together.
    pub survey: Option<RiskSurvey>,
    /// How soon a holder would be deleveraged.
    pub rank: Option<DeleveragingRank>,
    /// A risk group.
    pub risk_group: Option<RiskGroup>,
    /// Deleveragings that are not over.
    pub deleveragings: Vec<OpenDeleveraging>,
    /// What would be liquidated as a mark moves away.
    pub liquidation_map: Option<LiquidationMap>,
}

/// Puts the rows of one query together.
#[derive(Debug)]
pub struct Rows {
    query_id: u64,
    answer: Answer,
}

impl Rows {
    /// Nothing yet of the query with this number.
    #[must_use]
    pub fn new(query_id: u64) -> Self {
        Self { query_id, answer: Answer::default() }
    }

    /// Takes a message if it belongs to the query; whether the answer is complete.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other message is no row, those to come included"
    )]
    pub fn take(&mut self, message: &FromVenue) -> bool {
        let Self { query_id, answer } = self;
        match message {
            FromVenue::OpenOrder(row) if row.query_id == *query_id => answer.open_orders.push(row.clone()),
            FromVenue::InstrumentDef(row) if row.query_id == *query_id => {
                answer.instruments.push(row.clone());
            }
            FromVenue::BookLevels(row) if row.query_id == *query_id => match row.side.get() {
                Some(Side::Buy) => answer.bids = Some(row.clone()),
                Some(Side::Sell) => answer.offers = Some(row.clone()),
                None => {}
            },
            FromVenue::AccountState(row) if row.query_id == *query_id => answer.account = Some(row.clone()),
            FromVenue::PositionState(row) if row.query_id == *query_id => answer.positions.push(row.clone()),
            FromVenue::AssetBalance(row) if row.query_id == *query_id => answer.balances.push(row.clone()),
            FromVenue::AssetDef(row) if row.query_id == *query_id => answer.assets.push(row.clone()),
            FromVenue::InstrumentTerms(row) if row.query_id == *query_id => answer.terms = Some(row.clone()),
            FromVenue::AccountPicture(row) if row.query_id == *query_id => answer.pictures.push(row.clone()),
            FromVenue::PositionPicture(row) if row.query_id == *query_id => {
                answer.position_pictures.push(row.clone());
            }
            FromVenue::StepVerdict(row) if row.query_id == *query_id => answer.verdicts.push(row.clone()),
            FromVenue::UnderlyingRisk(row) if row.query_id == *query_id => {
                answer.underlyings.push(row.clone());
            }
            FromVenue::PositionRisk(row) if row.query_id == *query_id => answer.distances.push(row.clone()),
            FromVenue::InstrumentRisk(row) if row.query_id == *query_id => {
                answer.instrument_risk = Some(row.clone());
            }
            FromVenue::RiskSurvey(row) if row.query_id == *query_id => answer.survey = Some(row.clone()),
            FromVenue::DeleveragingRank(row) if row.query_id == *query_id => answer.rank = Some(row.clone()),
            FromVenue::RiskGroup(row) if row.query_id == *query_id => answer.risk_group = Some(row.clone()),
            FromVenue::OpenDeleveraging(row) if row.query_id == *query_id => {
                answer.deleveragings.push(row.clone());
            }
            FromVenue::LiquidationMap(row) if row.query_id == *query_id => {
                answer.liquidation_map = Some(row.clone());
            }
            FromVenue::QueryEnd(QueryEnd { query_id: ended, engine_seq, code, .. }) if ended == query_id => {
                answer.seq = *engine_seq;
                answer.code = *code;
                return true;
            }
            _ => {}
        }
        false
    }

    /// The answer, once [`Self::take`] said that it is complete.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        self.answer
    }
}
