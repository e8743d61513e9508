//! Index, trust in it, and mark of an instrument: what prices that come in and time that passes make of them.
//!
//! Invariant: whoever moves a mark wakes what it crossed. An index that is not trusted admits what the table of its state
//! admits, and nothing else of what asks here. With [`risk::PricingTerms::DIRECT`] time alone moves nothing.

use super::{Venue, Verdict};
use crate::command::TradingState;
use crate::event::{Event, Events};
use crate::reject::Reject;
use risk::mark_price::{Basis, Components, Frost, Quotes, fair_price};
use risk::oracle::Oracle;
use risk::stable_price::StablePrice;
use risk::{
    AccountId, Activity, Candidate, Instrument, InstrumentId, Mark, Money, OracleState, Position, Prices,
    PricingTerms, Prospect, Qty, Rate, Side,
};

/// What an instrument's prices are made of.
#[derive(Debug, bincode::Encode)]
pub(super) struct Pricing {
    pub(super) oracle: Oracle,
    basis: Basis,
    /// Where the mark froze, while it is frozen.
    frost: Option<Frost>,
    stable: Option<StablePrice>,
}

impl Pricing {
    pub(super) fn new(terms: &PricingTerms) -> Self {
        Self { oracle: Oracle::new(terms), basis: Basis::default(), frost: None, stable: None }
    }
}

/// While an instrument stands still, so does its mark.
const fn stands_still(state: TradingState) -> bool {
    matches!(state, TradingState::Halted | TradingState::Closed)
}

/// Whether a source may say this: a price in range, or, where prices are not taken as they come, that there is none.
fn is_index(instrument: &Instrument, price: Mark) -> bool {
    let most = instrument.spec.price_max.to_mark().get();
    let says_none = instrument.spec.pricing.sources_min > 0 && (-most..=0).contains(&price.get());
    says_none || instrument.admits_price(price)
}

impl Venue {
    pub(super) fn index_price(
        &mut self,
        instrument: InstrumentId,
        (source, number): (u16, u64),
        price: Mark,
        events: &mut Events,
    ) -> Verdict {
        let state = self.trading_state(instrument).ok_or(Reject::UnknownInstrument)?;
        if state == TradingState::Settled {
            return Err(Reject::NotTrading.into());
        }
        let known = self.ledger.instrument(instrument);
        if !is_index(known, price) {
            return Err(Reject::BadPrice.into());
        }
        let market = &mut self.markets[instrument.index()];
        if number != 0 {
            market.sources.check(source, number)?;
        }
        if known.is_direct() && !stands_still(state) {
            market.sources.take(source, number);
            self.direct_price(instrument, price, events);
            return Ok(());
        }
        let terms = known.spec.pricing;
        if terms.sources_min > 0 && !market.pricing.oracle.has_room_for(source) {
            return Err(Reject::BadParameter.into());
        }

        let now = self.last.time.get();
        market.sources.take(source, number);
        self.average_index(instrument, now);
        let oracle = &mut self.markets[instrument.index()].pricing.oracle;
        let before = oracle.state();
        oracle.take(source, price, &terms, now);
        self.say_trust(instrument, before, events);
        self.sample_premium(instrument, now);
        if !self.reprice(instrument, now, true, events) {
            events.push(Event::SourcePriceTaken { instrument, source, price });
        }
        Ok(())
    }

    /// What [`Self::index_price`] comes to where [`Instrument::is_direct`].
    #[inline]
    fn direct_price(&mut self, instrument: InstrumentId, index: Mark, events: &mut Events) {
        let now = self.last.time.get();
        self.markets[instrument.index()].pricing.oracle.take_direct(index, now);
        let mark = self.ledger.set_index(instrument, index);
        events.push(Event::Marked { instrument, index, mark });
        self.wake(instrument, events);
        if self.markets[instrument.index()].is_followed {
            self.mark_moved(instrument);
        }
    }

