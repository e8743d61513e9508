//! Words about keys, sessions, timers and restrictions into commands.

use engine::{Action, CancelOnLoss, KeyId, KeyTerms, Logon, SessionKind, Skip, TimeNs};
use risk::{AccountId, Restriction};

use super::Story;
use super::machine::time;
use super::read::{number, small};

fn key(word: &str) -> Result<KeyId, String> {
    Ok(KeyId::new(number(word)?.unsigned_abs()))
}

fn kind(word: &str) -> Result<SessionKind, String> {
    Ok(match word {
        "orders" => SessionKind::OrderEntry,
        "watching" => SessionKind::DropCopy,
        "operating" => SessionKind::Admin,
        "pricing" => SessionKind::Oracle,
        _ => return Err(format!("no kind {word}")),
    })
}

pub(crate) fn restriction(word: &str) -> Result<Restriction, String> {
    Ok(match word {
        "nothing" => Restriction::None,
        "reduce-only" => Restriction::ReduceOnly,
        "suspended" => Restriction::Suspended,
        _ => return Err(format!("no restriction {word}")),
    })
}

impl Story<'_> {
    /// A command about keys and sessions.
    pub(crate) fn of_session(&mut self, words: &[&str]) -> Result<Action, String> {
        Ok(match *words {
            ["key", number, "for", account, ref kinds @ ..] => self.register(number, account, kinds)?,
            ["revoke", number] => Action::RevokeKey { key: key(number)? },
            ["logon", name, "with", "key", number, ref terms @ ..] => self.logon(name, number, terms)?,
            ["logoff", name] => Action::Logoff { session: self.session(name)?, cancel_orders: false },
            ["logoff", name, "cancelling"] => {
                Action::Logoff { session: self.session(name)?, cancel_orders: true }
            }
            ["lose", name] => Action::SessionLost { session: self.session(name)? },
            ["skip", count, "code", code] => Action::Skip(Skip {
                count: small(count)?,
                template: 100,
                code: u16::try_from(small(code)?).map_err(|error| error.to_string())?,
                field: 0,
                retry_after_ns: 0,
            }),
            ["restrict", account, to] => self.restrict(account, to, false)?,
            ["restrict", account, to, "cancelling"] => self.restrict(account, to, true)?,
            _ => return Err("no such command".to_owned()),
        })
    }

    /// Kinds, and `until MS` at the end.
    fn register(&self, number: &str, account: &str, words: &[&str]) -> Result<Action, String> {
        let account = if account == "venue" { AccountId::new(0) } else { self.account(account)? };
        let (kinds, expires) = match words {
            [kinds @ .., "until", ms] => (kinds, time(super::read::number(ms)?.unsigned_abs())),
            kinds => (kinds, TimeNs::new(0)),
        };
        let kinds = kinds.iter().map(|word| kind(word).map(|kind| 1_u32 << kind as u8));
        let kinds = kinds.sum::<Result<u32, String>>()?;
        let terms = Box::new(KeyTerms { public: [3; 32], account, kinds, expires });
        Ok(Action::RegisterKey { key: key(number)?, terms })
    }

    /// `[tag N] [KIND] [keeps all|protection|nothing]`.
    fn logon(&mut self, name: &str, number: &str, words: &[&str]) -> Result<Action, String> {
        let (mut tag, mut of_kind, mut on_loss) = (0, SessionKind::OrderEntry, CancelOnLoss::All);
        let mut words = words;
        while let [word, rest @ ..] = words {
            words = rest;
            match (*word, rest) {
                ("tag", [value, rest @ ..]) => (tag, words) = (small(value)?, rest),
                ("keeps", [value, rest @ ..]) => {
                    words = rest;
                    on_loss = match *value {
                        "all" => CancelOnLoss::Off,
                        "protection" => CancelOnLoss::KeepProtection,
                        "nothing" => CancelOnLoss::All,
                        _ => return Err(format!("nobody keeps {value}")),
                    };
                }
                (word, _) => of_kind = kind(word)?,
            }
        }
        self.newcomer = Some(name.to_owned());
        Ok(Action::Logon(Logon { key: key(number)?, tag, kind: of_kind, on_loss, grace_ms: 0 }))
    }

    fn restrict(&self, account: &str, to: &str, cancel_orders: bool) -> Result<Action, String> {
        let restriction = restriction(to)?;
        Ok(Action::SetRestriction { account: self.account(account)?, restriction, cancel_orders })
    }

    /// The dead-man timer; 0 disarms it.
    pub(crate) fn guard(account: AccountId, ms: &str, keep_reduce_only: bool) -> Result<Action, String> {
        Ok(Action::CancelAllAfter { account, timeout_ms: small(ms)?, keep_reduce_only })
    }
}
