//! A recorded wave of deleveraging, where it is there: 50 short accounts that one venue closed one liquidated account against,
//! on 10 October 2025, at one price. It is planned as the queue that was recorded, and by water-filling beside it.
//!
//! Invariant: nothing here is a slice of recorded data. It is looked for beside the repository, or where `FULCRUM_DATA`
//! says, and the tests are skipped where it is not. Accounts' values in it are reconstructed, so they say nothing about
//! the order of that queue.

use std::path::{Path, PathBuf};

use risk::deleveraging::{Allocation, DeleveragingPolicy, Demand, Holder, allocate};
use risk::{AccountId, Fraction, Money};
use tools::progress::say;

/// A lot is a hundredth of a coin; money is counted in millionths.
const LOT_DECIMALS: usize = 2;
const MONEY_DECIMALS: usize = 6;
/// 22.075 a coin.
const LOT_VALUE: i64 = 220_750;
/// 84,454.65 coins.
const CLOSED: i64 = 8_445_465;

/// A row: a holder, ranked by his place in the file, and the lots that were closed.
struct Row {
    holder: Holder,
    closed: i64,
}

/// A decimal number's size in so many decimals, further ones cut off: they are noise of binary fractions.
fn count(text: &str, decimals: usize) -> i64 {
    let (whole, part) = text.trim_start_matches('-').split_once('.').unwrap_or((text, ""));
    let part: String = part.chars().chain(std::iter::repeat('0')).take(decimals).collect();
    format!("{}{part}", whole.trim_start_matches('-')).parse().expect("a decimal number")
}

/// The rows, or none and a word about it.
fn wave() -> Option<Vec<Row>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let data = std::env::var_os("FULCRUM_DATA").map_or_else(beside, PathBuf::from);
    let path = data.join("hl_adl_20251010/avax_wave_211604_50rows.csv");
    let Ok(text) = std::fs::read_to_string(&path) else {
        say(&format!("skipped: {} is not on this machine", path.display()));
        return None;
    };
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let column = |name| header.iter().position(|known| *known == name).expect("a known column");
    let (closed, held, equity) = (column("adl_size"), column("position_size"), column("account_value"));
    let row = |(place, line): (u32, &str)| {
        let cells: Vec<&str> = line.split(',').collect();
        assert!(cells[held].starts_with('-'), "all are short: {line}");
        let held = count(cells[held], LOT_DECIMALS);
        let holder = Holder {
            account: AccountId::new(16 + place),
            held,
            open: held,
            equity: Money::new(count(cells[equity], MONEY_DECIMALS)),
            score: -i128::from(place) << 32,
        };
        Row { holder, closed: count(cells[closed], LOT_DECIMALS) }
    };
    Some((0..).zip(lines).map(row).collect())
}

/// Haircuts of a lot; who is beyond relief at them, how many are hit, and the level and the highest leverage after that, in
/// thousandths.
const EXPECTED: [(i64, usize, usize, i128, i128); 3] =
    [(0, 0, 40, 122, 143), (2_208, 1, 40, 122, 128), (11_038, 1, 40, 123, 133)];

fn plan(rows: &[Row], policy: DeleveragingPolicy, lots: i64, haircut: i64) -> Allocation {
    let demand = Demand { lots, value: Money::new(LOT_VALUE), haircut: Money::new(haircut) };
    allocate(policy, demand, rows.iter().map(|row| row.holder))
}

/// Lots cut of each row.
fn cuts(rows: &[Row], plan: &Allocation) -> Vec<i64> {
    let of = |row: &Row| {
        let cuts = plan.cuts().iter().filter(|cut| cut.account == row.holder.account);
        cuts.map(|cut| cut.lots).sum()
    };
    rows.iter().map(of).collect()
}

/// The highest leverage at the mark after cuts, in thousandths, rounded up, of those whom giving up lots relieves. Nobody may be
/// below zero.
fn highest_leverage(rows: &[Row], cuts: &[i64], demand: &Demand) -> i128 {
    let leverage = |(row, cut): (&Row, &i64)| {
        let equity = row.holder.equity.get() - cut * demand.haircut.get();
        let left = row.holder.held - cut;
        assert!(equity >= 0 && left >= 0, "{cut} of {:?}", row.holder);
        if left == 0 || demand.is_beyond_relief(&row.holder) {
            return 0;
        }
        Fraction::new(i128::from(left * LOT_VALUE) * 1_000, equity.into()).ceil()
    };
    rows.iter().zip(cuts).map(leverage).max().expect("rows")
}

#[test]
fn the_recorded_queue_is_planned_as_it_was() {
    let Some(rows) = wave() else { return };
    assert_eq!((rows.len(), rows.iter().map(|row| row.closed).sum()), (50, CLOSED));
    let queue = plan(&rows, DeleveragingPolicy::Profit, CLOSED, 0);
    let closed: Vec<i64> = rows.iter().map(|row| row.closed).collect();
    assert_eq!(cuts(&rows, &queue), closed, "what was recorded, row by row");
    assert_eq!((queue.cuts().iter().map(|cut| cut.lots).sum::<i64>(), queue.unallocated()), (CLOSED, 0));
    let partial = rows.iter().zip(cuts(&rows, &queue)).filter(|(row, cut)| *cut < row.holder.held);
    assert_eq!(partial.count(), 1);
    // As many lots as whole positions have, however many those are: none is closed in part.
    let mut lots = 0;
    for (count, row) in (1..).zip(&rows) {
        lots += row.holder.held;
        let queue = plan(&rows, DeleveragingPolicy::LeveragedProfit, lots, 0);
        assert_eq!((queue.cuts().len(), queue.holders_above(), queue.unallocated()), (count, count, 0));
        let whole = |(row, cut): (&Row, i64)| cut == 0 || cut == row.holder.held;
        assert!(rows.iter().zip(cuts(&rows, &queue)).all(whole));
    }
}

#[test]
fn water_filling_of_the_recorded_wave_cuts_the_most_leveraged() {
    let Some(rows) = wave() else { return };
    // At the mark, and at 1 % and 5 % of it against the holders; figures by an independent computation. The venue's queue
    // hit all 50. A lot is up to 0.05 of leverage here, for the smallest accounts,
    // which is why whole lots end above the level.
    for (haircut, beyond, hit, level, highest) in EXPECTED {
        let queue = plan(&rows, DeleveragingPolicy::Profit, CLOSED, haircut);
        let water = plan(&rows, DeleveragingPolicy::Water, CLOSED, haircut);
        let (demand, cut) = (water.demand(), cuts(&rows, &water));
        assert_eq!((cut.iter().sum::<i64>(), water.unallocated()), (CLOSED, 0));
        let before = highest_leverage(&rows, &vec![0; rows.len()], demand);
        let after = [&cuts(&rows, &queue), &cut].map(|cuts| highest_leverage(&rows, cuts, demand));
        let level_found = water.level().expect("a level");
        let reached = Fraction::new(level_found.over() * 1_000, level_found.under());
        let relieved = rows.iter().filter(|row| !demand.is_beyond_relief(&row.holder)).count();
        say(&format!(
            "at a haircut of {haircut} of {LOT_VALUE} a lot the queue hits {}, water-filling {}, {} of them beyond relief; \
             highest leverage in thousandths: {before} before, {} after the queue, {} after water-filling to {}",
            queue.cuts().len(),
            water.cuts().len(),
            rows.len() - relieved,
            after[0],
            after[1],
            reached.ceil(),
        ));
        assert_eq!((rows.len() - relieved, water.cuts().len()), (beyond, hit));
        assert_eq!((reached.ceil(), after[1]), (level, highest));
    }
}
