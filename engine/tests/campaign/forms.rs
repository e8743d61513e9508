//! Accounts of one owner: transfers between them, and transfers that are sent once more.

use engine::{Action, MarginChange, MassCancel, MoveMargin, SessionId, TimeNs, Transfer, TransferBetween};
use risk::{AccountId, AssetId, FeeTier, MarginTerms, Money, Rate};

use super::STEP_NS;
use super::generate::{Generator, QUARTER_LOT};
use super::view::View;

impl Generator {
    /// Money between two accounts, mostly of one owner.
    pub(super) fn between(&mut self, view: &View) -> Action {
        let from = self.account();
        let group = view.groups.get(&from);
        let own: Vec<AccountId> = view
            .groups
            .iter()
            .filter(|(_, other)| Some(*other) == group)
            .map(|(&account, _)| account)
            .collect();
        let to = if own.is_empty() || self.rng.permille(100) { self.account() } else { self.rng.pick(&own) };
        let balance = view.balances.get(&from).copied().unwrap_or(0).max(1);
        let amount = match self.rng.below(100) {
            0..60 => self.rng.within(1, QUARTER_LOT),
            60..90 => balance - self.rng.within(0, balance),
            90..97 => balance + 1,
            _ => self.rng.pick(&[0, -1, i64::MIN, i64::MAX]),
        };
        let asset = AssetId::new(u16::from(self.rng.permille(10)));
        let (amount, external_id) = (Money::new(amount), self.external_id());
        self.sent_again(Action::TransferBetween(TransferBetween { from, to, asset, amount, external_id }))
    }

    /// A margin mode, or margin into an isolated position and out of it.
    pub(super) fn isolation(&mut self, view: &View) -> Action {
        if !view.isolated.is_empty() && self.rng.permille(40) {
            // What is not named.
            let own: Vec<AccountId> = view.isolated.keys().copied().collect();
            let account = self.rng.pick(&own);
            return match self.rng.below(4) {
                0 => Action::Withdraw(Transfer::new(account, Money::new(1))),
                1 => Action::MassCancel(MassCancel::of_account(account)),
                2 => self.protection(account),
                _ => self.order(view, account),
            };
        }
        let account = self.account();
        let instrument = self.instrument();
        let isolated: Vec<AccountId> = view.isolated.values().copied().collect();
        if !isolated.is_empty() && self.rng.permille(500) {
            let account = self.rng.pick(&isolated);
            let size = self.rng.within(1, QUARTER_LOT);
            let amount = match self.rng.below(100) {
                0..45 => size,
                45..90 => -size,
                _ => self.rng.pick(&[0, i64::MIN, i64::MAX, QUARTER_LOT * 40]),
            };
            return Action::MoveMargin(MoveMargin { account, instrument, amount: Money::new(amount) });
        }
        if self.rng.permille(700) {
            self.soon(SessionId::new(0), Action::MassCancel(MassCancel::of_account(account)));
        }
        let isolated = self.rng.permille(800);
        self.soon(SessionId::new(0), Action::SetMarginMode { account, instrument, isolated });
        Action::Tick
    }

    /// A change of an instrument's margin, scheduled or taken back.
    pub(super) fn margin_change(&mut self, view: &View) -> Action {
        let instrument = self.instrument();
        if self.rng.permille(150) {
            return Action::CancelMargin { instrument };
        }
        // Its own terms, or harsher ones by the same factor, so that they stay five quarters apart.
        let mut terms = MarginTerms::of(&self.spec(instrument));
        let percent = u64::try_from(self.rng.pick(&[100, 120, 150, 190, 190])).expect("positive");
        for tier in terms.initial_tiers.iter_mut().chain(&mut terms.maintenance_tiers) {
            let rate = (u64::from(tier.rate.get()) * percent).div_euclid(100);
            tier.rate = Rate::new(u32::try_from(rate).expect("a rate"));
        }
        let steps = u16::try_from(self.rng.pick(&[1, 1, 1, 2, 3, 0])).expect("small");
        let step_ms = u32::from(steps > 1 || self.rng.permille(20));
        let soon = STEP_NS * self.rng.below(60);
        let effective = TimeNs::new(if self.rng.permille(400) { 0 } else { view.now + soon });
        let change = Box::new(MarginChange { terms, effective, steps, step_ms });
        if self.rng.permille(150) {
            // Taken back while it waits.
            self.soon(SessionId::new(0), Action::ScheduleMargin { instrument, change });
            self.soon(SessionId::new(0), Action::CancelMargin { instrument });
            return Action::Tick;
        }
        Action::ScheduleMargin { instrument, change }
    }

    /// A tier of fees, or who has it.
    pub(super) fn fee_tier(&mut self) -> Action {
        let tier = u8::try_from(self.rng.within(0, 4)).expect("small");
        if self.rng.permille(700) {
            return Action::SetFeeTier { account: self.account(), tier };
        }
        let mut share =
            || Rate::new(u32::try_from(self.rng.within(300_000_000, 1_000_000_000)).expect("a share"));
        let terms = FeeTier { taker: share(), maker: share(), rebate: share() };
        Action::DefineFeeTier { tier, terms }
    }

    /// A number for a transfer, where it has one.
    pub(super) fn external_id(&mut self) -> u64 {
        if self.rng.permille(500) {
            return 0;
        }
        self.transfers += 1;
        if self.rng.permille(30) { self.transfers >> 1 } else { self.transfers }
    }

    /// The same transfer, or one that was sent before, as it was or for another amount.
    pub(super) fn sent_again(&mut self, action: Action) -> Action {
        let again = self.rng.permille(120);
        let differs = self.rng.permille(200);
        let Some(last) = self.last_transfer.replace(action.clone()).filter(|_| again) else { return action };
        let mut last = last;
        if let Action::Deposit(Transfer { amount, .. })
        | Action::Withdraw(Transfer { amount, .. })
        | Action::TransferBetween(TransferBetween { amount, .. }) = &mut last
            && differs
        {
            *amount = Money::new(amount.get().wrapping_add(1));
        }
        last
    }
}
