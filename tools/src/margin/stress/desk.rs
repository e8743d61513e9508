//! The venue that a recording is played on, with one market maker who shows the same depth around every price.
//!
//! Invariant: what is counted is read from events. This is the only file of the stress run that makes commands.

use std::collections::BTreeMap;

use anyhow::bail;
use engine::{
    Action, ClientOrderId, Command, Event, Events, MarginState, MassCancel, NewOrder, Reject, Seq, SessionId,
    Stamp, TimeInForce, TimeNs, Transfer, Venue,
};
use risk::limits::{FIRST_USER_ACCOUNT, NOTIONAL_MAX, QTY_MAX};
use risk::{
    AccountId, Capacity, FillKind, FundingTerms, InstrumentId, InstrumentSpec, Mark, Money, Price,
    PricingTerms, Qty, Rate, Side, Tier,
};

use super::recorded::{Quote, Recording, Symbol};
use super::{IndexOf, StressArgs};
use crate::flow::recorded::{Decimals, instrument};
use crate::margin::brackets::BracketFile;

const SESSION: SessionId = SessionId::new(1);
pub(super) const MAKER: AccountId = AccountId::new(FIRST_USER_ACCOUNT);
/// Decimals of money: millionths of a dollar.
pub(super) const MONEY_DECIMALS: u8 = 6;
/// One dollar.
pub(super) const DOLLAR: i64 = 1_000_000;
const SECOND_NS: u64 = 1_000_000_000;
/// Where the market maker's orders stand from the price, in parts per thousand, each with half of the depth.
const DISTANCES: [i64; 2] = [1, 5];
/// Sources of a robust index, by number.
const SPOT: u16 = 1;
const PERP: u16 = 2;
const MARK: u16 = 3;

/// What happened so far.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Counts {
    pub(super) warnings: u64,
    pub(super) liquidations: u64,
    pub(super) liquidation_fills: u64,
    pub(super) takeovers: u64,
    /// Paid by the insurance account for debts of liquidated accounts.
    pub(super) covered: i64,
    pub(super) held: u64,
    pub(super) funding_payments: u64,
    pub(super) commands: u64,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) venue: Venue,
    events: Events,
    seq: u64,
    time_ns: u64,
    numbers: u64,
    index: IndexOf,
    depth: Money,
    pub(super) counts: Counts,
    /// Who was liquidated, and when first.
    pub(super) liquidated: BTreeMap<AccountId, u64>,
    pub(super) rejects: BTreeMap<Reject, u64>,
    /// Lowest mark of each instrument.
    pub(super) lowest: Vec<Mark>,
    /// Index prices so far; the last one's number.
    said: u64,
}

/// Index of three sources, two of which must be live; a mark of three components within two percent of it.
const ROBUST: PricingTerms = PricingTerms {
    sources_min: 2,
    stale_ns: 3_600 * SECOND_NS,
    outlier: Rate::new(30_000_000),
    uncertain: Rate::new(0),
    wild: Rate::new(0),
    confirmations: 0,
    component_band: Rate::new(20_000_000),
    basis_tau_ns: 150 * SECOND_NS,
    stable_step: Rate::new(300_000),
    frozen_step: Rate::new(10_000_000),
};

/// Every eight hours, quoted for eight.
const FUNDING: FundingTerms = FundingTerms {
    interval_ns: 28_800 * SECOND_NS,
    rate_period_ns: 28_800 * SECOND_NS,
    impact_notional: Money::new(20_000 * DOLLAR),
    interest: Rate::new(100_000),
    interest_clamp: Rate::new(500_000),
    rate_max: Rate::new(20_000_000),
};

