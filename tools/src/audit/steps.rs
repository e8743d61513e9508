//! Steps of liquidations computed again from the state before the command that took them.
//!
//! Invariant: what a step must be comes from the ledger's own functions and the book that is replayed, never from the event.

use std::collections::BTreeMap;
use std::path::Path;

use engine::limits::DEPTH_LEVELS_MAX;
use engine::{Event, LiquidationStep, Venue};
use gateway::outcome::Outcome;
use risk::limits::PPB;
use risk::rounding::{div_ceil, wide_mul};
use risk::{AccountId, AssetId, FillKind, Leg, LegId, Mark, Money, OracleState, Price, Qty, Rate, Side};
use serde::Serialize;

use super::walk::{Onlooker, walk};

const TOLD_MAX: usize = 50;
/// A stale index lets a step take this part of what the depth admits.
const STALE_PART: i64 = 4;

/// A step, and whether it is the rule's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StepAudit {
    /// The command that took it.
    pub seq: u64,
    /// Whose.
    pub account: u32,
    /// Where.
    pub instrument: u32,
    /// Which, from 1.
    pub step: u16,
    /// Position before it.
    pub position: i64,
    /// Equity before it.
    pub equity: i64,
    /// Maintenance margin before it.
    pub maintenance: i64,
    /// The mark, with sub-units.
    pub mark: i64,
    /// What restores the target.
    pub needed: i64,
    /// What the depth admits.
    pub depth_cap: i64,
    /// The lesser of them.
    pub qty: i64,
    /// What is asked at the account's distress.
    pub asked: i64,
    /// What uses up its share of equity.
    pub at_bankruptcy: i64,
    /// What the fund may add.
    pub allowance: i64,
    /// Worst price; 0 where none gives that much.
    pub limit: i64,
    /// What was filled.
    pub filled: i64,
    /// Liquidation fee paid; negative is what the fund added.
    pub fee: i64,
    /// What differs; empty where nothing does.
    pub differs: String,
}

/// The steps of a log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct StepsAudit {
    /// How many were computed again.
    pub compared: u64,
    /// In their order; of the account asked for, or those that differ.
    pub steps: Vec<StepAudit>,
    /// What differs.
    pub differences: Vec<String>,
}

impl StepsAudit {
    pub(super) fn keep(&mut self, account: Option<u32>) {
        self.steps.retain(|step| account.map_or(!step.differs.is_empty(), |account| step.account == account));
    }
}

#[derive(Default)]
struct Auditor {
    audited: StepsAudit,
    /// What funds gave in the liquidation that is under way.
    given: BTreeMap<AccountId, Money>,
    stale: BTreeMap<risk::InstrumentId, bool>,
}

pub(super) fn audit(directory: &Path) -> anyhow::Result<StepsAudit> {
    let mut auditor = Auditor::default();
    walk(directory, &mut auditor)?;
    Ok(auditor.audited)
}

impl Onlooker for Auditor {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events tell of something else")]
    fn before(&mut self, venue: &Venue, outcome: &Outcome<'_>) {
        let seq = outcome.stamp.seq.get();
        for (place, event) in outcome.events.iter().enumerate() {
            match event {
                Event::OracleStateChanged { instrument, state, .. } => {
                    self.stale.insert(*instrument, *state == OracleState::Stale);
                }
                Event::LiquidationStarted { account, .. } | Event::LiquidationEnded { account, .. } => {
                    self.given.remove(account);
                }
                Event::LiquidationStepped(step) => {
                    let now_ns = outcome.stamp.time.get();
                    self.step(venue, (seq, now_ns), step, &outcome.events[place..]);
                }
                Event::TakenOver { account, instrument, added, .. } => {
                    self.give(venue, *account, *instrument, *added);
                }
                Event::Fill(fill) if fill.kind == FillKind::Liquidation && fill.taker.fee < Money::ZERO => {
                    self.give(venue, fill.taker.account, fill.instrument, -fill.taker.fee);
                }
                _ => {}
            }
        }
    }

    fn after(&mut self, _: &Venue, _: &Outcome<'_>) {}
}

impl Auditor {
    fn give(&mut self, venue: &Venue, account: AccountId, instrument: risk::InstrumentId, amount: Money) {
        if venue.ledger().instrument(instrument).settlement() == AssetId::BASE {
            *self.given.entry(account).or_default() += amount;
        }
    }

