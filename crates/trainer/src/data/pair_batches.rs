//! Pairs of sequences, side by side.

use super::epochs::{EpochCursor, Epochs};
use super::not_empty;
use crate::TrainError;
use crate::error::setting;
use rungs_layers::tensor::Ids;
use std::sync::Arc;

/// A source and its target as token ids, without special tokens.
pub type Pair = (Vec<u32>, Vec<u32>);

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

/// B pairs as an encoder and a decoder read them: S and T are the lengths of the longest source and of the longest
/// target with its end.
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

/// Pairs to train on: an epoch reads each of them once, in batches of B of about the same length (*bucketing*), targets
/// first, and in an order of its own, which the seed and the epoch's number decide.
#[derive(Clone, Debug)]
pub struct PairBatches {
    pairs: Arc<[Pair]>,
    specials: Specials,
    epochs: Epochs,
}

impl PairBatches {
    /// Batches of `batch` pairs, the last of an epoch smaller.
    ///
    /// # Errors
    /// If there are no pairs, or if a source is empty: an encoder has nothing to read then.
    pub fn new(pairs: impl Into<Arc<[Pair]>>, specials: Specials, batch: usize, seed: u64) -> Result<Self, TrainError> {
        let pairs = pairs.into();
        usable("the training part", &pairs, batch)?;
        let lengths = pairs.iter().map(|(source, target)| [target.len(), source.len()]).collect();
        Ok(Self { epochs: Epochs::new(lengths, batch, seed), pairs, specials })
    }

    /// How many batches an epoch has.
    pub fn batches_per_pass(&self) -> usize {
        self.epochs.batches_per_pass()
    }

    /// The next batch.
    pub fn next_batch(&mut self) -> PairBatch {
        PairBatch::gather(&self.pairs, &self.epochs.next_rows(), self.specials)
    }

    /// How far the pairs have been read.
    pub fn cursor(&self) -> EpochCursor {
        self.epochs.cursor()
    }

    /// Goes on from where [`cursor`](Self::cursor) was taken, on the same pairs with the same seed.
    ///
    /// # Errors
    /// If an epoch has no such batch: it was taken on other pairs, or with another batch size.
    pub fn seek(&mut self, cursor: EpochCursor) -> Result<(), TrainError> {
        self.epochs.seek(cursor)
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
        order.sort_by_key(|&row| (pairs[row].1.len(), pairs[row].0.len()));
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
