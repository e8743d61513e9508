//! Plans of deleveraging beside a naive reference that sorts everything and keeps fractions, and beside what they
//! promise, in random books.
//!
//! A failure prints the seed; `FULCRUM_SEED=... cargo test -p risk --test deleveraging` repeats it.

#![expect(clippy::print_stdout, reason = "a failure says how to repeat it")]

use risk::deleveraging::{Allocation, Cut, DeleveragingPolicy, Demand, Holder, allocate, recap};
use risk::{AccountId, Fraction, Money};

/// Pseudo-random numbers (`splitmix64`).
struct Random(u64);

impl Random {
    /// From 0 to below a bound.
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((mixed ^ (mixed >> 31)) >> 2).expect("62 bits").rem_euclid(bound)
    }

    fn within(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to - from + 1)
    }

    /// A holder of up to so many lots, with leverages all over the place and now and then equal ones.
    fn holder(&mut self, account: u32, lots: i64, value: i64) -> Holder {
        let held = self.within(1, lots);
        let open = match self.below(4) {
            0 => self.within(0, held),
            1 => 0,
            _ => held,
        };
        let equity = match self.below(4) {
            0 => self.within(1, 3 * value),
            1 => held * value,
            _ => self.within(1, 2 * held * value),
        };
        let score = i128::from(self.within(-5, 5)) << 32;
        Holder { account: AccountId::new(account), held, open, equity: Money::new(equity), score }
    }

    /// So many holders, and what is asked of them: now and then more than they have.
    fn book(&mut self, count: i64, lots: i64) -> (Demand, Vec<Holder>) {
        let value = self.within(1, 40);
        let (mut account, mut holders) = (15, Vec::new());
        for _ in 0..count {
            account += u32::try_from(self.within(1, 9)).expect("small");
            holders.push(self.holder(account, lots, value));
        }
        let held: i64 = holders.iter().map(|holder| holder.held).sum();
        let haircut = match self.below(4) {
            0 => 0,
            1 => -self.within(0, value),
            _ => self.within(0, value + 2),
        };
        let lots = self.within(0, held + 3);
        (Demand { lots, value: Money::new(value), haircut: Money::new(haircut) }, holders)
    }
}

const SEEDS: u64 = 100_000;

fn for_random_seeds(seeds: u64, test: impl Fn(&mut Random)) {
    let from_environment = std::env::var("FULCRUM_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds: Vec<u64> = from_environment.map_or_else(|| (0..seeds).collect(), |seed| vec![seed]);
    for seed in seeds {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&mut Random(seed))));
        if let Err(panic) = result {
            println!("repeat: FULCRUM_SEED={seed} cargo test -p risk --test deleveraging");
            std::panic::resume_unwind(panic);
        }
    }
}

fn wide(number: i64) -> i128 {
    number.into()
}

fn leverage(lots: i64, holder: &Holder) -> Fraction {
    Fraction::new(wide(lots), wide(holder.equity.get()))
}

/// The most lots whose haircuts a holder's equity pays, by trying.
fn bearable(demand: &Demand, holder: &Holder) -> i64 {
    (0..=holder.held)
        .rev()
        .find(|lots| *lots == 0 || lots * demand.haircut.get() <= holder.equity.get())
        .expect("none is bearable")
}

