//! Bursts around triggers and auctions: rows of stops that fire each other, calls in which hundreds of orders cross.

use engine::{
    Action, AdvancedOrder, Instructions, NewOrder, SessionId, TimeInForce, TradingState, Trigger,
    TriggerKind, TriggerSource,
};
use risk::{AccountId, InstrumentId, Mark, OwnerGroupId, Price, Qty, Restriction, Side, TradingLimits};

use super::generate::Generator;
use super::view::View;

/// Where cascades run: room for hundreds of lots, and a tick that is small beside the band.
const STEEP: InstrumentId = InstrumentId::new(0);

impl Generator {
    /// Makes an instrument trade without anything narrow about it, and accounts trade in it.
    pub(super) fn clear(&mut self, instrument: InstrumentId, accounts: &[AccountId], lots: i64) {
        let venue = SessionId::new(0);
        let limits = Box::new(TradingLimits::of(&self.spec(instrument)));
        self.soon(venue, Action::SetLimits { instrument, limits });
        self.soon(venue, Action::SetTradingState { instrument, state: TradingState::Open });
        for &account in accounts {
            let restriction = Restriction::None;
            self.soon(venue, Action::SetRestriction { account, restriction, cancel_orders: false });
            self.soon(venue, Action::MassCancel(engine::MassCancel::of_account(account)));
            self.enrich(account, lots);
        }
    }

    fn three(&mut self) -> [AccountId; 3] {
        let count = i64::from(self.world.accounts);
        let first = self.rng.within(0, count - 1);
        let nth = |index: i64| AccountId::new(16 + u32::try_from((first + index) % count).expect("small"));
        [nth(0), nth(1), nth(2)]
    }

    /// A row of stops of one account, each of whose fills is the price that fires the next; or all at once, by the mark.
    pub(super) fn cascade(&mut self, session: SessionId) {
        let [holder, bidder, first] = self.three();
        self.clear(STEEP, &[holder, bidder, first], 60);
        let home = self.world.instruments[STEEP.index()].home;
        let tick = self.spec(STEEP).tick.get();
        for _ in 0..12 {
            self.soon(SessionId::new(0), Action::index_price(STEEP, Mark::new(home << 10)));
        }
        let count = self.rng.within(60, 180);
        let lasting = TimeInForce::GoodTillCancel;
        for place in 1..=count {
            let price = Price::new(home - place * tick);
            self.lots(session, (bidder, STEEP), (Side::Buy, 1, price), lasting);
        }
        let source = self.rng.pick(&[TriggerSource::Last, TriggerSource::Last, TriggerSource::Mark]);
        let limited = self.rng.permille(300);
        for place in 1..count {
            let price = Price::new(home - place * tick);
            let trigger = Some(Trigger { source, kind: TriggerKind::Stop, price });
            let order = NewOrder {
                account: holder,
                instrument: STEEP,
                side: Side::Sell,
                qty: self.spec(STEEP).lot,
                limit: limited.then(|| Price::new(home - (place + 5) * tick)),
                time_in_force: TimeInForce::ImmediateOrCancel,
                post_only: false,
                reduce_only: false,
                persistent: false,
            };
            let instructions = Instructions { trigger, ..Instructions::PLAIN };
            self.soon_named(session, Action::AdvancedOrder(AdvancedOrder { order, instructions }));
        }
        if source == TriggerSource::Mark {
            let index = home - (count + 1) * tick;
            self.soon(SessionId::new(0), Action::index_price(STEEP, Mark::new(index << 10)));
        } else {
            let low = Price::new(home - tick);
            self.lots(session, (first, STEEP), (Side::Sell, 1, low), TimeInForce::ImmediateOrCancel);
        }
    }

    /// Hundreds of orders of two accounts in one instrument, crossing each other.
    pub(super) fn crowd(&mut self, view: &View, instrument: InstrumentId) {
        let [buyer, seller, _] = self.three();
        let venue = SessionId::new(0);
        self.clear(instrument, &[buyer, seller], 120);
        self.soon(venue, Action::SetTradingState { instrument, state: TradingState::PreOpen });
        let tick = self.spec(instrument).tick.get();
        let mark = view.marks.get(&instrument).map_or(30 * tick, |mark| mark.floor_price().get());
        let count = self.rng.within(100, 330);
        for _ in 0..count {
            for (account, side) in [(buyer, Side::Buy), (seller, Side::Sell)] {
                let price = (mark.div_euclid(tick) + self.rng.within(-4, 4)) * tick;
                let order = NewOrder {
                    account,
                    instrument,
                    side,
                    qty: self.spec(instrument).lot,
                    limit: Some(Price::new(price)),
                    time_in_force: TimeInForce::GoodTillCancel,
                    post_only: false,
                    reduce_only: false,
                    persistent: false,
                };
                let display = if self.rng.permille(50) { order.qty } else { Qty::ZERO };
                let instructions = Instructions { display, ..Instructions::PLAIN };
                self.soon_named(venue, Action::AdvancedOrder(AdvancedOrder { order, instructions }));
            }
        }
    }

    /// A call in which hundreds of orders cross, and its end.
    pub(super) fn call(&mut self, view: &View, session: SessionId) {
        let instrument = STEEP;
        self.crowd(view, instrument);
        if self.rng.permille(500) {
            self.soon(session, Action::SetTradingState { instrument, state: TradingState::Open });
        } else {
            self.soon(SessionId::new(0), Action::StartAuction { instrument, call_ms: 1 });
            for _ in 0..22 {
                let account = self.account();
                let order = self.order(view, account);
                self.soon_named(SessionId::new(0), order);
            }
            self.soon(SessionId::new(0), Action::Tick);
        }
    }

    /// An owner group whose accounts have hundreds of orders loses them all.
    pub(super) fn expulsion(&mut self, view: &View, session: SessionId) {
        let accounts = self.three();
        let venue = SessionId::new(0);
        let group = OwnerGroupId::new(7);
        self.clear(STEEP, &accounts, 80);
        for account in accounts {
            self.soon(venue, Action::SetOwnerGroup { account, group });
        }
        for _ in 0..150 {
            for account in accounts {
                let price = self.limit(view, STEEP, Side::Buy);
                let lasting = TimeInForce::GoodTillCancel;
                self.lots(session, (account, STEEP), (Side::Buy, 1, price), lasting);
            }
        }
        for (restriction, cancel_orders) in [(Restriction::Suspended, true), (Restriction::None, false)] {
            self.soon(venue, Action::SetGroupRestriction { group, restriction, cancel_orders });
        }
        for account in accounts {
            self.soon(venue, Action::SetOwnerGroup { account, group: OwnerGroupId::new(0) });
        }
    }
}
