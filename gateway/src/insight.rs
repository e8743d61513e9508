//! Questions of what would be and of how much is at risk: read from their messages, answered from the venue.
//!
//! Invariant: every figure is one that `risk` or `engine` found; here it only gets its place in a row. A question is bounded
//! before it is asked: steps, shocks and the accounts of a survey by the engine's limits.

use engine::limits::{STEPS_MAX, STRESSES_MAX};
use engine::{
    LEVERAGE_BOUNDS, MarginState, Move, NewOrder, Picture, Reject, Scope, Step, Survey, TimeInForce, Venue,
};
use risk::{
    AccountId, Distance, Figures, Horizon, InstrumentId, LegDistance, LegFigures, Money, Rate, Requirement,
    Sensitivity, UnderlyingId,
};

use crate::door::translate::collateral::margin_state;
use crate::query::backing;
use crate::wire::Group;
use crate::wire::codes::ErrorCode;
use crate::wire::message::{Message, Refusal};
use crate::wire::private::{
    self, AccountPicture, DeleveragingRank, FromClient, InstrumentRisk, LeverageBucket, LiquidationMap,
    OpenDeleveraging, PositionPicture, PositionRisk, RiskGroup, RiskSurvey, ShockRow, StepRow, StepVerdict,
    UnderlyingRisk,
};
use crate::wire::types::{
    Code, I64N, Millis, MoneyN, OrdFlags, PictureOf, ShockScope, Side, StepKind, Tif, U16N, U32N,
};

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Inquiry {
    /// What an account would be.
    WhatIf {
        /// Whose.
        account: AccountId,
        /// What is assumed.
        steps: Vec<Step>,
    },
    /// What an account would be under each shock.
    Stress {
        /// Whose.
        account: AccountId,
        /// Whose prices, and by how much in billionths.
        shocks: Vec<(Scope, i64)>,
    },
    /// How an account answers to prices.
    Sensitivity {
        /// Whose.
        account: AccountId,
        /// How far ahead.
        horizon: Millis,
    },
    /// What is at risk in an instrument.
    Instrument {
        /// Which.
        instrument: InstrumentId,
        /// Where a survey of its holders begins; `None` without one.
        from: Option<AccountId>,
        /// How far ahead.
        horizon: Millis,
    },
    /// How soon a holder would be deleveraged.
    Rank {
        /// Whose.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// The other holders are passed from here on.
        from: AccountId,
    },
    /// A risk group and what stands behind it.
    Group {
        /// Which.
        group: u8,
        /// Whether an operator asks.
        is_operator: bool,
    },
    /// What would be liquidated as a mark moves away.
    Map {
        /// Where.
        instrument: InstrumentId,
        /// Width of a step, as a part of the mark.
        width: Rate,
        /// Steps of each side.
        steps: u16,
        /// Where the page begins.
        from: u64,
    },
    /// What is at risk in the venue.
    Venue {
        /// Where the survey begins.
        from: AccountId,
    },
}

/// A row of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// An account.
    Account(AccountPicture),
    /// A position.
    Position(PositionPicture),
    /// What came of a step.
    Verdict(StepVerdict),
    /// An underlying.
    Underlying(UnderlyingRisk),
    /// A distance.
    Distance(PositionRisk),
    /// An instrument.
    Instrument(InstrumentRisk),
    /// A survey.
    Survey(RiskSurvey),
    /// A rank.
    Rank(DeleveragingRank),
    /// A risk group.
    Group(Box<RiskGroup>),
    /// A deleveraging that is not over.
    Deleveraging(OpenDeleveraging),
    /// A map.
    Map(LiquidationMap),
}

macro_rules! at {
    ($message:ident, $field:literal, $code:ident) => {
        Refusal { code: ErrorCode::$code, field: Some(const { private::$message::LAYOUT.number_of($field) }) }
    };
}

