//! Changes of an instrument's margin: scheduled, weighed against every account, taken by steps.

use engine::limits::{WEIGH_LOOKS_PER_COMMAND, WEIGHED_PER_COMMAND};
use engine::{Event, MarginChange, Reject, TimeNs, TradingState};
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{AccountId, InstrumentId, InstrumentSpec, Rate, Tier};

use super::arith::{NS_PER_MS, PPB, Terms, ceil};
use super::margin::Worth;
use super::{Model, Refusal, money};

/// A change that is not through.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    due: u64,
    taken: u16,
    /// Maintenance brackets before it.
    from: Vec<Tier>,
    change: MarginChange,
}

/// Accounts are passed, those below a number are through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    instrument: InstrumentId,
    /// What for: to tell, to decide, or to look at everybody once more.
    stage: Stage,
    next: u32,
    found: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Telling,
    Deciding,
    Looking,
}

impl Planned {
    /// Maintenance brackets with so many steps taken: in between, rates are weighed by steps and rounded up.
    fn brackets(&self, taken: u16) -> Vec<Tier> {
        let (done, steps) = (i128::from(taken), i128::from(self.change.steps));
        let rate = |tier: &Tier| i128::from(tier.rate.get());
        let pairs = self.change.terms.maintenance_tiers.iter().zip(&self.from);
        let between = pairs.map(|(new, old)| {
            let mixed = ceil(rate(old) * (steps - done) + rate(new) * done, steps);
            Tier { floor: new.floor, rate: Rate::new(u32::try_from(mixed).expect("between two rates")) }
        });
        between.collect()
    }

    /// The specification with so many steps taken.
    fn spec_at(&self, spec: &InstrumentSpec, taken: u16) -> InstrumentSpec {
        InstrumentSpec {
            initial_tiers: self.change.terms.initial_tiers.clone(),
            maintenance_tiers: if self.change.steps == 1 {
                self.change.terms.maintenance_tiers.clone()
            } else {
                self.brackets(taken)
            },
            adaptive: self.change.terms.adaptive,
            ..spec.clone()
        }
    }
}

impl Model {
    pub(crate) fn schedule_margin(
        &mut self,
        instrument: InstrumentId,
        change: &MarginChange,
    ) -> Result<(), Refusal> {
        self.known_instrument(instrument)?;
        let known = &self.instruments[instrument.index()];
        if known.state == TradingState::Settled {
            return Err(Reject::NotTrading.into());
        }
        let by_steps = change.steps > 1;
        if change.steps == 0 || by_steps != (change.step_ms > 0) {
            return Err(Reject::BadParameter.into());
        }
        let due = change.effective.get().max(self.now);
        let from = known.spec.maintenance_tiers.clone();
        let planned = Planned { due, taken: 0, from, change: change.clone() };
        // What makes a specification sound has its own tests.
        let admitted = |spec: InstrumentSpec| spec.compile().is_ok();
        let floors = |tiers: &[Tier]| tiers.iter().map(|tier| tier.floor).collect::<Vec<_>>();
        let stepping = floors(&change.terms.maintenance_tiers) == floors(&planned.from)
            && admitted(planned.spec_at(&known.spec, 0));
        let whole = InstrumentSpec {
            maintenance_tiers: change.terms.maintenance_tiers.clone(),
            ..planned.spec_at(&known.spec, change.steps)
        };
        if !admitted(whole) || (by_steps && !stepping) {
            return Err(Reject::BadParameter.into());
        }
        self.planned.insert(instrument, planned);
        self.out.push(Event::MarginScheduled { instrument, due: TimeNs::new(due) });
        self.pass(instrument, if due == self.now { Stage::Deciding } else { Stage::Telling });
        Ok(())
    }

    pub(crate) fn cancel_margin(&mut self, instrument: InstrumentId) -> Result<(), Refusal> {
        self.known_instrument(instrument)?;
        if self.planned.remove(&instrument).is_none() {
            return Err(Reject::NothingScheduled.into());
        }
        self.out.push(Event::MarginChangeEnded { instrument });
        Ok(())
    }

    fn pass(&mut self, instrument: InstrumentId, stage: Stage) {
        self.passing = Some(Pass { instrument, stage, next: FIRST_USER_ACCOUNT, found: 0 });
    }

