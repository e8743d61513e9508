//! The liquidation index: which accounts must be looked at when a price moves, without looking at the others.
//!
//! Each leg of an armed account sleeps behind a trigger: a mark bucket on the side it can lose to. `floor` is the
//! leg's safety at the edge of that bucket, less what rounding may take; while the mark stays on the safe side of the
//! edge the leg's safety is at least its floor. Invariant (no miss): for every armed account
//! `balance + sum of floors >= 0`, hence while none of its triggers is crossed its equity covers what its level asks for.
//! Funding moves the edges of those who pay, not the triggers. An account with several assets sleeps behind
//! [`Sentinels`] instead. Accounts too near to sleep are on the hot list and looked at on every tick. Proof and
//! measurements: `MARGIN.md` 6.

mod outward;

use alloc::vec::Vec;

pub(crate) use outward::Seen;

use crate::ladder::{Ladder, Link, NIL, Nodes};
use crate::sentinels::{Coordinate, Sentinels};
use risk::limits::{INSTRUMENTS_MAX, MARK_SHIFT, PPB};
use risk::{AccountId, AssetId, InstrumentId, Ledger, Leg, LegId, Level, Mark, Requirement, Side};

/// Buckets of an instrument's trigger ladders: fine against the distance of the nearest trigger, small enough that
/// millions of triggers share pages.
const BUCKETS_MAX: u32 = 1 << 20;
/// Slack below this share of exposure (`2^-9`, 20 basis points) goes to the hot list instead of being armed.
const HOT_SHIFT: u32 = 9;
/// Of an account's slack, one part in `2^3` is kept back when arming, so that fees and small fills need no re-arming.
const RESERVE_SHIFT: u32 = 3;
/// Value, notional and funding are rounded each, so a safety is monotone but for less than three units.
const ROUNDING: Requirement = Requirement::from_ppb(3 * PPB as i128);
/// Boxes of an account with several assets reach from a quarter of each price down to a 512th.
const BOX_SHIFTS: core::ops::RangeInclusive<u32> = 2..=9;

/// A leg's trigger.
#[derive(Clone, Copy, Debug, bincode::Encode)]
struct Trigger {
    link: Link,
    /// Place in the ladder; `NIL` when disarmed.
    bucket: u32,
    /// The side that closes the position; `None` when disarmed.
    side: Option<Side>,
    /// Edge of the bucket. The mark at which `floor` holds is this, moved by the funding paid so far.
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
    /// Place on the list of warned accounts, or `NIL`.
    warned: u32,
    /// First of its sentinels, or `NIL`.
    sentinels: u32,
    armed: bool,
}

impl Standing {
    /// What it is watched for: a sound account for its warning, a warned one for its liquidation.
    #[inline]
    const fn level(&self) -> Level {
        if self.warned == NIL { Level::Warning } else { Level::Maintenance }
    }
}

const ABSENT: Standing =
    Standing { floors: Requirement::ZERO, hot: NIL, warned: NIL, sentinels: NIL, armed: false };

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
    /// All longs lie below this bucket. Exact when last tightened, else a bound.
    longs_below: u32,
    /// All shorts lie in this bucket or above. Exact when last tightened, else a bound.
    shorts_from: u32,
    /// How far funding that longs paid has moved their edges up; it never goes back.
    long_shift: i64,
    /// How far funding that shorts paid has moved theirs down.
    short_shift: i64,
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
    /// Accounts whose equity is below five quarters of their maintenance margin.
    warned: Vec<AccountId>,
    /// The place of the warned account whose turn to be looked at is next.
    turn: u32,
    sentinels: Sentinels,
    /// How often an account was looked at: a gauge, not state.
    looks: u64,
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
    /// Nothing changed.
    Safe,
    /// Equity covers maintenance margin, and is below five quarters of it for the first time.
    Warned,
    /// It covers five quarters of it again.
    Recovered,
    /// It does not cover maintenance margin.
    BelowMaintenance,
}

