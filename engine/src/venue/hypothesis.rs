//! What if: an account as it would be after prices moved, trades were done and orders were placed.
//!
//! Invariant: a question, not a command. Steps are done to an extract of the account, by the functions that do them to the
//! venue: an assumed order passes the very checks of a new order, in their order, against the books as they are. What is
//! assumed touches nothing else: nothing is matched, nobody is liquidated, no exits fire. Source: `risk/MARGIN.md` 15.

use alloc::vec::Vec;

use super::checks::{Ahead, Checks};
use super::new_order::{Nothing, OrderChecks};
use super::{Refusal, Venue};
use crate::command::{NewOrder, TradingState};
use crate::event::MarginState;
use crate::limits::{STEPS_MAX, STRESSES_MAX};
use crate::reject::Reject;
use risk::ledger::extract::SUBJECT;
use risk::{
    AccountId, AccountState, AssetId, Candidate, Figures, InstrumentId, Ledger, LegFigures, Level,
    MarginShort, Mark, Money, Price, Prices, Qty, Side, UnderlyingId,
};

/// Whose prices move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Every instrument's.
    All,
    /// Those of every instrument of one underlying.
    Underlying(UnderlyingId),
    /// One instrument's.
    Instrument(InstrumentId),
}

/// Where prices move to. What an instrument has no price of, stays so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    /// By this part of themselves, in billionths, rounded down; no further than to the highest mark, nor below the lowest.
    By(i64),
    /// Index, mark and stable price to this.
    To(Mark),
}

/// Something that is assumed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Prices are others, with no regard to how far a mark may move at once.
    Shock {
        /// Whose.
        scope: Scope,
        /// Where to.
        to: Move,
    },
    /// The account has traded, as a taker, with somebody who is nobody else in the venue.
    Fill {
        /// Where.
        instrument: InstrumentId,
        /// Its side.
        side: Side,
        /// At what price.
        price: Price,
        /// How much.
        qty: Qty,
    },
    /// The account has placed an order; where it is admitted, it rests in full at its worst price. Its account is not looked
    /// at: it is the one that is asked about.
    Order(NewOrder),
}

/// Why a step cannot be assumed, or the reject an order would get, with what is missing where money is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Denial {
    /// Why.
    pub reject: Reject,
    /// Initial margin that is missing, rounded up.
    pub short: Money,
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        let Refusal { reject, short } = refusal;
        Self { reject, short }
    }
}

impl From<Reject> for Denial {
    fn from(reject: Reject) -> Self {
        Self { reject, short: Money::ZERO }
    }
}

/// An account, or one of its isolated positions, before or after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// Which.
    pub account: AccountId,
    /// The account.
    pub figures: Figures,
    /// What its margin is like: what a look at it would find, whatever it was told last.
    pub state: MarginState,
    /// Its legs, by ascending instrument.
    pub legs: Vec<LegFigures>,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WhatIf {
    /// The account as it is, then its isolated positions by ascending instrument.
    pub before: Vec<Picture>,
    /// The same after all steps.
    pub after: Vec<Picture>,
    /// What came of each step, in their order. One that was denied changed nothing, and the next were still tried.
    pub verdicts: Vec<Result<(), Denial>>,
}

/// An extract with the venue behind it.
#[derive(Debug)]
struct Hypothesis<'a> {
    venue: &'a Venue,
    ledger: Ledger,
    /// The account and its isolated positions, as the venue calls them, in the order of their numbers in the extract.
    family: Vec<AccountId>,
    /// Orders assumed so far: they take up room that the venue's store does not know of.
    orders: u32,
}

impl Checks for Hypothesis<'_> {
    fn venue(&self) -> &Venue {
        self.venue
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    fn real(&self, account: AccountId) -> AccountId {
        let place = account.get().checked_sub(SUBJECT.get());
        place.and_then(|place| self.family.get(place as usize)).copied().unwrap_or(account)
    }

    fn feed_for(&self, account: AccountId, short: MarginShort) -> Result<Money, Refusal> {
        let (parent, in_trouble) = (self.family[0], self.state_of(SUBJECT) == AccountState::Liquidating);
        let gives_nothing = in_trouble || self.venue.check_trust_of(parent).is_err();
        if account == SUBJECT || gives_nothing || self.ledger.withdrawable(SUBJECT, AssetId::BASE) < short.0 {
            return Err(short.into());
        }
        Ok(short.0)
    }
}

