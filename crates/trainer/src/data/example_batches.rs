//! Every example once an epoch, those of about the same length together.

use super::example::usable;
use super::{Batch, Example};
use crate::TrainError;
use rungs_layers::tensor::Rng;
use serde::{Deserialize, Serialize};
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
    /// The batches of the cursor's epoch, each a list of examples.
    batches: Vec<Vec<usize>>,
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
        let mut epochs = Self { examples, batch, seed, cursor: EpochCursor::default(), batches: Vec::new() };
        epochs.arrange();
        Ok(epochs)
    }

    /// How many batches an epoch has.
    pub fn batches_per_pass(&self) -> usize {
        self.examples.len().div_ceil(self.batch)
    }

    /// The next batch.
    pub fn next_batch(&mut self) -> Batch {
        let EpochCursor { epoch, batch } = self.cursor;
        let examples = Batch::of_examples(&self.examples, &self.batches[batch]);
        let goes_on = batch + 1 < self.batches.len();
        let (epoch, batch) = if goes_on { (epoch, batch + 1) } else { (epoch + 1, 0) };
        self.begin(EpochCursor { epoch, batch });
        examples
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
            return Err(TrainError::Position(format!("batch {} of an epoch that has {batches}", cursor.batch)));
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
        let Self { examples, batch, seed, cursor, .. } = &*self;
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
        self.batches = order.chunks(*batch).map(<[usize]>::to_vec).collect();
        rng.shuffle(&mut self.batches);
    }
}

#[cfg(test)]
mod tests;
