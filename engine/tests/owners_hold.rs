//! Quotes, protection groups, owner groups, kill switches, tags and expiry at random, among triggers, pairs, exits and
//! changing trading states, without the model: the venue checks itself after every command, a second one that replays has
//! the same digest, and an onlooker counts what makers of a protection group were filled with and knows when it has to
//! trip.

#[path = "campaign/rng.rs"]
mod rng;

use std::collections::BTreeMap;

use engine::limits::EVENTS_PER_COMMAND;
use engine::{
    Action, AdvancedOrder, BatchMode, BatchedOrder, CancelReason, ClientOrderId, Command, Event, Events,
    Exit, Instructions, KeyId, KeyTerms, Logon, MassCancel, MassQuote, NewOrder, OrderBatch, OrderId,
    OrderTag, Protection, ProtectionId, Quote, Seq, SessionId, SessionKind, Stamp, TimeInForce, TimeNs,
    TradingState, Transfer, Trigger, TriggerKind, TriggerSource, Venue,
};
use risk::{
    AccountId, Capacity, FeeRate, FillKind, InstrumentId, InstrumentSpec, Money, OwnerGroupId, Price, Qty,
    Rate, Restriction, Side, Tier,
};
use rng::Rng;

const COMMANDS: u64 = 60_000;
const FIRST: u64 = 16;
const ACCOUNTS: u64 = 6;
const INSTRUMENTS: u64 = 2;
const MS: u64 = 1_000_000;
/// Client numbers one command may use up: a batch of two orders with exits.
const NUMBERS: u64 = 10;

