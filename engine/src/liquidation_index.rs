//! The liquidation index: which accounts must be looked at when a mark moves, without looking at the others.
//!
//! Each leg of an armed account sleeps behind a trigger: a mark bucket on the side it can lose to. `floor` is the
//! leg's safety at the edge of that bucket, less one unit for rounding; while the mark stays on the safe side of the
//! edge the leg's safety is at least its floor. Invariant (no miss): for every armed account
//! `balance + sum of floors >= 0`, hence while none of its triggers is crossed its equity covers maintenance margin.
//! Accounts too near to sleep are on the hot list and looked at on every tick. Proof and measurements: `MARGIN.md` 6.

use alloc::vec::Vec;

use crate::ladder::{Ladder, Link, NIL, Nodes};
use risk::limits::{INSTRUMENTS_MAX, MARK_SHIFT, PPB};
use risk::{AccountId, InstrumentId, Ledger, Leg, LegId, Mark, Requirement, Side};

/// Buckets of an instrument's trigger ladders: fine against the distance of the nearest trigger, small enough that
/// millions of triggers share pages.
const BUCKETS_MAX: u32 = 1 << 20;
/// Slack below this share of exposure (`2^-9`, 20 basis points) goes to the hot list instead of being armed.
const HOT_SHIFT: u32 = 9;
/// Of an account's slack, one part in `2^3` is kept back when arming, so that fees and small fills need no re-arming.
const RESERVE_SHIFT: u32 = 3;
const ONE_UNIT: Requirement = Requirement::from_ppb(PPB as i128);

/// A leg's trigger.
#[derive(Clone, Copy, Debug, bincode::Encode)]
struct Trigger {
    link: Link,
    /// Place in the ladder; `NIL` where no mark of the instrument's range can cross it.
    bucket: u32,
    /// The side that closes the position; `None` when disarmed.
    side: Option<Side>,
    /// Edge of the bucket: the mark at which `floor` was taken.
    edge: Mark,
    floor: Requirement,
}

const DISARMED: Trigger =
    Trigger { link: Link::LOOSE, bucket: NIL, side: None, edge: Mark::new(0), floor: Requirement::ZERO };

/// Where an account stands in the index.
#[derive(Clone, Copy, Debug, bincode::Encode)]
struct Standing {
    /// Sum of its legs' floors.
    floors: Requirement,
    /// Place on the hot list, or `NIL`.
    hot: u32,
    armed: bool,
}

const ABSENT: Standing = Standing { floors: Requirement::ZERO, hot: NIL, armed: false };

/// Trigger ladders of one instrument.
#[derive(Debug)]
struct Triggers {
    /// Longs: crossed by marks at or below the bucket.
    longs: Ladder,
    /// Shorts: crossed by marks at or above the bucket.
    shorts: Ladder,
    /// Marks per bucket, as a shift.
    shift: u32,
    buckets: u32,
}

/// Triggers of all instruments, and the hot list.
#[derive(Debug)]
pub(crate) struct LiquidationIndex {
    instruments: Vec<Triggers>,
    /// By leg.
    triggers: Vec<Trigger>,
    /// By account.
    standings: Vec<Standing>,
    hot: Vec<AccountId>,
}

struct TriggerNodes<'a>(&'a mut [Trigger]);

impl Nodes for TriggerNodes<'_> {
    #[inline]
    fn link(&mut self, node: u32) -> &mut Link {
        &mut self.0[node as usize].link
    }
}

/// What an account needs after a look at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Equity covers maintenance margin.
    Safe,
    /// It does not.
    BelowMaintenance,
}

impl LiquidationIndex {
    pub(crate) fn with_capacity(accounts: u32, legs: u32) -> Self {
        Self {
            instruments: Vec::new(),
            triggers: Vec::with_capacity(legs as usize + INSTRUMENTS_MAX as usize),
            standings: Vec::with_capacity(accounts as usize),
            hot: Vec::with_capacity(accounts as usize),
        }
    }

    /// Adds the ladders of the next instrument, whose marks lie below `mark_max`.
    pub(crate) fn define(&mut self, mark_max: Mark) {
        let bits = u64::BITS - mark_max.get().unsigned_abs().leading_zeros();
        let shift = bits.saturating_sub(BUCKETS_MAX.ilog2());
        let buckets = u32::try_from((mark_max.get() >> shift) + 2).expect("at most BUCKETS_MAX + 2");
        self.instruments.push(Triggers {
            longs: Ladder::new(buckets),
            shorts: Ladder::new(buckets),
            shift,
            buckets,
        });
    }

