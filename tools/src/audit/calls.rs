//! Deleveragings computed again: at each call the holders and their shares, at each cut what of it still stood.
//!
//! Invariant: the state after the command that calls is the basis; the state before the command that cuts is what a cut was
//! weighed against. All that is compared is exact.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::bail;
use engine::{Action, DeleveragingCall, DeleveragingCut, DeleveragingDecision, Event, Seq, Venue};
use gateway::deleveraging::commitment::{Occasion, Tree};
use gateway::deleveraging::secret::{SECRET_FILE, Secret};
use gateway::outcome::Outcome;
use risk::deleveraging::{Allocation, Cut, Demand, Holder, allocate, recap};
use risk::rounding::{div_ceil, wide_mul};
use risk::{AccountId, AssetId, Fraction, InstrumentId, Money, Position};
use serde::Serialize;

use super::holder::HolderAudit;
use super::walk::{Onlooker, walk};
use crate::format::hex;

/// Differences that are told in words.
const TOLD_MAX: usize = 50;

/// A cut, and why it is what it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CutAudit {
    /// The command that carried it out; where it was dropped, the last one before that was known.
    pub seq: u64,
    /// Whose.
    pub account: u32,
    /// Lots of the plan.
    pub planned: i64,
    /// Lots taken over.
    pub lots: i64,
    /// Whether other positions of the account hedge them.
    pub hedged: bool,
    /// What it paid, in the settlement asset.
    pub amount: i64,
    /// What it paid beyond the value at the mark.
    pub haircut: i64,
    /// Why it is not what was planned; `as planned` where it is.
    pub reason: String,
}

/// One call of a deleveraging, with its plan and cuts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CallAudit {
    /// Number of the deleveraging.
    pub request: u64,
    /// Which call of it.
    pub round: u8,
    /// The command after which the state is the basis.
    pub basis: u64,
    /// Where.
    pub instrument: u32,
    /// What is offered; positive is a long.
    pub position: i64,
    /// What all of it costs.
    pub amount: i64,
    /// The mark, with sub-units.
    pub mark: i64,
    /// Value of a lot.
    pub value: i64,
    /// Cost of a lot beyond it.
    pub haircut: i64,
    /// `water`, `profit` or `leveraged profit`.
    pub policy: String,
    /// Where it was planned.
    pub planned_at: Option<u64>,
    /// Whether by the worker.
    pub by_worker: bool,
    /// Holders looked at.
    pub holders: usize,
    /// Lots they held.
    pub held: i128,
    /// Their equity.
    pub equity: i128,
    /// Leverage to which they are cut: over, under.
    pub level: Option<(i128, i128)>,
    /// Lots nobody could bear.
    pub unallocated: i64,
    /// Cuts in the order of the plan.
    pub cuts: Vec<CutAudit>,
    /// Lots given up.
    pub given_up: i64,
    /// What was paid beyond value.
    pub haircuts: i64,
    /// Root of the commitment, in hexadecimal, where there is one.
    pub commitment: Option<String>,
    /// Whether the root was built again from the holders; `None` where there is no commitment or no secret beside the log.
    pub commitment_is_right: Option<bool>,
    /// Bankrupt accounts whose positions it offers, of those handed over since the call before.
    pub bankrupt: Vec<u32>,
    /// What the offered positions cost beyond their value when they were handed over, before the fund.
    pub deficit: i64,
    /// What the fund added to that.
    pub fund: i64,
    /// All commands it concerns.
    pub seqs: Vec<u64>,
    /// The account asked for.
    pub holder: Option<HolderAudit>,
}

/// The deleveragings of a log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Audited {
    /// In the order of the calls.
    pub calls: Vec<CallAudit>,
    /// Cuts compared, of all calls.
    pub compared: u64,
    /// What differs from what had to be.
    pub differences: Vec<String>,
}

