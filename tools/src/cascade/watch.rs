//! What the guarantees say, verified from the events alone and beside the venue's own checks.
//!
//! Invariant: balances and positions are folded from events, never read; what the venue holds is compared with them at the
//! end, so whatever changed without an event that explains it is found. Money is counted as balance less cost, which does
//! not depend on when a profit is realised.

use std::collections::{BTreeMap, BTreeSet};

use engine::{DeleveragingCut, Event, Fill, LiquidationStep, Reject, TradingState, Venue};
use risk::rounding::{div_floor, wide_mul};
use risk::{AccountId, AccountState, AssetId, FillKind, InstrumentId, Mark, Money, Position, Price, Side};

use super::desk::INSTRUMENTS;
use super::measure::Measures;

/// Violations that are told; the rest are counted.
const TOLD_MAX: usize = 20;

/// What an account has by the events.
#[derive(Clone, Copy, Default, Debug)]
struct Folded {
    /// Balance less the cost of all positions.
    cash: i64,
    positions: [i64; 3],
}

/// What a holder gave up, in all.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Victim {
    pub(super) lots: i64,
    /// Paid beyond the value at the mark of each cut; negative is a gain.
    pub(super) haircut: i64,
    /// Value over equity before the first cut, in hundredths.
    pub(super) leverage: i64,
    /// Whether a cut left a position open that it had hedged.
    pub(super) hedge_broken: bool,
}

/// Sums of what happened.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Sums {
    pub(super) liquidations: u64,
    pub(super) steps: u64,
    pub(super) liquidation_fills: u64,
    pub(super) backstop_takeovers: u64,
    pub(super) requests: u64,
    pub(super) calls: u64,
    pub(super) plans_by_worker: u64,
    pub(super) plans_by_venue: u64,
    pub(super) cuts: u64,
    pub(super) adl_lots: i64,
    /// Lots handed to deleveraging, and what of them nobody could bear.
    pub(super) offered_lots: i64,
    pub(super) unbearable_lots: i64,
    /// What bankrupt accounts lacked: at takeovers, and what they still owed at the end.
    pub(super) deficit: i64,
    /// What handed-over positions cost beyond their value at the mark when they were handed over, after the fund.
    pub(super) offered_loss: i64,
    /// What the offered positions lost with the mark until they were cut.
    pub(super) drift: i64,
    pub(super) haircuts: i64,
    pub(super) insurance_used: i64,
    pub(super) insurance_earned: i64,
    pub(super) bad_debt: i64,
    pub(super) untouched_violations: u64,
    pub(super) events: u64,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Watch {
    folded: Vec<Folded>,
    marks: [Mark; 3],
    deposits: i64,
    fund_terms: FundTerms,
    pub(super) sums: Sums,
    pub(super) victims: BTreeMap<AccountId, Victim>,
    requests: BTreeSet<u64>,
    liquidated: BTreeSet<AccountId>,
    measures: Measures,
    reject: Option<Reject>,
    rejects: u64,
    /// Guarantees that did not hold, the first of them in words.
    pub(super) violations: Vec<String>,
    pub(super) violated: u64,
    /// Whether anything of a liquidation or deleveraging came about since it was asked for.
    is_busy: bool,
    halted: BTreeSet<InstrumentId>,
}

/// What stands behind liquidations.
#[derive(Clone, Copy, Debug)]
pub(super) struct FundTerms {
    pub(super) backstop: Option<AccountId>,
    pub(super) backstop_margin_max: Money,
}

impl Watch {
    pub(super) fn new(accounts: u32, fund_terms: FundTerms) -> Self {
        Self {
            folded: vec![Folded::default(); accounts as usize],
            marks: [Mark::new(0); 3],
            deposits: 0,
            fund_terms,
            sums: Sums::default(),
            victims: BTreeMap::new(),
            requests: BTreeSet::new(),
            liquidated: BTreeSet::new(),
            measures: Measures::default(),
            reject: None,
            rejects: 0,
            violations: Vec::new(),
            violated: 0,
            is_busy: false,
            halted: BTreeSet::new(),
        }
    }

    /// The first command that was refused.
    pub(super) const fn first_reject(&self) -> Option<Reject> {
        self.reject
    }

    pub(super) const fn rejects(&self) -> u64 {
        self.rejects
    }

    pub(super) fn liquidated(&self) -> usize {
        self.liquidated.len()
    }