impl<'a> Hypothesis<'a> {
    fn of(venue: &'a Venue, account: AccountId) -> Result<Self, Reject> {
        venue.user(account)?;
        let family = venue.family_of(account);
        let ledger = venue.ledger.extract(&family);
        Ok(Self { venue, ledger, family, orders: 0 })
    }

    /// Whoever acts for the account in an instrument, as the extract calls it.
    fn acting(&self, instrument: InstrumentId) -> AccountId {
        let acts = self.venue.isolated_positions(self.family[0]);
        let acting = acts.filter(|(_, _, is_on)| *is_on).find(|(at, ..)| *at == instrument);
        let place = acting.and_then(|(_, acting, _)| self.family.iter().position(|&one| one == acting));
        let place = place.and_then(|place| u32::try_from(place).ok()).unwrap_or(0);
        AccountId::new(SUBJECT.get() + place)
    }

    fn state_of(&self, account: AccountId) -> AccountState {
        self.ledger.account(account).map_or(AccountState::Absent, |account| account.state)
    }

    fn assume(&mut self, step: &Step) -> Result<(), Denial> {
        match *step {
            Step::Shock { scope, to } => Ok(self.shock(scope, to)?),
            Step::Fill { instrument, side, price, qty } => Ok(self.fill(instrument, side, price, qty)?),
            Step::Order(order) => self.order(&NewOrder { account: self.acting(order.instrument), ..order }),
        }
    }

    fn shock(&mut self, scope: Scope, to: Move) -> Result<(), Reject> {
        let (from, until) = match scope {
            Scope::All | Scope::Underlying(_) => (0, self.ledger.instruments()),
            Scope::Instrument(instrument) => {
                self.ledger.find_instrument(instrument).ok_or(Reject::UnknownInstrument)?;
                (instrument.get(), instrument.get() + 1)
            }
        };
        let concerned = |terms: &risk::Instrument| match scope {
            Scope::Underlying(underlying) => terms.spec.contract.underlying == underlying,
            Scope::All | Scope::Instrument(_) => true,
        };
        if let Move::To(mark) = to {
            let of_it = (from..until).map(InstrumentId::new);
            let mut of_it = of_it.filter(|&at| concerned(self.ledger.instrument(at)));
            if !of_it.all(|at| mark.get() > 0 && mark <= self.ledger.highest_mark(at)) {
                return Err(Reject::BadPrice);
            }
        }
        for instrument in (from..until).map(InstrumentId::new) {
            if !concerned(self.ledger.instrument(instrument)) {
                continue;
            }
            let Some(prices) = self.ledger.prices_of(instrument) else { continue };
            let prices = match to {
                Move::By(rate) => prices.moved_by(rate, self.ledger.highest_mark(instrument)),
                Move::To(mark) => Prices { index: mark, mark, stable: prices.stable.map(|_| mark) },
            };
            self.ledger.suppose_prices(instrument, prices);
        }
        Ok(())
    }

    fn fill(&mut self, instrument: InstrumentId, side: Side, price: Price, qty: Qty) -> Result<(), Reject> {
        let terms = self.ledger.find_instrument(instrument).ok_or(Reject::UnknownInstrument)?;
        if terms.mark.is_none() {
            return Err(Reject::NoMarkPrice);
        }
        if self.venue.trading_state(instrument) == Some(TradingState::Settled) {
            return Err(Reject::NotTrading);
        }
        let most = terms.spec.open_interest_max;
        if !self.is_lots(instrument, qty) || qty > most {
            return Err(Reject::BadQuantity);
        }
        self.check_price(instrument, price)?;
        let account = self.acting(instrument);
        if self.ledger.position(account, instrument).after(side, qty).size() > most {
            return Err(Reject::PositionLimit);
        }
        if !self.ledger.has_room_for_leg(account, instrument) {
            return Err(Reject::TooManyLegs);
        }
        self.ledger.suppose_fill(account, instrument, (side, price, qty));
        Ok(())
    }

