//! Index, trust, mark, funding and the end of futures, from the rules in words: every list is expanded, every average is taken
//! over what happened, and time is looked at instrument by instrument.

use std::collections::BTreeMap;

use engine::limits::{IMPACT_LEVELS_MAX, INDEX_SOURCES_MAX, PRICED_PER_COMMAND, RESUMES_PER_COMMAND};
use engine::{Event, Reject, TradingState, TriggerSource};
use risk::limits::QTY_MAX;
use risk::{
    AccountId, Activity, FundingRate, InstrumentId, InstrumentSpec, Mark, OracleState, PricingTerms, Rate,
    Side,
};

use super::arith::{MARKS, PPB, Terms, floor};
use super::stable::Stable;
use super::state::{Order, Settling};
use super::{Model, Refusal, mark_of};

pub(super) const SECOND: u64 = 1_000_000_000;
/// Time constant of the slow average of an index.
const SLOW: u64 = 300 * SECOND;

/// A quotient toward zero.
fn toward_zero(numerator: i128, denominator: i128) -> i128 {
    numerator.signum() * floor(numerator.abs(), denominator)
}

pub(super) fn rate(of: Rate) -> i128 {
    i128::from(of.get())
}

/// `2^32 (1 - e^(-elapsed/tau))`, rounded, by the machine's own exponential: it is off by less than a millionth.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "to hold the integers of the venue against something else"
)]
fn weight(elapsed: u64, tau: u64) -> i128 {
    if elapsed == 0 {
        return 0;
    }
    let share = -(-(elapsed as f64) / tau as f64).exp_m1();
    (share * 4_294_967_296.0).round() as i128
}

/// An average with 32 binary digits below the unit.
#[derive(Clone, Copy, Debug)]
struct Average(i128);

impl Average {
    fn of(value: i128) -> Self {
        Self(value * (1 << 32))
    }

    fn lead(&mut self, value: i128, elapsed: u64, tau: u64) {
        self.0 += floor((value * (1 << 32) - self.0) * weight(elapsed, tau), 1 << 32);
    }

    fn get(self) -> i128 {
        floor(self.0, 1 << 32)
    }
}

/// What a source counts, and what it said last and when.
#[derive(Clone, Copy, Debug)]
struct Source {
    weight: u16,
    said: Option<(i128, u64)>,
}

/// What an instrument's prices are made of.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    sources: BTreeMap<u16, Source>,
    pub(crate) trust: OracleState,
    index: Option<i128>,
    slow: Option<(Average, u64)>,
    wild: bool,
    inside: u32,
    basis: Average,
    basis_at: Option<u64>,
    /// The mark where it froze, and when.
    frozen: Option<(i128, u64)>,
    samples: Vec<i128>,
    sampled: Option<u64>,
    /// Which interval of funding was last begun, and the rate of the one before.
    interval: u64,
    rate: i128,
    /// Every index there was, with its time.
    history: Vec<(u64, i128)>,
}

fn interval_of(spec: &InstrumentSpec, now: u64) -> u64 {
    if spec.funding.interval_ns == 0 { 0 } else { now.div_euclid(spec.funding.interval_ns) }
}

/// The middle of a list in which each price stands as often as it weighs; of an even one half way, rounded down.
fn middle(weighed: &[(i128, u16)]) -> i128 {
    let mut all = Vec::new();
    for &(price, weight) in weighed {
        all.extend(std::iter::repeat_n(price, usize::from(weight)));
    }
    all.sort_unstable();
    let half = all.len() >> 1;
    if all.len() % 2 == 1 { all[half] } else { floor(all[half - 1] + all[half], 2) }
}

fn apart(a: i128, b: i128, share: Rate, of: i128) -> bool {
    (a - b).abs() * PPB > of.abs() * rate(share)
}

