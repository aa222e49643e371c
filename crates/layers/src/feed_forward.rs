//! The feed-forward layer of a Transformer: every position by itself, through a wider hidden layer and back.
//!
//! FF(x) = φ(xW₁ + b₁)W₂ + b₂, with x (…, D), W₁ (D, H), W₂ (H, D), usually H = 4D.
//! Vaswani et al. (2017), *Attention Is All You Need*, section 3.3, with φ = relu; GPT (2018) has φ = gelu.

use crate::{Dropout, Linear, Mode, parameters};
use rungs_tensor::{Element, Tensor};

/// φ, the function between two linear layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// max(x, 0). Nair & Hinton (2010).
    Relu,
    /// x·Φ(x), with Φ the normal distribution function. Hendrycks & Gimpel (2016), *Gaussian Error Linear Units*.
    Gelu,
    /// ½x(1 + tanh(√(2/π)(x + 0.044715x³))): the paper's approximation of gelu, which GPT-2 uses.
    GeluTanh,
    /// tanh x.
    Tanh,
}

impl Activation {
    /// φ(x), element by element.
    pub fn apply<E: Element>(self, x: &Tensor<E>) -> Tensor<E> {
        match self {
            Activation::Relu => x.relu(),
            Activation::Gelu => x.gelu(),
            Activation::GeluTanh => x.gelu_tanh(),
            Activation::Tanh => x.tanh(),
        }
    }
}

/// FF(x) = dropout(φ(xW₁ + b₁)W₂ + b₂).
///
/// Parameters: 2·D·H, and H + D for the biases.
#[derive(Debug, Clone)]
pub struct FeedForward<E: Element = f32> {
    /// W₁ (D, H) and b₁.
    pub up: Linear<E>,
    /// W₂ (H, D) and b₂.
    pub down: Linear<E>,
    /// φ.
    pub activation: Activation,
    /// On the way out, before the result is added to the residual stream.
    pub dropout: Dropout,
}

parameters!(FeedForward { up, down, activation: _, dropout: _ });

impl<E: Element> FeedForward<E> {
    /// A layer of these two parts: D → H and H → D.
    ///
    /// # Panics
    /// If the second does not take what the first gives.
    #[track_caller]
    pub fn new(up: Linear<E>, down: Linear<E>, activation: Activation, dropout: Dropout) -> Self {
        let ([_, hidden], [inputs, _]) = (up.widths(), down.widths());
        assert!(hidden == inputs, "feed-forward: {hidden} numbers go up and {inputs} come down");
        Self { up, down, activation, dropout }
    }

    /// x (…, D) → y (…, D).
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let hidden = self.activation.apply(&self.up.forward(x)); // (…, H)
        self.dropout.forward(&self.down.forward(&hidden), mode) // (…, D)
    }
}
