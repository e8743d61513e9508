//! Isolated positions: accounts of their own that act for another in one instrument.
//!
//! Invariant: an isolated position has legs in its one instrument only and is of its parent's owner group and restriction.
//! While a position is isolated the parent has neither a position nor orders there; while it is not, the isolated account
//! has none. Between commands one that is over, and not in liquidation, holds nothing.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Refusal, Venue, Verdict};
use crate::command::{MoveMargin, TradingState};
use crate::event::{Event, Events, MovementReason};
use crate::limits::{ACCOUNTS_PER_GROUP_MAX, ISOLATED_PER_ACCOUNT_MAX, OWN_GROUPS};
use crate::reject::Reject;
use risk::{
    AccountForm, AccountId, AccountState, AssetId, Candidate, InstrumentId, Ledger, MarginShort, Money,
    OwnerGroupId, Position, Restriction,
};

/// An isolated position of an account in an instrument.
#[derive(Clone, Copy, Debug, bincode::Encode)]
struct Isolation {
    account: AccountId,
    /// Whether it acts for its parent now.
    is_on: bool,
}

/// The isolated positions of all accounts.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct Isolated {
    positions: BTreeMap<(AccountId, InstrumentId), Isolation>,
    parents: BTreeMap<AccountId, (AccountId, InstrumentId)>,
}

impl Isolated {
    /// The isolated accounts of a parent, by ascending instrument.
    pub(super) fn of(&self, parent: AccountId) -> impl Iterator<Item = AccountId> + '_ {
        self.after(parent, None)
    }

    fn after(
        &self,
        parent: AccountId,
        instrument: Option<InstrumentId>,
    ) -> impl Iterator<Item = AccountId> + '_ {
        use core::ops::Bound::{Excluded, Included};
        let first =
            instrument.map_or(Included((parent, InstrumentId::new(0))), |last| Excluded((parent, last)));
        let last = Included((parent, InstrumentId::new(u32::MAX)));
        self.positions.range((first, last)).map(|(_, isolation)| isolation.account)
    }

    fn get(&self, parent: AccountId, instrument: InstrumentId) -> Option<Isolation> {
        self.positions.get(&(parent, instrument)).copied()
    }
}

impl Venue {
    /// The account that acts where a command names `account`: its isolated position in the instrument, or itself. An
    /// isolated position is not named.
    #[inline]
    pub(super) fn acting_account(
        &self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Result<AccountId, Reject> {
        if self.ledger.form_of(account) == AccountForm::Plain {
            return Ok(account);
        }
        self.acting_for(account, instrument)
    }

    #[cold]
    fn acting_for(&self, account: AccountId, instrument: InstrumentId) -> Result<AccountId, Reject> {
        if self.ledger.form_of(account) == AccountForm::Isolated {
            return Err(Reject::IsolatedAccount);
        }
        let isolation = self.isolated.get(account, instrument).filter(|isolation| isolation.is_on);
        Ok(isolation.map_or(account, |isolation| isolation.account))
    }

    /// The account that is named where `account` acts: the parent of an isolated position, or itself.
    #[must_use]
    pub fn principal(&self, account: AccountId) -> AccountId {
        if self.ledger.form_of(account) != AccountForm::Isolated {
            return account;
        }
        self.isolated.parents.get(&account).map_or(account, |(parent, _)| *parent)
    }

    /// Isolated positions of an account: instrument, the account that acts there, and whether it does now.
    pub fn isolated_positions(
        &self,
        parent: AccountId,
    ) -> impl Iterator<Item = (InstrumentId, AccountId, bool)> + '_ {
        let all = (parent, InstrumentId::new(0))..=(parent, InstrumentId::new(u32::MAX));
        let known = self.isolated.positions.range(all);
        known.map(|(&(_, instrument), isolation)| (instrument, isolation.account, isolation.is_on))
    }

