//! The whole text, window after window.

use super::{Batch, TokenIds, long_enough, not_empty};
use crate::TrainError;
use crate::error::setting;
use std::ops::Range;

/// A text in windows of T tokens of which each begins `stride` tokens after the last: every token after the first is
/// predicted exactly once, by the first window that reaches it. What is measured on it is a property of the model and
/// the text, not of a sample.
///
/// ```text
/// T = 4, stride = 2      reads      predicts, of a text a b c d e f g h
///                        a b c d    b c d e
///                        c d e f        f g       behind c d e and c d e f
///                        e f g              h     behind e f g
/// ```
///
/// With a stride of T the windows are consecutive, and each predicts behind all its tokens. With a smaller one they
/// overlap: each but the first predicts behind its last tokens alone, and what it predicts has at least T − stride + 1
/// tokens before it, or all there are. With 1 every token has the longest past that a model can look at, and costs as
/// much as a whole window.
///
/// A recurrent model carries its state from each consecutive window to the next, so it takes them one at a time
/// (`batch` 1), and T is only how much is computed at once. A model without memory sees nothing beyond its window, so
/// it takes several at once.
#[derive(Clone, Debug)]
pub struct SlidingWindows {
    ids: TokenIds,
    batch: usize,
    length: usize,
    stride: usize,
}

impl SlidingWindows {
    /// Windows of `length` tokens, each `stride` tokens after the last, up to `batch` of them at a time.
    ///
    /// # Errors
    /// If the text has fewer than two tokens, or the stride is 0 or more than the length: it would step over tokens.
    pub fn new(ids: impl Into<TokenIds>, batch: usize, length: usize, stride: usize) -> Result<Self, TrainError> {
        let ids = ids.into();
        not_empty(batch, length)?;
        setting("stride", stride > 0, || "must be 1 or more".into())?;
        setting("stride", stride <= length, || {
            format!("{stride} is more than the context of {length}: the tokens in between would not be predicted")
        })?;
        long_enough("the text", ids.len(), 2, "one to read and one to predict")?;
        Ok(Self { ids, batch, length, stride })
    }

    /// How many tokens are predicted: all but the first.
    pub fn tokens(&self) -> usize {
        self.ids.len() - 1
    }

    /// The batches in order, with no more than `most` tokens to read in each, or one window if that has more: (B, T),
    /// then fewer windows, then a shorter one. With one window at a time only the first batch is a
    /// [restart](Batch::restart), otherwise every one. An item is an error if the tokens are in a file that cannot be
    /// read.
    pub fn batches(&self, most: usize) -> impl Iterator<Item = Result<Batch, TrainError>> + '_ {
        let Self { length, stride, .. } = *self;
        // Window k begins at k · stride. These are whole, and a shorter one predicts what is left behind them.
        let whole = self.tokens().checked_sub(length).map_or(0, |rest| rest / stride + 1);
        let reached = if whole > 0 { (whole - 1) * stride + length } else { 0 };
        let batch = self.batch.min(most / length).max(1);
        let batch_of = move |windows: Range<usize>, length| {
            let (overlap, restart) = (self.length - stride, self.batch > 1 || windows.start == 0);
            Batch::of_windows(&self.ids, windows.map(|window| window * stride), length, overlap, restart)
        };
        let full = (0..whole).step_by(batch).map(move |first| batch_of(first..whole.min(first + batch), length));
        let short = (reached < self.tokens()).then(|| batch_of(whole..whole + 1, self.tokens() - whole * stride));
        full.chain(short)
    }
}