impl Feed {
    pub(crate) fn new(spec: &InstrumentSpec, now: u64) -> Self {
        let direct = spec.pricing.sources_min == 0;
        Self {
            sources: BTreeMap::new(),
            trust: if direct { OracleState::Valid } else { OracleState::Stale },
            index: None,
            slow: None,
            wild: false,
            inside: 0,
            basis: Average::of(0),
            basis_at: None,
            frozen: None,
            samples: Vec::new(),
            sampled: None,
            interval: interval_of(spec, now),
            rate: 0,
            history: Vec::new(),
        }
    }

    pub(crate) fn knows_or_admits(&self, source: u16) -> bool {
        self.sources.contains_key(&source) || self.sources.len() < INDEX_SOURCES_MAX
    }

    /// What the sources come to by now, and how far it is to be trusted.
    fn assess(&self, terms: &PricingTerms, now: u64) -> (OracleState, Option<i128>) {
        let heard = self.sources.values().filter(|source| source.weight > 0);
        let heard = heard.filter_map(|source| source.said.map(|(price, at)| (price, at, source.weight)));
        let fresh = |at: u64| terms.stale_ns == 0 || now - at <= terms.stale_ns;
        let live: Vec<(i128, u16)> =
            heard.filter(|&(_, at, _)| fresh(at)).map(|(price, _, weight)| (price, weight)).collect();
        if live.len() < usize::from(terms.sources_min).max(1) {
            let unheard = terms.sources_min == 0 && self.index.is_none();
            return (if unheard { OracleState::Valid } else { OracleState::Stale }, None);
        }
        let center = middle(&live);
        let mut near = live.clone();
        if terms.outlier.get() > 0 {
            near.retain(|&(price, _)| !apart(price, center, terms.outlier, center));
        }
        let sum = |list: &[(i128, u16)]| list.iter().map(|&(_, weight)| u32::from(weight)).sum::<u32>();
        let no_majority = 2 * sum(&near) <= sum(&live);
        let kept = if near.is_empty() { live } else { near };
        let index = middle(&kept);
        if index <= 0 {
            return (OracleState::NonPositive, None);
        }
        let prices = || kept.iter().map(|&(price, _)| price);
        let (low, high) = (prices().min().expect("some"), prices().max().expect("some"));
        let wide = terms.uncertain.get() > 0 && apart(low, high, terms.uncertain, index);
        let state = if no_majority || wide { OracleState::Uncertain } else { OracleState::Valid };
        (state, Some(index))
    }

    /// A price came and made an index: is it far from where it was?
    fn compare(&mut self, index: i128, terms: &PricingTerms, now: u64) {
        if terms.wild.get() == 0 {
            return;
        }
        let Some((mut slow, led)) = self.slow else {
            self.slow = Some((Average::of(index), now));
            return;
        };
        if apart(index, slow.get(), terms.wild, slow.get()) {
            (self.wild, self.inside) = (true, 0);
        } else {
            self.inside += 1;
            self.wild = self.wild && self.inside < u32::from(terms.confirmations);
        }
        slow.lead(index, now - led, SLOW);
        self.slow = Some((slow, now));
    }

    /// The average of the index over the time before the end.
    fn average(&self, spec: &InstrumentSpec) -> Option<i128> {
        let end = spec.contract.expiry_ns;
        let begin = end - spec.contract.averaging_ns;
        let (mut sum, mut covered) = (0, 0);
        for (place, &(since, index)) in self.history.iter().enumerate() {
            let until = self.history.get(place + 1).map_or(end, |&(next, _)| next).min(end);
            let length = until.saturating_sub(since.max(begin));
            sum += index * i128::from(length);
            covered += i128::from(length);
        }
        (covered > 0).then(|| floor(sum, covered))
    }
}

impl Model {
    fn feed_of(&mut self, instrument: InstrumentId) -> &mut Feed {
        &mut self.instruments[instrument.index()].feed
    }

    pub(crate) fn trusts(&self, instrument: InstrumentId, activity: Activity) -> bool {
        use Activity::{Liquidate, Reduce};
        match self.instruments[instrument.index()].feed.trust {
            OracleState::Valid => true,
            OracleState::Stale | OracleState::Uncertain => activity == Reduce || activity == Liquidate,
            OracleState::Wild => activity == Reduce,
            OracleState::NonPositive => false,
        }
    }

