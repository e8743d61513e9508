//! Orders with instructions, batches and amendments of triggers: mostly sound, now and then a contradiction.

use engine::{
    Action, AdvancedOrder, AmendTrigger, BatchMode, BatchedOrder, ClientOrderId, Exit, Instructions,
    NewOrder, OrderBatch, OrderRef, OrderTag, Pricing, ProtectionId, SelfTrade, SessionId, TimeInForce,
    TimeNs, Trigger, TriggerKind, TriggerSource,
};
use risk::{AccountId, InstrumentId, Price, Qty, Side};

use super::STEP_NS;
use super::generate::{Generator, QUARTER_LOT};
use super::view::View;

impl Generator {
    fn source(&mut self) -> TriggerSource {
        self.rng.pick(&[TriggerSource::Last, TriggerSource::Last, TriggerSource::Mark, TriggerSource::Index])
    }

    /// A price a few ticks beyond the mark on the side where a trigger waits; now and then where it fires at once.
    fn trigger_price(&mut self, view: &View, instrument: InstrumentId, above: bool) -> Price {
        let tick = self.spec(instrument).tick.get();
        let mark = view.marks.get(&instrument).map_or(40 * tick, |mark| mark.floor_price().get());
        let away = match self.rng.below(100) {
            0..80 => self.rng.within(0, 9),
            80..90 => self.rng.within(-4, 0),
            90..97 => self.rng.within(5, 60),
            _ => return Price::new(self.rng.pick(&[0, -tick, 1, i64::MAX, tick - 1])),
        };
        Price::new((mark.div_euclid(tick) + if above { away } else { -away }) * tick)
    }

    fn trigger(&mut self, view: &View, instrument: InstrumentId, side: Side) -> Trigger {
        let kind = self.rng.pick(&[
            TriggerKind::Stop,
            TriggerKind::Stop,
            TriggerKind::TakeProfit,
            TriggerKind::Trailing,
        ]);
        let source = self.source();
        let price = match kind {
            TriggerKind::Trailing => Price::new(self.spec(instrument).tick.get() * self.rng.within(1, 8)),
            TriggerKind::Stop => self.trigger_price(view, instrument, side == Side::Buy),
            TriggerKind::TakeProfit => self.trigger_price(view, instrument, side == Side::Sell),
        };
        Trigger { source, kind, price }
    }

    fn exit(&mut self, view: &View, order: &NewOrder, profit: bool) -> Exit {
        let above = (order.side == Side::Buy) == profit;
        let trigger = self.trigger_price(view, order.instrument, above);
        let limited = self.rng.permille(400);
        let limit = limited.then(|| self.limit(view, order.instrument, order.side.opposite()));
        Exit { source: self.source(), trigger, limit }
    }

    /// A multiple of the lot up to the order's quantity, mostly.
    fn part(&mut self, order: &NewOrder) -> Qty {
        let lot = self.spec(order.instrument).lot.get();
        if self.rng.permille(20) {
            return Qty::new(self.rng.pick(&[-lot, 1, order.qty.get().saturating_add(lot)]));
        }
        let lots = order.qty.get().div_euclid(lot).clamp(1, 1_000_000);
        Qty::new(self.rng.within(1, lots) * lot)
    }

    fn expiry(&mut self, view: &View) -> TimeNs {
        match self.rng.below(100) {
            0..85 => TimeNs::new(view.now + STEP_NS * self.rng.below(600)),
            85..97 => Instructions::END_OF_DAY,
            _ => TimeNs::new(1),
        }
    }

    /// An order with instructions.
    pub(super) fn special(&mut self, view: &View, account: AccountId) -> Action {
        match self.order(view, account) {
            Action::NewOrder(order) => Action::AdvancedOrder(self.instructed(view, order)),
            other => other,
        }
    }

