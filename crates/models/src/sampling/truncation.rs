//! Processors that make a distribution sharper, flatter or shorter.
//!
//! | processor | keeps | from |
//! |---|---|---|
//! | [`Temperature`] | everything, z / T | Ackley, Hinton & Sejnowski (1985) |
//! | [`TopK`] | the k likeliest tokens | [Fan, Lewis & Dauphin (2018)] |
//! | [`TopP`] | the likeliest tokens whose probabilities sum to p | [Holtzman et al. (2020)] |
//! | [`MinP`] | tokens at least m times as likely as the likeliest | [Nguyen et al. (2024)] |
//! | [`Typical`] | tokens whose surprise is closest to the expected one | [Meister et al. (2023)] |
//!
//! [Fan, Lewis & Dauphin (2018)]: https://arxiv.org/abs/1805.04833
//! [Holtzman et al. (2020)]: https://arxiv.org/abs/1904.09751
//! [Nguyen et al. (2024)]: https://arxiv.org/abs/2407.01082
//! [Meister et al. (2023)]: https://arxiv.org/abs/2202.00666
//!
//! Each keeps at least one token. What is left is not normalised: softmax does that.

use super::logits::{RULED_OUT, largest, maximum, total, weights};
use super::processor::{Context, Processor};
use crate::config::{ConfigError, check_number, check_sizes};
use std::cmp::Ordering;

/// T in z / T: finite and above 0. Towards 0 the likeliest token is chosen always.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature(f64);

impl Temperature {
    /// # Errors
    /// Unless 0 < T < ∞.
    pub fn new(temperature: f64) -> Result<Self, ConfigError> {
        let fits = temperature > 0.0 && temperature.is_finite();
        check_number("temperature", temperature, fits, "a finite number above 0").map(Self)
    }
}

impl Processor for Temperature {
    /// z ← (z − max z) / T. The shift changes no probability, and keeps a tiny T from making infinities of all.
    fn process(&self, _: &Context<'_>, logits: &mut [f64]) {
        let max = maximum(logits);
        if max > RULED_OUT && self.0 != 1.0 {
            logits.iter_mut().for_each(|z| *z = (*z - max) / self.0);
        }
    }
}

/// So many of the largest logits are kept in order while all are looked at once; for more it takes less to part all of
/// them.
const FEW: usize = 1024;

/// k, how many of the largest logits stay: at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopK(usize);

impl TopK {
    /// # Errors
    /// If k is 0.
    pub fn new(k: usize) -> Result<Self, ConfigError> {
        check_sizes(usize::MAX, &[("top-k", k)]).map(|()| Self(k))
    }
}

