//! The state of a decoder that looks at a source.

use crate::state::{ModelState, State};
use rungs_layers::SourceMemory;
use rungs_layers::tensor::{Element, Ids, Tensor};

/// The state of a decoder: what it remembers of its own text, and the source.
#[derive(Debug, Clone)]
pub(crate) struct DecoderState<E: Element, S> {
    pub(crate) own: S,
    /// The source as each layer that looks at it does.
    pub(crate) sources: Vec<SourceMemory<E>>,
    /// Where it looked while it read the last tokens (B, T, S), if it was asked.
    pub(crate) weights: Option<Tensor<E>>,
}

impl<E: Element, S: ModelState<E> + Clone> ModelState<E> for DecoderState<E, S> {
    fn copied(&self) -> State<E> {
        Box::new(self.clone())
    }

    fn position(&self) -> usize {
        self.own.position()
    }

    fn select_rows(&mut self, rows: &Ids) {
        self.own.select_rows(rows);
        self.sources.iter_mut().for_each(|source| *source = source.rows(rows));
        self.weights = self.weights.as_ref().map(|weights| weights.select(0, rows));
    }

    fn unread(&mut self, tokens: usize) -> bool {
        self.own.unread(tokens)
    }

    fn detach(&mut self) {
        self.own.detach();
    }

    fn weights(&self) -> Option<&Tensor<E>> {
        self.weights.as_ref()
    }
}
