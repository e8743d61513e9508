//! A plan of cuts, made in small steps.
//!
//! Invariant: the cuts and what is left sum to what was demanded at every step, and the plan depends on the holders and the
//! demand alone, not on how the steps were grouped.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::runs::{Order, Runs};
use super::{Cut, DeleveragingPolicy, Demand, Holder};
use crate::fraction::Fraction;
use crate::rounding::wide_mul;
use crate::units::{AccountId, Money};

/// What the next step does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
enum Stage {
    /// Waits for holders.
    Collecting,
    /// Lets a run of holders take part in their ranking.
    Ranking,
    /// Takes all it can from the next in a queue, or from the next who is beyond relief.
    Taking,
    /// Asks whether the holders above the level are found, or counts in the next.
    Filling,
    /// Rounds the exact cut of the next above the level down.
    Rounding,
    /// Lets a run of what rounding took take part in the ranking of it.
    RankingParts,
    /// Gives one lot that rounding left over.
    Evening,
    /// Writes down the cut of the next above the level.
    Writing,
    /// Sorts a run of holders anew, by all they hold.
    RankingHedged,
    /// Takes the hedged lots of the next.
    TakingHedged,
    /// Nothing.
    Complete,
}

/// A holder above the level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
struct Share {
    /// Place of the holder in the runs.
    holder: u32,
    lots: i64,
}

/// What rounding took from a share, above 0: a numerator, all over one divisor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
struct Part {
    over: i128,
    account: AccountId,
    share: u32,
}

/// A plan of who gives up how much, on its way to completion or complete.
///
/// Memory is proportional to the holders; a step looks at one of them, or sorts one run of at most 256.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode)]
pub struct Allocation {
    policy: DeleveragingPolicy,
    demand: Demand,
    stage: Stage,
    holders: Runs<Holder>,
    /// The account added last.
    last: Option<AccountId>,
    /// Lots and equity of all holders.
    held: i128,
    equity: i128,
    /// Lots still to be found.
    left: i64,
    /// Those above the level, in order, their open lots and their equity.
    shares: Vec<Share>,
    shares_open: i64,
    shares_equity: i128,
    /// Shares that this stage is through with.
    seen: u32,
    parts: Runs<Part>,
    level: Option<Fraction>,
    /// Holders whom the ranking reached.
    above: u32,
    cuts: Vec<Cut>,
}

/// A plan, all at once. The holders come in ascending account order, as for [`Allocation::add`].
#[must_use]
pub fn allocate(
    policy: DeleveragingPolicy,
    demand: Demand,
    holders: impl IntoIterator<Item = Holder>,
) -> Allocation {
    let mut plan = Allocation::new(policy, demand);
    for holder in holders {
        plan.add(holder);
    }
    plan.end_of_holders();
    while !plan.work(usize::MAX) {}
    plan
}

impl Allocation {
    /// Nothing planned, nobody known.
    #[must_use]
    pub fn new(policy: DeleveragingPolicy, demand: Demand) -> Self {
        debug_assert!(demand.value > Money::ZERO, "a lot is worth something");
        Self {
            policy,
            demand,
            stage: Stage::Collecting,
            holders: Runs::new(),
            last: None,
            held: 0,
            equity: 0,
            left: demand.lots.max(0),
            shares: Vec::new(),
            shares_open: 0,
            shares_equity: 0,
            seen: 0,
            parts: Runs::new(),
            level: None,
            above: 0,
            cuts: Vec::new(),
        }
    }

    /// Counts a holder in. Accounts come in ascending order, each once, all before [`Self::end_of_holders`].
    ///
    /// Every 256th call sorts those 256.
    pub fn add(&mut self, holder: Holder) {
        debug_assert!(self.stage == Stage::Collecting, "holders have ended");
        debug_assert!(self.last.is_none_or(|last| last < holder.account), "accounts ascend");
        debug_assert!(holder.held > 0 && (0..=holder.held).contains(&holder.open), "{holder:?}");
        debug_assert!(holder.equity > Money::ZERO, "{holder:?}");
        self.last = Some(holder.account);
        self.held += i128::from(holder.held);
        self.equity += i128::from(holder.equity.get());
        self.holders.push(holder, self.order());
    }

