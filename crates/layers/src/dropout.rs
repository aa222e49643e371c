//! Dropout: numbers set to zero at random while training, so that none can be relied upon.
//!
//! y = x ⊙ m / (1 − p), with mᵢ = 0 with probability p and 1 otherwise, independently; in evaluation y = x.
//! Srivastava et al. (2014), *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*.
//!
//! This is the inverted form: dividing by 1 − p in training keeps the expectation, E\[y\] = x, so evaluation has
//! nothing to correct. Masks are drawn one number after the other from the generator in [`Mode::Train`], never in
//! parallel: the same seed gives the same bits on any number of threads.

use crate::Mode;
use rungs_tensor::{Array, Element, Tensor, WeightDropout};

/// y = x ⊙ m / (1 − p) in training, y = x in evaluation. It has no parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    probability: f64,
}

impl Dropout {
    /// Drops each number with this probability; 0 turns it off.
    ///
    /// # Panics
    /// Unless 0 ≤ p < 1.
    #[track_caller]
    pub fn new(probability: f64) -> Self {
        assert!((0.0..1.0).contains(&probability), "dropout: probability {probability} is not in [0, 1)");
        Self { probability }
    }

    /// p, in \[0, 1).
    pub fn probability(&self) -> f64 {
        self.probability
    }

    /// x → y of the same shape. Nothing is drawn in evaluation, or if p = 0.
    pub fn forward<E: Element>(&self, x: &Tensor<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        match mode {
            Mode::Train(rng) if self.probability > 0.0 => {
                let kept = E::from_f64(1.0 / (1.0 - self.probability));
                let mask = |_| if rng.uniform() < self.probability { E::ZERO } else { kept };
                x * Tensor::constant(Array::from_fn(x.shape(), mask))
            }
            _ => x.clone(),
        }
    }

    /// Which attention weights are dropped in one forward, if any are: the kernel draws them from the seed.
    pub(crate) fn of_weights(self, mode: &mut Mode<'_>) -> Option<WeightDropout> {
        let (Mode::Train(rng), probability) = (mode, self.probability) else { return None };
        (probability > 0.0).then(|| WeightDropout { probability, seed: rng.u64() })
    }
}

#[cfg(test)]
mod tests;