impl LiquidationIndex {
    pub(crate) fn with_capacity(accounts: u32, legs: u32) -> Self {
        Self {
            instruments: Vec::new(),
            triggers: Vec::with_capacity(legs as usize + INSTRUMENTS_MAX as usize),
            standings: Vec::with_capacity(accounts as usize),
            hot: Vec::with_capacity(accounts as usize),
            warned: Vec::with_capacity(accounts as usize),
            turn: 0,
            sentinels: Sentinels::default(),
            looks: 0,
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
            longs_below: 0,
            shorts_from: NIL,
            long_shift: 0,
            short_shift: 0,
        });
        self.sentinels.define(shift, buckets);
    }

    /// Funding of `per_lot` (money x 2^32, positive where longs pay) was accrued: the edges of those who pay move toward
    /// the mark by what outweighs it. Source: `MARGIN.md` 6.
    pub(crate) fn shift_edges(&mut self, ledger: &Ledger, instrument: InstrumentId, per_lot: i64) {
        let triggers = &mut self.instruments[instrument.index()];
        let shift = ledger.instrument(instrument).funding_shift(per_lot);
        let edges = if per_lot > 0 { &mut triggers.long_shift } else { &mut triggers.short_shift };
        *edges = edges.saturating_add(shift);
    }

    /// Looks at an account with one asset after its leg changed (a fill, a takeover) and keeps the no-miss invariant.
    ///
    /// The common case is O(1): the leg's floor is taken anew at its old edge and the sum still holds. Next comes arming
    /// this leg alone with what slack is left; only then is the whole account evaluated.
    #[inline]
    pub(crate) fn tend(&mut self, ledger: &Ledger, account: AccountId, leg_id: LegId) -> Verdict {
        self.make_room(account, leg_id);
        let standing = &self.standings[account.index()];
        // A warned account that trades may have recovered.
        if !standing.armed || standing.warned != NIL {
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
        let safety = ledger.safety(leg, mark, self.standings[leg.account.index()].level());
        let left = (self.cover(ledger, leg.account) + safety).ppb();
        let notional = Requirement::of_money(instrument.notional(leg.position.size(), mark)).ppb();
        if left < notional >> HOT_SHIFT {
            return false;
        }
        let floor = safety - Requirement::from_ppb(left - (left >> RESERVE_SHIFT));
        self.arm_leg(ledger, leg_id, leg, side, floor) && self.is_covered(ledger, leg.account)
    }

    /// Looks at an account with one asset after its balance changed. More money cannot hurt: only a warned account is looked at for it.
    pub(crate) fn tend_balance(&mut self, ledger: &Ledger, account: AccountId) -> Verdict {
        let standing = self.standings.get(account.index()).copied().unwrap_or(ABSENT);
        let sleeps = standing.armed && standing.warned == NIL;
        if sleeps && self.is_covered(ledger, account) {
            return Verdict::Safe;
        }
        self.look(ledger, account)
    }

    /// Evaluates an account exactly and arms it anew, puts it on the hot list, or finds it below maintenance (then
    /// it is disarmed).
    pub(crate) fn look(&mut self, ledger: &Ledger, account: AccountId) -> Verdict {
        self.looks = self.looks.wrapping_add(1);
        self.disarm(ledger, account);
        let now = ledger.assess(account);
        if now.is_below(Level::Maintenance) {
            self.cool(account);
            self.set_warned(account, false);
            return Verdict::BelowMaintenance;
        }
        let is_warned = now.is_below(Level::Warning);
        let was_warned = self.set_warned(account, is_warned);
        let verdict = match (was_warned, is_warned) {
            (false, true) => Verdict::Warned,
            (true, false) => Verdict::Recovered,
            _ => Verdict::Safe,
        };
        let has_nothing_to_lose = now.exposure.get() == 0 && !ledger.owes(account);
        if has_nothing_to_lose || self.arm(ledger, account, &now) {
            self.cool(account);
        } else {
            self.disarm(ledger, account);
            self.heat(account);
        }
        verdict
    }

    /// Arms an account that is sound at its level; `false` where it is too near to sleep.
    fn arm(&mut self, ledger: &Ledger, account: AccountId, now: &risk::Assessment) -> bool {
        let level = self.standings.get(account.index()).unwrap_or(&ABSENT).level();
        let slack = now.slack(level);
        if slack.ppb() < Requirement::of_money(now.exposure).ppb() >> HOT_SHIFT {
            return false;
        }
        if ledger.account(account).is_some_and(risk::Account::has_holdings) {
            return self.set_sentinels(ledger, account, level);
        }
        self.split(ledger, account, slack, now.exposure)
    }

    /// Puts an account with several assets into the widest box that holds it; `false` where none does.
    fn set_sentinels(&mut self, ledger: &Ledger, account: AccountId, level: Level) -> bool {
        let holds = |shift: &u32| ledger.slack_within(account, *shift, level) >= Requirement::ZERO;
        let Some(shift) = BOX_SHIFTS.into_iter().find(holds) else { return false };
        self.make_standing(account);
        for (_, leg) in ledger.legs_of(account).filter(|(_, leg)| leg.position.get() != 0) {
            let settles_elsewhere = ledger.instrument(leg.instrument).settlement() != AssetId::BASE;
            let long = leg.position.get() > 0;
            // Of an inverse short both sides count: it loses above, and requires more below.
            let sides = [(true, long || settles_elsewhere), (false, !long)];
            if !self.bound(ledger, account, (leg.instrument, Coordinate::Mark), shift, sides) {
                return false;
            }
        }
        for holding in ledger.holdings_of(account) {
            let Some(asset) = ledger.find_asset(holding.asset) else { continue };
            let place = (asset.spec.priced_by, Coordinate::Index);
            if !self.bound(ledger, account, place, shift, [(true, true), (false, true)]) {
                return false;
            }
        }
        self.standings[account.index()].armed = true;
        true
    }

    /// Sets the bounds of a box on one price, those of the sides that count.
    fn bound(
        &mut self,
        ledger: &Ledger,
        account: AccountId,
        (instrument, coordinate): (InstrumentId, Coordinate),
        shift: u32,
        sides: [(bool, bool); 2],
    ) -> bool {
        let Some(price) = price_of(ledger, instrument, coordinate) else { return false };
        let (below, above) = price.around(shift);
        let first = &mut self.standings[account.index()].sentinels;
        for (is_below, counts) in sides {
            let bound = if is_below { below } else { above };
            let place = (instrument, coordinate, is_below);
            if counts && !self.sentinels.set(first, account, place, price, bound) {
                return false;
            }
        }
        true
    }

    /// Splits `slack` over the account's legs by notional and arms each; `false` when some trigger would not lie
    /// beyond the current mark. Source: `MARGIN.md` 6.
    fn split(
        &mut self,
        ledger: &Ledger,
        account: AccountId,
        slack: Requirement,
        exposure: risk::Money,
    ) -> bool {
        self.make_standing(account);
        let level = self.standings[account.index()].level();
        let spent = slack.ppb() - (slack.ppb() >> RESERVE_SHIFT);
        for (leg_id, leg) in ledger.legs_of(account) {
            let Some(side) = Side::closing(leg.position) else { continue };
            self.make_room(account, leg_id);
            let instrument = ledger.instrument(leg.instrument);
            let Some(mark) = instrument.mark else { return false };
            let notional = instrument.notional(leg.position.size(), mark);
            let share = share_of(spent, notional, exposure);
            let floor = ledger.safety(leg, mark, level) - Requirement::from_ppb(share);
            if !self.arm_leg(ledger, leg_id, leg, side, floor) {
                return false;
            }
        }
        self.standings[account.index()].armed = true;
        // A position worth a few units rounds by more than the reserve; then the account is looked at on every tick.
        self.is_covered(ledger, account)
    }

    fn arm_leg(&mut self, ledger: &Ledger, leg_id: LegId, leg: &Leg, side: Side, floor: Requirement) -> bool {
        let Some(mark) = ledger.instrument(leg.instrument).mark else { return false };
        let level = self.standings[leg.account.index()].level();
        let triggers = &mut self.instruments[leg.instrument.index()];
        let trigger = ledger.trigger(leg, floor, level);
        let (bucket, edge, beyond) = match side {
            Side::Sell => {
                let (bucket, edge) = triggers.long_bucket(trigger.unwrap_or_default());
                (bucket, edge, bucket < triggers.long_now(mark))
            }
            Side::Buy => {
                let (bucket, edge) = triggers.short_bucket(trigger);
                (bucket, edge, bucket > triggers.short_now(mark))
            }
        };
        if !beyond {
            return false;
        }
        triggers.widen(side, bucket);
        triggers.ladder_mut(side).push_back(bucket, leg_id.get(), 0, &mut TriggerNodes(&mut self.triggers));
        let trigger = &mut self.triggers[leg_id.index()];
        (trigger.bucket, trigger.side, trigger.edge) = (bucket, Some(side), edge);
        self.set_floor(ledger, leg.account, leg_id);
        true
    }

    /// Takes a leg's floor anew at its edge.
    #[inline]
    fn set_floor(&mut self, ledger: &Ledger, account: AccountId, leg_id: LegId) {
        let leg = ledger.leg(leg_id);
        let trigger = &mut self.triggers[leg_id.index()];
        let edge = self.instruments[leg.instrument.index()].edge_now(trigger);
        let standing = &mut self.standings[account.index()];
        let floor = ledger.safety(leg, edge, standing.level()) - ROUNDING;
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
            self.sentinels.clear(&mut standing.sentinels);
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

    /// An account one of whose triggers the mark has crossed: longs from the highest trigger down, then shorts from the
    /// lowest up; then those whose sentinels the mark or the index has crossed.
    pub(crate) fn crossed(
        &mut self,
        ledger: &Ledger,
        instrument: InstrumentId,
        mark: Mark,
    ) -> Option<AccountId> {
        let triggers = &mut self.instruments[instrument.index()];
        match if triggers.are_quiet(mark) { None } else { triggers.crossed(mark) } {
            Some(leg) => Some(ledger.leg(LegId::new(leg)).account),
            None if self.sentinels.places() == 0 => None,
            None => self.crossed_bound(ledger, instrument, mark),
        }
    }

    /// Whether a tick to this mark surely concerns nobody, told without a look at any ladder.
    #[inline]
    pub(crate) fn is_quiet(&self, instrument: InstrumentId, mark: Mark) -> bool {
        let nobody_waits = self.hot.is_empty() && self.warned.is_empty() && self.sentinels.places() == 0;
        nobody_waits && self.instruments[instrument.index()].are_quiet(mark)
    }

    #[cold]
    fn crossed_bound(&self, ledger: &Ledger, instrument: InstrumentId, mark: Mark) -> Option<AccountId> {
        let crossed = self.sentinels.crossed(instrument, Coordinate::Mark, mark);
        crossed.or_else(|| {
            let index = ledger.instrument(instrument).index?;
            self.sentinels.crossed(instrument, Coordinate::Index, index)
        })
    }

    /// Sentinels of all accounts: places below this have been given.
    pub(crate) fn sentinels(&self) -> &Sentinels {
        &self.sentinels
    }

    /// The warned account whose turn it is, by the order of their list; the next one's turn follows.
    pub(crate) fn next_warned(&mut self) -> Option<AccountId> {
        let count = u32::try_from(self.warned.len()).ok().filter(|count| *count > 0)?;
        let place = self.turn.rem_euclid(count);
        self.turn = place + 1;
        self.warned.get(place as usize).copied()
    }

    /// Puts an account on the list of warned ones, or takes it off; whether it was there.
    fn set_warned(&mut self, account: AccountId, is_warned: bool) -> bool {
        self.make_standing(account);
        let place = self.standings[account.index()].warned;
        if place == NIL && is_warned {
            let place = u32::try_from(self.warned.len()).expect("accounts are fewer than 2^32");
            self.standings[account.index()].warned = place;
            self.warned.push(account);
        } else if place != NIL && !is_warned {
            self.standings[account.index()].warned = NIL;
            self.warned.swap_remove(place as usize);
            if let Some(moved) = self.warned.get(place as usize) {
                self.standings[moved.index()].warned = place;
            }
        }
        place != NIL
    }

    /// How many accounts are on the hot list.
    pub(crate) fn hot_count(&self) -> usize {
        self.hot.len()
    }

    /// How often an account was looked at since the venue was made.
    pub(crate) const fn looks(&self) -> u64 {
        self.looks
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
        if standing.warned != NIL {
            assert!(self.warned[standing.warned as usize] == account, "warned at its place");
        }
        self.sentinels.check(standing.sentinels, account, |instrument, coordinate| {
            price_of(ledger, instrument, coordinate)
        });
        let mut floors = Requirement::ZERO;
        for (leg_id, leg) in ledger.legs_of(account) {
            let Some(trigger) = self.triggers.get(leg_id.index()) else { continue };
            floors += trigger.floor;
            if !standing.armed || standing.sentinels != NIL {
                assert!(trigger.side.is_none(), "only an account with one asset has triggers");
            } else if leg.position.get() == 0 {
                let is_disarmed = trigger.side.is_none() && trigger.floor == Requirement::ZERO;
                assert!(is_disarmed, "flat legs are disarmed");
            } else {
                let mark = ledger.instrument(leg.instrument).mark.expect("a position has a mark");
                self.instruments[leg.instrument.index()].check_bounds(trigger);
                let edge = self.instruments[leg.instrument.index()].edge_now(trigger);
                let holds = |mark| ledger.safety(leg, mark, standing.level()) >= trigger.floor;
                assert!(holds(edge), "the floor holds at the edge");
                assert!(holds(mark), "no miss: safety is above the floor");
            }
        }
        assert!(floors == standing.floors, "sum of floors");
        let sleeps_by_triggers = standing.armed && standing.sentinels == NIL;
        assert!(!sleeps_by_triggers || self.is_covered(ledger, account), "balance and floors cover");
    }

    /// Feeds all state to `sink`.
    pub(crate) fn encode_to(&self, mut sink: impl FnMut(&[u8])) {
        let lists = (&self.triggers, &self.standings, &self.hot, &self.warned, self.turn);
        crate::codec::encode_to(&lists, &mut sink);
        self.sentinels.encode_to(&mut sink);
        for instrument in &self.instruments {
            crate::codec::encode_to(&(instrument.long_shift, instrument.short_shift), &mut sink);
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

/// A price of an instrument.
fn price_of(ledger: &Ledger, instrument: InstrumentId, coordinate: Coordinate) -> Option<Mark> {
    let instrument = ledger.instrument(instrument);
    match coordinate {
        Coordinate::Mark => instrument.mark,
        Coordinate::Index => instrument.index,
    }
}

impl Triggers {
    #[inline]
    fn bucket_of(&self, mark: i64) -> u32 {
        u32::try_from(mark.max(0) >> self.shift).unwrap_or(self.buckets - 1).min(self.buckets - 1)
    }

    /// Whether the bounds alone tell that a mark crosses nothing.
    #[inline]
    fn are_quiet(&self, mark: Mark) -> bool {
        self.long_now(mark) >= self.longs_below && self.short_now(mark) < self.shorts_from
    }

    /// A leg whose trigger a mark has crossed. Where there is none the bounds are made exact again, since they were what
    /// forced the look.
    #[inline(never)]
    fn crossed(&mut self, mark: Mark) -> Option<u32> {
        if let Some(bucket) = self.longs.at_or_above(self.long_now(mark)) {
            return Some(self.longs.head(self.longs.at_or_below(u32::MAX).unwrap_or(bucket)));
        }
        if let Some(bucket) = self.shorts.at_or_below(self.short_now(mark)) {
            return Some(self.shorts.head(self.shorts.at_or_above(0).unwrap_or(bucket)));
        }
        self.longs_below = self.longs.at_or_below(u32::MAX).map_or(0, |highest| highest + 1);
        self.shorts_from = self.shorts.at_or_above(0).unwrap_or(NIL);
        None
    }

    /// Lets the bounds hold a trigger that is armed.
    #[inline]
    fn widen(&mut self, side: Side, bucket: u32) {
        match side {
            Side::Sell => self.longs_below = self.longs_below.max(bucket + 1),
            Side::Buy => self.shorts_from = self.shorts_from.min(bucket),
        }
    }

    /// The bucket the mark is in for longs: funding they paid counts as a fall.
    #[inline]
    fn long_now(&self, mark: Mark) -> u32 {
        self.bucket_of(mark.get().saturating_sub(self.long_shift))
    }

    /// The bucket the mark is in for shorts: funding they paid counts as a rise.
    #[inline]
    fn short_now(&self, mark: Mark) -> u32 {
        self.bucket_of(mark.get().saturating_add(self.short_shift))
    }

    /// Bucket and edge of a long whose safety holds down to `mark`: it is crossed by any mark in the bucket below.
    fn long_bucket(&self, mark: Mark) -> (u32, Mark) {
        let bucket = self.bucket_of(mark.get().saturating_sub(self.long_shift).saturating_sub(1));
        (bucket, Mark::new((i64::from(bucket) + 1) << self.shift))
    }

    /// Bucket and edge of a short whose safety holds up to `mark`, or to any: it is crossed by any mark in the bucket above.
    /// No mark of the instrument's range is in the last one; only funding brings it nearer.
    fn short_bucket(&self, mark: Option<Mark>) -> (u32, Mark) {
        let above =
            mark.map_or(i64::MAX, |mark| mark.get().saturating_add(self.short_shift).saturating_add(1));
        let bucket = self.bucket_of(above);
        (bucket, Mark::new((i64::from(bucket) << self.shift) - 1))
    }

    /// The mark at which a trigger's floor holds, with the funding paid so far.
    #[inline]
    fn edge_now(&self, trigger: &Trigger) -> Mark {
        match trigger.side {
            Some(Side::Sell) => Mark::new(trigger.edge.get().saturating_add(self.long_shift)),
            Some(Side::Buy) => Mark::new(trigger.edge.get().saturating_sub(self.short_shift).max(0)),
            None => trigger.edge,
        }
    }

    fn check_bounds(&self, trigger: &Trigger) {
        let within = match trigger.side {
            Some(Side::Sell) => trigger.bucket < self.longs_below,
            Some(Side::Buy) => trigger.bucket >= self.shorts_from,
            None => true,
        };
        assert!(within, "triggers lie within the bounds");
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
