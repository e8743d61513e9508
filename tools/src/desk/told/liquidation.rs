//! What is told of liquidation and of deleveraging.
//!
//! Invariant: as of every fact: people and programs read the same decimals.

use gateway::wire::private::{
    BadDebtBooked, Deleveraged, DeleveragingAsked, DeleveragingEnded, DeleveragingPlanned, FromVenue,
    LiquidationPaced, LiquidationStepped, PositionAssumed,
};

use super::Teller;
use super::margin::RATIO_DECIMALS;

impl Teller<'_> {
    /// Whichever of these a message is.
    pub(super) fn backing(&mut self, message: &FromVenue) -> Option<&'static str> {
        if let FromVenue::LiquidationStepped(event) = message {
            Some(self.stepped(event))
        } else if let FromVenue::LiquidationPaced(event) = message {
            Some(self.paced(event))
        } else if let FromVenue::Deleveraged(event) = message {
            Some(self.deleveraged(event))
        } else if let FromVenue::BadDebtBooked(event) = message {
            Some(self.bad_debt(event))
        } else if let FromVenue::PositionAssumed(event) = message {
            Some(self.assumed(event))
        } else if let FromVenue::DeleveragingAsked(event) = message {
            Some(self.deleveraging_asked(event))
        } else if let FromVenue::DeleveragingPlanned(event) = message {
            Some(self.deleveraging_planned(event))
        } else if let FromVenue::DeleveragingEnded(event) = message {
            Some(self.deleveraging_ended(event))
        } else {
            None
        }
    }

    fn stepped(&mut self, event: &LiquidationStepped) -> &'static str {
        let at = event.instrument_id;
        let asset = self.instruments.settlement(at);
        self.put("account", event.account_id.get()).put("step", event.step);
        self.put("instrument", self.instruments.name(at));
        self.put("position", self.instruments.qty(at, event.position_qty));
        self.put("quantity", self.instruments.qty(at, event.qty.get()));
        self.put("needed", self.instruments.qty(at, event.needed_qty.get()));
        self.put("depth", self.instruments.qty(at, event.depth_qty.get()));
        if let Some(limit) = event.limit_px.get() {
            self.put("limit", self.instruments.limit(at, limit));
        }
        self.money("equity", event.equity).money("maintenance", event.maintenance_margin);
        self.amount("asked", asset, event.asked).amount("at_bankruptcy", asset, event.at_bankruptcy);
        self.amount("allowance", asset, event.allowance).put("seq", event.engine_seq.get());
        "liquidation step"
    }

    fn paced(&mut self, event: &LiquidationPaced) -> &'static str {
        self.put("account", event.account_id.get()).put("steps", event.step);
        self.put("seq", event.engine_seq.get());
        "liquidation waits"
    }

    fn deleveraged(&mut self, event: &Deleveraged) -> &'static str {
        let at = event.instrument_id;
        let asset = self.instruments.settlement(at);
        self.put("account", event.account_id.get()).put("request", event.request);
        self.put("quantity", self.instruments.qty(at, event.qty));
        self.put("instrument", self.instruments.name(at));
        self.amount("amount", asset, event.amount);
        self.put("held_lots", event.held_lots).put("open_lots", event.open_lots);
        self.money("equity", event.equity).ratio("level", event.level_e9, RATIO_DECIMALS);
        self.put("position", self.instruments.qty(at, event.position_qty));
        self.amount("balance", asset, event.balance).put("seq", event.engine_seq.get());
        "deleveraged"
    }

    fn bad_debt(&mut self, event: &BadDebtBooked) -> &'static str {
        let asset = event.asset_id;
        self.put("account", event.account_id.get());
        self.asset("asset", asset).amount("amount", asset, event.amount);
        self.put("seq", event.engine_seq.get());
        "bad debt"
    }

    fn assumed(&mut self, event: &PositionAssumed) -> &'static str {
        let at = event.instrument_id;
        let asset = self.instruments.settlement(at);
        self.put("account", event.account_id.get());
        self.put("quantity", self.instruments.qty(at, event.qty));
        self.put("instrument", self.instruments.name(at));
        self.amount("amount", asset, event.amount).put("seq", event.engine_seq.get());
        "assumed"
    }

    fn deleveraging_asked(&mut self, event: &DeleveragingAsked) -> &'static str {
        let at = event.instrument_id;
        let asset = self.instruments.settlement(at);
        self.put("request", event.request).put("round", event.round);
        self.put("quantity", self.instruments.qty(at, event.position_qty));
        self.put("instrument", self.instruments.name(at));
        self.amount("amount", asset, event.amount);
        self.money("lot_value", event.lot_value).money("haircut", event.haircut);
        if let Some(plan_by) = event.plan_by.get() {
            self.put("plan_by_ns", plan_by.get());
        }
        self.put("seq", event.engine_seq.get());
        "deleveraging"
    }

    fn deleveraging_planned(&mut self, event: &DeleveragingPlanned) -> &'static str {
        self.put("request", event.request).ratio("level", event.level_e9, RATIO_DECIMALS);
        self.put("holders", event.holders).put("lots", event.lots).money("equity", event.equity);
        self.put("by", if event.by_worker == 0 { "venue" } else { "worker" });
        self.put("commitment", format!("{:?}", event.commitment)).put("seq", event.engine_seq.get());
        "deleveraging planned"
    }

    fn deleveraging_ended(&mut self, event: &DeleveragingEnded) -> &'static str {
        let at = event.instrument_id;
        let asset = self.instruments.settlement(at);
        self.put("request", event.request);
        self.put("instrument", self.instruments.name(at));
        self.put("given_up", self.instruments.qty(at, event.given_up_qty));
        self.put("left", self.instruments.qty(at, event.left_qty));
        self.amount("dust", asset, event.dust).put("seq", event.engine_seq.get());
        "deleveraging ended"
    }
}
