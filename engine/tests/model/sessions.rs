//! Sessions and keys: numbers, permissions, logons and their ends, dead-man timers.

use engine::limits::{KEYS_MAX, SESSIONS_MAX, SESSIONS_PER_KEY_MAX};
use engine::{
    Action, AdvancedOrder, CancelOnLoss, CancelReason, ClientOrderId, ClientSeq, Command, Event, KeyId,
    KeyTerms, Logon, Reject, SessionId, SessionKind, Skip, TimeNs,
};
use risk::AccountId;

use super::state::{Key, Scope, Session};
use super::{Model, Refusal};

/// Names from here on are those of quotes.
const QUOTE_NAMES: u64 = 1 << 63;

/// What each kind of session may ask, by the name of the action.
fn asks(kind: SessionKind, action: &Action) -> bool {
    let trading = matches!(
        action,
        Action::NewOrder(_)
            | Action::CancelOrder(_)
            | Action::AmendOrder(_)
            | Action::MassCancel(_)
            | Action::SetLeverage { .. }
            | Action::CancelAllAfter { .. }
            | Action::AdvancedOrder(_)
            | Action::OrderBatch(_)
            | Action::MassQuote(_)
            | Action::AmendTrigger(_)
            | Action::SetProtection(_)
            | Action::ResetProtection { .. }
            | Action::TransferBetween(_)
            | Action::SetMarginMode { .. }
            | Action::MoveMargin(_)
    );
    let of_venue = matches!(
        action,
        Action::Continue
            | Action::Tick
            | Action::OpenSession { .. }
            | Action::Logon(_)
            | Action::Logoff { .. }
            | Action::SessionLost { .. }
            | Action::Restarted { .. }
            | Action::Deleverage(_)
    );
    let price = matches!(action, Action::IndexPrice { .. });
    let skip = matches!(action, Action::Skip(_));
    match kind {
        SessionKind::Local => true,
        SessionKind::OrderEntry => trading || skip,
        SessionKind::DropCopy => skip,
        SessionKind::Admin => {
            let sweep = matches!(action, Action::MassCancel(_) | Action::TransferBetween(_));
            skip || sweep || !(trading || of_venue || price)
        }
        SessionKind::Oracle => price || skip,
    }
}

/// The last name a command uses up, where all its names rise above `last` and stay below those of quotes.
fn last_name(command: &Command, last: u64) -> Option<u64> {
    let mut last = last;
    let mut take = |first: u64, count: u64| {
        let fits = first > last && first < QUOTE_NAMES && first + count <= QUOTE_NAMES;
        last = if fits { first + count - 1 } else { last };
        fits
    };
    let named = command.client_order_id.get();
    let rises = if let Action::AdvancedOrder(order) = &command.action {
        take(named, names_of(order))
    } else if let Action::OrderBatch(batch) = &command.action {
        let mut each = batch.orders.iter();
        take(named, 1) && each.all(|one| take(one.client_order_id.get(), names_of(&one.order)))
    } else {
        let must = matches!(command.action, Action::NewOrder(_) | Action::MassQuote(_));
        (named == 0 && !must) || take(named, 1)
    };
    rises.then_some(last)
}

/// How many names an order takes.
fn names_of(order: &AdvancedOrder) -> u64 {
    let said = &order.instructions;
    if said.take_profit.is_some() || said.stop_loss.is_some() { 3 } else { 1 }
}

impl Model {
    /// Uses up the numbers of a command; then permissions.
    pub(crate) fn receive(&mut self, command: &Command) -> Result<(), Refusal> {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(command.session.get() as usize) else {
            return Err(Reject::UnknownSession.into());
        };
        let number = command.client_seq.get();
        if number > 0 {
            let used = if let Action::Skip(skip) = &command.action { u64::from(skip.count) } else { 1 };
            if number < session.number + used {
                return Err(Reject::SequenceReplayed.into());
            }
            if number > session.number + used {
                return Err(Reject::SequenceGap.into());
            }
            session.number = number;
        }
        match last_name(command, session.client.get()) {
            Some(last) => session.client = ClientOrderId::new(last),
            None => return Err(Reject::DuplicateClientOrderId.into()),
        }
        let deadline = command.valid_until.get();
        if deadline > 0 && deadline < now {
            return Err(Reject::Expired.into());
        }
        let (kind, account, key) = (session.kind, session.account, session.key);
        let foreign = kind == SessionKind::OrderEntry
            && !matches!(command.action, Action::Skip(_))
            && command.action.account() != account;
        if foreign || !asks(kind, &command.action) {
            return Err(Reject::NoPermission.into());
        }
        let cancels = matches!(
            command.action,
            Action::CancelOrder(_) | Action::MassCancel(_) | Action::CancelAllAfter { .. } | Action::Skip(_)
        );
        if !cancels && self.keys.get(&key).is_some_and(|key| key.suspended) {
            return Err(self.of_suspended(&command.action).into());
        }
        Ok(())
    }

    /// What a session of a suspended key is told; a key it names that is not known has the smaller number.
    fn of_suspended(&self, action: &Action) -> Reject {
        if let Action::RevokeKey { key } | Action::SuspendKey { key, .. } = action
            && self.keys.get(key).is_none_or(|key| key.revoked)
        {
            return Reject::UnknownKey;
        }
        Reject::KeySuspended
    }

    pub(crate) fn open_session(&mut self, session: SessionId) -> Result<(), Refusal> {
        if session.get() as usize != self.sessions.len() {
            return Err(Reject::AlreadyExists.into());
        }
        if session.get() >= SESSIONS_MAX {
            return Err(Reject::BadParameter.into());
        }
        self.sessions.push(Session::default());
        self.out.push(Event::SessionOpened { session });
        Ok(())
    }

