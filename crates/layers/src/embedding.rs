//! An embedding: a learnt vector for every token.
//!
//! y = W\[id\], with W (V, D), ids (…) and y (…, D). Bengio et al. (2003), *A Neural Probabilistic Language Model*.
//!
//! It is the product of a one-hot vector and W, computed by reading one row. The same W can serve the way back:
//! a token's score is the product of its vector and the state, xWᵀ, which saves V·D parameters and improves
//! language models (Press & Wolf 2017, *Using the Output Embedding to Improve Language Models*).

use crate::{Init, parameters};
use rungs_tensor::{Element, Ids, Rng, Tensor};

/// y = W\[id\].
///
/// Parameters: V·D.
#[derive(Debug, Clone)]
pub struct Embedding<E: Element = f32> {
    /// W (V, D): one row per token.
    pub weight: Tensor<E>,
}

parameters!(Embedding { weight });

impl<E: Element> Embedding<E> {
    /// Vectors of `width` numbers for each of `vocabulary` tokens, drawn from `init`.
    #[track_caller]
    pub fn new(vocabulary: usize, width: usize, init: Init, rng: &mut Rng) -> Self {
        Self { weight: init.tensor([vocabulary, width], rng) }
    }

    /// ids (…) → y (…, D).
    ///
    /// # Panics
    /// If an id is V or more.
    #[track_caller]
    pub fn forward(&self, ids: &Ids) -> Tensor<E> {
        self.weight.embedding(ids) // (…, D)
    }

    /// The way back with the same weight: x (…, D) → scores xWᵀ (…, V).
    #[track_caller]
    pub fn scores(&self, x: &Tensor<E>) -> Tensor<E> {
        x.matmul(&self.weight.t()) // (…, V)
    }
}
