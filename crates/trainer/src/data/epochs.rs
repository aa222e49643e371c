//! Which sequences make the batches of an epoch.

use crate::TrainError;
use rungs_layers::tensor::Rng;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How many batches are sorted by length together. Enough that a batch has hardly any padding, few enough that
/// which rows meet in a batch is new in every epoch.
const POOL: usize = 100;

/// How many neighbouring batches are sorted once more, by the second length: 1 would leave second lengths of all kinds
/// side by side where the first are equal, 100 the first. As the first cost more (a decoder has an output layer), it is
/// nearer 1.
const SHELF: usize = 5;

/// The rows of a data set in an order that is new in every epoch: each of them once an epoch, in batches of B of about
/// the same length.
///
/// A batch is computed as if all its sequences were as long as the longest, so those of about the same length belong
/// together (*bucketing*). But batches must not be the same in every epoch, nor come in the order of length: an epoch
/// shuffles all rows, sorts each pool of 100 batches by the first of their lengths, each five neighbouring batches in
/// it by the second, cuts it into batches, and shuffles these.
///
/// The order of an epoch is a function of the seed and the epoch's number alone. Where training stands is therefore two
/// numbers, the [`EpochCursor`].
#[derive(Clone, Debug)]
pub(super) struct Epochs {
    /// Of every row, the length that matters most and the one that matters next.
    lengths: Vec<[usize; 2]>,
    batch: usize,
    seed: u64,
    cursor: EpochCursor,
    /// The rows in the order of the cursor's epoch.
    order: Vec<usize>,
    /// Where in that order its batches are.
    batches: Vec<Range<usize>>,
}

/// How far the batches of an epoch have been read: all it takes to go on.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochCursor {
    /// How many times all rows were read.
    pub epoch: usize,
    /// The next batch of this epoch.
    pub batch: usize,
}

impl Epochs {
    /// Batches of `batch` rows, the last of an epoch smaller. There must be rows, and a batch must have some.
    pub(super) fn new(lengths: Vec<[usize; 2]>, batch: usize, seed: u64) -> Self {
        let mut epochs =
            Self { lengths, batch, seed, cursor: EpochCursor::default(), order: Vec::new(), batches: Vec::new() };
        epochs.arrange();
        epochs
    }

    /// How many batches an epoch has.
    pub(super) fn batches_per_pass(&self) -> usize {
        self.lengths.len().div_ceil(self.batch)
    }

    /// The rows of the next batch.
    pub(super) fn next_rows(&mut self) -> Vec<usize> {
        let rows = self.order[self.batches[self.cursor.batch].clone()].to_vec();
        let EpochCursor { epoch, batch: read } = self.cursor;
        if read + 1 < self.batches_per_pass() {
            self.cursor.batch += 1;
        } else {
            self.begin(EpochCursor { epoch: epoch + 1, batch: 0 });
        }
        rows
    }

    /// How far the rows have been read.
    pub(super) fn cursor(&self) -> EpochCursor {
        self.cursor
    }

    /// Goes on from where [`cursor`](Self::cursor) was taken, on rows of the same lengths with the same seed.
    ///
    /// # Errors
    /// If an epoch has no such batch: it was taken on other rows, or with another batch size.
    pub(super) fn seek(&mut self, cursor: EpochCursor) -> Result<(), TrainError> {
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

    /// Orders the rows as the cursor's epoch has them.
    fn arrange(&mut self) {
        let Self { lengths, batch, seed, cursor, .. } = self;
        let mut rng = Rng::new(*seed).fork(&format!("epoch {}", cursor.epoch));
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        rng.shuffle(&mut order);
        // Stable sorts, so that among rows of one length chance still decides.
        for pool in order.chunks_mut(batch.saturating_mul(POOL)) {
            pool.sort_by_key(|&row| lengths[row][0]);
            for shelf in pool.chunks_mut(batch.saturating_mul(SHELF)) {
                shelf.sort_by_key(|&row| lengths[row][1]);
            }
        }
        let mut batches = cuts(lengths.len(), *batch);
        rng.shuffle(&mut batches);
        (self.order, self.batches) = (order, batches);
    }
}

/// 0 to `n` in ranges of `batch`, the last one shorter.
fn cuts(n: usize, batch: usize) -> Vec<Range<usize>> {
    (0..n).step_by(batch).map(|start| start..n.min(start + batch)).collect()
}
