//! Leverage brackets in the form exchanges publish them, turned into the two margin tables of an instrument.
//!
//! Invariant: brackets join without gap or overlap, rates never fall, leverage never rises, and the published constant of
//! each is exactly the one that makes maintenance margin continuous. Source: `MARGIN.md` 3.

use alloc::vec::Vec;

use crate::tiers::{Tier, TierError, TierTable};
use crate::units::{Leverage, Money, Rate, Requirement};

/// One bracket as published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bracket {
    /// Notional at which it begins.
    pub floor: Money,
    /// Notional at which it ends.
    pub cap: Money,
    /// Maintenance rate in it.
    pub maintenance: Rate,
    /// Highest leverage in it.
    pub leverage_max: Leverage,
    /// The constant taken off `notional x rate` ("cum", "maintenance amount"), exact.
    pub cum: Requirement,
}

/// The rule a bracket breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BracketRule {
    /// It does not begin where the one before ends, or the first not at 0.
    Floor,
    /// It ends no higher than it begins.
    Cap,
    /// Its maintenance rate is 0, 100 % or more, or below that of the bracket before.
    Rate,
    /// Its leverage is below 1, or above that of the bracket before.
    Leverage,
    /// Its constant is not `cum before + floor x (rate - rate before)`.
    Cum,
    /// Its initial margin is below 5/4 of its maintenance margin somewhere.
    MarginGap,
}

/// What is wrong with a list of brackets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BracketError {
    /// There is none, or more than [`crate::limits::TIERS_MAX`].
    Count,
    /// A bracket, counted from 1 as exchanges do, breaks a rule.
    Broken {
        /// Which.
        bracket: usize,
        /// What.
        rule: BracketRule,
    },
}

/// Validated brackets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BracketTable {
    brackets: Vec<Bracket>,
}

impl BracketTable {
    /// Validates brackets in ascending order.
    ///
    /// # Errors
    /// [`BracketError`]: of the first bracket that breaks a rule, the first rule.
    pub fn new(brackets: &[Bracket]) -> Result<Self, BracketError> {
        let table = Self { brackets: brackets.to_vec() };
        let mut before: Option<&Bracket> = None;
        for (number, bracket) in (1..).zip(brackets) {
            if let Some(rule) = broken_rule(bracket, before) {
                return Err(BracketError::Broken { bracket: number, rule });
            }
            before = Some(bracket);
        }
        let (Ok(initial), Ok(maintenance)) = (table.initial(), table.maintenance()) else {
            return Err(BracketError::Count);
        };
        if initial.covers_five_quarters_of(&maintenance) {
            return Ok(table);
        }
        // Both tables are straight lines within a bracket, so one that falls short does so at one of its ends, or, where
        // only the slope beyond the last end does, in the last.
        let short_at = |notional: Money| {
            4 * initial.requirement(notional).ppb() < 5 * maintenance.requirement(notional).ppb()
        };
        let is_short = |bracket: &Bracket| short_at(bracket.floor) || short_at(bracket.cap);
        let bracket = (1..).zip(brackets).find(|(_, bracket)| is_short(bracket));
        let bracket = bracket.map_or(brackets.len(), |(number, _)| number);
        Err(BracketError::Broken { bracket, rule: BracketRule::MarginGap })
    }

    /// The brackets.
    #[must_use]
    pub fn brackets(&self) -> &[Bracket] {
        &self.brackets
    }

    /// Initial-margin brackets: the marginal rate is `ceil(1 / leverage)`.
    #[must_use]
    pub fn initial_tiers(&self) -> Vec<Tier> {
        self.tiers(|bracket| bracket.leverage_max.initial_rate())
    }

    /// Maintenance-margin brackets.
    #[must_use]
    pub fn maintenance_tiers(&self) -> Vec<Tier> {
        self.tiers(|bracket| bracket.maintenance)
    }

    /// The initial-margin table.
    ///
    /// # Errors
    /// [`TierError`]: only where there are too many brackets, or none.
    pub fn initial(&self) -> Result<TierTable, TierError> {
        TierTable::new(&self.initial_tiers())
    }

    /// The maintenance-margin table.
    ///
    /// # Errors
    /// As [`Self::initial`].
    pub fn maintenance(&self) -> Result<TierTable, TierError> {
        TierTable::new(&self.maintenance_tiers())
    }