/// What a message asks, with its number; nothing where this session may not ask it. `about` says whose account may be
/// asked about.
///
/// # Errors
/// [`Refusal`]: what it says makes no sense, or it is none of these questions.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other message is none of these questions")]
pub(crate) fn read(
    message: &FromClient,
    about: impl Fn(AccountId) -> Option<AccountId>,
    is_operator: bool,
) -> Result<(u64, Option<Inquiry>), Refusal> {
    Ok(match message {
        FromClient::WhatIfQuery(query) => {
            let inquiry = about(query.account_id).map(|account| what_if(account, query));
            (query.query_id, inquiry.transpose()?)
        }
        FromClient::StressQuery(query) => {
            let inquiry = about(query.account_id).map(|account| stress(account, query));
            (query.query_id, inquiry.transpose()?)
        }
        FromClient::SensitivityQuery(query) => {
            let sensitivity = |account| Inquiry::Sensitivity { account, horizon: query.horizon };
            (query.query_id, about(query.account_id).map(sensitivity))
        }
        FromClient::InstrumentRiskQuery(query) => {
            // Who holds most of what is the operator's to know.
            let from = is_operator.then_some(query.from_account);
            let (instrument, horizon) = (query.instrument_id, query.horizon);
            (query.query_id, Some(Inquiry::Instrument { instrument, from, horizon }))
        }
        FromClient::VenueRiskQuery(query) => {
            (query.query_id, is_operator.then_some(Inquiry::Venue { from: query.from_account }))
        }
        FromClient::DeleveragingRankQuery(query) => {
            let (instrument, from) = (query.instrument_id, query.from_account);
            let rank = |account| Inquiry::Rank { account, instrument, from };
            (query.query_id, about(query.account_id).map(rank))
        }
        FromClient::RiskGroupQuery(query) => {
            (query.query_id, Some(Inquiry::Group { group: query.group, is_operator }))
        }
        FromClient::LiquidationMapQuery(query) => {
            let (instrument, width) = (query.instrument_id, Rate::new(query.width_e9));
            let (steps, from) = (query.steps, query.from);
            (query.query_id, Some(Inquiry::Map { instrument, width, steps, from }))
        }
        _ => return Err(ErrorCode::UnknownTemplate.into()),
    })
}

/// The steps of a question.
///
/// # Errors
/// [`Refusal`] of the group.
fn what_if(account: AccountId, query: &private::WhatIfQuery) -> Result<Inquiry, Refusal> {
    let refused = at!(WhatIfQuery, "steps", BadGroup);
    let rows = &query.steps.0;
    let steps = rows.iter().map(step).collect::<Option<Vec<_>>>().filter(|_| rows.len() <= STEPS_MAX);
    Ok(Inquiry::WhatIf { account, steps: steps.ok_or(refused)? })
}

/// The shocks of a question.
///
/// # Errors
/// [`Refusal`] of the group.
fn stress(account: AccountId, query: &private::StressQuery) -> Result<Inquiry, Refusal> {
    let refused = at!(StressQuery, "shocks", BadGroup);
    let rows = &query.shocks.0;
    let shock = |row: &ShockRow| Some((scope(row.scope, row.instrument_id, row.underlying)?, row.rate_e9));
    let shocks = rows.iter().map(shock).collect::<Option<Vec<_>>>().filter(|_| rows.len() <= STRESSES_MAX);
    Ok(Inquiry::Stress { account, shocks: shocks.ok_or(refused)? })
}

fn scope(scope: Code<ShockScope>, instrument: U32N, underlying: U16N) -> Option<Scope> {
    Some(match scope.get()? {
        ShockScope::All => Scope::All,
        ShockScope::Underlying => Scope::Underlying(UnderlyingId::new(underlying.get()?)),
        ShockScope::Instrument => Scope::Instrument(InstrumentId::new(instrument.get()?)),
    })
}

fn step(row: &StepRow) -> Option<Step> {
    Some(match row.kind.get()? {
        StepKind::Shock => {
            let to = match (row.rate_e9.get(), row.mark.get()) {
                (Some(rate), None) => Move::By(rate),
                (None, Some(mark)) => Move::To(mark),
                (Some(_), Some(_)) | (None, None) => return None,
            };
            Step::Shock { scope: scope(row.scope, row.instrument_id, row.underlying)?, to }
        }
        StepKind::Fill => Step::Fill {
            instrument: InstrumentId::new(row.instrument_id.get()?),
            side: side(row.side)?,
            price: row.price.get()?,
            qty: row.qty,
        },
        StepKind::Order => Step::Order(NewOrder {
            account: AccountId::default(),
            instrument: InstrumentId::new(row.instrument_id.get()?),
            side: side(row.side)?,
            qty: row.qty,
            limit: row.price.get(),
            time_in_force: match row.tif.get()? {
                Tif::GTC => TimeInForce::GoodTillCancel,
                Tif::IOC => TimeInForce::ImmediateOrCancel,
                Tif::FOK => TimeInForce::FillOrKill,
                Tif::GTD | Tif::Day => return None,
            },
            post_only: match row.post_only {
                0 => false,
                1 => true,
                _ => return None,
            },
            reduce_only: row.flags.0 & OrdFlags::REDUCE_ONLY != 0,
            persistent: false,
        }),
    })
}

fn side(side: Code<Side>) -> Option<risk::Side> {
    Some(match side.get()? {
        Side::Buy => risk::Side::Buy,
        Side::Sell => risk::Side::Sell,
    })
}

