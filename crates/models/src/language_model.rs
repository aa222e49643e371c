//! What a language model is: a probability for every token that could come next.
//!
//! p(x_1 … x_T) = Π_t p(x_t | x_1 … x_{t−1}), with p(· | x_1 … x_{t−1}) = softmax(z_{t−1}) and z (V) the *logits*.
//!
//! Training asks for the logits of every position of a batch at once, generation for those after the last token, one
//! token after another. Both are one forward pass from a [`State`] to a [`State`], so they cannot disagree: reading a
//! text at once, in pieces, or token by token gives the same logits, bit for bit, whatever else is in the batch.

use crate::{Decoder, State};
use rungs_layers::Mode;
use rungs_layers::tensor::{Element, Ids, Tensor};

/// A model of a text's next token.
///
/// The trait can be made into an object; `Box<dyn LanguageModel<E>>` is a [`Module`](rungs_layers::Module).
pub trait LanguageModel<E: Element>: Decoder<E> {
    /// The most tokens one state can have read; none if there is no end, as in recurrent models.
    fn context(&self) -> Option<usize>;

    /// The state before the first token of `batch` sequences.
    fn start(&self, batch: usize) -> State<E>;

    /// The same model with constants for parameters, which records no graph: to evaluate and generate with. Nothing is
    /// copied.
    fn frozen(&self) -> Box<dyn LanguageModel<E>>;

    /// The logits at every position, which is what training needs: ids (B, T) → (B, T, V).
    fn logits(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        self.scores(&self.features(ids, state, mode)) // (B, T, V)
    }
}
