//! Every example once an epoch, those of about the same length together.

use super::example::usable;
use super::{Batch, Example};
use crate::TrainError;
use rungs_layers::tensor::Rng;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// How many batches are sorted by length together. Enough that a batch has hardly any padding, few enough that
/// which examples meet in a batch is new in every epoch.
const POOL: usize = 100;

/// How many neighbouring batches are sorted once more, by the second length: 1 would leave second lengths of all kinds
/// side by side where the first are equal, 100 the first. As the first cost more (a decoder has an output layer), it is
/// nearer 1.
const SHELF: usize = 5;

/// Examples to train on, in an order that is new in every epoch: each of them once an epoch, in batches of B of about
/// the same length.
///
/// A batch is computed as if all its sequences were as long as the longest, so those of about the same length belong
/// together (*bucketing*). But batches must not be the same in every epoch, nor come in the order of length: an epoch
/// shuffles all examples, sorts each pool of 100 batches by the first of their lengths, each five neighbouring batches
/// in it by the second, cuts it into batches, and shuffles these. The first length is that of what is read, the second
/// that of the source or, without one, of what is learnt.
///
/// The order of an epoch is a function of the seed and the epoch's number alone. Where training stands is therefore two
/// numbers, the [`EpochCursor`].
#[derive(Clone, Debug)]
pub struct ExampleBatches {
    examples: Arc<[Example]>,
    batch: usize,
    seed: u64,
    cursor: EpochCursor,
    /// The examples in the order of the cursor's epoch.
    order: Vec<usize>,
    /// Where in that order its batches are.
    batches: Vec<Range<usize>>,
}

/// How far the batches of an epoch have been read: all it takes to go on.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochCursor {
    /// How many times all examples were read.
    pub epoch: usize,
    /// The next batch of this epoch.
    pub batch: usize,
}

impl ExampleBatches {
    /// Batches of `batch` examples, the last of an epoch smaller.
    ///
    /// # Errors
    /// If there are no examples, nothing is to be learnt of one, or a source is empty: an encoder has nothing to read
    /// then.
    pub fn new(examples: impl Into<Arc<[Example]>>, batch: usize, seed: u64) -> Result<Self, TrainError> {
        let examples = examples.into();
        usable("the training part", &examples, batch)?;
        let (cursor, order, batches) = (EpochCursor::default(), Vec::new(), Vec::new());
        let mut epochs = Self { examples, batch, seed, cursor, order, batches };
        epochs.arrange();
        Ok(epochs)
    }

    /// How many batches an epoch has.
    pub fn batches_per_pass(&self) -> usize {
        self.examples.len().div_ceil(self.batch)
    }

    /// The next batch.
    pub fn next_batch(&mut self) -> Batch {
        let batch = Batch::of_examples(&self.examples, &self.order[self.batches[self.cursor.batch].clone()]);
        let EpochCursor { epoch, batch: read } = self.cursor;
        if read + 1 < self.batches_per_pass() {
            self.cursor.batch += 1;
        } else {
            self.begin(EpochCursor { epoch: epoch + 1, batch: 0 });
        }
        batch
    }

    /// How far the examples have been read.
    pub fn cursor(&self) -> EpochCursor {
        self.cursor
    }

    /// Goes on from where [`cursor`](Self::cursor) was taken, on the same examples with the same seed.
    ///
    /// # Errors
    /// If an epoch has no such batch: it was taken on other examples, or with another batch size.
    pub fn seek(&mut self, cursor: EpochCursor) -> Result<(), TrainError> {
        let batches = self.batches_per_pass();
        if cursor.batch >= batches {
            let problem = format!("batch {} of an epoch that has {batches}", cursor.batch);
            return Err(TrainError::Position(problem));
        }
        self.begin(cursor);
        Ok(())
    }

    fn begin(&mut self, cursor: EpochCursor) {
        let another = cursor.epoch != self.cursor.epoch;
        self.cursor = cursor;
        if another {
            self.arrange();
        }
    }

    /// Orders the examples as the cursor's epoch has them.
    fn arrange(&mut self) {
        let Self { examples, batch, seed, cursor, .. } = self;
        let lengths: Vec<[usize; 2]> = examples.iter().map(Example::lengths).collect();
        let mut rng = Rng::new(*seed).fork(&format!("epoch {}", cursor.epoch));
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        rng.shuffle(&mut order);
        // Stable sorts, so that among examples of one length chance still decides.
        for pool in order.chunks_mut(batch.saturating_mul(POOL)) {
            pool.sort_by_key(|&row| lengths[row][0]);
            for shelf in pool.chunks_mut(batch.saturating_mul(SHELF)) {
                shelf.sort_by_key(|&row| lengths[row][1]);
            }
        }
        let starts = (0..lengths.len()).step_by(*batch);
        let mut batches: Vec<_> = starts.map(|start| start..lengths.len().min(start + *batch)).collect();
        rng.shuffle(&mut batches);
        (self.order, self.batches) = (order, batches);
    }
}

#[cfg(test)]
mod tests;
