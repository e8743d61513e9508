//! What operators and market makers do: trading states, auctions, limits, settlements, groups, keys, protection, quotes.

use engine::{
    Action, ClientOrderId, Command, KeyId, MassQuote, Protection, ProtectionId, Quote, SessionId,
    TradingState,
};
use risk::{
    AccountId, InstrumentId, Mark, Money, OwnerGroupId, Price, Qty, Rate, Restriction, TradingLimits,
};

use super::Step;
use super::generate::Generator;
use super::view::View;
use super::worlds::LOT_VALUE;

/// Instruments that are settled, at most, in one world.
const SETTLEMENTS_MAX: u32 = 6;

impl Generator {
    /// Moves an instrument to another state; what is closed opens again soon.
    pub(super) fn state(&mut self, view: &View) -> Action {
        let closed: Vec<InstrumentId> =
            view.closed.keys().copied().filter(|&instrument| self.trades(instrument)).collect();
        if !closed.is_empty() && self.rng.permille(850) {
            let instrument = self.rng.pick(&closed);
            let state = if self.rng.permille(900) { TradingState::Open } else { self.any_state() };
            return Action::SetTradingState { instrument, state };
        }
        let instrument = self.instrument();
        if !self.trades(instrument) {
            return Action::Tick;
        }
        let short = u32::try_from(self.rng.within(0, 6)).expect("small");
        match self.rng.below(100) {
            0..30 => Action::StartAuction { instrument, call_ms: short },
            30..36 => Action::Restarted {
                cancel_only_ms: u32::try_from(self.rng.within(0, 2)).expect("small"),
                call_ms: short.min(3),
            },
            36..70 => Action::SetTradingState { instrument, state: self.any_state() },
            _ => Action::SetTradingState { instrument, state: TradingState::Open },
        }
    }

    fn any_state(&mut self) -> TradingState {
        self.rng.pick(&[
            TradingState::Open,
            TradingState::CancelOnly,
            TradingState::PreOpen,
            TradingState::PreOpen,
            TradingState::Auction,
            TradingState::Auction,
            TradingState::PostOnly,
            TradingState::PostOnly,
            TradingState::ReduceOnly,
            TradingState::ReduceOnly,
            TradingState::Halted,
            TradingState::Closed,
            TradingState::Settled,
        ])
    }

    /// Limits as the specification says, or narrower ones; now and then a pause close to the mark.
    pub(super) fn limits(&mut self, view: &View) -> Action {
        let instrument = self.instrument();
        let spec = self.spec(instrument);
        let mut limits = TradingLimits::of(&spec);
        let lots = |qty: Qty, percent: i64| {
            let lot = spec.lot.get();
            Qty::new((qty.get().div_euclid(100 * lot) * percent).max(1) * lot)
        };
        if self.rng.permille(450) {
            let mark = view.marks.get(&instrument).map_or(spec.tick.get(), |mark| mark.floor_price().get());
            let ticks = self.rng.within(0, 9);
            let band = i128::from(ticks * spec.tick.get()) * 1_000_000_000 + 500;
            let band = u32::try_from(band.div_euclid(i128::from(mark.max(1)))).unwrap_or(1);
            limits.limit_state_band = Rate::new(band.max(1));
            limits.limit_state_call_ms = u32::try_from(self.rng.within(1, 3)).expect("small");
        }
        if self.rng.permille(150) {
            limits.order_notional_max = Money::new(LOT_VALUE * self.rng.within(4, 60));
        }
        if self.rng.permille(150) {
            limits.order_qty_max = lots(spec.order_qty_max, self.rng.within(10, 100));
        }
        if self.rng.permille(150) {
            limits.position_max = lots(spec.position_max, self.rng.within(5, 100));
            limits.open_interest_max = lots(spec.open_interest_max, self.rng.within(5, 100));
        }
        if self.rng.permille(200) {
            limits.owner_position_max = lots(spec.position_max, self.rng.within(10, 200));
        }
        if self.rng.permille(100) {
            limits.orders_max = u32::try_from(self.rng.within(3, 60)).expect("small");
        }
        if self.rng.permille(60) {
            limits.price_band = self.rng.pick(&[Rate::new(0), Rate::new(600_000_000), spec.price_band]);
        }
        Action::SetLimits { instrument, limits: Box::new(limits) }
    }

    /// Ends an instrument, and begins another like it.
    pub(super) fn settlement(&mut self, view: &View) -> Action {
        let instrument = self.instrument();
        let crowded = self.world.bursts && self.rng.permille(400);
        let last = self.world.instruments.len() - 1;
        let ends = self.world.assets.is_empty()
            && instrument.get() > 0
            && instrument.index() <= last
            && view.marks.contains_key(&instrument);
        if !ends || self.settlements >= SETTLEMENTS_MAX || view.settled.contains(&instrument) {
            return Action::Settle { instrument, price: Mark::new(self.rng.pick(&[0, 1, i64::MAX])) };
        }
        self.settlements += 1;
        if crowded {
            self.crowd(view, instrument);
        }
        let venue = SessionId::new(0);
        let home = self.world.instruments[instrument.index()].home << 10;
        let mark = view.marks.get(&instrument).map_or(home, |mark| mark.get());
        let price = Mark::new(mark + mark.div_euclid(1000) * self.rng.within(-80, 80) + 1);
        self.soon(venue, Action::SetTradingState { instrument, state: TradingState::Closed });
        self.soon(venue, Action::Settle { instrument, price });
        let next = InstrumentId::new(u32::try_from(last + 1).expect("few"));
        let traded = self.world.instruments[instrument.index()].clone();
        self.soon(venue, Action::DefineInstrument { instrument: next, spec: Box::new(traded.spec.clone()) });
        self.soon(venue, Action::index_price(next, Price::new(traded.home).to_mark()));
        self.world.instruments.push(traded);
        Action::Tick
    }

