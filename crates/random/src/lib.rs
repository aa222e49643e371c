//! Randomness as a value: explicit, forkable by name, saveable.
//!
//! The crate is one type, [`Rng`], and what it draws: bits, numbers on [0, 1), normal numbers, numbers below a limit, an
//! order of items. There is no global generator and none seeded by the clock: whoever draws was given an [`Rng`]. Arrays
//! of random numbers are made in `rungs-tensor`.
//!
//! The generator is xoshiro256++ (Blackman and Vigna, 2021), seeded through splitmix64. Its stream for a seed is part
//! of this crate's promises: results printed anywhere can be repeated.

/// A source of random numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    state: [u64; 4],
}

/// Everything there is to know about a generator: four words, never all zero.
pub type RngState = [u64; 4];

/// The splitmix64 sequence: turns any seed, however regular, into well-mixed words.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    /// The generator for a seed.
    pub fn new(seed: u64) -> Self {
        let mut mix = seed;
        Self { state: std::array::from_fn(|_| splitmix(&mut mix)) }
    }

    /// A generator with a stream of its own, decided by this one's state and a name. This one does not advance, so
    /// adding a fork changes no other stream.
    ///
    /// ```
    /// # use rungs_random::Rng;
    /// let rng = Rng::new(0);
    /// assert_eq!(rng.fork("dropout").u64(), rng.fork("dropout").u64());
    /// assert_ne!(rng.fork("dropout").u64(), rng.fork("data").u64());
    /// ```
    pub fn fork(&self, name: &str) -> Self {
        // FNV-1a, so that the mapping is fixed for all time, unlike the standard library's hasher.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut mix = hash;
        Self { state: self.state.map(|word| splitmix(&mut mix) ^ splitmix(&mut { word })) }
    }

    /// The next 64 random bits.
    pub fn u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform on [0, 1), a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        (self.u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Standard normal, by the cosine half of Box and Muller's transform (1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A whole number below `n`, each equally likely.
    ///
    /// # Panics
    /// If `n` is 0.
    #[track_caller]
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "below(0): there is no such number");
        // Multiply and shift; the few draws that would favour small numbers are drawn again (Lemire, 2019).
        let n = n as u64;
        let threshold = n.wrapping_neg() % n;
        loop {
            let wide = u128::from(self.u64()) * u128::from(n);
            if wide as u64 >= threshold {
                return (wide >> 64) as usize;
            }
        }
    }

    /// Puts the items in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// The state, to be saved.
    pub fn state(&self) -> RngState {
        self.state
    }

    /// A generator that goes on from a saved state; none if the state is all zero, which no generator can have.
    pub fn from_state(state: RngState) -> Option<Self> {
        (state != [0; 4]).then_some(Self { state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_a_seed_is_fixed() {
        let mut rng = Rng::new(0);
        let draws: Vec<u64> = (0..3).map(|_| rng.u64()).collect();
        assert_eq!(draws, [5_987_356_902_031_041_503, 7_051_070_477_665_621_255, 6_633_766_593_972_829_180]);
    }

    #[test]
    fn moments_are_right() {
        let mut rng = Rng::new(3);
        let n = 200_000;
        let normal: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        let mean = normal.iter().sum::<f64>() / f64::from(n);
        let variance = normal.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
        let kurtosis = normal.iter().map(|x| (x - mean).powi(4)).sum::<f64>() / f64::from(n) / variance.powi(2);
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02 && (kurtosis - 3.0).abs() < 0.1);
        let mut counts = [0; 7];
        (0..70_000).for_each(|_| counts[rng.below(7)] += 1);
        assert!(counts.iter().all(|&c| (9_600..10_400).contains(&c)), "{counts:?}");
    }

    #[test]
    fn a_saved_generator_goes_on_where_it_was() {
        let mut rng = Rng::new(9).fork("data");
        rng.u64();
        let mut copy = Rng::from_state(rng.state()).unwrap();
        assert_eq!((0..5).map(|_| rng.u64()).collect::<Vec<_>>(), (0..5).map(|_| copy.u64()).collect::<Vec<_>>());
        assert!(Rng::from_state([0; 4]).is_none());
    }
}
