//! What binds answers to the trainer: examples into batches, logits into a loss.

use super::forced::Forced;
use super::language::LOGITS;
use crate::layers::Mode;
use crate::models::LanguageModel;
use crate::tensor::{CrossEntropy, Element, Reduction, Rng, Tensor};
use crate::trainer::data::{Example, ExampleBatch, ExampleBatches, SortedExamples};
use crate::trainer::{Evaluation, Loss, Position, Task, TrainError};
use std::sync::Arc;

/// Examples that are evaluated at a time, at the most: a matter of speed alone.
const TOGETHER: usize = 64;

/// To answer: to predict those tokens of examples that are to be learnt.
///
/// A recurrent model begins anew with every example, and so does one that looks back.
#[derive(Debug)]
pub struct PromptTask {
    batches: ExampleBatches,
    validation: SortedExamples,
    /// ε of the training loss.
    label_smoothing: f64,
}

impl PromptTask {
    /// A task that learns `train` in batches of `batch` examples, in an order that `seed` decides.
    ///
    /// # Errors
    /// If there are no examples to train on, or to validate on, or nothing is to be learnt of one.
    pub fn new(train: Arc<[Example]>, validation: Arc<[Example]>, batch: usize, seed: u64) -> Result<Self, TrainError> {
        Ok(Self {
            batches: ExampleBatches::new(train, batch, seed)?,
            validation: SortedExamples::new(validation, TOGETHER)?,
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

impl<E: Element> Task<E> for PromptTask {
    type Model = Box<dyn LanguageModel<E>>;

    fn next_loss(&mut self, model: &Self::Model, rng: &mut Rng) -> Result<Loss<E>, TrainError> {
        let batch = self.batches.next_batch();
        Ok(loss(model.as_ref(), &batch, self.label_smoothing, &mut Mode::Train(rng)))
    }

    fn validate(&self, model: &Self::Model) -> Result<Evaluation, TrainError> {
        let model = model.frozen();
        let mut evaluation = Evaluation::default();
        for batch in self.validation.batches_within(LOGITS / model.vocabulary()) {
            let loss = loss(model.as_ref(), &batch, 0.0, &mut Mode::Eval);
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

/// Σ −ln p(target) over what is to be learnt of a batch, with label smoothing where `smoothing` is above 0.
pub fn loss<E: Element>(
    model: &dyn LanguageModel<E>,
    batch: &ExampleBatch,
    smoothing: f64,
    mode: &mut Mode<'_>,
) -> Loss<E> {
    let logits = logits(model, batch, mode); // (L, V)
    let options = CrossEntropy { reduction: Reduction::Sum, smoothing, ..CrossEntropy::default() };
    Loss { total: logits.cross_entropy(&batch.targets, options), tokens: batch.tokens() }
}

/// The logits of what is to be learnt, (L, V).
///
/// A model reads a whole example, but its head, which is the largest product of a model with a large vocabulary, is
/// needed where something is learnt alone.
fn logits<E: Element>(model: &dyn LanguageModel<E>, batch: &ExampleBatch, mode: &mut Mode<'_>) -> Tensor<E> {
    let [b, t] = batch.inputs.dims();
    let features = model.features(&batch.inputs, &mut model.start(b), mode); // (B, T, D)
    let d = features.shape().last();
    model.scores(&features.reshape([b * t, d]).select(0, &batch.places)) // (L, V)
}

/// Measures a model on examples, the true tokens read at every step.
///
/// # Errors
/// If there are no examples, or nothing is to be learnt of one.
pub fn measure_answers(model: &dyn LanguageModel<f32>, examples: Arc<[Example]>) -> Result<Forced, TrainError> {
    let mut forced = Forced::default();
    for batch in SortedExamples::new(examples, TOGETHER)?.batches_within(LOGITS / model.vocabulary()) {
        let logits = logits(model, &batch, &mut Mode::Eval); // (L, V)
        let options = CrossEntropy { reduction: Reduction::Sum, ..CrossEntropy::default() };
        let total = logits.cross_entropy(&batch.targets, options);
        forced.evaluation.add(f64::from(total.item()), batch.tokens());
        forced.count_right(&logits, &batch.targets, None);
    }
    Ok(forced)
}

#[cfg(test)]
mod tests;
