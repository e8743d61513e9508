//! What stands behind liquidations: risk groups, funds, backstop accounts, and plans of the deleveraging worker.

use engine::{Action, Command, DeleveragingPlan, Seq, Transfer};
use risk::deleveraging::{Cut, DeleveragingPolicy};
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{AccountId, AssetId, InstrumentId, Money, Rate, RiskGroupTerms};

use super::generate::{Generator, QUARTER_LOT};
use super::view::View;
use super::worlds::LOT_VALUE;
use super::{PlanKind, STEP_NS, Step};

/// Accounts beside those that trade: two that become funds, and one that takes over.
const FUNDS: u32 = 2;
const BESIDE: u32 = FUNDS + 1;
/// Groups with terms of their own.
const GROUPS: u8 = 3;
/// Cuts of a plan that is made up.
const CUTS_MAX: i64 = 6;

impl Generator {
    fn beside(&self, place: u32) -> AccountId {
        AccountId::new(FIRST_USER_ACCOUNT + self.world.accounts + place)
    }

    /// Funds, a backstop account and risk groups there are from the start.
    pub(super) fn first_standby(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        for place in 0..BESIDE {
            actions.push(Action::OpenAccount { account: self.beside(place) });
        }
        let backstop = Transfer::new(self.beside(FUNDS), Money::new(QUARTER_LOT * 40));
        actions.push(Action::Deposit(backstop));
        for group in 0..GROUPS {
            actions.push(self.terms_of(group));
        }
        for place in 0..self.world.instruments.len() {
            let instrument = InstrumentId::new(u32::try_from(place).expect("few"));
            let group = u8::try_from(self.rng.below(GROUPS.into())).expect("small");
            actions.push(Action::AssignRiskGroup { instrument, group });
        }
        actions
    }

    /// Terms for a group that is known or the next, now and then for none.
    fn terms_of(&mut self, group: u8) -> Action {
        let part = |rng: &mut super::rng::Rng, most: i64| {
            Rate::new(u32::try_from(rng.within(0, most)).expect("small") * 1_000_000)
        };
        let mut terms = RiskGroupTerms::DEFAULT;
        let fund = u32::try_from(self.rng.below(u64::from(FUNDS) + 1)).expect("small");
        if fund < FUNDS {
            terms.fund = self.beside(fund);
        }
        terms.fund_account_max = Money::new(QUARTER_LOT * self.rng.pick(&[0, 1, 4, 1000]));
        terms.fund_share = part(&mut self.rng, 1000);
        terms.fund_window_ns = STEP_NS * self.rng.pick(&[1, 50, 2_000]);
        terms.fund_spread = part(&mut self.rng, 60);
        if self.rng.permille(500) {
            let other = self.account();
            terms.backstop = Some(if self.rng.permille(850) { self.beside(FUNDS) } else { other });
        }
        terms.backstop_margin_max = Money::new(QUARTER_LOT * self.rng.pick(&[0, 1, 10, 1000]));
        terms.backstop_at = Rate::new(u32::try_from(self.rng.within(0, 10)).expect("small") * 100_000_000);
        terms.target =
            Rate::new(1_000_000_000 + u32::try_from(self.rng.within(0, 10)).expect("small") * 70_000_000);
        terms.adjust = part(&mut self.rng, 1000);
        terms.urgency = part(&mut self.rng, 500);
        terms.spread = part(&mut self.rng, 1000);
        terms.step_share = Rate::new(u32::try_from(self.rng.within(1, 100)).expect("small") * 10_000_000);
        terms.step_min = Money::new(LOT_VALUE * self.rng.pick(&[0, 1, 5]));
        terms.steps_max = u16::try_from(self.rng.pick(&[1, 2, 3, 20])).expect("small");
        terms.policy = self.rng.pick(&[
            DeleveragingPolicy::Water,
            DeleveragingPolicy::Water,
            DeleveragingPolicy::Profit,
            DeleveragingPolicy::LeveragedProfit,
        ]);
        terms.plan_within_ms = u32::try_from(self.rng.pick(&[0, 1, 5, 20])).expect("small");
        match self.rng.below(60) {
            0 => terms.fund = self.account(),
            1 => terms.backstop = Some(terms.fund),
            2 => terms.backstop = Some(AccountId::new(1_000_000)),
            3 => terms.target = Rate::new(999_999_999),
            4 => terms.backstop = Some(self.beside(0)),
            _ => {}
        }
        Action::SetRiskGroup { group, terms: Box::new(terms) }
    }

