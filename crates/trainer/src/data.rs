//! From token ids to batches.
//!
//! A model reads tokens and predicts, at each position, the next one: the targets are the inputs moved by one. However
//! they were chosen, what a model is given is a [`Batch`].
//!
//! | batches | for | what they cover |
//! |---|---|---|
//! | [`ContiguousBatches`] | recurrent models | B streams side by side, each read on from where the last batch ended |
//! | [`RandomWindows`] | models without memory | B windows from anywhere |
//! | [`SlidingWindows`] | validation | every token after the first, predicted exactly once |
//!
//! B is the batch, T the length of a window. The [`TokenIds`] they read are in memory, or [stored](StoredIds) elsewhere
//! if there are too many; the batches are the same.
//!
//! Where only a part of a text is to be learnt, an answer and not its question, or a target is given its source, there
//! are [`Example`]s in place of one text.
//!
//! | batches | for | what they cover |
//! |---|---|---|
//! | [`ExampleBatches`] | training | every example once an epoch, those of about the same length together |
//! | [`SortedExamples`] | validation | every example once, from short to long |

mod contiguous_batches;
mod example;
mod example_batches;
mod random_windows;
mod sliding_windows;
mod sorted_examples;
mod token_ids;

pub use contiguous_batches::{ContiguousBatches, StreamCursor};
pub use example::Example;
pub use example_batches::{EpochCursor, ExampleBatches};
pub use random_windows::RandomWindows;
pub use sliding_windows::SlidingWindows;
pub use sorted_examples::SortedExamples;
pub use token_ids::{StoredIds, TokenIds};

use crate::TrainError;
use crate::error::setting;
use rungs_layers::tensor::Ids;

/// The target of a position at which nothing is learnt: padding, or what is only read. It is no part of the loss.
pub const IGNORE_INDEX: u32 = u32::MAX;

/// Inputs and what is to be predicted after each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// (B, T)
    pub inputs: Ids,
    /// (B, T): the token to be predicted after each input, or [`IGNORE_INDEX`].
    pub targets: Ids,
    /// The sources (B, S) of translations, padded at their ends, and how many tokens of each are not padding.
    pub source: Option<(Ids, Vec<usize>)>,
    /// Whether these inputs do not go on from the batch before, so that a carried state must start anew.
    pub restart: bool,
}

impl Batch {
    /// The windows of `length` tokens that begin at `starts`. Each has a token after it. Those that do not begin the
    /// text learn nothing behind their first `overlap` tokens.
    fn of_windows(
        ids: &TokenIds,
        starts: impl ExactSizeIterator<Item = usize>,
        length: usize,
        overlap: usize,
        restart: bool,
    ) -> Result<Self, TrainError> {
        let batch = starts.len();
        let mut inputs = Vec::with_capacity(batch * length);
        let mut targets = Vec::with_capacity(batch * length);
        let mut window = Vec::with_capacity(length + 1);
        for start in starts {
            window.clear();
            ids.read(start, length + 1, &mut window)?; // whole, so that a file is asked once
            inputs.extend_from_slice(&window[..length]);
            let overlap = if start > 0 { overlap } else { 0 };
            window[1..=overlap].fill(IGNORE_INDEX);
            targets.extend_from_slice(&window[1..]);
        }
        let shape = [batch, length];
        Ok(Self { inputs: Ids::new(inputs, shape), targets: Ids::new(targets, shape), source: None, restart })
    }

    /// The positions at which something is learnt, counted row by row: (L).
    pub fn places(&self) -> Ids {
        let learnt = (0..).zip(self.targets.as_slice()).filter(|&(_, &target)| target != IGNORE_INDEX);
        let places: Vec<u32> = learnt.map(|(place, _)| place).collect();
        let count = places.len();
        Ids::new(places, count)
    }

    /// L, how many tokens are predicted.
    pub fn tokens(&self) -> usize {
        self.targets.as_slice().iter().filter(|&&target| target != IGNORE_INDEX).count()
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

/// That a text has as many tokens as it must.
fn long_enough(text: &str, tokens: usize, needed: usize, reason: &str) -> Result<(), TrainError> {
    match tokens >= needed {
        true => Ok(()),
        false => Err(TrainError::TooShort(format!("{text} has {tokens} tokens, but {needed} are needed ({reason})"))),
    }
}

/// That batches have a size.
fn not_empty(batch: usize, length: usize) -> Result<(), TrainError> {
    setting("batch size", batch > 0, || "must be 1 or more".into())?;
    setting("context", length > 0, || "must be 1 or more".into())
}

#[cfg(test)]
mod tests;
