//! Holds the model's state against the venue's.

use std::collections::BTreeMap;

use engine::{OpenOrderView, OrderRef, OrderTag, ProtectionId, SpecialView, TimeNs, Venue};
use risk::{AccountId, AccountState, InstrumentId, Ledger, Price, Qty, Side};

use super::margin::Worth;
use super::state::{Isolation, Key, Order, Session, Stage};
use super::timers::until_of;
use super::{Model, price, qty};

/// A leg as both sides describe it.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    instrument: InstrumentId,
    position: i128,
    cost: i128,
    leverage: i128,
    orders: usize,
    buys: i128,
    sells: i128,
    reducing: i128,
    fees: i128,
}

impl Model {
    fn held(&self, account: AccountId, orders: &[&Order]) -> Vec<Held> {
        let mut all = Vec::new();
        for instrument in self.all_instruments() {
            let own: Vec<_> = orders.iter().filter(|order| order.instrument == instrument).collect();
            if own.is_empty() && !self.legs.contains_key(&(account, instrument)) {
                continue;
            }
            let leg = self.leg(account, instrument);
            let terms = &self.instruments[instrument.index()].terms;
            let sum = |side| {
                own.iter()
                    .filter(|order| order.weighs() && !order.reduce_only && order.side == side)
                    .map(|order| order.leaves)
                    .sum()
            };
            let plain = own.iter().filter(|order| order.weighs() && !order.reduce_only);
            let reducing = own.iter().filter(|order| order.weighs() && order.reduce_only);
            all.push(Held {
                instrument,
                position: leg.position,
                cost: leg.cost,
                leverage: leg.leverage,
                orders: own.len(),
                buys: sum(Side::Buy),
                sells: sum(Side::Sell),
                reducing: reducing.map(|order| order.leaves).sum(),
                fees: plain.map(|order| terms.value(order.leaves, order.price) * terms.taker_fee).sum(),
            });
        }
        all
    }

    /// The first difference between the model and the venue.
    pub(crate) fn difference(&self, venue: &Venue) -> Option<String> {
        self.difference_of_markets(venue)
            .or_else(|| self.difference_of_ledger(venue.ledger()))
            .or_else(|| self.difference_of_sessions(venue))
            .or_else(|| self.difference_of_views(venue))
            .or_else(|| self.difference_of_protections(venue))
            .or_else(|| self.difference_of_isolated(venue))
    }

    fn difference_of_sessions(&self, venue: &Venue) -> Option<String> {
        let keys = venue.keys().map(|(id, key)| {
            (
                id,
                Key {
                    public: key.public,
                    account: key.account,
                    kinds: key.kinds,
                    expires: key.expires.get(),
                    revoked: key.revoked,
                    suspended: key.suspended,
                },
            )
        });
        let (venue_keys, model_keys): (BTreeMap<_, _>, _) = (keys.collect(), &self.keys);
        if venue_keys != *model_keys {
            return Some(format!("keys: venue {venue_keys:?}\n  model {model_keys:?}"));
        }
        let sessions = venue.sessions_by_number().map(|(_, session)| Session {
            number: session.last_client_seq.get(),
            client: session.last_client_order_id,
            kind: session.kind,
            account: session.account,
            key: session.key,
            tag: session.tag,
            on_loss: session.on_loss,
            grace_ms: session.grace_ms,
            logged_on: session.is_logged_on,
            deadline: session.deadline.get(),
            keep_reduce_only: session.keep_reduce_only,
        });
        let differs = |(venue, model): &(Session, &Session)| venue != *model;
        let different = sessions.zip(&self.sessions).find(differs);
        if let Some((venue, model)) = different {
            return Some(format!("session: venue {venue:?}\n  model {model:?}"));
        }
        let (venue, model) = (venue.sessions() as usize, self.sessions.len());
        (venue != model).then(|| format!("sessions: venue {venue}, model {model}"))
    }

    fn difference_of_isolated(&self, venue: &Venue) -> Option<String> {
        let seen = self.accounts.keys().flat_map(|&account| {
            let own = venue.isolated_positions(account);
            own.map(move |(place, acting, on)| ((account, place), Isolation { account: acting, on }))
        });
        let seen: BTreeMap<_, _> = seen.collect();
        (seen != self.isolated).then(|| format!("isolated: venue {seen:?}\n  model {:?}", self.isolated))
    }