/// A plan by the book: sort all, try every prefix, sort all parts.
fn naive(demand: &Demand, holders: &[Holder]) -> (Vec<Cut>, Option<Fraction>, i64) {
    let (value, haircut) = (wide(demand.value.get()), wide(demand.haircut.get()));
    let mut ranked = holders.to_vec();
    ranked.sort_by(|a, b| leverage(b.open, b).cmp(&leverage(a.open, a)).then(a.account.cmp(&b.account)));
    let (mut left, mut cuts) = (demand.lots.max(0), Vec::new());
    let mut cut = |holder: &Holder, lots: i64, hedged| {
        if lots > 0 {
            cuts.push(Cut { account: holder.account, lots, hedged });
        }
    };
    let (beyond, filled): (Vec<_>, Vec<_>) =
        ranked.iter().partition(|holder| wide(holder.open) * haircut >= wide(holder.equity.get()));
    for holder in beyond {
        let lots = bearable(demand, holder).min(left);
        cut(holder, lots, false);
        left -= lots;
    }
    let filled: Vec<&Holder> = filled.into_iter().filter(|holder| holder.open > 0).collect();
    let open = |count: usize| filled[..count].iter().map(|holder| holder.open).sum::<i64>();
    let level_of = |count: usize| {
        let equity: i128 = filled[..count].iter().map(|holder| wide(holder.equity.get())).sum();
        Fraction::new(value * wide(open(count) - left), equity - wide(left) * haircut)
    };
    let mut level = None;
    if left > 0 && !filled.is_empty() && open(filled.len()) > left {
        let count = (1..=filled.len()).find(|&count| {
            let next = filled.get(count).map_or(Fraction::whole(0), |next| {
                Fraction::new(wide(next.open) * value, wide(next.equity.get()))
            });
            open(count) > left && level_of(count) >= next
        });
        let count = count.expect("all of them have lots enough");
        let found = level_of(count);
        let mut shares: Vec<(i128, i128, usize)> = Vec::new();
        for (place, holder) in filled[..count].iter().enumerate() {
            let over = wide(holder.open) * value * found.under() - found.over() * wide(holder.equity.get());
            let under = value * found.under() - found.over() * haircut;
            shares.push((over.div_euclid(under), over.rem_euclid(under), place));
        }
        let over = wide(left) - shares.iter().map(|share| share.0).sum::<i128>();
        shares.sort_by(|a, b| b.1.cmp(&a.1).then(filled[a.2].account.cmp(&filled[b.2].account)));
        for share in &mut shares[..usize::try_from(over).expect("cuts were rounded down")] {
            share.0 += 1;
        }
        shares.sort_by_key(|share| share.2);
        for (lots, _, place) in shares {
            cut(filled[place], i64::try_from(lots).expect("few"), false);
        }
        left = 0;
        level = Some(found);
    } else if left > 0 && !filled.is_empty() {
        for holder in &filled {
            cut(holder, holder.open, false);
        }
        left -= open(filled.len());
        level = Some(Fraction::whole(0));
    }
    ranked.sort_by(|a, b| leverage(b.held, b).cmp(&leverage(a.held, a)).then(a.account.cmp(&b.account)));
    for holder in &ranked {
        let lots = (bearable(demand, holder) - holder.open).clamp(0, left);
        cut(holder, lots, true);
        left -= lots;
    }
    (cuts, level, left)
}

/// The same plan in pieces of so many steps.
fn in_pieces(policy: DeleveragingPolicy, demand: Demand, holders: &[Holder], budget: usize) -> Allocation {
    let mut plan = Allocation::new(policy, demand);
    for holder in holders {
        plan.add(*holder);
    }
    plan.end_of_holders();
    let mut calls = 0;
    while !plan.work(budget) {
        calls += 1;
        assert!(calls <= 20 * (holders.len() + 2), "it comes to an end");
    }
    plan
}

/// What a plan takes of a holder: open lots and hedged ones.
fn taken(plan: &Allocation, holder: &Holder) -> (i64, i64) {
    let of = |hedged| {
        let cuts = plan.cuts().iter().filter(|cut| (cut.account, cut.hedged) == (holder.account, hedged));
        let lots: Vec<i64> = cuts.map(|cut| cut.lots).collect();
        assert!(lots.len() <= 1 && lots.iter().all(|&lots| lots > 0), "{lots:?} of {holder:?}");
        lots.first().copied().unwrap_or(0)
    };
    (of(false), of(true))
}

/// What every plan promises.
fn hold_promises(plan: &Allocation, demand: &Demand, holders: &[Holder]) {
    let cut: i64 = plan.cuts().iter().map(|cut| cut.lots).sum();
    assert_eq!(cut + plan.unallocated(), demand.lots.max(0));
    for holder in holders {
        let (open, hedged) = taken(plan, holder);
        let lots = open + hedged;
        assert!(lots <= holder.held, "{lots} of {holder:?}");
        assert!(lots == 0 || lots * demand.haircut.get() <= holder.equity.get(), "{lots} of {holder:?}");
        assert!(plan.unallocated() == 0 || lots == bearable(demand, holder), "{lots} of {holder:?}");
        for cut in plan.cuts().iter().filter(|cut| cut.account == holder.account && !cut.hedged) {
            assert_eq!(recap(plan.level(), demand, holder, cut), cut.lots, "nothing has changed");
        }
    }
    let held: i128 = holders.iter().map(|holder| wide(holder.held)).sum();
    let equity: i128 = holders.iter().map(|holder| wide(holder.equity.get())).sum();
    assert_eq!((plan.sums(), plan.holders()), ((held, equity), holders.len()));
}

