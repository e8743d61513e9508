//! Who hears of what.
//!
//! Invariant: nobody hears of another account, but operators of what they asked for and of bad debts. Every numbered request brings its
//! session at least one frame.
//!
//! | event | who gets it |
//! |---|---|
//! | of an order | the session it came by; the commanding session, if it is another one of the same account; copies |
//! | of an isolated position | as of the account it acts for |
//! | match of a liquidation, on the side of the liquidated account | all sessions that trade for it; copies |
//! | of an account, its margin and its collateral | all sessions that trade for it; copies |
//! | money between two accounts | as of an account, of either |
//! | a transfer that was done before | the session that asked again |
//! | refusal, mass cancel done, dead-man timer, skipped numbers | the session |
//! | anything an operator asked for | that session, as an acknowledgement |
//! | a takeover, on the side of the backstop account | all sessions that trade for that; copies |
//! | a deleveraging as a whole, a bad debt | every operator |
//! | index price, or the price of one source | the oracle's session |
//! | state of an index, funding of an instrument, state of an auction | nobody: they are asked for |

mod liquidation;
mod margin;

use engine::{Action, ClientOrderId, Event, Fill, FillSide, OrderId, Reject, SessionId, SessionKind};
use risk::{AccountId, Mark, Money};

use super::projection::{Place, Projection};
use super::translate;
use crate::outcome::Outcome;
use crate::wire::codes::ErrorCode;
use crate::wire::message::Message;
use crate::wire::private;
use crate::wire::types::{Code, IdN, Liquidity, MoneyN};

impl Projection {
    /// Turns one event into frames.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events are those of `route_rest`")]
    #[inline]
    pub(super) fn route(&mut self, outcome: &Outcome<'_>, event: &Event) {
        match event {
            Event::Accepted { session, account, .. } => {
                if self.is_heard(*session, *account)
                    && let Some(message) = translate::accepted(outcome, event)
                {
                    self.stage(&message);
                    self.give_owner(*session, *account);
                }
            }
            Event::Fill(fill) => self.route_fill(outcome, fill),
            Event::Cancelled { .. }
            | Event::Amended { .. }
            | Event::Trimmed { .. }
            | Event::Armed { .. }
            | Event::Triggered { .. }
            | Event::Activated { .. }
            | Event::Refreshed { .. } => self.route_order(outcome, event),
            Event::Rejected { session, account, client_order_id, reject, short } => {
                let name = *client_order_id;
                self.route_refusal(outcome, (*session, *account, name), *reject, *short);
            }
            Event::MassCancelled { .. }
            | Event::Skipped { .. }
            | Event::DeadManSet { .. }
            | Event::DeadManFired { .. }
            | Event::MassQuoted { .. }
            | Event::QuoteRefused { .. }
            | Event::ProtectionSet { .. }
            | Event::ProtectionReset { .. } => self.route_session(outcome, event),
            Event::Transferred { .. }
            | Event::LeverageSet { .. }
            | Event::LiquidationStarted { .. }
            | Event::TakenOver { .. }
            | Event::LiquidationEnded { .. }
            | Event::ProtectionTripped { .. }
            | Event::PositionSettled { .. }
            | Event::MarginModeSet { .. }
            | Event::RestrictionSet { .. } => self.route_account(outcome, event),
            Event::Marked { mark, .. } => self.route_price(outcome, Some(*mark)),
            Event::SourcePriceTaken { .. } => self.route_price(outcome, None),
            _ => self.route_rest(outcome, event),
        }
    }

    /// An oracle hears that its price was taken, and the mark it made.
    fn route_price(&mut self, outcome: &Outcome<'_>, mark: Option<Mark>) {
        if let Some(place) = self.commander(outcome, SessionKind::Oracle)
            && let Some(message) = translate::oracle_ack(outcome, mark, 0)
        {
            self.stage(&message);
            self.give(place);
        }
    }

