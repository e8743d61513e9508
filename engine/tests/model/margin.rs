//! Equity, requirements, maintenance, what may be withdrawn: recomputed from scratch at every question.

use engine::OrderId;
use risk::limits::ASSETS_MAX;
use risk::{AccountId, AssetId, InstrumentId, Side};
use std::collections::BTreeSet;

use super::Model;
use super::arith::{MARKS, PPB, ceil, floor};
use super::state::{Leg, Order};

/// What an account is worth and requires; within one asset in that, as a whole in the unit of account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Worth {
    pub(crate) equity: i128,
    /// What counts for initial margin.
    pub(crate) initial_equity: i128,
    /// What counts for withdrawals.
    pub(crate) withdrawal_equity: i128,
    /// In billionths.
    pub(crate) initial: i128,
    /// In billionths.
    pub(crate) maintenance: i128,
    pub(crate) exposure: i128,
}

impl Worth {
    pub(crate) fn below_maintenance(&self) -> bool {
        self.equity * PPB < self.maintenance
    }

    /// Below five quarters of maintenance margin.
    pub(crate) fn below_warning(&self) -> bool {
        4 * self.equity * PPB < 5 * self.maintenance
    }

    /// Withdrawal equity beyond the larger of initial margin and a tenth of exposure, rounded down.
    fn free(&self) -> i128 {
        let kept = self.initial.max(self.exposure * floor(PPB, 10));
        floor(self.withdrawal_equity * PPB - kept, PPB)
    }
}

/// What is assumed of an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assumed<'a> {
    /// These orders rest.
    pub(crate) orders: &'a [&'a Order],
    /// This leverage is set.
    pub(crate) leverage: Option<(InstrumentId, i128)>,
    /// So much of an asset is gone.
    pub(crate) gone: (AssetId, i128),
    /// So much more is required within each asset, in billionths.
    pub(crate) more: [i128; ASSETS_MAX + 1],
}

impl<'a> Assumed<'a> {
    pub(crate) fn orders(orders: &'a [&'a Order]) -> Self {
        Self { orders, leverage: None, gone: (AssetId::BASE, 0), more: [0; ASSETS_MAX + 1] }
    }
}

impl Model {
    /// Every instrument number.
    pub(crate) fn all_instruments(&self) -> impl Iterator<Item = InstrumentId> + use<> {
        let count = u32::try_from(self.instruments.len()).expect("few instruments");
        (0..count).map(InstrumentId::new)
    }

    pub(crate) fn leg(&self, account: AccountId, instrument: InstrumentId) -> Leg {
        self.legs.get(&(account, instrument)).copied().unwrap_or_default()
    }

    pub(crate) fn mark(&self, instrument: InstrumentId) -> i128 {
        self.instruments[instrument.index()].mark.unwrap_or(0)
    }

    pub(crate) fn settlement(&self, instrument: InstrumentId) -> AssetId {
        self.instruments[instrument.index()].terms.settlement
    }

    /// Orders of an account.
    pub(crate) fn orders_of(&self, account: AccountId) -> Vec<&Order> {
        let from = (account, OrderId::new(0));
        let own = self.owned.range(from..=(account, OrderId::new(u64::MAX)));
        own.map(|(_, order)| &self.orders[order]).collect()
    }

    /// Those of them that count for margin and limits.
    pub(crate) fn weighing(&self, account: AccountId) -> Vec<&Order> {
        let mut orders = self.orders_of(account);
        orders.retain(|order| order.weighs());
        orders
    }

    /// Unrealised result of a leg, in its settlement asset.
    pub(crate) fn unrealised(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        self.unrealised_at(account, instrument, self.mark(instrument))
    }

    /// The same at the worse of mark and stable price.
    fn prudent(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let mark = self.mark(instrument);
        let stable = self.stable(instrument).unwrap_or(mark);
        let long = self.leg(account, instrument).position > 0;
        self.unrealised_at(account, instrument, if long { mark.min(stable) } else { mark.max(stable) })
    }

    fn unrealised_at(&self, account: AccountId, instrument: InstrumentId, mark: i128) -> i128 {
        let leg = self.leg(account, instrument);
        if leg.position == 0 {
            return 0;
        }
        let value = self.instruments[instrument.index()].terms.position_value(leg.position, mark);
        value - leg.cost - self.funding_owed(&leg, instrument)
    }

