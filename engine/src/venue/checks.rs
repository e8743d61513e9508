//! The single checks of an order, which new orders, amendments, batches and quotes share.
//!
//! Invariant: a check looks at one rule, or at rules whose numbers follow each other, and changes nothing.

use super::{Refusal, Venue};
use crate::command::NewOrder;
use crate::reject::Reject;
use risk::{
    Account, AccountForm, AccountId, Candidate, Instrument, InstrumentId, Ledger, LegId, MarginShort, Money,
    Position, Price, Prospect, Qty, Restriction, Side,
};

/// What the orders before it in a batch, not yet accepted, take up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead {
    /// Orders in the instrument.
    pub(super) in_leg: u32,
    /// Orders.
    pub(super) orders: u32,
    /// Instruments that are new to the account.
    pub(super) legs: u32,
    /// Instruments that are new to the accounts that act in them, isolated positions counted in.
    pub(super) all_legs: u32,
}

/// What orders are checked against: the venue as it is, or as it would be with something assumed. Whatever is looked at goes
/// through here, so that an assumed order meets the very checks of a real one.
pub(super) trait Checks {
    /// Books, stores, states.
    fn venue(&self) -> &Venue;

    /// Accounts, positions, prices.
    fn ledger(&self) -> &Ledger;

    /// The same, to remember in it what was found.
    fn ledger_mut(&mut self) -> &mut Ledger;

    /// What the venue calls an account of the ledger.
    fn real(&self, account: AccountId) -> AccountId;

    /// What an isolated position that is short of margin gets of its parent, where the parent may give it.
    fn feed_for(&self, account: AccountId, short: MarginShort) -> Result<Money, Refusal>;

    fn check_quantity(&self, instrument: InstrumentId, qty: Qty) -> Result<(), Reject> {
        if !self.is_lots(instrument, qty) {
            return Err(Reject::BadQuantity);
        }
        self.check_size(instrument, qty)
    }

    /// Whether it is a positive multiple of the lot.
    #[inline]
    fn is_lots(&self, instrument: InstrumentId, qty: Qty) -> bool {
        let lot = self.ledger().instrument(instrument).spec.lot;
        qty > Qty::ZERO && qty.get().rem_euclid(lot.get()) == 0
    }

    #[inline]
    fn check_size(&self, instrument: InstrumentId, qty: Qty) -> Result<(), Reject> {
        let most = self.ledger().instrument(instrument).limits.order_qty_max;
        if qty > most { Err(Reject::QuantityTooLarge) } else { Ok(()) }
    }

    fn check_price(&self, instrument: InstrumentId, price: Price) -> Result<(), Reject> {
        if self.is_price(instrument, price) { Ok(()) } else { Err(Reject::BadPrice) }
    }

    /// Whether it is a positive multiple of the tick inside the instrument's range.
    #[inline]
    fn is_price(&self, instrument: InstrumentId, price: Price) -> bool {
        let spec = &self.ledger().instrument(instrument).spec;
        price.get() > 0 && price.get().rem_euclid(spec.tick.get()) == 0 && price <= spec.price_max
    }

    /// Limit buys may not lie above the band around the mark, sells not below it.
    fn check_band(&self, instrument: InstrumentId, side: Side, price: Price) -> Result<(), Reject> {
        let mark = self.ledger().instrument(instrument).mark.ok_or(Reject::NoMarkPrice)?;
        let band = self.ledger().instrument(instrument).limits.price_band;
        let inside = match side {
            Side::Buy => price.to_mark() <= mark.raised_by(band),
            Side::Sell => price.to_mark() >= mark.lowered_by(band),
        };
        if inside { Ok(()) } else { Err(Reject::PriceBand) }
    }

    /// An order's value at its limit may not be above the instrument's largest.
    #[expect(clippy::inline_always, reason = "a plain order pays for no call here, whoever else calls it")]
    #[inline(always)]
    fn check_value(&self, instrument: InstrumentId, price: Price, qty: Qty) -> Result<(), Reject> {
        let has_most = self.ledger().instrument(instrument).limits.order_notional_max != Money::ZERO;
        if has_most && self.is_worth_too_much(instrument, price, qty) {
            return Err(Reject::NotionalTooLarge);
        }
        Ok(())
    }

    #[cold]
    fn is_worth_too_much(&self, instrument: InstrumentId, price: Price, qty: Qty) -> bool {
        let instrument = self.ledger().instrument(instrument);
        instrument.size_of_value(qty, price) > instrument.limits.order_notional_max
    }

