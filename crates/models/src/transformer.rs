//! Attention is all: an encoder and a decoder without any recurrence.
//!
//! ```text
//! x = E_x[x_1 … x_S]·√D + P        block upon block                     s = norm(x)      the encoder, which sees all
//! y = E_y[y_0 … y_{T−1}]·√D + P    block upon block, looking at s       h = norm(y)      the decoder, which is causal
//! z_t = h_t W + b                                                       p(y_t | y_1 … y_{t−1}, x) = softmax(z_t)
//! ```
//! with x, s (B, S, D), y, h (B, T, D), z (B, T, V), P the positions. Vaswani et al. (2017), *Attention Is All You
//! Need*. The blocks are those of [`rungs_layers::transformer_block`], with the norm after each part, as the paper has
//! it (then there is no last norm), or before it (Xiong et al. 2020). y_0 is a start token.
//!
//! Nothing waits for a step before: in training all positions of both texts are computed at once, and between any two
//! places there is one look. What [attention](crate::attention_seq2seq) over a recurrent encoder had to find out step
//! by step, order, is added to the token's vector instead.
//!
//! Token vectors begin as N(0, 1/D) and are multiplied by √D on the way in, so that they are as large as the positions;
//! the same matrix can then be the head, where its products with h have a variance near 1 ([`Tying`]; Press & Wolf
//! 2017).

use crate::config::{
    MAX_SIZE, check, check_heads, check_layers, check_parameters, check_scheduled_sampling, check_sizes,
};
use crate::decoder_state::DecoderState;
use crate::head::{Head, head_parameters};
use crate::{CachedState, ConfigError, LanguageModel, Source, State};
use rungs_layers::tensor::{Element, Ids, Rng, Tensor};
use rungs_layers::{
    Activation, BlockConfig, Dropout, Embedding, Init, LearnedPositions, Mode, Module, NormPosition, Present,
    TransformerDecoder, TransformerEncoder, parameters, sinusoidal_positions,
};
use serde::{Deserialize, Serialize};

/// Which of the embeddings and the output layer are one matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tying {
    /// None.
    #[serde(rename = "false")]
    Nothing,
    /// The decoder's embedding and the output layer.
    #[serde(rename = "true")]
    Head,
    /// All three; then sources and targets share one vocabulary.
    All,
}

/// The positional encoding that is added to token embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddedPositions {
    /// The sinusoids of Vaswani et al. (2017), which have no end.
    Sinusoidal,
    /// A learnt vector for each position of a context, one for sources and one for targets.
    Learned,
}

/// The sizes of a [`Transformer`] and its arrangement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransformerConfig {
    /// The number of tokens a source may have. The tokenizer decides it, so it is not part of a file of settings.
    #[serde(skip)]
    pub source_vocabulary: usize,
    /// V, the number of tokens a target may have. The tokenizer decides it as well.
    #[serde(skip)]
    pub vocabulary: usize,
    /// The most tokens of a source or a target, beside the token that starts a target. With sinusoidal positions longer
    /// texts can be read.
    pub context: usize,
    /// The number of encoder blocks, and of decoder blocks.
    pub layers: usize,
    /// D, the model width (`d_model`).
    #[serde(alias = "hidden")]
    pub width: usize,
    /// N, the number of attention heads, which divides D.
    pub heads: usize,
    /// The inner width of the feed-forward networks; 4·D if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feed_forward: Option<usize>,
    /// φ of the feed-forward networks.
    pub activation: Activation,
    /// Whether norms stand before each part or after it.
    pub norm_position: NormPosition,
    /// The positional encoding.
    pub positions: AddedPositions,
    /// Which matrices are one.
    pub tied: Tying,
    /// The probability of dropout in training: on E\[id\] + P, on attention weights, and on what each part adds.
    pub dropout: f64,
    /// Whether the backward pass recomputes each block instead of keeping its activations: the same bits in less
    /// memory and a third more time. A target that is read token by token is kept, and gradients of what both ways
    /// share are then added in another order: the same to rounding.
    #[serde(alias = "checkpointing", skip_serializing_if = "std::ops::Not::not")]
    pub gradient_checkpointing: bool,
    /// The probability that the decoder reads its own prediction in training (scheduled sampling; Bengio et al. 2015).
    pub scheduled_sampling: f64,
}

impl Default for TransformerConfig {
    /// Two layers of width 128 with 4 heads, and norms before each part: it learns without a warm-up of thousands of
    /// steps.
    fn default() -> Self {
        Self { context: 50, layers: 2, width: 128, heads: 4, norm_position: NormPosition::Pre, ..Self::vaswani() }
    }
}

