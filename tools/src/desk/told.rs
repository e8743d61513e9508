//! What the venue tells a session, as one line for people or one object for programs.
//!
//! Invariant: both say the same; prices, quantities and money are exact decimals, texts in JSON.

mod liquidation;
mod margin;
mod special;

use std::fmt;

use engine::Reject;
use gateway::wire::codes;
use gateway::wire::private::{
    AccountStatusChanged, AdminAck, BalanceChange, CancelAllAfterAck, DeadManFired, FromVenue, LeverageSet,
    LiquidationEnd, LiquidationStart, MassCancelAck, OracleAck, OrderAccepted, OrderAmended, OrderCanceled,
    OrderFilled, OrderTrimmed, PositionTakenOver, RequestRejected, SessionReject, ThrottleReject,
};
use gateway::wire::types::{Code, OrdFlags, WireEnum};
use risk::{AssetId, Money};
use serde_json::{Map, Value};

use super::instruments::Instruments;
use crate::format::decimal;

/// One fact.
#[derive(Clone, PartialEq, Debug)]
pub struct Told {
    kind: &'static str,
    fields: Vec<(&'static str, Value)>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}", self.kind)?;
        for (name, value) in &self.fields {
            match value {
                Value::String(text) => write!(f, " {name} {text}")?,
                other @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_)) => write!(f, " {name} {other}")?,
            }
        }
        Ok(())
    }
}

impl From<Told> for Value {
    fn from(told: Told) -> Self {
        let mut object = Map::from_iter([("event".to_owned(), Self::from(told.kind))]);
        object.extend(told.fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Self::Object(object)
    }
}

/// The name of an octet of an enumeration, in lower case.
#[must_use]
pub fn word<E: WireEnum>(code: Code<E>) -> String {
    format!("{code:?}").to_ascii_lowercase()
}

/// A wire error code with its name.
#[must_use]
pub fn code_name(code: u16) -> String {
    codes::name(code).map_or_else(|| format!("code {code}"), |name| format!("{name} ({code})"))
}

/// What a person may do about a refusal.
#[must_use]
pub fn advice(code: u16) -> Option<&'static str> {
    let Some(reject) = Reject::ALL.iter().find(|reject| reject.code() == code) else {
        return (code == codes::ErrorCode::Throttled.code()).then_some("send more slowly");
    };
    [
        (
            Reject::NoPermission,
            "the key is for another account or another kind of session; see `fulcrum admin key add`",
        ),
        (Reject::UnknownAccount, "open it with `fulcrum admin account open`"),
        (Reject::UnknownOrder, "it is filled, cancelled, or of another session; see `fulcrum order list`"),
        (Reject::NoMarkPrice, "the instrument has no index price yet; see `fulcrum admin index`"),
        (Reject::PriceBand, "the price is too far from the mark; see `fulcrum book`"),
        (Reject::BadPrice, "the price must be a multiple of the tick; see `fulcrum book`"),
        (Reject::BadQuantity, "the quantity must be a multiple of the lot; see `fulcrum book`"),
        (
            Reject::InsufficientMargin,
            "deposit more, reduce the position, or cancel orders; see `fulcrum account`",
        ),
        (Reject::InsufficientFunds, "see `fulcrum account` for what may be withdrawn"),
        (Reject::AlreadyExists, "the number is taken; choose another"),
        (Reject::AccountSuspended, "the operator lifts it with `fulcrum admin activate`"),
        (Reject::AccountReduceOnly, "the operator lifts it with `fulcrum admin activate`"),
        (Reject::NotTrading, "what the instrument admits is for the operator: `fulcrum admin state`"),
        (
            Reject::ProtectionFrozen,
            "market-maker protection tripped; reset it with `fulcrum order protect --reset`",
        ),
        (Reject::KeySuspended, "the operator lifts it with `fulcrum admin key admit`"),
        (
            Reject::NoTriggerPrice,
            "the watched price is not known yet; watch the mark instead of the last price",
        ),
        (Reject::NoLiquidity, "the other side of the book is empty; give a limit price"),
    ]
    .into_iter()
    .find_map(|(known, advice)| (known == *reject).then_some(advice))
}