    fn instructed(&mut self, view: &View, order: NewOrder) -> AdvancedOrder {
        let self_trade = self.rng.pick(SelfTrade::ALL);
        let tag = OrderTag::new(self.rng.below(4));
        let instructions = Instructions { self_trade, tag, ..Instructions::PLAIN };
        let mut advanced = AdvancedOrder { order, instructions };
        match self.rng.below(100) {
            0..32 => self.with_trigger(view, &mut advanced),
            32..46 => self.as_iceberg(&mut advanced),
            46..54 => advanced.instructions.min_qty = self.part(&order),
            54..60 => {
                self.resting(view, &mut advanced);
                advanced.order.post_only = true;
                advanced.instructions.slides = true;
            }
            60..67 => {
                advanced.order.limit = None;
                advanced.order.time_in_force = TimeInForce::GoodTillCancel;
                advanced.instructions.pricing = Pricing::MarketToLimit;
            }
            67..74 => self.for_money(&mut advanced),
            74..79 => self.closing(view, &mut advanced),
            79..93 => self.with_exits(view, &mut advanced),
            93..97 => advanced.instructions.protection = self.group(),
            _ => self.contradictory(view, &mut advanced),
        }
        if self.rng.permille(120) {
            advanced.instructions.expires = self.expiry(view);
        }
        advanced
    }

    /// Makes it an order that may rest.
    fn resting(&mut self, view: &View, advanced: &mut AdvancedOrder) {
        advanced.order.time_in_force = TimeInForce::GoodTillCancel;
        if advanced.order.limit.is_none() {
            advanced.order.limit = Some(self.limit(view, advanced.order.instrument, advanced.order.side));
        }
    }

    fn with_trigger(&mut self, view: &View, advanced: &mut AdvancedOrder) {
        let NewOrder { instrument, side, .. } = advanced.order;
        advanced.instructions.trigger = Some(self.trigger(view, instrument, side));
        if !self.rng.permille(30) {
            advanced.order.post_only = false;
        }
        match self.rng.below(10) {
            0..4 => advanced.order.limit = None,
            4 => {
                advanced.order.limit = None;
                advanced.order.reduce_only = true;
                advanced.order.qty = Qty::ZERO;
                advanced.instructions.pricing = Pricing::ClosePosition;
            }
            5 => self.as_iceberg(advanced),
            6 => advanced.order.reduce_only = true,
            _ => {}
        }
    }

    fn as_iceberg(&mut self, advanced: &mut AdvancedOrder) {
        advanced.order.time_in_force = TimeInForce::GoodTillCancel;
        let lot = self.spec(advanced.order.instrument).lot.get();
        let display = if self.rng.permille(700) {
            Qty::new(lot * self.rng.within(1, 3))
        } else {
            self.part(&advanced.order)
        };
        advanced.instructions.display = display;
    }

    fn for_money(&mut self, advanced: &mut AdvancedOrder) {
        advanced.order.limit = None;
        advanced.order.post_only = false;
        advanced.order.time_in_force =
            self.rng.pick(&[TimeInForce::ImmediateOrCancel, TimeInForce::FillOrKill]);
        advanced.instructions.pricing = Pricing::QuoteNotional;
        advanced.order.qty = Qty::new(self.rng.within(QUARTER_LOT, QUARTER_LOT * 40));
    }

    fn closing(&mut self, view: &View, advanced: &mut AdvancedOrder) {
        let order = &mut advanced.order;
        let held = view.positions.get(&(order.account, order.instrument)).copied().unwrap_or(0);
        order.side = if held > 0 { Side::Sell } else { Side::Buy };
        order.limit = None;
        order.post_only = false;
        order.reduce_only = true;
        order.qty = Qty::ZERO;
        order.time_in_force = TimeInForce::ImmediateOrCancel;
        advanced.instructions.pricing = Pricing::ClosePosition;
    }

    fn with_exits(&mut self, view: &View, advanced: &mut AdvancedOrder) {
        advanced.order.reduce_only = self.rng.permille(10);
        let order = advanced.order;
        if self.rng.permille(850) {
            advanced.instructions.take_profit = Some(self.exit(view, &order, true));
        }
        if self.rng.permille(850) {
            advanced.instructions.stop_loss = Some(self.exit(view, &order, false));
        }
        if self.rng.permille(200) {
            self.as_iceberg(advanced);
        }
    }

