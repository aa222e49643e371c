//! The Transformer block: look around, then think, each as an addition to what is already there.
//!
//! ```text
//! x ← x + Attention(LN₁(x))
//! x ← x + FF(LN₂(x))
//! ```
//! with x (B, T, D). Vaswani et al. (2017), *Attention Is All You Need*, normalised after each addition; this is the
//! pre-norm form of GPT-2 (Radford et al. 2019), in which the path of x is additions only, so gradients reach every
//! layer undiminished and training needs no careful warm-up (Xiong et al. 2020, *On Layer Normalization in the
//! Transformer Architecture*).

use crate::{
    Activation, Bias, CausalSelfAttention, Dropout, FeedForward, Init, KeyValueCache, LayerNorm, Linear, Mode,
    parameters,
};
use rungs_tensor::{Element, Rng, Tensor};

/// The sizes and first values of a [`Block`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockConfig {
    /// D.
    pub width: usize,
    /// N, which divides D.
    pub heads: usize,
    /// H of the feed-forward layer, usually 4D.
    pub hidden: usize,
    /// φ of the feed-forward layer.
    pub activation: Activation,
    /// Whether the linear layers and the norms have biases.
    pub bias: Bias,
    /// On the attention weights, and on both additions to x.
    pub dropout: Dropout,
    /// The weights that read x: W_Q, W_K and W_V, each by itself, and W₁.
    pub init: Init,
    /// The weights that add to x: W_O and W₂.
    pub residual_init: Init,
}

impl BlockConfig {
    /// The block of GPT-2 (Radford et al. 2019), one of `layers`: H = 4D, gelu, weights from N(0, 0.02²).
    ///
    /// x is the sum of 2·layers additions; their weights are scaled by 1/√(2·layers), so that its variance does not
    /// grow with the depth. Biases are on and dropout is off until set otherwise.
    pub fn gpt(width: usize, heads: usize, layers: usize) -> Self {
        const STD: f64 = 0.02;
        Self {
            width,
            heads,
            hidden: 4 * width,
            activation: Activation::Gelu,
            bias: Bias::Yes,
            dropout: Dropout::new(0.0),
            init: Init::Normal(STD),
            residual_init: Init::Normal(STD / ((2 * layers) as f64).sqrt()),
        }
    }
}

/// A pre-norm Transformer block.
///
/// Parameters: 4D² + 2D·H + 2D, which is 12D² + 2D with H = 4D, and 4D + H + D + 2D for the biases.
#[derive(Debug, Clone)]
pub struct Block<E: Element = f32> {
    /// LN₁.
    pub norm_1: LayerNorm<E>,
    /// Attention.
    pub attention: CausalSelfAttention<E>,
    /// LN₂.
    pub norm_2: LayerNorm<E>,
    /// FF.
    pub feed_forward: FeedForward<E>,
}

parameters!(Block { norm_1, attention, norm_2, feed_forward });

impl<E: Element> Block<E> {
    /// A block as described. One made of other parts is a struct expression.
    ///
    /// # Panics
    /// If the width is not a multiple of the number of heads.
    #[track_caller]
    pub fn new(config: &BlockConfig, rng: &mut Rng) -> Self {
        let &BlockConfig { width: d, heads, hidden: h, activation, bias, dropout, init, residual_init } = config;
        let qkv = Linear { weight: init.side_by_side([d, d], 3, rng), bias: bias.zeros(3 * d) };
        let projection = Linear::new(d, d, bias, residual_init, rng);
        let up = Linear::new(d, h, bias, init, rng);
        let down = Linear::new(h, d, bias, residual_init, rng);
        Self {
            norm_1: LayerNorm::new(d, bias),
            attention: CausalSelfAttention::new(qkv, projection, heads, dropout),
            norm_2: LayerNorm::new(d, bias),
            feed_forward: FeedForward::new(up, down, activation, dropout),
        }
    }

    /// x (B, T, D) → (B, T, D); the cache is the attention's, see [`CausalSelfAttention::forward`].
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>, cache: Option<&mut KeyValueCache<E>>, mode: &mut Mode<'_>) -> Tensor<E> {
        let x = x + self.attention.forward(&self.norm_1.forward(x), cache, mode);
        &x + self.feed_forward.forward(&self.norm_2.forward(&x), mode)
    }
}
