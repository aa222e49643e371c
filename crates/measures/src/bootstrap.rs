//! Is one system better than another, or were these sentences kind to it? The paired bootstrap (Koehn 2004,
//! [W04-3250](https://aclanthology.org/W04-3250)).
//!
//! ```text
//! d     = S(second) − S(first)                     on the pairs there are
//! d*_b  = S_b(second) − S_b(first)                 on as many pairs, drawn from them with replacement, b = 1 … B
//! [l,u] = the d*_b without the lowest and the highest 2.5 %
//! p     = (1 + #{b: |d*_b − mean d*| ≥ |d|}) / (B + 1)
//! ```
//!
//! Both systems are scored on the *same* drawn pairs, so that what makes a sentence hard for both does not blur the
//! difference. A score of a corpus is computed anew for each draw, from what is [counted](Statistics) of its sentences:
//! BLEU of a draw is no mean over sentences.
//!
//! p says how often a difference so large, in either direction, would come from the choice of sentences if there were
//! none: the d* moved so that their mean is 0 are what would then be seen (Noreen 1989). A system beside itself has
//! p = 1. sacrebleu's `--paired-bs` moves *absolute* differences instead, and counts where |d*_b| − mean |d*| > |d|.
//! Where all d* have one sign this looks at one side alone, so that its p is smaller, by about a half; that of a system
//! beside itself is the smallest there is.
//!
//! What is drawn are the texts that are measured. Another training run of the same model is another matter, about which
//! this says nothing.

use rungs_random::Rng;
use std::ops::AddAssign;

/// What is counted of a text for a measure: it is added up over texts, and only then becomes a score.
pub trait Statistics: Copy + Default + AddAssign {
    /// The score of all that was added up.
    fn score(&self) -> f64;
}

/// A mean: what is added up, divided by how much of it there is.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Ratio {
    /// The numerator.
    pub sum: f64,
    /// The denominator.
    pub of: f64,
}

impl Ratio {
    /// One value of a mean over values.
    pub fn one(value: f64) -> Self {
        Self { sum: value, of: 1.0 }
    }
}

impl AddAssign for Ratio {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.of += other.of;
    }
}

impl Statistics for Ratio {
    /// The quotient; 0 if there is nothing.
    fn score(&self) -> f64 {
        if self.of == 0.0 { 0.0 } else { self.sum / self.of }
    }
}

/// The score of all texts together.
pub fn total<C: Statistics>(counts: impl IntoIterator<Item = C>) -> C {
    counts.into_iter().fold(C::default(), |mut sum, count| {
        sum += count;
        sum
    })
}

/// Draws from `size` texts, as many each time, the same whenever they are asked for.
#[derive(Clone, Debug)]
pub struct Resamples {
    /// How many texts there are.
    pub size: usize,
    /// B, how often they are drawn.
    pub count: usize,
    /// Where the draws come from.
    pub rng: Rng,
}

impl Resamples {
    /// The places of the texts of each draw.
    pub fn iter(&self) -> impl Iterator<Item = Vec<usize>> + use<> {
        let Self { size, count, mut rng } = self.clone();
        (0..count).map(move |_| (0..size).map(|_| rng.below(size)).collect())
    }
}

/// Two systems beside each other.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedBootstrap {
    /// d, of all texts.
    pub difference: f64,
    /// d*_b, in the order of the draws.
    pub resampled: Vec<f64>,
}

impl PairedBootstrap {
    /// What was counted of each text for both systems, and which texts are drawn, each time.
    ///
    /// # Panics
    /// If the systems do not have the same number of texts, or a place is none of them.
    pub fn new<C: Statistics>(first: &[C], second: &[C], resamples: impl IntoIterator<Item = Vec<usize>>) -> Self {
        assert!(first.len() == second.len(), "paired bootstrap: {} and {} texts", first.len(), second.len());
        let score = |counts: &[C], places: &[usize]| total(places.iter().map(|&place| counts[place])).score();
        let difference = |places: &[usize]| score(second, places) - score(first, places);
        let all: Vec<usize> = (0..first.len()).collect();
        let resampled = resamples.into_iter().map(|places| difference(&places)).collect();
        Self { difference: difference(&all), resampled }
    }

    /// Between which two of the d* the middle 95 % of them lie; of fewer than 40, all of them.
    ///
    /// # Panics
    /// If there were no draws.
    pub fn interval(&self) -> [f64; 2] {
        let mut sorted = self.resampled.clone();
        sorted.sort_by(f64::total_cmp);
        let left_out = sorted.len() / 40;
        [sorted[left_out], sorted[sorted.len() - 1 - left_out]]
    }

    /// p, from 1 / (B + 1) to 1.
    pub fn p_value(&self) -> f64 {
        let b = self.resampled.len() as f64;
        let mean = self.resampled.iter().sum::<f64>() / b;
        let as_large = |&&resampled: &&f64| (resampled - mean).abs() >= self.difference.abs();
        (1.0 + self.resampled.iter().filter(as_large).count() as f64) / (b + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Systems whose texts score these values on average.
    fn systems(size: usize, means: [f64; 2]) -> [Vec<Ratio>; 2] {
        let mut rng = Rng::new(1);
        means.map(|mean| (0..size).map(|_| Ratio::one(mean + rng.normal())).collect())
    }

    fn resamples(size: usize) -> Resamples {
        Resamples { size, count: 1_000, rng: Rng::new(0) }
    }

    #[test]
    fn a_mean_has_the_interval_that_theory_gives_it() {
        // The difference of two means of n values of deviation 1 has deviation √(2/n).
        let [first, second] = systems(400, [0.0, 0.3]);
        let bootstrap = PairedBootstrap::new(&first, &second, resamples(400).iter());
        let [low, high] = bootstrap.interval();
        let expected = 2.0 * 1.96 * (2.0_f64 / 400.0).sqrt();
        assert!(((high - low) / expected - 1.0).abs() < 0.12, "{} is not about {expected}", high - low);
        assert!(low < bootstrap.difference && bootstrap.difference < high && bootstrap.p_value() < 0.01);
        // Exchanged, it is the same with the other sign.
        let exchanged = PairedBootstrap::new(&second, &first, resamples(400).iter());
        assert_eq!((exchanged.interval(), exchanged.p_value()), ([-high, -low], bootstrap.p_value()));
    }

    #[test]
    fn p_is_uniform_where_there_is_no_difference() {
        let mut below = 0;
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let [first, second] = [0, 1].map(|_| (0..50).map(|_| Ratio::one(rng.normal())).collect::<Vec<_>>());
            let draws = Resamples { size: 50, count: 200, rng: rng.fork("draws") };
            below += usize::from(PairedBootstrap::new(&first, &second, draws.iter()).p_value() < 0.25);
        }
        assert!((30..=70).contains(&below), "a quarter of 200 is 50, not {below}");
    }

    #[test]
    fn a_system_does_not_differ_from_itself() {
        let [system, _] = systems(30, [0.5, 0.0]);
        let bootstrap = PairedBootstrap::new(&system, &system, resamples(30).iter());
        assert_eq!((bootstrap.difference, bootstrap.interval(), bootstrap.p_value()), (0.0, [0.0; 2], 1.0));
    }
}
