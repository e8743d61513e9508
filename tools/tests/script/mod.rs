//! What the flow never does beyond the plain order: instructions, triggers, quotes, states, settlement.
//!
//! Invariant: it trades in an instrument of its own, so that the flow sees nothing of it but a restart.

mod backing;
mod margin;

use engine::{
    AdvancedOrder, AmendTrigger, BatchMode, BatchedOrder, Exit, Instructions, MassQuote, OrderBatch,
    OrderTag, Protection, ProtectionId, Quote, Trigger, TriggerKind, TriggerSource,
};
use risk::{OwnerGroupId, Rate, TradingLimits};

use super::*;

/// The instrument of the script.
const APART: InstrumentId = InstrumentId::new(3);
/// The other side of the script's trades.
const OTHER: AccountId = AccountId::new(OWN.get() + 1 + GAMBLERS);
/// A key that is suspended.
const SUSPENDED: KeyId = KeyId::new(78);
const OWNERS: OwnerGroupId = OwnerGroupId::new(5);
const GROUP: ProtectionId = ProtectionId::new(1);
const MS: u64 = 1_000_000;

impl Play {
    /// One act of the script for a visit.
    pub(crate) fn act(&mut self, visit: u64) {
        match visit {
            2 => {
                self.margins();
                self.back();
            }
            7 => self.govern(),
            8 => {
                self.instruct();
                self.fire();
            }
            9 => self.make_market(),
            10 => {
                self.run_away();
                self.come_back();
            }
            11 => self.settle_apart(),
            _ => {}
        }
    }

    /// An account with an owner group, a key that is suspended, limits that pause matching.
    fn govern(&mut self) {
        self.venue(Action::OpenAccount { account: OTHER });
        self.venue(Action::Deposit(Transfer::new(OTHER, Money::new(10_000_000 * DOLLAR))));
        self.venue(Action::SetOwnerGroup { account: OTHER, group: OWNERS });
        for restriction in [Restriction::ReduceOnly, Restriction::None] {
            self.venue(Action::SetGroupRestriction { group: OWNERS, restriction, cancel_orders: false });
        }
        let kinds = 1 << SessionKind::OrderEntry as u8;
        let terms = Box::new(KeyTerms { public: [6; 32], account: OTHER, kinds, expires: TimeNs::new(0) });
        self.venue(Action::RegisterKey { key: SUSPENDED, terms });
        for (suspended, cancel_orders) in [(true, true), (false, false)] {
            self.venue(Action::SuspendKey { key: SUSPENDED, suspended, cancel_orders });
        }
        let spec = self.seen.spec.clone().expect("the flow has defined instruments");
        let limits = TradingLimits {
            limit_state_band: Rate::new(10_000_000),
            limit_state_call_ms: 1,
            ..TradingLimits::of(&spec)
        };
        self.venue(Action::SetLimits { instrument: APART, limits: Box::new(limits) });
        self.commit();
    }

    /// An order in the script's instrument, so many tenths of a per cent from its mark.
    fn apart(&self, account: AccountId, side: Side, qty: i64, away: i64, life: TimeInForce) -> NewOrder {
        let limit = Some(self.price(APART, away));
        NewOrder { account, ..Self::order(APART, side, qty, limit, life) }
    }

    /// The other account takes, at once.
    fn hit(&mut self, side: Side, qty: i64, away: i64) {
        let order = self.apart(OTHER, side, qty, away, TimeInForce::ImmediateOrCancel);
        self.place(order);
    }

    /// An order with instructions; its number. Its exits have the next two.
    fn say(&mut self, order: NewOrder, instructions: Instructions) -> ClientOrderId {
        self.next_number += 1;
        let number = ClientOrderId::new(self.next_number);
        let action = Action::AdvancedOrder(AdvancedOrder { order, instructions });
        self.queue.push(Command { client_order_id: number, ..Command::client(OWN_SESSION, action) });
        self.next_number += 2;
        number
    }

    /// An iceberg order of which three parts are shown, an entry with exits, and a pair.
    fn instruct(&mut self) {
        let iceberg = self.apart(OWN, Side::Buy, 60, -2, TimeInForce::GoodTillCancel);
        let display = Qty::new(20);
        self.say(iceberg, Instructions { display, tag: OrderTag::new(4), ..Instructions::PLAIN });
        self.hit(Side::Sell, 50, -2);
        self.own(Action::MassCancel(MassCancel {
            side: Some(Side::Buy),
            tag: Some(OrderTag::new(4)),
            ..MassCancel::of_account(OWN)
        }));
        let entry = self.apart(OWN, Side::Buy, 20, -1, TimeInForce::GoodTillCancel);
        let exit = |trigger, limit| Some(Exit { source: TriggerSource::Mark, trigger, limit });
        let (profit, stop) = (self.price(APART, 15), self.price(APART, -15));
        let lower = self.price(APART, -18);
        let (take_profit, stop_loss) = (exit(profit, None), exit(stop, Some(lower)));
        self.say(entry, Instructions { take_profit, stop_loss, ..Instructions::PLAIN });
        self.hit(Side::Sell, 20, -1);
        self.commit();
        self.pair();
    }

