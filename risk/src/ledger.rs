//! The ledger: accounts, legs, instruments, and the running sums that prove money is conserved.
//!
//! Invariants, O(1) each, asserted after every command in every build (`MARGIN.md` 8):
//! I1 per instrument the positions sum to 0; I2 per instrument costs and what was settled to cash sum to 0;
//! I3 per asset balances sum to deposits less withdrawals less what costs were settled; I4 what legs owe of funding is
//! what the funding account is short of, but for rounding that it keeps;
//! I5 open interest is the sum of longs and of shorts.

pub mod extract;

use alloc::vec::Vec;

use crate::account::{
    Account, AccountForm, AccountState, Leg, LegId, Remembered, Restriction, Revision, Standing,
};
use crate::asset::{Asset, DebtTerms};
use crate::fee_tiers::FeeTiers;
use crate::holdings::{CashSums, Holdings};
use crate::instrument::Instrument;
use crate::limits::{ASSETS_MAX, INSTRUMENTS_MAX, MONEY_MAX};
use crate::reservation::{Reservation, Weight};
use crate::risk_group::RiskGroups;
use crate::trading_limits::TradingLimits;
use crate::units::{AccountId, AssetId, InstrumentId, Leverage, Mark, Money, OwnerGroupId, Position, Qty};

/// Room reserved at the start, so that the order path never allocates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Capacity {
    /// Accounts.
    pub accounts: u32,
    /// Legs over all accounts.
    pub legs: u32,
    /// Resting orders.
    pub orders: u32,
}

/// Running sums of one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, bincode::Encode)]
pub struct InstrumentSums {
    /// Signed positions (I1: 0).
    position: i64,
    /// Costs of open positions.
    cost: i64,
    /// Costs booked to balances when a position became flat (I2: `cost + settled = 0`).
    settled: i64,
    /// Longs (I5: equal to shorts).
    long: i64,
    /// Shorts, as a positive number.
    short: i64,
}

/// Accounts, legs, instruments, reservations and sums.
#[derive(Debug, bincode::Encode)]
pub struct Ledger {
    pub(crate) accounts: Vec<Account>,
    pub(crate) legs: Vec<Leg>,
    free_legs: Vec<LegId>,
    leg_capacity: u32,
    pub(crate) instruments: Vec<Instrument>,
    /// By instrument, see [`Revision`]. Side by side: an order compares one with each leg of its account.
    pub(crate) revisions: Vec<Revision>,
    pub(crate) reservations: Vec<Reservation>,
    /// Resting orders over all accounts.
    pub(crate) orders: u32,
    sums: Vec<InstrumentSums>,
    /// Sums of the unit of account.
    pub(crate) base: CashSums,
    /// Terms of debts in it.
    pub(crate) base_debt: DebtTerms,
    /// Collateral assets by number, from 1: the unit of account has no terms of its own.
    pub(crate) assets: Vec<Asset>,
    pub(crate) holdings: Holdings,
    pub(crate) fee_tiers: FeeTiers,
    pub(crate) risk_groups: RiskGroups,
    /// The instrument whose sums changed since the last assertion.
    touched: Option<InstrumentId>,
    /// The assets beside the unit of account whose sums did, a bit each.
    pub(crate) touched_assets: u16,
}

