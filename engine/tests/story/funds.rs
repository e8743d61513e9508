//! Money and standings: words into commands, and events into words.

use engine::{Action, Event, MoveMargin, Movement, MovementReason, TimeNs, Transfer, TransferBetween};
use risk::{AccountId, AssetId, InstrumentId, Money};

use super::Story;
use super::read::{number, small};
use super::write::after_start;

impl Story<'_> {
    /// `[of ASSET] [id N]`.
    fn asset_and_id(&self, words: &[&str]) -> Result<(AssetId, u64), String> {
        match *words {
            [] => Ok((AssetId::BASE, 0)),
            ["id", id] => Ok((AssetId::BASE, number(id)?.unsigned_abs())),
            ["of", asset, ref rest @ ..] => Ok((self.asset(asset)?, self.asset_and_id(rest)?.1)),
            _ => Err(format!("no wish {words:?}")),
        }
    }

    /// `deposits|withdraws AMOUNT [of ASSET] [id N]`, `gives NAME AMOUNT [of ASSET] [id N]`.
    pub(crate) fn of_money(&self, account: AccountId, words: &[&str]) -> Result<Action, String> {
        Ok(match *words {
            ["gives", to, amount, ref rest @ ..] => {
                let (asset, external_id) = self.asset_and_id(rest)?;
                let (to, amount) = (self.account(to)?, Money::new(number(amount)?));
                Action::TransferBetween(TransferBetween { from: account, to, asset, amount, external_id })
            }
            [way @ ("deposits" | "withdraws"), amount, ref rest @ ..] => {
                let amount = Money::new(number(amount)?);
                let (asset, external_id) = self.asset_and_id(rest)?;
                let transfer = Transfer { account, asset, amount, external_id };
                if way == "deposits" { Action::Deposit(transfer) } else { Action::Withdraw(transfer) }
            }
            _ => return Err("no such command".to_owned()),
        })
    }

    /// `isolates|shares INSTRUMENT`, `margin AMOUNT in INSTRUMENT`.
    pub(crate) fn of_isolated(account: AccountId, words: &[&str]) -> Result<Action, String> {
        let place = |word| small(word).map(InstrumentId::new);
        Ok(match *words {
            [mode @ ("isolates" | "shares"), instrument] => Action::SetMarginMode {
                account,
                instrument: place(instrument)?,
                isolated: mode == "isolates",
            },
            ["margin", amount, "in", instrument] => {
                let (amount, instrument) = (Money::new(number(amount)?), place(instrument)?);
                Action::MoveMargin(MoveMargin { account, instrument, amount })
            }
            _ => return Err("no such command".to_owned()),
        })
    }

    /// What happens to money and standings.
    pub(crate) fn of_funds(&self, event: &Event) -> String {
        if let Event::Transferred { account, asset, amount, balance } = *event {
            let what = self.of_asset(asset);
            format!("transferred {} {amount}{what} balance {balance}", self.owner(account))
        } else if let Event::Moved(movement) = *event {
            let Movement { from, to, asset, amount, from_balance, to_balance, reason, .. } = movement;
            let why =
                if reason == MovementReason::Requested { String::new() } else { format!(" {reason:?}") };
            let (from, to) = (self.owner(from), self.owner(to));
            let what = self.of_asset(asset);
            format!("moved {amount}{what} from {from} to {to} balances {from_balance} {to_balance}{why}")
        } else if let Event::TransferRepeated { account, external_id, balance } = *event {
            format!("transfer {external_id} of {} was done balance {balance}", self.owner(account))
        } else if let Event::MarginModeSet { account, instrument, isolated, acting } = *event {
            let mode = if isolated { "isolated" } else { "shared" };
            let (account, acting) = (self.owner(account), self.owner(acting));
            format!("margin of {account} in {instrument} {mode}, {acting} acts")
        } else if let Event::FeeTierDefined { tier, .. } = *event {
            format!("fee tier {tier}")
        } else if let Event::FeeTierSet { account, tier } = *event {
            format!("fees of {} are of tier {tier}", self.owner(account))
        } else if let Event::StandingChanged { account, standing } = *event {
            format!("{} is {standing:?}", self.owner(account))
        } else {
            self.of_collateral(event)
        }
    }

    /// What happens to an instrument's margin.
    pub(crate) fn of_margin(&self, event: &Event) -> String {
        let when =
            |due: TimeNs| if due.get() == 0 { "over".to_owned() } else { after_start(due).to_string() };
        if let Event::MarginScheduled { instrument, due } = *event {
            format!("margin of {instrument} scheduled {}", when(due))
        } else if let Event::MarginChangeEnded { instrument } = *event {
            format!("margin of {instrument} stays")
        } else if let Event::WouldLiquidate { account, equity, maintenance, .. } = *event {
            format!("{} would be liquidated equity {equity} maintenance {maintenance}", self.owner(account))
        } else if let Event::MarginWeighed { instrument, accounts } = *event {
            format!("margin of {instrument} weighed {accounts}")
        } else if let Event::MarginHeld { instrument, accounts, due } = *event {
            format!("margin of {instrument} held {accounts} {}", when(due))
        } else if let Event::MarginChanged { instrument, step, due } = *event {
            format!("margin of {instrument} step {step} next {}", when(due))
        } else {
            self.of_liquidation(event)
        }
    }
}