    /// The worst price of a market order: the collar around the mark, on the tick, inside the instrument's range.
    fn market_limit(&self, instrument: InstrumentId, side: Side) -> Result<Price, Reject> {
        let mark = self.ledger().instrument(instrument).mark.ok_or(Reject::NoMarkPrice)?;
        let Instrument { spec, limits, .. } = self.ledger().instrument(instrument);
        let tick = spec.tick.get();
        let price = match side {
            Side::Buy => mark.raised_by(limits.market_collar).floor_price().get().div_euclid(tick) * tick,
            Side::Sell => {
                (mark.lowered_by(limits.market_collar).ceil_price().get() + tick - 1).div_euclid(tick) * tick
            }
        };
        Ok(Price::new(price.clamp(tick, spec.price_max.get())))
    }

    /// Whether stores and limits leave room for `places` more orders behind those ahead; the account's leg.
    #[expect(clippy::inline_always, reason = "a plain order pays for no call here, whoever else calls it")]
    #[inline(always)]
    fn check_room(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        places: u32,
        ahead: Ahead,
    ) -> Result<Option<LegId>, Reject> {
        let leg = self.ledger().find_leg(account, instrument);
        let orders = leg.map_or(0, |leg| self.ledger().leg(leg).orders) + ahead.in_leg;
        let most = self.ledger().instrument(instrument).limits.orders_max;
        if orders + places > most || !self.venue().orders.has_room_for(ahead.orders + places) {
            return Err(Reject::TooManyOrders);
        }
        if leg.is_none() && !self.ledger().has_room_among(account, ahead.legs + 1, ahead.all_legs + 1) {
            return Err(Reject::TooManyLegs);
        }
        Ok(leg)
    }

    /// Position limit, open-interest limit, margin: what a candidate would make of its account and instrument. What an
    /// isolated position gets of its parent for it, which is given before the candidate is accepted; zero for others.
    fn admit(&mut self, candidate: &Candidate) -> Result<Money, Refusal> {
        let prospect = self.ledger().prospect(candidate);
        self.venue().check_trust(candidate, &prospect)?;
        self.check_exposure(candidate, &prospect)?;
        match self.ledger_mut().admit(&prospect) {
            Ok(()) => Ok(Money::ZERO),
            Err(short) => self.feed_for(candidate.account, short),
        }
    }

    /// Position and open-interest limits; orders that only reduce, and what opens nothing, pass the second.
    fn check_exposure(&self, candidate: &Candidate, prospect: &Prospect) -> Result<(), Reject> {
        self.check_position(candidate.instrument, prospect)?;
        self.check_owner(candidate, prospect)?;
        if candidate.reduce_only {
            return Ok(());
        }
        let position = prospect.position();
        let closes = Side::closing(position) == Some(candidate.side);
        let closing = if closes { candidate.qty.min(position.size()) } else { Qty::ZERO };
        self.check_open_interest(candidate.instrument, candidate.qty - closing)
    }

    #[inline]
    fn check_position(&self, instrument: InstrumentId, prospect: &Prospect) -> Result<(), Reject> {
        let worst = prospect.worst_then();
        let most = self.ledger().instrument(instrument).limits.position_max;
        if worst > most && worst > prospect.worst_now() { Err(Reject::PositionLimit) } else { Ok(()) }
    }

    /// What the owner of an account could reach together may not grow beyond its limit.
    #[inline]
    fn check_owner(&self, candidate: &Candidate, prospect: &Prospect) -> Result<(), Reject> {
        let most = self.ledger().instrument(candidate.instrument).limits.owner_position_max;
        if most == Qty::ZERO || prospect.worst_then() <= prospect.worst_now() {
            return Ok(());
        }
        let others = self.venue().worst_of_others(self.real(candidate.account), candidate.instrument);
        if others + prospect.worst_then() > most { Err(Reject::OwnerPositionLimit) } else { Ok(()) }
    }

    #[inline]
    fn check_open_interest(&self, instrument: InstrumentId, opening: Qty) -> Result<(), Reject> {
        let most = self.ledger().instrument(instrument).limits.open_interest_max;
        let open = self.ledger().open_interest(instrument) + opening;
        if open > most && opening > Qty::ZERO { Err(Reject::OpenInterestLimit) } else { Ok(()) }
    }
}