impl Audited {
    /// Keeps the deleveraging that a command concerns.
    ///
    /// # Errors
    /// Where it concerns none.
    pub(super) fn keep(&mut self, seq: u64) -> anyhow::Result<()> {
        let Some(found) = self.calls.iter().find(|call| call.seqs.contains(&seq)) else {
            bail!(
                "command {seq} asked for no deleveraging, and planned and carried none out; without --seq all are listed"
            );
        };
        let request = found.request;
        self.calls.retain(|call| call.request == request);
        Ok(())
    }
}

/// What is offered on a side of an instrument, and came together since its last call.
#[derive(Clone, Default, Debug)]
struct Pool {
    position: i64,
    amount: i64,
    bankrupt: Vec<u32>,
    deficit: i64,
    fund: i64,
}

/// A call whose plan is being carried out.
#[derive(Debug)]
struct Open {
    /// Its place among the audited.
    place: usize,
    call: DeleveragingCall,
    allocation: Allocation,
    holders: Vec<Holder>,
    demand: Demand,
    given_up: Position,
    paid: i64,
    /// Cuts of the plan that are carried out or dropped.
    done: usize,
    /// Cuts of the plan that the worker has sent.
    sent: usize,
}

struct Auditor {
    audited: Audited,
    open: BTreeMap<u64, Open>,
    pools: BTreeMap<(InstrumentId, bool), Pool>,
    secret: Option<Secret>,
    asked: Option<(Seq, AccountId)>,
    /// Accounts cut in the command at hand.
    cut_now: Vec<AccountId>,
}

pub(super) fn audit(directory: &Path, asked: Option<(Seq, AccountId)>) -> anyhow::Result<Audited> {
    // Only where it is: opening it would make one.
    let has_secret = directory.join(SECRET_FILE).is_file();
    let secret = if has_secret { Some(Secret::of(directory)?) } else { None };
    let mut auditor = Auditor {
        audited: Audited::default(),
        open: BTreeMap::new(),
        pools: BTreeMap::new(),
        secret,
        asked,
        cut_now: Vec::new(),
    };
    walk(directory, &mut auditor)?;
    Ok(auditor.audited)
}

