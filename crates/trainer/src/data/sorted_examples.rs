//! Every example once, from short to long.

use super::example::usable;
use super::{Batch, Example};
use crate::TrainError;
use std::sync::Arc;

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
    /// If there are no examples, nothing is to be learnt of one, or a source is empty: an encoder has nothing to read
    /// then.
    pub fn new(examples: impl Into<Arc<[Example]>>, batch: usize) -> Result<Self, TrainError> {
        let examples = examples.into();
        usable("the validation part", &examples, batch)?;
        let mut order: Vec<usize> = (0..examples.len()).collect();
        order.sort_by_key(|&row| examples[row].lengths());
        Ok(Self { examples, batch, order })
    }

    /// Whether they are translations.
    pub fn have_sources(&self) -> bool {
        self.examples[0].source().is_some()
    }

    /// The batches in order, with no more than `most` tokens to predict in each, or one example if that has more.
    pub fn batches(&self, most: usize) -> impl Iterator<Item = Batch> + '_ {
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
            (!rows.is_empty()).then(|| Batch::of_examples(&self.examples, rows))
        })
    }
}