    /// The account after one of a family: a parent, then its isolated positions by ascending instrument.
    pub(super) fn next_of_family(&self, parent: AccountId, account: AccountId) -> Option<AccountId> {
        let place = self.isolated.parents.get(&account).map(|(_, instrument)| *instrument);
        self.isolated.after(parent, place).next()
    }

    #[cold]
    pub(super) fn set_margin_mode(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        is_on: bool,
        events: &mut Events,
    ) -> Verdict {
        self.user(account)?;
        if self.trading_state(instrument).ok_or(Reject::UnknownInstrument)? == TradingState::Settled {
            return Err(Reject::NotTrading.into());
        }
        self.check_free(account)?;
        let known = self.isolated.get(account, instrument);
        let is_in_use = |one: AccountId| {
            self.is_liquidating(one) && one != account || !self.is_idle(one, Some(instrument))
        };
        if is_in_use(account) || known.is_some_and(|isolation| is_in_use(isolation.account)) {
            return Err(Reject::MarginModeInUse.into());
        }
        if is_on && known.is_none() && !self.has_room_for_isolated(account) {
            return Err(Reject::TooManyAccounts.into());
        }

        let acting = match known {
            Some(isolation) => isolation.account,
            None if is_on => self.open_isolated(account, instrument, events),
            None => account,
        };
        if acting != account {
            self.isolated.positions.insert((account, instrument), Isolation { account: acting, is_on });
            let has_isolated = self.isolated_positions(account).any(|(_, _, is_on)| is_on);
            let form = if has_isolated { AccountForm::Parent } else { AccountForm::Plain };
            self.ledger.set_form(account, form);
        }
        let acting = if is_on { acting } else { account };
        events.push(Event::MarginModeSet { account, instrument, isolated: is_on, acting });
        Ok(())
    }

    /// Whether an account has neither a position nor orders, in an instrument or in any.
    fn is_idle(&self, account: AccountId, instrument: Option<InstrumentId>) -> bool {
        let mut legs = self.ledger.legs_of(account);
        legs.all(|(_, leg)| {
            let is_meant = instrument.is_none_or(|instrument| leg.instrument == instrument);
            !is_meant || (leg.position == Position::ZERO && leg.orders == 0)
        })
    }

    /// The number of the next account that is opened by itself: above every one there is.
    fn next_account(&self) -> AccountId {
        AccountId::new(self.ledger.account_numbers().max(risk::limits::FIRST_USER_ACCOUNT))
    }

    fn has_room_for_isolated(&self, account: AccountId) -> bool {
        let group = self.accounts_of(self.group_of(account)).len();
        self.next_account().get() < self.capacity.accounts.min(risk::limits::ACCOUNTS_MAX)
            && self.isolated.of(account).count() < ISOLATED_PER_ACCOUNT_MAX
            && group.max(1) < ACCOUNTS_PER_GROUP_MAX
    }

    /// Opens the isolated position of an account in an instrument. An account that stands alone gets a group of its own.
    fn open_isolated(
        &mut self,
        parent: AccountId,
        instrument: InstrumentId,
        events: &mut Events,
    ) -> AccountId {
        let account = self.next_account();
        self.ledger.open_account(account);
        events.push(Event::AccountOpened { account });
        let mut group = self.group_of(parent);
        if group == OwnerGroupId::default() {
            group = own_group(parent);
            self.put_into_group(parent, group, events);
        }
        self.put_into_group(account, group, events);
        self.ledger.set_form(account, AccountForm::Isolated);
        self.isolated.parents.insert(account, (parent, instrument));
        // Between commands no more are over than there are.
        self.over.reserve(self.isolated.parents.len() - self.over.len());
        let restriction = self.ledger.account(parent).map_or(Restriction::None, |known| known.restriction);
        if restriction != Restriction::None {
            self.restrict(account, restriction, events);
        }
        let tier = self.ledger.account(parent).map_or(0, |known| known.fee_tier);
        if tier != 0 {
            self.give_fee_tier(account, tier, events);
        }
        account
    }