    /// Owner groups, their restrictions, keys.
    pub(super) fn switch(&mut self, view: &View) -> Action {
        let groups = u64::from(self.rng.permille(30)) + 3;
        let group = OwnerGroupId::new(u32::try_from(self.rng.below(groups + 1)).expect("small"));
        match self.rng.below(100) {
            0..40 => {
                let account = self.account();
                if self.rng.permille(700) {
                    let all = engine::MassCancel::of_account(account);
                    self.soon(SessionId::new(0), Action::MassCancel(all));
                }
                self.soon(SessionId::new(0), Action::SetOwnerGroup { account, group });
                Action::Tick
            }
            40..60 => {
                let restriction = self.rng.pick(&[Restriction::ReduceOnly, Restriction::Suspended]);
                let restriction = if self.rng.permille(100) { Restriction::None } else { restriction };
                let cancel_orders = self.rng.permille(500);
                // Not for long.
                let lift = Action::SetGroupRestriction {
                    group,
                    restriction: Restriction::None,
                    cancel_orders: false,
                };
                let act = Action::SetGroupRestriction { group, restriction, cancel_orders };
                self.soon(SessionId::new(0), act);
                for _ in 0..4 {
                    let account = self.account();
                    let order = self.order(view, account);
                    self.soon_named(SessionId::new(0), order);
                }
                self.soon(SessionId::new(0), lift);
                Action::Tick
            }
            _ => {
                let suspended = self.rng.permille(400);
                let cancel_orders = self.rng.permille(if suspended { 400 } else { 20 });
                let key = KeyId::new(1 + self.rng.below(18));
                Action::SuspendKey { key, suspended, cancel_orders }
            }
        }
    }

    /// Limits of a protection group, or a reset.
    pub(super) fn protection(&mut self, account: AccountId) -> Action {
        let group = if self.rng.permille(20) { ProtectionId::new(0) } else { self.group() };
        if self.rng.permille(350) {
            return Action::ResetProtection { account, group };
        }
        let instrument = self.instrument();
        let lot = self.spec(instrument).lot.get();
        let some = |rng: &mut super::rng::Rng, most: i64| {
            if rng.permille(500) { rng.within(1, most) } else { 0 }
        };
        let few = u32::try_from(some(&mut self.rng, 6)).expect("small");
        Action::SetProtection(Protection {
            account,
            group,
            window_ms: u32::try_from(self.rng.within(0, 6)).expect("small"),
            frozen_ms: u32::try_from(self.rng.within(0, 4)).expect("small"),
            qty_limit: Qty::new(lot * some(&mut self.rng, 30)),
            delta_limit: Qty::new(lot * some(&mut self.rng, 30) - i64::from(self.rng.permille(20))),
            fills_limit: few,
        })
    }

    /// Quotes around the mark.
    pub(super) fn quotes(&mut self, view: &View, account: AccountId) -> Action {
        let count = if self.rng.permille(15) { self.rng.pick(&[0, 17]) } else { self.rng.within(1, 5) };
        let mut quotes = Vec::new();
        for place in 0..count {
            let instrument = self.instrument();
            let tick = self.spec(instrument).tick.get();
            let mark = view.marks.get(&instrument).map_or(30 * tick, |mark| mark.floor_price().get());
            let middle = mark.div_euclid(tick) + self.rng.within(-3, 3);
            let least = i64::from(self.rng.permille(900));
            let bid = (middle - self.rng.within(least, 5)) * tick;
            let ask = (middle + self.rng.within(least, 5)) * tick;
            let (bid_qty, ask_qty) = (self.quoted(instrument), self.quoted(instrument));
            let level = if self.rng.permille(10) { 16 } else { place % 4 };
            let level = u8::try_from(level).expect("small");
            let (bid, ask) = (Price::new(bid), Price::new(ask));
            quotes.push(Quote { instrument, level, bid, bid_qty, ask, ask_qty });
        }
        let protection = if self.rng.permille(300) { ProtectionId::new(0) } else { self.group() };
        let all_or_none = self.rng.permille(350);
        Action::MassQuote(Box::new(MassQuote { account, protection, all_or_none, quotes }))
    }

    /// A quantity to quote; none withdraws the side.
    fn quoted(&mut self, instrument: InstrumentId) -> Qty {
        let lot = self.spec(instrument).lot.get();
        Qty::new(if self.rng.permille(150) { 0 } else { lot * self.rng.within(1, 12) })
    }

    pub(super) fn soon_named(&mut self, session: SessionId, action: Action) {
        let client_order_id = if let Action::AdvancedOrder(order) = &action {
            self.client_of(session, order)
        } else if let Action::NewOrder(_) = &action {
            self.client(session)
        } else {
            ClientOrderId::new(0)
        };
        self.ahead.push_back(Step::from(Command { client_order_id, ..Command::client(session, action) }));
    }
}
