//! The decoder looks back: at every step it chooses which part of the source to read.
//!
//! ```text
//! s_1 … s_S = both directions over E_x[x_1] … E_x[x_S]              the encoder
//! d_0 = tanh(bridge(last states of the encoder))
//!
//! Bahdanau, before the step:                                        Luong, after it, with input feeding:
//!   c_t, a_t = attention(h_{t−1}; s)                                  d_t = cell([E_y[y_{t−1}]; h̃_{t−1}], d_{t−1})
//!   d_t = cell([E_y[y_{t−1}]; c_t], d_{t−1})                          c_t, a_t = attention(h_t; s)
//!   h̃_t = tanh([h_t; c_t; E_y[y_{t−1}]] W_c + b_c)                    h̃_t = tanh([h_t; c_t] W_c + b_c)
//!
//! z_t = h̃_t W + b                                                   p(y_t | y_1 … y_{t−1}, x) = softmax(z_t)
//! ```
//! with x (B, S), y (B, T), s (B, S, H) or (B, S, 2H), h, h̃ (B, H), a (B, S), z (B, T, V), and h_t what the decoder's
//! last layer shows. Bahdanau, Cho & Bengio (2014), *Neural Machine Translation by Jointly Learning to Align and
//! Translate* (their maxout before the softmax is a tanh here); Luong, Pham & Manning (2015), *Effective Approaches to
//! Attention-based Neural Machine Translation*. How h and s are compared is in [`rungs_layers::attention`].
//!
//! The source no longer has to fit one vector, and the weights a_t say where each word came from. What remains is a
//! step after a step after a step: nothing of a sequence can be computed before what stands to its left. That is why
//! there are Transformers.

use crate::config::{check, check_parameters};
use crate::decoder_state::DecoderState;
use crate::head::{Head, head_parameters, target_init};
use crate::seq2seq::{CellKind, check_pair};
use crate::{CarriedState, ConfigError, LanguageModel, Source, State};
use rungs_layers::tensor::{Array, Element, Ids, Rng, Tensor};
use rungs_layers::{
    Attention, Bias, Direction, Dropout, Embedding, Equations, Init, Linear, Mode, Module, Recurrent, RecurrentState,
    Score, parameters,
};
use serde::{Deserialize, Serialize};

/// When a decoder looks back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// Before the step, with the state before it.
    Bahdanau,
    /// After the step; what it found is fed into the next one.
    Luong,
}

/// The sizes of an [`AttentionSeq2Seq`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttentionConfig {
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
    /// H, the width of each direction's state, of the decoder's, and the inner width of attention.
    pub hidden: usize,
    /// How many layers the encoder has, and the decoder.
    pub layers: usize,
    /// The probability of dropout in training.
    pub dropout: f64,
    /// When the decoder attends: before its step or after it.
    #[serde(rename = "attention")]
    pub style: Style,
    /// The score function of attention.
    pub score: Score,
    /// Whether the encoder reads in both directions.
    #[serde(alias = "both_ways")]
    pub bidirectional: bool,
    /// Whether the decoder's embedding is its output layer too; then D and H must be equal.
    pub tied: bool,
    /// The probability that the decoder reads its own prediction in training (scheduled sampling; Bengio et al. 2015).
    pub scheduled_sampling: f64,
}

impl Default for AttentionConfig {
    /// One LSTM layer of width 256, a bidirectional encoder, and attention as Luong et al. have it.
    fn default() -> Self {
        Self {
            source_vocabulary: 0,
            vocabulary: 0,
            cell: CellKind::Lstm,
            embedding: 128,
            hidden: 256,
            layers: 1,
            dropout: 0.0,
            style: Style::Luong,
            score: Score::General,
            bidirectional: true,
            tied: false,
            scheduled_sampling: 0.0,
        }
    }
}

impl AttentionConfig {
    /// D_v: what the encoder shows at a position.
    fn shown(&self) -> usize {
        if self.bidirectional { 2 * self.hidden } else { self.hidden }
    }

    /// What the decoder reads at a step, beside the token's vector.
    fn fed(&self) -> usize {
        if self.style == Style::Bahdanau { self.shown() } else { self.hidden }
    }

    /// What h̃ is made of.
    fn combined(&self) -> usize {
        self.hidden + self.shown() + if self.style == Style::Bahdanau { self.embedding } else { 0 }
    }