    /// Anything with anything.
    fn contradictory(&mut self, view: &View, advanced: &mut AdvancedOrder) {
        advanced.instructions.pricing = self.rng.pick(Pricing::ALL);
        advanced.instructions.slides = self.rng.permille(300);
        if self.rng.permille(400) {
            advanced.instructions.display = self.part(&advanced.order);
        }
        if self.rng.permille(400) {
            advanced.instructions.min_qty = self.part(&advanced.order);
        }
        if self.rng.permille(400) {
            advanced.instructions.protection = self.group();
        }
        if self.rng.permille(400) {
            self.with_trigger(view, advanced);
        }
        if self.rng.permille(300) {
            self.with_exits(view, advanced);
        }
    }

    pub(super) fn group(&mut self) -> ProtectionId {
        ProtectionId::new(u16::try_from(self.rng.within(1, 5)).expect("small"))
    }

    /// Several orders at once, their numbers in order, mostly.
    pub(super) fn batch(&mut self, view: &View, session: SessionId, account: AccountId) -> Option<Action> {
        let mode = self.rng.pick(BatchMode::ALL);
        let count = match mode {
            BatchMode::OneCancelsOther => 2 + u64::from(self.rng.permille(20)),
            BatchMode::Each | BatchMode::Atomic if self.rng.permille(30) => self.rng.pick(&[0, 16, 17]),
            BatchMode::Each | BatchMode::Atomic => 1 + self.rng.below(6),
        };
        let mut orders = Vec::new();
        let together = self.instrument();
        for _ in 0..count {
            let Action::NewOrder(mut order) = self.order(view, account) else { return None };
            if mode == BatchMode::OneCancelsOther && !self.rng.permille(20) {
                order.instrument = together;
                let lot = self.spec(together).lot.get();
                order.qty = Qty::new(lot * self.rng.within(1, 12));
                order.limit = order.limit.map(|_| self.limit(view, together, order.side));
            }
            if self.rng.permille(10) {
                order.account = self.account();
            }
            let plain = AdvancedOrder { order, instructions: Instructions::PLAIN };
            let order = if self.rng.permille(500) { self.instructed(view, order) } else { plain };
            let client_order_id = self.client_of(session, &order);
            orders.push(BatchedOrder { client_order_id, order });
        }
        Some(Action::OrderBatch(Box::new(OrderBatch { account, mode, orders })))
    }

    /// The number of an order, and those of its exits.
    pub(super) fn client_of(&mut self, session: SessionId, order: &AdvancedOrder) -> ClientOrderId {
        let number = self.client(session);
        let said = &order.instructions;
        if said.take_profit.is_some() || said.stop_loss.is_some() {
            self.skip_clients(session, 2);
        }
        number
    }

    /// Amends some order that sleeps, mostly.
    pub(super) fn amend_sleeper(&mut self, view: &View, session: &mut SessionId) -> Option<Action> {
        let index = usize::try_from(self.rng.below(view.sleepers.len().max(1) as u64)).expect("small");
        let number = *view.sleepers.iter().nth(index)?;
        let known = if self.rng.permille(950) { view.alive.get(&number) } else { None };
        let order = match known {
            Some(order) => *order,
            None => self.known(view)?,
        };
        *session = order.session;
        let lot = self.spec(order.instrument).lot.get();
        let above = self.rng.permille(500);
        let trigger = if self.rng.permille(800) {
            self.trigger_price(view, order.instrument, above)
        } else {
            Price::new(self.spec(order.instrument).tick.get() * self.rng.within(1, 8))
        };
        let limit = match self.rng.below(10) {
            0..4 if order.price > 0 => Some(Price::new(order.price)),
            0..7 => None,
            _ => Some(self.limit(view, order.instrument, order.side)),
        };
        let qty = match self.rng.below(10) {
            0..7 => order.leaves,
            7 => 0,
            _ => lot * self.rng.within(1, 12),
        };
        let account = self.owner(&order);
        let order = OrderRef::Client(order.client);
        Some(Action::AmendTrigger(AmendTrigger { account, order, trigger, limit, qty: Qty::new(qty) }))
    }
}