    /// What is neither about orders nor what a session asked for its own: margin, money that moves, what an operator did.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "nobody is told of the others, or `route` has told them"
    )]
    fn route_rest(&mut self, outcome: &Outcome<'_>, event: &Event) {
        match event {
            Event::AccountOpened { .. }
            | Event::AssetDefined { .. }
            | Event::DebtTermsSet { .. }
            | Event::FeeTierDefined { .. }
            | Event::MarginScheduled { .. }
            | Event::MarginChangeEnded { .. }
            | Event::InstrumentDefined { .. }
            | Event::OwnerGroupSet { .. }
            | Event::GroupRestrictionSet { .. }
            | Event::KeySuspended { .. }
            | Event::LimitsSet { .. }
            | Event::IndexSourceSet { .. }
            | Event::RiskGroupSet { .. }
            | Event::RiskGroupAssigned { .. }
            | Event::KeyRegistered { .. }
            | Event::KeyRevoked { .. } => self.acknowledge(outcome),
            Event::MarginStateChanged { .. }
            | Event::FundingBooked { .. }
            | Event::Converted { .. }
            | Event::DeficitCovered { .. }
            | Event::InterestCharged { .. }
            | Event::StandingChanged { .. }
            | Event::WouldLiquidate { .. }
            | Event::LiquidationHeld { .. }
            | Event::LiquidationResumed { .. } => self.route_margin(outcome, event),
            Event::FeeTierSet { .. } => {
                self.route_margin(outcome, event);
                self.acknowledge(outcome);
            }
            Event::LiquidationStepped(_)
            | Event::LiquidationPaced { .. }
            | Event::Deleveraged(_)
            | Event::BadDebtBooked { .. } => self.route_liquidation(outcome, event),
            Event::DeleveragingAsked(_) | Event::DeleveragingPlanned(_) | Event::DeleveragingEnded { .. } => {
                self.route_deleveraging(outcome, event);
            }
            Event::Moved(movement) => self.route_movement(outcome, movement),
            Event::TransferRepeated { .. } => self.route_repeated(outcome, event),
            _ => {}
        }
    }

    /// The commanding session, if it is of `kind`.
    fn commander(&self, outcome: &Outcome<'_>, kind: SessionKind) -> Option<Place> {
        self.place(outcome.command.session).filter(|place| self.at(*place).kind == kind)
    }

    #[inline]
    fn is_heard(&self, session: SessionId, account: AccountId) -> bool {
        self.place(session).is_some() || self.audience(account).is_some()
    }

    /// Gives the staged message to an order's session and to copies.
    #[inline]
    fn give_owner(&mut self, session: SessionId, account: AccountId) {
        if let Some(place) = self.place(session) {
            self.give(place);
        }
        self.give_copies(account);
    }

    fn route_fill(&mut self, outcome: &Outcome<'_>, fill: &Fill) {
        self.route_fill_side(outcome, fill, &fill.taker, Liquidity::Taker);
        self.route_fill_side(outcome, fill, &fill.maker, Liquidity::Maker);
    }

    fn route_fill_side(&mut self, outcome: &Outcome<'_>, fill: &Fill, own: &FillSide, liquidity: Liquidity) {
        if !self.is_heard(own.session, own.account) {
            return;
        }
        self.stage(&translate::filled(outcome, fill, own, liquidity));
        if own.order == OrderId::default() {
            // The venue closes a position: no session ordered it, and every one must know.
            self.give_traders(own.account, None);
        }
        self.give_owner(own.session, own.account);
    }

    /// What happens to a resting order.
    fn route_order(&mut self, outcome: &Outcome<'_>, event: &Event) {
        let (Event::Cancelled { session, account, .. }
        | Event::Amended { session, account, .. }
        | Event::Trimmed { session, account, .. }
        | Event::Armed { session, account, .. }
        | Event::Triggered { session, account, .. }
        | Event::Activated { session, account, .. }
        | Event::Refreshed { session, account, .. }) = *event
        else {
            return;
        };
        if !self.is_heard(session, account) {
            return;
        }
        let owner = self.place(session);
        // Somebody else's command may cancel or trim this order; what it did there is not the commander's to know.
        let commander =
            self.commander(outcome, SessionKind::OrderEntry).filter(|place| self.acts_for(*place, account));
        if self.stage_order(outcome, event, IdN::NONE) {
            if let Some(place) = owner.filter(|place| Some(*place) != commander) {
                self.give(place);
            }
            self.give_copies(account);
        }
        if let Some(place) = commander
            && self.stage_order(outcome, event, translate::request_id(outcome.command.client_order_id))
        {
            self.give(place);
        }
    }

    fn stage_order(&mut self, outcome: &Outcome<'_>, event: &Event, request: IdN) -> bool {
        if let Some(message) = translate::canceled(outcome, event, request) {
            self.stage(&message);
        } else if let Some(message) = translate::amended(outcome, event, request) {
            self.stage(&message);
        } else if let Some(message) = translate::trimmed(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = translate::armed(outcome, event, request) {
            self.stage(&message);
        } else if let Some(message) = translate::triggered(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = translate::activated(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = translate::refreshed(outcome, event) {
            self.stage(&message);
        } else {
            return false;
        }
        true
    }

    fn route_refusal(
        &mut self,
        outcome: &Outcome<'_>,
        (session, account, name): (SessionId, AccountId, ClientOrderId),
        reject: Reject,
        short: Money,
    ) {
        let Some(place) = self.place(session) else { return };
        if matches!(reject, Reject::SequenceReplayed | Reject::SequenceGap) {
            return;
        }
        let kind = self.at(place).kind;
        match kind {
            SessionKind::Admin => {
                let template = translate::template_of(&outcome.command.action, kind);
                let request = outcome.command.client_order_id;
                self.stage(&translate::admin_ack(outcome, request, template, reject.code()));
            }
            SessionKind::Oracle => match translate::oracle_ack(outcome, None, reject.code()) {
                Some(message) => self.stage(&message),
                None => self.stage(&translate::rejected(outcome, kind, (account, name), reject, short)),
            },
            SessionKind::Local | SessionKind::OrderEntry | SessionKind::DropCopy => {
                self.stage(&translate::rejected(outcome, kind, (account, name), reject, short));
            }
        }
        self.give(place);
    }

    /// What one session hears of itself.
    fn route_session(&mut self, outcome: &Outcome<'_>, event: &Event) {
        let (Event::MassCancelled { session, .. }
        | Event::Skipped { session, .. }
        | Event::DeadManSet { session, .. }
        | Event::DeadManFired { session, .. }
        | Event::MassQuoted { session, .. }
        | Event::QuoteRefused { session, .. }
        | Event::ProtectionSet { session, .. }
        | Event::ProtectionReset { session, .. }) = *event
        else {
            return;
        };
        let Some(place) = self.place(session) else { return };
        let (engine_seq, transact_time) = (outcome.stamp.seq, outcome.stamp.time);
        if let Event::MassCancelled { client_order_id, account, count, .. } = *event {
            self.stage_mass_cancelled(outcome, place, client_order_id, account, count);
        } else if let Event::Skipped { through, skip, .. } = event {
            if skip.code == ErrorCode::Throttled.code() {
                self.stage(&translate::throttle_reject(*through, skip));
            } else {
                self.stage(&translate::session_reject(*through, skip));
            }
        } else if let Event::DeadManSet { client_order_id, account, deadline, .. } = *event {
            self.stage(&private::CancelAllAfterAck {
                cl_ord_id: client_order_id,
                engine_seq,
                transact_time,
                deadline: translate::deadline(deadline),
                account_id: account,
            });
        } else if let Event::DeadManFired { account, .. } = *event {
            self.stage(&private::DeadManFired { engine_seq, transact_time, account_id: account });
        } else {
            self.stage_quoting(outcome, event);
        }
        self.give(place);
    }

    /// What a market maker hears of its requests.
    fn stage_quoting(&mut self, outcome: &Outcome<'_>, event: &Event) {
        let (engine_seq, transact_time) = (outcome.stamp.seq, outcome.stamp.time);
        if let Event::MassQuoted { client_order_id: cl_ord_id, account: account_id, taken, refused, .. } =
            *event
        {
            self.stage(&private::MassQuoteAck {
                cl_ord_id,
                engine_seq,
                transact_time,
                account_id,
                taken,
                refused,
            });
        } else if let Event::QuoteRefused {
            client_order_id: cl_ord_id,
            account: account_id,
            instrument: instrument_id,
            level,
            side,
            reject,
            short,
            ..
        } = *event
        {
            self.stage(&private::QuoteRefused {
                cl_ord_id,
                engine_seq,
                transact_time,
                account_id,
                instrument_id,
                short: MoneyN::from((reject == Reject::InsufficientMargin).then_some(short)),
                code: reject.code(),
                level,
                side: Code::of(translate::side(side)),
            });
        } else if let Event::ProtectionSet { client_order_id: cl_ord_id, protection, .. } = *event {
            let (account_id, protection_group) = (protection.account, protection.group.get());
            self.stage(&private::ProtectionAck {
                cl_ord_id,
                engine_seq,
                transact_time,
                account_id,
                protection_group,
            });
        } else if let Event::ProtectionReset {
            client_order_id: cl_ord_id, account: account_id, group, ..
        } = *event
        {
            let protection_group = group.get();
            self.stage(&private::ProtectionAck {
                cl_ord_id,
                engine_seq,
                transact_time,
                account_id,
                protection_group,
            });
        }
    }

    /// A mass cancel may end in a continuation: the event, not the command, says who asked.
    fn stage_mass_cancelled(
        &mut self,
        outcome: &Outcome<'_>,
        place: Place,
        request: ClientOrderId,
        account: AccountId,
        count: u32,
    ) {
        if self.at(place).kind == SessionKind::Admin {
            let template = private::AdminMassCancel::LAYOUT.template;
            self.stage(&translate::admin_ack(outcome, request, template, 0));
            return;
        }
        self.stage(&private::MassCancelAck {
            cl_ord_id: request,
            engine_seq: outcome.stamp.seq,
            transact_time: outcome.stamp.time,
            account_id: account,
            canceled: count,
        });
    }

    /// What happens to an account; an operator who asked for it is answered.
    fn route_account(&mut self, outcome: &Outcome<'_>, event: &Event) {
        let (Event::Transferred { account, .. }
        | Event::LeverageSet { account, .. }
        | Event::LiquidationStarted { account, .. }
        | Event::TakenOver { account, .. }
        | Event::LiquidationEnded { account, .. }
        | Event::ProtectionTripped { account, .. }
        | Event::PositionSettled { account, .. }
        | Event::MarginModeSet { account, .. }
        | Event::RestrictionSet { account, .. }) = *event
        else {
            return;
        };
        let asked =
            self.commander(outcome, SessionKind::OrderEntry).filter(|place| self.acts_for(*place, account));
        if self.audience(account).is_some() {
            self.stage_account(outcome, event, IdN::NONE);
            self.give_traders(account, asked);
            self.give_copies(account);
            if let Some(place) = asked {
                self.stage_account(outcome, event, translate::request_id(outcome.command.client_order_id));
                self.give(place);
            }
        }
        self.route_assumed(outcome, event);
        let answers = matches!(outcome.command.action, Action::SetRestriction { .. });
        if matches!(event, Event::Transferred { .. })
            || (answers && matches!(event, Event::RestrictionSet { .. }))
        {
            self.acknowledge(outcome);
        }
    }

    fn stage_account(&mut self, outcome: &Outcome<'_>, event: &Event, request_id: IdN) {
        let (engine_seq, transact_time) = (outcome.stamp.seq, outcome.stamp.time);
        if let Event::Transferred { account: account_id, asset: asset_id, amount, balance } = *event {
            self.stage(&private::BalanceChange {
                request_id,
                engine_seq,
                transact_time,
                account_id,
                amount,
                balance,
                asset_id,
            });
        } else if let Event::LeverageSet { account: account_id, instrument, leverage } = *event {
            self.stage(&private::LeverageSet {
                request_id,
                engine_seq,
                transact_time,
                account_id,
                instrument_id: instrument,
                leverage_e2: leverage.get(),
            });
        } else if let Some(message) = translate::collateral::margin_mode(outcome, event, request_id) {
            self.stage(&message);
        } else if let Event::RestrictionSet { account: account_id, restriction } = *event {
            let status = Code::of(translate::status(restriction));
            self.stage(&private::AccountStatusChanged { engine_seq, transact_time, account_id, status });
        } else if let Event::ProtectionTripped { account: account_id, group, frozen_until } = *event {
            self.stage(&private::ProtectionTripped {
                engine_seq,
                transact_time,
                frozen_until: translate::deadline(frozen_until),
                account_id,
                protection_group: group.get(),
            });
        } else if let Event::PositionSettled {
            account: account_id,
            instrument,
            position,
            amount,
            balance,
            covered,
        } = *event
        {
            self.stage(&private::PositionSettled {
                engine_seq,
                transact_time,
                account_id,
                instrument_id: instrument,
                position_qty: position.get(),
                amount,
                balance,
                covered,
            });
        } else {
            self.stage_liquidation(outcome, event);
        }
    }

    fn stage_liquidation(&mut self, outcome: &Outcome<'_>, event: &Event) {
        let (engine_seq, transact_time) = (outcome.stamp.seq, outcome.stamp.time);
        if let Event::LiquidationStarted { account: account_id, equity, maintenance } = *event {
            self.stage(&private::LiquidationStart {
                engine_seq,
                transact_time,
                account_id,
                equity,
                maintenance_margin: maintenance,
            });
        } else if let Event::TakenOver { account: account_id, by, instrument, position, amount, added } =
            *event
        {
            self.stage(&private::PositionTakenOver {
                engine_seq,
                transact_time,
                account_id,
                instrument_id: instrument,
                position_qty: position.get(),
                amount,
                by_account_id: by,
                added,
            });
        } else if let Event::LiquidationEnded { account: account_id, equity, covered } = *event {
            self.stage(&private::LiquidationEnd { engine_seq, transact_time, account_id, equity, covered });
        }
    }

    /// Answers an operator who asked for another trading state. It may be entered in a later command, when an auction
    /// has matched; the request is taken now.
    pub(super) fn route_phase(&mut self, outcome: &Outcome<'_>) {
        let asks = matches!(
            outcome.command.action,
            Action::SetTradingState { .. } | Action::StartAuction { .. } | Action::Settle { .. }
        );
        if asks && !matches!(outcome.events, [Event::Rejected { .. }]) {
            self.acknowledge(outcome);
        }
    }

    /// Tells an operator that it is done.
    fn acknowledge(&mut self, outcome: &Outcome<'_>) {
        let Some(place) = self.commander(outcome, SessionKind::Admin) else { return };
        let template = translate::template_of(&outcome.command.action, SessionKind::Admin);
        self.stage(&translate::admin_ack(outcome, outcome.command.client_order_id, template, 0));
        self.give(place);
    }
}
