//! Leveraged directional accounts: they borrow up to their leverage, hold, reduce, and some come back after a
//! liquidation.
//!
//! Invariant: positions are what events said; a taker never counts on an order it has not heard of.

use engine::{Action, Command, Event, FillSide, Transfer};
use risk::{AccountId, InstrumentId, Leverage, Money, Position, Side};

use super::markets::{DOLLAR, Market};
use crate::flow::random::Random;

/// Instruments of modelled flow.
pub(super) const MARKETS: usize = 3;
/// Highest leverage, hundredths: that of the instruments' base bracket.
const LEVERAGE_MAX: i64 = 5_000;
/// Share of the borrowing power a taker uses, per mille: the rest is for fees and small moves.
const USED_PER_MILLE: i64 = 850;
/// Takers that want to be long, per mille: a crowded trade is what a slump liquidates.
const LONG_PER_MILLE: u64 = 650;

/// A leveraged account.
#[derive(Clone, Debug)]
pub(super) struct Taker {
    pub(super) account: AccountId,
    /// First deposit.
    deposit: Money,
    leverage: Leverage,
    side: Side,
    /// Places of the markets it trades in.
    pub(super) markets: Vec<usize>,
    positions: [Position; MARKETS],
    liquidating: bool,
    /// Lost everything and did not come back yet.
    ruined: bool,
}

/// What a taker does next in a market.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Intention {
    /// Trade this quantity of the market on this side, adding to the position.
    Enlarge(Side, i64),
    /// Trade up to the position's size on this side.
    Reduce(Side, i64),
    /// Deposit again and trade on, at a lower leverage.
    ComeBack,
    /// Nothing.
    Wait,
}

impl Taker {
    /// Draws an account.
    pub(super) fn draw(account: AccountId, random: &mut Random) -> Self {
        let deposit = random.between(500, 1_000) << random.below(6);
        let mut markets: Vec<usize> = (0..MARKETS).collect();
        for _ in 0..random.below(3) {
            markets.remove(random.index(markets.len()));
        }
        let side = if random.chance(LONG_PER_MILLE) { Side::Buy } else { Side::Sell };
        Self {
            account,
            deposit: Money::new(deposit * DOLLAR),
            // 2x to the maximum, in steps of 1x, lower ones more often.
            leverage: draw_leverage(random),
            side,
            markets,
            positions: [Position::ZERO; MARKETS],
            liquidating: false,
            ruined: false,
        }
    }

    /// Commands that open the account.
    pub(super) fn opening(&self, markets: &[Market]) -> Vec<Command> {
        let account = self.account;
        let mut commands =
            vec![Command::venue(Action::OpenAccount { account }), self.deposit_command(self.deposit)];
        commands.extend(self.leverage_commands(markets));
        commands
    }

    fn deposit_command(&self, amount: Money) -> Command {
        Command::venue(Action::Deposit(Transfer::new(self.account, amount)))
    }

    fn leverage_commands(&self, markets: &[Market]) -> impl Iterator<Item = Command> {
        let Self { account, leverage, .. } = *self;
        self.markets.iter().map(move |&place| {
            let instrument = markets[place].instrument;
            Command::client(crate::flow::SESSION, Action::SetLeverage { account, instrument, leverage })
        })
    }

    /// Decides what to do in one of its markets.
    pub(super) fn decide(
        &self,
        place: usize,
        market: &Market,
        shares: i64,
        random: &mut Random,
    ) -> Intention {
        if self.liquidating {
            return Intention::Wait;
        }
        if self.ruined {
            return if random.chance(100) { Intention::ComeBack } else { Intention::Wait };
        }
        let position = self.positions[place];
        let power = self.deposit.get() * i64::from(self.leverage.get());
        let budget = (power.div_euclid(100_000) * USED_PER_MILLE).div_euclid(self.markets_held());
        let missing = budget - market.value(position.size().get());
        if missing > 0 && !random.chance(80) {
            // A tenth of what is missing at once where that is more than the usual size.
            let usual = shares * market.share;
            let qty = usual.max(market.qty_of(missing.div_euclid(10))).min(market.qty_of(missing));
            return if qty > 0 { Intention::Enlarge(self.side, qty) } else { Intention::Wait };
        }
        match Side::closing(position) {
            Some(side) => Intention::Reduce(side, position.size().get()),
            None => Intention::Wait,
        }
    }

    fn markets_held(&self) -> i64 {
        i64::try_from(self.markets.len().max(1)).unwrap_or(1)
    }

    /// Half the first deposit, half the leverage.
    pub(super) fn come_back(&mut self, markets: &[Market]) -> Vec<Command> {
        self.ruined = false;
        self.leverage = Leverage::new((self.leverage.get() >> 1).max(200));
        self.deposit = Money::new(self.deposit.get() >> 1);
        let mut commands = vec![self.deposit_command(self.deposit)];
        commands.extend(self.leverage_commands(markets));
        commands
    }

    /// Takes the position over from a fill.
    fn learn_fill(&mut self, instrument: InstrumentId, side: &FillSide) {
        if let Some(position) = self.positions.get_mut(instrument.index()) {
            *position = side.position;
        }
    }
}

fn draw_leverage(random: &mut Random) -> Leverage {
    let steps = LEVERAGE_MAX.div_euclid(100);
    let drawn = random.between(2, steps).min(random.between(2, steps));
    Leverage::new(u32::try_from(drawn * 100).unwrap_or(200))
}

/// Every taker, by account number from `first` on.
#[derive(Clone, Debug)]
pub(super) struct Takers {
    first: u32,
    list: Vec<Taker>,
}

impl Takers {
    /// Draws `count` accounts numbered from `first`.
    pub(super) fn draw(first: u32, count: u32, random: &mut Random) -> Self {
        let list = (first..first + count).map(|number| Taker::draw(AccountId::new(number), random)).collect();
        Self { first, list }
    }

    /// All of them.
    pub(super) fn list(&self) -> &[Taker] {
        &self.list
    }

    /// One at random; `None` when there are none.
    pub(super) fn pick(&mut self, random: &mut Random) -> Option<&mut Taker> {
        let place = random.index(self.list.len());
        self.list.get_mut(place)
    }

    fn find(&mut self, account: AccountId) -> Option<&mut Taker> {
        let place = account.get().checked_sub(self.first)?;
        self.list.get_mut(usize::try_from(place).ok()?)
    }

    /// Learns positions and fates.
    pub(super) fn learn(&mut self, event: &Event) {
        if let Event::Fill(fill) = event {
            for side in [&fill.maker, &fill.taker] {
                if let Some(taker) = self.find(side.account) {
                    taker.learn_fill(fill.instrument, side);
                }
            }
        } else if let Event::LiquidationStarted { account, .. } = *event {
            if let Some(taker) = self.find(account) {
                taker.liquidating = true;
            }
        } else if let Event::TakenOver { account, instrument, .. } = *event {
            if let Some(taker) = self.find(account)
                && let Some(position) = taker.positions.get_mut(instrument.index())
            {
                *position = Position::ZERO;
            }
        } else if let Event::LiquidationEnded { account, equity, .. } = *event
            && let Some(taker) = self.find(account)
        {
            taker.liquidating = false;
            taker.ruined = equity.get() < taker.deposit.get() >> 3;
        }
    }
}
