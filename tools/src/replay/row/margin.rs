//! What is exported of money between accounts, of margin and of collateral.
//!
//! Invariant: amounts are in the smallest unit of their asset; an empty `asset` is the unit of account.

use engine::{Event, Movement};
use gateway::wire::types::I64N;
use risk::{AssetId, Money, Requirement};

use super::{Column as C, Row};

impl Row {
    fn of_asset(&mut self, asset: AssetId) {
        if asset != AssetId::BASE {
            self.number(C::Asset, asset.get());
        }
    }

    /// What an account receives and pays.
    pub(super) fn fill_in_money(&mut self, event: &Event) {
        if let Event::Transferred { account, asset, amount, balance } = *event {
            self.who(account);
            self.of_asset(asset);
            self.number(C::Amount, amount.get());
            self.number(C::Balance, balance.get());
        } else if let Event::Moved(ref movement) = *event {
            self.fill_in_movement(movement);
        } else if let Event::TransferRepeated { account, external_id, balance } = *event {
            self.who(account);
            self.number(C::ExternalId, external_id);
            self.number(C::Balance, balance.get());
        } else if let Event::FundingBooked { account, instrument, paid, balance } = *event {
            self.who(account);
            self.at(instrument);
            self.number(C::Amount, -paid.get());
            self.number(C::Balance, balance.get());
        } else {
            self.fill_in_collateral(event);
        }
    }

    fn fill_in_movement(&mut self, movement: &Movement) {
        self.who(movement.from);
        self.of_asset(movement.asset);
        self.number(C::Amount, movement.amount.get());
        self.number(C::Balance, movement.from_balance.get());
        self.number(C::ToAccount, movement.to.get());
        self.number(C::ToBalance, movement.to_balance.get());
        self.named(C::Detail, movement.reason);
        if movement.external_id != 0 {
            self.number(C::ExternalId, movement.external_id);
        }
    }

    /// Assets, debts and what becomes of them.
    fn fill_in_collateral(&mut self, event: &Event) {
        if let Event::AssetDefined { asset } = *event {
            self.number(C::Asset, asset.get());
        } else if let Event::DebtTermsSet { asset, terms } = *event {
            self.number(C::Asset, asset.get());
            self.number(C::Amount, terms.max.get());
            self.number(C::Value, terms.interest.get());
        } else if let Event::Converted { account, conversion, reason } = *event {
            self.who(account);
            self.of_asset(conversion.sold);
            self.number(C::Amount, conversion.given.get());
            self.number(C::BoughtAsset, conversion.bought.get());
            self.number(C::Received, conversion.received.get());
            self.named(C::Detail, reason);
        } else if let Event::DeficitCovered { account, asset, amount } = *event {
            self.who(account);
            self.of_asset(asset);
            self.number(C::Amount, amount.get());
        } else if let Event::InterestCharged { account, asset, amount, balance } = *event {
            self.who(account);
            self.of_asset(asset);
            self.number(C::Amount, amount.get());
            self.number(C::Balance, balance.get());
        } else {
            self.fill_in_margin(event);
        }
    }

    /// What an account is, and why.
    fn fill_in_margin(&mut self, event: &Event) {
        if let Event::MarginStateChanged { account, state, equity, exposure, initial, maintenance } = *event {
            self.who(account);
            self.named(C::Detail, state);
            self.number(C::Amount, equity.get());
            self.number(C::Value, exposure.get());
            self.number(C::Initial, initial.get());
            self.number(C::Maintenance, maintenance.get());
            self.ratio(C::LeverageE9, exposure, equity);
            self.ratio(C::MarginRatioE9, maintenance, equity);
        } else if let Event::MarginModeSet { account, instrument, isolated, acting } = *event {
            self.who(account);
            self.at(instrument);
            self.word(C::Detail, if isolated { "isolated" } else { "cross" }.to_owned());
            self.number(C::ToAccount, acting.get());
        } else if let Event::FeeTierDefined { tier, terms } = *event {
            self.number(C::Tag, tier);
            self.number(C::Value, terms.taker.get());
            self.number(C::Fee, terms.maker.get());
            self.number(C::Amount, terms.rebate.get());
        } else if let Event::FeeTierSet { account, tier } = *event {
            self.who(account);
            self.number(C::Tag, tier);
        } else if let Event::StandingChanged { account, standing } = *event {
            self.who(account);
            self.named(C::Detail, standing);
        } else {
            self.fill_in_schedule(event);
        }
    }

    /// A change of an instrument's margin, and whom it would meet.
    fn fill_in_schedule(&mut self, event: &Event) {
        if let Event::MarginScheduled { instrument, due } = *event {
            self.at(instrument);
            self.number(C::DeadlineNs, due.get());
        } else if let Event::MarginChangeEnded { instrument } = *event {
            self.at(instrument);
        } else if let Event::WouldLiquidate { account, instrument, equity, maintenance } = *event {
            self.who(account);
            self.at(instrument);
            self.number(C::Amount, equity.get());
            self.number(C::Maintenance, maintenance.get());
        } else if let Event::MarginWeighed { instrument, accounts } = *event {
            self.at(instrument);
            self.number(C::Qty, accounts);
        } else if let Event::MarginHeld { instrument, accounts, due } = *event {
            self.at(instrument);
            self.number(C::Qty, accounts);
            self.number(C::DeadlineNs, due.get());
        } else if let Event::MarginChanged { instrument, step, due } = *event {
            self.at(instrument);
            self.number(C::Tag, step);
            self.number(C::DeadlineNs, due.get());
        }
    }

    /// `over / under` in billionths, as clients are told it; nothing where equity is not positive.
    fn ratio(&mut self, column: C, over: Money, under: Money) {
        let ratio: I64N = I64N::ratio(Requirement::of_money(over), under);
        if let Some(ratio) = ratio.get() {
            self.number(column, ratio);
        }
    }
}