    /// A source said something.
    pub(crate) fn hear(&mut self, instrument: InstrumentId, source: u16, price: i128) {
        let (terms, now) = (self.instruments[instrument.index()].spec.pricing, self.now);
        let feed = self.feed_of(instrument);
        let source = if terms.sources_min == 0 { 0 } else { source };
        let known = feed.sources.entry(source).or_insert(Source { weight: 1, said: None });
        known.said = Some((price, now));
        let (state, found) = feed.assess(&terms, now);
        if let Some(index) = found {
            feed.compare(index, &terms, now);
        }
        self.conclude(instrument, state, found);
        self.sample(instrument, now);
    }

    /// The sources as they are by now.
    fn look_at_sources(&mut self, instrument: InstrumentId, now: u64) {
        let terms = self.instruments[instrument.index()].spec.pricing;
        let (state, found) = self.feed_of(instrument).assess(&terms, now);
        self.conclude(instrument, state, found);
    }

    fn conclude(&mut self, instrument: InstrumentId, state: OracleState, found: Option<i128>) {
        let feed = self.feed_of(instrument);
        let believed = matches!(state, OracleState::Valid | OracleState::Uncertain);
        let state = if feed.wild && believed { OracleState::Wild } else { state };
        feed.index = found.or(feed.index);
        if state == feed.trust {
            return;
        }
        feed.trust = state;
        self.out.push(Event::OracleStateChanged { instrument, state });
        if self.trusts(instrument, Activity::Liquidate) {
            self.resuming = !self.held.is_empty();
        }
    }

    pub(crate) fn set_index_source(
        &mut self,
        instrument: InstrumentId,
        source: u16,
        weight: u16,
        hints: &[Event],
    ) -> Result<(), Refusal> {
        self.known_instrument(instrument)?;
        let now = self.now;
        let known = &mut self.instruments[instrument.index()];
        if known.state == TradingState::Settled {
            return Err(Reject::NotTrading.into());
        }
        if known.spec.pricing.sources_min == 0 || !known.feed.knows_or_admits(source) {
            return Err(Reject::BadParameter.into());
        }
        known.feed.sources.entry(source).or_insert(Source { weight: 1, said: None }).weight = weight;
        self.out.push(Event::IndexSourceSet { instrument, source, weight });
        self.look_at_sources(instrument, now);
        self.price(instrument, now, false, hints);
        Ok(())
    }

    /// Whether orders meet in the instrument.
    fn matches(&self, instrument: InstrumentId) -> bool {
        let state = self.instruments[instrument.index()].state;
        matches!(state, TradingState::Open | TradingState::PostOnly | TradingState::ReduceOnly)
    }

    /// Best bid, best ask and last match, with sub-units, where orders meet and both sides are there.
    fn quotes(&self, instrument: InstrumentId) -> Option<(i128, i128, Option<i128>)> {
        let known = &self.instruments[instrument.index()];
        if !self.matches(instrument) {
            return None;
        }
        let (bid, _) = known.book.best(Side::Buy)?;
        let (ask, _) = known.book.best(Side::Sell)?;
        (bid < ask).then(|| (bid * MARKS, ask * MARKS, known.last.map(|last| last * MARKS)))
    }

