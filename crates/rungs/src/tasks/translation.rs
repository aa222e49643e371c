//! What binds a translator to the trainer: pairs into batches, logits into a loss.
//!
//! The loss is Σ −ln p(y_t | y_1 … y_{t−1}, x) over the tokens of the targets, the end of each among them and padding
//! not.

use super::forced::Forced;
use crate::layers::Mode;
use crate::models::{LanguageModel, Source};
use crate::tensor::{CrossEntropy, Element, Reduction, Rng, Tensor};
use crate::text::vocabulary::{END, PADDING, START};
use crate::trainer::data::{Pair, PairBatch, PairBatches, SortedPairs, Specials};
use crate::trainer::{Evaluation, Loss, Position, Task, TrainError};
use std::sync::Arc;

/// The special tokens of [`SequenceVocabulary`](crate::text::SequenceVocabulary), as batches of pairs want them.
pub const SPECIALS: Specials = Specials { padding: PADDING, start: START, end: END };

/// Pairs that are evaluated at a time: a matter of speed alone.
const TOGETHER: usize = 64;

/// To write targets, given sources.
#[derive(Debug)]
pub struct TranslationTask {
    batches: PairBatches,
    validation: SortedPairs,
    /// The probability that the decoder reads its own word in training.
    own: f64,
    /// ε of the training loss.
    label_smoothing: f64,
}

impl TranslationTask {
    /// A task that learns `train` in batches of `batch` pairs, in an order that `seed` decides.
    ///
    /// # Errors
    /// If there are no pairs to train on, or to validate on.
    pub fn new(
        train: Arc<[Pair]>,
        validation: Arc<[Pair]>,
        batch: usize,
        scheduled_sampling: f64,
        seed: u64,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            batches: PairBatches::new(train, SPECIALS, batch, seed)?,
            validation: SortedPairs::new(validation, SPECIALS, TOGETHER)?,
            own: scheduled_sampling,
            label_smoothing: 0.0,
        })
    }

    /// The same with ε of every target's probability spread over the vocabulary in training: see
    /// [`CrossEntropy::smoothing`].
    #[must_use]
    pub fn with_label_smoothing(self, label_smoothing: f64) -> Self {
        Self { label_smoothing, ..self }
    }
}

impl<E: Element> Task<E> for TranslationTask {
    type Model = Box<dyn LanguageModel<E>>;

    fn next_loss(&mut self, model: &Self::Model, rng: &mut Rng) -> Result<Loss<E>, TrainError> {
        let batch = self.batches.next_batch();
        Ok(loss(model.as_ref(), &batch, self.own, self.label_smoothing, &mut Mode::Train(rng)))
    }

    fn validate(&self, model: &Self::Model) -> Result<Evaluation, TrainError> {
        let model = model.frozen();
        let mut evaluation = Evaluation::default();
        for batch in self.validation.batches() {
            let loss = loss(model.as_ref(), &batch, 0.0, 0.0, &mut Mode::Eval);
            evaluation.add(loss.total.item().to_f64(), loss.tokens);
        }
        Ok(evaluation)
    }

    fn position(&self) -> Position<E> {
        let cursor = serde_json::to_value(self.batches.cursor()).expect("two numbers are JSON");
        Position { cursor, ..Position::default() }
    }

    fn resume(&mut self, position: Position<E>) -> Result<(), TrainError> {
        let cursor = serde_json::from_value(position.cursor);
        self.batches.seek(cursor.map_err(|error| TrainError::Position(error.to_string()))?)
    }

    fn batches_per_epoch(&self) -> Option<usize> {
        Some(self.batches.batches_per_pass())
    }
}

/// Σ −ln p(target) over a batch, with label smoothing where `smoothing` is above 0.
fn loss<E: Element>(
    model: &dyn LanguageModel<E>,
    batch: &PairBatch,
    own: f64,
    smoothing: f64,
    mode: &mut Mode<'_>,
) -> Loss<E> {
    let source = source(batch);
    let mut state = model.encode(&source, mode);
    let logits = match own > 0.0 {
        true => model.logits_reading_its_own(&batch.inputs, own, &mut state, mode), // (B, T, V)
        false => model.logits(&batch.inputs, &mut state, mode),
    };
    summed(&logits, batch, smoothing)
}

fn source(batch: &PairBatch) -> Source {
    Source::new(batch.source.clone(), batch.source_lengths.clone())
}

/// Σ −ln p(target) of logits (B, T, V), padding left out.
fn summed<E: Element>(logits: &Tensor<E>, batch: &PairBatch, smoothing: f64) -> Loss<E> {
    let options = CrossEntropy { ignore: Some(PADDING), reduction: Reduction::Sum, smoothing };
    Loss { total: logits.cross_entropy(&batch.targets, options), tokens: batch.tokens() }
}

/// Measures a translator on pairs, the true target read at every step.
///
/// # Errors
/// If there are no pairs.
pub fn measure_forced(model: &dyn LanguageModel<f32>, pairs: Arc<[Pair]>) -> Result<Forced, TrainError> {
    let mut forced = Forced::default();
    for batch in SortedPairs::new(pairs, SPECIALS, TOGETHER)?.batches() {
        let mut state = model.encode(&source(&batch), &mut Mode::Eval);
        let logits = model.logits(&batch.inputs, &mut state, &mut Mode::Eval); // (B, T, V)
        let loss = summed(&logits, &batch, 0.0);
        forced.evaluation.add(f64::from(loss.total.item()), loss.tokens);
        forced.count_right(&logits, &batch.targets, Some(PADDING));
    }
    Ok(forced)
}
