//! Who holds something, by instrument and side, kept up with the events: a plan looks at holders, not at all accounts.
//!
//! Invariant: the set of a side is the accounts whose position there is of that side, the venue's own accounts included, whom
//! no plan takes for holders.

use engine::{Event, Fill};
use risk::{AccountId, InstrumentId, Position};

/// Account numbers as one bit each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Accounts {
    words: Vec<u64>,
    count: usize,
}

impl Accounts {
    fn set(&mut self, account: AccountId, is_in: bool) {
        let (word, bit) = (account.index() >> 6, 1_u64 << (account.get() & 63));
        if word >= self.words.len() {
            if !is_in {
                return;
            }
            self.words.resize(word + 1, 0);
        }
        let was_in = self.words[word] & bit != 0;
        if was_in != is_in {
            self.words[word] ^= bit;
            self.count = if is_in { self.count + 1 } else { self.count - 1 };
        }
    }

    /// Those in it, ascending.
    fn iter(&self) -> impl Iterator<Item = AccountId> {
        (0_u32..).step_by(64).zip(&self.words).flat_map(|(first, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(AccountId::new(first + bit))
            })
        })
    }
}

/// The holders of every instrument.
#[derive(Clone, Debug, Default)]
pub struct Holders {
    /// Shorts, then longs.
    sides: Vec<[Accounts; 2]>,
}

impl Holders {
    /// What an event says about positions, each as it is after the command: `position` gives it.
    pub fn note(&mut self, event: &Event, position: impl Fn(AccountId, InstrumentId) -> Position) {
        let mut look = |account, instrument| self.set(account, instrument, position(account, instrument));
        if let Event::Fill(Fill { instrument, taker, maker, .. }) = event {
            look(taker.account, *instrument);
            look(maker.account, *instrument);
        } else if let Event::Deleveraged(cut) = event {
            look(cut.account, cut.instrument);
        } else if let Event::TakenOver { account, by, instrument, .. } = *event {
            look(account, instrument);
            look(by, instrument);
        } else if let Event::PositionSettled { account, instrument, .. } = *event {
            look(account, instrument);
        }
    }

    fn set(&mut self, account: AccountId, instrument: InstrumentId, position: Position) {
        if instrument.index() >= self.sides.len() {
            self.sides.resize_with(instrument.index() + 1, Default::default);
        }
        let [shorts, longs] = &mut self.sides[instrument.index()];
        shorts.set(account, position.get() < 0);
        longs.set(account, position.get() > 0);
    }

    /// The accounts of the side that gives up against `position`, ascending.
    pub fn against(&self, instrument: InstrumentId, position: Position) -> impl Iterator<Item = AccountId> {
        let sides = self.sides.get(instrument.index());
        let side = sides.map(|[shorts, longs]| if position.get() > 0 { shorts } else { longs });
        side.into_iter().flat_map(Accounts::iter)
    }

    /// How many accounts are long, or short.
    #[must_use]
    pub fn count(&self, instrument: InstrumentId, is_long: bool) -> usize {
        self.sides.get(instrument.index()).map_or(0, |sides| sides[usize::from(is_long)].count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_ascending_and_forget_who_left() {
        let mut holders = Holders::default();
        let (here, empty) = (InstrumentId::new(3), InstrumentId::new(9));
        for account in [700, 16, 64, 63, 128] {
            holders.set(AccountId::new(account), here, Position::new(5));
        }
        holders.set(AccountId::new(64), here, Position::ZERO);
        holders.set(AccountId::new(9_000), here, Position::ZERO);
        holders.set(AccountId::new(63), here, Position::new(-5));
        let longs: Vec<u32> = holders.against(here, Position::new(-1)).map(AccountId::get).collect();
        assert_eq!((longs, holders.count(here, true)), (vec![16, 128, 700], 3));
        let shorts: Vec<u32> = holders.against(here, Position::new(1)).map(AccountId::get).collect();
        assert_eq!((shorts, holders.count(here, false)), (vec![63], 1));
        assert_eq!(holders.against(empty, Position::new(1)).count() + holders.count(empty, true), 0);
    }
}