/// What a plan by water-filling promises beyond that.
fn hold_level(plan: &Allocation, demand: &Demand, holders: &[Holder]) {
    let (value, haircut) = (demand.value.get(), demand.haircut.get());
    let is_hedged_cut = plan.cuts().iter().any(|cut| cut.hedged);
    // Leverage at the mark once so many lots are gone, against a level: by products, since equity may be gone.
    let is_above = |holder: &Holder, lots: i64, level: Fraction| {
        wide((holder.open - lots) * value) * level.under()
            > level.over() * wide(holder.equity.get() - lots * haircut)
    };
    let (mut exact, mut divisor, mut above) = (0_i128, 1_i128, 0);
    for holder in holders {
        let (open, _) = taken(plan, holder);
        if holder.open * haircut >= holder.equity.get() {
            assert!(plan.level().is_none() || open == bearable(demand, holder), "all it can: {holder:?}");
            above += 1;
            continue;
        }
        assert!(!is_hedged_cut || open == holder.open, "hedged lots before open ones of {holder:?}");
        let Some(level) = plan.level() else {
            assert_eq!(open, 0, "{holder:?}");
            continue;
        };
        let cut = demand.exact_cut(level, holder);
        if is_above(holder, 0, level) {
            above += 1;
            assert!(!is_above(holder, (cut.floor() + 1).try_into().expect("few"), level), "{holder:?}");
            assert!((cut.floor()..=cut.ceil()).contains(&wide(open)), "{open} of {holder:?}");
            assert!(divisor == 1 || divisor == cut.under(), "one divisor for all");
            (exact, divisor) = (exact + cut.over(), cut.under());
        } else {
            assert_eq!(open, 0, "at the level or below: {holder:?}");
        }
    }
    assert!(plan.level().is_none() || plan.holders_above() == above);
    if plan.level().is_some_and(|level| level.over() > 0) {
        let beyond = holders.iter().filter(|holder| holder.open * haircut >= holder.equity.get());
        let beyond: i64 = beyond.map(|holder| bearable(demand, holder)).sum();
        assert_eq!(exact, wide(demand.lots - beyond) * divisor, "exact cuts sum to the demand");
    }
}

fn check_water(demand: Demand, holders: &[Holder]) -> Allocation {
    let plan = allocate(DeleveragingPolicy::Water, demand, holders.iter().copied());
    let (cuts, level, left) = naive(&demand, holders);
    assert_eq!(plan.cuts(), cuts, "{demand:?} {holders:?}");
    assert_eq!((plan.level(), plan.unallocated()), (level, left), "{demand:?} {holders:?}");
    hold_promises(&plan, &demand, holders);
    hold_level(&plan, &demand, holders);
    for budget in [1, 7] {
        assert_eq!(in_pieces(DeleveragingPolicy::Water, demand, holders, budget), plan);
    }
    plan
}

#[test]
fn water_filling_is_what_the_naive_reference_plans() {
    for_random_seeds(SEEDS, |random| {
        let count = random.within(0, 12);
        let (demand, holders) = random.book(count, 40);
        check_water(demand, &holders);
    });
}

#[test]
fn water_filling_of_many_runs_is_what_the_naive_reference_plans() {
    for_random_seeds(40, |random| {
        let count = random.within(200, 1_600);
        let (demand, holders) = random.book(count, 12);
        check_water(demand, &holders);
    });
}

#[test]
fn the_largest_figures_stay_in_range() {
    let holder = |account, held, equity| Holder {
        account: AccountId::new(account),
        held,
        open: held,
        equity: Money::new(equity),
        score: i128::MAX,
    };
    let (lots, money) = (1_i64 << 51, 1_i64 << 60);
    for (value, haircut) in [(64, 63), (64, -(1 << 9)), (1, 0)] {
        let demand = Demand { lots, value: Money::new(value), haircut: Money::new(haircut) };
        let plan = check_water_quickly(demand, &[holder(16, lots, money), holder(17, lots, 1 << 59)]);
        assert_eq!(plan.unallocated(), 0);
    }
    let demand = Demand { lots: 1, value: Money::new(1 << 57), haircut: Money::new(money) };
    let plan = check_water_quickly(demand, &[holder(16, 1, money - 1), holder(17, 1, money + 1)]);
    assert_eq!(plan.cuts().iter().map(|cut| cut.account.get()).collect::<Vec<_>>(), [17]);
}

/// Without what counts lots one by one.
fn check_water_quickly(demand: Demand, holders: &[Holder]) -> Allocation {
    let plan = allocate(DeleveragingPolicy::Water, demand, holders.iter().copied());
    for holder in holders {
        let (open, hedged) = taken(&plan, holder);
        assert!(wide(open) * wide(demand.haircut.get()) <= wide(holder.equity.get()) && hedged == 0);
    }
    assert_eq!(plan.cuts().iter().map(|cut| cut.lots).sum::<i64>() + plan.unallocated(), demand.lots);
    plan
}

