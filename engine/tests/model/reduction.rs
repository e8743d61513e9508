//! How much of which position a liquidation closes, and for what: every figure from the account as it is.

use engine::LiquidationStep;
use engine::limits::DEPTH_LEVELS_MAX;
use risk::{AccountId, Activity, AssetId, InstrumentId, OracleState, Side};
use std::collections::BTreeMap;

use super::arith::{MARKS, PPB, ceil, floor};
use super::liquidation::Case;
use super::matching::sign;
use super::state::crosses;
use super::{Model, mark_of, money, position, price, qty};

/// The side that closes a position.
pub(crate) fn closing(held: i128) -> Side {
    if held > 0 { Side::Sell } else { Side::Buy }
}

impl Model {
    /// An amount of the unit of account within the asset an instrument settles in, rounded up.
    fn within(&self, instrument: InstrumentId, amount: i128) -> i128 {
        let asset = self.settlement(instrument);
        if asset == AssetId::BASE {
            return amount;
        }
        let (over, under) = self.amount_of(asset, amount);
        ceil(over, under)
    }

    /// An amount within the asset an instrument settles in, in the unit of account and rounded up.
    pub(crate) fn in_base(&self, instrument: InstrumentId, amount: i128) -> i128 {
        self.asset(self.settlement(instrument))
            .map_or(amount, |asset| asset.worth_up(amount, self.price_of(asset)))
    }

    /// Maintenance margin of so much of an instrument, in the unit of account and rounded up.
    fn maintenance_of_size(&self, instrument: InstrumentId, size: i128) -> i128 {
        let terms = &self.instruments[instrument.index()].terms;
        let notional = if size == 0 { 0 } else { terms.notional(size, self.mark(instrument)) };
        self.in_base(instrument, ceil(terms.maintenance_of(notional), PPB))
    }

    /// Value of a lot in the unit of account, rounded up, at least 1.
    pub(crate) fn lot_value(&self, instrument: InstrumentId) -> i128 {
        let terms = &self.instruments[instrument.index()].terms;
        self.in_base(instrument, terms.notional(terms.lot, self.mark(instrument))).max(1)
    }

    /// What so much of a position is worth, so that parts sum to the whole.
    pub(crate) fn value_of_part(&self, account: AccountId, instrument: InstrumentId, size: i128) -> i128 {
        let held = self.leg(account, instrument).position;
        let (terms, mark) = (&self.instruments[instrument.index()].terms, self.mark(instrument));
        let left = held - held.signum() * size;
        terms.position_value(held, mark) - terms.position_value(left, mark)
    }

    /// What the account must receive for so much of its position so that it uses up its share of equity: its value less the
    /// share, which is turned into the asset it settles in.
    pub(crate) fn bankruptcy_amount(&self, account: AccountId, instrument: InstrumentId, size: i128) -> i128 {
        let of = |place, size| self.maintenance_of_size(place, size);
        let held = |place| self.leg(account, place).position.abs();
        let total: i128 = self.positions_of(account).map(|place| of(place, held(place))).sum();
        let released = of(instrument, held(instrument)) - of(instrument, held(instrument) - size);
        let share = floor(self.equity(account) * released, total.max(1));
        self.value_of_part(account, instrument, size) + self.within(instrument, -share)
    }

    /// The maintenance rate of the bracket a position stands in.
    fn marginal_rate(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let terms = &self.instruments[instrument.index()].terms;
        let size = self.leg(account, instrument).position.abs();
        let notional = terms.notional(size, self.mark(instrument));
        let reached = terms.maintenance.iter().filter(|(bracket, _)| *bracket <= notional);
        reached.map(|&(_, rate)| rate).next_back().unwrap_or(terms.maintenance[0].1)
    }

    /// What closing some of a position loses of its value: as far as the best price lies beyond the mark, where nothing rests
    /// all the margin released; and the liquidation fee.
    fn loss_rate(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let known = &self.instruments[instrument.index()];
        let side = closing(self.leg(account, instrument).position);
        let mark = self.mark(instrument);
        let slippage = match known.book.best(side.opposite()) {
            None => self.marginal_rate(account, instrument),
            Some((best, _)) => {
                let beyond = sign(side) * (best * MARKS - mark);
                ceil(beyond.max(0) * PPB, mark).min(PPB)
            }
        };
        slippage + known.terms.liquidation_fee
    }

    /// Whether a position runs against what its account has of the underlying in all.
    fn hedges(&self, account: AccountId, instrument: InstrumentId) -> bool {
        let underlying = self.instruments[instrument.index()].terms.underlying;
        let net = self.net_longs(account, instrument);
        underlying.get() != 0 && net * self.leg(account, instrument).position < 0
    }

    /// Lots that nothing else of the account in the underlying hedges.
    pub(crate) fn unhedged_lots(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let terms = &self.instruments[instrument.index()].terms;
        let leg = self.leg(account, instrument);
        let held = floor(leg.position.abs(), terms.lot);
        if terms.underlying.get() == 0 {
            return held;
        }
        let (net, own) = (self.net_longs(account, instrument), self.longs(account, instrument));
        match own {
            0 => held,
            _ if net * own <= 0 => 0,
            _ => floor(held * net.abs(), own.abs()).min(held),
        }
    }

    /// The position to reduce next.
    pub(crate) fn position_to_reduce(&self, account: AccountId) -> Option<InstrumentId> {
        let mut best: Option<(i128, InstrumentId)> = None;
        for place in self.positions_of(account) {
            if !self.trusts(place, Activity::Liquidate) || self.hedges(account, place) {
                continue;
            }
            let target = i128::from(self.risk_terms(place).target.get());
            let gain =
                floor(target * self.marginal_rate(account, place), PPB) - self.loss_rate(account, place);
            if best.is_none_or(|(most, _)| gain > most) {
                best = Some((gain, place));
            }
        }
        best.map(|(_, place)| place)
    }