    /// Where index, book and funding lead the mark.
    fn led_to(&mut self, instrument: InstrumentId, index: i128, now: u64) -> i128 {
        let quotes = self.quotes(instrument);
        let known = &mut self.instruments[instrument.index()];
        let (terms, funding) = (known.spec.pricing, known.spec.funding);
        if terms.component_band.get() == 0 {
            return index;
        }
        let feed = &mut known.feed;
        let elapsed = feed.basis_at.map_or(0, |before| now - before);
        let difference = quotes.map_or(0, |(bid, ask, _)| floor(bid + ask, 2) - index);
        feed.basis.lead(difference, elapsed, terms.basis_tau_ns);
        feed.basis_at = Some(now);
        let fair = if funding.interval_ns == 0 {
            index
        } else {
            let end = (feed.interval + 1) * funding.interval_ns;
            let share = floor(i128::from(end.saturating_sub(now)) * PPB, i128::from(funding.rate_period_ns));
            index + floor(index * feed.rate * share, PPB * PPB)
        };
        let (low, high) = Terms::around(index, rate(terms.component_band));
        let mut all = vec![fair.clamp(low, high), (index + feed.basis.get()).clamp(low, high)];
        match quotes {
            None => floor(all[0] + all[1], 2),
            Some((bid, ask, last)) => {
                let mut book = [bid, ask, last.unwrap_or_else(|| floor(bid + ask, 2))];
                book.sort_unstable();
                all.push(book[1].clamp(low, high));
                all.sort_unstable();
                all[1]
            }
        }
    }

    /// The mark follows, and whom it concerns is looked at; whether anything was said.
    pub(crate) fn price(&mut self, instrument: InstrumentId, now: u64, came: bool, hints: &[Event]) -> bool {
        let known = &self.instruments[instrument.index()];
        let Some(index) = known.feed.index else { return false };
        let (before, terms) = ((known.index, known.mark), known.spec.pricing);
        let stands = matches!(known.state, TradingState::Halted | TradingState::Closed);
        let mark = if stands {
            known.mark.unwrap_or(index)
        } else {
            let target = self.led_to(instrument, index, now);
            let known = &mut self.instruments[instrument.index()];
            let freezes = !matches!(known.feed.trust, OracleState::Valid | OracleState::Uncertain);
            let target = match known.mark.filter(|_| freezes) {
                None => {
                    known.feed.frozen = None;
                    target
                }
                Some(mark) => {
                    let (froze, since) = *known.feed.frozen.get_or_insert((mark, now));
                    let ms = i128::from((now - since).div_euclid(1_000_000));
                    let reach = floor(froze * rate(terms.frozen_step) * ms, PPB * 60_000);
                    target.clamp((froze - reach).max(1), froze + reach)
                }
            };
            known.mark.map_or(target, |mark| {
                let (low, high) = Terms::around(mark, known.terms.step);
                target.clamp(low, high)
            })
        };
        let known = &mut self.instruments[instrument.index()];
        (known.index, known.mark) = (Some(index), Some(mark));
        if terms.stable_step.get() > 0 {
            known.stable.get_or_insert_with(|| Stable::new(mark, now)).lead(mark, &terms, now);
        }
        self.adapt(instrument);
        let known = &mut self.instruments[instrument.index()];
        if before.0 != Some(index) {
            known.feed.history.push((now, index));
        }
        if !came && before == (Some(index), Some(mark)) {
            return false;
        }
        self.out.push(Event::Marked { instrument, index: mark_of(index), mark: mark_of(mark) });
        self.wake_on_price(hints);
        self.watch(instrument, TriggerSource::Mark, mark);
        self.watch(instrument, TriggerSource::Index, index);
        true
    }

    /// What the best `IMPACT_LEVELS_MAX` prices of a side give on average for a quantity; `None` where they do not hold it.
    fn impact(&self, instrument: InstrumentId, side: Side, qty: i128) -> Option<i128> {
        let book = &self.instruments[instrument.index()].book;
        let (mut left, mut value, mut prices) = (qty, 0, Vec::new());
        for order in book.walk(side).iter().map(|id| &self.orders[id]) {
            prices.push(order.price);
            prices.dedup();
            if prices.len() > IMPACT_LEVELS_MAX {
                break;
            }
            let taken = order.shown().min(left);
            (left, value) = (left - taken, value + taken * order.price * MARKS);
        }
        let average = || match side {
            Side::Buy => floor(value, qty),
            Side::Sell => -floor(-value, qty),
        };
        (left == 0 && qty > 0).then(average)
    }

