//! What comes and goes: keys, logons, losses, skipped numbers, dead-man timers, restrictions, unpunctual sources.

use engine::{
    Action, CancelOnLoss, Command, KeyId, KeyTerms, Logon, MassCancel, SessionId, SessionKind, Skip,
    TimeInForce, TimeNs,
};
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{AccountId, InstrumentId, Mark, Restriction};

use super::generate::Generator;
use super::view::{Bound, View};
use super::{Numbering, Step};

/// Keys of accounts in the beginning: one each.
const ACCOUNT_KEYS: u32 = 16;
/// Then an operator's, an oracle's, one that opens everything it may, and one whose time is over soon.
const OPERATOR: u64 = 1_001;
const ORACLE: u64 = 1_002;
const GREEDY: u64 = 1_003;
const BRIEF: u64 = 1_004;
/// Keys registered later count from here.
const LATER: u64 = 2_000;
/// The brief key's end: some thousand commands after the beginning.
const BRIEF_END: TimeNs = TimeNs::new(300_000_000);

const fn bit(kind: SessionKind) -> u32 {
    1 << kind as u8
}

const TRADES: u32 = bit(SessionKind::OrderEntry) | bit(SessionKind::DropCopy);

/// Sources that an index of several comes of, mostly.
const SOURCES: u64 = 4;

impl Generator {
    /// The keys there are from the start, and a session of each.
    pub(super) fn first_keys(&self) -> Vec<Action> {
        let owned = (0..ACCOUNT_KEYS.min(self.world.accounts))
            .map(|number| (u64::from(number) + 1, FIRST_USER_ACCOUNT + number, TRADES));
        let operators = [
            (OPERATOR, 0, bit(SessionKind::Admin)),
            (ORACLE, 0, bit(SessionKind::Oracle)),
            (GREEDY, FIRST_USER_ACCOUNT, TRADES),
            (BRIEF, FIRST_USER_ACCOUNT, TRADES),
        ];
        let mut actions = Vec::new();
        for (key, account, kinds) in owned.chain(operators) {
            let expires = if key == BRIEF { BRIEF_END } else { TimeNs::new(0) };
            let terms = KeyTerms { public: [7; 32], account: AccountId::new(account), kinds, expires };
            actions.push(Action::RegisterKey { key: KeyId::new(key), terms: Box::new(terms) });
            let kind = match key {
                OPERATOR => SessionKind::Admin,
                ORACLE => SessionKind::Oracle,
                _ => SessionKind::OrderEntry,
            };
            let (key, on_loss) = (KeyId::new(key), CancelOnLoss::KeepProtection);
            actions.push(Action::Logon(Logon { key, tag: 0, kind, on_loss, grace_ms: 100 }));
        }
        actions
    }

    /// A session bound to a key, if there is one.
    pub(super) fn bound(&mut self, view: &View) -> Option<SessionId> {
        let index = usize::try_from(self.rng.below(view.bound.len().max(1) as u64)).expect("small");
        view.bound.keys().nth(index).copied()
    }

    /// How a session numbers a command: in order but for now and then.
    pub(super) fn numbering(&mut self) -> Numbering {
        match self.rng.below(1000) {
            0..960 => Numbering::Next,
            960..975 => Numbering::Replayed,
            975..990 => Numbering::Gapped,
            _ => Numbering::None,
        }
    }

    /// Something about keys and sessions, by the venue's own session.
    pub(super) fn connection(&mut self, view: &View) -> Action {
        match self.rng.below(100) {
            0..8 => self.new_key(),
            8..12 => Action::RevokeKey { key: self.key_to_revoke() },
            12..60 if self.rng.permille(3) => {
                for tag in 0..90 {
                    let (key, on_loss) = (KeyId::new(GREEDY), CancelOnLoss::KeepProtection);
                    let kind = SessionKind::DropCopy;
                    let logon = Logon { key, tag, kind, on_loss, grace_ms: 100 };
                    self.soon(SessionId::new(0), Action::Logon(logon));
                }
                Action::Tick
            }
            12..60 => self.logon(),
            60..75 => {
                let session = self.some_session(view);
                Action::Logoff { session, cancel_orders: self.rng.permille(500) }
            }
            _ => Action::SessionLost { session: self.some_session(view) },
        }
    }

