//! From sequence to sequence: one recurrent network reads, another writes, and a state is all that passes between them.
//!
//! ```text
//! s_0 … s_S = cell over E_x[x_1] … E_x[x_S]                 the encoder; its last state is the thought
//! d_0 = s_S,  d_t = cell(E_y[y_{t−1}], d_{t−1})             the decoder begins with it
//! z_t = h_t W + b                                           p(y_t | y_1 … y_{t−1}, x) = softmax(z_t)
//! ```
//! with x (B, S), y (B, T), states (B, H) per layer, z (B, T, V). Sutskever, Vinyals & Le (2014), *Sequence to Sequence
//! Learning with Neural Networks*; Cho et al. (2014). Sutskever et al. read the source from its end
//! ([`reverse`](Seq2SeqConfig::reverse)): the first words of both texts then stand close together, and learning starts
//! from there. With `tied`, the decoder's embedding is its head too (Press & Wolf 2017).
//!
//! A sentence of three words and one of thirty have to fit the same vector. That is why there is
//! [attention](crate::attention_seq2seq).

use crate::config::{MAX_SIZE, check, check_layers, check_parameters, check_scheduled_sampling, check_sizes};
use crate::head::{Head, head_parameters, target_init};
use crate::{CarriedState, ConfigError, LanguageModel, Source, State};
use rungs_layers::tensor::{Element, Ids, Rng, Tensor};
use rungs_layers::{Dropout, Embedding, Equations, Init, Mode, Module, Recurrent, parameters};
use serde::{Deserialize, Serialize};

/// The recurrent cells that an encoder-decoder can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// The LSTM.
    Lstm,
    /// The GRU.
    Gru,
}

/// The sizes of a [`Seq2Seq`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seq2SeqConfig {
    /// The number of tokens a source may have. The tokenizer decides it, so it is not part of a file of settings.
    #[serde(skip)]
    pub source_vocabulary: usize,
    /// V, the number of tokens a target may have. The tokenizer decides it as well.
    #[serde(skip)]
    pub vocabulary: usize,
    /// The cell of the encoder and the decoder, where a [`ModelConfig`](crate::ModelConfig) chooses the type Q.
    pub cell: CellKind,
    /// D, the width of a token's vector.
    pub embedding: usize,
    /// H, the width of the state.
    pub hidden: usize,
    /// How many layers the encoder has, and the decoder.
    pub layers: usize,
    /// The probability of dropout in training.
    pub dropout: f64,
    /// Whether the source is read from its end.
    pub reverse: bool,
    /// Whether the decoder's embedding is its output layer too; then D and H must be equal.
    pub tied: bool,
    /// The probability that the decoder reads its own prediction in training (scheduled sampling; Bengio et al. 2015).
    pub scheduled_sampling: f64,
}

impl Default for Seq2SeqConfig {
    /// One LSTM layer of width 256 that reads the source from its end.
    fn default() -> Self {
        Self {
            source_vocabulary: 0,
            vocabulary: 0,
            cell: CellKind::Lstm,
            embedding: 128,
            hidden: 256,
            layers: 1,
            dropout: 0.0,
            reverse: true,
            tied: false,
            scheduled_sampling: 0.0,
        }
    }
}

impl Seq2SeqConfig {
    /// The number of parameters of a model with this cell.
    ///
    /// # Errors
    /// If the sizes are not those of a model that can be.
    pub fn parameter_count<Q: Equations>(&self) -> Result<u64, ConfigError> {
        let Self { source_vocabulary, vocabulary, embedding, hidden, layers, dropout, tied, .. } = *self;
        let sizes = [source_vocabulary, vocabulary, embedding, hidden];
        check_pair(sizes, layers, [dropout, self.scheduled_sampling], tied)?;
        let [s, v, d, h, l] = [source_vocabulary, vocabulary, embedding, hidden, layers].map(|size| size as u64);
        let stack = Q::parameters(d, h) + (l - 1) * Q::parameters(h, h);
        check_parameters((s + v) * d + 2 * stack + head_parameters(tied, h, v))
    }
}