impl TransformerConfig {
    /// The base model of Vaswani et al. (2017): 6 layers of width 512 with 8 heads, ReLU, the norm after each part,
    /// sinusoidal positions, the decoder's embedding as output layer (theirs was the encoder's too, with one
    /// vocabulary). No dropout, as everywhere here; theirs is 0.1.
    pub fn vaswani() -> Self {
        Self {
            source_vocabulary: 0,
            vocabulary: 0,
            context: 64,
            layers: 6,
            width: 512,
            heads: 8,
            feed_forward: None,
            activation: Activation::Relu,
            norm_position: NormPosition::Post,
            positions: AddedPositions::Sinusoidal,
            tied: Tying::Head,
            dropout: 0.0,
            gradient_checkpointing: false,
            scheduled_sampling: 0.0,
        }
    }

    /// The inner width of the feed-forward networks.
    pub fn feed_forward(&self) -> usize {
        self.feed_forward.unwrap_or(self.width.saturating_mul(4))
    }

    /// The number of parameters. With H = 4D, post-norm and given positions, V_x·D + V·D + L(28D² + 32D) and the head.
    ///
    /// # Errors
    /// If the sizes are not those of a model that can be.
    pub fn parameter_count(&self) -> Result<u64, ConfigError> {
        let &Self { source_vocabulary, vocabulary, context, width, heads, layers, dropout, tied, .. } = self;
        let feed_forward = self.feed_forward();
        check_sizes(MAX_SIZE, &[("source vocabulary", source_vocabulary), ("vocabulary", vocabulary)])?;
        check_sizes(MAX_SIZE, &[("context", context), ("width", width), ("heads", heads)])?;
        check_sizes(4 * MAX_SIZE, &[("feed-forward", feed_forward)])?;
        check_layers(layers, dropout)?;
        check_scheduled_sampling(self.scheduled_sampling)?;
        check(!self.gradient_checkpointing || self.scheduled_sampling == 0.0, || {
            "gradient-checkpointing: with scheduled-sampling every step of the decoder is kept; nothing is recomputed"
                .to_owned()
        })?;
        check_heads(width, heads)?;
        let [s, v, t, d, l, h] =
            [source_vocabulary, vocabulary, context, width, layers, feed_forward].map(|size| size as u64);
        check(tied != Tying::All || s == v, || {
            format!("one embedding for sources and targets needs one vocabulary: they have {s} and {v} tokens")
        })?;
        let attention = 4 * d * d + 4 * d;
        let feed_forward = 2 * d * h + h + d;
        let norm = 2 * d;
        let blocks = l * (3 * attention + 2 * feed_forward + 5 * norm);
        let last_norms = if self.norm_position == NormPosition::Pre { 2 * norm } else { 0 };
        let positions = if self.positions == AddedPositions::Learned { 2 * (t + 1) * d } else { 0 };
        let sources = if tied == Tying::All { 0 } else { s * d };
        let head = head_parameters(tied != Tying::Nothing, d, v);
        check_parameters(sources + v * d + positions + blocks + last_norms + head)
    }

    fn block(&self) -> BlockConfig {
        BlockConfig {
            feed_forward: self.feed_forward(),
            activation: self.activation,
            norm_position: self.norm_position,
            dropout: Dropout::new(self.dropout),
            ..BlockConfig::vaswani(self.width, self.heads)
        }
    }
}

/// The decoder's state: its KV cache; attention weights of the last block are known after a
/// [`step`](LanguageModel::step) only.
type TransformerState<E> = DecoderState<E, CachedState<E>>;

/// An encoder and a decoder made of attention.
#[derive(Debug, Clone)]
pub struct Transformer<E: Element = f32> {
    /// E_x (V_x, D); none where it is E_y.
    pub source_embedding: Option<Embedding<E>>,
    /// E_y (V, D).
    pub target_embedding: Embedding<E>,
    /// P of sources, where it is learnt; else it is given by [`sinusoidal_positions`].
    pub source_positions: Option<LearnedPositions<E>>,
    /// P of targets, likewise.
    pub target_positions: Option<LearnedPositions<E>>,
    /// What reads.
    pub encoder: TransformerEncoder<E>,
    /// What writes.
    pub decoder: TransformerDecoder<E>,
    /// W and b.
    pub head: Head<E>,
    /// On E\[id\]·√D + P.
    pub dropout: Dropout,
}

parameters!(Transformer {
    source_embedding,
    target_embedding,
    source_positions,
    target_positions,
    encoder,
    decoder,
    head,
    dropout: _,
});

