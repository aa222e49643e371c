//! B streams read side by side, for truncated back-propagation through time.

use super::{Batch, TokenIds, long_enough, not_empty};
use crate::TrainError;
use serde::{Deserialize, Serialize};

/// The text cut into B equal streams, each read in consecutive windows of T.
///
/// ```text
/// stream 0   [ window 0 | window 1 | … | rest ]
/// stream 1   [ window 0 | window 1 | … | rest ]         batch i holds window i of every stream
/// …
/// ```
///
/// Row b of a batch goes on where row b of the batch before ended, so a recurrent state can be carried from batch to
/// batch while gradients stop at the window's edge: truncated back-propagation through time (Williams & Peng 1990). Of
/// n tokens each stream predicts ⌊(n − 1) / B⌋; a pass predicts each of them once, the last window being shorter where
/// T does not divide them. Then the text starts again, and the state with it ([`Batch::restart`]).
#[derive(Clone, Debug)]
pub struct ContiguousBatches {
    ids: TokenIds,
    batch: usize,
    length: usize,
    cursor: StreamCursor,
}

/// How far [`ContiguousBatches`] have been read: all it takes to go on.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamCursor {
    /// How many times the whole text was read.
    pub pass: usize,
    /// The next window of this pass.
    pub window: usize,
}

impl ContiguousBatches {
    /// Batches of `batch` windows of `length` tokens.
    ///
    /// # Errors
    /// If the text is too short for one whole batch.
    pub fn new(ids: impl Into<TokenIds>, batch: usize, length: usize) -> Result<Self, TrainError> {
        not_empty(batch, length)?;
        let ids = ids.into();
        let needed = batch.saturating_mul(length).saturating_add(1);
        let reason = format!("{batch} streams of {length}, and one more to predict");
        long_enough("the training part", ids.len(), needed, &reason)?;
        Ok(Self { ids, batch, length, cursor: StreamCursor::default() })
    }

    /// How many tokens each stream predicts in a pass.
    fn stream(&self) -> usize {
        (self.ids.len() - 1) / self.batch
    }

    /// How many batches a pass over the text takes.
    pub fn batches_per_pass(&self) -> usize {
        self.stream().div_ceil(self.length)
    }

    /// The next batch: (B, T), or shorter at the end of the streams.
    ///
    /// # Errors
    /// If the tokens are in a file that cannot be read. Then the next batch is the same one.
    pub fn next_batch(&mut self) -> Result<Batch, TrainError> {
        let stream = self.stream();
        let offset = self.cursor.window * self.length;
        let length = self.length.min(stream - offset);
        let starts = (0..self.batch).map(|b| b * stream + offset);
        let batch = Batch::of_windows(&self.ids, starts, length, 0, self.cursor.window == 0)?;
        self.cursor.window += 1;
        if self.cursor.window == self.batches_per_pass() {
            self.cursor = StreamCursor { pass: self.cursor.pass + 1, window: 0 };
        }
        Ok(batch)
    }

    /// How far the text has been read.
    pub fn cursor(&self) -> StreamCursor {
        self.cursor
    }

    /// Goes on from where [`cursor`](Self::cursor) was taken.
    ///
    /// # Errors
    /// If the text has no such window: it was taken on another text, or with another batch size or context.
    pub fn seek(&mut self, cursor: StreamCursor) -> Result<(), TrainError> {
        let windows = self.batches_per_pass();
        if cursor.window >= windows {
            return Err(TrainError::Position(format!("window {} of a text that has {windows}", cursor.window)));
        }
        self.cursor = cursor;
        Ok(())
    }
}
