//! Requests: what a session may ask with a number, and short ways to the common ones.
//!
//! Invariant: a request carries no number of the session; the session gives it one when it takes it.

use engine::{ClientOrderId, OrderId, OrderRef};
use risk::deleveraging::DeleveragingPolicy;
use risk::{AccountId, AssetId, InstrumentId, Money, Price, Qty, RiskGroupTerms};

use crate::wire::private;
use crate::wire::types::{
    self, Code, IdN, Millis, OrdFlags, OrdType, PostOnlyMode, PriceN, QtyN, Side, Stp, Tif, TimeNsN,
    TriggerSrc, U32N,
};
use crate::wire::{Message, Prefix, frame};

macro_rules! requests {
    ($($name:ident $(named by $id:ident)?,)+) => {
        /// A request. Its own number of the client, `cl_ord_id` or `request_id`, may be left 0: then the session chooses
        /// the next.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Request {
            $(#[doc = concat!("[`private::", stringify!($name), "`].")] $name(private::$name),)+
        }

        impl Request {
            /// Its template.
            #[must_use]
            pub const fn template(&self) -> u16 {
                match self { $(Self::$name(_) => private::$name::LAYOUT.template,)+ }
            }

            /// Where the client's name for it stands; `None` where it has none.
            pub(super) fn name(&mut self) -> Option<&mut ClientOrderId> {
                match self { $(Self::$name(_message) => requests!(@name _message $($id)?),)+ }
            }

            /// Appends its frame.
            pub(super) fn append(&self, prefix: Prefix, out: &mut Vec<u8>) {
                match self { $(Self::$name(message) => frame::append(prefix, message, out),)+ }
            }
        }

        $(impl From<private::$name> for Request {
            fn from(message: private::$name) -> Self {
                Self::$name(message)
            }
        })+
    };
    (@name $message:ident) => { None };
    (@name $message:ident $id:ident) => { Some(&mut $message.$id) };
}

requests! {
    NewOrder named by cl_ord_id,
    CancelOrder named by cl_ord_id,
    AmendOrder named by cl_ord_id,
    MassCancel named by cl_ord_id,
    CancelAllAfter named by cl_ord_id,
    OrderBatch named by cl_ord_id,
    AdvancedOrder named by cl_ord_id,
    CancelMany named by cl_ord_id,
    MassQuote named by cl_ord_id,
    SetProtection named by cl_ord_id,
    ResetProtection named by cl_ord_id,
    SetLeverage named by cl_ord_id,
    InstrumentDefine named by request_id,
    SetTradingState named by request_id,
    AccountCreate named by request_id,
    Transfer named by request_id,
    SetAccountStatus named by request_id,
    KeyRegister named by request_id,
    KeyRevoke named by request_id,
    AdminMassCancel named by request_id,
    SetOwnerGroup named by request_id,
    SetGroupStatus named by request_id,
    KeySuspend named by request_id,
    SetLimits named by request_id,
    StartAuction named by request_id,
    SettleInstrument named by request_id,
    IndexPrice,
    TransferBetween named by cl_ord_id,
    SetMarginMode named by cl_ord_id,
    MoveMargin named by cl_ord_id,
    AssetDefine named by request_id,
    SetDebtTerms named by request_id,
    SetIndexSource named by request_id,
    FeeTierDefine named by request_id,
    SetFeeTier named by request_id,
    ScheduleMargin named by request_id,
    CancelMargin named by request_id,
    SetRiskGroup named by request_id,
    AssignRiskGroup named by request_id,
}

impl Request {
    /// Numbers the orders of a batch that have no number yet, from the one after `own` on; the last number the request
    /// uses up. Exits use the two after their entry's.
    pub(super) fn number_parts(&mut self, own: ClientOrderId) -> ClientOrderId {
        let mut last = own.get();
        if let Self::AdvancedOrder(order) = self {
            let exits = exit_numbers(order.take_profit_trigger, order.stop_loss_trigger);
            last = last.saturating_add(exits);
        } else if let Self::OrderBatch(batch) = self {
            for row in &mut batch.orders.0 {
                if row.cl_ord_id == CHOSEN {
                    row.cl_ord_id = ClientOrderId::new(last.saturating_add(1));
                }
                let exits = exit_numbers(row.take_profit_trigger, row.stop_loss_trigger);
                last = last.max(row.cl_ord_id.get().saturating_add(exits));
            }
        }
        ClientOrderId::new(last)
    }
}

/// Numbers that the exits of an order take.
fn exit_numbers(take_profit: PriceN, stop_loss: PriceN) -> u64 {
    if take_profit.get().is_some() || stop_loss.get().is_some() { 2 } else { 0 }
}

/// The number that is to be chosen by the session.
const CHOSEN: ClientOrderId = ClientOrderId::new(0);

/// A limit order that lives until it is cancelled. What else an order may be is set in the message.
#[must_use]
pub fn limit_order(
    account_id: AccountId,
    instrument_id: InstrumentId,
    side: Side,
    qty: Qty,
    price: Price,
) -> private::NewOrder {
    private::NewOrder {
        cl_ord_id: CHOSEN,
        account_id,
        instrument_id,
        price: price.into(),
        qty,
        display_qty: QtyN::NONE,
        trigger_price: PriceN::NONE,
        expire_time: TimeNsN::NONE,
        valid_until: TimeNsN::NONE,
        user_tag: 0,
        flags: OrdFlags::default(),
        side: side.into(),
        ord_type: OrdType::Limit.into(),
        tif: Tif::GTC.into(),
        stp: Stp::CancelTaker.into(),
        trigger_src: TriggerSrc::Last.into(),
        post_only: PostOnlyMode::Off.into(),
    }
}