    /// Looks at an account after its leg changed (a fill, a takeover) and keeps the no-miss invariant.
    ///
    /// The common case is O(1): the leg's floor is taken anew at its old edge and the sum still holds. Next comes arming
    /// this leg alone with what slack is left; only then is the whole account evaluated.
    #[inline]
    pub(crate) fn tend(&mut self, ledger: &Ledger, account: AccountId, leg_id: LegId) -> Verdict {
        self.make_room(account, leg_id);
        if !self.standings[account.index()].armed {
            return self.look(ledger, account);
        }
        let leg = ledger.leg(leg_id);
        let closing = Side::closing(leg.position);
        if closing.is_some() && self.triggers[leg_id.index()].side == closing {
            self.set_floor(ledger, account, leg_id);
            if self.is_covered(ledger, account) {
                return Verdict::Safe;
            }
        }
        self.forget_leg(ledger, leg_id);
        let settled = match closing {
            None => self.is_covered(ledger, account),
            Some(side) => self.arm_alone(ledger, leg_id, leg, side),
        };
        if settled { Verdict::Safe } else { self.look(ledger, account) }
    }

    /// Arms one leg with the slack the other floors leave over.
    fn arm_alone(&mut self, ledger: &Ledger, leg_id: LegId, leg: &Leg, side: Side) -> bool {
        let instrument = ledger.instrument(leg.instrument);
        let Some(mark) = instrument.mark else { return false };
        let safety = ledger.safety(leg, mark);
        let left = (self.cover(ledger, leg.account) + safety).ppb();
        let notional = Requirement::of_money(instrument.notional(leg.position.size(), mark)).ppb();
        if left < notional >> HOT_SHIFT {
            return false;
        }
        let floor = safety - Requirement::from_ppb(left - (left >> RESERVE_SHIFT));
        self.arm_leg(ledger, leg_id, leg, side, floor) && self.is_covered(ledger, leg.account)
    }

    /// Looks at an account after its balance went down.
    pub(crate) fn tend_balance(&mut self, ledger: &Ledger, account: AccountId) -> Verdict {
        let standing = self.standings.get(account.index()).copied().unwrap_or(ABSENT);
        if standing.armed && self.is_covered(ledger, account) {
            return Verdict::Safe;
        }
        self.look(ledger, account)
    }

    /// Evaluates an account exactly and arms it anew, puts it on the hot list, or finds it below maintenance (then
    /// it is disarmed).
    pub(crate) fn look(&mut self, ledger: &Ledger, account: AccountId) -> Verdict {
        self.disarm(ledger, account);
        let now = ledger.assess(account);
        if now.is_below_maintenance() {
            self.cool(account);
            return Verdict::BelowMaintenance;
        }
        if now.exposure.get() == 0 {
            self.cool(account);
            return Verdict::Safe;
        }
        let slack = Requirement::of_money(now.equity) - now.maintenance;
        let near = slack.ppb() < Requirement::of_money(now.exposure).ppb() >> HOT_SHIFT;
        if !near && self.arm(ledger, account, slack, now.exposure) {
            self.cool(account);
        } else {
            self.disarm(ledger, account);
            self.heat(account);
        }
        Verdict::Safe
    }

    /// Splits `slack` over the account's legs by notional and arms each; `false` when some trigger would not lie
    /// beyond the current mark. Source: `MARGIN.md` 6.
    fn arm(
        &mut self,
        ledger: &Ledger,
        account: AccountId,
        slack: Requirement,
        exposure: risk::Money,
    ) -> bool {
        let spent = slack.ppb() - (slack.ppb() >> RESERVE_SHIFT);
        for (leg_id, leg) in ledger.legs_of(account) {
            let Some(side) = Side::closing(leg.position) else { continue };
            self.make_room(account, leg_id);
            let instrument = ledger.instrument(leg.instrument);
            let Some(mark) = instrument.mark else { return false };
            let notional = instrument.notional(leg.position.size(), mark);
            let share = share_of(spent, notional, exposure);
            let floor = ledger.safety(leg, mark) - Requirement::from_ppb(share);
            if !self.arm_leg(ledger, leg_id, leg, side, floor) {
                return false;
            }
        }
        self.standings[account.index()].armed = true;
        // A position worth a few units rounds by more than the reserve; then the account is looked at on every tick.
        self.is_covered(ledger, account)
    }