/// Collects the fields of a fact.
struct Teller<'a> {
    instruments: &'a Instruments,
    fields: Vec<(&'static str, Value)>,
}

impl Teller<'_> {
    fn put(&mut self, name: &'static str, value: impl Into<Value>) -> &mut Self {
        self.fields.push((name, value.into()));
        self
    }

    fn money(&mut self, name: &'static str, money: Money) -> &mut Self {
        // No grouping: programs read it too.
        let shown = self
            .instruments
            .money_decimals()
            .map_or_else(|_| money.to_string(), |decimals| decimal(i128::from(money.get()), decimals));
        self.put(name, shown)
    }
}

/// What a numbered message of the venue says; `None` for what belongs to the session or to an answer.
#[must_use]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other messages are those of `backing`, or belong to the session or to an answer"
)]
pub fn told(message: &FromVenue, instruments: &Instruments) -> Option<Told> {
    let mut teller = Teller { instruments, fields: Vec::new() };
    let kind = match message {
        FromVenue::OrderAccepted(event) => teller.accepted(event),
        FromVenue::RequestRejected(event) => teller.rejected(event),
        FromVenue::OrderFilled(event) => teller.filled(event),
        FromVenue::OrderCanceled(event) => teller.canceled(event),
        FromVenue::OrderAmended(event) => teller.amended(event),
        FromVenue::OrderTrimmed(event) => teller.trimmed(event),
        FromVenue::OrderArmed(event) => teller.armed(event),
        FromVenue::OrderTriggered(event) => teller.triggered(event),
        FromVenue::OrderActivated(event) => teller.activated(event),
        FromVenue::OrderRefreshed(event) => teller.refreshed(event),
        FromVenue::MassQuoteAck(event) => teller.quoted(event),
        FromVenue::QuoteRefused(event) => teller.quote_refused(event),
        FromVenue::ProtectionTripped(event) => teller.tripped(event),
        FromVenue::ProtectionAck(event) => teller.protection(event),
        FromVenue::PositionSettled(event) => teller.settled(event),
        FromVenue::MassCancelAck(event) => teller.mass_canceled(event),
        FromVenue::CancelAllAfterAck(event) => teller.dead_man_set(event),
        FromVenue::DeadManFired(event) => teller.dead_man_fired(event),
        FromVenue::BalanceChange(event) => teller.balance(event),
        FromVenue::LiquidationStart(event) => teller.liquidation_start(event),
        FromVenue::LeverageSet(event) => teller.leverage(event),
        FromVenue::PositionTakenOver(event) => teller.taken_over(event),
        FromVenue::LiquidationEnd(event) => teller.liquidation_end(event),
        FromVenue::AccountStatusChanged(event) => teller.status(event),
        FromVenue::SessionReject(event) => teller.session_reject(event),
        FromVenue::ThrottleReject(event) => teller.throttle_reject(event),
        FromVenue::AdminAck(event) => teller.admin_ack(event),
        FromVenue::OracleAck(event) => teller.oracle_ack(event),
        FromVenue::Movement(event) => teller.movement(event),
        FromVenue::MarginStateChanged(event) => teller.margin_state(event),
        FromVenue::FundingBooked(event) => teller.funding(event),
        FromVenue::Converted(event) => teller.converted(event),
        FromVenue::InterestCharged(event) => teller.interest(event),
        FromVenue::StandingChanged(event) => teller.standing(event),
        FromVenue::DeficitCovered(event) => teller.covered(event),
        FromVenue::TransferRepeated(event) => teller.repeated(event),
        FromVenue::LiquidationHeld(event) => teller.held(event),
        FromVenue::WouldLiquidate(event) => teller.would_liquidate(event),
        FromVenue::FeeTierSet(event) => teller.fee_tier(event),
        FromVenue::MarginModeChanged(event) => teller.margin_mode(event),
        _ => teller.backing(message)?,
    };
    Some(Told { kind, fields: teller.fields })
}