impl Ledger {
    /// An empty ledger with the venue's own accounts open.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        // The venue's own accounts get their legs beyond the capacity: a takeover is never refused.
        let legs = capacity.legs as usize + INSTRUMENTS_MAX as usize;
        let mut ledger = Self {
            accounts: Vec::with_capacity(capacity.accounts as usize),
            legs: Vec::with_capacity(legs),
            free_legs: Vec::with_capacity(legs),
            leg_capacity: capacity.legs,
            instruments: Vec::new(),
            revisions: Vec::new(),
            reservations: Vec::with_capacity(capacity.orders as usize),
            orders: 0,
            sums: Vec::new(),
            base: CashSums::default(),
            base_debt: DebtTerms::FREE,
            assets: Vec::with_capacity(ASSETS_MAX),
            holdings: Holdings::with_room_for(capacity.accounts),
            fee_tiers: FeeTiers::new(),
            risk_groups: RiskGroups::new(),
            touched: None,
            touched_assets: 0,
        };
        for own in AccountId::OWN {
            ledger.open_account(own);
        }
        ledger
    }

    /// Opens an account. The number must be free and below [`crate::limits::ACCOUNTS_MAX`].
    pub fn open_account(&mut self, account: AccountId) {
        if self.accounts.len() <= account.index() {
            self.accounts.resize(account.index() + 1, Account::ABSENT);
        }
        self.accounts[account.index()].state = AccountState::Active;
    }

    /// The account, if it is open.
    #[inline]
    #[must_use]
    pub fn account(&self, account: AccountId) -> Option<&Account> {
        self.accounts.get(account.index()).filter(|account| account.state != AccountState::Absent)
    }

    /// The owner group of an account; 0 where it stands alone or is not open.
    #[inline]
    #[must_use]
    pub fn group_of(&self, account: AccountId) -> OwnerGroupId {
        self.accounts.get(account.index()).map_or(Account::ABSENT.group, |account| account.group)
    }

    /// How an account stands to others of its owner; one that is not open acts for itself.
    #[inline]
    #[must_use]
    pub fn form_of(&self, account: AccountId) -> AccountForm {
        self.accounts.get(account.index()).map_or(AccountForm::Plain, |account| account.form)
    }

    /// Sets how an account stands to others of its owner.
    pub fn set_form(&mut self, account: AccountId, form: AccountForm) {
        self.accounts[account.index()].form = form;
    }

    /// Every open account, ascending.
    pub fn accounts(&self) -> impl Iterator<Item = (AccountId, &Account)> + '_ {
        (0..)
            .map(AccountId::new)
            .zip(&self.accounts)
            .filter(|(_, account)| account.state != AccountState::Absent)
    }

    /// Every open account has a number below this.
    #[must_use]
    pub fn account_numbers(&self) -> u32 {
        u32::try_from(self.accounts.len()).expect("bounded by ACCOUNTS_MAX")
    }

    /// Sets what an account may do.
    pub fn set_state(&mut self, account: AccountId, state: AccountState) {
        self.accounts[account.index()].state = state;
    }

    /// Sets what the operator forbids an account.
    pub fn set_restriction(&mut self, account: AccountId, restriction: Restriction) {
        self.accounts[account.index()].restriction = restriction;
    }

    /// What an account is in one word: its state before its restriction. O(legs) while it is in liquidation, else O(1).
    #[must_use]
    pub fn standing_of(&self, account: AccountId) -> Standing {
        let Account { state, restriction, .. } = self.accounts[account.index()];
        if state == AccountState::Liquidating {
            let is_short = self.assess(account).equity < Money::ZERO;
            return if is_short { Standing::Bankrupt } else { Standing::Liquidating };
        }
        match restriction {
            Restriction::None => Standing::Active,
            Restriction::ReduceOnly => Standing::ReduceOnly,
            Restriction::Suspended => Standing::Suspended,
        }
    }

    /// Notes what an account is in one word.
    pub fn set_standing(&mut self, account: AccountId, standing: Standing) {
        self.accounts[account.index()].standing = standing;
    }

    /// Puts an account into an owner group; 0 lets it stand alone.
    pub fn set_group(&mut self, account: AccountId, group: OwnerGroupId) {
        self.accounts[account.index()].group = group;
    }

    /// Sets what orders and positions of an instrument may reach. The caller has asked
    /// [`TradingLimits::admitted_by`].
    pub fn set_limits(&mut self, instrument: InstrumentId, limits: TradingLimits) {
        self.instruments[instrument.index()].limits = limits;
    }

    /// Adds the next instrument.
    pub fn define(&mut self, instrument: Instrument) {
        self.instruments.push(instrument);
        self.revisions.push(Revision::FIRST);
        self.sums.push(InstrumentSums::default());
    }

    /// A defined instrument.
    #[inline]
    #[must_use]
    pub fn instrument(&self, instrument: InstrumentId) -> &Instrument {
        &self.instruments[instrument.index()]
    }

    /// A defined instrument, or `None`.
    #[inline]
    #[must_use]
    pub fn find_instrument(&self, instrument: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(instrument.index())
    }

    /// How many instruments are defined; the next number.
    #[must_use]
    pub fn instruments(&self) -> u32 {
        u32::try_from(self.instruments.len()).expect("bounded by INSTRUMENTS_MAX")
    }

    /// The mark of an instrument in which somebody has a leg.
    #[inline]
    pub(crate) fn mark_of(&self, instrument: InstrumentId) -> Mark {
        self.instrument(instrument).valuing_mark()
    }

    /// The revision of an instrument.
    #[inline]
    pub(crate) fn revision_of(&self, instrument: InstrumentId) -> Revision {
        self.revisions[instrument.index()]
    }

    /// A leg.
    #[inline]
    #[must_use]
    pub fn leg(&self, leg: LegId) -> &Leg {
        &self.legs[leg.index()]
    }

    /// A leg about to change: what it was last found to be worth is forgotten.
    #[inline]
    pub(crate) fn leg_mut(&mut self, leg: LegId) -> &mut Leg {
        let leg = &mut self.legs[leg.index()];
        leg.valued_at = Remembered(Revision::default());
        leg
    }

    /// A leg whose orders are about to change: what they were last found to require is forgotten.
    #[inline]
    pub(crate) fn leg_orders_mut(&mut self, leg: LegId) -> &mut Leg {
        let leg = &mut self.legs[leg.index()];
        leg.valued_at = Remembered(leg.valued_at.0.but_for_orders());
        leg
    }

    /// An account's legs, by ascending instrument.
    pub fn legs_of(&self, account: AccountId) -> impl Iterator<Item = (LegId, &Leg)> + '_ {
        self.legs_from(self.accounts[account.index()].first_leg)
    }

    /// The legs of a chain from this one on.
    pub(crate) fn legs_from(&self, first: LegId) -> impl Iterator<Item = (LegId, &Leg)> + '_ {
        let mut next = first;
        core::iter::from_fn(move || {
            let leg_id = next.some()?;
            let leg = &self.legs[leg_id.index()];
            next = leg.next;
            Some((leg_id, leg))
        })
    }

    /// An account's leg in an instrument.
    #[inline]
    #[must_use]
    pub fn find_leg(&self, account: AccountId, instrument: InstrumentId) -> Option<LegId> {
        self.legs_of(account).find(|(_, leg)| leg.instrument == instrument).map(|(leg_id, _)| leg_id)
    }

    /// An account's position in an instrument.
    #[inline]
    #[must_use]
    pub fn position(&self, account: AccountId, instrument: InstrumentId) -> Position {
        self.find_leg(account, instrument).map_or(Position::ZERO, |leg_id| self.leg(leg_id).position)
    }

    /// Whether the account has this leg or may have it.
    #[must_use]
    pub fn has_room_for_leg(&self, account: AccountId, instrument: InstrumentId) -> bool {
        self.find_leg(account, instrument).is_some() || self.has_room_for_legs(account, 1)
    }

    /// Whether the account may have so many legs more.
    #[must_use]
    pub fn has_room_for_legs(&self, account: AccountId, legs: u32) -> bool {
        self.has_room_among(account, legs, legs)
    }

    /// Whether the account may have so many legs more while all accounts together get `all` more.
    #[must_use]
    pub fn has_room_among(&self, account: AccountId, legs: u32, all: u32) -> bool {
        let used = self.legs.len() - self.free_legs.len();
        self.accounts[account.index()].has_room_for_legs(legs)
            && used + all as usize <= self.leg_capacity as usize
    }

    /// An account's leg in an instrument, made if there is none.
    pub fn leg_for(&mut self, account: AccountId, instrument: InstrumentId) -> LegId {
        let mut before = LegId::NONE;
        let mut after = self.accounts[account.index()].first_leg;
        while let Some(leg_id) = after.some() {
            let leg = &self.legs[leg_id.index()];
            if leg.instrument == instrument {
                return leg_id;
            }
            if leg.instrument > instrument {
                break;
            }
            (before, after) = (leg_id, leg.next);
        }
        let settlement = self.instrument(instrument).settlement();
        if settlement != AssetId::BASE {
            self.holding_for(account, settlement);
        }
        let leg = Leg::new(account, instrument, after);
        let leg_id = self.store_leg(leg);
        match before.some() {
            Some(before) => self.legs[before.index()].next = leg_id,
            None => self.accounts[account.index()].first_leg = leg_id,
        }
        self.accounts[account.index()].legs += 1;
        leg_id
    }

    fn store_leg(&mut self, leg: Leg) -> LegId {
        if let Some(leg_id) = self.free_legs.pop() {
            self.legs[leg_id.index()] = leg;
            return leg_id;
        }
        self.legs.push(leg);
        LegId::new(u32::try_from(self.legs.len() - 1).expect("bounded by the leg capacity"))
    }

    /// Removes a leg that holds nothing any more.
    pub fn drop_leg(&mut self, leg_id: LegId) {
        debug_assert!(self.legs[leg_id.index()].is_empty(), "only empty legs are dropped");
        let Leg { account, next, .. } = self.legs[leg_id.index()];
        let mut before = self.accounts[account.index()].first_leg;
        if before == leg_id {
            self.accounts[account.index()].first_leg = next;
        } else {
            while self.legs[before.index()].next != leg_id {
                before = self.legs[before.index()].next;
            }
            self.legs[before.index()].next = next;
        }
        self.accounts[account.index()].legs -= 1;
        self.free_legs.push(leg_id);
    }

    /// Sets a leg's leverage.
    pub fn set_leverage(&mut self, leg_id: LegId, leverage: Leverage) {
        let leg = self.leg_mut(leg_id);
        leg.leverage = leverage;
    }

    /// Whether a deposit of this amount keeps every sum in range.
    #[must_use]
    pub fn admits_deposit(&self, asset: AssetId, amount: Money) -> bool {
        if asset != AssetId::BASE {
            return self.find_asset(asset).is_some_and(|asset| asset.admits_deposit(amount));
        }
        (Money::ZERO < amount && amount.get() <= MONEY_MAX) && self.base.deposits + amount.get() <= MONEY_MAX
    }

    /// Money from outside (positive) or to outside (negative); the balance after it.
    pub fn transfer(&mut self, account: AccountId, asset: AssetId, amount: Money) -> Money {
        self.cash_mut(asset).deposits += amount.get();
        self.post_cash(account, asset, amount)
    }

    /// Sums of an asset, about to change.
    pub(crate) fn cash_mut(&mut self, asset: AssetId) -> &mut CashSums {
        if asset == AssetId::BASE {
            return &mut self.base;
        }
        self.touched_assets |= 1 << asset.index();
        &mut self.assets[asset.index() - 1].sums
    }

    /// Adds the next asset.
    pub fn define_asset(&mut self, asset: Asset) {
        self.assets.push(asset);
    }

    /// The number of the next asset; every number below it but 0 is defined.
    #[must_use]
    pub fn asset_numbers(&self) -> u16 {
        u16::try_from(self.assets.len() + 1).expect("bounded by ASSETS_MAX")
    }

    /// An asset beside the unit of account, or `None`.
    #[must_use]
    pub fn find_asset(&self, asset: AssetId) -> Option<&Asset> {
        self.assets.get(asset.index().checked_sub(1)?)
    }

    /// An asset that is held.
    pub(crate) fn asset(&self, asset: AssetId) -> &Asset {
        &self.assets[asset.index() - 1]
    }

    /// Books one side of a change of position; every caller books the other side in the same command. Funding of the leg
    /// has been settled.
    pub(crate) fn post_position(&mut self, leg_id: LegId, delta: Position, cost: Money) {
        let leg = self.leg_mut(leg_id);
        let instrument = leg.instrument;
        let before = leg.position;
        leg.position += delta;
        leg.cost += cost;
        let after = leg.position;
        let sums = &mut self.sums[instrument.index()];
        sums.position += delta.get();
        sums.cost += cost.get();
        sums.long += after.get().max(0) - before.get().max(0);
        sums.short += before.get().min(0) - after.get().min(0);
        if before == Position::ZERO {
            self.begin_funding(leg_id);
        }
        if after == Position::ZERO {
            self.realise(leg_id);
        }
        debug_assert!(self.touched.is_none_or(|touched| touched == instrument), "one instrument per command");
        self.touched = Some(instrument);
    }

    /// Books the cost of a leg that has become flat to the balance of its account.
    #[inline(never)]
    fn realise(&mut self, leg_id: LegId) {
        let leg = &mut self.legs[leg_id.index()];
        let Leg { account, instrument, .. } = *leg;
        let cost = core::mem::take(&mut leg.cost);
        let sums = &mut self.sums[instrument.index()];
        sums.cost -= cost.get();
        sums.settled += cost.get();
        let asset = self.instrument(instrument).settlement();
        if asset == AssetId::BASE {
            self.base.settled += cost.get();
        } else {
            self.cash_mut(asset).settled += cost.get();
        }
        self.post_cash(account, asset, -cost);
    }

    /// Open interest of an instrument.
    #[must_use]
    pub fn open_interest(&self, instrument: InstrumentId) -> Qty {
        Qty::new(self.sums[instrument.index()].long)
    }

    /// Deposits less withdrawals.
    #[must_use]
    pub fn deposits(&self) -> i64 {
        self.base.deposits
    }

    /// Resting orders over all accounts.
    #[must_use]
    pub fn order_count(&self) -> u32 {
        self.orders
    }

    /// Asserts I1 to I5 for what the last command touched.
    ///
    /// # Panics
    /// When money or positions are not conserved; the venue must stop.
    #[expect(clippy::inline_always, reason = "a plain order pays for no call here, whoever else calls it")]
    #[inline(always)]
    pub fn assert_conserved(&mut self) {
        assert!(self.base.is_conserved(), "I3: balances are deposits less settled costs");
        if self.touched_assets != 0 {
            self.touched_assets = 0;
            let conserved = self.assets.iter().all(|asset| asset.sums.is_conserved());
            assert!(conserved, "I3: in every other asset too");
        }
        if let Some(instrument) = self.touched.take() {
            let sums = &self.sums[instrument.index()];
            assert!(sums.position == 0, "I1: positions sum to zero");
            assert!(sums.cost + sums.settled == 0, "I2: costs and settled costs sum to zero");
            assert!(sums.long == sums.short, "I5: longs equal shorts");
        }
    }

    /// Verifies every running sum, chain and bound against a naive recomputation.
    ///
    /// # Panics
    /// With the rule that does not hold.
    pub fn check(&self) {
        let mut cash = alloc::vec![0_i64; self.assets.len() + 1];
        let mut sums = alloc::vec![InstrumentSums::default(); self.instruments.len()];
        let mut orders = 0;
        for (account_id, account) in self.accounts() {
            cash[0] += account.balance.get();
            for holding in self.holdings_of(account_id) {
                cash[holding.asset.index()] += holding.balance.get();
            }
            self.check_holdings(account_id);
            let mut count = 0;
            let mut last = None;
            for (leg_id, leg) in self.legs_of(account_id) {
                assert!(leg.account == account_id, "a leg belongs to the account whose chain it is in");
                assert!(last < Some(leg.instrument), "legs ascend by instrument");
                assert!(!leg.is_empty(), "no empty leg");
                last = Some(leg.instrument);
                count += 1;
                orders += leg.orders;
                self.check_leg(leg_id, leg);
                let sum = &mut sums[leg.instrument.index()];
                sum.position += leg.position.get();
                sum.cost += leg.cost.get();
                sum.long += leg.position.get().max(0);
                sum.short -= leg.position.get().min(0);
            }
            assert!(count == account.legs, "leg count");
        }
        assert!(orders == self.orders, "order count");
        let kept = core::iter::once(&self.base).chain(self.assets.iter().map(|asset| &asset.sums));
        assert!(kept.clone().map(|sums| &sums.balances).eq(&cash), "balance sums");
        assert!(kept.clone().all(CashSums::is_conserved), "I3");
        for (sum, kept) in sums.iter().zip(&self.sums) {
            let kept_open = InstrumentSums { settled: 0, ..*kept };
            assert!(*sum == kept_open, "instrument sums");
            assert!(
                kept.position == 0 && kept.cost + kept.settled == 0 && kept.long == kept.short,
                "I1, I2, I5"
            );
        }
        let mut settled = alloc::vec![0_i64; self.assets.len() + 1];
        for (instrument, sum) in self.instruments.iter().zip(&self.sums) {
            settled[instrument.settlement().index()] += sum.settled;
        }
        assert!(kept.map(|sums| &sums.settled).eq(&settled), "settled sums");
        self.check_funding();
        self.check_risk_groups();
    }

    fn check_leg(&self, leg_id: LegId, leg: &Leg) {
        let mut sums = Leg::new(leg.account, leg.instrument, leg.next);
        for (_, reservation) in self.orders_of(leg_id) {
            use crate::units::Side;
            assert!(
                reservation.leg == leg_id
                    && (reservation.qty > Qty::ZERO || reservation.weight == Weight::None),
                "reservation in its leg"
            );
            sums.orders += 1;
            match reservation.weight {
                Weight::Full => {}
                Weight::ReduceOnly => {
                    assert!(
                        Side::closing(leg.position) == Some(reservation.side),
                        "reduce-only orders close"
                    );
                    sums.reduce_only_qty += reservation.qty;
                    continue;
                }
                Weight::None => continue,
            }
            sums.fees_reserved += self.instrument(leg.instrument).fees_of(reservation.price, reservation.qty);
            match reservation.side {
                Side::Buy => {
                    assert!(reservation.price <= leg.buy_top, "buy bound");
                    sums.buy_qty += reservation.qty;
                }
                Side::Sell => {
                    assert!(reservation.price >= leg.sell_bottom, "sell bound");
                    sums.sell_qty += reservation.qty;
                }
            }
        }
        let revision = self.revision_of(leg.instrument);
        if leg.valued_at.0.with_orders() == revision {
            assert!(self.initial_profit(leg) == leg.profit.0, "remembered profit");
        }
        if leg.valued_at.0 == revision {
            let mark = self.mark_of(leg.instrument);
            let requirement = self.leg_requirement(leg_id, leg, mark);
            assert!(requirement == leg.requirement.0, "remembered requirement");
        }
        assert!(sums.orders == leg.orders, "orders in leg");
        assert!(sums.buy_qty == leg.buy_qty && sums.sell_qty == leg.sell_qty, "order sums");
        assert!(sums.reduce_only_qty == leg.reduce_only_qty, "reduce-only sum");
        assert!(
            leg.reduce_only_qty <= leg.position.size(),
            "I10: reduce-only orders do not exceed the position"
        );
        assert!(sums.fees_reserved == leg.fees_reserved, "I9: fees reserved");
    }
}