    /// All holders are known: the work can begin.
    pub fn end_of_holders(&mut self) {
        debug_assert!(self.stage == Stage::Collecting, "holders end once");
        self.holders.seal(self.order());
        // Room for all there can be, so that no later step has to move what a list holds. Nothing is written there yet.
        let count = self.holders.len();
        if self.policy == DeleveragingPolicy::Water {
            self.shares.reserve_exact(count);
            self.cuts.reserve_exact(2 * count);
        } else {
            self.cuts.reserve_exact(count);
        }
        self.stage = if self.left == 0 { Stage::Complete } else { Stage::Ranking };
    }

    /// Goes on by at most `budget` small steps, of which a holder looked at is one, and says whether the plan is complete. Never
    /// so before [`Self::end_of_holders`]. It may go over by the sorting of one run: 255 steps.
    pub fn work(&mut self, budget: usize) -> bool {
        let mut left = budget;
        while left > 0 && !matches!(self.stage, Stage::Collecting | Stage::Complete) {
            left = left.saturating_sub(self.step());
        }
        self.is_complete()
    }

    /// Whether the plan is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.stage == Stage::Complete
    }

    /// The way of sharing.
    #[must_use]
    pub const fn policy(&self) -> DeleveragingPolicy {
        self.policy
    }

    /// What is shared.
    #[must_use]
    pub const fn demand(&self) -> &Demand {
        &self.demand
    }

    /// The leverage that those above it are cut to, once it is found: at the mark, 0 where they give up all their open lots.
    /// None in a queue, and none where nobody was cut to a level.
    #[must_use]
    pub const fn level(&self) -> Option<Fraction> {
        self.level
    }

    /// How many holders the ranking reached: those above the level or beyond relief, or those whom the queue came to. Who gives
    /// up hedged lots only is not among them.
    #[must_use]
    pub const fn holders_above(&self) -> usize {
        self.above as usize
    }

    /// The cuts of a complete plan, none of them empty: first those of open lots, the most leveraged holder first, then those of
    /// hedged lots, the holder with the most lots to his equity first; or in the order of the queue.
    #[must_use]
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    /// Lots of a complete plan that nobody can bear.
    #[must_use]
    pub fn unallocated(&self) -> i64 {
        if self.is_complete() { self.left } else { 0 }
    }

    /// Lots held and equity, in money units, of all holders added: what a venue can commit itself to before it plans.
    #[must_use]
    pub const fn sums(&self) -> (i128, i128) {
        (self.held, self.equity)
    }

    /// How many holders were added.
    #[must_use]
    pub fn holders(&self) -> usize {
        self.holders.len()
    }

    fn order(&self) -> Order<Holder> {
        match self.policy {
            DeleveragingPolicy::Water => by_open_leverage,
            DeleveragingPolicy::Profit | DeleveragingPolicy::LeveragedProfit => by_score,
        }
    }

    /// One step; how many small ones it counts for.
    fn step(&mut self) -> usize {
        match self.stage {
            Stage::Collecting | Stage::Complete => {}
            Stage::Ranking => {
                if !self.holders.join(self.order()) {
                    self.stage = Stage::Taking;
                }
            }
            Stage::Taking => self.take(),
            Stage::Filling => self.fill(),
            Stage::Rounding => self.round(),
            Stage::RankingParts => {
                if !self.parts.join(by_part) {
                    self.stage = Stage::Evening;
                }
            }
            Stage::Evening => self.even(),
            Stage::Writing => self.write(),
            Stage::RankingHedged => {
                let sorted = self.holders.sort_next(by_leverage);
                if !self.holders.join(by_leverage) {
                    self.stage = Stage::TakingHedged;
                }
                return sorted.max(1);
            }
            Stage::TakingHedged => self.take_hedged(),
        }
        1
    }

    /// Writes down what is taken, which is not more than is left.
    fn cut(&mut self, holder: &Holder, lots: i64, hedged: bool) {
        debug_assert!((0..=self.demand.bearable(holder)).contains(&lots), "{lots} of {holder:?}");
        if lots > 0 {
            self.cuts.push(Cut { account: holder.account, lots, hedged });
        }
    }

    fn take(&mut self) {
        let order = self.order();
        let Some(next) = self.holders.peek() else {
            self.stage = Stage::Complete;
            return;
        };
        if self.policy == DeleveragingPolicy::Water && !self.demand.is_beyond_relief(next) {
            self.stage = Stage::Filling;
            return;
        }
        if let Some((_, holder)) = self.holders.pop(order) {
            let lots = self.demand.bearable(&holder).min(self.left);
            self.left -= lots;
            self.above += 1;
            self.cut(&holder, lots, false);
        }
        if self.left == 0 {
            self.stage = Stage::Complete;
        }
    }

    /// Those above the level are the fewest of the most leveraged with
    /// `level = value (open - left) / (equity - left x haircut)` at or above the leverage of the next, sums taken over them.
    ///
    /// Each of them has `equity > open x haircut`, who has not is beyond relief. So with `left < open` the divisor is above zero;
    /// and each, cut exactly, gives up more than nothing and less than its open lots, since the level lies below its
    /// leverage and above 0. One lot more than that rounded down is no more than its open lots, and
    /// `floor(equity / haircut) >= open`: nobody comes to be cut beyond what he can bear.
    fn fill(&mut self) {
        let kept = self.shares_open - self.left;
        let divisor = self.shares_equity - wide_mul(self.left, self.demand.haircut.get());
        let order = self.order();
        // Who has no open lots is at leverage 0, and so are all after him.
        let next = self.holders.peek().filter(|next| next.open > 0);
        let is_found = kept > 0
            && next.is_none_or(|next| wide_mul(kept, next.equity.get()) >= i128::from(next.open) * divisor);
        if is_found {
            self.level = Some(Fraction::new(wide_mul(self.demand.value.get(), kept), divisor));
            self.stage = Stage::Rounding;
        } else if next.is_none() {
            self.level = (!self.shares.is_empty()).then_some(Fraction::whole(0));
            self.stage = Stage::Rounding;
        } else if let Some((place, holder)) = self.holders.pop(order) {
            self.shares.push(Share { holder: place, lots: 0 });
            self.shares_open += holder.open;
            self.shares_equity += i128::from(holder.equity.get());
            self.above += 1;
        }
    }

    fn round(&mut self) {
        let (Some(level), Some(share)) = (self.level, self.shares.get_mut(self.seen as usize)) else {
            self.seen = 0;
            self.parts.seal(by_part);
            // All give up all their open lots at level 0: nothing was rounded.
            let is_rounded = self.left > 0 && self.level.is_some_and(|level| level.over() > 0);
            self.stage = if is_rounded { Stage::RankingParts } else { Stage::Writing };
            return;
        };
        let holder = self.holders.at(share.holder);
        let exact = self.demand.exact_cut(level, holder);
        let lots = i64::try_from(exact.floor()).expect("a cut is within the open lots");
        share.lots = lots;
        let part = Part { over: exact.part().over(), account: holder.account, share: self.seen };
        self.left -= lots;
        if part.over > 0 {
            self.parts.push(part, by_part);
        }
        self.seen += 1;
    }

    /// The parts sum to the lots left over and each is below one, so there are more of them than lots.
    fn even(&mut self) {
        if let Some((_, part)) = self.parts.pop(by_part) {
            self.shares[part.share as usize].lots += 1;
            self.left -= 1;
        }
        if self.left == 0 {
            self.stage = Stage::Writing;
        }
    }

    fn write(&mut self) {
        if let Some(&Share { holder, lots }) = self.shares.get(self.seen as usize) {
            let holder = *self.holders.at(holder);
            self.cut(&holder, lots, false);
            self.seen += 1;
        } else if self.left == 0 {
            self.stage = Stage::Complete;
        } else {
            self.holders.rewind();
            self.stage = Stage::RankingHedged;
        }
    }

    /// Every holder has given up all open lots he can bear by now. What he can bear beyond them is hedged.
    fn take_hedged(&mut self) {
        let Some((_, holder)) = self.holders.pop(by_leverage) else {
            self.stage = Stage::Complete;
            return;
        };
        let bearable = self.demand.bearable(&holder);
        let lots = (bearable - bearable.min(holder.open)).min(self.left);
        self.left -= lots;
        self.cut(&holder, lots, true);
        if self.left == 0 {
            self.stage = Stage::Complete;
        }
    }
}

