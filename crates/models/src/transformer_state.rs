//! The state of a Transformer's decoder.

use crate::CachedState;
use crate::state::{ModelState, State, row_ids};
use rungs_layers::SourceMemory;
use rungs_layers::tensor::{Element, Tensor};

/// The state of the decoder: keys and values of its own text and of the source.
#[derive(Debug, Clone)]
pub(crate) struct TransformerState<E: Element> {
    pub(crate) cached: CachedState<E>,
    /// The source as each block looks at it.
    pub(crate) sources: Vec<SourceMemory<E>>,
    /// Where the last block looked (B, 1, S), known after a [`step`](LanguageModel::step) only.
    pub(crate) weights: Option<Tensor<E>>,
}

impl<E: Element> ModelState<E> for TransformerState<E> {
    fn copied(&self) -> State<E> {
        State::new(self.clone())
    }

    fn position(&self) -> usize {
        self.cached.position
    }

    fn select_rows(&mut self, rows: &[usize]) {
        self.cached.select_rows(rows);
        self.sources.iter_mut().for_each(|source| *source = source.rows(rows));
        self.weights = self.weights.as_ref().map(|weights| weights.select(0, &row_ids(rows)));
    }

    fn unread(&mut self, tokens: usize) -> bool {
        self.cached.unread(tokens)
    }

    fn weights(&self) -> Option<&Tensor<E>> {
        self.weights.as_ref()
    }
}
