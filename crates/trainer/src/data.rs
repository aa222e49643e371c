//! From tokens to batches.
//!
//! A language model reads a window of tokens and predicts, at each position, the next one: the targets are the inputs
//! moved by one.
//!
//! | batches | for | what they cover |
//! |---|---|---|
//! | [`ContiguousBatches`] | recurrent models | B streams side by side, each read on from where the last batch ended |
//! | [`RandomWindows`] | models without memory | B windows from anywhere |
//! | [`ConsecutiveWindows`] | validation | every token after the first, predicted exactly once |
//! | [`SlidingWindows`] | measuring models without memory | the same, each behind a past of some length |
//!
//! B is the batch, T the length of a window. The [`Tokens`] they read are in memory, or wherever a [`TokenSource`] has
//! them if there are too many; the batches are the same.
//!
//! A model that reads one text and writes another is given pairs instead, of any lengths, as [`PairBatch`]es:
//!
//! | batches | for | what they cover |
//! |---|---|---|
//! | [`PairBatches`] | training | every pair once an epoch, those of about the same length together |
//! | [`SortedPairs`] | validation | every pair once, from short to long |
//!
//! A model that is to learn an answer, but not the question that stands before it in the same text, is given
//! [`Example`]s, as [`ExampleBatch`]es:
//!
//! | batches | for | what they cover |
//! |---|---|---|
//! | [`ExampleBatches`] | training | every example once an epoch, those of about the same length together |
//! | [`SortedExamples`] | validation | every example once, from short to long |

mod consecutive;
mod contiguous;
mod epochs;
mod examples;
mod pairs;
mod random;
mod sliding;
mod source;

pub use consecutive::ConsecutiveWindows;
pub use contiguous::ContiguousBatches;
pub use epochs::EpochCursor;
pub use examples::{Example, ExampleBatch, ExampleBatches, SortedExamples};
pub use pairs::{Pair, PairBatch, PairBatches, SortedPairs, Specials, pad};
pub use random::RandomWindows;
pub use sliding::{SlidingBatch, SlidingWindows};
pub use source::{TokenSource, Tokens};

use crate::TrainError;
use crate::error::{setting, share};
use rungs_layers::tensor::Ids;
use std::sync::Arc;

/// Inputs and what is to be predicted after each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// (B, T)
    pub inputs: Ids,
    /// (B, T): the token after each input.
    pub targets: Ids,
    /// Whether these windows do not go on from the batch before, so that a carried state must start anew.
    pub restart: bool,
}

impl Batch {
    /// The windows of `length` tokens that begin at `starts`. Each has a token after it.
    fn gather(
        tokens: &Tokens,
        starts: impl ExactSizeIterator<Item = usize>,
        length: usize,
        restart: bool,
    ) -> Result<Self, TrainError> {
        let batch = starts.len();
        let mut inputs = Vec::with_capacity(batch * length);
        let mut targets = Vec::with_capacity(batch * length);
        let mut window = Vec::with_capacity(length + 1);
        for start in starts {
            window.clear();
            tokens.read(start, length + 1, &mut window)?; // whole, so that a file is asked once
            inputs.extend_from_slice(&window[..length]);
            targets.extend_from_slice(&window[1..]);
        }
        let shape = [batch, length];
        Ok(Self { inputs: Ids::new(inputs, shape), targets: Ids::new(targets, shape), restart })
    }

    /// How many tokens are predicted: B · T.
    pub fn tokens(&self) -> usize {
        self.targets.as_slice().len()
    }
}

/// What is trained on, and what is held out.
pub type Parts = (Arc<[u32]>, Arc<[u32]>);

/// The first 1 − `validation` of the tokens to train on, and the rest to validate on.
///
/// # Errors
/// If the share is not in (0, 1), or if either part would have fewer than two tokens: one to read and one to predict.
pub fn split(tokens: &[u32], validation: f64) -> Result<Parts, TrainError> {
    share("validation split", validation)?;
    setting("validation split", validation > 0.0, || "must be more than 0".into())?;
    let train = (tokens.len() as f64 * (1.0 - validation)) as usize;
    let (train, validation) = tokens.split_at(train);
    long_enough("the training part", train.len(), 2, || "one to read and one to predict".into())?;
    long_enough("the validation part", validation.len(), 2, || "one to read and one to predict".into())?;
    Ok((train.into(), validation.into()))
}

/// That a text has as many tokens as it must.
fn long_enough(
    text: &'static str,
    tokens: usize,
    needed: usize,
    reason: impl FnOnce() -> String,
) -> Result<(), TrainError> {
    if tokens >= needed { Ok(()) } else { Err(TrainError::TooShort { text, tokens, needed, reason: reason() }) }
}

/// That batches have a size.
fn not_empty(batch: usize, length: usize) -> Result<(), TrainError> {
    setting("batch size", batch > 0, || "must be 1 or more".into())?;
    setting("context", length > 0, || "must be 1 or more".into())
}

#[cfg(test)]
mod tests;