    fn sample(&mut self, instrument: InstrumentId, now: u64) {
        let known = &self.instruments[instrument.index()];
        let (terms, funding) = (known.terms.clone(), known.spec.funding);
        let Some(index) = known.feed.index.filter(|_| funding.interval_ns > 0) else { return };
        let soon = known.feed.sampled.is_some_and(|before| now < before + SECOND);
        if soon || !self.matches(instrument) || !self.trusts(instrument, Activity::Funding) {
            return;
        }
        let price = floor(index, MARKS).max(1);
        let qty = floor(i128::from(funding.impact_notional.get()) * terms.div, price * terms.mul);
        let qty = qty.min(i128::from(QTY_MAX));
        let above = self.impact(instrument, Side::Buy, qty).map_or(0, |bid| (bid - index).max(0));
        let below = self.impact(instrument, Side::Sell, qty).map_or(0, |ask| (index - ask).max(0));
        let premium = toward_zero((above - below) * PPB, index).clamp(-4 * PPB, 4 * PPB);
        let feed = self.feed_of(instrument);
        feed.samples.push(premium);
        feed.sampled = Some(now);
    }

    /// The interval is over: what a lot owes is said; whether it was.
    fn fund(&mut self, instrument: InstrumentId, now: u64) -> bool {
        let known = &mut self.instruments[instrument.index()];
        let (terms, interval) = (known.spec.funding, interval_of(&known.spec, now));
        let passed = interval - known.feed.interval;
        if passed == 0 {
            return false;
        }
        let samples = core::mem::take(&mut known.feed.samples);
        (known.feed.interval, known.feed.rate) = (interval, 0);
        let trusted = self.trusts(instrument, Activity::Funding);
        let known = &mut self.instruments[instrument.index()];
        let Some(index) = known.feed.index.filter(|_| trusted && !samples.is_empty()) else { return false };
        let average = toward_zero(samples.iter().sum(), i128::try_from(samples.len()).expect("few"));
        let (pull, most) = (rate(terms.interest_clamp), rate(terms.rate_max));
        let paid = (average + (rate(terms.interest) - average).clamp(-pull, pull)).clamp(-most, most);
        known.feed.rate = paid;
        let elapsed = i128::from((passed * terms.interval_ns).min(terms.rate_period_ns));
        let value = floor(known.terms.lot * index * known.terms.mul * (1 << 32), known.terms.div * MARKS);
        let seconds = i128::from(SECOND);
        let per_lot = toward_zero(
            value * paid * floor(elapsed, seconds),
            PPB * floor(i128::from(terms.rate_period_ns), seconds),
        );
        let per_lot = i64::try_from(per_lot).expect("terms bound it");
        let paid = FundingRate::new(i64::try_from(paid).expect("terms bound it"));
        self.out.push(Event::FundingPaid { instrument, rate: paid, per_lot, index: mark_of(index) });
        self.owe_funding(instrument, i128::from(per_lot));
        true
    }

    /// The end of a future; whether it came.
    fn end_future(&mut self, instrument: InstrumentId, now: u64) -> bool {
        let known = &self.instruments[instrument.index()];
        let end = known.spec.contract.expiry_ns;
        if end == 0 || now < end {
            return false;
        }
        let last = known.index.unwrap_or(known.terms.tick * MARKS);
        let price = known.feed.average(&known.spec).unwrap_or(last);
        if known.state != TradingState::Closed {
            self.enter(instrument, TradingState::Closed, None);
        }
        self.end_offers_in(instrument);
        self.settling = Some(Settling { instrument, price, dust: 0 });
        true
    }

    /// A tick reaches the instruments that time concerns, unless other work holds it up.
    pub(crate) fn start_round(&mut self, hints: &[Event]) {
        self.round = Some((0, self.now));
        let held_up = self.firing.is_some() || self.uncrossing.is_some() || !self.sweeps.is_empty();
        if (held_up || self.interest.left > 0) && self.next_timed(0).is_some() {
            return;
        }
        self.go_round(hints);
    }

