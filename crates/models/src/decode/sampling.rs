//! From the logits of the next token to a token.
//!
//! A model's logits z give probabilities p = softmax(z). Drawing from p itself (*plain sampling*) shows what the
//! model believes; but its long tail of unlikely tokens, each nearly impossible, is together likely enough to derail
//! a text every few dozen tokens. The transforms here reshape a row of logits before the draw; each is small,
//! and they are applied in this order:
//!
//! | transform | z becomes | paper |
//! |---|---|---|
//! | [`Temperature`] T | z / T: sharper below 1, flatter above | Ackley, Hinton & Sejnowski (1985) |
//! | [`TopK`] k | −∞ but for the k largest | Fan, Lewis & Dauphin (2018) |
//! | [`TopP`] p | −∞ outside the *nucleus*, the fewest tokens whose probabilities reach p | Holtzman et al. (2020) |
//!
//! As T → 0 sampling becomes [greedy](Sampling::Greedy): always the likeliest token.
//!
//! Everything is done in double precision, whatever the model computes in. Equal logits are ranked by id, so a
//! seed decides a text on every machine.

use crate::ConfigError;
use rungs_layers::tensor::Rng;

/// How the next token is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sampling {
    /// The likeliest token, the first of those equally likely. Nothing is drawn.
    Greedy,
    /// A random token, drawn from the softmax of the transformed logits.
    Random {
        /// How much chance is let in.
        temperature: Temperature,
        /// Whether only the largest logits count.
        top_k: Option<TopK>,
        /// Whether only the nucleus counts.
        top_p: Option<TopP>,
    },
}

impl Sampling {
    /// Draws at this temperature, from the `top_k` likeliest tokens, and of them from the nucleus `top_p`.
    ///
    /// # Errors
    /// Unless temperature > 0, k ≥ 1 and 0 < p ≤ 1, all finite.
    pub fn random(temperature: f64, top_k: Option<usize>, top_p: Option<f64>) -> Result<Self, ConfigError> {
        Ok(Self::Random {
            temperature: Temperature::new(temperature)?,
            top_k: top_k.map(TopK::new).transpose()?,
            top_p: top_p.map(TopP::new).transpose()?,
        })
    }

    /// Draws from the model's own probabilities.
    pub fn plain() -> Self {
        Self::Random { temperature: Temperature(1.0), top_k: None, top_p: None }
    }

    /// The next token. −∞ marks tokens that must not be chosen; the other logits are finite. Of `logits` nothing
    /// sensible is left.
    ///
    /// # Panics
    /// If no token may be chosen.
    pub fn choose(&self, logits: &mut [f64], rng: &mut Rng) -> u32 {
        let chosen = match self {
            Sampling::Greedy => likeliest(logits),
            Sampling::Random { temperature, top_k, top_p } => {
                temperature.apply(logits);
                if let Some(top_k) = top_k {
                    top_k.apply(logits);
                }
                if let Some(top_p) = top_p {
                    top_p.apply(logits);
                }
                draw(logits, rng)
            }
        };
        u32::try_from(chosen.expect("a token that may be chosen")).expect("ids are 32 bits wide")
    }
}

/// T in z / T: finite and above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature(f64);

impl Temperature {
    /// # Errors
    /// Unless 0 < T < ∞.
    pub fn new(temperature: f64) -> Result<Self, ConfigError> {
        if temperature > 0.0 && temperature.is_finite() {
            Ok(Self(temperature))
        } else {
            let range = "a finite number above 0";
            Err(ConfigError::Range { name: "temperature", value: temperature, range })
        }
    }

    /// z ← (z − max z) / T. The shift changes no probability, and keeps a tiny T from making infinities of all.
    pub fn apply(self, logits: &mut [f64]) {
        let max = maximum(logits);
        for z in logits {
            *z = (*z - max) / self.0;
        }
    }
}

/// k, how many of the largest logits stay: at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopK(usize);

impl TopK {
    /// # Errors
    /// If k is 0.
    pub fn new(k: usize) -> Result<Self, ConfigError> {
        if k == 0 { Err(ConfigError::Zero { name: "top-k" }) } else { Ok(Self(k)) }
    }

    /// Keeps the k largest logits, or all if there are fewer.
    pub fn apply(self, logits: &mut [f64]) {
        let mut ids = candidates(logits);
        if self.0 < ids.len() {
            ids.select_nth_unstable_by(self.0, |&a, &b| rank(logits, a, b));
            rule_out(logits, &ids[self.0..]);
        }
    }
}

/// p, how much probability stays: above 0, at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TopP(f64);

impl TopP {
    /// # Errors
    /// Unless 0 < p ≤ 1.
    pub fn new(p: f64) -> Result<Self, ConfigError> {
        if p > 0.0 && p <= 1.0 {
            Ok(Self(p))
        } else {
            Err(ConfigError::Range { name: "top-p", value: p, range: "above 0 and at most 1" })
        }
    }

    /// Keeps the nucleus: the likeliest token, and the next, until their probabilities sum to p or more.
    pub fn apply(self, logits: &mut [f64]) {
        if self.0 == 1.0 {
            return; // everything; a rounded sum might reach 1 before the end
        }
        let weights = weights(logits);
        let goal = self.0 * weights.iter().sum::<f64>();
        let mut ids = candidates(logits);
        // The nucleus is small where the vocabulary is large, so rank a few of the likeliest, and more only if needed.
        let mut ranked = 64;
        let nucleus = loop {
            ranked = ranked.min(ids.len());
            if ranked < ids.len() {
                ids.select_nth_unstable_by(ranked, |&a, &b| rank(logits, a, b));
            }
            ids[..ranked].sort_unstable_by(|&a, &b| rank(logits, a, b));
            let reached = |sum: &mut f64, &id: &usize| {
                let before = *sum;
                *sum += weights[id];
                Some(before < goal)
            };
            let inside = ids[..ranked].iter().scan(0.0, reached).take_while(|&inside| inside).count();
            if inside < ranked || ranked == ids.len() {
                break inside;
            }
            ranked *= 4;
        };
        rule_out(logits, &ids[nucleus..]);
    }
}

