//! Keys: which public key opens which kinds of session for which account.
//!
//! Invariant: a key's number is taken for ever, its terms never change; a revoked key opens nothing and is kept. The
//! engine holds public keys and never looks at a signature: who proved a key is the gateway's business.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Session, Venue, Verdict};
use crate::command::{KeyId, KeyTerms, Logon, SessionId, SessionKind, TimeNs};
use crate::event::{Event, Events};
use crate::limits::{KEYS_MAX, SESSIONS_PER_KEY_MAX};
use crate::reject::Reject;
use risk::{AccountForm, AccountId};

/// A registered key.
#[derive(Clone, Debug, bincode::Encode)]
pub struct Key {
    /// Ed25519 public key.
    pub public: [u8; 32],
    /// The account its sessions act for; 0 for none.
    pub account: AccountId,
    /// Kinds of session it may open: bit `kind as u8`.
    pub kinds: u32,
    /// From then on it opens no session; 0 is never.
    pub expires: TimeNs,
    /// Whether it opens nothing any more.
    pub revoked: bool,
    /// Whether its sessions may only cancel.
    pub suspended: bool,
    /// Its sessions, oldest first.
    sessions: Vec<SessionId>,
}

impl Key {
    /// Whether a session is one of its own.
    pub(super) fn has(&self, session: SessionId) -> bool {
        self.sessions.contains(&session)
    }

    /// Its sessions, oldest first.
    #[must_use]
    pub fn sessions(&self) -> &[SessionId] {
        &self.sessions
    }
}

/// Keys by number.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct Keys {
    known: BTreeMap<KeyId, Key>,
}

impl Keys {
    /// Suspends a known key or admits it again; its sessions.
    pub(super) fn suspend(&mut self, key: KeyId, suspended: bool) -> &[SessionId] {
        let Some(key) = self.known.get_mut(&key) else { return &[] };
        key.suspended = suspended;
        &key.sessions
    }

    /// Verifies that sessions and keys name each other.
    pub(super) fn check(&self, sessions: &[Session]) {
        let mut bound = 0;
        for (id, key) in &self.known {
            assert!(key.sessions.len() <= SESSIONS_PER_KEY_MAX, "sessions of a key are bounded");
            let own = key.sessions.iter().map(|session| &sessions[session.get() as usize]);
            assert!(own.clone().all(|session| session.key == *id), "a key's sessions name it");
            assert!(own.clone().all(|session| session.account == key.account), "and act for its account");
            assert!(
                own.clone().all(|session| session.is_suspended == key.suspended),
                "and are suspended as it is"
            );
            bound += key.sessions.len();
        }
        let named = sessions.iter().filter(|session| session.key != KeyId::default()).count();
        assert!(named == bound, "a session is in its key's list once");
    }
}

const fn bit(kind: SessionKind) -> u32 {
    1 << kind as u8
}

/// Kinds that trade for an account or watch it.
const OF_AN_ACCOUNT: u32 = bit(SessionKind::OrderEntry) | bit(SessionKind::DropCopy);
/// Kinds a key can admit to: all but that of the same process.
const BY_WIRE: u32 = OF_AN_ACCOUNT | bit(SessionKind::Admin) | bit(SessionKind::Oracle);

impl Venue {
    #[cold]
    pub(super) fn register_key(&mut self, key: KeyId, terms: &KeyTerms, events: &mut Events) -> Verdict {
        let KeyTerms { public, account, kinds, expires } = *terms;
        if self.ledger.form_of(account) == AccountForm::Isolated {
            return Err(Reject::IsolatedAccount.into());
        }
        if self.ledger.account(account).is_none() {
            return Err(Reject::UnknownAccount.into());
        }
        if kinds & OF_AN_ACCOUNT != 0 && account.is_system() {
            return Err(Reject::SystemAccount.into());
        }
        if self.keys.known.contains_key(&key) {
            return Err(Reject::AlreadyExists.into());
        }
        let sound = kinds != 0 && kinds & !BY_WIRE == 0;
        if !sound || key == KeyId::default() || self.keys.known.len() >= KEYS_MAX {
            return Err(Reject::BadParameter.into());
        }

        let (revoked, suspended, sessions) = (false, false, Vec::new());
        self.keys.known.insert(key, Key { public, account, kinds, expires, revoked, suspended, sessions });
        events.push(Event::KeyRegistered { key, account });
        Ok(())
    }

    /// Its sessions stay as they are: the gateway ends their connections, which is a loss like any other.
    #[cold]
    pub(super) fn revoke_key(&mut self, key: KeyId, events: &mut Events) -> Verdict {
        let known = self.keys.known.get_mut(&key).filter(|known| !known.revoked);
        let known = known.ok_or(Reject::UnknownKey)?;
        known.revoked = true;
        events.push(Event::KeyRevoked { key });
        Ok(())
    }

    /// The key and the session a logon takes up; no session where it asks for a new one.
    pub(super) fn check_logon(&self, logon: &Logon) -> Result<(&Key, Option<SessionId>), Reject> {
        let key = self.usable_key(logon.key).ok_or(Reject::UnknownKey)?;
        if key.kinds & bit(logon.kind) == 0 {
            return Err(Reject::NoPermission);
        }
        if key.expires != TimeNs::default() && self.last.time >= key.expires {
            return Err(Reject::KeyExpired);
        }
        let wanted = |session: &SessionId| {
            let session = &self.sessions[session.get() as usize];
            (session.tag, session.kind) == (logon.tag, logon.kind)
        };
        let found = key.sessions.iter().copied().find(wanted);
        if found.is_none() && key.sessions.len() >= SESSIONS_PER_KEY_MAX {
            return Err(Reject::TooManySessions);
        }
        Ok((key, found))
    }

    /// Notes a new session of a key.
    pub(super) fn bind(&mut self, key: KeyId, session: SessionId) {
        if let Some(key) = self.keys.known.get_mut(&key) {
            key.sessions.push(session);
        }
    }

    /// A key, revoked ones too.
    #[must_use]
    pub fn key(&self, key: KeyId) -> Option<&Key> {
        self.keys.known.get(&key)
    }

    /// Every key, ascending, revoked ones too.
    pub fn keys(&self) -> impl Iterator<Item = (KeyId, &Key)> + '_ {
        self.keys.known.iter().map(|(id, key)| (*id, key))
    }
}
