//! The feed-forward layer of a Transformer: every position by itself, through a wider hidden layer and back.
//!
//! ```text
//! FF(x) = φ(xW₁ + b₁) W₂ + b₂                          x (…, D), W₁ and W_g (D, H), W₂ (H, D)
//! FF(x) = (φ(xW_g + b_g) ⊙ (xW₁ + b₁)) W₂ + b₂         with a gate
//! ```
//! Vaswani et al. (2017), *Attention Is All You Need*, section 3.3, with φ = relu and H = 4D; GPT (2018) has φ = gelu.
//! With a gate a unit can be silenced by another product of the same input (Shazeer 2020, *GLU Variants Improve
//! Transformer*); φ = silu makes it SwiGLU, which Llama has, with H near 8D/3 so that three matrices are as large as
//! two were.

use crate::{Dropout, Linear, Mode, parameters};
use rungs_tensor::{Element, Tensor};
use serde::{Deserialize, Serialize};

/// φ, the function between two linear layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(x, 0). Nair & Hinton (2010).
    Relu,
    /// x·Φ(x), with Φ the normal distribution function. Hendrycks & Gimpel (2016), *Gaussian Error Linear Units*.
    Gelu,
    /// ½x(1 + tanh(√(2/π)(x + 0.044715x³))): the paper's approximation of gelu, which GPT-2 uses.
    GeluTanh,
    /// x·σ(x), also called swish. Ramachandran, Zoph & Le (2017), *Searching for Activation Functions*.
    Silu,
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
            Activation::Silu => x.silu(),
            Activation::Tanh => x.tanh(),
        }
    }
}

/// FF(x) = dropout(φ(xW₁ + b₁)W₂ + b₂), or with a gate dropout((φ(xW_g + b_g) ⊙ (xW₁ + b₁))W₂ + b₂).
///
/// Parameters: 2·D·H, and H + D for the biases; with a gate D·H more, and H.
#[derive(Debug, Clone)]
pub struct FeedForward<E: Element = f32> {
    /// W_g (D, H) and b_g, or none.
    pub gate: Option<Linear<E>>,
    /// W₁ (D, H) and b₁.
    pub up: Linear<E>,
    /// W₂ (H, D) and b₂.
    pub down: Linear<E>,
    /// φ.
    pub activation: Activation,
    /// On the way out, before the result is added to the residual stream.
    pub dropout: Dropout,
}

parameters!(FeedForward { gate, up, down, activation: _, dropout: _ });

impl<E: Element> FeedForward<E> {
    /// A layer of these two parts: D → H and H → D. One with a gate is a struct expression.
    ///
    /// # Panics
    /// If the second does not take what the first gives.
    #[track_caller]
    pub fn new(up: Linear<E>, down: Linear<E>, activation: Activation, dropout: Dropout) -> Self {
        let ([_, hidden], [inputs, _]) = (up.widths(), down.widths());
        assert!(hidden == inputs, "feed-forward: {hidden} numbers go up and {inputs} come down");
        Self { gate: None, up, down, activation, dropout }
    }

    /// x (…, D) → y (…, D).
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let hidden = match &self.gate {
            Some(gate) => self.activation.apply(&gate.forward(x, mode)) * self.up.forward(x, mode),
            None => self.activation.apply(&self.up.forward(x, mode)),
        }; // (…, H)
        let y = self.down.forward(&hidden, mode);
        self.dropout.forward(&y, mode) // (…, D)
    }
}