fn spec() -> InstrumentSpec {
    let tier = |rate| vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }];
    InstrumentSpec {
        symbol: *b"OWNERS\0\0\0\0\0\0\0\0\0\0",
        price_decimals: 0,
        qty_decimals: 0,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(1_000),
        order_qty_max: Qty::new(1_000),
        position_max: Qty::new(100_000),
        open_interest_max: Qty::new(1_000_000),
        price_band: Rate::new(200_000_000),
        market_collar: Rate::new(200_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(0),
        initial_tiers: tier(20_000_000),
        maintenance_tiers: tier(10_000_000),
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

/// What the onlooker knows of a configured group.
#[derive(Clone, Copy)]
struct Seen {
    limits: Protection,
    start: Option<u64>,
    qty: i64,
    delta: i64,
    fills: u32,
}

/// Follows the events.
#[derive(Default)]
struct Onlooker {
    groups: BTreeMap<(AccountId, ProtectionId), Seen>,
    /// The protection group of each order that was accepted with one.
    of_orders: BTreeMap<OrderId, (AccountId, ProtectionId)>,
    trips: u32,
    swept: u32,
    expired: u32,
    taken: u32,
    refused: u32,
}

impl Onlooker {
    /// The events of a command at `now`; orders it accepted or amended by quotes have `group`.
    fn sees(&mut self, now: u64, command: &Command, events: &[Event]) {
        let of_command = if let Action::MassQuote(quotes) = &command.action {
            Some((quotes.account, quotes.protection))
        } else if let Action::AdvancedOrder(AdvancedOrder { order, instructions }) = &command.action {
            Some((order.account, instructions.protection))
        } else {
            None
        };
        let mut due = Vec::new();
        for event in events {
            if let Event::ProtectionTripped { account, group, .. } = event {
                let place = due.iter().position(|group_due| *group_due == (*account, *group));
                due.remove(place.expect("a group trips only at a limit"));
                self.trips += 1;
            }
            if let Event::Fill(fill) = event {
                assert!(due.is_empty(), "{due:?} has to trip before {event:?}");
                let (taken, made) = (fill.side, fill.side.opposite());
                due.extend(self.counts(now, fill.maker.order, made, fill.qty));
                if fill.kind == FillKind::Auction {
                    due.extend(self.counts(now, fill.taker.order, taken, fill.qty));
                }
            }
            if let Event::Accepted { order, .. } | Event::Amended { order, .. } = event {
                self.of_orders.extend(of_command.map(|group| (*order, group)));
            }
            self.counts_kind(event);
            self.follows_limits(event);
        }
        assert!(due.is_empty(), "{due:?} has to trip");
    }

    fn counts_kind(&mut self, event: &Event) {
        if let Event::Cancelled { reason, .. } = event {
            self.swept += u32::from(*reason == CancelReason::Protection);
            self.expired += u32::from(*reason == CancelReason::Expired);
        }
        if let Event::MassQuoted { taken, refused, .. } = event {
            self.taken += taken;
            self.refused += refused;
        }
    }

    fn follows_limits(&mut self, event: &Event) {
        if let Event::ProtectionSet { protection, .. } = event {
            let key = (protection.account, protection.group);
            self.groups.remove(&key);
            if protection.window_ms != 0 {
                let seen = Seen { limits: *protection, start: None, qty: 0, delta: 0, fills: 0 };
                self.groups.insert(key, seen);
            }
        }
        if let Event::ProtectionReset { account, group, .. } = event {
            self.groups.get_mut(&(*account, *group)).expect("it is known").start = None;
        }
    }

    /// A maker was filled; its group where that has to trip.
    fn counts(
        &mut self,
        now: u64,
        maker: OrderId,
        side: Side,
        qty: Qty,
    ) -> Option<(AccountId, ProtectionId)> {
        let group = *self.of_orders.get(&maker)?;
        let seen = self.groups.get_mut(&group)?;
        if seen.start.is_none_or(|start| now >= start + u64::from(seen.limits.window_ms) * MS) {
            (seen.start, seen.qty, seen.delta, seen.fills) = (Some(now), 0, 0, 0);
        }
        seen.qty += qty.get();
        seen.delta += if side == Side::Buy { qty.get() } else { -qty.get() };
        seen.fills += 1;
        let Protection { qty_limit, delta_limit, fills_limit, .. } = seen.limits;
        let trips = (qty_limit.get() > 0 && seen.qty >= qty_limit.get())
            || (delta_limit.get() > 0 && seen.delta.abs() >= delta_limit.get())
            || (fills_limit > 0 && seen.fills >= fills_limit);
        if trips {
            seen.start = None;
        }
        trips.then_some(group)
    }
}

/// Makes up commands.
struct Maker {
    rng: Rng,
    number: u64,
    now: u64,
}

impl Maker {
    fn below(&mut self, bound: u64) -> u64 {
        self.rng.below(bound)
    }

    fn small(&mut self, bound: u64) -> i64 {
        self.rng.within(0, i64::try_from(bound - 1).expect("small"))
    }

    fn account(&mut self) -> AccountId {
        AccountId::new(u32::try_from(FIRST + self.below(ACCOUNTS)).expect("small"))
    }

    fn instrument(&mut self) -> InstrumentId {
        InstrumentId::new(u32::try_from(self.below(INSTRUMENTS)).expect("small"))
    }

    fn group(&mut self) -> ProtectionId {
        ProtectionId::new(u16::try_from(self.below(3)).expect("small"))
    }

    fn quotes(&mut self, account: AccountId) -> Action {
        let count = 1 + self.below(4);
        let center = 90 + self.small(20);
        let quotes = (0..count).map(|_| Quote {
            instrument: self.instrument(),
            level: u8::try_from(self.below(4)).expect("small"),
            bid: Price::new(center - self.small(8)),
            bid_qty: Qty::new(self.small(6)),
            ask: Price::new(center + 1 + self.small(8)),
            ask_qty: Qty::new(self.small(6)),
        });
        let quotes = quotes.collect();
        let (protection, all_or_none) = (self.group(), self.below(3) == 0);
        Action::MassQuote(Box::new(MassQuote { account, protection, all_or_none, quotes }))
    }

    fn order(&mut self, account: AccountId) -> AdvancedOrder {
        let immediate = self.rng.permille(300);
        let time_in_force =
            if immediate { TimeInForce::ImmediateOrCancel } else { TimeInForce::GoodTillCancel };
        let order = NewOrder {
            account,
            instrument: self.instrument(),
            side: if self.below(2) == 0 { Side::Buy } else { Side::Sell },
            qty: Qty::new(1 + self.small(30)),
            limit: Some(Price::new(90 + self.small(20))),
            time_in_force,
            post_only: false,
            reduce_only: self.below(10) == 0,
            persistent: false,
        };
        let expires =
            if time_in_force.rests() && self.below(2) == 0 { self.now + self.below(50) * MS } else { 0 };
        let instructions = Instructions {
            protection: self.group(),
            display: Qty::new(i64::from(time_in_force.rests() && self.below(3) == 0)),
            expires: TimeNs::new(expires),
            tag: OrderTag::new(self.below(3)),
            ..Instructions::PLAIN
        };
        let instructions =
            if self.rng.permille(700) { instructions } else { self.linked(&order, instructions) };
        AdvancedOrder { order, instructions }
    }

    /// The order with a trigger, or with exits.
    fn linked(&mut self, order: &NewOrder, instructions: Instructions) -> Instructions {
        let source = self.rng.pick(&[TriggerSource::Last, TriggerSource::Mark, TriggerSource::Index]);
        let price = Price::new(90 + self.small(20));
        let instructions = Instructions { protection: ProtectionId::new(0), ..instructions };
        if self.rng.permille(600) {
            let kind = self.rng.pick(&[TriggerKind::Stop, TriggerKind::TakeProfit, TriggerKind::Trailing]);
            let price = if kind == TriggerKind::Trailing { Price::new(1 + self.small(8)) } else { price };
            return Instructions { trigger: Some(Trigger { source, kind, price }), ..instructions };
        }
        let (above, below) = (Price::new(price.get() + 9), Price::new(price.get() - 9));
        let (profit, stop) = if order.side == Side::Buy { (above, below) } else { (below, above) };
        let exit = |trigger| Some(Exit { source, trigger, limit: None });
        Instructions { take_profit: exit(profit), stop_loss: exit(stop), ..instructions }
    }

    /// Two orders that belong together, in no protection group.
    fn pair(&mut self, account: AccountId) -> Action {
        // Each may take two numbers more for its exits.
        let orders = [1, 4].map(|place| {
            let mut order = self.order(account);
            order.order.instrument = InstrumentId::new(0);
            order.instructions.protection = ProtectionId::new(0);
            BatchedOrder { client_order_id: ClientOrderId::new(self.number + NUMBERS + place), order }
        });
        let mode = self.rng.pick(&[BatchMode::OneCancelsOther, BatchMode::Atomic]);
        Action::OrderBatch(Box::new(OrderBatch { account, mode, orders: orders.to_vec() }))
    }

    /// A trading state, open more often than not.
    fn state(&mut self) -> Action {
        let instrument = self.instrument();
        let state = self.rng.pick(&[
            TradingState::PreOpen,
            TradingState::PostOnly,
            TradingState::ReduceOnly,
            TradingState::CancelOnly,
            TradingState::Halted,
        ]);
        match self.below(10) {
            0 | 1 => Action::SetTradingState { instrument, state },
            2 => Action::StartAuction { instrument, call_ms: 5 },
            _ => Action::SetTradingState { instrument, state: TradingState::Open },
        }
    }

    fn protect(&mut self, account: AccountId) -> Action {
        Action::SetProtection(Protection {
            account,
            group: self.group(),
            window_ms: u32::try_from(self.below(40)).expect("small"),
            frozen_ms: u32::try_from(self.below(30)).expect("small"),
            qty_limit: Qty::new(self.small(60)),
            delta_limit: Qty::new(self.small(40)),
            fills_limit: u32::try_from(self.below(12)).expect("small"),
        })
    }

    fn switch(&mut self, account: AccountId) -> Action {
        let restriction =
            self.rng.pick(&[Restriction::None, Restriction::ReduceOnly, Restriction::Suspended]);
        let cancel_orders = restriction != Restriction::None && self.below(2) == 0;
        let group = OwnerGroupId::new(u32::try_from(self.below(3)).expect("small"));
        match self.below(6) {
            0 => Action::SetOwnerGroup { account, group },
            1 => Action::SetGroupRestriction { group, restriction, cancel_orders },
            2 => Action::SetRestriction { account, restriction, cancel_orders },
            3 => {
                let (key, suspended) = (KeyId::new(u64::from(account.get())), self.below(2) == 0);
                Action::SuspendKey { key, suspended, cancel_orders: suspended && self.below(2) == 0 }
            }
            // Admitted again more often than not, so that something happens.
            4 => Action::SetRestriction { account, restriction: Restriction::None, cancel_orders: false },
            _ => {
                let key = KeyId::new(u64::from(account.get()));
                Action::SuspendKey { key, suspended: false, cancel_orders: false }
            }
        }
    }

    /// The next command, by the account's own session or by the venue's.
    fn command(&mut self) -> Command {
        let account = self.account();
        let own = SessionId::new(account.get() + 1 - u32::try_from(FIRST).expect("small"));
        let action = match self.below(40) {
            0..=13 => self.quotes(account),
            14..=25 => Action::AdvancedOrder(self.order(account)),
            26 | 27 => self.pair(account),
            28 => self.state(),
            29 => self.protect(account),
            30 => Action::ResetProtection { account, group: self.group() },
            31 | 32 => self.switch(account),
            33 => {
                let tag = (self.below(2) == 0).then(|| OrderTag::new(self.below(3)));
                let side = (self.below(2) == 0).then_some(Side::Buy);
                Action::MassCancel(MassCancel { tag, side, ..MassCancel::of_account(account) })
            }
            34 => Action::CancelAllAfter { account, timeout_ms: 20, keep_reduce_only: false },
            35 => Action::index_price(self.instrument(), Price::new(95 + self.small(10)).to_mark()),
            _ => Action::Tick,
        };
        let by_venue = matches!(
            action,
            Action::Tick
                | Action::SetTradingState { .. }
                | Action::StartAuction { .. }
                | Action::IndexPrice { .. }
                | Action::SetOwnerGroup { .. }
                | Action::SetGroupRestriction { .. }
                | Action::SetRestriction { .. }
                | Action::SuspendKey { .. }
        );
        self.number += NUMBERS;
        let client_order_id = ClientOrderId::new(if by_venue { 0 } else { self.number });
        let session = if by_venue { SessionId::new(0) } else { own };
        Command { client_order_id, ..Command::client(session, action) }
    }
}

/// Instruments, accounts with money, and a key with a session each.
fn genesis() -> Vec<Command> {
    let mut all = Vec::new();
    for instrument in (0..u32::try_from(INSTRUMENTS).expect("small")).map(InstrumentId::new) {
        all.push(Action::DefineInstrument { instrument, spec: Box::new(spec()) });
        all.push(Action::index_price(instrument, Price::new(100).to_mark()));
    }
    for account in
        (FIRST..FIRST + ACCOUNTS).map(|account| AccountId::new(u32::try_from(account).expect("small")))
    {
        let (key, kinds) = (KeyId::new(u64::from(account.get())), 1 << SessionKind::OrderEntry as u8);
        let terms = Box::new(KeyTerms { public: [7; 32], account, kinds, expires: TimeNs::new(0) });
        let on_loss = engine::CancelOnLoss::All;
        all.push(Action::OpenAccount { account });
        all.push(Action::Deposit(Transfer::new(account, Money::new(3_000))));
        all.push(Action::RegisterKey { key, terms });
        all.push(Action::Logon(Logon { key, tag: 0, kind: SessionKind::OrderEntry, on_loss, grace_ms: 0 }));
    }
    all.into_iter().map(Command::venue).collect()
}

#[test]
fn what_owners_do_at_random_holds() {
    for seed in 1..=4 {
        let Onlooker { trips, swept, expired, taken, refused, .. } = play(seed);
        println!(
            "seed {seed}: {trips} trips, {swept} swept, {expired} expired, {taken} sides taken, {refused} refused"
        );
        assert!(trips > 200 && swept > 200 && expired > 500 && taken > 5_000 && refused > 500);
    }
}

/// Plays commands; what the onlooker saw.
fn play(seed: u64) -> Onlooker {
    let capacity = Capacity { accounts: 32, legs: 64, orders: 512 };
    let (mut venue, mut replay) = (Venue::new(capacity), Venue::new(capacity));
    let (mut events, mut again) = (Events::default(), Events::default());
    let mut maker = Maker { rng: Rng::new(seed), number: 0, now: 1_000_000_000 };
    let mut onlooker = Onlooker::default();
    let mut first: std::vec::IntoIter<Command> = genesis().into_iter();
    for seq in 1..=COMMANDS {
        let command = if venue.pending() {
            Command::venue(Action::Continue)
        } else {
            first.next().unwrap_or_else(|| maker.command())
        };
        maker.now += maker.below(2) * MS;
        let stamp = Stamp { seq: Seq::new(seq), time: TimeNs::new(maker.now) };
        events.clear();
        venue.apply(stamp, &command, &mut events);
        venue.check();
        assert!(events.as_slice().len() <= EVENTS_PER_COMMAND, "events of {command:?}");
        onlooker.sees(maker.now, &command, events.as_slice());
        again.clear();
        replay.apply(stamp, &command, &mut again);
        assert_eq!(events.as_slice(), again.as_slice(), "a replay of {command:?}");
        if seq % 512 == 0 {
            assert_eq!(venue.digest(), replay.digest(), "after {command:?}");
        }
    }
    onlooker
}
