//! Stochastic gradient descent.

use super::rule::{Rule, StepSize, smallest_normal, without_denormals};
use rungs_layers::tensor::Element;
use serde::{Deserialize, Serialize};

/// Gradient descent with momentum, as PyTorch writes it (dampening 0):
///
/// ```text
/// v ← μ v + g
/// θ ← θ − η v                 Polyak's momentum
/// θ ← θ − η (g + μ v)         Nesterov's: the gradient is looked at where the momentum leads
/// ```
///
/// Without momentum (μ = 0) it is θ ← θ − η g and keeps nothing.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sgd {
    /// μ, in [0, 1).
    pub momentum: f64,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
}

impl<E: Element> Rule<E> for Sgd {
    fn moments(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["velocity"] }
    }

    fn update(&self, step: &StepSize, parameter: &mut [E], gradient: &[E], moments: &mut [&mut [E]]) {
        let [rate, factor, momentum] = [step.learning_rate, step.gradient_factor, self.momentum].map(E::from_f64);
        let [velocity] = moments else {
            for (x, &g) in parameter.iter_mut().zip(gradient) {
                *x = *x - rate * (factor * g);
            }
            return;
        };
        let (nesterov, tiny) = (self.nesterov, smallest_normal::<E>());
        for ((x, &g), v) in parameter.iter_mut().zip(gradient).zip(velocity.iter_mut()) {
            let g = factor * g;
            *v = without_denormals(momentum * *v + g, tiny);
            *x = *x - rate * if nesterov { g + momentum * *v } else { *v };
        }
    }
}