    /// The number of parameters of a model with this cell.
    ///
    /// # Errors
    /// If the sizes are not those of a model that can be.
    pub fn parameter_count<Q: Equations>(&self) -> Result<u64, ConfigError> {
        let Self { source_vocabulary, vocabulary, embedding, hidden, layers, dropout, score, tied, .. } = *self;
        let sizes = [source_vocabulary, vocabulary, embedding, hidden];
        check_pair(sizes, layers, [dropout, self.scheduled_sampling], tied)?;
        let shown = self.shown();
        check(score != Score::Dot || shown == hidden, || {
            format!("dot attention compares vectors of one width: the encoder shows {shown}, the decoder {hidden}")
        })?;
        let [s, v, d, h, l] = [source_vocabulary, vocabulary, embedding, hidden, layers].map(|size| size as u64);
        let [shown, fed, combined] = [shown, self.fed(), self.combined()].map(|size| size as u64);
        let ways = if self.bidirectional { 2 } else { 1 };
        let encoder = ways * (Q::parameters(d, h) + (l - 1) * Q::parameters(shown, h));
        let decoder = Q::parameters(d + fed, h) + (l - 1) * Q::parameters(h, h);
        let bridge = l * Q::STATES as u64 * (shown * h + h);
        let attention = match score {
            Score::Additive | Score::Concat => (h + shown + 1) * h,
            Score::General => shown * h,
            Score::Dot => 0,
        };
        let head = combined * h + h + head_parameters(tied, h, v);
        check_parameters((s + v) * d + encoder + decoder + bridge + attention + head)
    }
}

/// From the last states of an encoder's layer to the first state of the decoder's.
#[derive(Debug, Clone)]
pub struct Bridge<E: Element = f32> {
    /// For h.
    pub h: Linear<E>,
    /// For c, where there is one.
    pub c: Option<Linear<E>>,
}

parameters!(Bridge { h, c });

impl<E: Element> Bridge<E> {
    pub(crate) fn new(inputs: usize, hidden: usize, has_cell: bool, rng: &mut Rng) -> Self {
        let mut linear = || Linear::new(inputs, hidden, Bias::Yes, Init::XavierUniform, rng);
        Self { h: linear(), c: has_cell.then(linear) }
    }

    /// The last states of all directions (B, H) each → the decoder's first.
    pub(crate) fn cross(&self, last: &[RecurrentState<E>], mode: &mut Mode<'_>) -> RecurrentState<E> {
        let h: Vec<_> = last.iter().map(|state| state.h.clone()).collect();
        let c: Vec<_> = last.iter().filter_map(|state| state.c.clone()).collect();
        let mut across =
            |linear: &Linear<E>, parts: &[Tensor<E>]| linear.forward(&Tensor::concat(parts, -1), mode).tanh();
        RecurrentState { h: across(&self.h, &h), c: self.c.as_ref().map(|linear| across(linear, &c)) }
    }
}

/// The decoder's state: that of every layer and, in Luong's style, h̃ as the last of them.
type AttentionState<E> = DecoderState<E, CarriedState<E>>;

/// An encoder, a decoder, and attention between them.
#[derive(Debug, Clone)]
pub struct AttentionSeq2Seq<E: Element, Q> {
    /// E_x (V_x, D).
    pub source_embedding: Embedding<E>,
    /// E_y (V, D).
    pub target_embedding: Embedding<E>,
    /// What reads.
    pub encoder: Recurrent<E, Q>,
    /// One for each layer.
    pub bridge: Vec<Bridge<E>>,
    /// What looks back.
    pub attention: Attention<E>,
    /// What writes.
    pub decoder: Recurrent<E, Q>,
    /// W_c and b_c.
    pub combine: Linear<E>,
    /// W and b.
    pub head: Head<E>,
    /// On the token vectors and on h̃.
    pub dropout: Dropout,
    /// When the decoder looks back.
    pub style: Style,
}

parameters!(AttentionSeq2Seq<Q: Equations> {
    source_embedding, target_embedding, encoder, bridge, attention, decoder, combine, head, dropout: _, style: _
});