/// A market order: takes what it can within the collar, at once.
#[must_use]
pub fn market_order(
    account_id: AccountId,
    instrument_id: InstrumentId,
    side: Side,
    qty: Qty,
) -> private::NewOrder {
    private::NewOrder {
        price: PriceN::NONE,
        ord_type: Code::of(OrdType::Market),
        tif: Code::of(Tif::IOC),
        ..limit_order(account_id, instrument_id, side, qty, Price::new(0))
    }
}

/// How the wire names a resting order: by the venue's number, or by the client's.
const fn names(order: OrderRef) -> (Option<u64>, Option<u64>) {
    match order {
        OrderRef::Id(id) => (Some(OrderId::get(id)), None),
        OrderRef::Client(id) => (None, Some(ClientOrderId::get(id))),
    }
}

/// Cancels one order.
#[must_use]
pub fn cancel(account_id: AccountId, instrument_id: InstrumentId, order: OrderRef) -> private::CancelOrder {
    let (order_id, orig_cl_ord_id) = names(order);
    private::CancelOrder {
        cl_ord_id: CHOSEN,
        order_id: IdN::from(order_id),
        orig_cl_ord_id: IdN::from(orig_cl_ord_id),
        account_id,
        instrument_id,
        valid_until: TimeNsN::NONE,
    }
}

/// Changes price and total quantity of a resting order.
#[must_use]
pub fn amend(
    account_id: AccountId,
    instrument_id: InstrumentId,
    order: OrderRef,
    price: Price,
    total_qty: Qty,
) -> private::AmendOrder {
    let (order_id, orig_cl_ord_id) = names(order);
    private::AmendOrder {
        cl_ord_id: CHOSEN,
        order_id: IdN::from(order_id),
        orig_cl_ord_id: IdN::from(orig_cl_ord_id),
        account_id,
        instrument_id,
        new_price: price.into(),
        new_total_qty: total_qty.into(),
        new_trigger_price: PriceN::NONE,
        valid_until: TimeNsN::NONE,
        post_only: PostOnlyMode::Off.into(),
    }
}

/// Cancels all orders of an account, or those in one instrument.
#[must_use]
pub fn mass_cancel(account_id: AccountId, instrument: Option<InstrumentId>) -> private::MassCancel {
    private::MassCancel {
        cl_ord_id: CHOSEN,
        account_id,
        instrument_id: U32N::from(instrument.map(InstrumentId::get)),
        valid_until: TimeNsN::NONE,
    }
}

/// Arms the session's dead-man timer, or disarms it with 0. What only reduces a position stays when it runs out.
#[must_use]
pub const fn cancel_all_after(account_id: AccountId, timeout_ms: u32) -> private::CancelAllAfter {
    private::CancelAllAfter {
        cl_ord_id: CHOSEN,
        account_id,
        timeout: Millis::new(timeout_ms),
        keep_reduce_only: 1,
        valid_until: TimeNsN::NONE,
    }
}

/// Money of the unit of account into an account (positive) or out of it, without a number of the account.
#[must_use]
pub const fn transfer(account_id: AccountId, amount: Money) -> private::Transfer {
    private::Transfer {
        request_id: CHOSEN,
        account_id,
        amount,
        asset_id: AssetId::BASE,
        external_id: IdN::NONE,
    }
}

/// Terms of a risk group, each as it is said.
#[must_use]
pub fn set_risk_group(group: u8, terms: &RiskGroupTerms) -> private::SetRiskGroup {
    let policy = match terms.policy {
        DeleveragingPolicy::Water => types::DeleveragingPolicy::Water,
        DeleveragingPolicy::Profit => types::DeleveragingPolicy::Profit,
        DeleveragingPolicy::LeveragedProfit => types::DeleveragingPolicy::LeveragedProfit,
    };
    private::SetRiskGroup {
        request_id: CHOSEN,
        group,
        fund_account_id: terms.fund,
        fund_account_max: terms.fund_account_max,
        fund_share: terms.fund_share.get(),
        fund_window_ns: terms.fund_window_ns,
        fund_spread: terms.fund_spread.get(),
        backstop_account_id: terms.backstop.map(AccountId::get).into(),
        backstop_margin_max: terms.backstop_margin_max,
        backstop_at: terms.backstop_at.get(),
        target: terms.target.get(),
        adjust: terms.adjust.get(),
        urgency: terms.urgency.get(),
        spread: terms.spread.get(),
        step_share: terms.step_share.get(),
        step_min: terms.step_min,
        steps_max: terms.steps_max,
        policy: Code::of(policy),
        plan_within_ms: terms.plan_within_ms,
    }
}

/// An instrument into a risk group.
#[must_use]
pub const fn assign_risk_group(instrument_id: InstrumentId, group: u8) -> private::AssignRiskGroup {
    private::AssignRiskGroup { request_id: CHOSEN, instrument_id, group }
}
