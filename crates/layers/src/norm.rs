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

use crate::{Bias, Module, Path, parameters};
use rungs_tensor::{Array, Element, Tensor};
use serde::{Deserialize, Serialize};
use std::any::Any;

/// ε, which keeps a constant vector from dividing by zero: PyTorch's default, and what GPT-2 and Llama have.
pub const EPSILON: f64 = 1e-5;

/// y = (x − μ) / √(σ² + ε) ⊙ g + b.
///
/// Parameters: D, and D for the bias.
#[derive(Debug, Clone)]
pub struct LayerNorm<E: Element = f32> {
    /// g (D), at first 1.
    pub gain: Tensor<E>,
    /// b (D), at first 0, or none.
    pub bias: Option<Tensor<E>>,
    /// ε, at first [`EPSILON`].
    pub epsilon: f64,
}

parameters!(LayerNorm { gain, bias, epsilon: _ });

impl<E: Element> LayerNorm<E> {
    /// A layer for vectors of `width` numbers that only normalises, until it learns otherwise.
    pub fn new(width: usize, bias: Bias) -> Self {
        Self { gain: Tensor::variable(Array::full(width, E::ONE)), bias: bias.zeros(width), epsilon: EPSILON }
    }

    /// x (…, D) → y (…, D).
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>) -> Tensor<E> {
        x.layer_norm(&self.gain, self.bias.as_ref(), self.epsilon)
    }
}

/// y = x / √(ms(x) + ε) ⊙ g.
///
/// Parameters: D.
#[derive(Debug, Clone)]
pub struct RmsNorm<E: Element = f32> {
    /// g (D), at first 1.
    pub gain: Tensor<E>,
    /// ε, as small as the numbers allow: Llama's models have 10⁻⁵ or 10⁻⁶.
    pub epsilon: f64,
}

parameters!(RmsNorm { gain, epsilon: _ });

impl<E: Element> RmsNorm<E> {
    /// A layer for vectors of `width` numbers that only normalises, until it learns otherwise.
    pub fn new(width: usize, epsilon: f64) -> Self {
        Self { gain: Tensor::variable(Array::full(width, E::ONE)), epsilon }
    }

    /// x (…, D) → y (…, D).
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>) -> Tensor<E> {
        x.rms_norm(&self.gain, self.epsilon)
    }
}

/// Which normalisation a [`Norm`] is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", content = "epsilon", rename_all = "lowercase")]
pub enum NormKind {
    /// [`LayerNorm`] with this ε.
    Layer(f64),
    /// [`RmsNorm`] with this ε.
    Rms(f64),
}

/// One of the two.
#[derive(Debug, Clone)]
pub enum Norm<E: Element = f32> {
    /// Layer normalisation.
    Layer(LayerNorm<E>),
    /// Root-mean-square normalisation.
    Rms(RmsNorm<E>),
}

impl NormKind {
    /// ε.
    pub fn epsilon(self) -> f64 {
        match self {
            NormKind::Layer(epsilon) | NormKind::Rms(epsilon) => epsilon,
        }
    }
}

impl<E: Element> Module<E> for Norm<E> {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, &'a Tensor<E>)) {
        match self {
            Norm::Layer(norm) => norm.visit(path, f),
            Norm::Rms(norm) => norm.visit(path, f),
        }
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut Tensor<E>)) {
        match self {
            Norm::Layer(norm) => norm.visit_mut(path, f),
            Norm::Rms(norm) => norm.visit_mut(path, f),
        }
    }

    fn visit_modules(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any)) {
        match self {
            Norm::Layer(norm) => norm.visit_modules(path, f),
            Norm::Rms(norm) => norm.visit_modules(path, f),
        }
    }
}

impl<E: Element> Norm<E> {
    /// A layer of this kind for vectors of `width` numbers; root-mean-square norms have no bias.
    pub fn new(kind: NormKind, width: usize, bias: Bias) -> Self {
        match kind {
            NormKind::Layer(epsilon) => Norm::Layer(LayerNorm { epsilon, ..LayerNorm::new(width, bias) }),
            NormKind::Rms(epsilon) => Norm::Rms(RmsNorm::new(width, epsilon)),
        }
    }

    /// x (…, D) → y (…, D).
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>) -> Tensor<E> {
        match self {
            Norm::Layer(norm) => norm.forward(x),
            Norm::Rms(norm) => norm.forward(x),
        }
    }
}
