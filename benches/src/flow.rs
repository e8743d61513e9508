//! Which commands does the whole venue have to take? A flow recorded against a venue of the same terms.
//!
//! Invariant: recording applies every command to a venue, so cancels and amendments name orders that rest; a second
//! venue of the same terms takes the flow without a reject and without a continuation.

use std::collections::BTreeMap;

use engine::{Action, AmendOrder, CancelOrder, Command, Event, OrderId, OrderRef, SessionId, TimeInForce};
use risk::{AccountId, Price, Qty, Side};

use crate::population::{Population, Terms};
use crate::random::Random;

/// Kind of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, clap::ValueEnum)]
pub enum Kind {
    /// A limit order that rests.
    Rest,
    /// A cancel by the venue's number.
    Cancel,
    /// An amendment to another price.
    Amend,
    /// An immediate order that meets what stands best.
    Cross,
    /// An index price that nobody's trigger lies between.
    Mark,
}

impl Kind {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; 5] = [Self::Rest, Self::Cancel, Self::Amend, Self::Cross, Self::Mark];

    /// As printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Cancel => "cancel",
            Self::Amend => "amend",
            Self::Cross => "cross",
            Self::Mark => "mark",
        }
    }
}

/// Commands of each kind in a thousand, in the order of [`Kind::ALL`], while the book holds its target.
pub const MIX: [u32; 5] = [420, 380, 120, 79, 1];

/// A recorded flow.
#[derive(Debug)]
pub struct Flow {
    /// What the venue was populated with.
    pub terms: Terms,
    /// Commands with their kinds, in order.
    pub commands: Vec<(Kind, Command)>,
    /// Refused while recording.
    pub rejects: u64,
    /// Liquidations begun while recording; a flow to be timed has none.
    pub liquidations: u64,
    /// Matches while recording.
    pub fills: u64,
    /// Digest of the venue afterwards.
    pub digest: u128,
}

/// A resting order as its owner knows it.
#[derive(Clone, Copy, Debug)]
struct Own {
    id: OrderId,
    session: SessionId,
    account: AccountId,
    side: Side,
    price: Price,
    qty: Qty,
}

/// Resting orders to choose from.
#[derive(Debug, Default)]
struct Live {
    list: Vec<Own>,
    places: BTreeMap<u64, usize>,
}

impl Live {
    fn insert(&mut self, own: Own) {
        self.places.insert(own.id.get(), self.list.len());
        self.list.push(own);
    }

    fn remove(&mut self, id: OrderId) {
        let Some(place) = self.places.remove(&id.get()) else { return };
        self.list.swap_remove(place);
        if let Some(moved) = self.list.get(place) {
            self.places.insert(moved.id.get(), place);
        }
    }

    fn pick(&self, random: &mut Random) -> Option<Own> {
        let among = u32::try_from(self.list.len()).expect("order slots are fewer");
        (among > 0).then(|| self.list[random.below(among) as usize])
    }

    fn set(&mut self, id: OrderId, price: Price) {
        if let Some(&place) = self.places.get(&id.get()) {
            self.list[place].price = price;
        }
    }

    /// Follows what happened; matches among it. Immediate orders never rest and are skipped.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only what changes an order's place matters here")]
    fn follow(&mut self, events: &[Event]) -> u64 {
        let mut fills = 0;
        for event in events {
            match *event {
                Event::Accepted {
                    order,
                    session,
                    account,
                    side,
                    limit,
                    qty,
                    time_in_force: TimeInForce::GoodTillCancel,
                    ..
                } => self.insert(Own { id: order, session, account, side, price: limit, qty }),
                Event::Fill(fill) => {
                    fills += 1;
                    for side in [fill.taker, fill.maker] {
                        if side.leaves == Qty::ZERO {
                            self.remove(side.order);
                        }
                    }
                }
                Event::Cancelled { order, .. } => self.remove(order),
                Event::Amended { order, limit, .. } => self.set(order, limit),
                _ => {}
            }
        }
        fills
    }
}

/// Records `count` commands: the mix, or only one kind.
///
/// # Panics
/// When a command leaves work over: what is timed would not be the commands alone.
#[must_use]
pub fn record(terms: Terms, count: usize, only: Option<Kind>) -> Flow {
    let mut recorder = Recorder::new(terms);
    while recorder.commands.len() < count {
        let kind = only.unwrap_or_else(|| recorder.choose());
        recorder.step(kind);
    }
    let Recorder { population, commands, fills, .. } = recorder;
    let feeder = population.feeder;
    assert_eq!(feeder.continuations, 0, "a flow to be timed leaves nothing over");
    let digest = feeder.venue.digest();
    Flow { terms, commands, rejects: feeder.rejects, liquidations: feeder.liquidations, fills, digest }
}

struct Recorder {
    population: Population,
    live: Live,
    commands: Vec<(Kind, Command)>,
    fills: u64,
}

impl Recorder {
    fn new(terms: Terms) -> Self {
        let mut population = Population::with_positions(terms);
        let mut live = Live::default();
        for _ in 0..terms.resting {
            let order = population.passive_order();
            live.follow(population.feeder.send(&order));
        }
        Self { population, live, commands: Vec::new(), fills: 0 }
    }

    /// A kind of the mix; what would move the book further from its target becomes what brings it back.
    fn choose(&mut self) -> Kind {
        let mut draw = self.population.random.below(1_000);
        let mut chosen = Kind::Mark;
        for (kind, share) in Kind::ALL.into_iter().zip(MIX) {
            if draw < share {
                chosen = kind;
                break;
            }
            draw -= share;
        }
        let target = self.population.terms.resting as usize;
        let slack = (target >> 5) + 1;
        let live = self.live.list.len();
        if chosen == Kind::Rest && live > target + slack {
            Kind::Cancel
        } else if chosen == Kind::Cancel && live + slack < target {
            Kind::Rest
        } else {
            chosen
        }
    }

    fn step(&mut self, kind: Kind) {
        let command = match kind {
            Kind::Rest => self.population.passive_order(),
            Kind::Cancel => self.cancel(),
            Kind::Amend => self.amend(),
            Kind::Cross => self.population.crossing_order(),
            Kind::Mark => self.population.index_price(),
        };
        self.fills += self.live.follow(self.population.feeder.send(&command));
        self.commands.push((kind, command));
    }

    fn any(&mut self) -> Own {
        let picked = self.live.pick(&mut self.population.random);
        picked.expect("terms leave enough resting orders for the flow")
    }

    fn cancel(&mut self) -> Command {
        let Own { id, session, account, .. } = self.any();
        Command::client(session, Action::CancelOrder(CancelOrder { account, order: OrderRef::Id(id) }))
    }

    fn amend(&mut self) -> Command {
        let Own { id, session, account, side, price, qty } = self.any();
        let mut limit = self.population.passive_price(side);
        while limit == price {
            limit = self.population.passive_price(side);
        }
        let amend = AmendOrder { account, order: OrderRef::Id(id), limit, qty, post_only: false };
        Command::client(session, Action::AmendOrder(amend))
    }
}
