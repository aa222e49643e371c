//! The last layer of a translator, from vectors to logits: a matrix of its own, or the decoder's embedding (Press &
//! Wolf 2017).

use rungs_layers::tensor::{Element, Rng, Tensor};
use rungs_layers::{Bias, Embedding, Init, Linear, parameters};

/// From vectors to logits: a matrix of its own, or the decoder's embedding over again.
#[derive(Debug, Clone)]
pub struct Head<E: Element = f32> {
    /// W (H, V); none if the head is tied.
    pub weight: Option<Tensor<E>>,
    /// b (V).
    pub bias: Tensor<E>,
}

parameters!(Head { weight, bias });

impl<E: Element> Head<E> {
    /// A head of H by V, its weight by Xavier, its bias zero.
    pub fn new(tied: bool, hidden: usize, vocabulary: usize, rng: &mut Rng) -> Self {
        let Linear { weight, bias, .. } = Linear::new(hidden, vocabulary, Bias::Yes, Init::XavierUniform, rng);
        Self { weight: (!tied).then_some(weight), bias: bias.expect("asked for") }
    }

    /// The logits: features (…, H) → (…, V).
    pub fn scores(&self, features: &Tensor<E>, embedding: &Embedding<E>) -> Tensor<E> {
        let scores = self.weight.as_ref().map_or_else(|| embedding.scores(features), |weight| features.matmul(weight));
        scores + &self.bias // (…, V)
    }
}

/// H·V + V, or V for a bias alone.
pub(crate) fn head_parameters(tied: bool, hidden: u64, vocabulary: u64) -> u64 {
    if tied { vocabulary } else { hidden * vocabulary + vocabulary }
}

/// How target vectors begin: as inputs want them, or small enough for logits where they are the head too.
pub(crate) fn target_init(tied: bool, embedding: usize) -> Init {
    Init::Normal(if tied { 1.0 / (embedding as f64).sqrt() } else { 1.0 })
}