impl Desk {
    /// A venue with the recording's instruments at their first prices, and a rich market maker.
    pub(super) fn open(args: &StressArgs, index: IndexOf, recording: &Recording) -> anyhow::Result<Self> {
        let accounts = args.accounts + FIRST_USER_ACCOUNT + 1;
        let legs = accounts.saturating_mul(6);
        let start = recording.steps.first().map_or(0, |step| step.time_ns);
        let mut desk = Self {
            venue: Venue::new(Capacity { accounts, legs, orders: 1 << 12 }),
            events: Events::default(),
            seq: 0,
            time_ns: start,
            numbers: 0,
            index,
            depth: Money::new(i64::from(args.depth) * DOLLAR),
            counts: Counts::default(),
            liquidated: BTreeMap::new(),
            rejects: BTreeMap::new(),
            lowest: vec![Mark::new(i64::MAX); recording.symbols.len()],
            said: 0,
        };
        desk.must(Action::OpenSession { session: SESSION })?;
        let brackets = args.brackets.as_ref().map(|path| BracketFile::open(path)).transpose();
        let brackets = brackets.map_err(anyhow::Error::msg)?;
        for (number, symbol) in (0..).zip(&recording.symbols) {
            let spec = Box::new(desk.spec(symbol, brackets.as_ref())?);
            desk.must(Action::DefineInstrument { instrument: InstrumentId::new(number), spec })?;
        }
        desk.must(Action::OpenAccount { account: MAKER })?;
        desk.must(Action::Deposit(Transfer::new(MAKER, Money::new(100_000_000_000 * DOLLAR))))?;
        desk.must(Action::Deposit(Transfer::new(AccountId::INSURANCE, Money::new(1_000_000_000 * DOLLAR))))?;
        let first = recording.steps.first().into_iter().flat_map(|step| step.quotes.iter().enumerate());
        for (place, quote) in first.filter_map(|(place, quote)| Some((place, quote.as_ref()?))) {
            desk.say_index(place, quote);
        }
        Ok(desk)
    }

    fn spec(&self, symbol: &Symbol, brackets: Option<&BracketFile>) -> anyhow::Result<InstrumentSpec> {
        let decimals = Decimals {
            price: symbol.price_decimals,
            qty: MONEY_DECIMALS.saturating_sub(symbol.price_decimals),
            money: MONEY_DECIMALS,
        };
        let price_max = Price::new(symbol.highest.saturating_mul(4));
        let most = NOTIONAL_MAX.div_euclid(price_max.get() * 2).min(QTY_MAX);
        let name = format!("{}-PERP", symbol.name);
        let mut spec = instrument(&name, &decimals, Price::new(1), price_max, Qty::new(most));
        (spec.taker_fee, spec.liquidation_fee) = (Rate::new(500_000), Rate::new(5_000_000));
        spec.funding = FUNDING;
        if self.index == IndexOf::Sources {
            spec.pricing = ROBUST;
        }
        (spec.initial_tiers, spec.maintenance_tiers) = match brackets {
            None => (tiers(2), tiers(1)),
            Some(file) => {
                let name = format!("{}/USDT:USDT", symbol.name);
                let table = file.table(&name, MONEY_DECIMALS).map_err(anyhow::Error::msg)?;
                (table.initial_tiers(), table.maintenance_tiers())
            }
        };
        Ok(spec)
    }

    /// Opens an account with money.
    pub(super) fn fund(&mut self, number: u32, money: Money) -> anyhow::Result<AccountId> {
        let account = AccountId::new(FIRST_USER_ACCOUNT + 1 + number);
        self.must(Action::OpenAccount { account })?;
        self.must(Action::Deposit(Transfer::new(account, money)))?;
        Ok(account)
    }

    /// The market maker shows `qty` at `price` on one side, and nothing else.
    pub(super) fn show(&mut self, place: usize, side: Side, price: Price, qty: Qty) {
        self.withdraw_quotes(place);
        self.order(MAKER, place, (side, price, qty), TimeInForce::GoodTillCancel);
    }

    /// An account takes from what is shown.
    pub(super) fn take(&mut self, account: AccountId, place: usize, side: Side, price: Price, qty: Qty) {
        self.order(account, place, (side, price, qty), TimeInForce::ImmediateOrCancel);
    }

    /// The market maker shows nothing in an instrument.
    pub(super) fn withdraw_quotes(&mut self, place: usize) {
        let instrument = Some(instrument_at(place));
        self.apply(Action::MassCancel(MassCancel { instrument, ..MassCancel::of_account(MAKER) }));
    }

    /// Time goes on.
    pub(super) const fn advance(&mut self, time_ns: u64) {
        self.time_ns = time_ns;
    }

    /// A price comes: the market maker's depth moves, then the index.
    pub(super) fn price(&mut self, place: usize, quote: &Quote) {
        self.withdraw_quotes(place);
        self.say_index(place, quote);
        let terms = self.venue.ledger().instrument(instrument_at(place));
        let half = Money::new(self.depth.get() >> 1);
        let qty = terms.payable(half, Price::new(quote.perp));
        for distance in DISTANCES {
            let away = (quote.perp * distance).div_euclid(1_000).max(1);
            for (side, price) in [(Side::Buy, quote.perp - away), (Side::Sell, quote.perp + away)] {
                if qty > Qty::ZERO && price > 0 {
                    self.order(MAKER, place, (side, Price::new(price), qty), TimeInForce::GoodTillCancel);
                }
            }
        }
    }