/// The lowest highest leverage that any whole cuts of so many lots reach; whoever is left without equity counts as highest.
fn lowest_peak(demand: &Demand, holders: &[Holder], lots: i64, peak: Fraction) -> Option<Fraction> {
    let Some((holder, others)) = holders.split_first() else { return (lots == 0).then_some(peak) };
    let peaks = (0..=holder.open.min(lots)).filter_map(|cut| {
        let equity = holder.equity.get() - cut * demand.haircut.get();
        if equity <= 0 {
            return None;
        }
        let after = Fraction::new(wide((holder.open - cut) * demand.value.get()), wide(equity));
        lowest_peak(demand, others, lots - cut, peak.max(after))
    });
    peaks.min()
}

#[test]
fn no_other_cuts_leave_a_lower_highest_leverage() {
    let (equal, tried) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    for_random_seeds(4_000, |random| {
        let count = random.within(1, 4);
        let (demand, holders) = random.book(count, 8);
        let plan = check_water(demand, &holders);
        let is_beyond = |holder: &Holder| demand.is_beyond_relief(holder);
        let Some(level) = plan.level().filter(|level| level.over() > 0) else { return };
        if holders.iter().any(is_beyond) {
            return;
        }
        let lowest =
            lowest_peak(&demand, &holders, demand.lots, Fraction::whole(0)).expect("there is a plan");
        assert!(level <= lowest, "{level:?} {lowest:?}");
        let is_whole = |holder: &Holder| demand.exact_cut(level, holder).part() == Fraction::whole(0);
        tried.set(tried.get() + 1);
        if holders.iter().all(is_whole) {
            assert_eq!(level, lowest);
            equal.set(equal.get() + 1);
        }
    });
    let is_repeating = tried.get() <= 1;
    assert!(is_repeating || equal.get() > 200, "{} whole of {}", equal.get(), tried.get());
}

#[test]
fn a_queue_takes_all_it_can_from_the_first_until_it_has_enough() {
    for_random_seeds(SEEDS, |random| {
        let count = if random.below(1_000) == 0 { random.within(250, 800) } else { random.within(0, 12) };
        let (demand, holders) = random.book(count, 30);
        for policy in [DeleveragingPolicy::Profit, DeleveragingPolicy::LeveragedProfit] {
            let plan = allocate(policy, demand, holders.iter().copied());
            hold_promises(&plan, &demand, &holders);
            assert_eq!(plan.level(), None);
            let mut queue = holders.clone();
            queue.sort_by(|a, b| b.score.cmp(&a.score).then(a.account.cmp(&b.account)));
            let (mut left, mut cuts, mut reached) = (demand.lots, Vec::new(), 0);
            for holder in &queue {
                if left == 0 {
                    break;
                }
                reached += 1;
                let lots = bearable(&demand, holder).min(left);
                left -= lots;
                if lots > 0 {
                    cuts.push(Cut { account: holder.account, lots, hedged: false });
                }
            }
            assert_eq!((plan.cuts(), plan.unallocated(), plan.holders_above()), (&cuts[..], left, reached));
            for budget in [1, 7] {
                assert_eq!(in_pieces(policy, demand, &holders, budget), plan);
            }
        }
    });
}

#[test]
fn a_recap_is_never_more_than_the_holder_can_give_now() {
    for_random_seeds(SEEDS, |random| {
        let count = random.within(1, 8);
        let (demand, holders) = random.book(count, 40);
        let plan = allocate(DeleveragingPolicy::Water, demand, holders.iter().copied());
        for cut in plan.cuts() {
            let mut now = random.holder(cut.account.get(), 60, demand.value.get());
            now.held -= random.below(3) & 1;
            now.open = now.open.min(now.held);
            now.equity -= Money::new(random.below(2) * 2 * demand.value.get());
            let lots = recap(plan.level(), &demand, &now, cut);
            assert!((0..=cut.lots.min(now.held)).contains(&lots), "{lots} {now:?} {cut:?}");
            assert!(lots == 0 || lots * demand.haircut.get() <= now.equity.get().max(0), "{lots} {now:?}");
            let Some(level) = plan.level() else { continue };
            if !cut.hedged && now.equity > Money::ZERO {
                let leverage = Fraction::new(wide(now.open * demand.value.get()), wide(now.equity.get()));
                assert!(lots <= now.open, "{lots} {now:?}");
                assert!(leverage > level || lots == 0, "{lots} {now:?}");
            }
        }
    });
}