    fn tiers(&self, rate: impl Fn(&Bracket) -> Rate) -> Vec<Tier> {
        self.brackets.iter().map(|bracket| Tier { floor: bracket.floor, rate: rate(bracket) }).collect()
    }
}

fn broken_rule(bracket: &Bracket, before: Option<&Bracket>) -> Option<BracketRule> {
    let floor = before.map_or(Money::ZERO, |before| before.cap);
    let least = before.map_or(Rate::new(1), |before| before.maintenance);
    let most = before.map_or(Leverage::new(u32::MAX), |before| before.leverage_max);
    let cum = before.map_or(Requirement::ZERO, |before| {
        let step = Rate::new(bracket.maintenance.get().saturating_sub(before.maintenance.get()));
        before.cum + step.of(bracket.floor)
    });
    let rules = [
        (bracket.floor == floor, BracketRule::Floor),
        (bracket.cap > bracket.floor, BracketRule::Cap),
        (bracket.maintenance >= least && bracket.maintenance < Rate::ONE, BracketRule::Rate),
        (bracket.leverage_max >= Leverage::new(100) && bracket.leverage_max <= most, BracketRule::Leverage),
        (bracket.cum == cum, BracketRule::Cum),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map(|(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERCENT: u32 = 10_000_000;

    fn bracket(floor: i64, cap: i64, rate: u32, leverage: u32, cum: i64) -> Bracket {
        Bracket {
            floor: Money::new(floor),
            cap: Money::new(cap),
            maintenance: Rate::new(rate),
            leverage_max: Leverage::new(100 * leverage),
            cum: Requirement::of_money(Money::new(cum)),
        }
    }

    fn sound() -> [Bracket; 3] {
        [
            bracket(0, 50_000, PERCENT, 50, 0),
            bracket(50_000, 250_000, 5 * PERCENT, 10, 2_000),
            bracket(250_000, 1_000_000, 50 * PERCENT, 1, 114_500),
        ]
    }

    #[test]
    fn brackets_become_the_tables_of_an_instrument() {
        let table = BracketTable::new(&sound()).expect("sound");
        let rates = |tiers: Vec<Tier>| tiers.iter().map(|tier| tier.rate.get()).collect::<Vec<_>>();
        assert_eq!(rates(table.initial_tiers()), [20_000_000, 100_000_000, 1_000_000_000]);
        assert_eq!(rates(table.maintenance_tiers()), [10_000_000, 50_000_000, 500_000_000]);
        let maintenance = table.maintenance().expect("a table");
        for bracket in table.brackets() {
            let at = maintenance.requirement(bracket.floor);
            assert_eq!(at, bracket.maintenance.of(bracket.floor) - bracket.cum);
        }
    }

    #[test]
    fn each_rule_names_its_bracket() {
        let broken = |change: fn(&mut Bracket), place: usize| {
            let mut brackets = sound();
            change(&mut brackets[place]);
            BracketTable::new(&brackets).expect_err("a rule is broken")
        };
        let rule = |bracket, rule| BracketError::Broken { bracket, rule };
        assert_eq!(broken(|bracket| bracket.floor = Money::new(1), 0), rule(1, BracketRule::Floor));
        assert_eq!(broken(|bracket| bracket.floor = Money::new(50_001), 1), rule(2, BracketRule::Floor));
        assert_eq!(broken(|bracket| bracket.cap = bracket.floor, 2), rule(3, BracketRule::Cap));
        assert_eq!(broken(|bracket| bracket.maintenance = Rate::new(1), 1), rule(2, BracketRule::Rate));
        assert_eq!(broken(|bracket| bracket.maintenance = Rate::ONE, 2), rule(3, BracketRule::Rate));
        assert_eq!(
            broken(|bracket| bracket.leverage_max = Leverage::new(99), 2),
            rule(3, BracketRule::Leverage)
        );
        assert_eq!(
            broken(|bracket| bracket.leverage_max = Leverage::new(6_000), 1),
            rule(2, BracketRule::Leverage)
        );
        assert_eq!(broken(|bracket| bracket.cum += Requirement::from_ppb(1), 1), rule(2, BracketRule::Cum));
        assert_eq!(
            broken(|bracket| bracket.leverage_max = Leverage::new(10_000), 0),
            rule(1, BracketRule::MarginGap)
        );
        assert_eq!(BracketTable::new(&[]), Err(BracketError::Count));
    }
}
