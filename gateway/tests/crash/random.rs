//! Seeded random numbers, and commands and events made from them.
//!
//! Invariant: the same seed gives the same numbers; a command and its events are a function of seed and sequence.

use engine::{
    Action, AmendOrder, CancelOnLoss, CancelOrder, ClientOrderId, ClientSeq, Command, Event, KeyId, KeyTerms,
    Logon, MassCancel, NewOrder, OrderId, OrderRef, Restriction, Seq, SessionId, SessionKind, Skip, Stamp,
    TimeInForce, TimeNs, TradingState, Transfer,
};
use gateway::log::LoggedCommand;
use risk::{AccountId, InstrumentId, InstrumentSpec, Leverage, Mark, Money, Price, Qty, Rate, Side};

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// An index below `length`.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below a length")
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.index(at + 1));
        }
    }

    fn small(&mut self) -> u32 {
        u32::try_from(self.below(1 << 20)).expect("below 2^20")
    }

    fn amount(&mut self) -> i64 {
        i64::try_from(self.below(1 << 40)).expect("below 2^40")
    }
}

/// The command of sequence `seq` in the run `seed`.
pub(crate) fn command(seed: u64, seq: u64) -> LoggedCommand {
    let mut random = Random::new(seed ^ seq.rotate_left(32));
    let session = SessionId::new(random.small());
    let stamp = Stamp { seq: Seq::new(seq), time: TimeNs::new(1_700_000_000_000_000_000 + seq * 1000) };
    let (received_ns, client_seq) = (random.next(), ClientSeq::new(random.next()));
    let (client_order_id, valid_until) = (ClientOrderId::new(random.next()), TimeNs::new(random.next()));
    let action = action(&mut random);
    let command = Command { session, client_seq, client_order_id, valid_until, action };
    LoggedCommand { stamp, received_ns, command }
}

fn action(random: &mut Random) -> Action {
    let account = AccountId::new(random.small());
    let instrument = InstrumentId::new(random.small());
    let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
    match random.below(72) {
        0..40 => Action::NewOrder(NewOrder {
            account,
            instrument,
            side,
            qty: Qty::new(random.amount()),
            limit: (random.below(4) > 0).then(|| Price::new(random.amount())),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: random.below(2) == 0,
            reduce_only: random.below(2) == 0,
            persistent: random.below(2) == 0,
        }),
        40..50 => {
            Action::CancelOrder(CancelOrder { account, order: OrderRef::Id(OrderId::new(random.next())) })
        }
        50..54 => Action::AmendOrder(AmendOrder {
            account,
            order: OrderRef::Client(ClientOrderId::new(random.next())),
            limit: Price::new(random.amount()),
            qty: Qty::new(random.amount()),
            post_only: false,
        }),
        54 => Action::MassCancel(MassCancel::of_account(account)),
        55 => Action::IndexPrice {
            instrument,
            source: 3,
            source_seq: random.next(),
            price: Mark::new(random.amount()),
        },
        56 => Action::Continue,
        57 => Action::Tick,
        58 => Action::OpenSession { session: SessionId::new(random.small()) },
        59 => Action::OpenAccount { account },
        60 => Action::Deposit(Transfer::new(account, Money::new(random.amount()))),
        61 => Action::SetLeverage { account, instrument, leverage: Leverage::new(random.small()) },
        62 => Action::SetTradingState { instrument, state: TradingState::CancelOnly },
        63..71 => of_session(random, account),
        _ => Action::DefineInstrument { instrument, spec: Box::new(spec(random)) },
    }
}

fn of_session(random: &mut Random, account: AccountId) -> Action {
    let (key, session) = (KeyId::new(random.next()), SessionId::new(random.small()));
    match random.below(8) {
        0 => {
            let (kinds, expires) = (random.small(), TimeNs::new(random.next()));
            Action::RegisterKey {
                key,
                terms: Box::new(KeyTerms { public: [7; 32], account, kinds, expires }),
            }
        }
        1 => Action::RevokeKey { key },
        2 => {
            let (kind, on_loss) = (SessionKind::OrderEntry, CancelOnLoss::KeepProtection);
            Action::Logon(Logon { key, tag: random.small(), kind, on_loss, grace_ms: random.small() })
        }
        3 => Action::Logoff { session, cancel_orders: random.below(2) == 0 },
        4 => Action::SessionLost { session },
        5 => {
            let (count, retry_after_ns) = (random.small(), random.next());
            Action::Skip(Skip { count, template: 100, code: 1_110, field: u16::MAX, retry_after_ns })
        }
        6 => Action::CancelAllAfter { account, timeout_ms: random.small(), keep_reduce_only: true },
        _ => {
            let (restriction, cancel_orders) = (Restriction::Suspended, random.below(2) == 0);
            Action::SetRestriction { account, restriction, cancel_orders }
        }
    }
}

fn spec(random: &mut Random) -> InstrumentSpec {
    let tiers: Vec<_> = (0..16)
        .map(|_| risk::Tier { floor: Money::new(random.amount()), rate: Rate::new(random.small()) })
        .collect();
    InstrumentSpec {
        symbol: [b'A'; 16],
        price_decimals: 2,
        qty_decimals: 3,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(random.amount()),
        order_qty_max: Qty::new(random.amount()),
        position_max: Qty::new(random.amount()),
        open_interest_max: Qty::new(random.amount()),
        price_band: Rate::new(1),
        market_collar: Rate::new(1),
        mark_step_max: Rate::new(1),
        maker_fee: risk::FeeRate::new(-1),
        taker_fee: Rate::new(1),
        liquidation_fee: Rate::new(1),
        initial_tiers: tiers.clone(),
        maintenance_tiers: tiers,
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

/// The events of sequence `seq` in the run `seed`.
pub(crate) fn events(seed: u64, seq: u64) -> Vec<Event> {
    let mut random = Random::new(!seed ^ seq.rotate_left(16));
    (0..random.below(3)).map(|_| Event::AccountOpened { account: AccountId::new(random.small()) }).collect()
}
