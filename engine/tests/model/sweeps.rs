//! Sweeps: many orders of one account go, so many per command.

use engine::limits::{CANCELS_PER_COMMAND, LOOKS_PER_COMMAND};
use engine::{ClientOrderId, Event, OrderId, SessionId};

use super::Model;
use super::state::{Budget, Order, Scope, Sweep};

impl Default for Budget {
    fn default() -> Self {
        Self { looks: LOOKS_PER_COMMAND, cancels: CANCELS_PER_COMMAND }
    }
}

impl Model {
    /// What a sweep looks at: by ascending instrument, last placed first.
    pub(crate) fn swept(&self, scope: &Scope) -> Vec<OrderId> {
        let mut accounts = vec![scope.account];
        if scope.isolated_too {
            accounts.extend(self.isolated_of(scope.account));
        }
        let mut all = Vec::new();
        for account in accounts {
            let mut orders = self.orders_of(account);
            orders.retain(|order| scope.instrument.is_none_or(|instrument| order.instrument == instrument));
            orders.sort_by_key(|order| (order.instrument, core::cmp::Reverse(order.placed)));
            all.extend(orders.into_iter().map(|order| order.id));
        }
        all
    }

    /// A sweep that has looked at nothing yet.
    pub(crate) fn sweep_of(scope: Scope, asked: Option<(SessionId, ClientOrderId)>) -> Sweep {
        Sweep { scope, asked, left: None, count: 0 }
    }

    pub(crate) fn start_sweep(&mut self, scope: Scope, asked: Option<(SessionId, ClientOrderId)>) {
        self.sweep_on(Self::sweep_of(scope, asked), &mut Budget::default());
    }

    /// Cancels the next portion of a sweep.
    pub(crate) fn sweep_on(&mut self, mut sweep: Sweep, budget: &mut Budget) {
        let mut left = sweep.left.take().unwrap_or_else(|| self.swept(&sweep.scope).into());
        while budget.looks > 0 && budget.cancels > 0 {
            let Some(id) = left.pop_front() else { break };
            // It may have fallen with one that went before.
            let Some(order) = self.orders.get(&id) else { continue };
            budget.looks -= 1;
            if goes(order, &sweep.scope) {
                self.cancel(id, sweep.scope.reason);
                budget.cancels -= 1;
                sweep.count += 1;
            }
        }
        left.retain(|id| self.orders.contains_key(id));
        if !left.is_empty() {
            sweep.left = Some(left);
            self.sweeps.push_front(sweep);
        } else if let Some((session, client_order_id)) = sweep.asked {
            let (account, count) = (sweep.scope.account, sweep.count);
            self.out.push(Event::MassCancelled { session, client_order_id, account, count });
        }
    }
}

fn goes(order: &Order, scope: &Scope) -> bool {
    let spared =
        (scope.spares_reduce_only && order.reduce_only) || (scope.spares_persistent && order.persistent);
    !spared
        && scope.sessions.as_ref().is_none_or(|sessions| sessions.contains(&order.session))
        && scope.side.is_none_or(|side| order.side == side)
        && scope.tag.is_none_or(|tag| order.said.tag == tag)
        && scope.protection.is_none_or(|group| order.said.protection == group)
}
