//! Bursts of hundreds of orders, for the bounds on the work of one command.

use engine::{Action, Command, MassCancel, NewOrder, SessionId, TimeInForce, Transfer};
use risk::{AccountId, InstrumentId, Mark, Money, Price, Qty, Rate, Restriction, RiskGroupTerms, Side};

use super::generate::Generator;
use super::view::View;
use super::worlds::LOT_VALUE;
use super::{Numbering, Step};

/// Where accounts are ruined: the first instrument of every world with bursts has room for hundreds of lots.
const RUINOUS: InstrumentId = InstrumentId::new(0);
/// Small orders of one side in a ruin; more than one command cancels or matches.
const CROWD: i64 = 300;

impl Generator {
    /// Now and then queues a burst.
    pub(super) fn burst(&mut self, view: &View, session: SessionId) {
        if self.has_sources(RUINOUS) && self.rng.permille(150) {
            self.mistrust(view);
        } else if self.world.bursts && !self.world.assets.is_empty() && self.rng.permille(60) {
            self.misery(session);
        } else if self.world.bursts && self.rng.permille(80) {
            match self.rng.below(100) {
                0..25 => self.ruin(session),
                25..50 => self.flood(view, session),
                50..62 => self.desertion(view),
                62..82 => self.cascade(session),
                82..95 => self.call(view, session),
                _ => self.expulsion(view, session),
            }
        } else if self.rng.permille(60) {
            self.bargain(view, session);
        }
    }

    pub(super) fn soon(&mut self, session: SessionId, action: Action) {
        self.ahead.push_back(Step::from(Command::client(session, action)));
    }

    pub(super) fn enrich(&mut self, account: AccountId, lots: i64) {
        let amount = Money::new(LOT_VALUE * lots);
        self.soon(SessionId::new(0), Action::Deposit(Transfer::new(account, amount)));
    }

    pub(super) fn lots(
        &mut self,
        session: SessionId,
        (account, instrument): (AccountId, InstrumentId),
        (side, lots, price): (Side, i64, Price),
        time_in_force: TimeInForce,
    ) {
        let order = NewOrder {
            account,
            instrument,
            side,
            qty: Qty::new(self.spec(instrument).lot.get() * lots),
            limit: Some(price),
            time_in_force,
            post_only: time_in_force == TimeInForce::GoodTillCancel,
            reduce_only: false,
            persistent: self.rng.permille(100),
        };
        let client = self.client(session);
        let numbering = if self.world.sessions < session.get() { Numbering::Next } else { Numbering::None };
        let step = Step::from(Command::order(session, client, order));
        self.ahead.push_back(Step { numbering, ..step });
    }

    /// Hundreds of small orders of one account, then something that meets them all.
    fn flood(&mut self, view: &View, session: SessionId) {
        let (account, other) = (self.account(), self.account());
        let (instrument, side) = (self.instrument(), self.side());
        let count = if self.rng.permille(60) { 1_030 } else { self.rng.within(200, 560) };
        self.enrich(account, 100);
        for _ in 0..count {
            let price = self.limit(view, instrument, side);
            self.lots(session, (account, instrument), (side, 1, price), TimeInForce::GoodTillCancel);
        }
        if self.rng.permille(600) {
            self.enrich(other, 100);
            let lots = self.rng.within(257, 400);
            let price = self.far(view, instrument, side.opposite());
            let life = self.rng.pick(&[TimeInForce::ImmediateOrCancel, TimeInForce::FillOrKill]);
            self.lots(session, (other, instrument), (side.opposite(), lots, price), life);
        }
        if self.rng.permille(500) {
            self.soon(
                session,
                Action::MassCancel(MassCancel { account, instrument: None, side: None, tag: None }),
            );
        }
    }

