//! Windows from anywhere in the text.

use super::{Batch, TokenIds, long_enough, not_empty};
use crate::TrainError;
use rungs_layers::tensor::Rng;

/// Batches of B windows of T tokens, each starting anywhere with equal probability.
///
/// A model whose memory is its window gains nothing from order, and independent windows give gradients with less
/// noise than neighbours would. Where it is in the text is decided by the generator alone, so there is no position to
/// save.
#[derive(Clone, Debug)]
pub struct RandomWindows {
    ids: TokenIds,
    batch: usize,
    length: usize,
}

impl RandomWindows {
    /// Batches of `batch` windows of `length` tokens.
    ///
    /// # Errors
    /// If the text is too short for one window and the token after it.
    pub fn new(ids: impl Into<TokenIds>, batch: usize, length: usize) -> Result<Self, TrainError> {
        not_empty(batch, length)?;
        let ids = ids.into();
        let reason = format!("a context of {length}, and one more to predict");
        long_enough("the training part", ids.len(), length.saturating_add(1), &reason)?;
        Ok(Self { ids, batch, length })
    }

    /// How many batches have as many tokens as the text: there is no pass in the strict sense.
    pub fn batches_per_pass(&self) -> usize {
        (self.ids.len() - 1).div_ceil(self.batch * self.length)
    }

    /// A batch, (B, T).
    ///
    /// # Errors
    /// If the tokens are in a file that cannot be read.
    pub fn next_batch(&self, rng: &mut Rng) -> Result<Batch, TrainError> {
        let places = self.ids.len() - self.length;
        let starts = (0..self.batch).map(|_| rng.below(places));
        Batch::of_windows(&self.ids, starts, self.length, 0, true)
    }
}
