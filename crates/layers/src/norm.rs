//! Normalisation: every position's vector brought to a common size, then scaled.
//!
//! ```text
//! LN(x)  = (x − μ) / √(σ² + ε) ⊙ g + b        μ and σ² the mean and the (biased) variance of x over its last axis
//! RMS(x) = x / √(ms(x) + ε) ⊙ g               ms the mean of the squares
//! ```
//! with x, y (…, D), gain g and bias b (D). Ba, Kiros & Hinton (2016), *Layer Normalization*; Zhang & Sennrich (2019),
//! *Root Mean Square Layer Normalization*, which found that the mean need not be taken off.
//!
//! Unlike batch normalisation both look at one position only: they are the same in training and evaluation, and the
//! rows of a batch stay independent.

use crate::{Bias, parameters};
use rungs_tensor::{Array, Element, Tensor};
use serde::{Deserialize, Serialize};

/// ε, which keeps a constant vector from dividing by zero: PyTorch's default, and what GPT-2 and Llama have.
pub const EPSILON: f64 = 1e-5;

/// Which normalisation a [`Norm`] is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", content = "epsilon", rename_all = "lowercase")]
pub enum NormKind {
    /// Layer normalisation with this ε: (x − μ) / √(σ² + ε) ⊙ g + b.
    Layer(f64),
    /// Root-mean-square normalisation with this ε: x / √(ms(x) + ε) ⊙ g. Llama's models have 10⁻⁵ or 10⁻⁶.
    Rms(f64),
}

impl NormKind {
    /// ε.
    pub fn epsilon(self) -> f64 {
        match self {
            NormKind::Layer(epsilon) | NormKind::Rms(epsilon) => epsilon,
        }
    }
}

/// Normalisation of every vector by itself.
///
/// Parameters: D, and D for the bias.
#[doc(alias = "LayerNorm")]
#[doc(alias = "RMSNorm")]
#[derive(Debug, Clone)]
pub struct Norm<E: Element = f32> {
    /// g (D), at first 1.
    pub gain: Tensor<E>,
    /// b (D), at first 0, or none.
    pub bias: Option<Tensor<E>>,
    /// Layer norm or root-mean-square norm.
    pub kind: NormKind,
}

parameters!(Norm { gain, bias, kind: _ });

impl<E: Element> Norm<E> {
    /// A layer for vectors of `width` numbers that only normalises, until it learns otherwise; root-mean-square norms
    /// have no bias.
    pub fn new(kind: NormKind, width: usize, bias: Bias) -> Self {
        let bias = if matches!(kind, NormKind::Layer(_)) { bias.zeros(width) } else { None };
        Self { gain: Tensor::variable(Array::full(width, E::ONE)), bias, kind }
    }

    /// x (…, D) → y (…, D).
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>) -> Tensor<E> {
        match self.kind {
            NormKind::Layer(epsilon) => x.layer_norm(&self.gain, self.bias.as_ref(), epsilon),
            NormKind::Rms(epsilon) => x.rms_norm(&self.gain, epsilon),
        }
    }
}
