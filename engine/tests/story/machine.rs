//! What a scenario is played on.

use engine::{Command, Event, Events, Seq, Stamp, TimeNs, Venue};
use risk::{AccountId, AssetId, Capacity, InstrumentId};

use crate::model::{Hints, Model};

/// A scenario begins at one second and time stands still but where it waits.
pub(crate) const fn time(waited_ms: u64) -> TimeNs {
    TimeNs::new(1_000_000_000 + waited_ms * 1_000_000)
}

/// A venue, or the model of one.
pub(crate) trait Machine {
    fn apply(&mut self, command: &Command) -> Vec<Event>;
    /// Lets time pass until the next command.
    fn wait(&mut self, ms: u64);
    fn pending(&self) -> bool;
    /// Orders that rest.
    fn resting(&self) -> u32;
    fn balance(&self, account: AccountId, asset: AssetId) -> i64;
    /// Position, cost and number of orders.
    fn held(&self, account: AccountId, instrument: InstrumentId) -> (i64, i64, u32);
}

/// The real one by itself.
pub(crate) struct VenueAlone {
    venue: Venue,
    commands: u64,
    waited_ms: u64,
}

impl VenueAlone {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self { venue: Venue::new(capacity), commands: 0, waited_ms: 0 }
    }
}

impl Machine for VenueAlone {
    fn apply(&mut self, command: &Command) -> Vec<Event> {
        self.commands += 1;
        let mut events = Events::default();
        let stamp = Stamp { seq: Seq::new(self.commands), time: time(self.waited_ms) };
        self.venue.apply(stamp, command, &mut events);
        self.venue.check();
        events.as_slice().to_vec()
    }

    fn wait(&mut self, ms: u64) {
        self.waited_ms += ms;
    }

    fn pending(&self) -> bool {
        self.venue.pending()
    }

    fn resting(&self) -> u32 {
        self.venue.ledger().order_count()
    }

    fn balance(&self, account: AccountId, asset: AssetId) -> i64 {
        let ledger = self.venue.ledger();
        ledger.account(account).map_or(0, |_| ledger.balance(account, asset).get())
    }

    fn held(&self, account: AccountId, instrument: InstrumentId) -> (i64, i64, u32) {
        held(&self.venue, account, instrument)
    }
}

/// Position, cost and number of orders of an account in a venue.
fn held(venue: &Venue, account: AccountId, instrument: InstrumentId) -> (i64, i64, u32) {
    let ledger = venue.ledger();
    let known = ledger.account(account).and_then(|_| ledger.find_leg(account, instrument));
    let Some(leg) = known else { return (0, 0, 0) };
    let leg = ledger.leg(leg);
    (leg.position.get(), leg.cost.get(), leg.orders)
}

/// The real one, with the model beside it.
pub(crate) struct VenueBesideModel {
    venue: Venue,
    model: Model,
    commands: u64,
    waited_ms: u64,
}

impl VenueBesideModel {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self {
            venue: Venue::new(capacity),
            model: Model::new(capacity, Hints::Venue),
            commands: 0,
            waited_ms: 0,
        }
    }
}

impl Machine for VenueBesideModel {
    fn apply(&mut self, command: &Command) -> Vec<Event> {
        self.commands += 1;
        let mut events = Events::default();
        let stamp = Stamp { seq: Seq::new(self.commands), time: time(self.waited_ms) };
        self.venue.apply(stamp, command, &mut events);
        self.venue.check();
        let expected = self.model.apply(stamp.time, command, events.as_slice());
        assert_eq!(events.as_slice(), expected, "venue and model on {command:?}");
        self.model.settle(&self.venue);
        assert_eq!(self.model.complaint(), None, "the model on {command:?}");
        assert_eq!(self.model.difference(&self.venue), None, "after {command:?}");
        events.as_slice().to_vec()
    }

    fn wait(&mut self, ms: u64) {
        self.waited_ms += ms;
    }

    fn pending(&self) -> bool {
        self.venue.pending()
    }

    fn resting(&self) -> u32 {
        self.venue.ledger().order_count()
    }

    fn balance(&self, account: AccountId, asset: AssetId) -> i64 {
        let ledger = self.venue.ledger();
        ledger.account(account).map_or(0, |_| ledger.balance(account, asset).get())
    }

    fn held(&self, account: AccountId, instrument: InstrumentId) -> (i64, i64, u32) {
        held(&self.venue, account, instrument)
    }
}

/// The model by itself.
pub(crate) struct ModelAlone {
    model: Model,
    waited_ms: u64,
}

impl ModelAlone {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self { model: Model::new(capacity, Hints::Own), waited_ms: 0 }
    }
}

impl Machine for ModelAlone {
    fn apply(&mut self, command: &Command) -> Vec<Event> {
        self.model.apply(time(self.waited_ms), command, &[])
    }

    fn wait(&mut self, ms: u64) {
        self.waited_ms += ms;
    }

    fn pending(&self) -> bool {
        self.model.pending()
    }

    fn resting(&self) -> u32 {
        u32::try_from(self.model.orders.len()).expect("bounded")
    }

    fn balance(&self, account: AccountId, asset: AssetId) -> i64 {
        let known = self.model.accounts.get(&account);
        known.map_or(0, |account| i64::try_from(account.balances[asset.index()]).expect("bounded"))
    }

    fn held(&self, account: AccountId, instrument: InstrumentId) -> (i64, i64, u32) {
        let narrow = |wide| i64::try_from(wide).expect("bounded");
        let leg = self.model.leg(account, instrument);
        let orders =
            self.model.orders_of(account).iter().filter(|order| order.instrument == instrument).count();
        (narrow(leg.position), narrow(leg.cost), u32::try_from(orders).expect("bounded"))
    }
}