    fn some_session(&mut self, view: &View) -> SessionId {
        let bound = self.bound(view);
        let odd = SessionId::new(self.rng.pick(&[0, 1, 1_000_000]));
        if self.rng.permille(100) { odd } else { bound.unwrap_or(odd) }
    }

    fn key(&mut self) -> KeyId {
        let number = match self.rng.below(100) {
            0..70 => 1 + self.rng.below(u64::from(ACCOUNT_KEYS)),
            70..80 => self.rng.pick(&[OPERATOR, ORACLE, BRIEF]),
            80..95 => GREEDY,
            _ => LATER + self.rng.below(self.keys + 3),
        };
        KeyId::new(number)
    }

    /// One of those registered later, mostly: those of the beginning are in use.
    fn key_to_revoke(&mut self) -> KeyId {
        let number = if self.rng.permille(20) {
            1 + self.rng.below(u64::from(ACCOUNT_KEYS))
        } else {
            LATER + self.rng.below(self.keys + 3)
        };
        KeyId::new(number)
    }

    fn new_key(&mut self) -> Action {
        self.keys += u64::from(self.rng.permille(900));
        let kinds = match self.rng.below(10) {
            0 => self.rng.pick(&[0, 1, 8, 64, u32::MAX]),
            1 => bit(SessionKind::Admin),
            _ => TRADES,
        };
        let expires = TimeNs::new(if self.rng.permille(200) { self.rng.below(1 << 34) } else { 0 });
        let number = if self.rng.permille(10) { 0 } else { LATER + self.keys };
        let terms = KeyTerms { public: [9; 32], account: self.account(), kinds, expires };
        Action::RegisterKey { key: KeyId::new(number), terms: Box::new(terms) }
    }

    fn logon(&mut self) -> Action {
        let key = self.key();
        let tags = if key == KeyId::new(GREEDY) { 90 } else { 2 };
        let kind = match key.get() {
            OPERATOR => SessionKind::Admin,
            ORACLE => SessionKind::Oracle,
            _ if self.rng.permille(900) => SessionKind::OrderEntry,
            _ => self.rng.pick(SessionKind::ALL),
        };
        let tag = u32::try_from(self.rng.below(tags)).expect("small");
        let on_loss = self.rng.pick(CancelOnLoss::ALL);
        Action::Logon(Logon { key, tag, kind, on_loss, grace_ms: 100 })
    }

    /// What a bound session asks beside its orders.
    pub(super) fn own_affair(&mut self, view: &View, account: AccountId) -> Action {
        match self.rng.below(10) {
            0..5 => {
                let timeout_ms = u32::try_from(self.rng.below(40)).expect("small");
                let keep_reduce_only = self.rng.permille(500);
                Action::CancelAllAfter { account, timeout_ms, keep_reduce_only }
            }
            5..8 => {
                let count = u32::try_from(self.rng.below(5)).expect("small");
                Action::Skip(Skip { count, template: 100, code: 1_007, field: 4, retry_after_ns: 0 })
            }
            8 => Action::MassCancel(MassCancel { account, instrument: None, side: None, tag: None }),
            _ => self.connection(view),
        }
    }

    /// The operator's switch: thrown now and then, soon back again.
    pub(super) fn restriction(&mut self, view: &View) -> Action {
        let restricted = view.restricted.first_key_value().map(|(&account, _)| account);
        let (account, restriction) = match restricted {
            Some(account) if self.rng.permille(700) => (account, Restriction::None),
            _ => (self.account(), self.rng.pick(&[Restriction::ReduceOnly, Restriction::Suspended])),
        };
        let cancel_orders = self.rng.permille(if restriction == Restriction::None { 30 } else { 400 });
        Action::SetRestriction { account, restriction, cancel_orders }
    }

    /// Gives an index price a source with numbers that rise, mostly.
    pub(super) fn sourced(&mut self, action: Action) -> Action {
        let Action::IndexPrice { instrument, price, .. } = action else { return action };
        if self.rng.permille(700) {
            let sources = if self.has_sources(instrument) { SOURCES } else { 1 };
            let source = u16::try_from(self.rng.below(sources)).expect("small");
            return Action::IndexPrice { instrument, source, source_seq: 0, price };
        }
        self.prices += 1;
        let source_seq =
            if self.rng.permille(100) { self.prices.saturating_sub(40).max(1) } else { self.prices };
        let sources = if self.rng.permille(30) { 20 } else { 3 };
        let source = u16::try_from(self.rng.below(sources)).expect("small");
        Action::IndexPrice { instrument, source, source_seq, price }
    }

