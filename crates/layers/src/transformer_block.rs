//! The Transformer block: look around, then think, each as an addition to what is already there.
//!
//! ```text
//! before (pre-norm)                        after (post-norm)
//! x ← x + Attention(norm₁(x))              x ← norm₁(x + Attention(x))
//! x ← x + FF(norm₂(x))                     x ← norm₂(x + FF(x))
//! ```
//! with x (B, T, D). Three arrangements of it have names:
//!
//! | | norm | positions | FF | heads of keys |
//! |---|---|---|---|---|
//! | [Vaswani et al.] (2017) | layer norm, after | added to x before the first block | relu, H = 4D | as many |
//! | [GPT-2] (Radford et al. 2019) | layer norm, before | the same | gelu, H = 4D | as many |
//! | [Llama] (Touvron et al. 2023) | root mean square, before | rotary, in attention | silu, gated | as many or fewer |
//!
//! [Vaswani et al.]: BlockConfig::vaswani
//! [GPT-2]: BlockConfig::gpt
//! [Llama]: BlockConfig::llama
//!
//! Vaswani et al. (2017), *Attention Is All You Need*, normalise after each addition. With the norm before each part
//! the path of x is additions only, so gradients reach every layer undiminished and training needs no careful warm-up
//! (Xiong et al. 2020, *On Layer Normalization in the Transformer Architecture*); then x is normalised once more at the
//! end.
//!
//! The same block is half of an encoder-decoder: a [`TransformerEncoder`] is a stack of blocks that see the whole
//! source, and a [`TransformerDecoder`] one of [`DecoderBlock`]s, which look at the source as well.
//!
//! [`TransformerEncoder`]: crate::TransformerEncoder
//! [`TransformerDecoder`]: crate::TransformerDecoder
//! [`DecoderBlock`]: crate::DecoderBlock

use crate::{
    Activation, Angles, Bias, Dropout, FeedForward, Init, KeyValueCache, Linear, Mode, Norm, NormKind, Present,
    SelfAttention, norm::EPSILON, parameters,
};
use rungs_tensor::{Element, Rng, Tensor};
use serde::{Deserialize, Serialize};

/// Where the norm of a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NormPosition {
    /// Before it, on what it reads: x + f(norm(x)).
    Pre,
    /// After it, on the sum: norm(x + f(x)).
    Post,
}

impl NormPosition {
    /// x with a part f added to it, and the norm where it stands.
    pub(crate) fn add<E: Element>(
        self,
        norm: &Norm<E>,
        x: &Tensor<E>,
        f: &mut dyn FnMut(&Tensor<E>) -> Tensor<E>,
    ) -> Tensor<E> {
        match self {
            NormPosition::Pre => x + f(&norm.forward(x)),
            NormPosition::Post => norm.forward(&(x + f(x))),
        }
    }
}

/// The sizes and first values of a [`Block`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockConfig {
    /// D.
    pub width: usize,
    /// N, which divides D.
    pub heads: usize,
    /// M, the heads of keys and values, which divides N.
    pub key_heads: usize,
    /// Whether no position looks at a later one.
    pub causal: bool,
    /// What stands before or after each part.
    pub norm: NormKind,
    /// Which of the two.
    pub norm_position: NormPosition,
    /// H of the feed-forward layer, usually 4D.
    pub feed_forward: usize,
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
    /// The block of Vaswani et al. (2017) as their encoder has it: every position sees all, H = 4D, relu, the norm
    /// after each part, biases, matrices by Xavier. Dropout is off until set otherwise; theirs was 0.1.
    pub fn vaswani(width: usize, heads: usize) -> Self {
        Self {
            causal: false,
            norm_position: NormPosition::Post,
            activation: Activation::Relu,
            init: Init::XavierUniform,
            residual_init: Init::XavierUniform,
            ..Self::gpt(width, heads, 1)
        }
    }

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
            causal: true,
            norm: NormKind::Layer(EPSILON),
            norm_position: NormPosition::Pre,
            feed_forward: 4 * width,
            activation: Activation::Gelu,
            gated: false,
            bias: Bias::Yes,
            dropout: Dropout::new(0.0),
            init: Init::Normal(STD),
            residual_init: Init::Normal(STD / ((2 * layers) as f64).sqrt()),
        }
    }

    /// The block of Llama (Touvron et al. 2023), one of `layers`: a gated silu with H near 8D/3, root-mean-square norms
    /// with ε = 10⁻⁵, no biases. Weights begin as GPT-2's.
    pub fn llama(width: usize, heads: usize, key_heads: usize, layers: usize) -> Self {
        Self {
            key_heads,
            norm: NormKind::Rms(EPSILON),
            feed_forward: gated_width(width),
            activation: Activation::Silu,
            gated: true,
            bias: Bias::No,
            ..Self::gpt(width, heads, layers)
        }
    }

    /// K.
    fn head(&self) -> usize {
        self.width / self.heads.max(1)
    }

    /// Matrices from the width to so many heads each, side by side, that one product computes them all.
    pub(crate) fn heads_side_by_side<E: Element>(&self, heads: &[usize], rng: &mut Rng) -> Linear<E> {
        let outputs: Vec<usize> = heads.iter().map(|n| n * self.head()).collect();
        let weight = self.init.side_by_side(self.width, &outputs, rng);
        Linear::of(weight, self.bias.zeros(outputs.iter().sum()))
    }

    pub(crate) fn projection<E: Element>(&self, rng: &mut Rng) -> Linear<E> {
        Linear::new(self.heads * self.head(), self.width, self.bias, self.residual_init, rng)
    }

    /// Attention that sees everything.
    #[track_caller]
    pub(crate) fn self_attention<E: Element>(&self, rng: &mut Rng) -> SelfAttention<E> {
        let &Self { heads, key_heads, dropout, .. } = self;
        let qkv = self.heads_side_by_side(&[heads, key_heads, key_heads], rng);
        SelfAttention::new(qkv, self.projection(rng), [heads, key_heads], dropout)
    }

    #[track_caller]
    pub(crate) fn feed_forward<E: Element>(&self, rng: &mut Rng) -> FeedForward<E> {
        let &Self { width: d, feed_forward: h, bias, init, .. } = self;
        let up = Linear::new(d, h, bias, init, rng);
        let down = Linear::new(h, d, bias, self.residual_init, rng);
        let feed_forward = FeedForward::new(up, down, self.activation, self.dropout);
        FeedForward { gate: self.gated.then(|| Linear::new(d, h, bias, init, rng)), ..feed_forward }
    }

    /// The norm at the end of a stack: where norms stand before the parts, nothing has normalised the last sum.
    pub(crate) fn last_norm<E: Element>(&self) -> Option<Norm<E>> {
        (self.norm_position == NormPosition::Pre).then(|| Norm::new(self.norm, self.width, self.bias))
    }
}