    #[cold]
    pub(super) fn set_index_source(
        &mut self,
        instrument: InstrumentId,
        source: u16,
        weight: u16,
        events: &mut Events,
    ) -> Verdict {
        let state = self.trading_state(instrument).ok_or(Reject::UnknownInstrument)?;
        if state == TradingState::Settled {
            return Err(Reject::NotTrading.into());
        }
        let terms = self.ledger.instrument(instrument).spec.pricing;
        if terms.sources_min == 0 || !self.markets[instrument.index()].pricing.oracle.has_room_for(source) {
            return Err(Reject::BadParameter.into());
        }

        self.markets[instrument.index()].pricing.oracle.weigh(source, weight);
        events.push(Event::IndexSourceSet { instrument, source, weight });
        let now = self.last.time.get();
        self.look_at_sources(instrument, now, events);
        self.reprice(instrument, now, false, events);
        Ok(())
    }

    /// Looks at the sources of an instrument anew.
    pub(super) fn look_at_sources(&mut self, instrument: InstrumentId, now: u64, events: &mut Events) {
        let terms = self.ledger.instrument(instrument).spec.pricing;
        self.average_index(instrument, now);
        let oracle = &mut self.markets[instrument.index()].pricing.oracle;
        let before = oracle.state();
        oracle.look(&terms, now);
        self.say_trust(instrument, before, events);
    }

    /// Says what has become of the trust in an index. Liquidations that waited for it go on.
    fn say_trust(&mut self, instrument: InstrumentId, before: OracleState, events: &mut Events) {
        let state = self.markets[instrument.index()].pricing.oracle.state();
        if state == before {
            return;
        }
        events.push(Event::OracleStateChanged { instrument, state });
        if state.admits(Activity::Liquidate) {
            self.resume_liquidations();
        }
    }

    /// Lets the mark follow index, book and funding, where there is an index. Says so when a price came, and when something
    /// moved; whether it did.
    pub(super) fn reprice(
        &mut self,
        instrument: InstrumentId,
        now: u64,
        has_come: bool,
        events: &mut Events,
    ) -> bool {
        let Some(index) = self.markets[instrument.index()].pricing.oracle.index() else { return false };
        let known = self.ledger.instrument(instrument);
        let before = (known.index, known.mark);
        let stands = stands_still(self.markets[instrument.index()].state);
        let mark = if stands {
            known.mark.unwrap_or(index)
        } else {
            let target = self.target(instrument, index, now);
            self.ledger.mark_toward(instrument, target)
        };
        let stable = self.lead_stable(instrument, mark, now);
        self.ledger.set_prices(instrument, Prices { index, mark, stable });
        if !has_come && before == (Some(index), Some(mark)) {
            return false;
        }
        events.push(Event::Marked { instrument, index, mark });
        // The index prices collateral though the mark stands.
        self.wake(instrument, events);
        if stands {
            self.index_moved(instrument);
        } else if self.markets[instrument.index()].is_followed {
            self.mark_moved(instrument);
        }
        true
    }

    /// Where the mark is led: to the median of its components, or as far as a frozen one may be.
    fn target(&mut self, instrument: InstrumentId, index: Mark, now: u64) -> Mark {
        let Instrument { spec, mark, .. } = self.ledger.instrument(instrument);
        let (terms, mark) = (spec.pricing, *mark);
        let free = if terms.component_band == Rate::new(0) {
            index
        } else {
            self.components(instrument, index, now).mark(index, terms.component_band)
        };
        let pricing = &mut self.markets[instrument.index()].pricing;
        match mark.filter(|_| pricing.oracle.state().freezes()) {
            None => {
                pricing.frost = None;
                free
            }
            Some(mark) => {
                let frost = pricing.frost.get_or_insert(Frost { mark, since_ns: now });
                frost.clamp(free, &terms, now)
            }
        }
    }

