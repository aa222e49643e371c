//! The whole text, with a past behind every token.

use super::{Batch, Tokens, long_enough, not_empty};
use crate::TrainError;
use crate::error::setting;
use rungs_layers::tensor::Ids;

/// A text in windows of T tokens of which each begins `stride` tokens after the last: every token after the first is
/// predicted exactly once, by the first window that reaches it.
///
/// ```text
/// T = 4, stride = 2      reads      predicts, of a text a b c d e f g h
///                        a b c d    b c d e
///                        c d e f        f g       behind c d e and c d e f
///                        e f g              h     behind e f g
/// ```
///
/// So each window but the first predicts behind its last tokens alone, and what it predicts has at least
/// T − stride + 1 tokens before it, or all there are. With a stride of T these are
/// [`ConsecutiveWindows`](super::ConsecutiveWindows); with 1 every token has the longest past that a model can look at,
/// and costs as much as a whole window.
#[derive(Clone, Debug)]
pub struct SlidingWindows {
    tokens: Tokens,
    length: usize,
    stride: usize,
}

/// Windows, and what is predicted behind the last tokens of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlidingBatch {
    /// (B, T)
    pub inputs: Ids,
    /// (B, C): the tokens after the last C inputs.
    pub targets: Ids,
}

impl SlidingWindows {
    /// Windows of `length` tokens, each `stride` tokens after the last.
    ///
    /// # Errors
    /// If the text has fewer than two tokens, or the stride is 0 or more than the length: it would step over tokens.
    pub fn new(tokens: impl Into<Tokens>, length: usize, stride: usize) -> Result<Self, TrainError> {
        let tokens = tokens.into();
        not_empty(1, length)?;
        setting("stride", stride > 0, || "must be 1 or more".into())?;
        setting("stride", stride <= length, || {
            format!("{stride} is more than the context of {length}: the tokens in between would not be predicted")
        })?;
        long_enough("the text", tokens.len(), 2, || "one to read and one to predict".into())?;
        Ok(Self { tokens, length, stride })
    }

    /// The batches in order, of at most `most` tokens, or one window if that has more: the first window, which predicts
    /// all its targets, then whole windows, then a shorter one. An item is an error if the tokens are in a file that
    /// cannot be read.
    pub fn batches_within(&self, most: usize) -> impl Iterator<Item = Result<SlidingBatch, TrainError>> + '_ {
        let Self { length, stride, .. } = *self;
        let predicted = self.tokens.len() - 1;
        let first = length.min(predicted);
        let left = predicted - first;
        // Window k begins at k · stride.
        let (whole, rest) = (left / stride, left % stride);
        let batch = (most / length).max(1);
        let full = (1..=whole).step_by(batch).map(move |from| {
            let windows = from..(from + batch).min(whole + 1);
            self.batch(windows.map(|window| window * stride), length, stride)
        });
        let short = (rest > 0).then(|| {
            let start = (whole + 1) * stride;
            self.batch(std::iter::once(start), predicted - start, rest)
        });
        std::iter::once(self.batch(std::iter::once(0), first, first)).chain(full).chain(short)
    }

    /// Windows of `length` tokens that begin at `starts`, and what is predicted behind the last `count` of each.
    fn batch(
        &self,
        starts: impl ExactSizeIterator<Item = usize>,
        length: usize,
        count: usize,
    ) -> Result<SlidingBatch, TrainError> {
        let Batch { inputs, targets, .. } = Batch::gather(&self.tokens, starts, length, true)?;
        let targets: Vec<u32> =
            targets.as_slice().chunks(length).flat_map(|window| &window[length - count..]).copied().collect();
        let shape = [targets.len() / count, count];
        Ok(SlidingBatch { inputs, targets: Ids::new(targets, shape) })
    }
}