/// H of a gated feed-forward layer whose three matrices are about as large as the two of 4D: 8D/3, up to a multiple of
/// 8.
pub fn gated_width(width: usize) -> usize {
    (8 * width).div_ceil(3).next_multiple_of(8)
}

/// A Transformer block.
///
/// Parameters, with N = M: 4D² + 2D·H + 2D, which is 12D² + 2D with H = 4D, and 4D + H + D + 2D for the biases; a gate
/// has D·H more.
#[derive(Debug, Clone)]
pub struct Block<E: Element = f32> {
    /// norm₁.
    pub norm_1: Norm<E>,
    /// Attention.
    pub attention: SelfAttention<E>,
    /// norm₂.
    pub norm_2: Norm<E>,
    /// FF.
    pub feed_forward: FeedForward<E>,
    /// Where the norms stand.
    pub norm_position: NormPosition,
}

parameters!(Block { norm_1, attention, norm_2, feed_forward, norm_position: _ });

impl<E: Element> Block<E> {
    /// A block as described. One made of other parts is a struct expression.
    ///
    /// # Panics
    /// If the width is not a multiple of the number of heads, or these not of the heads of keys.
    #[track_caller]
    pub fn new(config: &BlockConfig, rng: &mut Rng) -> Self {
        let norm = || Norm::new(config.norm, config.width, config.bias);
        let attention = config.self_attention(rng);
        Self {
            norm_1: norm(),
            attention: if config.causal { attention.causal() } else { attention },
            norm_2: norm(),
            feed_forward: config.feed_forward(rng),
            norm_position: config.norm_position,
        }
    }

    /// x (B, T, D) → (B, T, D); cache and angles are the attention's, see [`SelfAttention::forward`].
    #[track_caller]
    pub fn forward(
        &self,
        x: &Tensor<E>,
        mut cache: Option<&mut KeyValueCache<E>>,
        angles: Option<&Angles<E>>,
        mode: &mut Mode<'_>,
    ) -> Tensor<E> {
        let mut attention = |x: &Tensor<E>| self.attention.forward(x, cache.as_deref_mut(), angles, mode);
        let x = self.norm_position.add(&self.norm_1, x, &mut attention);
        self.norm_position.add(&self.norm_2, &x, &mut |x| self.feed_forward.forward(x, mode))
    }

    /// The same without a cache, where not all positions are there: see [`SelfAttention::forward_padded`].
    #[track_caller]
    pub fn forward_padded(&self, x: &Tensor<E>, present: &Present, mode: &mut Mode<'_>) -> Tensor<E> {
        let mut attention = |x: &Tensor<E>| self.attention.forward_padded(x, present, mode);
        let x = self.norm_position.add(&self.norm_1, x, &mut attention);
        self.norm_position.add(&self.norm_2, &x, &mut |x| self.feed_forward.forward(x, mode))
    }
}

#[cfg(test)]
mod tests;