    /// Open orders as the venue shows them. A suspended taker is shown as if it rested.
    fn difference_of_views(&self, venue: &Venue) -> Option<String> {
        if self.suspended.is_some() {
            return None;
        }
        for &account in self.accounts.keys() {
            let mut orders = self.orders_of(account);
            orders.sort_by_key(|order| (order.instrument, core::cmp::Reverse(order.placed)));
            let model: Vec<OpenOrderView> = orders.into_iter().map(view).collect();
            let seen: Vec<OpenOrderView> = venue.open_orders(account).map(spelled).collect();
            if seen != model {
                return Some(format!("orders of {account}: venue {seen:?}\n  model {model:?}"));
            }
            let named = |order: &OpenOrderView| {
                let by_client = OrderRef::Client(order.client_order_id);
                let find = |named| venue.find_open(order.session, account, named).map(spelled);
                find(by_client) == Some(*order) && find(OrderRef::Id(order.id)) == Some(*order)
            };
            if !seen.iter().all(named) {
                return Some(format!("an order of {account} is not found by its numbers"));
            }
        }
        None
    }

    /// States, what each side shows at each price, and what an auction would come to.
    fn difference_of_markets(&self, venue: &Venue) -> Option<String> {
        for place in self.all_instruments() {
            let known = &self.instruments[place.index()];
            let until = until_of(known.until);
            let state = (Some(known.state), (until.get() > 0).then_some(until));
            let seen = (venue.trading_state(place), venue.state_until(place));
            if seen != state {
                return Some(format!("state of {place}: venue {seen:?}, model {state:?}"));
            }
            let prices = venue.ledger().instrument(place);
            let seen = [prices.index, prices.mark, prices.stable];
            let stable = known.stable.as_ref().map(|stable| stable.now);
            let model = [known.index, known.mark, stable].map(|price| price.map(super::mark_of));
            if seen != model {
                return Some(format!("prices of {place}: venue {seen:?}, model {model:?}"));
            }
            let seen = venue.oracle(place).map(|oracle| (oracle.state(), oracle.index()));
            if seen != Some(self.prices_of(place)) {
                let model = self.prices_of(place);
                return Some(format!("index of {place}: venue {seen:?}, model {model:?}"));
            }
            for side in [Side::Buy, Side::Sell] {
                let seen: Vec<(Price, Qty)> = venue.depth(place, side).collect();
                let mut shown: BTreeMap<i128, i128> = BTreeMap::new();
                for order in known.book.walk(side).iter().map(|id| &self.orders[id]) {
                    *shown.entry(order.price).or_default() += order.shown();
                }
                let mut model: Vec<(Price, Qty)> =
                    shown.into_iter().map(|(at, sum)| (price(at), qty(sum))).collect();
                if side == Side::Buy {
                    model.reverse();
                }
                if seen != model {
                    return Some(format!("depth of {place}: venue {seen:?}\n  model {model:?}"));
                }
            }
            let seen = venue.indicative(place).map(|found| (found.price, found.qty, found.surplus));
            let model = self.is_crossed(place).then(|| self.auction_price(place));
            let model = model.map(|(at, volume, surplus)| {
                (price(at), qty(volume), i64::try_from(surplus).expect("quantities are bounded"))
            });
            if seen != model {
                return Some(format!("auction of {place}: venue {seen:?}, model {model:?}"));
            }
        }
        None
    }

    fn difference_of_protections(&self, venue: &Venue) -> Option<String> {
        let seen = self.accounts.keys().flat_map(|&account| venue.protections(account));
        let seen: Vec<_> = seen.map(|group| (group.limits, group.is_frozen)).collect();
        let model: Vec<_> = self
            .groups
            .iter()
            .map(|(&(account, id), group)| (group.limits, self.is_frozen(account, id)))
            .collect();
        (seen != model).then(|| format!("protection groups: venue {seen:?}\n  model {model:?}"))
    }

    /// The model's own books: what was paid in is in balances, or settled in cash against open costs.
    fn assert_conserved(&self) {
        for asset in self.all_assets() {
            let money: i128 = self.accounts.keys().map(|&account| self.balance(account, asset)).sum();
            let legs = self.legs.iter().filter(|((_, place), _)| self.settlement(*place) == asset);
            let costs: i128 = legs.map(|(_, leg)| leg.cost).sum();
            assert!(money == self.deposits[asset.index()] + costs, "the model conserves money");
        }
    }

