//! A risk group with a fund and a backstop account of its own, liquidations in steps, a takeover, and a deleveraging that is
//! answered with a plan in two parts.
//!
//! Invariant: it trades in an instrument of its own, with accounts of its own.

use engine::DeleveragingPlan;
use risk::RiskGroupTerms;
use risk::deleveraging::Cut;

use super::*;

const GROUPED: InstrumentId = InstrumentId::new(6);
/// Who is liquidated twice, and who holds the other side.
const VICTIM: AccountId = AccountId::new(OWN.get() + 9 + GAMBLERS);
const WINNER: AccountId = AccountId::new(VICTIM.get() + 1);
const FUND: AccountId = AccountId::new(VICTIM.get() + 2);
const BACKSTOP: AccountId = AccountId::new(VICTIM.get() + 3);
const QTY: i64 = 3_000;

impl Play {
    /// Everything, one after the other.
    pub(crate) fn back(&mut self) {
        self.set_group(Some(BACKSTOP));
        self.ruin();
        self.set_group(None);
        self.ruin();
        self.answer();
    }

    fn set_group(&mut self, backstop: Option<AccountId>) {
        if backstop.is_some() {
            let spec = self.seen.spec.clone().expect("the flow has defined instruments");
            self.venue(Action::DefineInstrument { instrument: GROUPED, spec: Box::new(spec) });
            self.venue(Action::index_price(GROUPED, Price::new(600_000).to_mark()));
            for (account, dollars) in [(VICTIM, 0), (WINNER, 1_000_000), (FUND, 1_000), (BACKSTOP, 1_000_000)]
            {
                self.venue(Action::OpenAccount { account });
                if dollars > 0 {
                    self.venue(Action::Deposit(Transfer::new(account, Money::new(dollars * DOLLAR))));
                }
            }
        }
        let terms = RiskGroupTerms {
            fund: FUND,
            backstop,
            backstop_margin_max: Money::new(100_000 * DOLLAR),
            steps_max: 3,
            plan_within_ms: 60_000,
            ..RiskGroupTerms::DEFAULT
        };
        self.venue(Action::SetRiskGroup { group: 1, terms: Box::new(terms) });
        self.venue(Action::AssignRiskGroup { instrument: GROUPED, group: 1 });
        self.commit();
    }

    /// The victim buys with what it has been given; the price falls, and there is a bid for part of it only.
    fn ruin(&mut self) {
        self.venue(Action::Deposit(Transfer::new(VICTIM, Money::new(1_000 * DOLLAR))));
        self.venue(Action::MassCancel(MassCancel::of_account(WINNER)));
        let limit = Some(self.price(GROUPED, 0));
        for (account, side, life) in [
            (WINNER, Side::Sell, TimeInForce::GoodTillCancel),
            (VICTIM, Side::Buy, TimeInForce::ImmediateOrCancel),
        ] {
            self.place(NewOrder { account, ..Self::order(GROUPED, side, QTY, limit, life) });
        }
        let bid = Some(self.price(GROUPED, -50));
        let bid = Self::order(GROUPED, Side::Buy, 200, bid, TimeInForce::GoodTillCancel);
        self.place(NewOrder { account: WINNER, ..bid });
        self.commit();
        for per_mille in [952, 990] {
            let fallen = (self.seen.marks[&GROUPED].get() * per_mille).div_euclid(1_000);
            self.venue(Action::index_price(GROUPED, Mark::new(fallen)));
            self.commit();
        }
        for _ in 0..4 {
            self.pass();
        }
    }

    /// The worker's part: half of what is offered first, then the rest.
    fn answer(&mut self) {
        let call = self.seen.call.expect("somebody was asked");
        let spec = self.seen.spec.as_ref().expect("the flow has defined instruments");
        let lots = call.position.size().get().div_euclid(spec.lot.get());
        let half = lots.div_euclid(2);
        for (part, lots) in [(0, half), (1, lots - half)] {
            let plan = DeleveragingPlan {
                request: call.request,
                basis: call.basis,
                part,
                is_last: part == 1,
                level: None,
                holders: 1,
                lots: lots.into(),
                equity: 1,
                commitment: [7; 32],
                cuts: vec![Cut { account: WINNER, lots, hedged: false }],
            };
            self.venue(Action::Deleverage(Box::new(plan)));
        }
        self.commit();
    }
}