    fn say_index(&mut self, place: usize, quote: &Quote) {
        let spot = quote.spot.unwrap_or(quote.perp);
        match self.index {
            IndexOf::Perp => self.say(place, PERP, quote.perp),
            IndexOf::Spot => self.say(place, SPOT, spot),
            IndexOf::Sources => {
                self.say(place, PERP, quote.perp);
                self.say(place, SPOT, spot);
                if let Some(mark) = quote.mark {
                    self.say(place, MARK, mark);
                }
            }
        }
    }

    fn say(&mut self, place: usize, source: u16, price: i64) {
        self.said += 1;
        let (source_seq, price) = (self.said, Price::new(price).to_mark());
        self.apply(Action::IndexPrice { instrument: instrument_at(place), source, source_seq, price });
    }

    /// Logical time passes.
    pub(super) fn tick(&mut self) {
        self.apply(Action::Tick);
    }

    fn order(
        &mut self,
        account: AccountId,
        place: usize,
        (side, price, qty): (Side, Price, Qty),
        time_in_force: TimeInForce,
    ) {
        self.numbers += 1;
        let order = NewOrder {
            account,
            instrument: instrument_at(place),
            side,
            qty,
            limit: Some(price),
            time_in_force,
            post_only: false,
            reduce_only: false,
            persistent: false,
        };
        self.apply_command(&Command::order(SESSION, ClientOrderId::new(self.numbers), order));
    }

    fn must(&mut self, action: Action) -> anyhow::Result<()> {
        let rejects: u64 = self.rejects.values().sum();
        self.apply(action);
        if self.rejects.values().sum::<u64>() > rejects {
            bail!("the venue refuses: {:?}", self.rejects.keys());
        }
        Ok(())
    }

    fn apply(&mut self, action: Action) {
        self.apply_command(&Command::venue(action));
    }

    fn apply_command(&mut self, command: &Command) {
        self.step(command);
        while self.venue.pending() {
            self.step(&Command::venue(Action::Continue));
        }
    }

    fn step(&mut self, command: &Command) {
        self.seq += 1;
        self.counts.commands += 1;
        let stamp = Stamp { seq: Seq::new(self.seq), time: TimeNs::new(self.time_ns) };
        self.events.clear();
        self.venue.apply(stamp, command, &mut self.events);
        for event in self.events.as_slice() {
            count(event, &mut self.counts, &mut self.rejects);
            if let Event::Marked { instrument, mark, .. } = *event {
                let lowest = &mut self.lowest[instrument.index()];
                *lowest = mark.min(*lowest);
            }
            if let Event::LiquidationStarted { account, .. } = *event {
                self.liquidated.entry(account).or_insert(self.time_ns);
            }
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other events are counted nowhere")]
fn count(event: &Event, counts: &mut Counts, rejects: &mut BTreeMap<Reject, u64>) {
    match *event {
        Event::MarginStateChanged { state: MarginState::Warned, .. } => counts.warnings += 1,
        Event::LiquidationStarted { .. } => counts.liquidations += 1,
        Event::Fill(fill) if fill.kind == FillKind::Liquidation => counts.liquidation_fills += 1,
        Event::TakenOver { .. } => counts.takeovers += 1,
        Event::LiquidationEnded { covered, .. } => counts.covered += covered.get(),
        Event::LiquidationHeld { .. } => counts.held += 1,
        Event::FundingPaid { .. } => counts.funding_payments += 1,
        Event::Rejected { reject, .. } => *rejects.entry(reject).or_default() += 1,
        _ => {}
    }
}

/// The instrument of a symbol's place.
pub(super) fn instrument_at(place: usize) -> InstrumentId {
    InstrumentId::new(u32::try_from(place).unwrap_or(u32::MAX))
}

/// Half a percent to a quarter of maintenance, times `factor`: like a liquid perpetual's.
fn tiers(factor: u32) -> Vec<Tier> {
    let row = |(floor, rate): (i64, u32)| Tier {
        floor: Money::new(floor * DOLLAR),
        rate: Rate::new(rate * factor * 10_000),
    };
    [(0, 1_000), (250_000, 2_000), (1_000_000, 5_000), (5_000_000, 10_000), (20_000_000, 25_000)]
        .map(row)
        .to_vec()
}