    /// Instruments in which the account has a position.
    pub(crate) fn positions_of(&self, account: AccountId) -> impl Iterator<Item = InstrumentId> + '_ {
        let from = (account, InstrumentId::new(0));
        let legs = self.legs.range(from..=(account, InstrumentId::new(u32::MAX)));
        legs.filter(|(_, leg)| leg.position != 0).map(|(&(_, instrument), _)| instrument)
    }

    /// Notional of the position at the mark, in the settlement asset.
    fn notional(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let size = self.leg(account, instrument).position.abs();
        if size == 0 {
            return 0;
        }
        self.instruments[instrument.index()].terms.notional(size, self.mark(instrument))
    }

    /// Maintenance margin of one leg, in billionths of its settlement asset.
    pub(crate) fn maintenance(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let notional = self.notional(account, instrument);
        self.instruments[instrument.index()].terms.maintenance_of(notional)
    }

    /// An account as it is.
    pub(crate) fn worth(&self, account: AccountId) -> Worth {
        self.worth_with(account, &Assumed::orders(&self.weighing(account)))
    }

    /// The same without looking at orders: initial margin is not to be asked for.
    pub(crate) fn worth_of_positions(&self, account: AccountId) -> Worth {
        self.worth_with(account, &Assumed::orders(&[]))
    }

    pub(crate) fn equity(&self, account: AccountId) -> i128 {
        self.worth_of_positions(account).equity
    }

    /// An account of which something is assumed.
    pub(crate) fn worth_with(&self, account: AccountId, assumed: &Assumed<'_>) -> Worth {
        let mut places: BTreeSet<InstrumentId> = self.positions_of(account).collect();
        places.extend(assumed.orders.iter().map(|order| order.instrument));
        let mut total = self.worth_within(account, AssetId::BASE, &places, assumed);
        for number in self.all_assets().skip(1) {
            let own = self.worth_within(account, number, &places, assumed);
            let asset = self.asset(number).expect("a number below the next");
            let price = self.price_of(asset);
            total.equity += asset.counts(own.equity, price);
            total.initial_equity += self.counts_prudently(account, number, own.initial_equity);
            total.withdrawal_equity += self.counts_prudently(account, number, own.withdrawal_equity);
            let dear = self.stable(asset.spec.priced_by).unwrap_or(price).max(price);
            total.initial += PPB * asset.worth_up(ceil(own.initial, PPB), dear);
            total.maintenance += PPB * asset.worth_up(ceil(own.maintenance, PPB), price);
            total.exposure += asset.worth_up(own.exposure, price);
        }
        total
    }

    /// What an account has in an asset and what the legs that settle in it are worth and require, in the asset.
    fn worth_within(
        &self,
        account: AccountId,
        asset: AssetId,
        places: &BTreeSet<InstrumentId>,
        assumed: &Assumed<'_>,
    ) -> Worth {
        let gone = if assumed.gone.0 == asset { assumed.gone.1 } else { 0 };
        let cash = self.balance(account, asset) - gone;
        let (equity, initial_equity, withdrawal_equity) = (cash, cash, cash);
        let initial = assumed.more[asset.index()];
        let mut sum = Worth { equity, initial_equity, withdrawal_equity, initial, ..Worth::default() };
        for &place in places.iter().filter(|&&place| self.settlement(place) == asset) {
            sum.equity += self.unrealised(account, place);
            let profit = self.prudent(account, place);
            let weight = self.instruments[place.index()].terms.profit_weight;
            sum.initial_equity += if profit > 0 { floor(profit * weight, PPB) } else { profit };
            sum.withdrawal_equity += profit.min(0);
            sum.exposure += self.notional(account, place);
            sum.maintenance += self.maintenance(account, place);
            let set = assumed.leverage.filter(|(chosen, _)| *chosen == place).map(|(_, leverage)| leverage);
            let leverage = set.unwrap_or(self.leg(account, place).leverage);
            sum.initial += self.leg_requirement(account, place, assumed.orders, leverage);
        }
        sum
    }

    /// What a balance counts for initial margin and withdrawals.
    fn counts_prudently(&self, account: AccountId, number: AssetId, balance: i128) -> i128 {
        let asset = self.asset(number).expect("a number below the next");
        let price = self.price_of(asset);
        let stable = self.stable(asset.spec.priced_by).unwrap_or(price);
        let price = if balance < 0 { price.max(stable) } else { price.min(stable) };
        let counted = asset.counts(balance, price);
        if counted <= 0 {
            return counted;
        }
        let against = asset.worth(balance, price).min(self.net_longs(account, asset.spec.priced_by)).max(0);
        let wrong_way = ceil(against * i128::from(asset.spec.wrong_way.get()), PPB);
        (floor(counted * asset.share, PPB) - wrong_way).max(0)
    }

    /// Longs less shorts in what an instrument is about, in the unit of account.
    pub(crate) fn net_longs(&self, account: AccountId, like: InstrumentId) -> i128 {
        let underlying = self.instruments[like.index()].terms.underlying;
        let mut net = 0;
        for place in self.positions_of(account) {
            if self.instruments[place.index()].terms.underlying != underlying {
                continue;
            }
            net += self.longs(account, place);
        }
        net
    }

    /// What a position adds to that.
    pub(crate) fn longs(&self, account: AccountId, place: InstrumentId) -> i128 {
        let notional = self.notional(account, place);
        let valued = self.asset(self.settlement(place));
        let valued = valued.map_or(notional, |asset| asset.worth(notional, self.price_of(asset)));
        valued * self.leg(account, place).position.signum()
    }

    /// The largest position the account may come to in an instrument if `orders` trade.
    pub(crate) fn worst(&self, account: AccountId, instrument: InstrumentId, orders: &[&Order]) -> i128 {
        let position = self.leg(account, instrument).position;
        let (mut buys, mut sells, mut reducing) = (0, 0, 0);
        for order in orders.iter().filter(|order| order.instrument == instrument) {
            match (order.reduce_only, order.side) {
                (true, _) => reducing += order.leaves,
                (false, Side::Buy) => buys += order.leaves,
                (false, Side::Sell) => sells += order.leaves,
            }
        }
        let reducing = reducing.min(position.abs());
        if position > 0 {
            sells += reducing;
        } else {
            buys += reducing;
        }
        (position + buys).abs().max((position - sells).abs())
    }

    /// Requirement of one leg with `orders` resting, in billionths.
    pub(crate) fn leg_requirement(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        orders: &[&Order],
        leverage: i128,
    ) -> i128 {
        let known = &self.instruments[instrument.index()];
        let (terms, mark) = (&known.terms, self.mark(instrument));
        let (mut through, mut fees) = (Vec::new(), 0);
        for order in orders.iter().filter(|order| order.instrument == instrument && !order.reduce_only) {
            let gap = match order.side {
                Side::Buy => order.price * MARKS - mark,
                Side::Sell => mark - order.price * MARKS,
            };
            if gap > 0 {
                through.push((order.leaves, order.price));
            }
            fees += terms.value(order.leaves, order.price) * terms.taker_fee;
        }
        let worst = self.worst(account, instrument, orders);
        let notional = if worst == 0 { 0 } else { terms.notional(worst, mark) };
        terms.initial_of(notional, leverage, known.crowded) + PPB * terms.open_loss(&through, mark) + fees
    }

    /// What is missing for an account to have the orders of `then` rest instead of those of `now`, and a leverage set;
    /// `None` if admitted.
    pub(crate) fn margin_short(
        &self,
        account: AccountId,
        (now, then): (&[&Order], &[&Order]),
        leverage: Option<(InstrumentId, i128)>,
    ) -> Option<i128> {
        let before = self.worth_with(account, &Assumed::orders(now));
        let after = self.worth_with(account, &Assumed { leverage, ..Assumed::orders(then) });
        let missing = after.initial - after.initial_equity * PPB;
        let reduces = after.initial <= before.initial && after.equity >= 0;
        if missing <= 0 || reduces { None } else { Some(ceil(missing, PPB)) }
    }

    /// Initial margin within each asset with `orders` resting, in billionths.
    fn required_within(&self, account: AccountId, orders: &[&Order]) -> [i128; ASSETS_MAX + 1] {
        let mut places: BTreeSet<InstrumentId> = self.positions_of(account).collect();
        places.extend(orders.iter().map(|order| order.instrument));
        let mut within = [0; ASSETS_MAX + 1];
        for place in places {
            let leverage = self.leg(account, place).leverage;
            let required = self.leg_requirement(account, place, orders, leverage);
            within[self.settlement(place).index()] += required;
        }
        within
    }

    /// The most of the unit of account that may be paid out once `then` rest; what that frees is not free yet.
    pub(crate) fn withdrawable_after(&self, account: AccountId, then: &[&Order]) -> i128 {
        let now = self.weighing(account);
        let (before, after) = (self.required_within(account, &now), self.required_within(account, then));
        let mut more = after;
        for (more, before) in more.iter_mut().zip(before) {
            *more = (*more - before).max(0);
        }
        let free = self.worth_with(account, &Assumed { more, ..Assumed::orders(&now) }).free();
        free.min(self.balance(account, AssetId::BASE)).max(0)
    }

    /// The most that may be paid out of an asset.
    pub(crate) fn withdrawable(&self, account: AccountId, asset: AssetId) -> i128 {
        let orders = self.weighing(account);
        let free = |gone| {
            let assumed = Assumed { gone: (asset, gone), ..Assumed::orders(&orders) };
            self.worth_with(account, &assumed).free()
        };
        let balance = self.balance(account, asset);
        if asset == AssetId::BASE {
            return free(0).min(balance).max(0);
        }
        if free(0) < 0 {
            return 0;
        }
        let (mut goes, mut stays) = (0, balance.max(0) + 1);
        while stays - goes > 1 {
            let half = floor(goes + stays, 2);
            if free(half) >= 0 {
                goes = half;
            } else {
                stays = half;
            }
        }
        goes
    }
}
