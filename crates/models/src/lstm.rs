//! The second rung: a recurrent language model whose memory is protected by gates.
//!
//! ```text
//! x_t = E[id_t]
//! h_t, c_t = LSTM(x_t, h_{t−1}, c_{t−1})      and so on, layer upon layer
//! z_t = h_t W_hy + b_y                        p(id_{t+1} | id_1 … id_t) = softmax(z_t)
//! ```
//! with ids (B, T), x (B, T, D), h and c (B, T, H), z (B, T, V). Hochreiter & Schmidhuber (1997), *Long Short-Term
//! Memory*; as a language model Sundermeyer, Schlüter & Ney (2012); dropout on everything but the recurrent
//! connections, Zaremba, Sutskever & Vinyals (2014).
//!
//! The only difference from the [first rung](crate::rnn) is the cell ([`rungs_layers::lstm`]): c_t is not rewritten by
//! a matrix, but kept by as much as a gate says, so gradients reach further back. The past is still squeezed into
//! vectors of fixed size, read strictly in order. That is why there is a third rung.

use crate::config::{MAX_LAYERS, MAX_SIZE, check_dropout, check_parameters, check_sizes};
use crate::{ConfigError, LanguageModel, State};
use rungs_layers::tensor::{Element, Ids, Rng, Tensor};
use rungs_layers::{Bias, Dropout, Embedding, Init, Linear, Lstm, LstmState, Mode, Module, parameters};
use serde::{Deserialize, Serialize};

/// The sizes of an [`LstmLanguageModel`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LstmConfig {
    /// V, the number of tokens.
    pub vocabulary: usize,
    /// D, the width of a token's vector.
    pub embedding: usize,
    /// H, the width of h and of c.
    pub hidden: usize,
    /// How many recurrent layers there are.
    pub layers: usize,
    /// The probability of dropping, in training.
    pub dropout: f64,
}

impl LstmConfig {
    /// The number of parameters: V·D + 4(D·H + H² + H) + 4(L − 1)(2H² + H) + H·V + V.
    ///
    /// # Errors
    /// If the sizes are not those of a model that can be.
    pub fn parameter_count(&self) -> Result<u64, ConfigError> {
        let Self { vocabulary, embedding, hidden, layers, dropout } = *self;
        check_sizes(MAX_SIZE, &[("vocabulary", vocabulary), ("embedding", embedding), ("hidden", hidden)])?;
        check_sizes(MAX_LAYERS, &[("layers", layers)])?;
        check_dropout(dropout)?;
        let [v, d, h, l] = [vocabulary, embedding, hidden, layers].map(|size| size as u64);
        check_parameters(v * d + 4 * (d * h + h * h + h) + 4 * (l - 1) * (2 * h * h + h) + h * v + v)
    }
}

/// A language model that carries two vectors per layer, one of them behind gates.
#[derive(Debug, Clone)]
pub struct LstmLanguageModel<E: Element = f32> {
    /// E (V, D): a vector for every token.
    pub embedding: Embedding<E>,
    /// W_x, W_h and b of every layer, for four gates each.
    pub lstm: Lstm<E>,
    /// W_hy (H, V) and b_y (V).
    pub head: Linear<E>,
    /// On the token vectors and on the last layer's h.
    pub dropout: Dropout,
}

parameters!(LstmLanguageModel { embedding, lstm, head, dropout: _ });

impl<E: Element> LstmLanguageModel<E> {
    /// A model of these sizes: token vectors from N(0, 1), W_x and W_hy by Xavier, W_h orthogonal, biases zero but for
    /// the forget gates', which are 1.
    ///
    /// Xavier's W_x expects inputs of variance 1. Smaller token vectors whisper, and learning starts later.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn new(config: &LstmConfig, rng: &mut Rng) -> Result<Self, ConfigError> {
        config.parameter_count()?;
        let &LstmConfig { vocabulary, embedding, hidden, layers, dropout } = config;
        let dropout = Dropout::new(dropout);
        Ok(Self {
            embedding: Embedding::new(vocabulary, embedding, Init::Normal(1.0), rng),
            lstm: Lstm::new(embedding, hidden, layers, dropout, rng),
            head: Linear::new(hidden, vocabulary, Bias::Yes, Init::XavierUniform, rng),
            dropout,
        })
    }
}

impl<E: Element> LanguageModel<E> for LstmLanguageModel<E> {
    fn vocabulary(&self) -> usize {
        self.embedding.weight.dims::<2>()[0]
    }

    fn context(&self) -> Option<usize> {
        None
    }

    fn start(&self, batch: usize) -> State<E> {
        State::carrying(carried(self.lstm.zero_state(batch))) // h and c, (B, H) each, for every layer
    }

    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let [_, t] = ids.dims();
        let x = self.dropout.forward(&self.embedding.forward(ids), mode); // (B, T, D)
        let (h, last) = self.lstm.forward(&x, &states(&state.carried), mode); // (B, T, H)
        state.carried = carried(last);
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

/// h and c of every layer as one list, h_1, c_1, h_2, c_2, …
fn carried<E: Element>(states: Vec<LstmState<E>>) -> Vec<Tensor<E>> {
    states.into_iter().flat_map(|LstmState { h, c }| [h, c]).collect()
}

/// The way back from [`carried`].
fn states<E: Element>(carried: &[Tensor<E>]) -> Vec<LstmState<E>> {
    carried.chunks_exact(2).map(|pair| LstmState { h: pair[0].clone(), c: pair[1].clone() }).collect()
}
