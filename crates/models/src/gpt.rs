//! The last rung so far: a stack of Transformer blocks that looks back at every earlier token.
//!
//! ```text
//! x_t = E[id_t] + P[t]
//! x   = x + Attention(norm(x));  x = x + FF(norm(x))      block upon block
//! z_t = norm(x_t) Eᵀ                                      p(id_{t+1} | id_1 … id_t) = softmax(z_t)
//! ```
//! with ids (B, T), x (B, T, D), z (B, T, V), E (V, D), P (context, D). Radford et al. (2018), *Improving Language
//! Understanding by Generative Pre-Training*; this is GPT-2's arrangement (Radford et al. 2019), with the norm before
//! each part and one more at the end. Attention is causal ([`rungs_layers::self_attention`]).
//!
//! Nothing is squeezed into a vector of fixed size: token t reaches any earlier token in one step, and all positions
//! are computed at once. The price is a longest text, `context`, and work that grows with the square of the length.
//!
//! The head may be *tied*: E, which turns tokens into vectors, scores them on the way back (Press & Wolf 2017). It is
//! one field, used twice; a copy would come apart at the first step of training.
//!
//! Its configuration has presets: [`GptConfig::gpt2`], and [`GptConfig::llama`] with what has changed since
//! (Touvron et al. 2023): root-mean-square norms, a gated silu, no biases, a head of its own, keys and values in fewer
//! heads, and positions that are not added to x but turn queries and keys ([`Rotary`]).
//! [`rungs_layers::transformer_block`] has both blocks side by side.
//!
//! Weights begin as N(0, 0.02²), those that add to x as N(0, 0.02² / 2L): x is a sum of 2L such additions, and its
//! variance should not grow with the depth. Dropout stands where GPT-2 has it: on E\[id\] + P, on the attention
//! weights, and on what each part adds to x.

use crate::config::{MAX_SIZE, check, check_heads, check_layers, check_number, check_parameters, check_sizes};
use crate::{CachedState, ConfigError, LanguageModel, State};
use rungs_layers::tensor::{Element, Ids, Rng, Tensor};
use rungs_layers::{
    Activation, Angles, Bias, Block, BlockConfig, Dropout, Embedding, LearnedPositions, Mode, Module, Norm, NormKind,
    Rotary, checkpointed, gated_width, norm::EPSILON, parameters,
};
use serde::{Deserialize, Serialize};

/// How a [`Gpt`] knows where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Positions {
    /// A learnt vector for each position, added to the token's.
    Learned,
    /// Queries and keys are rotated by the position (RoPE).
    Rotary(Rotary),
}

/// The sizes of a [`Gpt`] and its arrangement.
///
/// Three presets have names, and any of their fields can be changed: [`nanogpt`](Self::nanogpt), which is the default,
/// [`gpt2`](Self::gpt2) and [`llama`](Self::llama).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GptConfig {
    /// V, the number of tokens. The tokenizer decides it, so it is not part of a file of settings.
    #[serde(skip)]
    pub vocabulary: usize,
    /// The most tokens that the model can attend to (`n_positions`, `block_size`).
    pub context: usize,
    /// L, the number of blocks.
    pub layers: usize,
    /// D, the model width (`n_embd`).
    #[serde(alias = "hidden")]
    pub width: usize,
    /// N, the number of attention heads, which divides D.
    pub heads: usize,
    /// M, the number of key and value heads, which divides N; N if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_heads: Option<usize>,
    /// The inner width of the feed-forward networks. If not given, 4·D, or with a gate 8/3·D rounded up to a multiple
    /// of 8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feed_forward: Option<usize>,
    /// φ of the feed-forward networks.
    pub activation: Activation,
    /// Whether the feed-forward networks have a gate.
    pub gated: bool,
    /// The norm before attention and feed-forward network, with its ε.
    pub norm: NormKind,
    /// How positions are known.
    pub positions: Positions,
    /// Whether the token embedding is the output layer too.
    pub tied: bool,
    /// Whether linear layers and layer norms have biases. GPT-2 has them; without, a small model trains as well and
    /// faster.
    pub bias: bool,
    /// The probability of dropout in training.
    pub dropout: f64,
    /// Whether the backward pass recomputes each block instead of keeping its activations: the same bits in less
    /// memory and a third more time.
    #[serde(alias = "checkpointing", skip_serializing_if = "std::ops::Not::not")]
    pub gradient_checkpointing: bool,
}

impl Default for GptConfig {
    fn default() -> Self {
        Self::nanogpt()
    }
}