    /// The next instrument from a place on that time concerns.
    fn next_timed(&self, from: usize) -> Option<usize> {
        let timed = |place: &usize| {
            let known = &self.instruments[*place];
            let spec = &known.spec;
            let moves = spec.pricing != PricingTerms::DIRECT || spec.funding.interval_ns > 0;
            known.state != TradingState::Settled && (moves || spec.contract.expiry_ns > 0)
        };
        (from..self.instruments.len()).find(timed)
    }

    /// Looks at instruments until something happened to one.
    pub(crate) fn go_round(&mut self, hints: &[Event]) {
        let Some((mut from, now)) = self.round.take() else { return };
        let mut happened = false;
        for _ in 0..PRICED_PER_COMMAND {
            let Some(place) = self.next_timed(from).filter(|_| !happened) else { break };
            let instrument = InstrumentId::new(u32::try_from(place).expect("few"));
            self.look_at_sources(instrument, now);
            self.sample(instrument, now);
            if self.fund(instrument, now) {
                // The rest comes when those it concerns have been looked at.
                (from, happened) = (place, true);
                self.wake(hints);
                continue;
            }
            from = place + 1;
            happened = self.end_future(instrument, now);
            let direct = self.instruments[place].spec.pricing == PricingTerms::DIRECT;
            happened |= !direct && self.price(instrument, now, false, hints);
        }
        if self.next_timed(from).is_some() {
            self.round = Some((from, now));
        }
    }

    /// Whether an order that only closes, or nothing, or one that opens, is admitted by its index. `then` are the orders that
    /// count, the order among them.
    pub(crate) fn check_trust(&self, order: &Order, then: &[&Order]) -> Result<(), Refusal> {
        let position = self.leg(order.account, order.instrument).position;
        let mut same = then.to_vec();
        same.retain(|other| other.instrument == order.instrument && other.side == order.side);
        let all: i128 = same.iter().map(|other| other.leaves).sum();
        let closes = order.reduce_only || (self.closes(order) && all <= position.abs());
        let activity = if closes { Activity::Reduce } else { Activity::OpenRisk };
        let admitted = order.leaves == 0 || self.trusts(order.instrument, activity);
        if admitted { Ok(()) } else { Err(Reject::IndexNotTrusted.into()) }
    }

    /// Whether money may leave an account as far as prices are concerned.
    pub(crate) fn check_trust_of(&self, account: AccountId) -> Result<(), Refusal> {
        let settled = self.positions_of(account).map(|place| self.settlement(place));
        let held = self.all_assets().filter(|&asset| self.balance(account, asset) != 0);
        let priced =
            settled.chain(held).filter_map(|asset| self.asset(asset)).map(|known| known.spec.priced_by);
        let mut all = self.positions_of(account).chain(priced);
        let trusted = all.all(|place| self.trusts(place, Activity::Withdraw));
        if trusted { Ok(()) } else { Err(Reject::IndexNotTrusted.into()) }
    }

    /// Some of those that wait join the queue again.
    pub(crate) fn resume(&mut self) {
        for _ in 0..RESUMES_PER_COMMAND {
            let Some((account, case)) = self.held.pop_first() else { break };
            self.queue.push_back(case);
            self.out.push(Event::LiquidationResumed { account });
        }
        self.resuming = !self.held.is_empty();
    }

    /// Who waits got money.
    pub(crate) fn resume_one(&mut self, account: AccountId) {
        let waits = [&mut self.held, &mut self.paced, &mut self.due];
        if let Some(case) = waits.into_iter().find_map(|cases| cases.remove(&account)) {
            self.noted.push("money into a liquidation that waits");
            self.queue.push_back(case);
            self.out.push(Event::LiquidationResumed { account });
        }
    }

    /// The slow price, where there is one.
    pub(crate) fn stable(&self, instrument: InstrumentId) -> Option<i128> {
        self.instruments[instrument.index()].stable.as_ref().map(|stable| stable.now)
    }

    /// What the venue's index of an instrument is held against: trust, index and mark.
    pub(crate) fn prices_of(&self, instrument: InstrumentId) -> (OracleState, Option<Mark>) {
        let feed = &self.instruments[instrument.index()].feed;
        (feed.trust, feed.index.map(mark_of))
    }
}