    /// What accounts are worth, what they require and what may be withdrawn.
    fn difference_of_assessments(&self, ledger: &Ledger) -> Option<String> {
        if self.suspended.is_some() {
            return None;
        }
        for &account in self.accounts.keys() {
            let now = ledger.assess(account);
            let seen = Worth {
                equity: i128::from(now.equity.get()),
                initial_equity: i128::from(now.initial_equity.get()),
                withdrawal_equity: i128::from(now.withdrawal_equity.get()),
                initial: now.initial.ppb(),
                maintenance: now.maintenance.ppb(),
                exposure: i128::from(now.exposure.get()),
            };
            let model = self.worth(account);
            if seen != model {
                return Some(format!("worth of {account}: venue {seen:?}\n  model {model:?}"));
            }
            for asset in self.all_assets() {
                let seen = i128::from(ledger.withdrawable(account, asset).get());
                let model = self.withdrawable(account, asset);
                if seen != model {
                    return Some(format!("asset {asset} of {account} to leave: venue {seen}, model {model}"));
                }
            }
        }
        None
    }

    fn difference_of_ledger(&self, ledger: &Ledger) -> Option<String> {
        let open: Vec<AccountId> = ledger.accounts().map(|(account, _)| account).collect();
        let known: Vec<AccountId> = self.accounts.keys().copied().collect();
        if open != known {
            return Some(format!("accounts: venue {open:?}, model {known:?}"));
        }
        for (account, venue) in ledger.accounts() {
            let model = self.accounts[&account];
            if self.is_isolated(account) != (venue.form == risk::AccountForm::Isolated) {
                return Some(format!("account {account}: venue {:?}", venue.form));
            }
            let liquidating = venue.state == AccountState::Liquidating;
            let balances = self.all_assets().map(|asset| i128::from(ledger.balance(account, asset).get()));
            let balances: Vec<i128> = balances.collect();
            if balances != model.balances[..balances.len()] {
                return Some(format!("account {account}: venue {balances:?}, model {model:?}"));
            }
            let found = (liquidating, venue.restriction, venue.standing, venue.group, venue.fee_tier);
            let known = (model.liquidating, model.restriction, model.standing, model.group, model.fee_tier);
            if found != known {
                return Some(format!("account {account}: venue {found:?}, model {model:?}"));
            }
            let legs = ledger.legs_of(account).map(|(_, leg)| Held {
                instrument: leg.instrument,
                position: i128::from(leg.position.get()),
                cost: i128::from(leg.cost.get()),
                leverage: i128::from(leg.leverage.get()),
                orders: leg.orders as usize,
                buys: i128::from(leg.buy_qty.get()),
                sells: i128::from(leg.sell_qty.get()),
                reducing: i128::from(leg.reduce_only_qty.get()),
                fees: leg.fees_reserved.ppb(),
            });
            let (venue, model): (Vec<Held>, Vec<Held>) =
                (legs.collect(), self.held(account, &self.orders_of(account)));
            if venue != model {
                return Some(format!("account {account}:\n  venue {venue:?}\n  model {model:?}"));
            }
        }
        let resting = ledger.order_count() as usize;
        let known = self.orders.len();
        if resting != known {
            return Some(format!("resting orders: venue {resting}, model {known}"));
        }
        let debtors: Vec<AccountId> =
            (0..ledger.debtors()).filter_map(|place| ledger.debtor_at(place)).collect();
        if debtors != self.debtors {
            return Some(format!("debtors: venue {debtors:?}, model {:?}", self.debtors));
        }
        self.assert_conserved();
        self.difference_of_assessments(ledger)
    }
}

/// A view in which a plain order says what is special about it: nothing.
fn spelled(order: OpenOrderView) -> OpenOrderView {
    let plain = SpecialView {
        stage: engine::Stage::Live,
        shown: order.leaves,
        tag: OrderTag::new(0),
        expires: TimeNs::new(0),
        trigger: None,
        protection: ProtectionId::new(0),
    };
    OpenOrderView { special: Some(order.special.unwrap_or(plain)), ..order }
}

fn view(order: &Order) -> OpenOrderView {
    let stage = match order.stage {
        Stage::Held => engine::Stage::Held,
        Stage::Dormant => engine::Stage::Dormant,
        Stage::Waiting => engine::Stage::Waiting,
        Stage::Live => engine::Stage::Live,
    };
    OpenOrderView {
        id: order.id,
        client_order_id: order.client,
        session: order.session,
        instrument: order.instrument,
        side: order.side,
        price: price(order.price),
        leaves: qty(order.leaves),
        filled: qty(order.filled),
        reduce_only: order.reduce_only,
        persistent: order.persistent,
        special: Some(SpecialView {
            stage,
            shown: qty(if order.stage == Stage::Live { order.shown() } else { 0 }),
            tag: order.said.tag,
            expires: order.said.expires,
            trigger: order.said.trigger,
            protection: order.said.protection,
        }),
    }
}