/// Checks that a translator of these vocabularies and widths can be, of these layers, with these probabilities of
/// dropout and of scheduled sampling, and with a head that is tied or not.
pub(crate) fn check_pair(sizes: [usize; 4], layers: usize, rates: [f64; 2], tied: bool) -> Result<(), ConfigError> {
    let [dropout, scheduled_sampling] = rates;
    let named = ["source vocabulary", "vocabulary", "embedding", "hidden"].into_iter().zip(sizes);
    check_sizes(MAX_SIZE, &named.collect::<Vec<_>>())?;
    check_layers(layers, dropout)?;
    check_scheduled_sampling(scheduled_sampling)?;
    let [.., embedding, hidden] = sizes;
    check(!tied || embedding == hidden, || {
        format!("a tied head needs an embedding as wide as the state: embedding {embedding}, hidden {hidden}")
    })
}

/// An encoder and a decoder, and a state between them.
#[derive(Debug, Clone)]
pub struct Seq2Seq<E: Element, Q> {
    /// E_x (V_x, D).
    pub source_embedding: Embedding<E>,
    /// E_y (V, D).
    pub target_embedding: Embedding<E>,
    /// What reads.
    pub encoder: Recurrent<E, Q>,
    /// What writes.
    pub decoder: Recurrent<E, Q>,
    /// W and b.
    pub head: Head<E>,
    /// On the token vectors and on what the decoder's last layer shows.
    pub dropout: Dropout,
    /// Whether the source is read from its end.
    pub reverse: bool,
}

parameters!(Seq2Seq<Q: Equations> {
    source_embedding, target_embedding, encoder, decoder, head, dropout: _, reverse: _
});

impl<E: Element, Q: Equations> Seq2Seq<E, Q> {
    /// A model of these sizes: token vectors from N(0, 1), or from N(0, 1/D) where they are the head too, the head by
    /// Xavier, cells as they usually begin.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn new(config: &Seq2SeqConfig, rng: &mut Rng) -> Result<Self, ConfigError> {
        config.parameter_count::<Q>()?;
        let &Seq2SeqConfig { source_vocabulary, vocabulary, embedding, hidden, layers, reverse, tied, .. } = config;
        let dropout = Dropout::new(config.dropout);
        Ok(Self {
            source_embedding: Embedding::new(source_vocabulary, embedding, Init::Normal(1.0), rng),
            target_embedding: Embedding::new(vocabulary, embedding, target_init(tied, embedding), rng),
            encoder: Recurrent::new(embedding, hidden, layers, dropout, rng),
            decoder: Recurrent::new(embedding, hidden, layers, dropout, rng),
            head: Head::new(tied, hidden, vocabulary, rng),
            dropout,
            reverse,
        })
    }
}

impl<E: Element, Q: Equations> LanguageModel<E> for Seq2Seq<E, Q> {
    fn vocabulary(&self) -> usize {
        self.target_embedding.weight.dims::<2>()[0]
    }

    fn source_vocabulary(&self) -> Option<usize> {
        Some(self.source_embedding.weight.dims::<2>()[0])
    }

    fn encode(&self, source: &Source, mode: &mut Mode<'_>) -> State<E> {
        let reversed = self.reverse.then(|| source.reversed());
        let source = reversed.as_ref().unwrap_or(source);
        let x = self.dropout.forward(&self.source_embedding.forward(source.ids()), mode); // (B, S, D)
        let start = self.encoder.zero_state(source.lengths().len());
        let (_, last) = self.encoder.forward(&x, Some(source.lengths()), &start, mode);
        Box::new(CarriedState::new(last)) // all that the decoder ever knows of the source
    }

    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let [_, t] = ids.dims();
        let y = self.dropout.forward(&self.target_embedding.forward(ids), mode); // (B, T, D)
        let carried: &mut CarriedState<E> = state.expect_mut("seq2seq");
        let (h, last) = self.decoder.forward(&y, None, &carried.layers, mode); // (B, T, H)
        carried.layers = last;
        carried.position += t;
        self.dropout.forward(&h, mode)
    }

    fn scores(&self, features: &Tensor<E>) -> Tensor<E> {
        self.head.scores(features, &self.target_embedding)
    }

    fn frozen(&self) -> Box<dyn LanguageModel<E>> {
        Box::new(self.detached())
    }
}
