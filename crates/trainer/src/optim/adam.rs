//! Adam, and AdamW, which decays weights besides.

use super::rule::{Rule, StepSize, decays, smallest_normal, without_denormals};
use rungs_layers::tensor::Element;
use serde::{Deserialize, Serialize};

/// Adaptive moment estimation (Kingma & Ba 2015, algorithm 1):
///
/// ```text
/// m ← β₁ m + (1 − β₁) g                        first moment: where the gradient usually points
/// v ← β₂ v + (1 − β₂) g²                       second moment: how large it usually is
/// m̂ = m / (1 − β₁ᵗ),   v̂ = v / (1 − β₂ᵗ)       both started at zero, which the first steps still feel
/// θ ← θ − η m̂ / (√v̂ + ε)
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// β₁, in [0, 1).
    pub beta1: f64,
    /// β₂, in [0, 1).
    pub beta2: f64,
    /// ε, above 0.
    pub epsilon: f64,
}

impl Default for Adam {
    /// The paper's: β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl Adam {
    /// The names of Adam's moments.
    const MOMENTS: &'static [&'static str] = &["first", "second"];

    /// The step above, after every parameter was multiplied by `keep`: 1 in Adam, 1 − ηλ in AdamW.
    fn update_keeping<E: Element>(
        &self,
        keep: f64,
        step: &StepSize,
        parameter: &mut [E],
        gradient: &[E],
        moments: &mut [&mut [E]],
    ) {
        let [first, second] = moments else { unreachable!("two moments, as MOMENTS says") };
        // The corrections are near 1 − 1 at first: they are computed in f64 whatever the element.
        let count = step.count as f64;
        let correction1 = 1.0 - self.beta1.powf(count);
        let correction2 = 1.0 - self.beta2.powf(count);
        let [beta2, share1, share2] = [self.beta2, 1.0 - self.beta1, 1.0 - self.beta2].map(E::from_f64);
        let [keep, epsilon, factor] = [keep, self.epsilon, step.gradient_factor].map(E::from_f64);
        let [rate, root] = [step.learning_rate / correction1, 1.0 / correction2.sqrt()].map(E::from_f64);
        let tiny = smallest_normal::<E>();
        let kept = first.iter_mut().zip(second.iter_mut());
        for ((x, &g), (m, v)) in parameter.iter_mut().zip(gradient).zip(kept) {
            let g = factor * g;
            *m = without_denormals(*m + share1 * (g - *m), tiny);
            *v = without_denormals(beta2 * *v + share2 * g * g, tiny);
            *x = keep * *x - rate * *m / (v.sqrt() * root + epsilon);
        }
    }
}

impl<E: Element> Rule<E> for Adam {
    fn moments(&self) -> &'static [&'static str] {
        Self::MOMENTS
    }

    fn update(&self, step: &StepSize, parameter: &mut [E], gradient: &[E], moments: &mut [&mut [E]]) {
        self.update_keeping(1.0, step, parameter, gradient, moments);
    }
}

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
        let keep = if decays(step.axes) { 1.0 - step.learning_rate * self.weight_decay } else { 1.0 };
        let adam = Adam { beta1: self.beta1, beta2: self.beta2, epsilon: self.epsilon };
        adam.update_keeping(keep, step, parameter, gradient, moments);
    }
}