    fn components(&mut self, instrument: InstrumentId, index: Mark, now: u64) -> Components {
        let quotes = self.quotes_of(instrument);
        let spec = &self.ledger.instrument(instrument).spec;
        let market = &mut self.markets[instrument.index()];
        let mid = quotes.map(Quotes::mid);
        market.pricing.basis.sample(index, mid, spec.pricing.basis_tau_ns, now);
        let left = market.funding.left(&spec.funding, now);
        Components {
            fair: fair_price(index, market.funding.rate().get(), left, spec.funding.rate_period_ns),
            smoothed: Mark::new(index.get().saturating_add(market.pricing.basis.get())),
            book: quotes.map(Quotes::book_price),
        }
    }

    /// Best prices and last match of a book in which orders meet.
    fn quotes_of(&self, instrument: InstrumentId) -> Option<Quotes> {
        let market = &self.markets[instrument.index()];
        if !self.is_matching(instrument) {
            return None;
        }
        let (bid, ask) = (market.book.best(Side::Buy)?, market.book.best(Side::Sell)?);
        let at = |key| self.price_of(instrument, key).to_mark();
        let last = (market.last != 0).then(|| at(market.last));
        (bid < ask).then(|| Quotes { bid: at(bid), ask: at(ask), last })
    }

    /// Leads the stable price toward the mark, where the terms ask for one.
    fn lead_stable(&mut self, instrument: InstrumentId, mark: Mark, now: u64) -> Option<Mark> {
        let terms = self.ledger.instrument(instrument).spec.pricing;
        if terms.stable_step == Rate::new(0) {
            return None;
        }
        let stable = &mut self.markets[instrument.index()].pricing.stable;
        let stable = stable.get_or_insert_with(|| StablePrice::at(mark, now));
        stable.lead(mark, &terms, now);
        Some(stable.get())
    }

    /// The index of an instrument and its sources.
    #[must_use]
    pub fn oracle(&self, instrument: InstrumentId) -> Option<&Oracle> {
        self.markets.get(instrument.index()).map(|market| &market.pricing.oracle)
    }

    /// Whether the index of an instrument is trusted enough for this.
    #[inline]
    pub(super) fn is_trusted_for(&self, instrument: InstrumentId, activity: Activity) -> bool {
        self.markets[instrument.index()].pricing.oracle.state().admits(activity)
    }

    /// Whether the index is trusted enough for what an order would do.
    #[inline]
    pub(super) fn check_trust(&self, candidate: &Candidate, prospect: &Prospect) -> Result<(), Reject> {
        let state = self.markets[candidate.instrument.index()].pricing.oracle.state();
        if state == OracleState::Valid { Ok(()) } else { check_mistrust(state, candidate, prospect) }
    }

    /// Whether every index that values what the account holds is trusted enough to take money out.
    pub(super) fn check_trust_of(&self, account: AccountId) -> Result<(), Reject> {
        let open = || self.ledger.legs_of(account).filter(|(_, leg)| leg.position != Position::ZERO);
        let settles = open().map(|(_, leg)| self.ledger.instrument(leg.instrument).settlement());
        let held = self.ledger.holdings_of(account).filter(|held| held.balance != Money::ZERO);
        let assets = settles.chain(held.map(|held| held.asset));
        let assets = assets.filter_map(|asset| self.ledger.find_asset(asset));
        let mut indices =
            open().map(|(_, leg)| leg.instrument).chain(assets.map(|asset| asset.spec.priced_by));
        let trusted = indices.all(|instrument| self.is_trusted_for(instrument, Activity::Withdraw));
        if trusted { Ok(()) } else { Err(Reject::IndexNotTrusted) }
    }
}

/// Taking an order out is always admitted; that is a candidate for nothing.
#[cold]
fn check_mistrust(state: OracleState, candidate: &Candidate, prospect: &Prospect) -> Result<(), Reject> {
    let reduces = candidate.reduce_only || !prospect.opens(candidate.side);
    let activity = if reduces { Activity::Reduce } else { Activity::OpenRisk };
    let admitted = candidate.qty == Qty::ZERO || state.admits(activity);
    if admitted { Ok(()) } else { Err(Reject::IndexNotTrusted) }
}