/// Answers a question from the state as it is.
///
/// # Errors
/// [`Reject`]: no such account or instrument.
pub(crate) fn answer(venue: &Venue, query_id: u64, inquiry: &Inquiry) -> Result<Vec<Finding>, Reject> {
    match inquiry {
        Inquiry::WhatIf { account, steps } => what_if_rows(venue, query_id, *account, steps),
        Inquiry::Stress { account, shocks } => {
            let found = venue.stress(*account, &[], shocks)?;
            let rows = (0..).zip(found).map(|(place, (figures, state))| {
                account_row(query_id, *account, &figures, state, (PictureOf::Shock, place))
            });
            Ok(rows.map(Finding::Account).collect())
        }
        Inquiry::Sensitivity { account, horizon } => sensitivity_rows(venue, query_id, *account, *horizon),
        Inquiry::Instrument { instrument, from, horizon } => {
            let row = instrument_row(venue, query_id, *instrument, *horizon)?;
            let survey = from.map(|from| (Some(*instrument), venue.survey(Some(*instrument), from)));
            let survey = survey.map(|(of, survey)| Finding::Survey(survey_row(query_id, of, &survey)));
            Ok(core::iter::once(Finding::Instrument(row)).chain(survey).collect())
        }
        Inquiry::Rank { account, instrument, from } => {
            backing::rank_rows(venue, query_id, (*account, *instrument), *from)
        }
        Inquiry::Group { group, is_operator } => backing::group_rows(venue, query_id, *group, *is_operator),
        Inquiry::Map { instrument, width, steps, from } => {
            backing::map_rows(venue, query_id, *instrument, (*width, *steps), *from)
        }
        Inquiry::Venue { from } => {
            Ok(vec![Finding::Survey(survey_row(query_id, None, &venue.survey(None, *from)))])
        }
    }
}

fn what_if_rows(
    venue: &Venue,
    query_id: u64,
    account: AccountId,
    steps: &[Step],
) -> Result<Vec<Finding>, Reject> {
    let answer = venue.what_if(account, steps)?;
    let mut rows = Vec::new();
    for (of, pictures) in [(PictureOf::Before, &answer.before), (PictureOf::After, &answer.after)] {
        for picture in pictures {
            let Picture { account, figures, state, legs } = picture;
            rows.push(Finding::Account(account_row(query_id, *account, figures, *state, (of, 0))));
            let equity = figures.assessment.equity;
            rows.extend(
                legs.iter().map(|leg| Finding::Position(leg_row(query_id, *account, equity, leg, of))),
            );
        }
    }
    rows.extend((0..).zip(&answer.verdicts).map(|(place, verdict)| {
        let (code, short) = match verdict {
            Ok(()) => (0, None),
            Err(denial) => (denial.reject.code(), Some(denial.short).filter(|short| *short != Money::ZERO)),
        };
        Finding::Verdict(StepVerdict { query_id, place, code, short: MoneyN::from(short) })
    }));
    Ok(rows)
}

fn account_row(
    query_id: u64,
    account_id: AccountId,
    figures: &Figures,
    state: MarginState,
    (of, place): (PictureOf, u16),
) -> AccountPicture {
    let now = &figures.assessment;
    AccountPicture {
        query_id,
        account_id,
        balance: figures.balance,
        equity: now.equity,
        initial_equity: now.initial_equity,
        initial_margin: now.initial.ceil(),
        maintenance_margin: now.maintenance.ceil(),
        exposure: now.exposure,
        available: now.free_margin(),
        withdrawable: figures.withdrawable,
        leverage_e9: I64N::ratio(Requirement::of_money(now.exposure), now.equity),
        margin_ratio_e9: I64N::ratio(now.maintenance, now.equity),
        of: Code::of(of),
        place,
        level: Code::of(margin_state(state)),
    }
}

fn leg_row(
    query_id: u64,
    account_id: AccountId,
    equity: Money,
    leg: &LegFigures,
    of: PictureOf,
) -> PositionPicture {
    PositionPicture {
        query_id,
        account_id,
        instrument_id: leg.instrument,
        qty: leg.position.get(),
        cost: leg.cost,
        mark: leg.mark.into(),
        notional: leg.notional,
        unrealized_pnl: leg.unrealised,
        maintenance_margin: leg.maintenance,
        liquidation_mark: leg.liquidation.into(),
        bankruptcy_px: leg.bankruptcy.into(),
        buy_qty: leg.buy_qty,
        sell_qty: leg.sell_qty,
        leverage_e9: I64N::ratio(Requirement::of_money(leg.notional_in_base), equity),
        margin_ratio_e9: I64N::ratio(Requirement::of_money(leg.maintenance_in_base), equity),
        of: Code::of(of),
    }
}

