//! RMSprop.

use super::{Rule, StepSize, smallest_normal, without_denormals};
use rungs_layers::tensor::Element;
use serde::{Deserialize, Serialize};

/// Each number's gradient is divided by the root of its running mean square (Hinton 2012, lecture 6e), as PyTorch
/// writes it:
///
/// ```text
/// s ← α s + (1 − α) g²
/// u = g / (√s + ε)
/// θ ← θ − η u                                  without momentum
/// v ← μ v + u,   θ ← θ − η v                   with momentum μ
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RmsProp {
    /// α, in [0, 1): how slowly the mean square forgets.
    pub alpha: f64,
    /// ε, above 0.
    pub epsilon: f64,
    /// μ, in [0, 1).
    pub momentum: f64,
}

impl Default for RmsProp {
    /// PyTorch's: α = 0.99, ε = 10⁻⁸, no momentum.
    fn default() -> Self {
        Self { alpha: 0.99, epsilon: 1e-8, momentum: 0.0 }
    }
}

impl<E: Element> Rule<E> for RmsProp {
    fn moments(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &["square"] } else { &["square", "velocity"] }
    }

    fn update(&self, step: &StepSize, parameter: &mut [E], gradient: &[E], moments: &mut [&mut [E]]) {
        let [rate, factor, momentum] = [step.learning_rate, step.gradient_factor, self.momentum].map(E::from_f64);
        let [alpha, share, epsilon] = [self.alpha, 1.0 - self.alpha, self.epsilon].map(E::from_f64);
        let tiny = smallest_normal::<E>();
        let direction = |g: E, s: &mut E| {
            *s = without_denormals(alpha * *s + share * g * g, tiny);
            g / (s.sqrt() + epsilon)
        };
        match moments {
            [square] => {
                for ((x, &g), s) in parameter.iter_mut().zip(gradient).zip(square.iter_mut()) {
                    *x = *x - rate * direction(factor * g, s);
                }
            }
            [square, velocity] => {
                let kept = square.iter_mut().zip(velocity.iter_mut());
                for ((x, &g), (s, v)) in parameter.iter_mut().zip(gradient).zip(kept) {
                    *v = without_denormals(momentum * *v + direction(factor * g, s), tiny);
                    *x = *x - rate * *v;
                }
            }
            _ => unreachable!("one or two moments, as `moments` says"),
        }
    }
}
