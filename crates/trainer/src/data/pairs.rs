//! Pairs of sequences, side by side.

use super::not_empty;
use crate::TrainError;
use crate::error::setting;
use rungs_layers::tensor::{Ids, Rng};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// A source and its target as token ids, without special tokens.
pub type Pair = (Vec<u32>, Vec<u32>);

/// How many batches of pairs are sorted by length together. Enough that a batch has hardly any padding, few enough that
/// which pairs meet in a batch is new in every epoch.
const POOL: usize = 100;

/// The tokens that no text has.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Specials {
    /// Stands behind the end of the shorter sequences.
    pub padding: u32,
    /// What a decoder reads before it writes the first token.
    pub start: u32,
    /// What a decoder writes after the last token.
    pub end: u32,
}

/// B pairs as an encoder and a decoder read them: S and T are the lengths of the longest source and of the longest target
/// with its end.
///
/// ```text
/// sources          a b c                d e
/// targets          x y                  z
///
/// source           a b c                d e ·           · padding
/// inputs           < x y                < z ·           < start: what the decoder reads
/// targets          x y >                z > ·           > end:   what it is to write after each of them
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairBatch {
    /// Which pairs these are, as numbers in what the batches were made from: sorted batches lose the order.
    pub rows: Vec<usize>,
    /// (B, S)
    pub source: Ids,
    /// How long each source is: 1 to S.
    pub source_lengths: Vec<usize>,
    /// (B, T): start, then the target.
    pub inputs: Ids,
    /// (B, T): the target, then end.
    pub targets: Ids,
    /// How long each target is with its end: 1 to T.
    pub target_lengths: Vec<usize>,
}

impl PairBatch {
    /// The batch of these rows of `pairs`.
    fn gather(pairs: &[Pair], rows: &[usize], specials: Specials) -> Self {
        let Specials { padding, start, end } = specials;
        let pairs = || rows.iter().map(|&row| &pairs[row]);
        let sources: Vec<&[u32]> = pairs().map(|(source, _)| &source[..]).collect();
        let inputs: Vec<Vec<u32>> = pairs().map(|(_, target)| [&[start], &target[..]].concat()).collect();
        let targets: Vec<Vec<u32>> = pairs().map(|(_, target)| [&target[..], &[end]].concat()).collect();
        let (source, source_lengths) = pad(&sources, padding);
        let (inputs, _) = pad(&inputs, padding);
        let (targets, target_lengths) = pad(&targets, padding);
        Self { rows: rows.to_vec(), source, source_lengths, inputs, targets, target_lengths }
    }

    /// How many tokens are predicted: those of the targets and their ends, without padding.
    pub fn tokens(&self) -> usize {
        self.target_lengths.iter().sum()
    }
}

/// Sequences side by side, (B, T) with T the longest, padded at the end, and the length of each.
pub fn pad(sequences: &[impl AsRef<[u32]>], padding: u32) -> (Ids, Vec<usize>) {
    let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.as_ref().len()).collect();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let mut ids = vec![padding; sequences.len() * longest];
    for (row, sequence) in sequences.iter().enumerate() {
        ids[row * longest..][..lengths[row]].copy_from_slice(sequence.as_ref());
    }
    (Ids::new(ids, [sequences.len(), longest]), lengths)
}

/// Pairs to train on: an epoch reads each of them once, in batches of B of about the same length.
///
/// A batch is computed as if all its sequences were as long as the longest, so pairs of about the same length belong
/// together (*bucketing*). But batches must not be the same in every epoch, nor come in the order of length: an epoch
/// shuffles all pairs, sorts each pool of 100 batches by length, cuts it into batches, and shuffles these. Targets are
/// sorted by first, because a decoder with its output layer costs more than an encoder.
///
/// The order of an epoch is a function of the seed and the epoch's number alone. Where training stands is therefore two
/// numbers, the [`PairCursor`].
#[derive(Clone, Debug)]
pub struct PairBatches {
    pairs: Arc<[Pair]>,
    specials: Specials,
    batch: usize,
    seed: u64,
    cursor: PairCursor,
    /// The batches of the cursor's epoch.
    epoch: Epoch,
}

/// How far [`PairBatches`] have been read: all it takes to go on.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairCursor {
    /// How many times all pairs were read.
    pub epoch: usize,
    /// The next batch of this epoch.
    pub batch: usize,
}

/// The pairs in the order of an epoch, and where its batches are.
#[derive(Clone, Debug)]
struct Epoch {
    order: Vec<usize>,
    batches: Vec<Range<usize>>,
}

