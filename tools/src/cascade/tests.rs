//! Positive controls: what the watch must find, told to it beside what the venue did.

use engine::{DeleveragingCut, Event};
use risk::{AccountId, Mark, Money, Position};

use super::desk::{Desk, PERP};
use super::watch::{FundTerms, Watch};

const ACCOUNT: AccountId = AccountId::new(16);

fn desk() -> Desk {
    let fund = FundTerms { backstop: None, backstop_margin_max: Money::ZERO };
    let mut desk = Desk::open(64, Watch::new(64, fund), false).expect("a venue");
    desk.fund(ACCOUNT, Money::new(1_000_000)).expect("an account");
    desk
}

#[test]
fn what_happened_is_found_conserved() {
    let mut desk = desk();
    let outcome = desk.watch.finish(&desk.venue);
    assert!(outcome.conserved);
    assert_eq!(desk.watch.violations, Vec::<String>::new());
}

#[test]
fn a_cut_of_an_account_without_an_opposite_position_is_found() {
    let mut desk = desk();
    let cut = DeleveragingCut {
        request: 1,
        account: ACCOUNT,
        instrument: PERP,
        position: Position::new(5),
        amount: Money::new(30_000_000),
        mark: Mark::new(6_000_000 << 10),
        held: 5,
        open: 5,
        equity: Money::new(1_000_000),
        left: Position::ZERO,
        cost: Money::ZERO,
        balance: Money::ZERO,
    };
    desk.watch.told(&desk.venue, &[Event::Deleveraged(cut)]);
    assert_eq!(desk.watch.sums.untouched_violations, 1);
    let outcome = desk.watch.finish(&desk.venue);
    assert!(!outcome.conserved, "the venue has nothing of it");
}

#[test]
fn a_fund_below_zero_and_a_change_that_no_event_tells_of_are_found() {
    let mut desk = desk();
    let paid = Event::LiquidationEnded { account: ACCOUNT, equity: Money::ZERO, covered: Money::new(7) };
    desk.watch.told(&desk.venue, &[paid]);
    assert!(desk.watch.violations.iter().any(|violation| violation.contains("below zero")));
    assert!(!desk.watch.finish(&desk.venue).conserved);
}
