//! The triggers of an instrument against a list that looks at every order at every price.

use alloc::vec::Vec;

use super::{Fired, Triggers, Watch};
use crate::command::{
    ClientOrderId, Instructions, SessionId, TimeInForce, Trigger, TriggerKind, TriggerSource,
};
use crate::conditions::{Conditions, Stage};
use crate::deadlines::HeapPlace;
use crate::orders::{NewSlot, Orders, Terms};
use crate::triggers::Trails;
use risk::{AccountId, InstrumentId, Mark, OrderSlot, Price, Qty, Side};

const TICK: i64 = 5;
const TOP: i64 = 120;

/// An order that waits, by the words of the rules.
#[derive(Clone, Copy)]
struct Waiting {
    slot: OrderSlot,
    serial: u64,
    side: Side,
    trigger: Trigger,
    best: Mark,
    is_crossed: bool,
}

impl Waiting {
    fn rises(&self) -> bool {
        (self.side == Side::Buy) == (self.trigger.kind != TriggerKind::TakeProfit)
    }

    /// The price that fires it.
    fn price(&self) -> Price {
        if self.trigger.kind != TriggerKind::Trailing {
            return self.trigger.price;
        }
        let distance = self.trigger.price.get();
        let price = if self.rises() {
            let peak = (self.best.ceil_price().get() + TICK - 1).div_euclid(TICK) * TICK;
            (peak + distance).min(TOP * TICK)
        } else {
            let peak = self.best.floor_price().get().div_euclid(TICK) * TICK;
            (peak - distance).max(TICK)
        };
        Price::new(price)
    }

    fn is_fired_by(&self, price: Mark) -> bool {
        let trigger = self.price().to_mark();
        if self.rises() { price >= trigger } else { price <= trigger }
    }

    fn meets(&mut self, price: Mark) {
        if self.is_crossed || self.is_fired_by(price) {
            self.is_crossed = true;
            return;
        }
        self.best = if self.rises() { self.best.min(price) } else { self.best.max(price) };
    }

    /// By source, way, price toward the trigger, serial.
    fn rank(&self) -> (TriggerSource, bool, i64, u64) {
        let price = self.price().get();
        (self.trigger.source, !self.rises(), if self.rises() { price } else { -price }, self.serial)
    }
}

struct Scene {
    random: u64,
    orders: Orders,
    trails: Trails,
    triggers: Triggers,
    naive: Vec<Waiting>,
    prices: [Mark; 3],
    serial: u64,
    fired: usize,
}

impl Scene {
    fn new(seed: u64) -> Self {
        Self {
            random: seed,
            orders: Orders::with_capacity(400),
            trails: Trails::with_capacity(400),
            triggers: Triggers::new(Price::new(TICK), u32::try_from(TOP).expect("small")),
            naive: Vec::new(),
            prices: [Price::new(300).to_mark(); 3],
            serial: 0,
            fired: 0,
        }
    }

    fn below(&mut self, bound: i64) -> i64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        i64::try_from(self.random >> 20).expect("44 bits").rem_euclid(bound)
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        let at = self.below(i64::try_from(list.len()).expect("short"));
        list[usize::try_from(at).expect("below the length")]
    }

    /// A new order; one that is crossed already is left out, the venue fires it at once.
    fn join(&mut self) {
        if !self.orders.has_room_for(1) {
            return;
        }
        let source = self.one_of(TriggerSource::ALL);
        let kind = self.one_of(TriggerKind::ALL);
        let side = self.one_of(Side::ALL);
        let range = if kind == TriggerKind::Trailing { 20 } else { TOP };
        let trigger = Trigger { source, kind, price: Price::new((self.below(range) + 1) * TICK) };
        self.serial += 1;
        let now = self.prices[source as usize - 1];
        let slot = self.orders.allocate(&NewSlot {
            instrument: InstrumentId::new(0),
            account: AccountId::new(16),
            side,
            key: 0,
            qty: Qty::new(1),
            reduce_only: false,
            persistent: false,
            terms: Terms::new(SessionId::new(1), ClientOrderId::new(self.serial)),
        });
        self.orders.set_conditions(slot, conditions(self.serial, trigger));
        let waiting = Waiting { slot, serial: self.serial, side, trigger, best: now, is_crossed: false };
        if waiting.is_fired_by(now) {
            self.orders.free(slot);
            return;
        }
        let watch = Watch::of(&self.orders, slot).expect("a trigger");
        let shown = self.triggers.join(slot, watch, Some(now), &mut self.orders, &mut self.trails);
        assert_eq!(shown, waiting.price());
        self.naive.push(waiting);
    }

    fn leave(&mut self, slot: OrderSlot) {
        let watch = Watch::of(&self.orders, slot).expect("a trigger");
        self.triggers.leave(slot, watch, &mut self.orders, &mut self.trails);
        self.orders.free(slot);
        self.naive.retain(|waiting| waiting.slot != slot);
    }

    /// One or two prices of one source, as a taker's walk has them, then everything they crossed fires, with cancels between.
    fn move_price(&mut self) {
        let source = self.one_of(TriggerSource::ALL);
        let place = source as usize - 1;
        let (mut lowest, mut highest) = (Mark::new(i64::MAX), Mark::new(0));
        for _ in 0..=self.below(2) {
            let step = self.below(40 << 10) - self.below(40 << 10);
            let price = Mark::new((self.prices[place].get() + step).clamp(1, (TOP * TICK) << 10));
            self.prices[place] = price;
            (lowest, highest) = (lowest.min(price), highest.max(price));
            let before = self.naive.iter().any(|waiting| waiting.is_crossed);
            let crossed = self.triggers.note(source, price, true, &mut self.trails);
            for waiting in self.naive.iter_mut().filter(|waiting| waiting.trigger.source == source) {
                waiting.meets(price);
            }
            let after = self.naive.iter().any(|waiting| waiting.is_crossed);
            assert!(!crossed || after, "a crossing crosses something");
            assert!(crossed || before || !after, "a crossing is told of");
        }
        while let Some(next) = self.naive.iter().filter(|waiting| waiting.is_crossed).min_by_key(|w| w.rank())
        {
            let next = *next;
            let fired = self.triggers.next(&self.orders, &mut self.trails).expect("as many as were crossed");
            assert_eq!((fired.slot, fired.trigger), (next.slot, next.price()));
            assert!(next.is_fired_by(fired.at) && (lowest..=highest).contains(&fired.at));
            self.fired += 1;
            self.leave(next.slot);
            if self.below(4) == 0 && !self.naive.is_empty() {
                let at = self.below(i64::try_from(self.naive.len()).expect("few"));
                self.leave(self.naive[usize::try_from(at).expect("few")].slot);
            }
        }
        assert_eq!(self.triggers.next(&self.orders, &mut self.trails), None);
        assert!(!self.triggers.has_crossings());
    }

    fn check(&mut self) {
        let prices = self.prices.map(Some);
        let (plain, trailing) = self.triggers.check(prices, true, &mut self.orders, &self.trails);
        assert_eq!((plain + trailing) as usize, self.naive.len());
        assert_eq!(trailing as usize, self.trails.len());
        for waiting in &self.naive {
            let watch = Watch::of(&self.orders, waiting.slot).expect("a trigger");
            assert_eq!(self.triggers.trigger(watch, &self.trails), waiting.price());
        }
    }
}