    fn order(&mut self, order: &NewOrder) -> Result<(), Denial> {
        let ahead = Ahead { orders: self.orders, ..Ahead::default() };
        let checked = self.check_order(order, &Nothing, ahead)?;
        let candidate: Candidate = checked.candidate(order);
        let feed = self.admit(&candidate)?;
        self.ledger.move_cash(SUBJECT, candidate.account, AssetId::BASE, feed);
        self.ledger.suppose_order(&candidate);
        self.orders += 1;
        Ok(())
    }

    fn pictures(&self) -> Vec<Picture> {
        let numbers = (SUBJECT.get()..).map(AccountId::new);
        let family = self.family.iter().zip(numbers);
        family.map(|(&account, number)| picture(&self.ledger, number, account)).collect()
    }
}

/// An account of a ledger, with the number it is known by.
fn picture(ledger: &Ledger, account: AccountId, known_as: AccountId) -> Picture {
    Picture {
        account: known_as,
        figures: ledger.figures(account),
        state: margin_state(ledger, account),
        legs: ledger.legs_of(account).map(|(leg_id, _)| ledger.leg_figures(leg_id)).collect(),
    }
}

/// What a look at an account would find its margin to be like.
pub(super) fn margin_state(ledger: &Ledger, account: AccountId) -> MarginState {
    let now = ledger.assess(account);
    let is_liquidating =
        ledger.account(account).is_some_and(|account| account.state == AccountState::Liquidating);
    if is_liquidating || now.is_below(Level::Maintenance) {
        MarginState::Liquidating
    } else if now.is_below(Level::Warning) {
        MarginState::Warned
    } else {
        MarginState::Healthy
    }
}

impl Venue {
    /// An account and its isolated positions, by ascending instrument.
    #[must_use]
    pub fn family_of(&self, account: AccountId) -> Vec<AccountId> {
        let isolated = self.isolated_positions(account).map(|(_, acting, _)| acting);
        core::iter::once(account).chain(isolated).collect()
    }

    /// What an account would be after these steps. At most [`STEPS_MAX`]; O(instruments + steps x instruments + legs
    /// squared).
    ///
    /// # Errors
    /// [`Reject`]: no such trading account, or too many steps.
    pub fn what_if(&self, account: AccountId, steps: &[Step]) -> Result<WhatIf, Reject> {
        if steps.len() > STEPS_MAX {
            return Err(Reject::BadParameter);
        }
        let mut assumed = Hypothesis::of(self, account)?;
        let before = assumed.family.iter().map(|&one| picture(&self.ledger, one, one)).collect();
        let verdicts = steps.iter().map(|step| assumed.assume(step)).collect();
        Ok(WhatIf { before, after: assumed.pictures(), verdicts })
    }

    /// What an account would be after all steps and each of these shocks, one at a time: by [`Self::what_if`], without its
    /// legs. At most [`STRESSES_MAX`] shocks.
    ///
    /// # Errors
    /// [`Reject`]: as [`Self::what_if`], or an instrument that there is not.
    pub fn stress(
        &self,
        account: AccountId,
        steps: &[Step],
        shocks: &[(Scope, i64)],
    ) -> Result<Vec<(Figures, MarginState)>, Reject> {
        if steps.len() > STEPS_MAX || shocks.len() > STRESSES_MAX {
            return Err(Reject::BadParameter);
        }
        let mut assumed = Hypothesis::of(self, account)?;
        for step in steps {
            assumed.assume(step).map_err(|denial| denial.reject)?;
        }
        let kept = assumed.ledger.keep_prices();
        let mut found = Vec::with_capacity(shocks.len());
        for &(scope, rate) in shocks {
            assumed.shock(scope, Move::By(rate))?;
            found.push((assumed.ledger.figures(SUBJECT), margin_state(&assumed.ledger, SUBJECT)));
            assumed.ledger.restore_prices(&kept);
        }
        Ok(found)
    }
}
