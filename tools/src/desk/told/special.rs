//! What is told of orders with instructions, quotes and protection.
//!
//! Invariant: as of every fact: people and programs read the same decimals.

use gateway::wire::private::{
    MassQuoteAck, OrderActivated, OrderArmed, OrderRefreshed, OrderTriggered, PositionSettled, ProtectionAck,
    ProtectionTripped, QuoteRefused,
};
use risk::Price;
use serde_json::Value;

use super::super::instruments::show_mark;
use super::{Teller, code_name, word};

impl Teller<'_> {
    pub(super) fn armed(&mut self, event: &OrderArmed) -> &'static str {
        let at = event.instrument_id;
        self.put("order", event.order_id.get()).put("client", event.cl_ord_id.get());
        self.put("quantity", self.instruments.qty(at, event.leaves_qty.get()));
        self.put("instrument", self.instruments.name(at));
        self.put("when", word(event.trigger_src)).put("kind", word(event.trigger_kind));
        self.put("trigger", self.instruments.price(at, event.trigger_price));
        let limit = event.price.get().unwrap_or(Price::new(0));
        self.put("price", self.instruments.limit(at, limit)).put("seq", event.engine_seq.get());
        "armed"
    }

    pub(super) fn triggered(&mut self, event: &OrderTriggered) -> &'static str {
        let at = event.instrument_id;
        self.put("order", event.order_id.get()).put("client", event.cl_ord_id.get());
        self.put("instrument", self.instruments.name(at));
        self.put("trigger", self.instruments.price(at, event.trigger_price));
        let watched = self.instruments.get(at).map(|def| show_mark(def, event.watched));
        self.put("by", watched.map_or(Value::Null, Value::from)).put("seq", event.engine_seq.get());
        "triggered"
    }

    pub(super) fn activated(&mut self, event: &OrderActivated) -> &'static str {
        let at = event.instrument_id;
        self.put("order", event.order_id.get()).put("client", event.cl_ord_id.get());
        self.put("quantity", self.instruments.qty(at, event.leaves_qty.get()));
        self.put("instrument", self.instruments.name(at));
        self.put("price", self.instruments.price(at, event.price)).put("seq", event.engine_seq.get());
        "activated"
    }

    pub(super) fn refreshed(&mut self, event: &OrderRefreshed) -> &'static str {
        // The message does not name the instrument; its numbers are shown as they are.
        self.put("order", event.order_id.get()).put("client", event.cl_ord_id.get());
        self.put("shown_units", event.shown_qty.get()).put("leaves_units", event.leaves_qty.get());
        self.put("seq", event.engine_seq.get());
        "refreshed"
    }

    pub(super) fn quoted(&mut self, event: &MassQuoteAck) -> &'static str {
        self.put("client", event.cl_ord_id.get()).put("taken", event.taken).put("refused", event.refused);
        self.put("seq", event.engine_seq.get());
        "quoted"
    }

    pub(super) fn quote_refused(&mut self, event: &QuoteRefused) -> &'static str {
        self.put("client", event.cl_ord_id.get()).put("side", word(event.side));
        self.put("instrument", self.instruments.name(event.instrument_id)).put("level", event.level);
        self.put("reason", code_name(event.code));
        if let Some(short) = event.short.get() {
            self.money("short", short);
        }
        self.put("seq", event.engine_seq.get());
        "refused"
    }

    pub(super) fn tripped(&mut self, event: &ProtectionTripped) -> &'static str {
        self.put("account", event.account_id.get()).put("group", event.protection_group);
        let until = event.frozen_until.get().map(|time| crate::format::utc(time.get()));
        self.put("until", until.unwrap_or_else(|| "reset".to_owned())).put("seq", event.engine_seq.get());
        "tripped"
    }

    pub(super) fn protection(&mut self, event: &ProtectionAck) -> &'static str {
        self.put("client", event.cl_ord_id.get()).put("group", event.protection_group);
        self.put("seq", event.engine_seq.get());
        "protection"
    }

    pub(super) fn settled(&mut self, event: &PositionSettled) -> &'static str {
        let at = event.instrument_id;
        self.put("account", event.account_id.get());
        self.put("quantity", self.instruments.qty(at, event.position_qty));
        self.put("instrument", self.instruments.name(at));
        let asset = self.instruments.settlement(at);
        self.amount("amount", asset, event.amount).amount("balance", asset, event.balance);
        self.amount("covered", asset, event.covered);
        self.put("seq", event.engine_seq.get());
        "settled"
    }
}