    /// An account gives a position away for much less than it is worth, by an order that only reduces.
    fn bargain(&mut self, view: &View, session: SessionId) {
        let last = u32::try_from(self.world.instruments.len() - 1).expect("few");
        let instrument = InstrumentId::new(last);
        let Some(mark) = view.marks.get(&instrument).map(|mark| mark.floor_price().get()) else { return };
        let (poor, other) = (self.account(), self.account());
        self.enrich(poor, 1);
        self.enrich(other, 20);
        let (lasting, at_once) = (TimeInForce::GoodTillCancel, TimeInForce::ImmediateOrCancel);
        let cheap = mark.div_euclid(10) * 6;
        self.lots(session, (other, instrument), (Side::Sell, 20, Price::new(mark + 1)), lasting);
        self.lots(session, (poor, instrument), (Side::Buy, 20, Price::new(mark + 2)), at_once);
        self.soon(
            session,
            Action::MassCancel(MassCancel { account: other, instrument: None, side: None, tag: None }),
        );
        self.lots(session, (other, instrument), (Side::Buy, 20, Price::new(cheap)), lasting);
        self.lots(session, (poor, instrument), (Side::Sell, 20, Price::new(cheap)), at_once);
        if let Some(step) = self.ahead.back_mut()
            && let Action::NewOrder(order) = &mut step.command.action
        {
            order.reduce_only = true;
        }
    }

    /// An account buys hundreds of lots one by one and offers them one by one; then the price falls on hundreds of
    /// small bids.
    fn ruin(&mut self, session: SessionId) {
        let count = i64::from(self.world.accounts);
        let first = self.rng.within(0, count - 1);
        let nth = |index: i64| AccountId::new(16 + u32::try_from((first + index) % count).expect("small"));
        let (bold, seller, bidder) = (nth(0), nth(1), nth(2));
        let home = self.world.instruments[RUINOUS.index()].home;
        let tick = self.spec(RUINOUS).tick.get();
        let index = |price: i64| Action::index_price(RUINOUS, Mark::new(price << 10));
        for _ in 0..12 {
            self.soon(SessionId::new(0), index(home));
        }
        for (account, lots) in [(bold, 24), (seller, 200), (bidder, 200)] {
            let restriction = Restriction::None;
            let lift = Action::SetRestriction { account, restriction, cancel_orders: false };
            self.soon(SessionId::new(0), lift);
            self.soon(
                session,
                Action::MassCancel(MassCancel { account, instrument: None, side: None, tag: None }),
            );
            self.enrich(account, lots);
        }
        // One step may take all of it, at any price that leaves nobody below zero.
        let (all, most) = (Rate::ONE, Rate::new(4_000_000_000));
        let step_min = Money::new(LOT_VALUE * 10 * CROWD);
        let terms = RiskGroupTerms {
            step_share: all,
            urgency: all,
            target: most,
            step_min,
            ..RiskGroupTerms::DEFAULT
        };
        self.soon(SessionId::new(0), Action::SetRiskGroup { group: 2, terms: Box::new(terms) });
        self.soon(SessionId::new(0), Action::AssignRiskGroup { instrument: RUINOUS, group: 2 });
        let percent = home.div_euclid(100 * tick) * tick;
        let lasting = TimeInForce::GoodTillCancel;
        for _ in 0..CROWD {
            let price = Price::new(home - tick * self.rng.within(1, 20));
            self.lots(session, (bold, RUINOUS), (Side::Buy, 1, price), lasting);
        }
        let low = Price::new(home - 30 * tick);
        self.lots(session, (seller, RUINOUS), (Side::Sell, CROWD, low), TimeInForce::ImmediateOrCancel);
        for _ in 0..CROWD {
            let price = Price::new(home + 3 * percent + tick * self.rng.within(0, 40));
            self.lots(session, (bold, RUINOUS), (Side::Sell, 1, price), lasting);
        }
        for _ in 0..CROWD {
            let price = Price::new(home - 3 * percent - tick * self.rng.within(0, 40));
            self.lots(session, (bidder, RUINOUS), (Side::Buy, 1, price), lasting);
        }
        self.soon(SessionId::new(0), index(home - 5 * percent));
    }
}
