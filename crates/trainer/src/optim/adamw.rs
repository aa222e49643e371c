//! AdamW.

use super::adam::Adam;
use super::rule::{Rule, StepSize};
use rungs_layers::tensor::Element;
use serde::{Deserialize, Serialize};

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019):
///
/// ```text
/// θ ← (1 − η λ) θ             for tensors of two or more axes only
/// θ ← Adam's step
/// ```
///
/// Decay added to the gradient, as L2 regularisation would have it, is divided by √v̂ with it, so that the weights with
/// the largest gradients would decay least. Biases and gains are not decayed: pulling a gain to zero switches its
/// unit off.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamW {
    /// β₁, in [0, 1).
    pub beta1: f64,
    /// β₂, in [0, 1).
    pub beta2: f64,
    /// ε, above 0.
    pub epsilon: f64,
    /// λ, 0 or more.
    pub weight_decay: f64,
}

impl Default for AdamW {
    /// nanoGPT's on a small model: β₁ = 0.9, β₂ = 0.99, ε = 10⁻⁸, λ = 0.1.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.1 }
    }
}

impl<E: Element> Rule<E> for AdamW {
    fn moments(&self) -> &'static [&'static str] {
        Adam::MOMENTS
    }

    fn update(&self, step: &StepSize, parameter: &mut [E], gradient: &[E], moments: &mut [&mut [E]]) {
        let keep = if step.decays() { 1.0 - step.learning_rate * self.weight_decay } else { 1.0 };
        let adam = Adam { beta1: self.beta1, beta2: self.beta2, epsilon: self.epsilon };
        adam.update_keeping(keep, step, parameter, gradient, moments);
    }
}