    #[cold]
    pub(super) fn move_margin(&mut self, moved: &MoveMargin, events: &mut Events) -> Verdict {
        let MoveMargin { account, instrument, amount } = *moved;
        self.user(account)?;
        if self.ledger.find_instrument(instrument).is_none() {
            return Err(Reject::UnknownInstrument.into());
        }
        self.check_free(account)?;
        let isolated = self.acting_account(account, instrument)?;
        let pays_in = amount > Money::ZERO;
        if !pays_in && isolated != account && self.is_liquidating(isolated) {
            return Err(Reject::AccountLiquidating.into());
        }
        if isolated == account || self.is_idle(isolated, None) {
            return Err(Reject::NoIsolatedPosition.into());
        }
        let (from, to) = if pays_in { (account, isolated) } else { (isolated, account) };
        self.check_trust_of(from)?;
        let (size, may_give) = (Money::new(amount.get().saturating_abs()), self.may_give(from));
        if size > may_give {
            return Err(Refusal { reject: Reject::InsufficientFunds, short: size - may_give });
        }
        if amount == Money::ZERO {
            return Err(Reject::BadParameter.into());
        }

        self.move_money((from, to), AssetId::BASE, size, (MovementReason::MarginMoved, 0), events);
        Ok(())
    }

    /// The most of the unit of account that an account may give away.
    fn may_give(&self, account: AccountId) -> Money {
        self.ledger.withdrawable(account, AssetId::BASE)
    }

    /// The most that a parent may give its isolated positions without being asked.
    pub(super) fn may_feed(&self, parent: AccountId) -> Money {
        if self.gives_nothing(parent) { Money::ZERO } else { self.may_give(parent) }
    }

    /// Whether a parent is in liquidation, or holds what is priced by an index that is not trusted.
    fn gives_nothing(&self, parent: AccountId) -> bool {
        self.is_liquidating(parent) || self.check_trust_of(parent).is_err()
    }

    /// Gives an isolated position what it was admitted to get.
    #[inline]
    pub(super) fn feed(&mut self, account: AccountId, amount: Money, events: &mut Events) {
        if amount != Money::ZERO {
            let parent = self.principal(account);
            let why = (MovementReason::MarginShort, 0);
            self.move_money((parent, account), AssetId::BASE, amount, why, events);
        }
    }

    /// Margin of several candidates of an account and its isolated positions together: the account first, then each
    /// isolated position out of what the account may still give.
    #[cold]
    pub(super) fn admit_family(&mut self, candidates: &[Candidate]) -> Result<(), MarginShort> {
        let Some(first) = candidates.first() else { return Ok(()) };
        let parent = self.principal(first.account);
        if candidates.iter().any(|one| one.account == parent) {
            self.ledger.admit_all(parent, candidates)?;
        }
        if candidates.iter().all(|one| one.account == parent) {
            return Ok(());
        }
        let mut may_give = Money::ZERO;
        if !self.gives_nothing(parent) {
            may_give = self.ledger.withdrawable_with(parent, candidates);
        }
        for (place, one) in candidates.iter().enumerate() {
            if one.account == parent || has_come(candidates, place) {
                continue;
            }
            if let Err(short) = self.ledger.admit_all(one.account, candidates) {
                if short.0 > may_give {
                    return Err(short);
                }
                may_give -= short.0;
            }
        }
        Ok(())
    }

    /// Gives isolated positions what they were admitted together to get.
    pub(super) fn feed_family(&mut self, candidates: &[Candidate], events: &mut Events) {
        for (place, one) in candidates.iter().enumerate() {
            if self.ledger.form_of(one.account) != AccountForm::Isolated || has_come(candidates, place) {
                continue;
            }
            if let Err(short) = self.ledger.admit_all(one.account, candidates) {
                self.feed(one.account, short.0, events);
            }
        }
    }