    /// Begins with the change that is due first.
    pub(crate) fn pass_what_is_due(&mut self) {
        let due = self.planned.iter().filter(|(_, planned)| planned.due <= self.now);
        let first = due.min_by_key(|(place, planned)| (planned.due, **place)).map(|(&place, _)| place);
        if let Some(instrument) = first.filter(|_| self.passing.is_none()) {
            self.pass(instrument, Stage::Deciding);
        }
    }

    /// Passes as many accounts as one command may.
    pub(crate) fn pass_on(&mut self, mut pass: Pass) {
        let above = self.accounts.keys().next_back().expect("the venue's own").get() + 1;
        let mut weighed = 0;
        let mut looked = 0;
        while pass.next < above && weighed < WEIGHED_PER_COMMAND && looked < WEIGH_LOOKS_PER_COMMAND {
            let account = AccountId::new(pass.next);
            pass.next += 1;
            looked += 1;
            let concerned = self.accounts.get(&account).is_some_and(|known| !known.liquidating)
                && self.leg(account, pass.instrument).position != 0;
            if !concerned {
                continue;
            }
            weighed += 1;
            if pass.stage == Stage::Looking {
                self.look(account);
                continue;
            }
            let then = self.worth_after_step(account, pass.instrument);
            if then.below_maintenance() {
                pass.found += 1;
                self.out.push(Event::WouldLiquidate {
                    account,
                    instrument: pass.instrument,
                    equity: money(then.equity),
                    maintenance: money(ceil(then.maintenance, PPB)),
                });
            }
        }
        if pass.next < above {
            self.passing = Some(pass);
        } else {
            self.end_pass(pass);
        }
    }

    /// What an account would be worth and need after the next step of a change.
    fn worth_after_step(&mut self, account: AccountId, instrument: InstrumentId) -> Worth {
        let kept = self.instruments[instrument.index()].terms.clone();
        let planned = &self.planned[&instrument];
        let spec = planned.spec_at(&self.instruments[instrument.index()].spec, planned.taken + 1);
        self.instruments[instrument.index()].terms.maintenance = Terms::new(&spec).maintenance;
        let then = self.worth_of_positions(account);
        self.instruments[instrument.index()].terms = kept;
        then
    }

    fn end_pass(&mut self, pass: Pass) {
        let Pass { instrument, stage, found: accounts, .. } = pass;
        match stage {
            Stage::Telling => self.out.push(Event::MarginWeighed { instrument, accounts }),
            Stage::Deciding if accounts > 0 => {
                let now = self.now;
                let planned = self.planned.get_mut(&instrument).expect("it is weighed");
                let mut due = 0;
                if planned.change.steps == 1 {
                    self.planned.remove(&instrument);
                } else {
                    due = now + u64::from(planned.change.step_ms) * NS_PER_MS;
                    planned.due = due;
                }
                self.out.push(Event::MarginHeld { instrument, accounts, due: TimeNs::new(due) });
            }
            Stage::Deciding => {
                self.take_margin_step(instrument);
                self.pass(instrument, Stage::Looking);
                return;
            }
            Stage::Looking => {}
        }
        self.pass_what_is_due();
    }

    fn take_margin_step(&mut self, instrument: InstrumentId) {
        let mut planned = self.planned.remove(&instrument).expect("it was weighed");
        planned.taken += 1;
        let known = &mut self.instruments[instrument.index()];
        known.spec = planned.spec_at(&known.spec, planned.taken);
        let fresh = Terms::new(&known.spec);
        let Terms { initial, maintenance, ramp, crowding, profit_weight, .. } = fresh;
        (known.terms.initial, known.terms.maintenance, known.terms.ramp) = (initial, maintenance, ramp);
        (known.terms.crowding, known.terms.profit_weight) = (crowding, profit_weight);
        let (open, mark) = (self.open_interest(instrument), self.mark(instrument));
        let known = &mut self.instruments[instrument.index()];
        known.crowded = known.terms.crowded_rate(known.terms.notional(open, mark));
        let (step, mut due) = (planned.taken, 0);
        if step < planned.change.steps {
            due = self.now + u64::from(planned.change.step_ms) * NS_PER_MS;
            planned.due = due;
            self.planned.insert(instrument, planned);
        }
        self.out.push(Event::MarginChanged { instrument, step, due: TimeNs::new(due) });
    }
}
