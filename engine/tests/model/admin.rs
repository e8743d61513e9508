//! Everything that is neither an order nor a session: accounts, money, leverage, instruments, prices, mass cancels.

use std::collections::BTreeMap;

use engine::limits::INDEX_SOURCES_MAX;
use engine::{CancelReason, Event, MassCancel, Reject, TradingState, Transfer};
use risk::limits::{INSTRUMENTS_MAX, MONEY_MAX};
use risk::{AccountId, AssetId, InstrumentId, InstrumentSpec, Leverage, Mark, Restriction};

use super::arith::{MARKS, Terms};
use super::funds::Asked;
use super::orders::Request;
use super::prices::Feed;
use super::state::{Account, Book, Instrument, Leg, Scope};
use super::{Model, Refusal, money};

impl Model {
    pub(crate) fn mass_cancel(&mut self, request: Request, cancel: &MassCancel) -> Result<(), Refusal> {
        self.user_account(cancel.account)?;
        if let Some(instrument) = cancel.instrument {
            self.known_instrument(instrument)?;
        }
        let scope = Scope::of_family(cancel.account, CancelReason::MassCancel);
        let MassCancel { instrument, side, tag, .. } = *cancel;
        self.start_sweep(Scope { instrument, side, tag, ..scope }, Some(request));
        Ok(())
    }

    pub(crate) fn index_price(
        &mut self,
        instrument: InstrumentId,
        (source, number): (u16, u64),
        index: Mark,
        hints: &[Event],
    ) -> Result<(), Refusal> {
        self.known_instrument(instrument)?;
        let known = &mut self.instruments[instrument.index()];
        if known.state == TradingState::Settled {
            return Err(Reject::NotTrading.into());
        }
        let given = i128::from(index.get());
        let most = known.terms.price_max * MARKS;
        let direct = known.spec.pricing.sources_min == 0;
        let says_none = !direct && given <= 0 && given >= -most;
        if !says_none && !known.terms.admits_index(given) {
            return Err(Reject::BadPrice.into());
        }
        if number > 0 {
            let sources = &mut known.sources;
            if sources.get(&source).is_some_and(|&last| number <= last) {
                return Err(Reject::StalePrice.into());
            }
            if !sources.contains_key(&source) && sources.len() >= INDEX_SOURCES_MAX {
                return Err(Reject::BadParameter.into());
            }
        }
        if !direct && !known.feed.knows_or_admits(source) {
            return Err(Reject::BadParameter.into());
        }
        if number > 0 {
            known.sources.insert(source, number);
        }
        self.hear(instrument, source, given);
        if !self.price(instrument, self.now, true, hints) {
            self.out.push(Event::SourcePriceTaken { instrument, source, price: index });
        }
        Ok(())
    }

    pub(crate) fn open_account(&mut self, account: AccountId) -> Result<(), Refusal> {
        if account.is_system() {
            return Err(Reject::SystemAccount.into());
        }
        if self.accounts.contains_key(&account) {
            return Err(Reject::AlreadyExists.into());
        }
        if account.get() >= self.capacity.accounts {
            return Err(Reject::BadParameter.into());
        }
        self.accounts.insert(account, Account::default());
        self.out.push(Event::AccountOpened { account });
        Ok(())
    }

    /// Books money from or to outside.
    fn transfer(&mut self, account: AccountId, asset: AssetId, amount: i128) {
        self.deposits[asset.index()] += amount;
        self.post(account, asset, amount);
        let balance = money(self.balance(account, asset));
        self.out.push(Event::Transferred { account, asset, amount: money(amount), balance });
    }

    pub(crate) fn deposit(&mut self, deposit: &Transfer) -> Result<(), Refusal> {
        if !self.accounts.contains_key(&deposit.account) {
            return Err(Reject::UnknownAccount.into());
        }
        if self.is_isolated(deposit.account) {
            return Err(Reject::IsolatedAccount.into());
        }
        let amount = i128::from(deposit.amount.get());
        let Transfer { account, asset, external_id, .. } = *deposit;
        let done = Asked { external_id, to: None, asset, amount, pays_in: true };
        if self.was_done(account, &done)? {
            return Ok(());
        }
        self.known_asset(asset)?;
        let most = self.asset(asset).map_or(MONEY_MAX, |known| known.spec.deposit_max.get());
        if amount <= 0 || self.deposits[asset.index()] + amount > i128::from(most) {
            return Err(Reject::BadParameter.into());
        }
        self.note_done(account, &done);
        self.transfer(account, asset, amount);
        self.restate(account);
        self.look(account);
        self.resume_one(account);
        Ok(())
    }

