//! Which random numbers do the workloads use? One seed, one sequence, on every machine.

/// Splitmix64: 64 bits of state, every seed is good.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    #[inline]
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `bound`, which must not be zero.
    #[inline]
    pub const fn below(&mut self, bound: u32) -> u32 {
        // The product of two 32-bit numbers has its quotient by 2^32 in the upper half.
        high_half((self.next() >> 32) * bound as u64)
    }

    /// `floor(u^2 x bound)` for a uniform `u`: small numbers are the likely ones.
    #[inline]
    pub const fn squared_below(&mut self, bound: u32) -> u32 {
        let uniform = self.next() >> 32;
        high_half(((uniform * uniform) >> 32) * bound as u64)
    }

    /// Heads or tails.
    #[inline]
    pub const fn coin(&mut self) -> bool {
        self.next() >> 63 == 1
    }
}

/// Fits: the shift leaves 32 bits.
const fn high_half(wide: u64) -> u32 {
    (wide >> 32) as u32
}

/// The finaliser of splitmix64: every input bit reaches every output bit.
#[inline]
#[must_use]
pub const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_is_the_published_one() {
        let mut random = Random::new(1_234_567);
        let first: [u64; 3] = core::array::from_fn(|_| random.next());
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn bounds_hold() {
        let mut random = Random::new(1);
        assert!(
            (0..1000).all(|_| random.below(7) < 7 && random.squared_below(7) < 7 && random.below(1) == 0)
        );
    }
}