impl Epoch {
    fn new(pairs: &[Pair], batch: usize, seed: u64, number: usize) -> Self {
        let mut rng = Rng::new(seed).fork(&format!("epoch {number}"));
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        rng.shuffle(&mut order);
        // A stable sort, so that among pairs of one length chance still decides.
        order.chunks_mut(batch.saturating_mul(POOL)).for_each(|pool| pool.sort_by_key(|&row| length(&pairs[row])));
        let mut batches = cuts(pairs.len(), batch);
        rng.shuffle(&mut batches);
        Self { order, batches }
    }
}

/// What pairs are sorted by.
fn length((source, target): &Pair) -> (usize, usize) {
    (target.len(), source.len())
}

/// 0 to `n` in ranges of `batch`, the last one shorter.
fn cuts(n: usize, batch: usize) -> Vec<Range<usize>> {
    (0..n).step_by(batch).map(|start| start..n.min(start + batch)).collect()
}

impl PairBatches {
    /// Batches of `batch` pairs, the last of an epoch smaller.
    ///
    /// # Errors
    /// If there are no pairs, or if a source is empty: an encoder has nothing to read then.
    pub fn new(pairs: impl Into<Arc<[Pair]>>, specials: Specials, batch: usize, seed: u64) -> Result<Self, TrainError> {
        let pairs = pairs.into();
        usable("the training part", &pairs, batch)?;
        let epoch = Epoch::new(&pairs, batch, seed, 0);
        Ok(Self { pairs, specials, batch, seed, cursor: PairCursor::default(), epoch })
    }

    /// How many batches an epoch has.
    pub fn batches_per_pass(&self) -> usize {
        self.pairs.len().div_ceil(self.batch)
    }

    /// The next batch.
    pub fn next_batch(&mut self) -> PairBatch {
        let range = self.epoch.batches[self.cursor.batch].clone();
        let batch = PairBatch::gather(&self.pairs, &self.epoch.order[range], self.specials);
        let PairCursor { epoch, batch: read } = self.cursor;
        if read + 1 < self.batches_per_pass() {
            self.cursor.batch += 1;
        } else {
            self.begin(PairCursor { epoch: epoch + 1, batch: 0 });
        }
        batch
    }

    /// How far the pairs have been read.
    pub fn cursor(&self) -> PairCursor {
        self.cursor
    }

    /// Goes on from where [`cursor`](Self::cursor) was taken, on the same pairs with the same seed.
    ///
    /// # Errors
    /// If an epoch has no such batch: it was taken on other pairs, or with another batch size.
    pub fn seek(&mut self, cursor: PairCursor) -> Result<(), TrainError> {
        let batches = self.batches_per_pass();
        if cursor.batch >= batches {
            let problem = format!("batch {} of an epoch that has {batches}", cursor.batch);
            return Err(TrainError::Position(problem));
        }
        self.begin(cursor);
        Ok(())
    }

    fn begin(&mut self, cursor: PairCursor) {
        if cursor.epoch != self.cursor.epoch {
            self.epoch = Epoch::new(&self.pairs, self.batch, self.seed, cursor.epoch);
        }
        self.cursor = cursor;
    }
}

/// Pairs to validate on: every one once, from short to long, always in the same batches.
#[derive(Clone, Debug)]
pub struct SortedPairs {
    pairs: Arc<[Pair]>,
    specials: Specials,
    batch: usize,
    order: Vec<usize>,
}

impl SortedPairs {
    /// Batches of `batch` pairs, the last one smaller.
    ///
    /// # Errors
    /// If there are no pairs, or if a source is empty.
    pub fn new(pairs: impl Into<Arc<[Pair]>>, specials: Specials, batch: usize) -> Result<Self, TrainError> {
        let pairs = pairs.into();
        usable("the validation part", &pairs, batch)?;
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by_key(|&row| length(&pairs[row]));
        Ok(Self { pairs, specials, batch, order })
    }

    /// How many tokens are predicted: those of all targets and their ends.
    pub fn tokens(&self) -> usize {
        self.pairs.iter().map(|(_, target)| target.len() + 1).sum()
    }

    /// The batches in order; [`PairBatch::rows`] says which pairs they hold.
    pub fn batches(&self) -> impl ExactSizeIterator<Item = PairBatch> + '_ {
        let batches = self.order.chunks(self.batch);
        batches.map(|rows| PairBatch::gather(&self.pairs, rows, self.specials))
    }
}

/// That there are pairs, and that each has something to read.
fn usable(part: &'static str, pairs: &[Pair], batch: usize) -> Result<(), TrainError> {
    not_empty(batch, 1)?;
    setting(part, !pairs.is_empty(), || "has no pairs".into())?;
    let empty = pairs.iter().position(|(source, _)| source.is_empty());
    setting(part, empty.is_none(), || format!("the source of pair {} has no tokens", empty.unwrap_or(0) + 1))
}

#[cfg(test)]
mod tests;
