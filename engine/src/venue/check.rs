//! The whole truth of the venue, verified and hashed.
//!
//! Invariant: `check` recomputes every kept sum, list and bound naively; `digest` covers everything that decides future
//! events, free-list order included, and nothing else.

use super::{Market, Venue};
use crate::codec::encode_to;
use crate::command::{KeyId, SessionKind, TradingState};
use crate::conditions::{Conditions, Stage};
use risk::{AccountState, InstrumentId, OrderSlot, Qty, Side, Weight};

/// Octets gathered before the hash sees them.
const DIGEST_BUFFER: usize = 4096;

/// A hash that gathers small writes.
struct Hash {
    hasher: blake3::Hasher,
    buffer: [u8; DIGEST_BUFFER],
    used: usize,
}

impl Hash {
    fn write(&mut self, bytes: &[u8]) {
        if self.used + bytes.len() > DIGEST_BUFFER {
            self.hasher.update(&self.buffer[..self.used]);
            self.used = 0;
        }
        if bytes.len() > DIGEST_BUFFER {
            self.hasher.update(bytes);
            return;
        }
        self.buffer[self.used..self.used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }

    fn finish(mut self) -> u128 {
        self.hasher.update(&self.buffer[..self.used]);
        let mut half = [0; 16];
        half.copy_from_slice(&self.hasher.finalize().as_bytes()[..16]);
        u128::from_le_bytes(half)
    }
}

impl Venue {
    /// 128 bits of BLAKE3 over the whole state: same state, same value, on every build and machine. O(state).
    #[must_use]
    pub fn digest(&self) -> u128 {
        let mut hash = Hash { hasher: blake3::Hasher::new(), buffer: [0; DIGEST_BUFFER], used: 0 };
        encode_to(&(&self.capacity, &self.ledger, &self.orders), |bytes| hash.write(bytes));
        encode_to(&(&self.keys, &self.sessions, &self.last_trade, &self.last), |bytes| hash.write(bytes));
        encode_to(&(&self.suspended, &self.phase, &self.firing, &self.waiting, &self.interest), |bytes| {
            hash.write(bytes);
        });
        encode_to(&(&self.groups, &self.restricting, &self.protections), |bytes| hash.write(bytes));
        encode_to(&(&self.receipts, self.bankrupt, &self.isolated, &self.margin_changes), |bytes| {
            hash.write(bytes);
        });
        for sweep in &self.sweeps {
            encode_to(sweep, |bytes| hash.write(bytes));
        }
        for wake in &self.wakes {
            encode_to(wake, |bytes| hash.write(bytes));
        }
        for case in &self.liquidating {
            encode_to(case, |bytes| hash.write(bytes));
        }
        encode_to(&(&self.paced, &self.held, &self.deleveragings), |bytes| hash.write(bytes));
        encode_to(&(&self.resuming, &self.round), |bytes| hash.write(bytes));
        for instrument in &self.crossed {
            encode_to(instrument, |bytes| hash.write(bytes));
        }
        for market in &self.markets {
            let Market { state, until, call_ms, sources, pricing, funding, average, last, .. } = market;
            encode_to(&(state, until, call_ms, sources, last), |bytes| hash.write(bytes));
            encode_to(&(pricing, funding, average), |bytes| hash.write(bytes));
            market.triggers.encode_to(&self.trails, |bytes| hash.write(bytes));
            for side in [Side::Buy, Side::Sell] {
                for level in market.book.ladder(side).occupied() {
                    encode_to(&level, |bytes| hash.write(bytes));
                }
            }
        }
        self.index.encode_to(|bytes| hash.write(bytes));
        hash.finish()
    }

    /// Verifies every invariant against a naive recomputation. O(state); for tests, simulation and audit.
    ///
    /// # Panics
    /// With the rule that does not hold.
    pub fn check(&mut self) {
        if self.suspended.is_none() {
            self.ledger.check();
        }
        let mut resting = 0;
        for market in &self.markets {
            resting += market.book.check(&mut self.orders);
        }
        let in_flight = u32::from(self.suspended.is_some());
        let asleep = self.check_conditions();
        assert!(resting + in_flight + asleep == self.ledger.order_count(), "every order is somewhere");
        for (slot, order) in self.orders.live() {
            let reservation = self.ledger.reservation(slot);
            assert!(
                reservation.qty == self.orders.leaves(slot),
                "reservation and order agree on what is left"
            );
            assert!(self.ledger.leg(reservation.leg).account == order.account, "order in its owner's leg");
            let terms = self.orders.terms(slot);
            let found = self.clients.find(&self.orders, terms.session, terms.client_order_id);
            assert!(found == Some(slot), "client index");
        }
        self.check_phases();
        assert!(self.left_over == self.is_anything_left(), "what is left over is said");
        self.check_accounts();
        self.check_sessions();
        self.check_expiries();
        self.groups.check(&self.ledger);
        self.check_protections();
        self.check_held();
        self.check_deleveragings();
        self.check_timed();
        self.check_standings();
        self.check_fee_tiers();
        self.check_margin_changes();
        if self.suspended.is_none() {
            self.check_isolated();
        }
        self.receipts.check(&self.ledger);
    }