impl Processor for TopK {
    /// Keeps the k largest logits, or all if there are fewer; of equals those of the smaller ids.
    fn process(&self, _: &Context<'_>, logits: &mut [f64]) {
        let k = self.0;
        let there = (0..).zip(logits.iter().copied()).filter(|&(_, z)| z > RULED_OUT);
        let kept = if k <= FEW {
            largest(there, k)
        } else {
            let mut all: Vec<(u32, f64)> = there.collect();
            if k < all.len() {
                all.select_nth_unstable_by(k, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                all.truncate(k);
            }
            all
        };
        logits.fill(RULED_OUT);
        kept.into_iter().for_each(|(id, z)| logits[id as usize] = z);
    }
}

/// A share of the probability.
fn share(name: &str, p: f64) -> Result<f64, ConfigError> {
    check_number(name, p, p > 0.0 && p <= 1.0, "above 0 and at most 1")
}

/// p, how much probability stays: above 0, at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TopP(f64);

impl TopP {
    /// # Errors
    /// Unless 0 < p ≤ 1.
    pub fn new(p: f64) -> Result<Self, ConfigError> {
        share("top-p", p).map(Self)
    }
}

impl Processor for TopP {
    /// Keeps the nucleus: the likeliest token, and the next, until their probabilities sum to p or more.
    fn process(&self, _: &Context<'_>, logits: &mut [f64]) {
        let max = maximum(logits);
        keep_share(self.0, logits, |z| max - z);
    }
}

/// m, the least probability in terms of the largest: above 0, at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MinP(f64);

impl MinP {
    /// # Errors
    /// Unless 0 < m ≤ 1.
    pub fn new(m: f64) -> Result<Self, ConfigError> {
        share("min-p", m).map(Self)
    }
}

impl Processor for MinP {
    /// Keeps tokens with p ≥ m · max p, which is z ≥ max z + ln m.
    fn process(&self, _: &Context<'_>, logits: &mut [f64]) {
        let least = maximum(logits) + self.0.ln();
        logits.iter_mut().filter(|z| **z < least).for_each(|z| *z = RULED_OUT);
    }
}

/// τ, how much probability the typical tokens have together: above 0, at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Typical(f64);

impl Typical {
    /// # Errors
    /// Unless 0 < τ ≤ 1.
    pub fn new(mass: f64) -> Result<Self, ConfigError> {
        share("typical", mass).map(Self)
    }
}

impl Processor for Typical {
    /// Keeps the tokens whose −ln p is closest to the entropy H = −Σ p ln p, until their probabilities sum to τ or
    /// more.
    fn process(&self, _: &Context<'_>, logits: &mut [f64]) {
        let max = maximum(logits);
        if max == RULED_OUT {
            return;
        }
        let weights = weights(logits);
        let sum = total(&weights);
        let surprise = |z: f64| max + sum.ln() - z;
        let kept = weights.iter().zip(logits.iter()).filter(|(weight, _)| **weight > 0.0);
        let entropy: f64 = kept.map(|(weight, &z)| weight / sum * surprise(z)).sum();
        keep_share(self.0, logits, |z| (surprise(z) - entropy).abs());
    }
}

/// Parts of a nat by which tokens are sorted roughly, and how many there are: what is farther is in the last.
const PARTS: f64 = 64.0;
const BINS: u16 = 4096;

/// Keeps the nearest tokens whose probabilities sum to a share of all or more, at least one; of those equally near the
/// first. How far one is, from 0 on, is told from its logit.
fn keep_share(share: f64, logits: &mut [f64], distance: impl Fn(f64) -> f64) {
    if share == 1.0 {
        return; // everything; a rounded sum might reach 1 before the end
    }
    let weights = weights(logits);
    let goal = share * total(&weights);
    // Sorting a vocabulary takes longer than a token should. So they are put into bins, and only the one in which the
    // last that is kept lies is sorted.
    let bin = |&z: &f64| if z > RULED_OUT { ((distance(z) * PARTS) as u16).min(BINS - 1) } else { BINS };
    let bins: Vec<u16> = logits.iter().map(bin).collect();
    let mut sums = vec![0.0; usize::from(BINS)];
    for (&bin, weight) in bins.iter().zip(&weights).filter(|(bin, _)| **bin < BINS) {
        sums[usize::from(bin)] += weight;
    }
    let mut before = 0.0;
    let last = sums.iter().position(|sum| {
        let reached = before + sum >= goal;
        before += if reached { 0.0 } else { *sum };
        reached
    });
    let last = last.map_or(BINS - 1, |last| last as u16);
    let mut ids = Vec::new();
    for (id, (z, bin)) in logits.iter_mut().zip(bins).enumerate() {
        match bin.cmp(&last) {
            Ordering::Less => {}
            Ordering::Equal => ids.push(id),
            Ordering::Greater => *z = RULED_OUT,
        }
    }
    let nearer = |&a: &usize, &b: &usize| distance(logits[a]).total_cmp(&distance(logits[b])).then(a.cmp(&b));
    ids.sort_unstable_by(nearer);
    let reached = |sum: &mut f64, &id: &usize| {
        let kept = *sum < goal;
        *sum += weights[id];
        Some(kept)
    };
    let kept = ids.iter().scan(before, reached).take_while(|&kept| kept).count();
    ids[kept..].iter().for_each(|&id| logits[id] = RULED_OUT);
}

#[cfg(test)]
mod tests;
