//! Texts of which only a part is to be learnt: an answer, not its question.

use super::epochs::{EpochCursor, Epochs};
use super::{not_empty, pad};
use crate::TrainError;
use crate::error::setting;
use rungs_layers::tensor::Ids;
use std::sync::Arc;

/// What stands behind the end of the shorter examples: any token does, as nothing before it sees it and nothing is
/// learnt there.
const PADDING: u32 = 0;

/// The tokens of a text, and which of them are to be learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    ids: Vec<u32>,
    learnt: Vec<bool>,
}

impl Example {
    /// Appends tokens that are only read.
    pub fn read(&mut self, ids: &[u32]) {
        self.extend(ids, false);
    }

    /// Appends tokens that are to be learnt.
    pub fn learn(&mut self, ids: &[u32]) {
        self.extend(ids, true);
    }

    fn extend(&mut self, ids: &[u32], learnt: bool) {
        self.ids.extend_from_slice(ids);
        self.learnt.resize(self.ids.len(), learnt);
    }

    /// All its tokens.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Whether each of them is to be learnt. The first is not, whatever this says: nothing stands before it.
    pub fn learnt(&self) -> &[bool] {
        &self.learnt
    }

    /// T, the tokens a model reads to predict the others: all but the last.
    pub fn steps(&self) -> usize {
        self.ids.len().saturating_sub(1)
    }

    /// How many tokens are predicted.
    pub fn tokens(&self) -> usize {
        self.learnt.iter().skip(1).filter(|&&learnt| learnt).count()
    }
}

/// B examples as a language model reads them, and what it is to say: T is the length of the longest without its last
/// token.
///
/// ```text
/// examples         a b c X Y > d          e f Z >          capitals and ends are learnt
///
/// inputs           a b c X Y >            e f Z · · ·      · padding
/// targets          - - X Y > -            - Z > - - -      - nothing is learnt
/// places           2 3 4                  7 8              where in the inputs' B·T positions something is
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleBatch {
    /// Which examples these are, as numbers in what the batches were made from: sorted batches lose the order.
    pub rows: Vec<usize>,
    /// (B, T)
    pub inputs: Ids,
    /// (L): the positions behind which a token is learnt, counted row by row through the inputs.
    pub places: Ids,
    /// (L): the token that is learnt behind each.
    pub targets: Ids,
}

impl ExampleBatch {
    /// The batch of these rows of `examples`.
    fn gather(examples: &[Example], rows: &[usize]) -> Self {
        let inputs: Vec<&[u32]> = rows.iter().map(|&row| &examples[row].ids[..examples[row].steps()]).collect();
        let (inputs, _) = pad(&inputs, PADDING);
        let [_, longest] = inputs.dims();
        let (mut places, mut targets) = (Vec::new(), Vec::new());
        for (b, &row) in rows.iter().enumerate() {
            let Example { ids, learnt } = &examples[row];
            for t in (1..ids.len()).filter(|&t| learnt[t]) {
                places.push((b * longest + t - 1) as u32);
                targets.push(ids[t]);
            }
        }
        let learnt = targets.len();
        Self { rows: rows.to_vec(), inputs, places: Ids::new(places, learnt), targets: Ids::new(targets, learnt) }
    }

    /// L, how many tokens are predicted.
    pub fn tokens(&self) -> usize {
        self.targets.as_slice().len()
    }
}

/// Examples to train on: an epoch reads each of them once, in batches of B of about the same length (*bucketing*), and
/// in an order of its own, which the seed and the epoch's number decide.
#[derive(Clone, Debug)]
pub struct ExampleBatches {
    examples: Arc<[Example]>,
    epochs: Epochs,
}

impl ExampleBatches {
    /// Batches of `batch` examples, the last of an epoch smaller.
    ///
    /// # Errors
    /// If there are no examples, or nothing is to be learnt of one.
    pub fn new(examples: impl Into<Arc<[Example]>>, batch: usize, seed: u64) -> Result<Self, TrainError> {
        let examples = examples.into();
        usable("the training part", &examples, batch)?;
        let lengths = examples.iter().map(|example| [example.steps(), example.tokens()]).collect();
        Ok(Self { epochs: Epochs::new(lengths, batch, seed), examples })
    }

    /// How many batches an epoch has.
    pub fn batches_per_pass(&self) -> usize {
        self.epochs.batches_per_pass()
    }

    /// The next batch.
    pub fn next_batch(&mut self) -> ExampleBatch {
        ExampleBatch::gather(&self.examples, &self.epochs.next_rows())
    }

    /// How far the examples have been read.
    pub fn cursor(&self) -> EpochCursor {
        self.epochs.cursor()
    }

    /// Goes on from where [`cursor`](Self::cursor) was taken, on the same examples with the same seed.
    ///
    /// # Errors
    /// If an epoch has no such batch: it was taken on other examples, or with another batch size.
    pub fn seek(&mut self, cursor: EpochCursor) -> Result<(), TrainError> {
        self.epochs.seek(cursor)
    }
}

/// Examples to validate on: every one once, from short to long.
#[derive(Clone, Debug)]
pub struct SortedExamples {
    examples: Arc<[Example]>,
    batch: usize,
    order: Vec<usize>,
}

impl SortedExamples {
    /// Batches of up to `batch` examples.
    ///
    /// # Errors
    /// If there are no examples, or nothing is to be learnt of one.
    pub fn new(examples: impl Into<Arc<[Example]>>, batch: usize) -> Result<Self, TrainError> {
        let examples = examples.into();
        usable("the validation part", &examples, batch)?;
        let mut order: Vec<usize> = (0..examples.len()).collect();
        order.sort_by_key(|&row| (examples[row].steps(), examples[row].tokens()));
        Ok(Self { examples, batch, order })
    }

    /// How many tokens are predicted.
    pub fn tokens(&self) -> usize {
        self.examples.iter().map(Example::tokens).sum()
    }

    /// The batches in order, with no more than `most` tokens to predict in each, or one example if that has more;
    /// [`ExampleBatch::rows`] says which examples they hold.
    pub fn batches_within(&self, most: usize) -> impl Iterator<Item = ExampleBatch> + '_ {
        let mut done = 0;
        std::iter::from_fn(move || {
            let left = &self.order[done..];
            let mut tokens = 0;
            let fits = left.iter().take(self.batch).take_while(|&&row| {
                tokens += self.examples[row].tokens();
                tokens <= most
            });
            let rows = &left[..fits.count().max(1).min(left.len())];
            done += rows.len();
            (!rows.is_empty()).then(|| ExampleBatch::gather(&self.examples, rows))
        })
    }
}

/// That there are examples, and that something is to be learnt of each.
fn usable(part: &'static str, examples: &[Example], batch: usize) -> Result<(), TrainError> {
    not_empty(batch, 1)?;
    setting(part, !examples.is_empty(), || "has no examples".into())?;
    let empty = examples.iter().position(|example| example.tokens() == 0);
    setting(part, empty.is_none(), || format!("nothing is to be learnt of example {}", empty.unwrap_or(0) + 1))
}

#[cfg(test)]
mod tests;
