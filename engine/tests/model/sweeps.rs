//! Sweeps: many orders of one account go, so many per command.

use engine::limits::{CANCELS_PER_COMMAND, LOOKS_PER_COMMAND};
use engine::{ClientOrderId, Event, SessionId};

use super::Model;
use super::state::{Budget, Order, Scope, Sweep};

impl Default for Budget {
    fn default() -> Self {
        Self { looks: LOOKS_PER_COMMAND, cancels: CANCELS_PER_COMMAND }
    }
}

impl Model {
    /// A sweep over the orders there are now: by ascending instrument, last joined first.
    pub(crate) fn sweep_of(&self, scope: Scope, asked: Option<(SessionId, ClientOrderId)>) -> Sweep {
        let mut orders = self.orders_of(scope.account);
        orders.retain(|order| scope.instrument.is_none_or(|instrument| order.instrument == instrument));
        orders.sort_by_key(|order| (order.instrument, core::cmp::Reverse(order.joined)));
        Sweep { scope, asked, left: orders.into_iter().map(|order| order.id).collect(), count: 0 }
    }

    pub(crate) fn start_sweep(&mut self, scope: Scope, asked: Option<(SessionId, ClientOrderId)>) {
        let sweep = self.sweep_of(scope, asked);
        self.sweep_on(sweep, &mut Budget::default());
    }

    /// Cancels the next portion of a sweep.
    pub(crate) fn sweep_on(&mut self, mut sweep: Sweep, budget: &mut Budget) {
        while budget.looks > 0 && budget.cancels > 0 {
            let Some(id) = sweep.left.pop_front() else { break };
            budget.looks -= 1;
            if goes(&self.orders[&id], &sweep.scope) {
                self.cancel(id, sweep.scope.reason);
                budget.cancels -= 1;
                sweep.count += 1;
            }
        }
        if !sweep.left.is_empty() {
            self.sweep = Some(sweep);
        } else if let Some((session, client_order_id)) = sweep.asked {
            let (account, count) = (sweep.scope.account, sweep.count);
            self.out.push(Event::MassCancelled { session, client_order_id, account, count });
        }
    }
}

fn goes(order: &Order, scope: &Scope) -> bool {
    let spared =
        (scope.spares_reduce_only && order.reduce_only) || (scope.spares_persistent && order.persistent);
    !spared && scope.session.is_none_or(|session| order.session == session)
}