fn conditions(serial: u64, trigger: Trigger) -> Conditions {
    Conditions {
        instructions: Instructions { trigger: Some(trigger), ..Instructions::PLAIN },
        stage: Stage::Dormant,
        time_in_force: TimeInForce::ImmediateOrCancel,
        post_only: false,
        is_market: true,
        serial,
        expiry: HeapPlace::NOWHERE,
        hidden: Qty::ZERO,
        partner: OrderSlot::NONE,
        parent: OrderSlot::NONE,
        exits: [OrderSlot::NONE; 2],
    }
}

/// Every kind on every source fires where the rules say, in their order, over many lives of the same places.
#[test]
fn agrees_with_a_list() {
    for seed in [88_172_645_463_325_252, 3, 99_999] {
        let mut scene = Scene::new(seed);
        for step in 0..20_000 {
            match scene.below(5) {
                0..=2 => scene.join(),
                3 if !scene.naive.is_empty() => {
                    let at = scene.below(i64::try_from(scene.naive.len()).expect("few"));
                    scene.leave(scene.naive[usize::try_from(at).expect("few")].slot);
                }
                _ => scene.move_price(),
            }
            if step % 8 == 0 {
                scene.check();
            }
        }
        assert!(scene.fired > 2_000, "{} fired", scene.fired);
    }
}

/// What was crossed fires at the trigger it had, though the price came back and trailing stops rose since; what was not
/// crossed follows.
#[test]
fn a_crossed_trailing_stop_follows_no_more() {
    let mut scene = Scene::new(1);
    let source = TriggerSource::Last;
    for (serial, distance) in [(1, 20), (2, 50)] {
        let trigger = Trigger { source, kind: TriggerKind::Trailing, price: Price::new(distance) };
        let slot = scene.orders.allocate(&NewSlot {
            instrument: InstrumentId::new(0),
            account: AccountId::new(16),
            side: Side::Sell,
            key: 0,
            qty: Qty::new(1),
            reduce_only: false,
            persistent: false,
            terms: Terms::new(SessionId::new(1), ClientOrderId::new(serial)),
        });
        scene.orders.set_conditions(slot, conditions(serial, trigger));
        let watch = Watch::of(&scene.orders, slot).expect("a trigger");
        let now = Some(scene.prices[0]);
        scene.triggers.join(slot, watch, now, &mut scene.orders, &mut scene.trails);
    }
    assert!(scene.triggers.note(source, Price::new(275).to_mark(), true, &mut scene.trails));
    scene.triggers.note(source, Price::new(400).to_mark(), true, &mut scene.trails);
    let fired = scene.triggers.next(&scene.orders, &mut scene.trails).expect("crossed");
    let (trigger, at) = (Price::new(280), Price::new(275).to_mark());
    assert_eq!(fired, Fired { slot: OrderSlot::new(0), trigger, at });
    scene.leave(fired.slot);
    assert_eq!(scene.triggers.next(&scene.orders, &mut scene.trails), None);
    let other = Watch::of(&scene.orders, OrderSlot::new(1)).expect("a trigger");
    assert_eq!(scene.triggers.trigger(other, &scene.trails), Price::new(350));
}
