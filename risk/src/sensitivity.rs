//! How an account's equity answers to prices, and how far they may move before it is liquidated.
//!
//! Invariant: everything is found by valuing an extract of the account at other prices with the code that decides, so that
//! weights, debts, coins and inverse contracts are counted as they count. Nothing here decides. Source: `MARGIN.md` 15.

use alloc::vec::Vec;

use crate::account::Leg;
use crate::ledger::Ledger;
use crate::ledger::extract::SUBJECT;
use crate::limits::{MARK_SHIFT, PPB};
use crate::liquidation::Level;
use crate::normal::{in_sigmas, touch_probability};
use crate::prices::Prices;
use crate::rounding::{div_floor, wide_mul};
use crate::units::{AccountId, InstrumentId, Mark, Money, Position, Qty, Requirement, UnderlyingId};

/// The move that differences are taken over: a hundredth.
const BUMP: i64 = 10_000_000;
/// Prices are not thought to rise beyond a hundred times what they are.
const RISE_MAX: i64 = 99 * PPB;

/// How far a price is from where it liquidates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Distance {
    /// The move, in billionths of the price: negative is a fall. Rounded toward zero: nearer than it is.
    pub rate: i64,
    /// The same in standard deviations over the horizon, in units of `2^-32`, rounded down; `None` where nothing has moved
    /// yet.
    pub sigmas: Option<u64>,
    /// How likely it is touched within the horizon, in billionths, rounded up; `None` where nothing has moved yet.
    pub probability: Option<u32>,
}

/// What one underlying does to an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sensitivity {
    /// Which.
    pub underlying: UnderlyingId,
    /// The account's first instrument of it, whose mark and volatility are used.
    pub instrument: InstrumentId,
    /// Half of what equity differs by between prices of 1 % more and 1 % less: money per 1 %. Rounded down.
    pub delta: Money,
    /// The same per whole unit of the quote currency. Rounded down.
    pub unit_delta: Money,
    /// How much delta grows with another 1 %: equity 1 % above, and 1 % below, less twice equity.
    pub gamma: Money,
    /// Standard deviation over the horizon, in billionths, rounded up.
    pub sigma: u64,
    /// The fall of all its prices together that takes equity to maintenance margin; `None` where none does.
    pub fall: Option<Distance>,
    /// The rise likewise.
    pub rise: Option<Distance>,
}

/// How far a leg's own mark is from where it liquidates the account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LegDistance {
    /// Where.
    pub instrument: InstrumentId,
    /// Signed position.
    pub position: Position,
    /// Mark.
    pub mark: Mark,
    /// Mark at which the account is liquidated, if only this mark moves; `None` where no mark is.
    pub liquidation: Option<Mark>,
    /// Standard deviation over the horizon, in billionths, rounded up.
    pub sigma: u64,
    /// How far that is.
    pub distance: Option<Distance>,
}

/// Now, and how far ahead is looked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Horizon {
    /// Logical time.
    pub now_ns: u64,
    /// How long.
    pub length_ns: u64,
}

impl Distance {
    /// Of a move, where one standard deviation over the horizon is `sigma` billionths.
    fn of(rate: i64, sigma: u64) -> Self {
        let sigmas = in_sigmas(rate.unsigned_abs(), sigma);
        let probability = match rate {
            0 => Some(touch_probability(0)),
            _ => sigmas.map(touch_probability),
        };
        Self { rate, sigmas, probability }
    }
}

impl Ledger {
    /// How far each position of an account is from its liquidation. O(legs squared).
    #[must_use]
    pub fn leg_distances(&self, account: AccountId, horizon: Horizon) -> Vec<LegDistance> {
        let is_below = self.assess(account).is_below(Level::Maintenance);
        let held = self.legs_of(account).filter(|(_, leg)| leg.position != Position::ZERO);
        held.map(|(leg_id, leg)| {
            let mark = self.mark_of(leg.instrument);
            let liquidation = self.liquidation_mark(account, leg_id);
            let sigma = self.sigma_of(leg.instrument, horizon);
            // Below maintenance margin already, every price is where it must not be.
            let rate = if is_below { Some(0) } else { liquidation.map(|at| rate_between(mark, at)) };
            let distance = rate.map(|rate| Distance::of(rate, sigma));
            LegDistance {
                instrument: leg.instrument,
                position: leg.position,
                mark,
                liquidation,
                sigma,
                distance,
            }
        })
        .collect()
    }

    fn sigma_of(&self, instrument: InstrumentId, horizon: Horizon) -> u64 {
        self.instrument(instrument).volatility.sigma(horizon.now_ns, horizon.length_ns)
    }

    /// What each underlying does to an account, by ascending number. O(instruments + underlyings x 80 assessments).
    #[must_use]
    pub fn sensitivities(&self, account: AccountId, horizon: Horizon) -> Vec<Sensitivity> {
        let mut scratch = self.extract(&[account]);
        let touched = scratch.priced_instruments(SUBJECT);
        let mut underlyings: Vec<_> =
            touched.iter().map(|&instrument| self.underlying_of(instrument)).collect();
        underlyings.sort_unstable();
        underlyings.dedup();
        let mut found = Vec::with_capacity(underlyings.len());
        for underlying in underlyings {
            let of_it = touched.iter().copied().filter(|&touched| self.underlying_of(touched) == underlying);
            let base: Vec<_> = of_it.filter_map(|at| Some((at, self.prices_of(at)?))).collect();
            found.extend(scratch.sensitivity(underlying, &base, horizon));
        }
        found
    }