    pub(crate) fn withdraw(&mut self, withdrawal: &Transfer) -> Result<(), Refusal> {
        let Transfer { account, asset, amount, external_id } = *withdrawal;
        self.user_account(account)?;
        let amount = i128::from(amount.get());
        let done = Asked { external_id, to: None, asset, amount, pays_in: false };
        if self.was_done(account, &done)? {
            return Ok(());
        }
        self.known_asset(asset)?;
        self.free_account(account)?;
        self.may_leave(account, asset, amount)?;
        if amount <= 0 {
            return Err(Reject::BadParameter.into());
        }
        self.note_done(account, &done);
        self.transfer(account, asset, -amount);
        self.look(account);
        Ok(())
    }

    /// Neither under liquidation nor suspended.
    pub(crate) fn free_account(&self, account: AccountId) -> Result<(), Refusal> {
        let known = &self.accounts[&account];
        if known.liquidating {
            return Err(Reject::AccountLiquidating.into());
        }
        if known.restriction == Restriction::Suspended {
            return Err(Reject::AccountSuspended.into());
        }
        Ok(())
    }

    pub(crate) fn set_restriction(
        &mut self,
        account: AccountId,
        restriction: Restriction,
        cancel_orders: bool,
    ) -> Result<(), Refusal> {
        self.user_account(account)?;
        if restriction == Restriction::None && cancel_orders {
            return Err(Reject::BadCombination.into());
        }
        self.restrict(account, restriction);
        for one in self.isolated_of(account) {
            self.restrict(one, restriction);
        }
        if cancel_orders {
            self.start_sweep(Scope::of_family(account, CancelReason::Suspended), None);
        }
        Ok(())
    }

    pub(crate) fn restrict(&mut self, account: AccountId, restriction: Restriction) {
        self.account_mut(account).restriction = restriction;
        self.out.push(Event::RestrictionSet { account, restriction });
        self.restate(account);
    }

    pub(crate) fn set_leverage(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        leverage: Leverage,
    ) -> Result<(), Refusal> {
        self.user_account(account)?;
        self.known_instrument(instrument)?;
        if self.instruments[instrument.index()].state == TradingState::Settled {
            return Err(Reject::NotTrading.into());
        }
        let account = self.acting(account, instrument)?;
        self.free_account(account)?;
        if !self.leg_fits(account, instrument, &[]) {
            return Err(Reject::TooManyLegs.into());
        }
        let setting = i128::from(leverage.get());
        if setting > self.instruments[instrument.index()].terms.leverage_max() {
            return Err(Reject::LeverageTooHigh.into());
        }
        let now = self.weighing(account);
        let short = self.margin_short(account, (&now, &now), Some((instrument, setting)));
        if let Some(short) = short.filter(|&short| !self.can_feed(account, short)) {
            return Err(Refusal { reject: Reject::InsufficientMargin, short });
        }
        if (1..=99).contains(&setting) {
            return Err(Reject::BadParameter.into());
        }
        self.endow(account, short);
        let leg = Leg { leverage: setting, ..self.leg(account, instrument) };
        self.store_leg(account, instrument, leg);
        self.out.push(Event::LeverageSet { account, instrument, leverage });
        Ok(())
    }

    pub(crate) fn define_instrument(
        &mut self,
        instrument: InstrumentId,
        spec: &InstrumentSpec,
    ) -> Result<(), Refusal> {
        let asset = spec.contract.settlement;
        self.known_asset(asset)?;
        if instrument.index() != self.instruments.len() {
            return Err(Reject::AlreadyExists.into());
        }
        let differs = |coin: &super::assets::Asset| {
            let about = self.instruments[coin.spec.priced_by.index()].terms.underlying;
            about != spec.contract.underlying || coin.spec.decimals != spec.money_decimals
        };
        if self.asset(asset).is_some_and(differs) {
            return Err(Reject::BadParameter.into());
        }
        // What makes a specification sound is the instrument's own affair and has its own tests.
        if instrument.get() >= INSTRUMENTS_MAX || spec.clone().compile().is_err() || !self.fees_fit(spec) {
            return Err(Reject::BadParameter.into());
        }
        let state = TradingState::Open;
        self.instruments.push(Instrument {
            terms: Terms::new(spec),
            spec: spec.clone(),
            state,
            until: None,
            mark: None,
            index: None,
            stable: None,
            crowded: 0,
            payments: vec![0],
            last: None,
            crossed: [(None, None); 3],
            sources: BTreeMap::new(),
            feed: Feed::new(spec, self.now),
            book: Book::default(),
        });
        self.out.push(Event::InstrumentDefined { instrument });
        Ok(())
    }
}