    fn step(&mut self, venue: &Venue, (seq, now_ns): (u64, u64), step: &LiquidationStep, after: &[Event]) {
        let expected = self.expected(venue, now_ns, step);
        let differs = expected
            .filter(|expected| expected != step)
            .map_or(String::new(), |expected| format!("{step:?} and the rule gives {expected:?}"));
        let differs =
            if expected.is_none() { "the account has no such position".to_owned() } else { differs };
        if !differs.is_empty() && self.audited.differences.len() < TOLD_MAX {
            self.audited.differences.push(format!("command {seq}: {differs}"));
        }
        let (mut filled, mut fee) = (0, 0);
        for event in after {
            if let Event::Fill(fill) = event
                && fill.taker.account == step.account
            {
                (filled, fee) = (filled + fill.qty.get(), fee + fill.taker.fee.get());
            }
        }
        self.audited.compared += 1;
        self.audited.steps.push(StepAudit {
            seq,
            account: step.account.get(),
            instrument: step.instrument.get(),
            step: step.step,
            position: step.position.get(),
            equity: step.equity.get(),
            maintenance: step.maintenance.get(),
            mark: step.mark.get(),
            needed: step.needed.get(),
            depth_cap: step.depth_cap.get(),
            qty: step.qty.get(),
            asked: step.asked.get(),
            at_bankruptcy: step.at_bankruptcy.get(),
            allowance: step.allowance.get(),
            limit: step.limit.get(),
            filled,
            fee,
            differs,
        });
    }

    /// The step that the rule gives for the leg.
    fn expected(&self, venue: &Venue, now_ns: u64, step: &LiquidationStep) -> Option<LiquidationStep> {
        let ledger = venue.ledger();
        let leg_id = ledger.find_leg(step.account, step.instrument)?;
        let leg = *ledger.leg(leg_id);
        let side = Side::closing(leg.position)?;
        let terms = ledger.instrument(leg.instrument);
        let mark = terms.mark?;
        let least = terms.spec.lot.min(leg.position.size());
        let slippage =
            venue.best(leg.instrument, side.opposite()).map(|(best, _)| distance(mark, best.to_mark(), side));
        let needed = ledger.size_to_restore(leg_id, slippage).max(least);
        let depth_cap = self.depth_cap(venue, leg_id, &leg, side);
        let qty = needed.min(depth_cap);
        let at_bankruptcy = ledger.bankruptcy_amount_of(leg_id, qty);
        let asked = ledger.asked_amount(leg_id, qty, step.step);
        let (worst, allowance) = if asked >= at_bankruptcy {
            (asked, Money::ZERO)
        } else {
            self.aided(venue, &leg, qty, at_bankruptcy, now_ns)
        };
        let now = ledger.assess(leg.account);
        Some(LiquidationStep {
            position: leg.position,
            qty,
            needed,
            depth_cap,
            mark,
            equity: now.equity,
            maintenance: now.maintenance.ceil(),
            asked,
            at_bankruptcy,
            allowance,
            limit: ledger.closing_price(leg_id, qty, worst).unwrap_or_default(),
            ..*step
        })
    }

    fn aided(&self, venue: &Venue, leg: &Leg, qty: Qty, at_bankruptcy: Money, now_ns: u64) -> (Money, Money) {
        let ledger = venue.ledger();
        let group = ledger.risk_group_of(leg.instrument);
        let given = self.given.get(&leg.account).copied().unwrap_or_default();
        let asset = ledger.instrument(leg.instrument).settlement();
        let allowance = ledger.fund_allowance(group, asset, given, now_ns);
        let value = ledger.value_of(leg, qty);
        let size = Money::new(value.get().abs());
        let nearest = value - ledger.risk_terms_of(leg.instrument).fund_spread.of_ceil(size);
        ((at_bankruptcy - allowance).max(nearest).min(at_bankruptcy), allowance)
    }

    /// A part of what rests down to the price that uses up the whole leg's equity.
    fn depth_cap(&self, venue: &Venue, leg_id: LegId, leg: &Leg, side: Side) -> Qty {
        let ledger = venue.ledger();
        let terms = ledger.risk_terms_of(leg.instrument);
        let lot = ledger.instrument(leg.instrument).spec.lot;
        let worst = ledger.closing_price(leg_id, leg.position.size(), ledger.bankruptcy_amount(leg_id));
        let reaches = |price: Price| match (worst, side) {
            (None, _) => true,
            (Some(worst), Side::Sell) => price >= worst,
            (Some(worst), Side::Buy) => price <= worst,
        };
        let levels = venue.depth(leg.instrument, side.opposite()).take(DEPTH_LEVELS_MAX);
        let resting = levels.take_while(|(price, _)| reaches(*price));
        let resting = resting.fold(0_i64, |sum, (_, qty)| sum.saturating_add(qty.get()));
        let share = terms.step_share.of_floor(Money::new(resting)).get();
        let is_stale = self.stale.get(&leg.instrument) == Some(&true);
        let share = if is_stale { share.div_euclid(STALE_PART) } else { share };
        let lot_value = ledger.lot_in_base(leg.instrument);
        let least = terms.step_min.get().div_euclid(lot_value.get()).max(1).saturating_mul(lot.get());
        Qty::new((share - share.rem_euclid(lot.get())).max(least))
    }
}

/// How far a price lies beyond the mark for who trades on `side`, as a part of the mark rounded up.
fn distance(mark: Mark, price: Mark, side: Side) -> Rate {
    let beyond = match side {
        Side::Sell => mark.get() - price.get(),
        Side::Buy => price.get() - mark.get(),
    };
    let part = div_ceil(wide_mul(beyond.max(0), PPB), i128::from(mark.get().max(1)));
    Rate::new(u32::try_from(part).unwrap_or(u32::MAX)).min(Rate::ONE)
}