fn sensitivity_rows(
    venue: &Venue,
    query_id: u64,
    account: AccountId,
    horizon: Millis,
) -> Result<Vec<Finding>, Reject> {
    venue.ledger().account(account).ok_or(Reject::UnknownAccount)?;
    let horizon = ahead(venue, horizon);
    let mut rows = Vec::new();
    for one in venue.family_of(account) {
        let underlyings = venue.ledger().sensitivities(one, horizon).into_iter();
        rows.extend(underlyings.map(|found| Finding::Underlying(underlying_row(query_id, one, &found))));
        let legs = venue.ledger().leg_distances(one, horizon).into_iter();
        rows.extend(legs.map(|found| Finding::Distance(distance_row(query_id, one, &found))));
    }
    Ok(rows)
}

fn ahead(venue: &Venue, horizon: Millis) -> Horizon {
    Horizon { now_ns: venue.last_stamp().time.get(), length_ns: u64::from(horizon.get()) * 1_000_000 }
}

/// A move, its size in standard deviations, its probability.
fn parts(distance: Option<Distance>) -> (I64N, I64N, U32N) {
    let sigmas = distance.and_then(|distance| distance.sigmas).map(|sigmas| {
        let wide = (u128::from(sigmas) * 1_000_000_000) >> risk::normal::SIGMAS_SHIFT;
        i64::try_from(wide).unwrap_or(i64::MAX)
    });
    let probability = distance.and_then(|distance| distance.probability);
    (distance.map(|distance| distance.rate).into(), sigmas.into(), probability.into())
}

fn underlying_row(query_id: u64, account_id: AccountId, found: &Sensitivity) -> UnderlyingRisk {
    let (fall_e9, fall_sigmas_e9, fall_probability_e9) = parts(found.fall);
    let (rise_e9, rise_sigmas_e9, rise_probability_e9) = parts(found.rise);
    UnderlyingRisk {
        query_id,
        account_id,
        instrument_id: found.instrument,
        delta: found.delta,
        unit_delta: found.unit_delta,
        gamma: found.gamma,
        sigma_e9: found.sigma,
        fall_e9,
        fall_sigmas_e9,
        fall_probability_e9,
        rise_e9,
        rise_sigmas_e9,
        rise_probability_e9,
        underlying: found.underlying.get(),
    }
}

fn distance_row(query_id: u64, account_id: AccountId, found: &LegDistance) -> PositionRisk {
    let (distance_e9, sigmas_e9, probability_e9) = parts(found.distance);
    PositionRisk {
        query_id,
        account_id,
        instrument_id: found.instrument,
        qty: found.position.get(),
        mark: found.mark.into(),
        liquidation_mark: found.liquidation.into(),
        distance_e9,
        sigma_e9: found.sigma,
        sigmas_e9,
        probability_e9,
    }
}

fn instrument_row(
    venue: &Venue,
    query_id: u64,
    instrument_id: InstrumentId,
    horizon: Millis,
) -> Result<InstrumentRisk, Reject> {
    let ledger = venue.ledger();
    let terms = ledger.find_instrument(instrument_id).ok_or(Reject::UnknownInstrument)?;
    let open_interest = ledger.open_interest(instrument_id);
    let Horizon { now_ns, length_ns } = ahead(venue, horizon);
    let [fast_sigma_e9, slow_sigma_e9] = terms.volatility.sigmas(now_ns, length_ns);
    let open_notional = terms.mark.map_or(Money::ZERO, |mark| terms.notional(open_interest, mark));
    let mark = terms.mark.into();
    Ok(InstrumentRisk {
        query_id,
        instrument_id,
        mark,
        open_interest,
        open_notional,
        fast_sigma_e9,
        slow_sigma_e9,
    })
}

fn survey_row(query_id: u64, instrument: Option<InstrumentId>, survey: &Survey) -> RiskSurvey {
    let [exposure, equity, maintenance_margin] =
        [survey.exposure, survey.equity, survey.maintenance].map(cut);
    let highest = survey.highest.map(|(account, ratio)| (account.get(), ratio.billionths()));
    let bounds = LEVERAGE_BOUNDS.iter().map(|&bound| U32N::from(u32::try_from(bound).ok()));
    let bounds = bounds.chain([U32N::from(u32::MAX - 1), U32N::NONE]);
    let buckets = bounds.zip(survey.buckets).map(|(bound, accounts)| LeverageBucket { bound, accounts });
    RiskSurvey {
        query_id,
        instrument_id: instrument.map(InstrumentId::get).into(),
        next_account: survey.next.map(AccountId::get).into(),
        accounts: survey.accounts,
        healthy: survey.healthy,
        warned: survey.warned,
        liquidating: survey.liquidating,
        exposure,
        equity,
        maintenance_margin,
        leverage_e9: I64N::ratio(Requirement::of_money(exposure), equity),
        highest_leverage_e9: highest.map(|(_, ratio)| ratio).into(),
        highest_account: highest.map(|(account, _)| account).into(),
        buckets: Group(buckets.collect()),
    }
}

/// A sum as far as it fits.
fn cut(sum: i128) -> Money {
    Money::new(i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN + 1 } else { i64::MAX }))
}
