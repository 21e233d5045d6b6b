//! Chance that can be had again.

/// A small generator whose seed is printed, so that a failure can be run again with `WHARF_TEST_SEED`.
pub struct Chance(u64);

impl Chance {
    pub fn seeded() -> Self {
        let wanted = std::env::var("WHARF_TEST_SEED").ok().map(|seed| seed.parse::<u64>().expect("a number"));
        // From nothing it would draw nothing else.
        let seed = wanted.unwrap_or_else(|| u64::from(std::process::id())) | 1;
        println!("WHARF_TEST_SEED={seed}");
        Self(seed)
    }

    /// A number from nothing up to what is below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }
}