impl Checks for Venue {
    #[inline]
    fn venue(&self) -> &Venue {
        self
    }

    #[inline]
    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    #[inline]
    fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    #[inline]
    fn real(&self, account: AccountId) -> AccountId {
        account
    }

    #[cold]
    fn feed_for(&self, account: AccountId, short: MarginShort) -> Result<Money, Refusal> {
        let parent = self.principal(account);
        if parent == account || self.may_feed(parent) < short.0 {
            return Err(short.into());
        }
        Ok(short.0)
    }
}

impl Venue {
    /// What the other accounts of an account's owner could reach, each in its worst way. O(accounts of the group).
    #[cold]
    fn worst_of_others(&self, account: AccountId, instrument: InstrumentId) -> Qty {
        let others = self.accounts_of(self.group_of(account)).iter().filter(|other| **other != account);
        others.fold(Qty::ZERO, |sum, &other| sum + self.ledger.worst_position(other, instrument))
    }

    /// Limits and margin of several candidates of one account and its isolated positions together. The trust in each one's
    /// index is looked at first. Each instrument's position limit is looked at where it is first named, then the limits of
    /// the owner likewise, then each one's open interest, then the margin; the place of the one that is refused,
    /// which for margin is the last.
    #[cold]
    pub(super) fn admit_together(&mut self, candidates: &[Candidate]) -> Result<(), (usize, Refusal)> {
        for (place, one) in candidates.iter().enumerate() {
            let prospect = self.ledger.prospect_together(one, candidates);
            self.check_trust(one, &prospect).map_err(|reject| (place, reject.into()))?;
        }
        for (place, one) in candidates.iter().enumerate() {
            let prospect = self.ledger.prospect_together(one, candidates);
            self.check_position(one.instrument, &prospect).map_err(|reject| (place, reject.into()))?;
        }
        for (place, one) in candidates.iter().enumerate() {
            let prospect = self.ledger.prospect_together(one, candidates);
            self.check_owner(one, &prospect).map_err(|reject| (place, reject.into()))?;
        }
        for (place, one) in candidates.iter().enumerate() {
            let opening = self.opening_of(one.instrument, candidates);
            self.check_open_interest(one.instrument, opening).map_err(|reject| (place, reject.into()))?;
        }
        let last = candidates.len().saturating_sub(1);
        self.admit_family(candidates).map_err(|short| (last, short.into()))
    }

    /// How much more than they close the candidates in an instrument open; those that only reduce open nothing.
    fn opening_of(&self, instrument: InstrumentId, candidates: &[Candidate]) -> Qty {
        let opens = |candidate: &&Candidate| candidate.instrument == instrument && !candidate.reduce_only;
        let (mut total, mut closing, mut position) = (Qty::ZERO, Qty::ZERO, Position::ZERO);
        for candidate in candidates.iter().filter(opens) {
            position = candidate.leg.map_or(Position::ZERO, |leg| self.ledger.leg(leg).position);
            total += candidate.qty;
            if Side::closing(position) == Some(candidate.side) {
                closing += candidate.qty;
            }
        }
        total - closing.min(position.size())
    }
}

/// A trading account, isolated positions too.
#[inline]
pub(super) fn trader_of(ledger: &Ledger, account: AccountId) -> Result<&Account, Reject> {
    let known = ledger.account(account).ok_or(Reject::UnknownAccount)?;
    if account.is_system() || known.form == AccountForm::Fund {
        Err(Reject::SystemAccount)
    } else {
        Ok(known)
    }
}

/// Whether the operator lets the account place an order, or change one, that only `reduces` or does not.
#[inline]
pub(super) const fn check_restriction(restriction: Restriction, reduces: bool) -> Result<(), Reject> {
    match restriction {
        Restriction::None => Ok(()),
        Restriction::ReduceOnly if reduces => Ok(()),
        Restriction::ReduceOnly => Err(Reject::AccountReduceOnly),
        Restriction::Suspended => Err(Reject::AccountSuspended),
    }
}

/// The quantity of an order, a reduce-only order's cut to the position.
#[inline]
pub(super) fn check_reduce_only(order: &NewOrder, qty: Qty, position: Position) -> Result<Qty, Reject> {
    if !order.reduce_only {
        return Ok(qty);
    }
    if Side::closing(position) != Some(order.side) {
        return Err(Reject::ReduceOnlyWouldIncrease);
    }
    Ok(qty.min(position.size()))
}