    pub(super) fn halted(&self) -> usize {
        self.halted.len()
    }

    /// Whether anything of a liquidation or deleveraging came about since this was last asked.
    pub(super) const fn take_busy(&mut self) -> bool {
        std::mem::replace(&mut self.is_busy, false)
    }

    /// The set-up is over: from now on orders may be refused.
    pub(super) const fn setup_is_over(&mut self) {
        (self.reject, self.rejects) = (None, 0);
    }

    pub(super) fn violation(&mut self, what: impl FnOnce() -> String) {
        self.violated += 1;
        if self.violations.len() < TOLD_MAX {
            self.violations.push(what());
        }
    }

    /// The events of a command, after it.
    pub(super) fn told(&mut self, venue: &Venue, events: &[Event]) {
        self.sums.events += events.len() as u64;
        let mut step = None;
        for event in events {
            self.fold(venue, event, &mut step);
        }
        self.measures.after(venue, events, &mut self.violations, &mut self.violated);
        if self.folded[AccountId::INSURANCE.index()].cash < 0 {
            self.violation(|| "the insurance fund is below zero".to_owned());
        }
        for event in events {
            if let Event::Deleveraged(cut) = event {
                let equity = venue.ledger().assess(cut.account).equity;
                if equity < Money::ZERO {
                    self.violation(|| format!("a cut took account {} to {equity}", cut.account));
                }
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events move neither money nor positions")]
    fn fold(&mut self, venue: &Venue, event: &Event, step: &mut Option<LiquidationStep>) {
        match *event {
            Event::Rejected { reject, .. } => {
                self.rejects += 1;
                self.reject = self.reject.or(Some(reject));
            }
            Event::Transferred { account, amount, .. } => {
                self.deposits += amount.get();
                self.pay(account, amount.get());
            }
            Event::Fill(fill) => self.fold_fill(&fill),
            Event::Marked { instrument, mark, .. } => self.mark(venue, instrument, mark),
            Event::LiquidationStarted { account, .. } => {
                self.sums.liquidations += 1;
                self.liquidated.insert(account);
            }
            Event::LiquidationStepped(taken) => {
                self.is_busy = true;
                self.sums.steps += 1;
                *step = Some(taken);
            }
            Event::LiquidationPaced { .. } => self.is_busy = true,
            Event::TakenOver { account, by, instrument, position, amount, added } => {
                self.is_busy = true;
                let taken = Taken { account, by, instrument, position, amount, added };
                self.fold_takeover(venue, &taken, step.as_ref());
            }
            Event::LiquidationEnded { account, covered, .. } => {
                self.sums.deficit += covered.get();
                self.sums.insurance_used += covered.get();
                self.pay(account, covered.get());
                self.pay(AccountId::INSURANCE, -covered.get());
            }
            Event::BadDebtBooked { account, amount, .. } => {
                self.sums.deficit += amount.get();
                self.sums.bad_debt += amount.get();
                self.pay(account, amount.get());
                self.pay(AccountId::BAD_DEBT, -amount.get());
            }
            Event::DeleveragingAsked(call) => {
                self.is_busy = true;
                self.sums.calls += 1;
                self.requests.insert(call.request);
                self.sums.requests = self.requests.len() as u64;
            }
            Event::DeleveragingPlanned(decision) => {
                self.is_busy = true;
                let by = if decision.by_worker {
                    &mut self.sums.plans_by_worker
                } else {
                    &mut self.sums.plans_by_venue
                };
                *by += 1;
            }
            Event::Deleveraged(cut) => self.fold_cut(venue, &cut),
            Event::DeleveragingEnded { instrument, left, .. } => {
                self.sums.unbearable_lots += left.size().get();
                self.move_position(AccountId::DELEVERAGING, instrument, -left.get());
                self.move_position(AccountId::BAD_DEBT, instrument, left.get());
            }
            Event::TradingStateSet { instrument, state: TradingState::Halted, .. } => {
                self.halted.insert(instrument);
            }
            _ => {}
        }
    }

    fn pay(&mut self, account: AccountId, amount: i64) {
        self.folded[account.index()].cash += amount;
    }

    fn move_position(&mut self, account: AccountId, instrument: InstrumentId, by: i64) {
        self.folded[account.index()].positions[instrument.index()] += by;
    }

    fn fold_fill(&mut self, fill: &Fill) {
        let (buyer, seller) = match fill.side {
            Side::Buy => (&fill.taker, &fill.maker),
            Side::Sell => (&fill.maker, &fill.taker),
        };
        for (side, sign) in [(buyer, 1), (seller, -1)] {
            self.pay(side.account, -sign * fill.value.get() - side.fee.get());
            self.move_position(side.account, fill.instrument, sign * fill.qty.get());
        }
        self.pay(AccountId::FEES, fill.maker.fee.get());
        if fill.kind == FillKind::Liquidation {
            self.is_busy = true;
            self.sums.liquidation_fills += 1;
            self.pay(AccountId::INSURANCE, fill.taker.fee.get());
            self.sums.insurance_used += (-fill.taker.fee.get()).max(0);
            self.sums.deficit += (-fill.taker.fee.get()).max(0);
            self.sums.insurance_earned += fill.taker.fee.get().max(0);
        } else {
            self.pay(AccountId::FEES, fill.taker.fee.get());
        }
    }

    fn value(&self, venue: &Venue, instrument: InstrumentId, position: i64) -> i64 {
        let terms = venue.ledger().instrument(instrument);
        terms.position_value(Position::new(position), self.marks[instrument.index()]).get()
    }

    fn mark(&mut self, venue: &Venue, instrument: InstrumentId, mark: Mark) {
        let offered = self.folded[AccountId::DELEVERAGING.index()].positions[instrument.index()];
        let before = self.value(venue, instrument, offered);
        self.marks[instrument.index()] = mark;
        self.sums.drift += before - self.value(venue, instrument, offered);
    }

    fn fold_takeover(&mut self, venue: &Venue, taken: &Taken, step: Option<&LiquidationStep>) {
        let Taken { account, by, instrument, position, amount, added } = *taken;
        let value = self.value(venue, instrument, position.get());
        let lost = amount.get() + added.get() - value;
        self.sums.deficit += lost.max(0);
        self.sums.insurance_used += added.get();
        self.pay(AccountId::INSURANCE, -added.get());
        self.pay(account, amount.get() + added.get());
        self.pay(by, -amount.get());
        self.move_position(account, instrument, -position.get());
        self.move_position(by, instrument, position.get());
        if by == AccountId::DELEVERAGING {
            self.sums.offered_lots += position.size().get();
            self.sums.offered_loss += amount.get() - value;
            self.check_unavoidable(venue, taken, lost.max(0), step);
        } else {
            self.sums.backstop_takeovers += 1;
        }
    }

    /// A position goes to the holders of the other side only if the book gave nothing more at the price asked, and neither
    /// the fund nor the backstop account could take it.
    fn check_unavoidable(
        &mut self,
        venue: &Venue,
        taken: &Taken,
        deficit: i64,
        step: Option<&LiquidationStep>,
    ) {
        let Taken { account, instrument, position, amount, added, .. } = *taken;
        let of_step = step.filter(|step| step.account == account && step.instrument == instrument);
        if let (Some(step), Some(side)) = (of_step, Side::closing(position))
            && step.limit > Price::new(0)
            && let Some((best, _)) = venue.best(instrument, side.opposite())
        {
            let is_within = if side == Side::Sell { best >= step.limit } else { best <= step.limit };
            if is_within {
                self.violation(|| format!("account {account} was handed over while the book would take it"));
            }
        }
        let fund = self.folded[AccountId::INSURANCE.index()].cash;
        if added.get() < deficit && fund > 0 {
            self.violation(|| format!("account {account} was handed over while the fund had {fund}"));
        }
        if added.get() >= deficit
            && let Some(backstop) = self.fund_terms.backstop
            && venue.ledger().account(backstop).is_some_and(|known| known.state == AccountState::Active)
        {
            let then = venue.ledger().assess_after(backstop, instrument, position, amount);
            if then.initial.ceil() <= then.initial_equity.min(self.fund_terms.backstop_margin_max) {
                self.violation(|| format!("account {account} was handed past the backstop account"));
            }
        }
    }

    fn fold_cut(&mut self, venue: &Venue, cut: &DeleveragingCut) {
        let DeleveragingCut { account, instrument, position, amount, .. } = *cut;
        self.is_busy = true;
        self.sums.cuts += 1;
        self.sums.adl_lots += position.size().get();
        let before = self.folded[account.index()].positions;
        let (held, taken) = (before[instrument.index()], position.get());
        if account.is_system() || held.signum() != -taken.signum() || taken.abs() > held.abs() {
            self.sums.untouched_violations += 1;
            self.violation(|| format!("account {account} was cut by {taken} and held {held}"));
        }
        let haircut = amount.get() - self.value(venue, instrument, taken);
        if haircut > cut.equity.get() {
            self.violation(|| format!("account {account} paid {haircut} of {}", cut.equity));
        }
        self.sums.haircuts += haircut;
        self.pay(account, -amount.get());
        self.pay(AccountId::DELEVERAGING, amount.get());
        self.move_position(account, instrument, taken);
        self.move_position(AccountId::DELEVERAGING, instrument, -taken);
        let worth = self.value(venue, instrument, held).abs();
        let leverage = div_floor(wide_mul(worth, 100), i128::from(cut.equity.get().max(1)));
        let victim = self.victims.entry(account).or_insert_with(|| Victim {
            leverage: i64::try_from(leverage).unwrap_or(i64::MAX),
            ..Victim::default()
        });
        victim.lots += taken.abs();
        victim.haircut += haircut;
        // The first two are of one underlying.
        let hedge = before[1_usize.saturating_sub(instrument.index())];
        let net = held + hedge;
        victim.hedge_broken |=
            instrument.index() < 2 && hedge.signum() == -held.signum() && (net + taken).abs() > net.abs();
    }

    /// The end: what the venue holds is what the events say, and sums are what they must be.
    pub(super) fn finish(&mut self, venue: &Venue) -> Outcome {
        let mut outcome = Outcome { conserved: true, below_zero: 0 };
        let ledger = venue.ledger();
        let mut own = 0;
        for (account, known) in ledger.accounts() {
            let (mut cash, mut positions) = (ledger.balance(account, AssetId::BASE).get(), [0; 3]);
            for (_, leg) in ledger.legs_of(account) {
                cash -= leg.cost.get();
                positions[leg.instrument.index()] = leg.position.get();
            }
            let folded = self.folded[account.index()];
            // What nobody could bear goes from one of the venue's own accounts to another at what is left of its amount.
            let is_own = [AccountId::DELEVERAGING, AccountId::BAD_DEBT, AccountId::DUST].contains(&account);
            own += if is_own { cash - folded.cash } else { 0 };
            if positions != folded.positions || (!is_own && cash != folded.cash) {
                outcome.conserved = false;
                self.violation(|| {
                    format!("account {account} has {cash} {positions:?}, by events {folded:?}")
                });
            }
            let equity = ledger.assess(account).equity;
            if !account.is_system() && equity < Money::ZERO && known.state != AccountState::Liquidating {
                outcome.below_zero += 1;
                self.violation(|| format!("account {account} ends at {equity}"));
            }
        }
        let cash: i64 = self.folded.iter().map(|folded| folded.cash).sum();
        let is_even = |at: usize| self.folded.iter().map(|folded| folded.positions[at]).sum::<i64>() == 0;
        let sums = own == 0 && cash == self.deposits && ledger.deposits() == self.deposits;
        if !sums || !(0..INSTRUMENTS.len()).all(is_even) {
            outcome.conserved = false;
            let deposits = self.deposits;
            self.violation(|| format!("sums: {own}, {cash} of {deposits} deposited"));
        }
        self.check_haircuts();
        outcome
    }

    /// What holders paid beyond value is what handed-over positions cost beyond it, up to a unit for each cut.
    fn check_haircuts(&mut self) {
        let Sums { haircuts, offered_loss, drift, cuts, unbearable_lots, .. } = self.sums;
        let beyond = haircuts - offered_loss - drift;
        let is_paid = beyond >= 0 && beyond <= i64::try_from(cuts).unwrap_or(i64::MAX);
        if unbearable_lots == 0 && !is_paid {
            self.violation(|| format!("holders paid {haircuts} for {offered_loss} and {drift}"));
        }
        if self.sums.adl_lots != self.sums.offered_lots - unbearable_lots {
            self.violation(|| "lots cut are not the lots that had to be".to_owned());
        }
    }
}

/// A takeover.
#[derive(Clone, Copy, Debug)]
struct Taken {
    account: AccountId,
    by: AccountId,
    instrument: InstrumentId,
    position: Position,
    amount: Money,
    added: Money,
}

/// What the end shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) conserved: bool,
    pub(super) below_zero: u64,
}
