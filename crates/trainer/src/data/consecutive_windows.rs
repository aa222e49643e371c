//! The whole text, window after window.

use super::{Batch, Tokens, long_enough, not_empty};
use crate::TrainError;

/// A text in consecutive windows of T tokens, the last one shorter: every token after the first is predicted exactly
/// once. What is measured on it is a property of the model and the text, not of a sample.
///
/// A recurrent model carries its state from each window to the next, so it takes them one at a time (`batch` 1), and T
/// is only how much is computed at once. A model without memory sees nothing beyond its window, so it takes several at
/// once.
#[derive(Clone, Debug)]
pub struct ConsecutiveWindows {
    tokens: Tokens,
    batch: usize,
    length: usize,
}

impl ConsecutiveWindows {
    /// Windows of `length` tokens, up to `batch` of them at a time.
    ///
    /// # Errors
    /// If the text has fewer than two tokens.
    pub fn new(tokens: impl Into<Tokens>, batch: usize, length: usize) -> Result<Self, TrainError> {
        not_empty(batch, length)?;
        let tokens = tokens.into();
        long_enough("the validation part", tokens.len(), 2, || "one to read and one to predict".into())?;
        Ok(Self { tokens, batch, length })
    }

    /// How many tokens are predicted: all but the first.
    pub fn tokens(&self) -> usize {
        self.tokens.len() - 1
    }

    /// The batches in order: (B, T), then fewer windows, then a shorter one. With one window at a time only the first
    /// batch is a [restart](Batch::restart), otherwise every one. An item is an error if the tokens are in a file that
    /// cannot be read.
    pub fn batches(&self) -> impl Iterator<Item = Result<Batch, TrainError>> + '_ {
        self.batches_of(self.batch)
    }

    /// The same with no more than `most` tokens at a time, or one window if that has more.
    pub fn batches_within(&self, most: usize) -> impl Iterator<Item = Result<Batch, TrainError>> + '_ {
        self.batches_of(self.batch.min(most / self.length).max(1))
    }

    fn batches_of(&self, batch: usize) -> impl Iterator<Item = Result<Batch, TrainError>> + '_ {
        let whole = self.tokens() / self.length;
        let rest = self.tokens() % self.length;
        let full = (0..whole).step_by(batch).map(move |first| {
            let windows = first..whole.min(first + batch);
            let starts = windows.map(|window| window * self.length);
            Batch::gather(&self.tokens, starts, self.length, self.batch > 1 || first == 0)
        });
        let short = (rest > 0).then(|| {
            let start = whole * self.length;
            Batch::gather(&self.tokens, std::iter::once(start), rest, self.batch > 1 || whole == 0)
        });
        full.chain(short)
    }
}
