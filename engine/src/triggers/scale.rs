//! Prices of an instrument in ticks, and their images in a flank.
//!
//! Invariant: images of prices run from 1 to `top`, like the prices; a higher image is a trigger nearer to the price.

use risk::limits::MARK_SHIFT;
use risk::{Mark, Price, Side};

use crate::command::TriggerKind;

/// Which way the watched price must go to fire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Rising,
    Falling,
}

impl Way {
    /// Stops fire against the holder, take-profits for him.
    pub(crate) fn of(side: Side, kind: TriggerKind) -> Self {
        let against = match kind {
            TriggerKind::Stop | TriggerKind::Trailing => true,
            TriggerKind::TakeProfit => false,
        };
        if (side == Side::Buy) == against { Self::Rising } else { Self::Falling }
    }

    pub(crate) const fn place(self) -> usize {
        match self {
            Self::Rising => 0,
            Self::Falling => 1,
        }
    }
}

/// The ticks of an instrument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) tick: i64,
    /// The highest price.
    pub(crate) top: u32,
}

impl Scale {
    /// A validated price or distance.
    pub(crate) fn ticks(self, price: Price) -> u32 {
        let ticks = u32::try_from(price.get().div_euclid(self.tick));
        ticks.expect("validated prices have at most LADDER_KEYS_MAX ticks")
    }

    fn floor(self, price: Mark) -> u32 {
        let ticks = u32::try_from(price.get().div_euclid(self.tick << MARK_SHIFT));
        ticks.map_or(self.top, |ticks| ticks.min(self.top))
    }

    /// Rounded up; one above the highest price where the price lies above that.
    fn ceil(self, price: Mark) -> u32 {
        let ticks = u32::try_from((price.get() - 1).div_euclid(self.tick << MARK_SHIFT) + 1);
        ticks.map_or(self.top + 1, |ticks| ticks.min(self.top + 1))
    }

    /// A price's image, and an image's price.
    pub(crate) fn image(self, way: Way, ticks: u32) -> u32 {
        match way {
            Way::Rising => self.top + 1 - ticks,
            Way::Falling => ticks,
        }
    }

    /// The price of an image.
    pub(crate) fn price(self, way: Way, image: u32) -> Price {
        Price::new(i64::from(self.image(way, image)) * self.tick)
    }

    /// The lowest image that `price` fires.
    pub(crate) fn bound(self, way: Way, price: Mark) -> u32 {
        match way {
            Way::Rising => self.top + 1 - self.floor(price),
            Way::Falling => self.ceil(price),
        }
    }

    /// The image of a peak at `price`, which is rounded toward the trigger.
    pub(crate) fn peak(self, way: Way, price: Mark) -> u32 {
        match way {
            Way::Rising => self.top + 1 - self.ceil(price).clamp(1, self.top),
            Way::Falling => self.floor(price),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between two ticks: neither fires what it has not reached, and a trail never gains by rounding.
    #[test]
    fn sub_units_count() {
        let scale = Scale { tick: 5, top: 20 };
        let between = Mark::new((50 << MARK_SHIFT) + 1);
        let exact = Price::new(50).to_mark();
        let fires = |way, ticks, price| scale.image(way, ticks) >= scale.bound(way, price);
        assert!(fires(Way::Rising, 10, exact) && fires(Way::Rising, 10, between));
        assert!(!fires(Way::Rising, 11, between) && fires(Way::Falling, 11, between));
        assert!(fires(Way::Falling, 10, exact) && !fires(Way::Falling, 10, between));
        assert_eq!(scale.price(Way::Falling, scale.peak(Way::Falling, between)), Price::new(50));
        assert_eq!(scale.price(Way::Rising, scale.peak(Way::Rising, between)), Price::new(55));
    }

    #[test]
    fn the_ends_of_the_range_hold() {
        let scale = Scale { tick: 5, top: 20 };
        let (tiny, highest) = (Mark::new(1), Price::new(104).to_mark());
        assert_eq!(scale.peak(Way::Falling, tiny), 0);
        assert_eq!(scale.peak(Way::Rising, highest), 1);
        assert!(scale.image(Way::Falling, 20) < scale.bound(Way::Falling, highest));
        assert!(scale.image(Way::Rising, 1) < scale.bound(Way::Rising, tiny));
        assert!(scale.image(Way::Rising, 20) >= scale.bound(Way::Rising, highest));
    }
}
