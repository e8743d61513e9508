//! Everything that is shown of an account and of its legs, found in one place.
//!
//! Invariant: whoever shows an account, or what one would become, asks here, so that they cannot disagree. Source:
//! `MARGIN.md` 2 to 7.

use crate::account::{Leg, LegId};
use crate::assessment::Assessment;
use crate::ledger::Ledger;
use crate::units::{AccountId, AssetId, InstrumentId, Mark, Money, Position, Price, Qty};

/// An account as it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Figures {
    /// Cash in the unit of account.
    pub balance: Money,
    /// What it is worth and requires.
    pub assessment: Assessment,
    /// What of the unit of account may be withdrawn.
    pub withdrawable: Money,
}

/// A leg as it is shown; money in its settlement asset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LegFigures {
    /// Where.
    pub instrument: InstrumentId,
    /// Signed position.
    pub position: Position,
    /// Sum of signed fill values since it was last flat.
    pub cost: Money,
    /// Mark; `None` before the first.
    pub mark: Option<Mark>,
    /// Size at the mark, rounded up.
    pub notional: Money,
    /// Unrealised profit and loss, rounded down.
    pub unrealised: Money,
    /// Maintenance margin, rounded up.
    pub maintenance: Money,
    /// Mark at which the account is liquidated, if only this mark moves.
    pub liquidation: Option<Mark>,
    /// Price at which closing it now would use up its share of the equity; `None` when flat.
    pub bankruptcy: Option<Price>,
    /// Open buy quantity, orders that only reduce left out.
    pub buy_qty: Qty,
    /// Open sell quantity, likewise.
    pub sell_qty: Qty,
    /// Notional in the unit of account, rounded up.
    pub notional_in_base: Money,
    /// Maintenance margin in the unit of account, rounded up.
    pub maintenance_in_base: Money,
}

impl Ledger {
    /// What is shown of an open account. O(legs), with several assets O(legs x assets).
    #[must_use]
    pub fn figures(&self, account: AccountId) -> Figures {
        Figures {
            balance: self.balance(account, AssetId::BASE),
            assessment: self.assess(account),
            withdrawable: self.withdrawable(account, AssetId::BASE),
        }
    }

    /// What is shown of a leg. O(legs of its account).
    #[must_use]
    pub fn leg_figures(&self, leg_id: LegId) -> LegFigures {
        let leg: &Leg = self.leg(leg_id);
        let terms = self.instrument(leg.instrument);
        let mark = self.mark_of(leg.instrument);
        let is_open = leg.position != Position::ZERO;
        let bankruptcy =
            is_open.then(|| self.closing_price(leg_id, leg.position.size(), self.bankruptcy_amount(leg_id)));
        LegFigures {
            instrument: leg.instrument,
            position: leg.position,
            cost: leg.cost,
            mark: terms.mark,
            notional: if is_open { terms.notional(leg.position.size(), mark) } else { Money::ZERO },
            unrealised: if is_open { self.unrealised(leg, mark) } else { Money::ZERO },
            maintenance: if is_open { self.maintenance_of(leg).ceil() } else { Money::ZERO },
            liquidation: if is_open { self.liquidation_mark(leg.account, leg_id) } else { None },
            bankruptcy: bankruptcy.flatten(),
            buy_qty: leg.buy_qty,
            sell_qty: leg.sell_qty,
            notional_in_base: if is_open { self.notional_in_base(leg) } else { Money::ZERO },
            maintenance_in_base: if is_open { self.maintenance_in_base(leg) } else { Money::ZERO },
        }
    }
}
