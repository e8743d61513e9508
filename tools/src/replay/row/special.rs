//! Rows of events of triggers, quotes, auctions and settlement.
//!
//! Invariant: as of every row: raw integers and fixed words.

use engine::Event;

use super::{Column as C, Row};

impl Row {
    pub(super) fn fill_in_special(&mut self, event: &Event) {
        if !self.fill_in_trigger(event) && !self.fill_in_quoting(event) {
            self.fill_in_instrument(event);
        }
    }

    /// Orders that wait for a price, and icebergs; whether it was one of them.
    fn fill_in_trigger(&mut self, event: &Event) -> bool {
        let (Event::Armed { order, client_order_id, session, account, .. }
        | Event::Triggered { order, client_order_id, session, account, .. }
        | Event::Activated { order, client_order_id, session, account, .. }
        | Event::Refreshed { order, client_order_id, session, account, .. }) = *event
        else {
            return false;
        };
        self.order(account, order);
        self.sent_by(session, client_order_id);
        if let Event::Armed { instrument, trigger, limit, leaves, .. } = *event {
            self.at(instrument);
            self.number(C::Price, limit.get());
            self.number(C::Leaves, leaves.get());
            self.number(C::Trigger, trigger.price.get());
            self.word(C::Detail, super::snake(&format!("{:?}{:?}", trigger.kind, trigger.source)));
        } else if let Event::Triggered { instrument, trigger, at, .. } = *event {
            self.at(instrument);
            self.number(C::Trigger, trigger.get());
            self.number(C::Watched, at.get());
        } else if let Event::Activated { instrument, limit, leaves, .. } = *event {
            self.at(instrument);
            self.number(C::Price, limit.get());
            self.number(C::Leaves, leaves.get());
        } else if let Event::Refreshed { shown, leaves, .. } = *event {
            self.number(C::Qty, shown.get());
            self.number(C::Leaves, leaves.get());
        }
        true
    }

    /// Quotes and market-maker protection; whether it was one of them.
    fn fill_in_quoting(&mut self, event: &Event) -> bool {
        if let Event::MassQuoted { session, client_order_id, account, taken, refused } = *event {
            self.who(account);
            self.sent_by(session, client_order_id);
            self.number(C::Qty, taken);
            self.number(C::Leaves, refused);
        } else if let Event::QuoteRefused {
            session,
            client_order_id,
            account,
            instrument,
            level,
            side,
            reject,
            short,
        } = *event
        {
            self.who(account);
            self.at(instrument);
            self.sent_by(session, client_order_id);
            self.named(C::Side, side);
            self.named(C::Detail, reject);
            self.number(C::Tag, level);
            self.number(C::Amount, short.get());
        } else if let Event::ProtectionSet { session, client_order_id, protection } = *event {
            self.who(protection.account);
            self.sent_by(session, client_order_id);
            self.number(C::Group, protection.group.get());
        } else if let Event::ProtectionTripped { account, group, frozen_until } = *event {
            self.who(account);
            self.number(C::Group, group.get());
            self.number(C::DeadlineNs, frozen_until.get());
        } else if let Event::ProtectionReset { session, client_order_id, account, group } = *event {
            self.who(account);
            self.sent_by(session, client_order_id);
            self.number(C::Group, group.get());
        } else {
            return false;
        }
        true
    }

    /// What happens to an instrument as a whole.
    fn fill_in_instrument(&mut self, event: &Event) {
        if let Event::LimitsSet { instrument, .. } = *event {
            self.at(instrument);
        } else if let Event::LimitStateEntered { instrument, limit } = *event {
            self.at(instrument);
            self.number(C::Price, limit.get());
        } else if let Event::Uncrossed { instrument, price, qty, surplus } = *event {
            self.at(instrument);
            self.number(C::Price, price.get());
            self.number(C::Qty, qty.get());
            self.number(C::Leaves, surplus);
        } else if let Event::PositionSettled { account, instrument, position, amount, balance, covered } =
            *event
        {
            self.who(account);
            self.at(instrument);
            self.number(C::Position, position.get());
            self.number(C::Amount, amount.get());
            self.number(C::Balance, balance.get());
            self.number(C::Value, covered.get());
        } else if let Event::InstrumentSettled { instrument, price, dust } = *event {
            self.at(instrument);
            self.number(C::Price, price.get());
            self.number(C::Amount, dust.get());
        } else {
            self.fill_in_prices(event);
        }
    }

    /// What happens to an index, and what comes of it.
    fn fill_in_prices(&mut self, event: &Event) {
        if let Event::OracleStateChanged { instrument, state } = *event {
            self.at(instrument);
            self.named(C::Detail, state);
        } else if let Event::SourcePriceTaken { instrument, source, price } = *event {
            self.at(instrument);
            self.number(C::Tag, source);
            self.number(C::Price, price.get());
        } else if let Event::IndexSourceSet { instrument, source, weight } = *event {
            self.at(instrument);
            self.number(C::Tag, source);
            self.number(C::Value, weight);
        } else if let Event::LiquidationHeld { account } | Event::LiquidationResumed { account } = *event {
            self.who(account);
        } else if let Event::FundingPaid { instrument, rate, per_lot, index } = *event {
            self.at(instrument);
            self.number(C::Value, rate.get());
            self.number(C::Amount, per_lot);
            self.number(C::Price, index.get());
        } else {
            self.fill_in_liquidation(event);
        }
    }
}