    /// Two orders of which one cancels the other.
    fn pair(&mut self) {
        let own = ClientOrderId::new(self.next_number + 1);
        let orders = [-3, -4].into_iter().zip(2..).map(|(away, place)| BatchedOrder {
            client_order_id: ClientOrderId::new(self.next_number + place),
            order: AdvancedOrder {
                order: self.apart(OWN, Side::Buy, 30, away, TimeInForce::GoodTillCancel),
                instructions: Instructions::PLAIN,
            },
        });
        let batch = OrderBatch { account: OWN, mode: BatchMode::OneCancelsOther, orders: orders.collect() };
        let action = Action::OrderBatch(Box::new(batch));
        self.queue.push(Command { client_order_id: own, ..Command::client(OWN_SESSION, action) });
        self.next_number += 3;
        self.hit(Side::Sell, 10, -3);
        self.hit(Side::Sell, 20, -3);
        self.commit();
    }

    /// A stop that is amended and fires.
    fn fire(&mut self) {
        let deep = self.apart(OTHER, Side::Buy, 100, -20, TimeInForce::GoodTillCancel);
        self.place(deep);
        let order = Self::order(APART, Side::Sell, 10, None, TimeInForce::ImmediateOrCancel);
        let price = self.price(APART, -10);
        let trigger = Some(Trigger { source: TriggerSource::Mark, kind: TriggerKind::Stop, price });
        let number = self.say(order, Instructions { trigger, ..Instructions::PLAIN });
        let amend = AmendTrigger {
            account: OWN,
            order: OrderRef::Client(number),
            trigger: self.price(APART, -8),
            limit: None,
            qty: Qty::new(10),
        };
        self.own(Action::AmendTrigger(amend));
        let fallen = Mark::new((self.seen.marks[&APART].get() * 988).div_euclid(1_000));
        self.venue(Action::index_price(APART, fallen));
        self.commit();
    }

    /// Two quotes, one side of them off the tick; a fill trips their group.
    fn make_market(&mut self) {
        let protection = Protection {
            account: OTHER,
            group: GROUP,
            window_ms: 1_000,
            frozen_ms: 0,
            qty_limit: Qty::ZERO,
            delta_limit: Qty::ZERO,
            fills_limit: 1,
        };
        self.own(Action::SetProtection(protection));
        let quote = |level, bid, ask| Quote {
            instrument: APART,
            level,
            bid,
            bid_qty: Qty::new(40),
            ask,
            ask_qty: Qty::new(40),
        };
        let quotes = vec![
            quote(0, self.price(APART, -2), self.price(APART, 2)),
            quote(1, Price::new(self.price(APART, -3).get() + 1), self.price(APART, 3)),
        ];
        let quotes = MassQuote { account: OTHER, protection: GROUP, all_or_none: false, quotes };
        self.next_number += 1;
        let client_order_id = ClientOrderId::new(self.next_number);
        let action = Action::MassQuote(Box::new(quotes));
        self.queue.push(Command { client_order_id, ..Command::client(OWN_SESSION, action) });
        let sell = self.apart(OWN, Side::Sell, 10, -2, TimeInForce::ImmediateOrCancel);
        self.place(sell);
        self.own(Action::ResetProtection { account: OTHER, group: GROUP });
        self.commit();
    }

    /// A taker reaches what the price may move; the auction that follows fills the rest.
    fn run_away(&mut self) {
        for away in [2, 15] {
            let ask = self.apart(OTHER, Side::Sell, 10, away, TimeInForce::GoodTillCancel);
            self.place(ask);
        }
        let through = self.apart(OWN, Side::Buy, 20, 16, TimeInForce::GoodTillCancel);
        self.place(through);
        self.pass();
        self.venue(Action::StartAuction { instrument: APART, call_ms: 1 });
        self.pass();
    }

    fn come_back(&mut self) {
        self.venue(Action::Restarted { cancel_only_ms: 1, call_ms: 1 });
        for _ in 0..2 {
            self.pass();
        }
    }

    /// Two milliseconds pass.
    fn pass(&mut self) {
        self.commit();
        self.clock.advance(2 * MS);
        self.venue(Action::Tick);
        self.commit();
    }

    fn settle_apart(&mut self) {
        self.venue(Action::SetTradingState { instrument: APART, state: TradingState::Closed });
        let price = self.seen.marks[&APART];
        self.venue(Action::Settle { instrument: APART, price });
        self.commit();
    }
}