    pub(crate) fn register_key(&mut self, key: KeyId, terms: &KeyTerms) -> Result<(), Refusal> {
        let KeyTerms { public, account, kinds, expires } = *terms;
        if !self.accounts.contains_key(&account) {
            return Err(Reject::UnknownAccount.into());
        }
        if self.is_isolated(account) {
            return Err(Reject::IsolatedAccount.into());
        }
        // Bits 1 and 2: order entry and drop copy.
        if kinds & 0b110 != 0 && account.is_system() {
            return Err(Reject::SystemAccount.into());
        }
        if self.keys.contains_key(&key) {
            return Err(Reject::AlreadyExists.into());
        }
        if kinds == 0 || kinds & !0b11_0110 != 0 || key.get() == 0 || self.keys.len() >= KEYS_MAX {
            return Err(Reject::BadParameter.into());
        }
        self.keys.insert(
            key,
            Key { public, account, kinds, expires: expires.get(), revoked: false, suspended: false },
        );
        self.out.push(Event::KeyRegistered { key, account });
        Ok(())
    }

    /// Whether a key is known and not revoked.
    pub(crate) fn known_key(&self, key: KeyId) -> Result<(), Refusal> {
        let known = self.keys.get(&key).is_some_and(|known| !known.revoked);
        if known { Ok(()) } else { Err(Reject::UnknownKey.into()) }
    }

    pub(crate) fn revoke_key(&mut self, key: KeyId) -> Result<(), Refusal> {
        self.known_key(key)?;
        self.keys.get_mut(&key).expect("just found").revoked = true;
        self.out.push(Event::KeyRevoked { key });
        Ok(())
    }

    pub(crate) fn logon(&mut self, logon: &Logon) -> Result<(), Refusal> {
        let Logon { key, tag, kind, on_loss, grace_ms } = *logon;
        let Some(known) = self.keys.get(&key).filter(|known| !known.revoked) else {
            return Err(Reject::UnknownKey.into());
        };
        let account = known.account;
        let kinds = [SessionKind::OrderEntry, SessionKind::DropCopy, SessionKind::Admin, SessionKind::Oracle];
        if !kinds.contains(&kind) || known.kinds >> (kind as u8) & 1 == 0 {
            return Err(Reject::NoPermission.into());
        }
        if known.expires > 0 && self.now >= known.expires {
            return Err(Reject::KeyExpired.into());
        }
        let own = |session: &&Session| session.key == key;
        let found =
            self.sessions.iter().position(|known| (known.key, known.tag, known.kind) == (key, tag, kind));
        let full = self.sessions.len() >= SESSIONS_MAX as usize
            || self.sessions.iter().filter(own).count() >= SESSIONS_PER_KEY_MAX;
        if found.is_none() && full {
            return Err(Reject::TooManySessions.into());
        }
        let place = found.unwrap_or(self.sessions.len());
        if found.is_none() {
            self.sessions.push(Session { kind, account, key, tag, ..Session::default() });
        }
        let session = &mut self.sessions[place];
        (session.logged_on, session.on_loss, session.grace_ms) = (true, on_loss, grace_ms);
        self.out.push(Event::LoggedOn {
            session: SessionId::new(u32::try_from(place).expect("few sessions")),
            key,
            tag,
            kind,
            account,
            on_loss,
            grace_ms,
            last_client_seq: ClientSeq::new(session.number),
            last_client_order_id: session.client,
        });
        Ok(())
    }

    /// A session ends: `wish` is the client's own to have its orders cancelled, `None` that it was lost.
    pub(crate) fn end_session(&mut self, id: SessionId, wish: Option<bool>) -> Result<(), Refusal> {
        let Some(session) = self.sessions.get_mut(id.get() as usize) else {
            return Err(Reject::UnknownSession.into());
        };
        if !session.logged_on {
            return Err(Reject::BadParameter.into());
        }
        session.logged_on = false;
        let (account, trades) = (session.account, session.kind == SessionKind::OrderEntry);
        let mode = match (wish, session.on_loss) {
            (Some(false), _) => CancelOnLoss::Off,
            (Some(true), CancelOnLoss::Off) => CancelOnLoss::All,
            (_, mode) => mode,
        };
        self.out.push(Event::LoggedOff { session: id, lost: wish.is_none() });
        if mode == CancelOnLoss::Off || !trades {
            return Ok(());
        }
        let protects = mode == CancelOnLoss::KeepProtection;
        let scope = Scope {
            sessions: Some(vec![id]),
            spares_reduce_only: protects,
            spares_persistent: protects,
            ..Scope::of_family(account, CancelReason::SessionLost)
        };
        self.start_sweep(scope, None);
        Ok(())
    }

    pub(crate) fn skip(&mut self, command: &Command, skip: Skip) -> Result<(), Refusal> {
        if skip.count == 0 || command.client_seq.get() == 0 {
            return Err(Reject::BadParameter.into());
        }
        self.out.push(Event::Skipped { session: command.session, through: command.client_seq, skip });
        Ok(())
    }

    pub(crate) fn cancel_all_after(
        &mut self,
        (id, client_order_id): (SessionId, ClientOrderId),
        account: AccountId,
        timeout_ms: u32,
        keep_reduce_only: bool,
    ) -> Result<(), Refusal> {
        let now = self.now;
        let session = &mut self.sessions[id.get() as usize];
        if session.kind != SessionKind::OrderEntry {
            return Err(Reject::NoPermission.into());
        }
        session.deadline = if timeout_ms == 0 { 0 } else { now + u64::from(timeout_ms) * 1_000_000 };
        session.keep_reduce_only = keep_reduce_only;
        let deadline = TimeNs::new(session.deadline);
        self.out.push(Event::DeadManSet { session: id, client_order_id, account, deadline });
        Ok(())
    }
}
