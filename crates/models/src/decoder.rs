//! The trait of all models that write token after token: a language model, or the half of a translator that writes.
//!
//! A [`Decoder`] implements its equations in two halves: [`features`](Decoder::features), from tokens to a vector at
//! each position, and [`scores`](Decoder::scores), from vectors to logits. Sampling and searching need nothing else;
//! where the first [`State`] comes from is the affair of [`LanguageModel`](crate::LanguageModel), which begins with
//! nothing, and of [`EncoderDecoder`](crate::EncoderDecoder), which begins with a source.

use crate::state::State;
use rungs_layers::tensor::{Element, Ids, Tensor};
use rungs_layers::{Mode, Module};

/// A model of the next token, given a state.
///
/// # Panics
/// All methods that read tokens panic if one is V or more, if the state is another model's or another batch size's,
/// or if a model with a [`context`](crate::LanguageModel::context) would read past it. Whoever takes tokens from
/// outside checks them first, as [`sample`](fn@crate::sample) does.
pub trait Decoder<E: Element>: Module<E> + Send + Sync {
    /// V, the number of tokens that can be written.
    fn vocabulary(&self) -> usize;

    /// The vector from which the next token is told, at each position: ids (B, T), which follow what `state` has read,
    /// → (B, T, D). Afterwards `state` has read them too.
    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E>;

    /// The logits of the next token: features (…, D) → (…, V).
    fn scores(&self, features: &Tensor<E>) -> Tensor<E>;

    /// The logits after the last token, which is what writing needs: ids (B, T) with T ≥ 1 → (B, V).
    ///
    /// Taken one after another, steps of a model that is not frozen make a graph that grows with the text.
    fn step(&self, ids: &Ids, state: &mut State<E>) -> Tensor<E> {
        let [_, t] = ids.dims();
        assert!(t > 0, "step: no token to read");
        let features = self.features(ids, state, &mut Mode::Eval); // (B, T, D)
        self.scores(&features.slice(1, t - 1..t).squeeze(1)) // (B, V)
    }
}