/// The most open lots to equity first.
fn by_open_leverage(a: &Holder, b: &Holder) -> Ordering {
    let (over, under) = (wide_mul(a.open, b.equity.get()), wide_mul(b.open, a.equity.get()));
    under.cmp(&over).then(a.account.cmp(&b.account))
}

impl DeleveragingPolicy {
    /// Who of two holders comes first: the lesser gives up before the greater.
    #[must_use]
    pub fn order(self, a: &Holder, b: &Holder) -> Ordering {
        match self {
            Self::Water => by_open_leverage(a, b),
            Self::Profit | Self::LeveragedProfit => by_score(a, b),
        }
    }
}

/// The most lots to equity first, hedged or not.
fn by_leverage(a: &Holder, b: &Holder) -> Ordering {
    let (over, under) = (wide_mul(a.held, b.equity.get()), wide_mul(b.held, a.equity.get()));
    under.cmp(&over).then(a.account.cmp(&b.account))
}

/// The highest score first.
fn by_score(a: &Holder, b: &Holder) -> Ordering {
    b.score.cmp(&a.score).then(a.account.cmp(&b.account))
}

/// The largest part first.
fn by_part(a: &Part, b: &Part) -> Ordering {
    b.over.cmp(&a.over).then(a.account.cmp(&b.account))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deleveraging::recap;

    fn holder(account: u32, held: i64, open: i64, equity: i64) -> Holder {
        Holder { account: AccountId::new(account), held, open, equity: Money::new(equity), score: 0 }
    }

    fn planned(demand: Demand, holders: &[Holder]) -> Allocation {
        allocate(DeleveragingPolicy::Water, demand, holders.iter().copied())
    }

    fn demand(lots: i64, value: i64, haircut: i64) -> Demand {
        Demand { lots, value: Money::new(value), haircut: Money::new(haircut) }
    }

    fn cut(account: u32, lots: i64, hedged: bool) -> Cut {
        Cut { account: AccountId::new(account), lots, hedged }
    }

    #[test]
    fn whole_cuts_sum_to_the_demand_and_spare_the_least_leveraged() {
        let holders = [holder(16, 40, 40, 2_000), holder(17, 60, 60, 1_200), holder(18, 100, 100, 1_000)];
        let plan = planned(demand(70, 100, 2), &holders);
        // 2900/47 and 390/47: 61 and 8, and the one left over to the larger part.
        assert_eq!(plan.cuts(), [cut(18, 62, false), cut(17, 8, false)]);
        assert_eq!(plan.level(), Some(Fraction::new(450, 103)));
        assert_eq!((plan.holders_above(), plan.unallocated(), plan.sums()), (2, 0, (200, 4_200)));
    }

    #[test]
    fn hedged_lots_go_last_and_what_nobody_bears_stays() {
        let holders = [holder(16, 50, 20, 1_000), holder(17, 50, 0, 500), holder(18, 10, 10, 4)];
        // The last could pay for nothing, so nothing is taken from it; the first two pay 100 and 50 lots.
        let plan = planned(demand(200, 100, 10), &holders);
        assert_eq!(plan.cuts(), [cut(16, 20, false), cut(17, 50, true), cut(16, 30, true)]);
        assert_eq!((plan.level(), plan.unallocated()), (Some(Fraction::whole(0)), 100));
        let plan = planned(demand(21, 100, 10), &holders);
        assert_eq!(plan.cuts(), [cut(16, 20, false), cut(17, 1, true)]);
        assert_eq!(planned(demand(0, 100, 10), &holders).cuts(), []);
        assert_eq!(planned(demand(5, 100, 10), &[]).unallocated(), 5);
    }

    #[test]
    fn a_plan_is_not_complete_before_its_holders_are() {
        let mut plan = Allocation::new(DeleveragingPolicy::Water, demand(5, 100, 0));
        plan.add(holder(16, 10, 10, 1_000));
        assert!(!plan.work(usize::MAX));
        plan.end_of_holders();
        assert!(!plan.work(1) && plan.work(usize::MAX) && plan.work(0));
        assert_eq!(plan.cuts(), [cut(16, 5, false)]);
    }

    #[test]
    fn a_recap_gives_no_more_than_still_stands() {
        let demand = demand(70, 100, 2);
        let level = Some(Fraction::new(450, 103));
        let planned = cut(18, 62, false);
        let now = |held, open, equity| recap(level, &demand, &holder(18, held, open, equity), &planned);
        assert_eq!(now(100, 100, 1_000), 62, "unchanged");
        assert_eq!((now(50, 50, 1_000), now(30, 30, 1_000), now(100, 100, 1_000_000)), (7, 0, 0));
        assert_eq!((now(200, 200, 100), now(200, 200, -5), now(0, 0, 1_000)), (50, 0, 0));
        assert_eq!(now(100, 0, 1_000), 0, "all hedged since");
        let hedged = cut(18, 62, true);
        let now = |held, open, equity| recap(level, &demand, &holder(18, held, open, equity), &hedged);
        assert_eq!((now(100, 0, 1_000), now(40, 0, 1_000), now(100, 0, 10)), (62, 40, 5));
        let queued = |held, equity| recap(None, &demand, &holder(18, held, held, equity), &planned);
        assert_eq!((queued(100, 1_000), queued(40, 1_000), queued(100, 10)), (62, 40, 5));
    }
}