impl<E: Element> Transformer<E> {
    /// A model of these sizes: token vectors and learnt positions from N(0, 1/D), matrices by Xavier, biases zero.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn new(config: &TransformerConfig, rng: &mut Rng) -> Result<Self, ConfigError> {
        config.parameter_count()?;
        let &TransformerConfig { source_vocabulary, vocabulary, context, width, layers, .. } = config;
        let &TransformerConfig { positions, tied, gradient_checkpointing: checkpointing, .. } = config;
        let rows = context + 1; // one more for the token that starts a target
        let block = config.block();
        let init = Init::Normal(1.0 / (width as f64).sqrt());
        let learned = positions == AddedPositions::Learned;
        let positions = |rng: &mut Rng| learned.then(|| LearnedPositions::new(rows, width, init, rng));
        Ok(Self {
            source_embedding: (tied != Tying::All).then(|| Embedding::new(source_vocabulary, width, init, rng)),
            target_embedding: Embedding::new(vocabulary, width, init, rng),
            source_positions: positions(rng),
            target_positions: positions(rng),
            encoder: TransformerEncoder { checkpointing, ..TransformerEncoder::new(&block, layers, rng) },
            decoder: TransformerDecoder { checkpointing, ..TransformerDecoder::new(&block, layers, rng) },
            head: Head::new(tied != Tying::Nothing, width, vocabulary, rng),
            dropout: block.dropout,
        })
    }

    /// E_x.
    fn source_vectors(&self) -> &Embedding<E> {
        self.source_embedding.as_ref().unwrap_or(&self.target_embedding)
    }

    /// E\[id\]·√D + P of tokens (B, T) → (B, T, D), the first of which stands at position `from`.
    fn placed(
        &self,
        embedding: &Embedding<E>,
        positions: &Option<LearnedPositions<E>>,
        ids: &Ids,
        from: usize,
        mode: &mut Mode<'_>,
    ) -> Tensor<E> {
        let [_, t] = ids.dims();
        let vectors = embedding.forward(ids); // (B, T, D)
        let [width, at] = [vectors.shape().last(), from];
        let positions = match positions {
            Some(learned) => learned.forward(at..at + t),
            None => sinusoidal_positions(at..at + t, width),
        }; // (T, D)
        self.dropout.forward(&(vectors * (width as f64).sqrt() + positions), mode)
    }

    /// [`features`](LanguageModel::features), and in the state where the last block looked if that is asked for.
    fn written(&self, ids: &Ids, state: &mut State<E>, looks: bool, mode: &mut Mode<'_>) -> Tensor<E> {
        let [_, t] = ids.dims();
        let DecoderState { own: cached, sources, weights } = state.expect_mut::<TransformerState<E>>("transformer");
        *weights = None;
        cached.check_kept("transformer");
        let y = self.placed(&self.target_embedding, &self.target_positions, ids, cached.position, mode);
        cached.position += t;
        self.decoder.forward(&y, sources, &mut cached.caches, looks.then_some(weights), mode) // (B, T, D)
    }
}

impl<E: Element> LanguageModel<E> for Transformer<E> {
    fn vocabulary(&self) -> usize {
        self.target_embedding.weight.dims::<2>()[0]
    }

    fn source_vocabulary(&self) -> Option<usize> {
        Some(self.source_vectors().weight.dims::<2>()[0])
    }

    fn context(&self) -> Option<usize> {
        self.target_positions.as_ref().map(LearnedPositions::context)
    }

    fn encode(&self, source: &Source, mode: &mut Mode<'_>) -> State<E> {
        let x = self.placed(self.source_vectors(), &self.source_positions, source.ids(), 0, mode); // (B, S, D)
        let present: Present = source.lengths().iter().map(|&length| 0..length).collect();
        let states = self.encoder.forward(&x, &present, mode); // (B, S, D)
        let sources = self.decoder.memories(&states, &present);
        Box::new(DecoderState { own: CachedState::new(self.decoder.blocks.len()), sources, weights: None })
    }

    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        self.written(ids, state, false, mode)
    }

    fn scores(&self, features: &Tensor<E>) -> Tensor<E> {
        self.head.scores(features, &self.target_embedding)
    }

    fn step(&self, ids: &Ids, state: &mut State<E>) -> Tensor<E> {
        let [_, t] = ids.dims();
        assert!(t > 0, "step: no token to read");
        let last = |x: &Tensor<E>| x.slice(1, t - 1..t);
        let features = self.written(ids, state, true, &mut Mode::Eval); // (B, T, D)
        let state: &mut TransformerState<E> = state.expect_mut("transformer");
        state.weights = state.weights.as_ref().map(last); // (B, 1, S)
        self.scores(&last(&features).squeeze(1)) // (B, V)
    }

    fn frozen(&self) -> Box<dyn LanguageModel<E>> {
        Box::new(self.detached())
    }
}

#[cfg(test)]
mod tests;