    /// A leg has neither a position nor orders any more: what an isolated position holds goes back at the end of the
    /// command, unless it goes on.
    #[cold]
    pub(super) fn note_over(&mut self, account: AccountId) {
        if self.ledger.form_of(account) == AccountForm::Isolated && !self.over.contains(&account) {
            self.over.push(account);
            self.left_over = true;
        }
    }

    /// Gives back what isolated positions hold that are over.
    pub(super) fn give_back(&mut self, events: &mut Events) {
        let mut over: Vec<AccountId> = core::mem::take(&mut self.over);
        over.sort_unstable();
        for account in over.drain(..) {
            if !self.is_liquidating(account) && self.is_idle(account, None) && !self.ledger.owes(account) {
                self.give_all_back(account, events);
            }
        }
        self.over = over;
    }

    /// Gives a parent everything that one of its isolated positions holds.
    fn give_all_back(&mut self, account: AccountId, events: &mut Events) {
        let parent = self.principal(account);
        for asset in (0..self.ledger.asset_numbers()).map(AssetId::new) {
            let amount = self.ledger.balance(account, asset);
            if amount > Money::ZERO {
                self.move_money((account, parent), asset, amount, (MovementReason::PositionOver, 0), events);
            }
        }
    }

    /// Verifies that isolated positions and their parents agree.
    pub(super) fn check_isolated(&self) {
        assert!(self.over.is_empty(), "what is over was looked at");
        let forms = self.ledger.accounts().filter(|(_, account)| account.form == AccountForm::Isolated);
        assert!(forms.count() == self.isolated.parents.len(), "isolated positions are known");
        assert!(self.isolated.positions.len() == self.isolated.parents.len(), "each once");
        for (&(parent, instrument), &Isolation { account, is_on }) in &self.isolated.positions {
            assert!(
                self.isolated.parents.get(&account) == Some(&(parent, instrument)),
                "they name each other"
            );
            self.check_isolated_position(&self.ledger, (parent, instrument), account);
            let unused = if is_on { parent } else { account };
            assert!(self.is_idle(unused, Some(instrument)), "one of the two acts");
        }
        for (parent, known) in self.ledger.accounts().filter(|(_, known)| known.form != AccountForm::Isolated)
        {
            let has_isolated = self.isolated_positions(parent).any(|(_, _, is_on)| is_on);
            assert!(has_isolated == (known.form == AccountForm::Parent), "the form of a parent");
        }
    }

    fn check_isolated_position(
        &self,
        ledger: &Ledger,
        (parent, instrument): (AccountId, InstrumentId),
        account: AccountId,
    ) {
        assert!(ledger.form_of(account) == AccountForm::Isolated, "the form of an isolated position");
        assert!(ledger.group_of(account) == ledger.group_of(parent), "of one owner");
        assert!(ledger.group_of(account) != OwnerGroupId::default(), "in a group");
        assert!(ledger.legs_of(account).all(|(_, leg)| leg.instrument == instrument), "in one instrument");
        let holds = (0..ledger.asset_numbers())
            .any(|asset| ledger.balance(account, AssetId::new(asset)) > Money::ZERO);
        let rests = ledger.account(account).is_some_and(|known| known.state == AccountState::Active);
        let is_over = rests && self.is_idle(account, None) && !ledger.owes(account);
        assert!(!is_over || !holds, "what is over holds nothing");
    }
}

/// The group of an account that stands alone but for its isolated positions.
pub(super) const fn own_group(parent: AccountId) -> OwnerGroupId {
    OwnerGroupId::new(OWN_GROUPS + parent.get())
}

/// Whether an earlier candidate is of the same account.
fn has_come(candidates: &[Candidate], place: usize) -> bool {
    candidates[..place].iter().any(|earlier| earlier.account == candidates[place].account)
}
