//! RMSprop.

use super::rule::{Rule, StepSize, smallest_normal, without_denormals};
use rungs_layers::tensor::Element;
use serde::{Deserialize, Serialize};

/// Each number's gradient is divided by the root of its running mean square (Hinton 2012, lecture 6e):
///
/// ```text
/// s ← α s + (1 − α) g²
/// u = g / (√s + ε)                             as PyTorch writes it, or
/// u = g / √(s + ε)                             as Keras does
/// θ ← θ − η u                                  without momentum
/// v ← μ v + u,   θ ← θ − η v                   with momentum μ
/// ```
///
/// Where ε stands is no matter of taste: a gradient that stays at 10⁻⁵ moves a parameter by η per step if 10⁻⁸ is added
/// to the root, and by η/32 if 10⁻⁷ is added under it.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RmsProp {
    /// α, in [0, 1): how slowly the mean square forgets.
    pub alpha: f64,
    /// ε, above 0.
    pub epsilon: f64,
    /// μ, in [0, 1).
    pub momentum: f64,
    /// Whether ε is added under the root. Settings that do not say so were written before there was a choice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub epsilon_under_root: bool,
}

impl RmsProp {
    /// Keras's defaults: α (there `rho`) = 0.9, ε = 10⁻⁷ under the root, no momentum. Its learning rate is 10⁻³.
    pub fn keras() -> Self {
        Self { alpha: 0.9, epsilon: 1e-7, momentum: 0.0, epsilon_under_root: true }
    }
}

impl Default for RmsProp {
    /// PyTorch's: α = 0.99, ε = 10⁻⁸ beside the root, no momentum.
    fn default() -> Self {
        Self { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, epsilon_under_root: false }
    }
}

impl<E: Element> Rule<E> for RmsProp {
    fn moments(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &["square"] } else { &["square", "velocity"] }
    }

    fn update(&self, step: &StepSize, parameter: &mut [E], gradient: &[E], moments: &mut [&mut [E]]) {
        let [rate, factor, momentum] = [step.learning_rate, step.gradient_factor, self.momentum].map(E::from_f64);
        let [alpha, share] = [self.alpha, 1.0 - self.alpha].map(E::from_f64);
        // One of the two is zero, which changes no bit of what it is added to and needs no branch in the loop.
        let [under, beside] =
            if self.epsilon_under_root { [self.epsilon, 0.0] } else { [0.0, self.epsilon] }.map(E::from_f64);
        let tiny = smallest_normal::<E>();
        let direction = |g: E, s: &mut E| {
            *s = without_denormals(alpha * *s + share * g * g, tiny);
            g / ((*s + under).sqrt() + beside)
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