/// ln p of one token under the softmax of `logits`: z − ln Σ exp z.
pub fn log_probability(logits: &[f64], id: u32) -> f64 {
    log_probabilities(logits)[id as usize]
}

/// ln p of every token under the softmax of `logits`.
pub fn log_probabilities(logits: &[f64]) -> Vec<f64> {
    let max = maximum(logits);
    let log_sum = logits.iter().map(|z| (z - max).exp()).sum::<f64>().ln();
    logits.iter().map(|z| z - max - log_sum).collect()
}

/// The likeliest token, the first of those equally likely.
fn likeliest(logits: &[f64]) -> Option<usize> {
    candidates(logits).into_iter().min_by(|&a, &b| rank(logits, a, b))
}

/// A token drawn from the softmax of `logits`: the first at which the cumulative probability passes a uniform number.
fn draw(logits: &[f64], rng: &mut Rng) -> Option<usize> {
    let weights = weights(logits);
    let goal = rng.uniform() * weights.iter().sum::<f64>();
    let mut sum = 0.0;
    let passes = |weight: &f64| {
        sum += weight;
        sum > goal
    };
    // The same sums in the same order, so the last one is the total and passes; but goal may round up to the total.
    weights.iter().position(passes).or_else(|| weights.iter().rposition(|&weight| weight > 0.0))
}

/// exp(z − max z): the probabilities, but for a common factor.
fn weights(logits: &[f64]) -> Vec<f64> {
    let max = maximum(logits);
    logits.iter().map(|z| (z - max).exp()).collect()
}

fn maximum(logits: &[f64]) -> f64 {
    logits.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// The tokens that may be chosen.
fn candidates(logits: &[f64]) -> Vec<usize> {
    (0..logits.len()).filter(|&id| logits[id] > f64::NEG_INFINITY).collect()
}

fn rule_out(logits: &mut [f64], ids: &[usize]) {
    for &id in ids {
        logits[id] = f64::NEG_INFINITY;
    }
}

/// Whether `a` comes before `b`: larger logits first, then smaller ids. No two tokens are equal.
fn rank(logits: &[f64], a: usize, b: usize) -> std::cmp::Ordering {
    logits[b].total_cmp(&logits[a]).then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: f64 = f64::NEG_INFINITY;

    #[test]
    fn top_k_keeps_exactly_k_and_prefers_small_ids() {
        let keep = |k, z: &[f64]| {
            let mut z = z.to_vec();
            TopK::new(k).unwrap().apply(&mut z);
            z
        };
        assert_eq!(keep(2, &[1.0, 3.0, 2.0, 0.0]), [OUT, 3.0, 2.0, OUT]);
        assert_eq!(keep(2, &[1.0, 1.0, 1.0, 1.0]), [1.0, 1.0, OUT, OUT]);
        assert_eq!(keep(9, &[1.0, OUT, 2.0]), [1.0, OUT, 2.0]);
    }

    #[test]
    fn top_p_keeps_the_fewest_tokens_that_reach_p() {
        let keep = |p, probabilities: &[f64]| {
            let mut z: Vec<f64> = probabilities.iter().map(|p| p.ln()).collect();
            TopP::new(p).unwrap().apply(&mut z);
            z.iter().map(|&z| z > OUT).collect::<Vec<_>>()
        };
        assert_eq!(keep(0.7, &[0.1, 0.5, 0.25, 0.15]), [false, true, true, false]);
        assert_eq!(keep(0.76, &[0.1, 0.5, 0.25, 0.15]), [false, true, true, true]);
        assert_eq!(keep(1e-9, &[0.1, 0.5, 0.25, 0.15]), [false, true, false, false]);
        assert_eq!(keep(1.0, &[0.1, 0.5, 0.25, 0.15]), [true; 4]);
    }

    #[test]
    fn a_wide_nucleus_is_found_in_several_rounds() {
        // A thousand tokens equally likely: the nucleus of 0.9 is the first nine hundred.
        let mut z = vec![0.5; 1000];
        TopP::new(0.9 - 1e-9).unwrap().apply(&mut z);
        assert!(z.iter().enumerate().all(|(id, &z)| (z > OUT) == (id < 900)));
    }

    #[test]
    fn extreme_temperatures_stay_finite_where_it_matters() {
        let mut rng = Rng::new(0);
        let cold = Sampling::random(f64::MIN_POSITIVE, None, None).unwrap();
        assert_eq!(cold.choose(&mut [1.0, 1.5, -700.0], &mut rng), 1);
        let hot = Sampling::random(f64::MAX, None, None).unwrap();
        let draws: Vec<u32> = (0..200).map(|_| hot.choose(&mut [1.0, 9.0, OUT], &mut rng)).collect();
        assert!(draws.contains(&0) && draws.contains(&1) && !draws.contains(&2));
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = Temperature::new(temperature).unwrap_err().to_string();
            assert_eq!(error, format!("temperature {temperature} is not a finite number above 0"));
        }
        for p in [0.0, -0.1, 1.0001, f64::NAN] {
            assert_eq!(TopP::new(p).unwrap_err().to_string(), format!("top-p {p} is not above 0 and at most 1"));
        }
        assert_eq!(TopK::new(0).unwrap_err().to_string(), "top-k is 0; it must be at least 1");
    }
}
