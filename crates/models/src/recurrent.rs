//! Recurrent language models, whatever their cell: read the rungs themselves in [`rnn`](crate::rnn),
//! [`lstm`](crate::lstm) and [`gru`](crate::gru).
//!
//! ```text
//! x_t = E[id_t]
//! s_t = cell(x_t, s_{t−1})                    and so on, layer upon layer; h_t is what s_t shows
//! z_t = h_t W_hy + b_y                        p(id_{t+1} | id_1 … id_t) = softmax(z_t)
//! ```
//! with ids (B, T), x (B, T, D), h (B, T, H), z (B, T, V). Mikolov et al. (2010), *Recurrent neural network based
//! language model*; dropout on everything but the recurrent connections, Zaremba, Sutskever & Vinyals (2014).

use crate::config::{MAX_SIZE, check_layers, check_parameters, check_sizes};
use crate::{CarriedState, ConfigError, LanguageModel, State};
use rungs_layers::tensor::{Element, Ids, Rng, Tensor};
use rungs_layers::{Bias, Cell, Dropout, Embedding, Init, Linear, Mode, Module, Recurrent, parameters};
use serde::{Deserialize, Serialize};

/// The sizes of a [`RecurrentLanguageModel`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecurrentConfig {
    /// V, the number of tokens. The tokenizer decides it, so it is not part of a file of settings.
    #[serde(skip)]
    pub vocabulary: usize,
    /// D, the width of a token's vector.
    pub embedding: usize,
    /// H, the width of the state.
    pub hidden: usize,
    /// How many recurrent layers there are.
    pub layers: usize,
    /// The probability of dropout in training.
    pub dropout: f64,
}

impl Default for RecurrentConfig {
    /// Two layers of width 128.
    fn default() -> Self {
        Self { vocabulary: 0, embedding: 128, hidden: 128, layers: 2, dropout: 0.0 }
    }
}

impl RecurrentConfig {
    /// The number of parameters of a model with this cell: V·D + P(D, H) + (L − 1)·P(H, H) + H·V + V, where P is the
    /// cell's own number.
    ///
    /// # Errors
    /// If the sizes are not those of a model that can be.
    pub fn parameter_count<E: Element, C: Cell<E>>(&self) -> Result<u64, ConfigError> {
        let Self { vocabulary, embedding, hidden, layers, dropout } = *self;
        check_sizes(MAX_SIZE, &[("vocabulary", vocabulary), ("embedding", embedding), ("hidden", hidden)])?;
        check_layers(layers, dropout)?;
        let [v, d, h, l] = [vocabulary, embedding, hidden, layers].map(|size| size as u64);
        check_parameters(v * d + C::parameters(d, h) + (l - 1) * C::parameters(h, h) + h * v + v)
    }
}

/// A language model that carries a state per layer.
#[derive(Debug, Clone)]
pub struct RecurrentLanguageModel<E: Element, C> {
    /// E (V, D): a vector for every token.
    pub embedding: Embedding<E>,
    /// The cell of every layer.
    pub recurrent: Recurrent<C>,
    /// W_hy (H, V) and b_y (V).
    pub head: Linear<E>,
    /// On the token vectors and on what the last layer shows.
    pub dropout: Dropout,
}

parameters!(RecurrentLanguageModel<C: Cell<E>> { embedding, recurrent, head, dropout: _ });

impl<E: Element, C: Cell<E>> RecurrentLanguageModel<E, C> {
    /// A model of these sizes: token vectors from N(0, 1), W_hy by Xavier with a bias of zero, cells as they usually
    /// begin.
    ///
    /// Xavier's W_x expects inputs of variance 1. Smaller token vectors whisper, and learning starts later.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn new(config: &RecurrentConfig, rng: &mut Rng) -> Result<Self, ConfigError> {
        config.parameter_count::<E, C>()?;
        let &RecurrentConfig { vocabulary, embedding, hidden, layers, dropout } = config;
        let dropout = Dropout::new(dropout);
        Ok(Self {
            embedding: Embedding::new(vocabulary, embedding, Init::Normal(1.0), rng),
            recurrent: Recurrent::new(embedding, hidden, layers, dropout, rng),
            head: Linear::new(hidden, vocabulary, Bias::Yes, Init::XavierUniform, rng),
            dropout,
        })
    }
}

impl<E: Element, C: Cell<E>> LanguageModel<E> for RecurrentLanguageModel<E, C> {
    fn vocabulary(&self) -> usize {
        self.embedding.weight.dims::<2>()[0]
    }

    fn start(&self, batch: usize) -> State<E> {
        Box::new(CarriedState::new(self.recurrent.zero_state(batch)))
    }

    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let [_, t] = ids.dims();
        let x = self.dropout.forward(&self.embedding.forward(ids), mode); // (B, T, D)
        let carried: &mut CarriedState<E> = state.expect_mut("recurrent");
        let (h, last) = self.recurrent.forward(&x, None, &carried.layers, mode); // (B, T, H)
        carried.layers = last;
        carried.position += t;
        self.dropout.forward(&h, mode)
    }

    fn scores(&self, h: &Tensor<E>) -> Tensor<E> {
        self.head.forward(h, &mut Mode::Eval) // (…, V)
    }

    fn frozen(&self) -> Box<dyn LanguageModel<E>> {
        Box::new(self.detached())
    }
}
