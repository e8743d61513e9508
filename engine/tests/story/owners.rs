//! Words about owner groups, kill switches, protection and quotes into commands.

use engine::limits::QUOTE_NUMBERS;
use engine::{
    Action, ClientOrderId, KeyId, MassCancel, MassQuote, OrderTag, Protection, ProtectionId, Quote,
};
use risk::{AccountId, InstrumentId, OwnerGroupId, Price, Qty, Side};

use super::Story;
use super::read::{number, small};
use super::sessions::restriction;

fn group(word: &str) -> Result<ProtectionId, String> {
    u16::try_from(small(word)?).map(ProtectionId::new).map_err(|error| error.to_string())
}

/// The name of the order a quote has, where its client number is one of a quote's.
pub(crate) fn quote_name(number: ClientOrderId) -> Option<String> {
    let place = number.get().checked_sub(QUOTE_NUMBERS)?;
    let side = if place % 2 == 0 { "bid" } else { "ask" };
    Some(format!("{}/{}-{side}", place.div_euclid(32), place.div_euclid(2) % 16))
}

/// `QTY@PRICE`.
fn side(words: &str) -> Result<(Qty, Price), String> {
    let (qty, price) = words.split_once('@').ok_or_else(|| format!("{words} is not QTY@PRICE"))?;
    Ok((Qty::new(number(qty)?), Price::new(number(price)?)))
}

/// `INSTRUMENT/LEVEL:QTY@BID:QTY@ASK`.
fn quote(word: &str) -> Result<Quote, String> {
    let parts: Vec<&str> = word.split(':').collect();
    let [place, bid, ask] = parts[..] else { return Err(format!("{word} is not a quote")) };
    let (instrument, level) = place.split_once('/').ok_or_else(|| format!("{place} is not a place"))?;
    let ((bid_qty, bid), (ask_qty, ask)) = (side(bid)?, side(ask)?);
    let level = u8::try_from(small(level)?).map_err(|error| error.to_string())?;
    Ok(Quote { instrument: InstrumentId::new(small(instrument)?), level, bid, bid_qty, ask, ask_qty })
}

impl Story<'_> {
    /// A command about owner groups and keys.
    pub(crate) fn of_owners(&self, words: &[&str]) -> Result<Action, String> {
        Ok(match *words {
            ["group", name, number] => Action::SetOwnerGroup {
                account: self.account(name)?,
                group: OwnerGroupId::new(small(number)?),
            },
            ["restrict-group", number, to, ref rest @ ..] => Action::SetGroupRestriction {
                group: OwnerGroupId::new(small(number)?),
                restriction: restriction(to)?,
                cancel_orders: rest == ["cancelling"],
            },
            [what @ ("suspend" | "admit"), key, ref rest @ ..] => Action::SuspendKey {
                key: KeyId::new(number(key)?.unsigned_abs()),
                suspended: what == "suspend",
                cancel_orders: rest == ["cancelling"],
            },
            _ => return Err("no such command".to_owned()),
        })
    }

    /// `GROUP [window|frozen|qty|delta|fills N]...`; without a window it ends the group.
    pub(crate) fn protect(account: AccountId, words: &[&str]) -> Result<Action, String> {
        let [named, settings @ ..] = words else { return Err("which group".to_owned()) };
        let mut protection = Protection {
            account,
            group: group(named)?,
            window_ms: 0,
            frozen_ms: 0,
            qty_limit: Qty::ZERO,
            delta_limit: Qty::ZERO,
            fills_limit: 0,
        };
        for setting in settings.chunks(2) {
            match *setting {
                ["window", ms] => protection.window_ms = small(ms)?,
                ["frozen", ms] => protection.frozen_ms = small(ms)?,
                ["qty", limit] => protection.qty_limit = Qty::new(number(limit)?),
                ["delta", limit] => protection.delta_limit = Qty::new(number(limit)?),
                ["fills", limit] => protection.fills_limit = small(limit)?,
                _ => return Err(format!("no setting {setting:?}")),
            }
        }
        Ok(Action::SetProtection(protection))
    }

    pub(crate) fn unfreeze(account: AccountId, named: &str) -> Result<Action, String> {
        Ok(Action::ResetProtection { account, group: group(named)? })
    }

    /// `[all-or-none] [protection GROUP] QUOTE...`.
    pub(crate) fn mass_quote(&mut self, account: AccountId, words: &[&str]) -> Result<Action, String> {
        let mut request =
            MassQuote { account, protection: ProtectionId::new(0), all_or_none: false, quotes: Vec::new() };
        let mut words = words;
        if let ["all-or-none", rest @ ..] = words {
            (request.all_or_none, words) = (true, rest);
        }
        if let ["protection", named, rest @ ..] = words {
            (request.protection, words) = (group(named)?, rest);
        }
        request.quotes = words.iter().map(|word| quote(word)).collect::<Result<_, _>>()?;
        self.orders.push(("quotes".to_owned(), self.sender.session));
        Ok(Action::MassQuote(Box::new(request)))
    }

    /// `[in INSTRUMENT] [buy|sell] [tag N]`.
    pub(crate) fn cancel_all(account: AccountId, words: &[&str]) -> Result<Action, String> {
        let mut cancel = MassCancel::of_account(account);
        let mut words = words;
        while let [word, rest @ ..] = words {
            words = rest;
            match (*word, rest) {
                ("buy", _) => cancel.side = Some(Side::Buy),
                ("sell", _) => cancel.side = Some(Side::Sell),
                ("in", [place, rest @ ..]) => {
                    (cancel.instrument, words) = (Some(InstrumentId::new(small(place)?)), rest);
                }
                ("tag", [tag, rest @ ..]) => {
                    (cancel.tag, words) = (Some(OrderTag::new(number(tag)?.unsigned_abs())), rest);
                }
                (word, _) => return Err(format!("no condition {word}")),
            }
        }
        Ok(Action::MassCancel(cancel))
    }
}
