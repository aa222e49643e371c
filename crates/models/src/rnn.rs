//! The first rung: a recurrent neural network that reads a text and predicts its next token.
//!
//! ```text
//! x_t = E[id_t]
//! h_t = tanh(x_t W_x + h_{t−1} W_h + b)       and so on, layer upon layer
//! z_t = h_t W_hy + b_y                        p(id_{t+1} | id_1 … id_t) = softmax(z_t)
//! ```
//! with ids (B, T), x (B, T, D), h (B, T, H), z (B, T, V). Mikolov et al. (2010), *Recurrent neural network based
//! language model*; dropout on everything but the recurrent connections, Zaremba, Sutskever & Vinyals (2014).
//!
//! All that is known of the past is h_t, one vector of fixed size, rewritten by the same matrix at every step. A
//! gradient that travels back k steps is multiplied by that matrix k times, and by tanh′ ≤ 1: it fades (or explodes),
//! so what lies far back is hardly learnt (Bengio, Simard & Frasconi 1994). That is why there is a second rung.

use crate::config::{MAX_LAYERS, MAX_SIZE, check_dropout, check_parameters, check_sizes};
use crate::{ConfigError, LanguageModel, State};
use rungs_layers::tensor::{Element, Ids, Rng, Tensor};
use rungs_layers::{Bias, Dropout, Embedding, Init, Linear, Mode, Module, Rnn, parameters};
use serde::{Deserialize, Serialize};

/// The sizes of an [`RnnLanguageModel`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RnnConfig {
    /// V, the number of tokens.
    pub vocabulary: usize,
    /// D, the width of a token's vector.
    pub embedding: usize,
    /// H, the width of the state.
    pub hidden: usize,
    /// How many recurrent layers there are.
    pub layers: usize,
    /// The probability of dropping, in training.
    pub dropout: f64,
}

impl RnnConfig {
    /// The number of parameters: V·D + (D·H + H² + H) + (L − 1)(2H² + H) + H·V + V.
    ///
    /// # Errors
    /// If the sizes are not those of a model that can be.
    pub fn parameter_count(&self) -> Result<u64, ConfigError> {
        let Self { vocabulary, embedding, hidden, layers, dropout } = *self;
        check_sizes(MAX_SIZE, &[("vocabulary", vocabulary), ("embedding", embedding), ("hidden", hidden)])?;
        check_sizes(MAX_LAYERS, &[("layers", layers)])?;
        check_dropout(dropout)?;
        let [v, d, h, l] = [vocabulary, embedding, hidden, layers].map(|size| size as u64);
        check_parameters(v * d + (d * h + h * h + h) + (l - 1) * (2 * h * h + h) + h * v + v)
    }
}

/// A language model that carries one vector per layer.
#[derive(Debug, Clone)]
pub struct RnnLanguageModel<E: Element = f32> {
    /// E (V, D): a vector for every token.
    pub embedding: Embedding<E>,
    /// W_x, W_h and b of every layer.
    pub rnn: Rnn<E>,
    /// W_hy (H, V) and b_y (V).
    pub head: Linear<E>,
    /// On the token vectors and on the last layer's states.
    pub dropout: Dropout,
}

parameters!(RnnLanguageModel { embedding, rnn, head, dropout: _ });

impl<E: Element> RnnLanguageModel<E> {
    /// A model of these sizes: token vectors from N(0, 1), W_x and W_hy by Xavier, W_h orthogonal, biases zero.
    ///
    /// Xavier's W_x expects inputs of variance 1. Smaller token vectors whisper, and learning starts later.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn new(config: &RnnConfig, rng: &mut Rng) -> Result<Self, ConfigError> {
        config.parameter_count()?;
        let &RnnConfig { vocabulary, embedding, hidden, layers, dropout } = config;
        let dropout = Dropout::new(dropout);
        Ok(Self {
            embedding: Embedding::new(vocabulary, embedding, Init::Normal(1.0), rng),
            rnn: Rnn::new(embedding, hidden, layers, dropout, rng),
            head: Linear::new(hidden, vocabulary, Bias::Yes, Init::XavierUniform, rng),
            dropout,
        })
    }
}

impl<E: Element> LanguageModel<E> for RnnLanguageModel<E> {
    fn vocabulary(&self) -> usize {
        self.embedding.weight.dims::<2>()[0]
    }

    fn context(&self) -> Option<usize> {
        None
    }

    fn start(&self, batch: usize) -> State<E> {
        State::carrying(self.rnn.zero_state(batch)) // h, (B, H) for every layer
    }

    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let [_, t] = ids.dims();
        let x = self.dropout.forward(&self.embedding.forward(ids), mode); // (B, T, D)
        let (h, last) = self.rnn.forward(&x, &state.carried, mode); // (B, T, H)
        state.carried = last;
        state.position += t;
        self.dropout.forward(&h, mode)
    }

    fn scores(&self, h: &Tensor<E>) -> Tensor<E> {
        self.head.forward(h) // (…, V)
    }

    fn frozen(&self) -> Box<dyn LanguageModel<E>> {
        Box::new(self.detached())
    }
}