impl GptConfig {
    /// The preset of nanoGPT for a CPU (Karpathy 2022): 4 layers of width 128 with 4 heads, a context of 64, no biases.
    pub fn nanogpt() -> Self {
        Self {
            vocabulary: 0,
            context: 64,
            layers: 4,
            width: 128,
            heads: 4,
            key_heads: None,
            feed_forward: None,
            activation: Activation::Gelu,
            gated: false,
            norm: NormKind::Layer(EPSILON),
            positions: Positions::Learned,
            tied: true,
            bias: false,
            dropout: 0.0,
            gradient_checkpointing: false,
        }
    }

    /// The preset of the smallest GPT-2 (Radford et al. 2019): 12 layers of width 768 with 12 heads, a context of 1024,
    /// biases, and the [approximate GELU](Activation::GeluTanh). No dropout, as everywhere here; theirs is 0.1.
    pub fn gpt2() -> Self {
        let arrangement = Self { activation: Activation::GeluTanh, bias: true, ..Self::nanogpt() };
        Self { context: 1024, layers: 12, width: 768, heads: 12, ..arrangement }
    }

    /// The arrangement of Llama (Touvron et al. 2023) in the sizes of [`nanogpt`](Self::nanogpt): RMS norm, a gated
    /// SiLU, rotary positions, an output layer of its own.
    pub fn llama() -> Self {
        Self {
            activation: Activation::Silu,
            gated: true,
            norm: NormKind::Rms(EPSILON),
            positions: Positions::Rotary(Rotary::default()),
            tied: false,
            ..Self::nanogpt()
        }
    }

    /// M, the number of key and value heads.
    pub fn key_heads(&self) -> usize {
        self.key_heads.unwrap_or(self.heads)
    }

    /// The inner width of the feed-forward networks.
    pub fn feed_forward(&self) -> usize {
        let usual = if self.gated { gated_width(self.width.min(MAX_SIZE)) } else { self.width.saturating_mul(4) };
        self.feed_forward.unwrap_or(usual)
    }

    /// The number of parameters. In GPT-2's arrangement V·D + context·D + L(12D² + 2D) + D, and L·11D + D for the
    /// biases.
    ///
    /// # Errors
    /// If the sizes are not those of a model that can be.
    pub fn parameter_count(&self) -> Result<u64, ConfigError> {
        let &Self { vocabulary, context, width, heads, layers, dropout, .. } = self;
        let (key_heads, feed_forward) = (self.key_heads(), self.feed_forward());
        check_sizes(MAX_SIZE, &[("vocabulary", vocabulary), ("context", context), ("width", width)])?;
        check_sizes(MAX_SIZE, &[("heads", heads), ("key-heads", key_heads)])?;
        check_sizes(4 * MAX_SIZE, &[("feed-forward", feed_forward)])?;
        check_layers(layers, dropout)?;
        let positive =
            |name, value: f64| check_number(name, value, value > 0.0 && value.is_finite(), "a positive number");
        positive("norm-epsilon", self.norm.epsilon())?;
        check_heads(width, heads)?;
        check(heads.is_multiple_of(key_heads), || format!("heads {heads} is not a multiple of key-heads {key_heads}"))?;
        if let Positions::Rotary(Rotary { theta }) = self.positions {
            positive("rope-theta", theta)?;
            let head = width / heads;
            check(head.is_multiple_of(2), || format!("rotary positions turn pairs of numbers, and a head has {head}"))?;
        }
        let [v, t, d, l, h] = [vocabulary, context, width, layers, feed_forward].map(|size| size as u64);
        let keys = (width / heads * key_heads) as u64;
        let matrices = if self.gated { 3 } else { 2 };
        let block = 2 * d * d + 2 * d * keys + matrices * d * h + 2 * d;
        let norm_biases = if matches!(self.norm, NormKind::Layer(_)) { d } else { 0 };
        let block_biases = 2 * d + 2 * keys + (matrices - 1) * h + d + 2 * norm_biases;
        let biases = if self.bias { l * block_biases + norm_biases } else { 0 };
        let positions = if self.positions == Positions::Learned { t * d } else { 0 };
        let head = if self.tied { 0 } else { v * d };
        check_parameters(v * d + positions + l * block + d + biases + head)
    }

    fn block(&self) -> BlockConfig {
        BlockConfig {
            key_heads: self.key_heads(),
            norm: self.norm,
            feed_forward: self.feed_forward(),
            activation: self.activation,
            gated: self.gated,
            bias: if self.bias { Bias::Yes } else { Bias::No },
            dropout: Dropout::new(self.dropout),
            ..BlockConfig::gpt(self.width, self.heads, self.layers)
        }
    }
}

