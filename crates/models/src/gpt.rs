//! The last rung so far: a stack of Transformer blocks that looks back at every earlier token.
//!
//! ```text
//! x_t = E[id_t] + P[t]
//! x   = x + Attention(LN(x));  x = x + FF(LN(x))      block upon block
//! z_t = LN(x_t) Eᵀ                                    p(id_{t+1} | id_1 … id_t) = softmax(z_t)
//! ```
//! with ids (B, T), x (B, T, D), z (B, T, V), E (V, D), P (context, D). Radford et al. (2018), *Improving Language
//! Understanding by Generative Pre-Training*; this is GPT-2's arrangement (Radford et al. 2019), with the norm before
//! each part and one more at the end. Attention is causal ([`rungs_layers::attention`]), FF is 4D wide inside and
//! has gelu in its exact form.
//!
//! Nothing is squeezed into a vector of fixed size: token t reaches any earlier token in one step, and all positions
//! are computed at once. The price is a longest text, `context`, and work that grows with the square of the length.
//!
//! The head is *tied*: E, which turns tokens into vectors, scores them on the way back (Press & Wolf 2017). It is one
//! field, used twice; a copy would come apart at the first step of training.
//!
//! Weights begin as N(0, 0.02²), those that add to x as N(0, 0.02² / 2L): x is a sum of 2L such additions, and its
//! variance should not grow with the depth. Dropout stands where GPT-2 has it: on E\[id\] + P, on the attention
//! weights, and on what each part adds to x.

use crate::config::{MAX_LAYERS, MAX_SIZE, check_dropout, check_parameters, check_sizes};
use crate::{ConfigError, Decoder, LanguageModel, State};
use rungs_layers::tensor::{Element, Ids, Rng, Tensor};
use rungs_layers::{
    Bias, Block, BlockConfig, Dropout, Embedding, LayerNorm, LearnedPositions, Mode, Module, parameters,
};
use serde::{Deserialize, Serialize};

/// The sizes of a [`Gpt`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GptConfig {
    /// V, the number of tokens.
    pub vocabulary: usize,
    /// The most tokens it can look at.
    pub context: usize,
    /// D, the width of a position's vector (`n_embd`). Errors call it hidden, as the program's option does.
    pub width: usize,
    /// N, the number of attention heads, which divides D.
    pub heads: usize,
    /// L, how many blocks there are.
    pub layers: usize,
    /// The probability of dropping, in training.
    pub dropout: f64,
    /// Whether linear layers and norms have biases. GPT-2 has them; without, a small model trains as well and faster.
    pub bias: bool,
}

impl GptConfig {
    /// The number of parameters: V·D + context·D + L(12D² + 2D) + D, and L·11D + D for the biases.
    ///
    /// # Errors
    /// If the sizes are not those of a model that can be.
    pub fn parameter_count(&self) -> Result<u64, ConfigError> {
        let Self { vocabulary, context, width, heads, layers, dropout, bias } = *self;
        let sizes = [("vocabulary", vocabulary), ("context", context), ("hidden", width), ("heads", heads)];
        check_sizes(MAX_SIZE, &sizes)?;
        check_sizes(MAX_LAYERS, &[("layers", layers)])?;
        check_dropout(dropout)?;
        if width % heads != 0 {
            return Err(ConfigError::Heads { width, heads });
        }
        let [v, t, d, l] = [vocabulary, context, width, layers].map(|size| size as u64);
        let biases = if bias { l * 11 * d + d } else { 0 };
        check_parameters(v * d + t * d + l * (12 * d * d + 2 * d) + d + biases)
    }
}

/// A language model that looks back at everything.
#[derive(Debug, Clone)]
pub struct Gpt<E: Element = f32> {
    /// E (V, D): a vector for every token, and the head.
    pub token_embedding: Embedding<E>,
    /// P (context, D): a vector for every position.
    pub position_embedding: LearnedPositions<E>,
    /// The blocks, the first of which reads E\[id\] + P.
    pub blocks: Vec<Block<E>>,
    /// The last LN.
    pub final_norm: LayerNorm<E>,
    /// On E\[id\] + P.
    pub dropout: Dropout,
}

parameters!(Gpt { token_embedding, position_embedding, blocks, final_norm, dropout: _ });

impl<E: Element> Gpt<E> {
    /// A model of these sizes, begun as GPT-2.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn new(config: &GptConfig, rng: &mut Rng) -> Result<Self, ConfigError> {
        config.parameter_count()?;
        let &GptConfig { vocabulary, context, width, heads, layers, dropout, bias } = config;
        let dropout = Dropout::new(dropout);
        let bias = if bias { Bias::Yes } else { Bias::No };
        let block = BlockConfig { bias, dropout, ..BlockConfig::gpt(width, heads, layers) };
        Ok(Self {
            token_embedding: Embedding::new(vocabulary, width, block.init, rng),
            position_embedding: LearnedPositions::new(context, width, block.init, rng),
            blocks: (0..layers).map(|_| Block::new(&block, rng)).collect(),
            final_norm: LayerNorm::new(width, bias),
            dropout,
        })
    }
}

impl<E: Element> Decoder<E> for Gpt<E> {
    fn vocabulary(&self) -> usize {
        self.token_embedding.weight.dims::<2>()[0]
    }

    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let [_, t] = ids.dims();
        let layers = self.blocks.len();
        assert!(state.caches.len() == layers, "gpt: a state of {} layers for {layers} blocks", state.caches.len());
        let positions = state.position..state.position + t;
        let x = self.token_embedding.forward(ids) + self.position_embedding.forward(positions); // (B, T, D)
        let mut x = self.dropout.forward(&x, mode);
        for (block, cache) in self.blocks.iter().zip(&mut state.caches) {
            x = block.forward(&x, Some(cache), mode); // (B, T, D)
        }
        state.position += t;
        self.final_norm.forward(&x)
    }

    fn scores(&self, x: &Tensor<E>) -> Tensor<E> {
        self.token_embedding.scores(x) // (…, V)
    }
}

impl<E: Element> LanguageModel<E> for Gpt<E> {
    fn context(&self) -> Option<usize> {
        Some(self.position_embedding.context())
    }

    fn start(&self, _batch: usize) -> State<E> {
        State::attending(self.blocks.len())
    }

    fn frozen(&self) -> Box<dyn LanguageModel<E>> {
        Box::new(self.detached())
    }
}