    /// The fewest lots that restore the target, tried one after the other; all where none do.
    fn lots_to_restore(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let terms = &self.instruments[instrument.index()].terms;
        let held = floor(self.leg(account, instrument).position.abs(), terms.lot);
        let now = self.worth_of_positions(account);
        let (equity, maintenance) = if self.settlement(instrument) == AssetId::BASE {
            (now.equity * PPB, now.maintenance)
        } else {
            let within = |amount| PPB * self.within(instrument, amount);
            (within(now.equity), within(ceil(now.maintenance, PPB)))
        };
        let notional =
            |lots: i128| if lots == 0 { 0 } else { terms.notional(lots * terms.lot, self.mark(instrument)) };
        let lost = notional(1) * self.loss_rate(account, instrument);
        let margin = |lots| terms.maintenance_of(notional(lots));
        let target = i128::from(self.risk_terms(instrument).target.get());
        let suffices = |lots: &i128| {
            let required = maintenance - margin(held) + margin(held - lots);
            (equity - lots * lost) * PPB >= required * target
        };
        let enough = (0..=held).find(suffices).unwrap_or(held);
        match self.unhedged_lots(account, instrument) {
            0 => enough,
            open => enough.min(open),
        }
    }

    /// What rests on the side that takes a position, down to its bankruptcy price.
    fn resting_to_bankruptcy(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let held = self.leg(account, instrument).position;
        let amount = self.bankruptcy_amount(account, instrument, held.abs());
        let known = &self.instruments[instrument.index()];
        let worst = known.terms.bankruptcy_price(held, amount);
        let side = closing(held);
        let mut levels: BTreeMap<i128, i128> = BTreeMap::new();
        for order in known.book.walk(side.opposite()).iter().map(|id| &self.orders[id]) {
            // The best first, whichever way that is.
            *levels.entry(sign(side) * order.price).or_default() += order.shown();
        }
        let nearest = levels.into_iter().take(DEPTH_LEVELS_MAX);
        nearest
            .filter(|&(place, _)| worst.is_none_or(|worst| crosses(side, worst, sign(side) * place)))
            .map(|(_, shown)| shown)
            .sum()
    }

    fn depth_cap(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let terms = self.risk_terms(instrument);
        let known = &self.instruments[instrument.index()];
        let lot = known.terms.lot;
        let resting = self.resting_to_bankruptcy(account, instrument);
        let mut part = floor(resting * i128::from(terms.step_share.get()), PPB);
        if known.feed.trust == OracleState::Stale {
            part = floor(part, 4);
        }
        let least = floor(i128::from(terms.step_min.get()), self.lot_value(instrument)).max(1);
        (floor(part, lot) * lot).max(least * lot)
    }

    /// What is asked for so much of a position after so many steps.
    fn asked_amount(&self, account: AccountId, instrument: InstrumentId, size: i128, steps: u16) -> i128 {
        let terms = self.risk_terms(instrument);
        let now = self.worth_of_positions(account);
        let maintenance = ceil(now.maintenance, PPB);
        let far = floor((maintenance - now.equity) * i128::from(terms.adjust.get()), maintenance.max(1));
        let urgency = i128::from(terms.urgency.get()) * i128::from(steps);
        let distress = (far.clamp(0, PPB) + urgency).min(PPB);
        let known = &self.instruments[instrument.index()].terms;
        let required = |size: i128| {
            let notional = if size == 0 { 0 } else { known.notional(size, self.mark(instrument)) };
            ceil(known.maintenance_of(notional), PPB)
        };
        let held = self.leg(account, instrument).position.abs();
        let released = required(held) - required(held - size);
        let most = floor(released * i128::from(terms.spread.get()), PPB);
        self.value_of_part(account, instrument, size) - floor(most * distress, PPB)
    }

    /// What the next step of a case closes, and at which worst price.
    pub(crate) fn plan_step(&self, case: &Case, instrument: InstrumentId) -> LiquidationStep {
        let account = case.account;
        let held = self.leg(account, instrument).position;
        let known = &self.instruments[instrument.index()].terms;
        let needed = (self.lots_to_restore(account, instrument) * known.lot).min(held.abs());
        let needed = needed.max(known.lot.min(held.abs()));
        let depth_cap = self.depth_cap(account, instrument);
        let size = needed.min(depth_cap);
        let at_bankruptcy = self.bankruptcy_amount(account, instrument, size);
        let asked = self.asked_amount(account, instrument, size, case.steps);
        let (mut worst, mut allowance) = (asked, 0);
        if asked < at_bankruptcy {
            allowance = self.fund_may(case.group, self.settlement(instrument), case.given);
            let value = self.value_of_part(account, instrument, size);
            let spread = i128::from(self.risk_terms(instrument).fund_spread.get());
            let nearest = value - ceil(value.abs() * spread, PPB);
            worst = (at_bankruptcy - allowance).max(nearest).min(at_bankruptcy);
        }
        let limit = known.bankruptcy_price(held.signum() * size, worst).unwrap_or(0);
        let now = self.worth_of_positions(account);
        LiquidationStep {
            account,
            instrument,
            step: case.steps,
            position: position(held),
            qty: qty(size),
            needed: qty(needed),
            depth_cap: qty(depth_cap),
            mark: mark_of(self.mark(instrument)),
            equity: money(now.equity),
            maintenance: money(ceil(now.maintenance, PPB)),
            asked: money(asked),
            at_bankruptcy: money(at_bankruptcy),
            allowance: money(allowance),
            limit: price(limit),
        }
    }
}