    /// Whether the index of an instrument comes of several sources.
    pub(super) fn has_sources(&self, instrument: InstrumentId) -> bool {
        let traded = self.world.instruments.get(instrument.index());
        traded.is_some_and(|traded| traded.spec.pricing.sources_min > 0)
    }

    /// A source counts more or less, or nothing for a while.
    pub(super) fn weight(&mut self, instrument: InstrumentId) -> Action {
        let source = u16::try_from(self.rng.below(SOURCES + 1)).expect("small");
        let weight = self.rng.pick(&[0, 1, 1, 1, 2, 5]);
        Action::SetIndexSource { instrument, source, weight }
    }

    /// All sources of the first index jump, every other price falls by half while nobody trusts it, and money comes in for some
    /// whose liquidation waits; then they return.
    pub(super) fn mistrust(&mut self, view: &View) {
        let (venue, first) = (SessionId::new(0), InstrumentId::new(0));
        let home = self.world.instruments[0].home << 10;
        let say = |price: i64| {
            (0..u16::try_from(SOURCES).expect("few")).map(move |source| Action::IndexPrice {
                instrument: first,
                source,
                source_seq: 0,
                price: Mark::new(price),
            })
        };
        let jump = home.div_euclid(1000) * self.rng.pick(&[-300, 200, 400]);
        let mut actions: Vec<Action> = say(home).chain(say(home + jump)).collect();
        for (&instrument, mark) in view.marks.iter().filter(|(instrument, _)| **instrument != first) {
            actions.push(Action::index_price(instrument, Mark::new(mark.get() >> 1)));
        }
        for _ in 0..6 {
            let amount = risk::Money::new(self.rng.within(1, super::worlds::LOT_VALUE * 4));
            actions.push(Action::Deposit(engine::Transfer::new(self.account(), amount)));
        }
        actions.extend((0..3).flat_map(|_| say(home)));
        for action in actions {
            self.soon(venue, action);
        }
    }

    /// Bound sessions place hundreds of orders, and then are lost, or all fall silent.
    pub(super) fn desertion(&mut self, view: &View) {
        let mut deserters = Vec::new();
        for _ in 0..6 {
            let trades = |session: &SessionId| view.bound[session].kind == SessionKind::OrderEntry;
            deserters.extend(self.bound(view).filter(trades));
        }
        let silent = self.rng.permille(600);
        let count = if silent { self.rng.within(60, 300) } else { 400 };
        deserters.truncate(if silent { 6 } else { 1 });
        for &session in &deserters {
            let Bound { key, tag, kind, account } = view.bound[&session];
            if !silent {
                let terms = Logon { key, tag, kind, on_loss: CancelOnLoss::All, grace_ms: 0 };
                self.soon(SessionId::new(0), Action::Logon(terms));
            }
            let (instrument, side) = (InstrumentId::new(0), self.side());
            self.enrich(account, 60);
            for _ in 0..count {
                let price = self.limit(view, instrument, side);
                self.lots(session, (account, instrument), (side, 1, price), TimeInForce::GoodTillCancel);
            }
            if silent {
                let guard = Action::CancelAllAfter { account, timeout_ms: 1, keep_reduce_only: true };
                self.soon_numbered(session, guard);
            } else {
                self.soon(SessionId::new(0), Action::SessionLost { session });
            }
        }
        if silent {
            // Longer than the timers.
            for _ in 0..25 {
                self.soon(SessionId::new(0), Action::Withdraw(risk_nothing()));
            }
            self.soon(SessionId::new(0), Action::Tick);
        }
    }

    fn soon_numbered(&mut self, session: SessionId, action: Action) {
        let step = Step::from(Command::client(session, action));
        self.ahead.push_back(Step { numbering: Numbering::Next, ..step });
    }

    /// Several sources of one instrument at once; more than there may be.
    pub(super) fn crowd_of_sources(&mut self) {
        for source in 0..20 {
            let price = Mark::new(self.world.instruments[0].home << 10);
            let instrument = InstrumentId::new(0);
            self.prices += 1;
            let action = Action::IndexPrice { instrument, source, source_seq: self.prices, price };
            self.soon(SessionId::new(0), action);
        }
    }
}

/// A withdrawal that is refused: time passes.
const fn risk_nothing() -> engine::Transfer {
    engine::Transfer::new(AccountId::new(0), risk::Money::new(1))
}
