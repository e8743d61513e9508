//! Orders with instructions, and batches, that break chosen rules.

use engine::{
    Action, AdvancedOrder, BatchMode, BatchedOrder, ClientOrderId, Command, Instructions, NewOrder,
    OrderBatch, OrderTag, Pricing, ProtectionId, Reject, TimeInForce, TimeNs, TradingLimits, Trigger,
    TriggerKind, TriggerSource,
};
use risk::{AccountId, Money, Price, Qty};

use super::scene::{NOBODY, SESSION, Scene, TRADED, TRADER, UNPRICED, spec};

/// Rules of an order with instructions, ascending; those on sessions and numbers are a new order's.
pub(crate) const SPECIAL_ORDER: &[Reject] = &[
    Reject::UnknownAccount,
    Reject::SystemAccount,
    Reject::NotTrading,
    Reject::AccountSuspended,
    Reject::AccountReduceOnly,
    Reject::UnknownProtection,
    Reject::BadCombination,
    Reject::BadQuantity,
    Reject::QuantityTooLarge,
    Reject::BadPrice,
    Reject::BadTrigger,
    Reject::BadExpiry,
    Reject::NoMarkPrice,
    Reject::NoTriggerPrice,
    Reject::NoLiquidity,
    Reject::PriceBand,
    Reject::NotionalTooLarge,
    Reject::TooManyOrders,
    Reject::TooManyLegs,
    Reject::ReduceOnlyWouldIncrease,
    Reject::PostOnlyWouldCross,
    Reject::FokNotFillable,
    Reject::MinQtyNotFillable,
    Reject::PositionLimit,
    Reject::OwnerPositionLimit,
    Reject::OpenInterestLimit,
    Reject::InsufficientMargin,
];

/// Why no order with instructions breaks both rules, where it is these that keep them apart.
pub(crate) fn apart(lower: Reject, higher: Reject) -> Option<&'static str> {
    const OF_ACCOUNT: [Reject; 2] = [Reject::UnknownAccount, Reject::SystemAccount];
    let reasons: [(&[Reject], &[Reject], &'static str); 7] = [
        (&[Reject::BadTrigger], &[Reject::NoLiquidity], "what takes its price from the book does not sleep"),
        (
            &[Reject::NoTriggerPrice],
            &[Reject::NoLiquidity],
            "what takes its price from the book does not sleep",
        ),
        (
            &[Reject::NoTriggerPrice],
            &[Reject::OpenInterestLimit],
            "where somebody holds something, matches are known",
        ),
        (
            &[Reject::BadPrice, Reject::NoLiquidity],
            &[Reject::NoLiquidity, Reject::PriceBand, Reject::PostOnlyWouldCross, Reject::FokNotFillable],
            "what takes its price from the book states none, rests, and takes",
        ),
        (
            &[Reject::BadExpiry, Reject::PostOnlyWouldCross],
            &[Reject::FokNotFillable, Reject::MinQtyNotFillable],
            "the two contradict each other, a smaller number",
        ),
        (
            &[Reject::FokNotFillable],
            &[Reject::MinQtyNotFillable],
            "the two contradict each other, a smaller number",
        ),
        (
            &OF_ACCOUNT,
            &[Reject::UnknownProtection],
            "the account has no groups, and its own reject is smaller",
        ),
    ];
    let mut found = reasons.iter().filter(|(low, high, _)| low.contains(&lower) && high.contains(&higher));
    found.next().map(|(_, _, reason)| *reason)
}

impl Scene {
    /// An order with instructions that breaks exactly what is asked.
    pub(crate) fn special_order(&mut self) -> Command {
        let instrument = if self.breaks(Reject::NoMarkPrice) { UNPRICED } else { TRADED };
        self.surround(instrument);
        if self.breaks(Reject::NotionalTooLarge) {
            let mut limits =
                TradingLimits { order_notional_max: Money::new(100), ..TradingLimits::of(&spec()) };
            if self.breaks(Reject::OwnerPositionLimit) {
                limits.owner_position_max = Qty::new(2);
            }
            self.venue(Action::SetLimits { instrument, limits: Box::new(limits) });
        }
        let account = self.account();
        let mut order =
            NewOrder { limit: Some(self.price()), qty: self.qty(), ..Self::plain(account, instrument) };
        order.post_only = self.breaks(Reject::PostOnlyWouldCross);
        order.reduce_only = self.breaks(Reject::ReduceOnlyWouldIncrease);
        if self.breaks(Reject::FokNotFillable) {
            order.time_in_force = TimeInForce::FillOrKill;
        }
        let mut instructions = self.instructions();
        if self.breaks(Reject::NoLiquidity) {
            (instructions.pricing, order.limit) = (Pricing::MarketToLimit, None);
        }
        if self.breaks(Reject::BadCombination) {
            // A limit and another price besides, or another life than the price asks for.
            instructions.pricing = Pricing::MarketToLimit;
            if order.limit.is_none() {
                order.time_in_force = TimeInForce::ImmediateOrCancel;
            }
        }
        let advanced = Action::AdvancedOrder(AdvancedOrder { order, instructions });
        let client_order_id = self.number();
        self.sent(Command { client_order_id, ..Command::client(SESSION, advanced) })
    }

    fn instructions(&self) -> Instructions {
        let breaks = |reject| self.breaks(reject);
        let trigger = |kind, price, source| Some(Trigger { source, kind, price: Price::new(price) });
        let tick = i64::from(breaks(Reject::BadTrigger));
        let trigger = if breaks(Reject::NoTriggerPrice) {
            trigger(TriggerKind::Trailing, 10 + tick, TriggerSource::Last)
        } else if breaks(Reject::BadTrigger) {
            trigger(TriggerKind::Stop, 1_101, TriggerSource::Mark)
        } else {
            None
        };
        Instructions {
            tag: OrderTag::new(1),
            protection: ProtectionId::new(u16::from(breaks(Reject::UnknownProtection))),
            expires: TimeNs::new(u64::from(breaks(Reject::BadExpiry))),
            min_qty: Qty::new(if breaks(Reject::MinQtyNotFillable) { 2 } else { 0 }),
            trigger,
            ..Instructions::PLAIN
        }
    }

    /// A batch, with the next number.
    fn batch(&mut self, account: AccountId, mode: BatchMode, count: usize) -> Command {
        let own = self.number();
        let mut order = |_| BatchedOrder {
            client_order_id: self.number(),
            order: AdvancedOrder { order: Self::plain(TRADER, TRADED), instructions: Instructions::PLAIN },
        };
        let orders = (0..count).map(&mut order).collect();
        let batch = Action::OrderBatch(Box::new(OrderBatch { account, mode, orders }));
        Command { client_order_id: own, ..Command::client(SESSION, batch) }
    }

    /// Batches that are refused as a whole, and what for.
    pub(crate) fn batches(&mut self) -> Vec<(Command, Reject)> {
        let mut falling = self.batch(TRADER, BatchMode::Each, 0);
        falling.client_order_id = ClientOrderId::new(1);
        vec![
            (falling, Reject::DuplicateClientOrderId),
            (self.batch(NOBODY, BatchMode::Each, 0), Reject::UnknownAccount),
            (self.batch(AccountId::FEES, BatchMode::Each, 17), Reject::SystemAccount),
            (self.batch(TRADER, BatchMode::Atomic, 0), Reject::BadCombination),
            (self.batch(TRADER, BatchMode::OneCancelsOther, 1), Reject::BadCombination),
        ]
    }
}
