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
//! Two configurations have names: [`GptConfig::gpt`] is GPT-2's, and [`GptConfig::llama`] has what has changed since
//! (Touvron et al. 2023): root-mean-square norms, a gated silu, no biases, a head of its own, keys and values in fewer
//! heads, and positions that are not added to x but turn queries and keys ([`Rotary`]).
//! [`rungs_layers::transformer_block`] has both blocks side by side.
//!
//! Weights begin as N(0, 0.02²), those that add to x as N(0, 0.02² / 2L): x is a sum of 2L such additions, and its
//! variance should not grow with the depth. Dropout stands where GPT-2 has it: on E\[id\] + P, on the attention
//! weights, and on what each part adds to x.

use crate::config::{MAX_LAYERS, MAX_SIZE, check_dropout, check_parameters, check_positive, check_sizes};
use crate::{CachedState, ConfigError, LanguageModel, State};
use rungs_layers::tensor::{Element, Ids, Rng, Tensor};
use rungs_layers::{
    Activation, Angles, Bias, Block, BlockConfig, Dropout, Embedding, LearnedPositions, Mode, Module, Norm, NormKind,
    Rotary, checkpointed, gated_hidden, norm::EPSILON, parameters,
};

/// How a [`Gpt`] knows where a token stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Positions {
    /// A learnt vector for each position, added to the token's.
    Learned,
    /// Queries and keys are turned by the position.
    Rotary(Rotary),
}

/// The sizes of a [`Gpt`] and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct GptConfig {
    /// V, the number of tokens.
    pub vocabulary: usize,
    /// The most tokens it can look at.
    pub context: usize,
    /// D, the width of a position's vector (`n_embd`). Errors call it hidden, as the program's option does.
    pub width: usize,
    /// N, the number of attention heads, which divides D.
    pub heads: usize,
    /// M, the number of heads of keys and values, which divides N.
    pub key_heads: usize,
    /// L, how many blocks there are.
    pub layers: usize,
    /// H, the width inside the feed-forward layers.
    pub feed_forward: usize,
    /// φ of the feed-forward layers.
    pub activation: Activation,
    /// Whether they have a gate.
    pub gated: bool,
    /// What stands before each part, with its ε.
    pub norm: NormKind,
    /// How positions are known.
    pub positions: Positions,
    /// Whether E is the head too.
    pub tied: bool,
    /// The probability of dropping, in training.
    pub dropout: f64,
    /// Whether linear layers and layer norms have biases. GPT-2 has them; without, a small model trains as well and
    /// faster.
    pub bias: bool,
    /// Whether training computes each block again on the way back instead of keeping its inside: the same bits in less
    /// memory and a third more time. Nothing else depends on it.
    pub checkpointing: bool,
}

impl GptConfig {
    /// GPT-2's arrangement, with the exact gelu; GPT-2 itself has its [approximation](Activation::GeluTanh). No
    /// dropout.
    pub fn gpt(vocabulary: usize, context: usize, width: usize, heads: usize, layers: usize) -> Self {
        Self {
            vocabulary,
            context,
            width,
            heads,
            key_heads: heads,
            layers,
            feed_forward: width.saturating_mul(4),
            activation: Activation::Gelu,
            gated: false,
            norm: NormKind::Layer(EPSILON),
            positions: Positions::Learned,
            tied: true,
            dropout: 0.0,
            bias: true,
            checkpointing: false,
        }
    }

    /// Llama's arrangement, with as many heads of keys as of queries until told otherwise.
    pub fn llama(vocabulary: usize, context: usize, width: usize, heads: usize, layers: usize) -> Self {
        Self {
            feed_forward: gated_hidden(width.min(MAX_SIZE)),
            activation: Activation::Silu,
            gated: true,
            norm: NormKind::Rms(EPSILON),
            positions: Positions::Rotary(Rotary { base: 10_000.0 }),
            tied: false,
            bias: false,
            ..Self::gpt(vocabulary, context, width, heads, layers)
        }
    }

    /// The number of parameters. In GPT-2's arrangement V·D + context·D + L(12D² + 2D) + D, and L·11D + D for the
    /// biases.
    ///
    /// # Errors
    /// If the sizes are not those of a model that can be.
    pub fn parameter_count(&self) -> Result<u64, ConfigError> {
        let &Self { vocabulary, context, width, heads, key_heads, layers, feed_forward, dropout, .. } = self;
        let sizes = [
            ("vocabulary", vocabulary),
            ("context", context),
            ("hidden", width),
            ("heads", heads),
            ("key-heads", key_heads),
        ];
        check_sizes(MAX_SIZE, &sizes)?;
        check_sizes(4 * MAX_SIZE, &[("feed-forward", feed_forward)])?;
        check_sizes(MAX_LAYERS, &[("layers", layers)])?;
        check_dropout(dropout)?;
        check_positive("norm-epsilon", self.norm.epsilon())?;
        if width % heads != 0 {
            return Err(ConfigError::Heads { width, heads });
        }
        if heads % key_heads != 0 {
            return Err(ConfigError::KeyHeads { heads, key_heads });
        }
        if let Positions::Rotary(Rotary { base }) = self.positions {
            check_positive("rotary-base", base)?;
            if width / heads % 2 != 0 {
                return Err(ConfigError::OddHeads { head: width / heads });
            }
        }
        let [v, t, d, l, h] = [vocabulary, context, width, layers, feed_forward].map(|size| size as u64);
        let keys = (width / heads * key_heads) as u64;
        let matrices = if self.gated { 3 } else { 2 };
        let block = 2 * d * d + 2 * d * keys + matrices * d * h + 2 * d;
        let norm_biases = if matches!(self.norm, NormKind::Layer(_)) { d } else { 0 };
        let biases = match self.bias {
            true => l * (2 * d + 2 * keys + (matrices - 1) * h + d + 2 * norm_biases) + norm_biases,
            false => 0,
        };
        let positions = if self.positions == Positions::Learned { t * d } else { 0 };
        let head = if self.tied { 0 } else { v * d };
        check_parameters(v * d + positions + l * block + d + biases + head)
    }

    fn block(&self) -> BlockConfig {
        let &Self { width, heads, key_heads, layers, feed_forward, activation, gated, dropout, norm, .. } = self;
        let bias = if self.bias { Bias::Yes } else { Bias::No };
        BlockConfig {
            key_heads,
            norm,
            hidden: feed_forward,
            activation,
            gated,
            bias,
            dropout: Dropout::new(dropout),
            ..BlockConfig::gpt(width, heads, layers)
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
    checkpointing: bool,
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
    checkpointing: _,
});

impl<E: Element> Gpt<E> {
    /// A model of these sizes, begun as GPT-2.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn new(config: &GptConfig, rng: &mut Rng) -> Result<Self, ConfigError> {
        config.parameter_count()?;
        let &GptConfig { vocabulary, context, width, layers, positions, tied, checkpointing, .. } = config;
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
            checkpointing,
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
        State::new(CachedState::new(self.blocks.len()))
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
            (Positions::Rotary(rotary), Some(each)) => Some(rotary.angles_of_each(each, width())),
        };
        let mut x = self.dropout.forward(&x, mode);
        // A text that is trained on as a whole needs no cache, whose keys and values would hold what is not to be kept.
        let again = self.checkpointing && state.position == 0 && matches!(mode, Mode::Train(_));
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