    fn underlying_of(&self, instrument: InstrumentId) -> UnderlyingId {
        self.instrument(instrument).spec.contract.underlying
    }

    /// The instruments whose prices an account's equity depends on, ascending: those it has positions in, those that price
    /// what it holds.
    fn priced_instruments(&self, account: AccountId) -> Vec<InstrumentId> {
        let legs = self.legs_of(account).filter(|(_, leg)| leg.position != Position::ZERO);
        let mut all: Vec<_> = legs.map(|(_, leg)| leg.instrument).collect();
        let held = self.holdings_of(account).filter_map(|holding| self.find_asset(holding.asset));
        all.extend(held.map(|asset| asset.spec.priced_by));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Of an extract: what moving these prices together does to its subject.
    fn sensitivity(
        &mut self,
        underlying: UnderlyingId,
        base: &[(InstrumentId, Prices)],
        horizon: Horizon,
    ) -> Option<Sensitivity> {
        let held = |at: InstrumentId| self.position(SUBJECT, at) != Position::ZERO;
        let first = base.iter().find(|(at, _)| held(*at)).or(base.first())?;
        let (instrument, mark) = (first.0, first.1.mark);
        let sigma = self.sigma_of(instrument, horizon);
        let [above, here, below] = [BUMP, 0, -BUMP].map(|rate| {
            self.move_together(base, rate);
            self.assess(SUBJECT).equity
        });
        let twice = i128::from((above - below).get());
        let decimals = u32::from(self.instrument(instrument).spec.price_decimals);
        let unit = 10_i128.saturating_pow(decimals).saturating_mul(1 << MARK_SHIFT);
        // Half of what 1 % either way differs by, a hundred times, over the price.
        let per_unit = div_floor(twice.saturating_mul(50).saturating_mul(unit), i128::from(mark.get()));
        let fall = self.last_sound(base, 1 - PPB);
        let rise = self.last_sound(base, self.highest_rise(base));
        self.move_together(base, 0);
        let distance = |rate: i64| Distance::of(rate, sigma);
        Some(Sensitivity {
            underlying,
            instrument,
            delta: Money::from_wide(div_floor(twice, 2)),
            unit_delta: Money::new(narrowed(per_unit)),
            gamma: above + below - here - here,
            sigma,
            fall: fall.map(distance),
            rise: rise.map(distance),
        })
    }

    /// Sets prices to what they were, moved by a rate.
    fn move_together(&mut self, base: &[(InstrumentId, Prices)], rate: i64) {
        for &(instrument, prices) in base {
            self.suppose_prices(instrument, prices.moved_by(rate, self.highest_mark(instrument)));
        }
    }

    /// The largest rise that keeps every price in its range.
    fn highest_rise(&self, base: &[(InstrumentId, Prices)]) -> i64 {
        let room = base.iter().map(|&(instrument, Prices { index, mark, .. })| {
            let highest = wide_mul(self.highest_mark(instrument).get(), PPB);
            div_floor(highest, i128::from(index.max(mark).get())) - i128::from(PPB)
        });
        let most = room.min().unwrap_or(0).clamp(0, i128::from(RISE_MAX));
        i64::try_from(most).unwrap_or(RISE_MAX)
    }

    /// The last move, on the way to `farthest`, at which equity still covers maintenance margin; `None` where it does at
    /// `farthest`, and 0 where it does not now. Slack is concave in a common move of prices, so what is sound is one
    /// stretch, and bisecting finds its end.
    fn last_sound(&mut self, base: &[(InstrumentId, Prices)], farthest: i64) -> Option<i64> {
        let mut is_sound = |rate: i64| {
            self.move_together(base, rate);
            self.slack(SUBJECT, Level::Maintenance) >= Requirement::ZERO
        };
        if !is_sound(0) {
            return Some(0);
        }
        if is_sound(farthest) {
            return None;
        }
        let (mut good, mut bad) = (0, farthest);
        while (good - bad).abs() > 1 {
            let half = bad + ((good - bad) >> 1);
            if is_sound(half) { good = half } else { bad = half }
        }
        Some(good)
    }
}

/// What fits, else the nearest that does.
fn narrowed(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

/// The move from one mark to another, in billionths, rounded toward zero.
fn rate_between(from: Mark, to: Mark) -> i64 {
    let moved = wide_mul(to.get(), PPB) - wide_mul(from.get(), PPB);
    let size = div_floor(moved.abs(), i128::from(from.get().max(1)));
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if moved < 0 { -size } else { size }
}

impl Ledger {
    /// Notional of a leg in the unit of account, rounded up.
    #[must_use]
    pub fn notional_in_base(&self, leg: &Leg) -> Money {
        self.size_in_base(leg.instrument, leg.position.size())
    }

    /// Notional of so much of an instrument at the mark, in the unit of account, rounded up.
    #[must_use]
    pub fn size_in_base(&self, instrument: InstrumentId, size: Qty) -> Money {
        let terms = self.instrument(instrument);
        let notional = terms.notional(size, self.mark_of(instrument));
        match self.find_asset(terms.settlement()) {
            None => notional,
            Some(asset) => asset.worth_up(notional, self.asset_prices(asset).0),
        }
    }
}