    fn arm_leg(&mut self, ledger: &Ledger, leg_id: LegId, leg: &Leg, side: Side, floor: Requirement) -> bool {
        let instrument = ledger.instrument(leg.instrument);
        let Some(mark) = instrument.mark else { return false };
        let triggers = &mut self.instruments[leg.instrument.index()];
        let now = triggers.bucket_of(mark);
        let (bucket, edge) = match (side, ledger.trigger(leg, floor)) {
            (Side::Sell, None) => (None, Mark::new(0)),
            (Side::Sell, Some(mark)) => triggers.long_bucket(mark),
            // A short that no mark of the instrument's range can hurt that much sleeps behind the range's end.
            (Side::Buy, None) => (None, triggers.end()),
            (Side::Buy, Some(mark)) => triggers.short_bucket(mark),
        };
        if let Some(bucket) = bucket {
            let beyond = if side == Side::Sell { bucket < now } else { bucket > now };
            if !beyond {
                return false;
            }
            let ladder = triggers.ladder_mut(side);
            ladder.push_back(bucket, leg_id.get(), 0, &mut TriggerNodes(&mut self.triggers));
        }
        let trigger = &mut self.triggers[leg_id.index()];
        (trigger.bucket, trigger.side, trigger.edge) = (bucket.unwrap_or(NIL), Some(side), edge);
        self.set_floor(ledger, leg.account, leg_id);
        true
    }

    /// Takes a leg's floor anew at its edge.
    #[inline]
    fn set_floor(&mut self, ledger: &Ledger, account: AccountId, leg_id: LegId) {
        let trigger = &mut self.triggers[leg_id.index()];
        let floor = ledger.safety(ledger.leg(leg_id), trigger.edge) - ONE_UNIT;
        let standing = &mut self.standings[account.index()];
        standing.floors = standing.floors - trigger.floor + floor;
        trigger.floor = floor;
    }

    /// Balance plus floors: not negative for an armed account.
    #[inline]
    fn cover(&self, ledger: &Ledger, account: AccountId) -> Requirement {
        let balance = ledger.account(account).map_or(risk::Money::ZERO, |account| account.balance);
        Requirement::of_money(balance) + self.standings[account.index()].floors
    }

    #[inline]
    fn is_covered(&self, ledger: &Ledger, account: AccountId) -> bool {
        self.cover(ledger, account) >= Requirement::ZERO
    }

    /// Takes all of an account's triggers out. Legs that exist no longer were taken out by [`Self::forget_leg`].
    pub(crate) fn disarm(&mut self, ledger: &Ledger, account: AccountId) {
        for (leg_id, leg) in ledger.legs_of(account) {
            if leg_id.index() < self.triggers.len() {
                self.take_out(leg.instrument, leg_id);
            }
        }
        if let Some(standing) = self.standings.get_mut(account.index()) {
            (standing.armed, standing.floors) = (false, Requirement::ZERO);
        }
    }

    /// Takes out the trigger of a leg that is flat or about to be dropped.
    pub(crate) fn forget_leg(&mut self, ledger: &Ledger, leg_id: LegId) {
        let Some(trigger) = self.triggers.get(leg_id.index()) else { return };
        let leg = ledger.leg(leg_id);
        if let Some(standing) = self.standings.get_mut(leg.account.index()) {
            standing.floors -= trigger.floor;
        }
        self.take_out(leg.instrument, leg_id);
    }

    fn take_out(&mut self, instrument: InstrumentId, leg_id: LegId) {
        let trigger = self.triggers[leg_id.index()];
        if let (Some(side), true) = (trigger.side, trigger.bucket != NIL) {
            let ladder = self.instruments[instrument.index()].ladder_mut(side);
            ladder.remove(trigger.bucket, leg_id.get(), 0, &mut TriggerNodes(&mut self.triggers));
        }
        self.triggers[leg_id.index()] = DISARMED;
    }

    /// A leg whose trigger the mark has crossed: longs from the highest trigger down, then shorts from the lowest up.
    #[inline]
    pub(crate) fn crossed(&self, instrument: InstrumentId, mark: Mark) -> Option<LegId> {
        let triggers = &self.instruments[instrument.index()];
        let now = triggers.bucket_of(mark);
        if let Some(bucket) = triggers.longs.at_or_above(now) {
            let highest = triggers.longs.at_or_below(u32::MAX).unwrap_or(bucket);
            return Some(LegId::new(triggers.longs.head(highest)));
        }
        let bucket = triggers.shorts.at_or_below(now)?;
        let lowest = triggers.shorts.at_or_above(0).unwrap_or(bucket);
        Some(LegId::new(triggers.shorts.head(lowest)))
    }

    /// How many accounts are on the hot list.
    pub(crate) fn hot_count(&self) -> usize {
        self.hot.len()
    }

    /// The account at a place of the hot list.
    pub(crate) fn hot_at(&self, place: usize) -> Option<AccountId> {
        self.hot.get(place).copied()
    }

    fn heat(&mut self, account: AccountId) {
        self.make_standing(account);
        let standing = &mut self.standings[account.index()];
        if standing.hot == NIL {
            standing.hot = u32::try_from(self.hot.len()).expect("accounts are fewer than 2^32");
            self.hot.push(account);
        }
    }