impl Teller<'_> {
    fn accepted(&mut self, event: &OrderAccepted) -> &'static str {
        let OrderAccepted { instrument_id, price, qty, flags, .. } = *event;
        self.put("order", event.order_id.get()).put("client", event.cl_ord_id.get());
        self.put("side", word(event.side));
        self.put("quantity", self.instruments.qty(instrument_id, qty.get()));
        self.put("instrument", self.instruments.name(instrument_id));
        self.put("price", self.instruments.limit(instrument_id, price));
        self.put("life", word(event.tif));
        if let Some(display) = event.display_qty.get() {
            self.put("shows", self.instruments.qty(instrument_id, display.get()));
        }
        if event.user_tag != 0 {
            self.put("tag", event.user_tag);
        }
        if flags.0 & OrdFlags::REDUCE_ONLY != 0 {
            self.put("reduce_only", true);
        }
        self.put("seq", event.engine_seq.get());
        "accepted"
    }

    fn rejected(&mut self, event: &RequestRejected) -> &'static str {
        self.put("client", event.cl_ord_id.get()).put("reason", code_name(event.code));
        if let Some(short) = event.short.get() {
            self.money("short", short);
        }
        self.put("seq", event.engine_seq.get());
        "rejected"
    }

    fn filled(&mut self, event: &OrderFilled) -> &'static str {
        let OrderFilled { instrument_id, last_px, last_qty, leaves_qty, .. } = *event;
        self.put("order", event.order_id.get()).put("client", event.cl_ord_id.get());
        self.put("side", word(event.side));
        self.put("quantity", self.instruments.qty(instrument_id, last_qty.get()));
        self.put("instrument", self.instruments.name(instrument_id));
        self.put("price", self.instruments.price(instrument_id, last_px));
        self.put("leaves", self.instruments.qty(instrument_id, leaves_qty.get()));
        let asset = self.instruments.settlement(instrument_id);
        self.amount("fee", asset, event.fee);
        self.put("position", self.instruments.qty(instrument_id, event.position_qty));
        self.amount("balance", asset, event.balance);
        self.put("as", word(event.liquidity)).put("kind", word(event.fill_kind));
        self.put("trade", event.trade_id.get()).put("seq", event.engine_seq.get());
        "filled"
    }

    fn canceled(&mut self, event: &OrderCanceled) -> &'static str {
        let OrderCanceled { instrument_id, canceled_qty, .. } = *event;
        self.put("order", event.order_id.get()).put("client", event.cl_ord_id.get());
        self.put("quantity", self.instruments.qty(instrument_id, canceled_qty.get()));
        self.put("instrument", self.instruments.name(instrument_id));
        self.put("reason", word(event.reason)).put("seq", event.engine_seq.get());
        "cancelled"
    }

    fn amended(&mut self, event: &OrderAmended) -> &'static str {
        // The message does not name the instrument; its numbers are shown as they are.
        self.put("order", event.order_id.get()).put("client", event.cl_ord_id.get());
        self.put("price_units", event.price.get()).put("total_units", event.total_qty.get());
        self.put("leaves_units", event.leaves_qty.get());
        self.put("place_kept", event.priority_kept == 1).put("seq", event.engine_seq.get());
        "amended"
    }

    fn trimmed(&mut self, event: &OrderTrimmed) -> &'static str {
        self.put("order", event.order_id.get()).put("client", event.cl_ord_id.get());
        self.put("leaves_units", event.leaves_qty.get()).put("reason", word(event.reason));
        self.put("seq", event.engine_seq.get());
        "trimmed"
    }

    fn mass_canceled(&mut self, event: &MassCancelAck) -> &'static str {
        self.put("orders", event.canceled).put("account", event.account_id.get());
        self.put("seq", event.engine_seq.get());
        "all cancelled"
    }

    fn dead_man_set(&mut self, event: &CancelAllAfterAck) -> &'static str {
        match event.deadline.get() {
            Some(deadline) => self.put("deadline", crate::format::utc(deadline.get())),
            None => self.put("deadline", "none"),
        };
        "timer set"
    }

    fn dead_man_fired(&mut self, event: &DeadManFired) -> &'static str {
        self.put("account", event.account_id.get()).put("seq", event.engine_seq.get());
        "timer fired"
    }

    fn balance(&mut self, event: &BalanceChange) -> &'static str {
        self.put("account", event.account_id.get());
        if event.asset_id != AssetId::BASE {
            self.put("asset", self.instruments.asset_name(event.asset_id));
        }
        self.amount("amount", event.asset_id, event.amount).amount("balance", event.asset_id, event.balance);
        self.put("seq", event.engine_seq.get());
        "transfer"
    }

    fn liquidation_start(&mut self, event: &LiquidationStart) -> &'static str {
        self.put("account", event.account_id.get());
        self.money("equity", event.equity).money("maintenance", event.maintenance_margin);
        self.put("seq", event.engine_seq.get());
        "liquidation"
    }

    fn leverage(&mut self, event: &LeverageSet) -> &'static str {
        self.put("instrument", self.instruments.name(event.instrument_id));
        self.put("leverage", decimal(i128::from(event.leverage_e2), 2)).put("seq", event.engine_seq.get());
        "leverage"
    }

    fn taken_over(&mut self, event: &PositionTakenOver) -> &'static str {
        self.put("account", event.account_id.get());
        self.put("quantity", self.instruments.qty(event.instrument_id, event.position_qty));
        self.put("instrument", self.instruments.name(event.instrument_id));
        let asset = self.instruments.settlement(event.instrument_id);
        self.amount("amount", asset, event.amount).amount("added", asset, event.added);
        self.put("by", event.by_account_id.get()).put("seq", event.engine_seq.get());
        "taken over"
    }

    fn liquidation_end(&mut self, event: &LiquidationEnd) -> &'static str {
        self.put("account", event.account_id.get());
        self.money("equity", event.equity).money("covered", event.covered);
        self.put("seq", event.engine_seq.get());
        "liquidated"
    }

    fn status(&mut self, event: &AccountStatusChanged) -> &'static str {
        self.put("account", event.account_id.get()).put("status", word(event.status));
        self.put("seq", event.engine_seq.get());
        "status"
    }

    fn session_reject(&mut self, event: &SessionReject) -> &'static str {
        self.put("template", event.ref_template_id).put("reason", code_name(event.code));
        if let Some(field) = event.field_id.get() {
            self.put("field", field);
        }
        "refused"
    }

    fn throttle_reject(&mut self, event: &ThrottleReject) -> &'static str {
        self.put("requests", event.count).put("retry_after_ns", event.retry_after_ns);
        "throttled"
    }

    fn admin_ack(&mut self, event: &AdminAck) -> &'static str {
        self.put("request", event.request_id.get()).put("seq", event.engine_seq.get());
        if event.code == 0 {
            return "done";
        }
        self.put("reason", code_name(event.code));
        "rejected"
    }

    fn oracle_ack(&mut self, event: &OracleAck) -> &'static str {
        self.put("instrument", self.instruments.name(event.instrument_id));
        if let (Some(mark), Some(def)) = (event.mark.get(), self.instruments.get(event.instrument_id)) {
            self.put("mark", super::instruments::show_mark(def, mark));
        }
        self.put("seq", event.engine_seq.get());
        if event.code == 0 {
            return "priced";
        }
        self.put("reason", code_name(event.code));
        "rejected"
    }
}
