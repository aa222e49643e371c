//! Layer normalisation: every position's vector brought to mean 0 and variance 1, then scaled and shifted.
//!
//! y = (x − μ) / √(σ² + ε) ⊙ g + b, with μ and σ² the mean and the (biased) variance of x over its last axis;
//! x, y (…, D), gain g and bias b (D). Ba, Kiros & Hinton (2016), *Layer Normalization*.
//!
//! Unlike batch normalisation it looks at one position only: it is the same in training and evaluation, and the rows
//! of a batch stay independent.

use crate::{Bias, parameters};
use rungs_tensor::{Array, Element, Tensor};

/// ε, which keeps a constant vector from dividing by zero; PyTorch's default.
const EPSILON: f64 = 1e-5;

/// y = (x − μ) / √(σ² + ε) ⊙ g + b.
///
/// Parameters: D, and D for the bias.
#[derive(Debug, Clone)]
pub struct LayerNorm<E: Element = f32> {
    /// g (D), at first 1.
    pub gain: Tensor<E>,
    /// b (D), at first 0, or none.
    pub bias: Option<Tensor<E>>,
}

parameters!(LayerNorm { gain, bias });

impl<E: Element> LayerNorm<E> {
    /// A layer for vectors of `width` numbers that only normalises, until it learns otherwise.
    pub fn new(width: usize, bias: Bias) -> Self {
        Self { gain: Tensor::variable(Array::full(width, E::ONE)), bias: bias.zeros(width) }
    }

    /// x (…, D) → y (…, D).
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>) -> Tensor<E> {
        x.layer_norm(&self.gain, self.bias.as_ref(), EPSILON)
    }
}