    /// Takes an account off the hot list; the last one moves into its place.
    pub(crate) fn cool(&mut self, account: AccountId) {
        let Some(standing) = self.standings.get_mut(account.index()) else { return };
        let place = core::mem::replace(&mut standing.hot, NIL);
        if place == NIL {
            return;
        }
        self.hot.swap_remove(place as usize);
        if let Some(moved) = self.hot.get(place as usize) {
            self.standings[moved.index()].hot = place;
        }
    }

    fn make_room(&mut self, account: AccountId, leg_id: LegId) {
        self.make_standing(account);
        if self.triggers.len() <= leg_id.index() {
            self.triggers.resize(leg_id.index() + 1, DISARMED);
        }
    }

    fn make_standing(&mut self, account: AccountId) {
        if self.standings.len() <= account.index() {
            self.standings.resize(account.index() + 1, ABSENT);
        }
    }

    /// Verifies that every solvent account with a position is armed and covered, or hot, and that floors hold.
    ///
    /// # Panics
    /// With the rule that does not hold.
    pub(crate) fn check(&self, ledger: &Ledger, account: AccountId) {
        let standing = self.standings.get(account.index()).copied().unwrap_or(ABSENT);
        let exposed = ledger.legs_of(account).any(|(_, leg)| leg.position.get() != 0);
        assert!(standing.armed || standing.hot != NIL || !exposed, "armed or hot");
        assert!(!(standing.armed && standing.hot != NIL), "not both");
        let mut floors = Requirement::ZERO;
        for (leg_id, leg) in ledger.legs_of(account) {
            let Some(trigger) = self.triggers.get(leg_id.index()) else { continue };
            floors += trigger.floor;
            if !standing.armed {
                assert!(trigger.side.is_none(), "a disarmed account has no triggers");
                continue;
            }
            if leg.position.get() == 0 {
                assert!(
                    trigger.side.is_none() && trigger.floor == Requirement::ZERO,
                    "flat legs are disarmed"
                );
                continue;
            }
            let mark = ledger.instrument(leg.instrument).mark.expect("a position has a mark");
            assert!(
                ledger.safety(leg, trigger.edge) - ONE_UNIT == trigger.floor,
                "floor is taken at the edge"
            );
            assert!(ledger.safety(leg, mark) >= trigger.floor, "no miss: safety is above the floor");
        }
        assert!(floors == standing.floors, "sum of floors");
        assert!(!standing.armed || self.is_covered(ledger, account), "balance and floors cover");
    }

    /// Feeds all state to `sink`.
    pub(crate) fn encode_to(&self, mut sink: impl FnMut(&[u8])) {
        crate::codec::encode_to(&(&self.triggers, &self.standings, &self.hot), &mut sink);
        for instrument in &self.instruments {
            for (key, head, _) in instrument.longs.occupied().chain(instrument.shorts.occupied()) {
                crate::codec::encode_to(&(key, head), &mut sink);
            }
        }
    }
}

/// `spent x notional / exposure`, rounded down, without a product of two wide numbers: a share in 2^-32 of the
/// exposure, rounded down, then applied.
fn share_of(spent: i128, notional: risk::Money, exposure: risk::Money) -> i128 {
    let part = (i128::from(notional.get()) << 32).div_euclid(i128::from(exposure.get()));
    ((spent >> 32) * part) + (((spent & 0xFFFF_FFFF) * part) >> 32)
}

impl Triggers {
    #[inline]
    fn bucket_of(&self, mark: Mark) -> u32 {
        u32::try_from(mark.get() >> self.shift).unwrap_or(self.buckets - 1).min(self.buckets - 1)
    }

    /// Bucket and edge of a long whose safety holds down to `mark`: it is crossed by any mark in the bucket below.
    fn long_bucket(&self, mark: Mark) -> (Option<u32>, Mark) {
        let above = mark.get().saturating_sub(1).max(0) >> self.shift;
        let bucket = u32::try_from(above).unwrap_or(self.buckets - 1).min(self.buckets - 1);
        (Some(bucket), Mark::new((i64::from(bucket) + 1) << self.shift))
    }

    /// Bucket and edge of a short whose safety holds up to `mark`: it is crossed by any mark in the bucket above.
    fn short_bucket(&self, mark: Mark) -> (Option<u32>, Mark) {
        match u32::try_from((mark.get().saturating_add(1)) >> self.shift) {
            Ok(bucket) if bucket < self.buckets => {
                (Some(bucket), Mark::new((i64::from(bucket) << self.shift) - 1))
            }
            Ok(_) | Err(_) => (None, self.end()),
        }
    }

    /// Beyond every mark of the instrument.
    fn end(&self) -> Mark {
        Mark::new(i64::from(self.buckets) << self.shift)
    }

    fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Sell => &mut self.longs,
            Side::Buy => &mut self.shorts,
        }
    }
}

const _: () =
    assert!(MARK_SHIFT < 20, "buckets are coarser than sub-units for every instrument that needs it");