/// A language model that looks back at everything.
#[derive(Debug, Clone)]
pub struct Gpt<E: Element = f32> {
    /// E (V, D): a vector for every token, and the head if there is no other.
    pub token_embedding: Embedding<E>,
    /// P (context, D): a vector for every position, or none.
    pub position_embedding: Option<LearnedPositions<E>>,
    /// The blocks, the first of which reads E\[id\] + P.
    pub blocks: Vec<Block<E>>,
    /// The last norm.
    pub final_norm: Norm<E>,
    /// The head (V, D), where it is not E.
    pub head: Option<Embedding<E>>,
    /// On E\[id\] + P.
    pub dropout: Dropout,
    context: usize,
    positions: Positions,
    gradient_checkpointing: bool,
}

parameters!(Gpt {
    token_embedding,
    position_embedding,
    blocks,
    final_norm,
    head,
    dropout: _,
    context: _,
    positions: _,
    gradient_checkpointing: _,
});

impl<E: Element> Gpt<E> {
    /// A model of these sizes, begun as GPT-2.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn new(config: &GptConfig, rng: &mut Rng) -> Result<Self, ConfigError> {
        config.parameter_count()?;
        let &GptConfig { vocabulary, context, width, layers, positions, tied, gradient_checkpointing, .. } = config;
        let block = config.block();
        let embedding = |rows, rng: &mut Rng| Embedding::new(rows, width, block.init, rng);
        let learned = positions == Positions::Learned;
        Ok(Self {
            token_embedding: embedding(vocabulary, rng),
            position_embedding: learned.then(|| LearnedPositions::new(context, width, block.init, rng)),
            blocks: (0..layers).map(|_| Block::new(&block, rng)).collect(),
            final_norm: Norm::new(block.norm, width, block.bias),
            head: (!tied).then(|| embedding(vocabulary, rng)),
            dropout: block.dropout,
            context,
            positions,
            gradient_checkpointing,
        })
    }
}

impl<E: Element> LanguageModel<E> for Gpt<E> {
    fn vocabulary(&self) -> usize {
        self.token_embedding.weight.dims::<2>()[0]
    }

    fn context(&self) -> Option<usize> {
        Some(self.context)
    }

    fn start(&self, _batch: usize) -> State<E> {
        Box::new(CachedState::new(self.blocks.len()))
    }

    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let [_, t] = ids.dims();
        let layers = self.blocks.len();
        let state: &mut CachedState<E> = state.expect_mut("gpt");
        assert!(state.caches.len() == layers, "gpt: a state of {} layers for {layers} blocks", state.caches.len());
        let positions = state.position..state.position + t;
        assert!(positions.end <= self.context, "gpt: positions {positions:?} of a context of {}", self.context);
        state.check_kept("gpt");
        let by_row = state.positions(ids);
        let mut x = self.token_embedding.forward(ids); // (B, T, D)
        if let Some(embedding) = &self.position_embedding {
            x = x + match &by_row {
                None => embedding.forward(positions.clone()),
                Some(each) => embedding.forward_each(each),
            };
        }
        let width = || self.blocks[0].attention.head_width();
        let angles: Option<Angles<E>> = match (self.positions, &by_row) {
            (Positions::Learned, _) => None,
            (Positions::Rotary(rotary), None) => Some(rotary.angles(positions, width())),
            (Positions::Rotary(rotary), Some(each)) => {
                Some(rotary.angles(each.as_slice().iter().map(|&position| position as usize), width()))
            }
        };
        let mut x = self.dropout.forward(&x, mode);
        // A text that is trained on as a whole needs no cache, whose keys and values would hold what is not to be kept.
        let again = self.gradient_checkpointing && state.position == 0 && matches!(mode, Mode::Train(_));
        for (block, cache) in self.blocks.iter().zip(&mut state.caches) {
            x = if again {
                let angles = angles.clone();
                let forward = move |block: &Block<E>, x: &[Tensor<E>], mode: &mut Mode<'_>| {
                    block.forward(&x[0], None, angles.as_ref(), mode)
                };
                checkpointed(block, &[&x], mode, forward)
            } else {
                block.forward(&x, Some(cache), angles.as_ref(), mode)
            }; // (B, T, D)
        }
        state.position += t;
        self.final_norm.forward(&x)
    }

    fn scores(&self, x: &Tensor<E>) -> Tensor<E> {
        self.head.as_ref().unwrap_or(&self.token_embedding).scores(x) // (…, V)
    }

    fn frozen(&self) -> Box<dyn LanguageModel<E>> {
        Box::new(self.detached())
    }
}