impl Onlooker for Auditor {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events tell of something else")]
    fn before(&mut self, venue: &Venue, outcome: &Outcome<'_>) {
        self.cut_now.clear();
        let seq = outcome.stamp.seq.get();
        for event in outcome.events {
            match event {
                Event::TakenOver { account, by, instrument, position, amount, added }
                    if *by == AccountId::DELEVERAGING =>
                {
                    let terms = venue.ledger().instrument(*instrument);
                    let mark = terms.mark.unwrap_or_default();
                    let lost = *amount + *added - terms.position_value(*position, mark);
                    let pool = self.pools.entry((*instrument, position.get() > 0)).or_default();
                    pool.position += position.get();
                    pool.amount += amount.get();
                    pool.bankrupt.push(account.get());
                    pool.deficit += lost.get();
                    pool.fund += added.get();
                }
                Event::DeleveragingPlanned(decision) => self.planned(seq, decision, &outcome.command.action),
                Event::Deleveraged(cut) => self.cut(venue, seq, cut),
                _ => {}
            }
        }
        if let Action::Deleverage(plan) = &outcome.command.action
            && let Some(open) = self.open.get_mut(&plan.request)
            && !matches!(outcome.events.first(), Some(Event::Rejected { .. }))
        {
            let of_plan = open.allocation.cuts();
            let next = of_plan.get(open.sent..open.sent + plan.cuts.len()).unwrap_or(&[]);
            let is_right =
                next == plan.cuts && plan.is_last == (open.sent + plan.cuts.len() == of_plan.len());
            open.sent += plan.cuts.len();
            if !is_right {
                self.differs(format!(
                    "command {seq}: part {} of the worker's plan is not the rule's",
                    plan.part
                ));
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events tell of something else")]
    fn after(&mut self, venue: &Venue, outcome: &Outcome<'_>) {
        let seq = outcome.stamp.seq.get();
        for event in outcome.events {
            match event {
                Event::TakenOver { account, by, .. } if *by == AccountId::DELEVERAGING => {
                    self.check_bankrupt(venue, seq, *account);
                }
                Event::DeleveragingAsked(call) => self.called(venue, seq, call),
                Event::DeleveragingEnded { request, instrument, left, .. } => {
                    if let Some(open) = self.open.remove(request) {
                        self.close(venue, &open, *left);
                    }
                    if *left != Position::ZERO {
                        self.pools.remove(&(*instrument, left.get() > 0));
                    }
                }
                _ => {}
            }
        }
    }
}

impl Auditor {
    fn differs(&mut self, what: String) {
        if self.audited.differences.len() < TOLD_MAX {
            self.audited.differences.push(what);
        }
    }

    /// Without positions, an account that was handed over has neither anything nor a debt.
    fn check_bankrupt(&mut self, venue: &Venue, seq: u64, account: AccountId) {
        let ledger = venue.ledger();
        let has_others = ledger.has_others_than(account, AssetId::BASE);
        if ledger.legs_of(account).any(|(_, leg)| leg.position != Position::ZERO) || has_others {
            return;
        }
        let equity = ledger.assess(account).equity;
        if equity.get().abs() > 1 {
            self.differs(format!("command {seq}: account {account} is handed over and has {equity} left"));
        }
    }

    fn called(&mut self, venue: &Venue, seq: u64, call: &DeleveragingCall) {
        let ledger = venue.ledger();
        if let Some(before) = self.open.remove(&call.request) {
            self.close(venue, &before, call.position);
        }
        let policy = ledger.risk_terms_of(call.instrument).policy;
        let demand = ledger.demand_for(call.instrument, call.position, call.amount);
        let holders: Vec<Holder> = venue.holders_against(call.instrument, call.position, policy).collect();
        let allocation = allocate(policy, demand, holders.iter().copied());
        let mark = ledger.instrument(call.instrument).mark.unwrap_or_default();
        if (demand.value, demand.haircut, mark) != (call.value, call.haircut, call.mark) {
            self.differs(format!(
                "command {seq}: value, haircut or mark of a lot are {demand:?} at {mark:?}"
            ));
        }
        let pool = self.pools.entry((call.instrument, call.position.get() > 0)).or_default();
        let is_within = call.position.get().abs() <= pool.position.abs();
        let new = Pool { position: pool.position, amount: pool.amount, ..Pool::default() };
        let came = std::mem::replace(pool, new);
        if !is_within {
            self.differs(format!("command {seq}: more is offered than was handed over"));
        }
        let place = self.audited.calls.len();
        let (held, equity) = allocation.sums();
        self.audited.calls.push(CallAudit {
            request: call.request,
            round: call.round,
            basis: seq,
            instrument: call.instrument.get(),
            position: call.position.get(),
            amount: call.amount.get(),
            mark: call.mark.get(),
            value: call.value.get(),
            haircut: call.haircut.get(),
            policy: super::show::policy(policy).to_owned(),
            planned_at: None,
            by_worker: false,
            holders: allocation.holders(),
            held,
            equity,
            level: allocation.level().map(|level| (level.over(), level.under())),
            unallocated: allocation.unallocated(),
            cuts: Vec::new(),
            given_up: 0,
            haircuts: 0,
            commitment: None,
            commitment_is_right: None,
            bankrupt: came.bankrupt,
            deficit: came.deficit,
            fund: came.fund,
            seqs: vec![seq],
            holder: None,
        });
        let (call, given_up) = (*call, Position::ZERO);
        self.open.insert(
            call.request,
            Open { place, call, allocation, holders, demand, given_up, paid: 0, done: 0, sent: 0 },
        );
    }

    fn planned(&mut self, seq: u64, decision: &DeleveragingDecision, action: &Action) {
        let Some(open) = self.open.get(&decision.request) else {
            self.differs(format!("command {seq}: a plan that nobody called for"));
            return;
        };
        let (lots, equity) = open.allocation.sums();
        let level = open.allocation.level().map(|level| (level.over(), level.under()));
        let is_same = decision.level == level
            && decision.holders as usize == open.allocation.holders()
            && (decision.lots, decision.equity) == (lots, equity);
        let call = &mut self.audited.calls[open.place];
        let is_of_basis = decision.basis.get() == call.basis;
        let is_of_worker = decision.by_worker == matches!(action, Action::Deleverage(_));
        (call.planned_at, call.by_worker) = (Some(seq), decision.by_worker);
        call.seqs.push(seq);
        if decision.commitment != [0; 32] {
            call.commitment = Some(hex(&decision.commitment));
            let occasion = Occasion { request: decision.request, basis: decision.basis };
            let tree = self.secret.as_ref().map(|secret| Tree::build(secret, occasion, &open.holders));
            call.commitment_is_right = tree.as_ref().map(|tree| tree.root() == decision.commitment);
        }
        let is_right = call.commitment_is_right != Some(false);
        if let Some((_, account)) = self.asked {
            let holder = open.holders.iter().find(|holder| holder.account == account);
            call.holder = holder.map(|holder| {
                HolderAudit::of(
                    holder,
                    &open.demand,
                    &open.allocation,
                    decision,
                    self.secret.as_ref(),
                    &open.holders,
                )
            });
        }
        if !is_same || !is_of_basis || !is_of_worker {
            self.differs(format!(
                "command {seq}: the plan of deleveraging {} is not the rule's",
                decision.request
            ));
        }
        if !is_right {
            self.differs(format!("command {seq}: the commitment is not to the holders at its basis"));
        }
    }

    /// A cut, in the order of the plan: what stands between it and the one before was dropped.
    fn cut(&mut self, venue: &Venue, seq: u64, cut: &DeleveragingCut) {
        let Some(mut open) = self.open.remove(&cut.request) else {
            self.differs(format!("command {seq}: a cut that nobody planned"));
            return;
        };
        let rest = &open.allocation.cuts()[open.done..];
        let Some(dropped) = rest.iter().position(|planned| planned.account == cut.account) else {
            self.differs(format!("command {seq}: account {} is cut and not in the plan", cut.account));
            self.open.insert(cut.request, open);
            return;
        };
        for planned in &rest[..dropped] {
            let found = Self::standing(venue, &open, planned);
            if let Some((lots, _)) = found.filter(|(lots, _)| *lots > 0) {
                let account = planned.account;
                self.differs(format!(
                    "command {seq}: account {account} was spared, and had to give up {lots}"
                ));
            }
            let reason =
                found.map_or("holds nothing of that side any more, or has no equity", |(_, reason)| reason);
            self.audited.calls[open.place].cuts.push(CutAudit {
                seq,
                account: planned.account.get(),
                planned: planned.lots,
                lots: 0,
                hedged: planned.hedged,
                amount: 0,
                haircut: 0,
                reason: reason.to_owned(),
            });
        }
        let planned = rest[dropped];
        open.done += dropped + 1;
        self.weigh(venue, seq, &mut open, &planned, cut);
        self.cut_now.push(cut.account);
        self.open.insert(cut.request, open);
    }

    /// What of a planned cut stands in the state before the command, in lots, and why it is less than planned. `None` where the
    /// account is no holder any more.
    fn standing(venue: &Venue, open: &Open, planned: &Cut) -> Option<(i64, &'static str)> {
        let Open { call, given_up, .. } = open;
        let ledger = venue.ledger();
        let policy = ledger.risk_terms_of(call.instrument).policy;
        let holder = ledger.holder(planned.account, call.instrument, call.position, policy)?;
        let whole = ledger.demand_for(call.instrument, call.position, call.amount);
        let left = ledger.demand_for(call.instrument, call.position - *given_up, Money::ZERO);
        let demand = Demand { lots: left.lots, ..whole };
        let level = open.allocation.level();
        let lots = recap(level, &demand, &holder, planned).min(demand.lots);
        Some((lots, reason(level, &demand, &holder, planned, lots)))
    }

    fn weigh(&mut self, venue: &Venue, seq: u64, open: &mut Open, planned: &Cut, cut: &DeleveragingCut) {
        let terms = venue.ledger().instrument(cut.instrument);
        let lots = cut.position.size().get().div_euclid(terms.spec.lot.get());
        // Of an account that this command has cut before, the state before the second cut is not at hand.
        let is_first = !self.cut_now.contains(&cut.account);
        let standing =
            if is_first { Self::standing(venue, open, planned) } else { Some((lots, "as planned")) };
        let (account, request) = (cut.account, cut.request);
        let over = wide_mul(open.call.amount.get(), cut.position.size().get());
        let price = div_ceil(over, i128::from(open.call.position.size().get().max(1)));
        let haircut = cut.amount - terms.position_value(cut.position, cut.mark);
        let mut wrong = Vec::new();
        if standing.is_none_or(|(stands, _)| stands != lots) {
            wrong.push(format!("gives up {lots} lots and {standing:?} stand"));
        }
        if i128::from(cut.amount.get()) != price {
            wrong.push(format!("pays {} and the price is {price}", cut.amount));
        }
        if haircut > cut.equity {
            wrong.push(format!("pays {haircut} beyond value of {}", cut.equity));
        }
        if cut.position.get().signum() != open.call.position.get().signum() {
            wrong.push("is cut on the wrong side".to_owned());
        }
        for wrong in wrong {
            self.differs(format!("command {seq}: deleveraging {request}: account {account} {wrong}"));
        }
        open.given_up += cut.position;
        open.paid += cut.amount.get();
        self.audited.compared += 1;
        let call = &mut self.audited.calls[open.place];
        if call.seqs.last() != Some(&seq) {
            call.seqs.push(seq);
        }
        call.given_up += lots;
        call.haircuts += haircut.get();
        call.cuts.push(CutAudit {
            seq,
            account: account.get(),
            planned: planned.lots,
            lots,
            hedged: planned.hedged,
            amount: cut.amount.get(),
            haircut: haircut.get(),
            reason: standing.map_or("", |(_, reason)| reason).to_owned(),
        });
    }

    /// A call is over, with `left` of it offered anew or borne by nobody: positions and money add up.
    fn close(&mut self, venue: &Venue, open: &Open, left: Position) {
        let Open { call, given_up, paid, .. } = open;
        let key = (call.instrument, call.position.get() > 0);
        let exact = div_ceil(
            wide_mul(call.amount.get(), given_up.size().get()),
            i128::from(call.position.size().get().max(1)),
        );
        let pool = self.pools.entry(key).or_default();
        pool.position -= given_up.get();
        pool.amount -= i64::try_from(exact).unwrap_or(i64::MAX);
        let remains = call.position - *given_up;
        let cuts = i128::try_from(self.audited.calls[open.place].cuts.len()).unwrap_or(i128::MAX);
        let beyond = i128::from(*paid) - exact;
        let request = call.request;
        if left.size().get() < remains.size().get() || beyond < 0 || beyond > cuts {
            self.differs(format!(
                "deleveraging {request}: {remains:?} remain of it, {beyond} were paid beyond the price"
            ));
        }
        let terms = venue.ledger().instrument(call.instrument);
        let lost = call.amount - terms.position_value(call.position, call.mark);
        let audited = &self.audited.calls[open.place];
        let is_whole = remains == Position::ZERO && terms.mark == Some(call.mark);
        let haircuts = i128::from(audited.haircuts - lost.get());
        // The price of each part is rounded up, and its value down.
        if is_whole && !(0..=2 * cuts).contains(&haircuts) {
            self.differs(format!("deleveraging {request}: haircuts are {haircuts} beyond what was lost"));
        }
    }
}

/// Why a cut is not what was planned.
fn reason(
    level: Option<Fraction>,
    demand: &Demand,
    holder: &Holder,
    planned: &Cut,
    lots: i64,
) -> &'static str {
    if lots == planned.lots {
        "as planned"
    } else if lots == holder.held {
        "holds no more"
    } else if lots == demand.lots {
        "no more is left to be given up"
    } else if lots == demand.bearable(holder) {
        "equity bears no more"
    } else if level.is_some() {
        "less leveraged than when it was planned"
    } else {
        "unexplained"
    }
}
