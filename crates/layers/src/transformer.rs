//! The Transformer block: look around, then think, each as an addition to what is already there.
//!
//! ```text
//! x ← x + Attention(norm₁(x))
//! x ← x + FF(norm₂(x))
//! ```
//! with x (B, T, D). Two arrangements of it have names:
//!
//! | | norm | positions | FF | heads of keys |
//! |---|---|---|---|---|
//! | [GPT-2](BlockConfig::gpt) (Radford et al. 2019) | layer norm | added to x before the first block | gelu, H = 4D | as many |
//! | [Llama](BlockConfig::llama) (Touvron et al. 2023) | root mean square | rotary, in attention | silu, gated | as many or fewer |
//!
//! Vaswani et al. (2017), *Attention Is All You Need*, normalised after each addition; this is the
//! pre-norm form of GPT-2 (Radford et al. 2019), in which the path of x is additions only, so gradients reach every
//! layer undiminished and training needs no careful warm-up (Xiong et al. 2020, *On Layer Normalization in the
//! Transformer Architecture*).

use crate::{
    Activation, Angles, Bias, CausalSelfAttention, Dropout, FeedForward, Init, KeyValueCache, Linear, Mode, Norm,
    NormKind, norm::EPSILON, parameters,
};
use rungs_tensor::{Element, Rng, Tensor};

/// The sizes and first values of a [`Block`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockConfig {
    /// D.
    pub width: usize,
    /// N, which divides D.
    pub heads: usize,
    /// M, the heads of keys and values, which divides N.
    pub key_heads: usize,
    /// What stands before each part.
    pub norm: NormKind,
    /// H of the feed-forward layer, usually 4D.
    pub hidden: usize,
    /// φ of the feed-forward layer.
    pub activation: Activation,
    /// Whether the feed-forward layer has a gate.
    pub gated: bool,
    /// Whether linear layers and layer norms have biases.
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
            key_heads: heads,
            norm: NormKind::Layer(EPSILON),
            hidden: 4 * width,
            activation: Activation::Gelu,
            gated: false,
            bias: Bias::Yes,
            dropout: Dropout::new(0.0),
            init: Init::Normal(STD),
            residual_init: Init::Normal(STD / ((2 * layers) as f64).sqrt()),
        }
    }

    /// The block of Llama (Touvron et al. 2023), one of `layers`: a gated silu with H near 8D/3, root-mean-square norms with
    /// ε = 10⁻⁵, no biases. Weights begin as GPT-2's.
    pub fn llama(width: usize, heads: usize, key_heads: usize, layers: usize) -> Self {
        Self {
            key_heads,
            norm: NormKind::Rms(EPSILON),
            hidden: gated_hidden(width),
            activation: Activation::Silu,
            gated: true,
            bias: Bias::No,
            ..Self::gpt(width, heads, layers)
        }
    }
}

/// H of a gated feed-forward layer whose three matrices are about as large as the two of 4D: 8D/3, up to a multiple of 8.
pub fn gated_hidden(width: usize) -> usize {
    (8 * width).div_ceil(3).next_multiple_of(8)
}

/// A pre-norm Transformer block.
///
/// Parameters, with N = M: 4D² + 2D·H + 2D, which is 12D² + 2D with H = 4D, and 4D + H + D + 2D for the biases; a gate has
/// D·H more.
#[derive(Debug, Clone)]
pub struct Block<E: Element = f32> {
    /// norm₁.
    pub norm_1: Norm<E>,
    /// Attention.
    pub attention: CausalSelfAttention<E>,
    /// norm₂.
    pub norm_2: Norm<E>,
    /// FF.
    pub feed_forward: FeedForward<E>,
}

parameters!(Block { norm_1, attention, norm_2, feed_forward });

impl<E: Element> Block<E> {
    /// A block as described. One made of other parts is a struct expression.
    ///
    /// # Panics
    /// If the width is not a multiple of the number of heads, or these not of the heads of keys.
    #[track_caller]
    pub fn new(config: &BlockConfig, rng: &mut Rng) -> Self {
        let &BlockConfig { width: d, heads, key_heads, norm, hidden: h, activation, bias, dropout, init, .. } = config;
        let head = d / heads.max(1);
        let matrices: Vec<_> = [heads, key_heads, key_heads].iter().map(|n| init.tensor([d, n * head], rng)).collect();
        let qkv = Linear {
            weight: Tensor::concat(&matrices, 1).as_variable(),
            bias: bias.zeros((heads + 2 * key_heads) * head),
        };
        let projection = Linear::new(heads * head, d, bias, config.residual_init, rng);
        let up = Linear::new(d, h, bias, init, rng);
        let down = Linear::new(h, d, bias, config.residual_init, rng);
        let feed_forward = FeedForward::new(up, down, activation, dropout);
        Self {
            norm_1: Norm::new(norm, d, bias),
            attention: CausalSelfAttention::grouped(qkv, projection, [heads, key_heads], dropout),
            norm_2: Norm::new(norm, d, bias),
            feed_forward: match config.gated {
                true => feed_forward.gated(Linear::new(d, h, bias, init, rng)),
                false => feed_forward,
            },
        }
    }

    /// x (B, T, D) → (B, T, D); cache and angles are the attention's, see [`CausalSelfAttention::forward`].
    #[track_caller]
    pub fn forward(
        &self,
        x: &Tensor<E>,
        cache: Option<&mut KeyValueCache<E>>,
        angles: Option<&Angles<E>>,
        mode: &mut Mode<'_>,
    ) -> Tensor<E> {
        let x = x + self.attention.forward(&self.norm_1.forward(x), cache, angles, mode);
        &x + self.feed_forward.forward(&self.norm_2.forward(&x), mode)
    }
}