    /// Something about who stands behind liquidations.
    pub(super) fn standby(&mut self, view: &View) -> Action {
        let liquidating: Vec<AccountId> = view.liquidating.iter().copied().collect();
        match self.rng.below(100) {
            0..35 => {
                let group =
                    if self.rng.permille(20) { self.rng.below(20) } else { self.rng.below(GROUPS.into()) };
                self.terms_of(u8::try_from(group).expect("small"))
            }
            35..50 => {
                let group = u8::try_from(self.rng.below(u64::from(GROUPS) + 1)).expect("small");
                Action::AssignRiskGroup { instrument: self.instrument(), group }
            }
            50..80 => {
                // A fund that is empty, that has next to nothing, or plenty.
                let account = self.rng.pick(&[self.beside(0), self.beside(1), AccountId::INSURANCE]);
                let coins = u64::try_from(self.world.assets.len()).expect("few");
                if coins > 0 && self.rng.permille(500) {
                    let place = usize::try_from(self.rng.below(coins)).expect("few");
                    let asset = AssetId::new(u16::try_from(place + 1).expect("few"));
                    let amount = Money::new(self.world.assets[place].quarter * 8);
                    return Action::Deposit(Transfer { asset, ..Transfer::new(account, amount) });
                }
                let amount = self.rng.pick(&[1, QUARTER_LOT >> 6, QUARTER_LOT, QUARTER_LOT * 20]);
                Action::Deposit(Transfer::new(account, Money::new(amount)))
            }
            80..88 => Action::Deposit(Transfer::new(self.beside(FUNDS), Money::new(QUARTER_LOT * 8))),
            _ if liquidating.is_empty() => Action::Tick,
            _ => {
                let account = self.rng.pick(&liquidating);
                let amount = QUARTER_LOT.div_euclid(self.rng.pick(&[1, 8, 64, QUARTER_LOT]));
                Action::Deposit(Transfer::new(account, Money::new(amount)))
            }
        }
    }

    /// What comes while liquidations wait for a tick or calls for a plan; mostly nothing.
    pub(super) fn stand_by(&mut self, view: &View) -> Option<Step> {
        if !view.paced.is_empty() && self.rng.permille(40) {
            return Some(Step::from(Command::venue(Action::Tick)));
        }
        let asked: Vec<u64> = view.calls.keys().copied().collect();
        if asked.is_empty() || !self.rng.permille(60) {
            return None;
        }
        let request = self.rng.pick(&asked);
        let kind = match self.rng.below(100) {
            0..30 => Some(PlanKind::Right),
            30..35 => Some(PlanKind::Endless),
            35..70 => Some(PlanKind::Part),
            70..75 => Some(PlanKind::Unfinished),
            75..79 => Some(PlanKind::Stale),
            79..82 => Some(PlanKind::OtherPart),
            82..88 => Some(PlanKind::NoLevel),
            88..92 => Some(PlanKind::WildLevel),
            _ => None,
        };
        let action = Action::Deleverage(Box::new(self.made_up(view, request)));
        Some(Step { plan: kind, ..Step::from(Command::venue(action)) })
    }

    /// A plan from anywhere.
    fn made_up(&mut self, view: &View, request: u64) -> DeleveragingPlan {
        let (basis, instrument) = view.calls[&request];
        let holders: Vec<AccountId> = view
            .positions
            .keys()
            .filter(|(_, place)| *place == instrument)
            .map(|(account, _)| *account)
            .collect();
        let mut cuts = Vec::new();
        for _ in 0..self.rng.within(0, CUTS_MAX) {
            let someone = self.account();
            let account =
                if holders.is_empty() || self.rng.permille(100) { someone } else { self.rng.pick(&holders) };
            let lots = match self.rng.below(20) {
                0 => self.rng.pick(&[0, -1, i64::MIN, i64::MAX]),
                _ => self.rng.within(1, 12),
            };
            cuts.push(Cut { account, lots, hedged: self.rng.permille(200) });
        }
        if self.rng.permille(20) {
            let cut = Cut { account: self.account(), lots: 1, hedged: false };
            cuts = vec![cut; 129];
        }
        let level = match self.rng.below(6) {
            0 => Some((0, 1)),
            1 => Some((i128::from(self.rng.within(1, 60)), 1)),
            2 => Some(self.rng.pick(&[(-1, 1), (1, 0), (i128::MAX, 1), (1, i128::MAX), (1 << 58, 1 << 63)])),
            _ => None,
        };
        DeleveragingPlan {
            request: request + u64::from(self.rng.permille(50)),
            basis: Seq::new(basis + u64::from(self.rng.permille(50))),
            part: u32::from(self.rng.permille(50)),
            is_last: self.rng.permille(600),
            level,
            holders: 0,
            lots: 0,
            equity: 0,
            commitment: [0; 32],
            cuts,
        }
    }
}
