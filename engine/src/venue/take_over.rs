//! What becomes of a position that the book does not take, and of a debt: the backstop account takes the one over at the
//! mark, or the holders of the other side do; a fund pays the other as far as it may, and the rest is the venue's bad debt.
//!
//! Invariant: no fund ends below zero, and nobody who holds nothing in the instrument pays for it.

use super::Venue;
use super::liquidation::Case;
use crate::event::{Event, Events};
use risk::{AccountId, AccountState, AssetId, InstrumentId, Leg, LegId, Money, Position, Restriction};

impl Venue {
    /// What the fund may still give for a liquidation, in an asset.
    pub(super) fn fund_allowance(&self, case: &Case, asset: AssetId) -> Money {
        self.ledger.fund_allowance(case.group, asset, case.given, self.last.time.get())
    }

    /// Somebody else takes a whole leg over for its bankruptcy amount. Where that is more than the position is worth the fund
    /// adds the difference; the backstop account takes it only if the fund adds all of it.
    pub(super) fn hand_over(&mut self, case: &mut Case, leg_id: LegId, events: &mut Events) {
        self.book_funding(leg_id, events);
        let leg = *self.ledger.leg(leg_id);
        let Leg { instrument, position, .. } = leg;
        let asset = self.ledger.instrument(instrument).settlement();
        let amount = self.ledger.bankruptcy_amount(leg_id);
        let deficit = (amount - self.ledger.value_of(&leg, position.size())).max(Money::ZERO);
        let added = deficit.min(self.fund_allowance(case, asset));
        if added == deficit
            && let Some(backstop) = self.backstop_for(case, instrument, position, amount - added)
        {
            self.take_over(case, leg_id, backstop, (amount - added, added), events);
            let taken = self.ledger.leg_for(backstop, instrument);
            self.trim_reduce_only(taken, events);
            self.tend(backstop, taken, events);
            self.drop_leg_if_empty(taken);
            return;
        }
        self.take_over(case, leg_id, AccountId::DELEVERAGING, (amount - added, added), events);
        self.offer(instrument, position, amount - added);
        // Longs and shorts on offer may cancel out.
        let holding = self.ledger.leg_for(AccountId::DELEVERAGING, instrument);
        self.drop_leg_if_empty(holding);
    }

    fn take_over(
        &mut self,
        case: &mut Case,
        leg_id: LegId,
        by: AccountId,
        (amount, added): (Money, Money),
        events: &mut Events,
    ) {
        let Leg { account, instrument, position, .. } = *self.ledger.leg(leg_id);
        let to = self.ledger.leg_for(by, instrument);
        self.book_funding(to, events);
        self.ledger.take_over(leg_id, to, amount, (added, case.group), self.last.time.get());
        if self.ledger.instrument(instrument).settlement() == AssetId::BASE {
            case.given += added;
        }
        events.push(Event::TakenOver { account, by, instrument, position, amount, added });
    }

    /// The backstop account, if there is one and its own margin bears the position.
    fn backstop_for(
        &self,
        case: &Case,
        instrument: InstrumentId,
        position: Position,
        amount: Money,
    ) -> Option<AccountId> {
        let terms = self.ledger.risk_terms_of(instrument);
        let backstop = terms.backstop.filter(|backstop| *backstop != case.account)?;
        let known = self.ledger.account(backstop)?;
        // Where an isolated position acts for it, it holds nothing itself.
        let acts = self.acting_account(backstop, instrument) == Ok(backstop);
        let is_free = acts && known.state == AccountState::Active && known.restriction == Restriction::None;
        if !is_free || !self.ledger.has_room_for_leg(backstop, instrument) {
            return None;
        }
        let then = self.ledger.assess_after(backstop, instrument, position, amount);
        let bears = then.initial.ceil() <= then.initial_equity.min(terms.backstop_margin_max);
        bears.then_some(backstop)
    }

    /// Brings an account's balance in an asset back to zero: by the fund as far as it may, of which `given` was given before,
    /// and what is left as a bad debt. What the fund paid.
    pub(super) fn cover(
        &mut self,
        account: AccountId,
        asset: AssetId,
        (group, given): (u8, Money),
        events: &mut Events,
    ) -> Money {
        let covered = self.ledger.cover_deficit(account, asset, (group, given), self.last.time.get());
        let amount = self.ledger.book_bad_debt(account, asset);
        if amount > Money::ZERO {
            events.push(Event::BadDebtBooked { account, asset, amount });
        }
        covered
    }
}
