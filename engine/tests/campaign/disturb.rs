//! What disturbs the trading: prices, money, settings, nonsense and bursts.

use engine::{Action, CancelOrder, Command, OrderId, OrderRef, SessionId, Transfer};
use risk::limits::MONEY_MAX;
use risk::{AccountId, InstrumentId, InstrumentSpec, Leverage, Mark, Money};

use super::Step;
use super::generate::{Generator, QUARTER_LOT};
use super::view::View;

impl Generator {
    /// The index wanders around its home; now and then it jumps.
    pub(super) fn price(&mut self, view: &View) -> Action {
        let instrument = self.instrument();
        let last = self.world.instruments.len() - 1;
        let home = self.world.instruments[instrument.index().min(last)].home << 10;
        if instrument.index() == last && !view.marks.contains_key(&instrument) && !self.rng.permille(20) {
            return Action::Tick;
        }
        let mark = view.marks.get(&instrument).map_or(home, |mark| mark.get());
        let share = |permille: i64| mark.div_euclid(1000) * permille;
        let pull = (home - mark).div_euclid(40);
        let moved = match self.rng.below(1000) {
            0..700 => share(self.rng.within(-2, 2)) + self.rng.within(-700, 700),
            700..880 => share(self.rng.within(-15, 15)),
            880..980 => share(self.rng.within(-120, 120)),
            // Exactly home, where bands and collars end on whole ticks.
            980..986 => home - mark - pull,
            986..994 => share(self.rng.within(-500, 900)),
            _ => {
                return Action::index_price(instrument, Mark::new(self.rng.pick(&[0, -1, i64::MAX])));
            }
        };
        if self.has_sources(instrument) && self.rng.permille(20) {
            return self.weight(instrument);
        }
        let price = Mark::new(mark + pull + moved);
        self.sourced(Action::index_price(instrument, price))
    }

    pub(super) fn money(&mut self, view: &View) -> Action {
        if !self.world.assets.is_empty() && self.rng.permille(600) {
            return self.coin(view);
        }
        let account = self.account();
        let balance = view.balances.get(&account).copied().unwrap_or(0);
        let amount = match self.rng.below(100) {
            0..50 => self.rng.within(1, QUARTER_LOT * 4),
            50..80 => balance.max(1) - self.rng.within(0, balance.max(1)),
            80..92 => balance,
            92..97 => balance + 1,
            _ => self.rng.pick(&[0, -1, i64::MIN, MONEY_MAX, i64::MAX]),
        };
        let external_id = self.external_id();
        let transfer = Transfer { external_id, ..Transfer::new(account, Money::new(amount)) };
        let rich = balance > QUARTER_LOT * 30;
        let pays_out = self.rng.permille(if rich { 900 } else { 550 });
        self.sent_again(if pays_out { Action::Withdraw(transfer) } else { Action::Deposit(transfer) })
    }

    pub(super) fn leverage(&mut self, account: AccountId) -> Action {
        let hundredths = match self.rng.below(100) {
            0..35 => 0,
            35..85 => u32::try_from(self.rng.within(100, 10_000)).expect("positive"),
            85..95 => u32::try_from(self.rng.within(1, 99)).expect("positive"),
            _ => self.rng.pick(&[10_001, 100_000, u32::MAX]),
        };
        let instrument = self.instrument();
        Action::SetLeverage { account, instrument, leverage: Leverage::new(hundredths) }
    }

    /// What hardly anybody sends.
    pub(super) fn odd(&mut self, view: &View) -> Action {
        match self.rng.below(9) {
            0 => Action::Continue,
            1 => Action::OpenSession { session: SessionId::new(self.rng.pick(&[0, 1, 7, u32::MAX])) },
            2 => Action::OpenAccount { account: AccountId::new(self.rng.pick(&[0, 9, 16, 17, 5_000_000])) },
            3 => {
                let number = self.rng.pick(&[0, 1, u32::MAX]);
                let spec = Box::new(self.spec(InstrumentId::new(0)));
                Action::DefineInstrument { instrument: InstrumentId::new(number), spec }
            }
            4 => {
                // Unsound: a rebate above the taker fee.
                let next = u32::try_from(self.world.instruments.len()).expect("few");
                let spec = self.spec(InstrumentId::new(0));
                let spec = InstrumentSpec { taker_fee: risk::Rate::new(0), ..spec };
                Action::DefineInstrument { instrument: InstrumentId::new(next), spec: Box::new(spec) }
            }
            5 => {
                let unknown = SessionId::new(self.world.sessions + 1);
                self.ahead.push_back(Step::from(Command::client(unknown, Action::Tick)));
                Action::Tick
            }
            6 => {
                let order = OrderRef::Id(OrderId::new(self.rng.next() >> self.rng.below(64)));
                Action::CancelOrder(CancelOrder { account: self.account(), order })
            }
            7 => {
                self.crowd_of_sources();
                Action::Tick
            }
            _ => {
                let account = self.account();
                self.order(view, account)
            }
        }
    }
}