    /// Verifies orders with conditions; how many of them neither rest nor take.
    fn check_conditions(&mut self) -> u32 {
        let (mut special, mut asleep, mut waiting, mut dormant) = (0, 0, 0, 0);
        let mut queued = 0;
        self.waiting.walk(&mut self.orders, |_| queued += 1);
        for (slot, _) in self.orders.live() {
            let Some(conditions) = self.orders.conditions(slot) else { continue };
            special += 1;
            self.check_links(slot, conditions);
            let weightless = self.ledger.reservation(slot).weight == Weight::None;
            self.check_shown(slot, conditions);
            match conditions.stage {
                Stage::Held => assert!(weightless, "what is held reserves nothing"),
                Stage::Dormant => {
                    assert!(weightless, "what sleeps reserves nothing");
                    dormant += 1;
                }
                Stage::Waiting => waiting += 1,
                Stage::Live => {
                    assert!(!weightless, "what trades reserves");
                    continue;
                }
            }
            asleep += 1;
        }
        assert!(special == self.orders.special(), "a record for every special order");
        assert!(waiting == queued, "what waits is in the queue");
        assert!(self.check_watched() == dormant, "who waits for a price is among the triggers");
        asleep
    }

    /// An order hides something only while it rests, behind what it may show.
    fn check_shown(&self, slot: OrderSlot, conditions: &Conditions) {
        let (order, display) = (self.orders.get(slot), conditions.instructions.display);
        assert!(conditions.hidden >= Qty::ZERO, "nothing less than nothing is hidden");
        if conditions.hidden > Qty::ZERO {
            assert!(
                order.is_resting() && order.leaves <= display,
                "what is hidden stands behind what is shown"
            );
        }
    }

    /// Verifies the triggers of every instrument; how many orders wait there.
    fn check_watched(&mut self) -> u32 {
        let (mut count, mut trailing) = (0, 0);
        let is_settled = !self.left_over;
        for instrument in (0..self.ledger.instruments()).map(InstrumentId::new) {
            let prices = self.watched_prices(instrument);
            let Market { state, triggers, .. } = &self.markets[instrument.index()];
            let is_settled = is_settled && *state == TradingState::Open;
            assert!(triggers.has_crossings() == self.crossed.contains(&instrument), "crossed and queued");
            let (plain, trails) = triggers.check(prices, is_settled, &mut self.orders, &self.trails);
            (count, trailing) = (count + plain + trails, trailing + trails);
        }
        assert!(trailing as usize == self.trails.len(), "no trailing stop without an order");
        count
    }

    fn check_sessions(&self) {
        self.deadlines.check();
        assert!(self.firing.is_some() || self.sessions.len() == self.deadlines.sessions(), "a timer each");
        for (id, session) in self.sessions_by_number() {
            assert!(self.deadlines.of(id) == session.deadline, "the timer is the session's deadline");
            let is_bound = session.kind != SessionKind::Local;
            assert!(is_bound || session.key == KeyId::default(), "in the same process no key is asked for");
            assert!(!is_bound || self.key(session.key).is_some_and(|key| key.has(id)), "bound to its key");
            assert!(is_bound || !session.is_logged_on, "only bound sessions are logged on");
            assert!(self.ledger.account(session.account).is_some(), "a session's account is open");
        }
        self.keys.check(&self.sessions);
    }

    fn check_accounts(&self) {
        let mut liquidating = 0;
        for (account, state) in self.ledger.accounts() {
            if account.is_system() {
                continue;
            }
            if state.state == AccountState::Liquidating {
                liquidating += 1;
                continue;
            }
            // While takers or wakes wait, an account may be between a change and the look at it.
            if self.suspended.is_none() && self.wakes.is_empty() && !self.margin_changes.is_arming() {
                assert!(!self.ledger.assess(account).is_below_maintenance(), "no account is missed");
                self.index.check(&self.ledger, account);
            }
        }
        assert!(
            liquidating == self.liquidating.len() + self.paced.len() + self.held.len(),
            "accounts in liquidation are queued"
        );
    }
}