impl<E: Element, Q: Equations> AttentionSeq2Seq<E, Q> {
    /// A model of these sizes: token vectors from N(0, 1), or from N(0, 1/D) where they are the head too, matrices by
    /// Xavier, cells as they usually begin.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn new(config: &AttentionConfig, rng: &mut Rng) -> Result<Self, ConfigError> {
        config.parameter_count::<Q>()?;
        let &AttentionConfig { source_vocabulary, vocabulary, embedding, hidden, layers, score, tied, .. } = config;
        let dropout = Dropout::new(config.dropout);
        let shown = config.shown();
        let direction = if config.bidirectional { Direction::Both } else { Direction::Forward };
        let bridge = |rng: &mut Rng| Bridge::new(shown, hidden, Q::STATES == 2, rng);
        Ok(Self {
            source_embedding: Embedding::new(source_vocabulary, embedding, Init::Normal(1.0), rng),
            target_embedding: Embedding::new(vocabulary, embedding, target_init(tied, embedding), rng),
            encoder: Recurrent::of_kind(Q::default(), direction, embedding, hidden, layers, dropout, rng),
            bridge: (0..layers).map(|_| bridge(rng)).collect(),
            attention: Attention::new(score, hidden, shown, hidden, rng),
            decoder: Recurrent::new(embedding + config.fed(), hidden, layers, dropout, rng),
            combine: Linear::new(config.combined(), hidden, Bias::Yes, Init::XavierUniform, rng),
            head: Head::new(tied, hidden, vocabulary, rng),
            dropout,
            style: config.style,
        })
    }

    /// One step of the decoder: the part of its cell's product that y_{t−1} makes (B, 1, G·H) and `w_fed`, the rows of
    /// W_x for the other part → what W_c is to read beside y_{t−1} (B, 1, H + D_v) in Bahdanau's style, or h̃_t (B, 1,
    /// H) in Luong's, and where it looked (B, 1, S).
    fn advance(
        &self,
        drive: Tensor<E>,
        w_fed: &Tensor<E>,
        state: &mut AttentionState<E>,
        mode: &mut Mode<'_>,
    ) -> (Tensor<E>, Tensor<E>) {
        let DecoderState { own: CarriedState { layers: carried, .. }, sources, .. } = state;
        let layers = self.decoder.layers.len();
        let look = |h: &Tensor<E>| self.attention.look(&h.unsqueeze(1), &sources[0]);
        match self.style {
            Style::Bahdanau => {
                let (context, weights) = look(&carried[layers - 1].h); // (B, 1, D_v)
                let (h, last) = self.decoder.driven(&(drive + context.matmul(w_fed)), carried, mode);
                *carried = last;
                (Tensor::concat(&[h, context], -1), weights) // (B, 1, H + D_v)
            }
            Style::Luong => {
                // The last of what is carried is h̃_{t−1}.
                let (cells, fed) = carried.split_at(layers);
                let drive = drive + fed[0].h.unsqueeze(1).matmul(w_fed);
                let (h, mut last) = self.decoder.driven(&drive, cells, mode);
                let (context, weights) = look(&h.squeeze(1));
                let combined = self.combine.forward(&Tensor::concat(&[h, context], -1), mode).tanh(); // (B, 1, H)
                last.push(RecurrentState { h: combined.squeeze(1), c: None });
                *carried = last;
                (combined, weights)
            }
        }
    }
}

impl<E: Element, Q: Equations> LanguageModel<E> for AttentionSeq2Seq<E, Q> {
    fn vocabulary(&self) -> usize {
        self.target_embedding.weight.dims::<2>()[0]
    }

    fn source_vocabulary(&self) -> Option<usize> {
        Some(self.source_embedding.weight.dims::<2>()[0])
    }

    fn encode(&self, source: &Source, mode: &mut Mode<'_>) -> State<E> {
        let x = self.dropout.forward(&self.source_embedding.forward(source.ids()), mode); // (B, S, D)
        let start = self.encoder.zero_state(source.lengths().len());
        let (states, last) = self.encoder.forward(&x, Some(source.lengths()), &start, mode); // (B, S, D_v)
        let ways = last.len() / self.bridge.len();
        let mut carried: Vec<_> =
            last.chunks(ways).zip(&self.bridge).map(|(last, bridge)| bridge.cross(last, mode)).collect();
        if self.style == Style::Luong {
            let [batch, hidden] = carried[0].h.dims();
            carried.push(RecurrentState { h: Tensor::constant(Array::zeros([batch, hidden])), c: None });
        }
        let sources = vec![self.attention.memory(&states, source.lengths())];
        Box::new(DecoderState { own: CarriedState::new(carried), sources, weights: None })
    }

    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let [_, t] = ids.dims();
        let y = self.dropout.forward(&self.target_embedding.forward(ids), mode); // (B, T, D)
        // What does not wait for the step before is computed for all steps at once: the part of the cell's product that
        // y makes and, in Bahdanau's style, W_c.
        let w_x = &self.decoder.layers[0].w_x; // (D + fed, G·H)
        let [inputs, _] = w_x.dims();
        let [_, _, embedding] = y.dims();
        let w_fed = w_x.slice(0, embedding..inputs);
        let drives = y.matmul(&w_x.slice(0, 0..embedding)); // (B, T, G·H)
        let state: &mut AttentionState<E> = state.expect_mut("attention");
        let (mut shown, mut weights) = (Vec::with_capacity(t), Vec::with_capacity(t));
        for drive in drives.split(1, &vec![1; t]) {
            let (here, a) = self.advance(drive, &w_fed, state, mode);
            shown.push(here);
            weights.push(a.detached());
        }
        state.own.position += t;
        state.weights = Some(Tensor::concat(&weights, 1)); // (B, T, S)
        let shown = Tensor::concat(&shown, 1);
        let features = match self.style {
            Style::Bahdanau => self.combine.forward(&Tensor::concat(&[shown, y], -1), mode).tanh(),
            Style::Luong => shown,
        };
        self.dropout.forward(&features, mode) // (B, T, H)
    }

    fn scores(&self, features: &Tensor<E>) -> Tensor<E> {
        self.head.scores(features, &self.target_embedding)
    }

    fn frozen(&self) -> Box<dyn LanguageModel<E>> {
        Box::new(self.detached())
    }
}
