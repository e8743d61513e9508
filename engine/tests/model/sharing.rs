//! How the holders of one side share what nobody takes: the rule in words, over a list that is sorted whole.
//!
//! Every comparison of fractions multiplies out; a cut is one division.

use std::cmp::Ordering;

use risk::AccountId;
use risk::deleveraging::{Cut, DeleveragingPolicy};

use super::arith::{ceil, floor};

/// A holder of the side that gives up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sharer {
    pub(crate) account: AccountId,
    pub(crate) held: i128,
    /// Of these, what nothing else of the account hedges.
    pub(crate) open: i128,
    pub(crate) equity: i128,
    pub(crate) score: i128,
}

/// What is shared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    pub(crate) lots: i128,
    /// Value of a lot, and what it costs over that.
    pub(crate) value: i128,
    pub(crate) haircut: i128,
}

/// Who gives up how much.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares {
    pub(crate) level: Option<(i128, i128)>,
    pub(crate) cuts: Vec<Cut>,
    /// What nobody can bear.
    pub(crate) unborne: i128,
}

impl Asked {
    /// The most that a holder can give up.
    fn most(&self, sharer: &Sharer) -> i128 {
        if self.haircut <= 0 { sharer.held } else { sharer.held.min(floor(sharer.equity, self.haircut)) }
    }

    /// Whether giving up makes the holder no less leveraged.
    fn is_hopeless(&self, sharer: &Sharer) -> bool {
        sharer.open * self.haircut >= sharer.equity
    }

    /// What brings a holder to a level, as a fraction that is not below zero.
    fn cut_to(&self, (over, under): (i128, i128), sharer: &Sharer) -> (i128, i128) {
        let above = sharer.open * self.value * under - over * sharer.equity;
        if above <= 0 {
            (0, 1)
        } else if self.is_hopeless(sharer) {
            (sharer.open, 1)
        } else {
            (above, self.value * under - over * self.haircut)
        }
    }

    /// What of a planned cut stands for a holder as he is now.
    pub(crate) fn stands(&self, level: Option<(i128, i128)>, sharer: &Sharer, cut: &Cut) -> i128 {
        let mut lots = i128::from(cut.lots).min(self.most(sharer)).min(self.lots);
        if let Some(level) = level.filter(|_| !cut.hedged) {
            let (over, under) = self.cut_to(level, sharer);
            lots = lots.min(ceil(over, under));
        }
        lots.max(0)
    }

    /// Everybody's share.
    pub(crate) fn share(&self, policy: DeleveragingPolicy, mut sharers: Vec<Sharer>) -> Shares {
        let mut shares = Shares { unborne: self.lots, ..Shares::default() };
        if policy != DeleveragingPolicy::Water {
            sharers.sort_by_key(|sharer| (std::cmp::Reverse(sharer.score), sharer.account));
            for sharer in &sharers {
                shares.give(sharer, self.most(sharer).min(shares.unborne), false);
            }
            return shares;
        }
        sharers
            .sort_by(|a, b| larger((a.open, a.equity), (b.open, b.equity)).then(a.account.cmp(&b.account)));
        let (hopeless, others): (Vec<Sharer>, Vec<Sharer>) =
            sharers.iter().partition(|sharer| self.is_hopeless(sharer));
        for sharer in &hopeless {
            shares.give(sharer, self.most(sharer).min(shares.unborne), false);
        }
        self.level_out(&others, &mut shares);
        sharers
            .sort_by(|a, b| larger((a.held, a.equity), (b.held, b.equity)).then(a.account.cmp(&b.account)));
        for sharer in &sharers {
            let most = self.most(sharer);
            shares.give(sharer, (most - most.min(sharer.open)).min(shares.unborne), true);
        }
        shares
    }

    /// Those above one level are cut to it: the fewest of the most leveraged whom that leaves no less leveraged than the next.
    fn level_out(&self, others: &[Sharer], shares: &mut Shares) {
        let open: Vec<&Sharer> = others.iter().filter(|sharer| sharer.open > 0).collect();
        let asked = shares.unborne;
        if asked == 0 || open.is_empty() {
            return;
        }
        for count in 1..=open.len() {
            let (above, below) = open.split_at(count);
            let kept = above.iter().map(|sharer| sharer.open).sum::<i128>() - asked;
            let worth = above.iter().map(|sharer| sharer.equity).sum::<i128>() - asked * self.haircut;
            if kept > 0 && below.first().is_none_or(|next| kept * next.equity >= next.open * worth) {
                let level = (self.value * kept, worth);
                shares.level = Some(level);
                self.round(level, above, shares);
                return;
            }
        }
        // All open lots together do not suffice.
        shares.level = Some((0, 1));
        for sharer in open {
            shares.give(sharer, sharer.open, false);
        }
    }

    /// Exact cuts rounded down, and what is left a lot each to those who lost the most by it.
    fn round(&self, level: (i128, i128), above: &[&Sharer], shares: &mut Shares) {
        let exact: Vec<(i128, i128)> = above.iter().map(|sharer| self.cut_to(level, sharer)).collect();
        let mut lots: Vec<i128> = exact.iter().map(|&(over, under)| floor(over, under)).collect();
        let left = shares.unborne - lots.iter().sum::<i128>();
        let mut by_part: Vec<usize> = (0..above.len()).collect();
        by_part.sort_by_key(|&place| {
            let (over, under) = exact[place];
            (std::cmp::Reverse(over.rem_euclid(under)), above[place].account)
        });
        for &place in by_part.iter().take(usize::try_from(left).expect("fewer than holders")) {
            lots[place] += 1;
        }
        for (sharer, lots) in above.iter().zip(lots) {
            shares.give(sharer, lots, false);
        }
    }
}

impl Shares {
    fn give(&mut self, sharer: &Sharer, lots: i128, hedged: bool) {
        if lots > 0 {
            self.unborne -= lots;
            let lots = i64::try_from(lots).expect("lots are bounded");
            self.cuts.push(Cut { account: sharer.account, lots, hedged });
        }
    }
}

/// The larger quotient first; divisors are above zero.
fn larger(a: (i128, i128), b: (i128, i128)) -> Ordering {
    (b.0 * a.1).cmp(&(a.0 * b.1))
}
