//! From a batch to its loss, and from held-out data to a number.

use crate::layers::Mode;
use crate::models::{LanguageModel, Source, State};
use crate::tensor::{CrossEntropy, Element, Ids, Reduction, Tensor};
use crate::trainer::data::{Batch, Example, IGNORE_INDEX, SlidingWindows, SortedExamples, TokenIds};
use crate::trainer::{Evaluation, TrainError};
use std::sync::Arc;

/// How many windows a model without memory is evaluated on at a time, at the most: a matter of speed alone.
pub(crate) const WINDOWS: usize = 32;
/// How many examples are evaluated at a time, at the most: a matter of speed alone.
pub(crate) const TOGETHER: usize = 64;
/// How many logits there may be at a time, an eighth of a gigabyte of them. Of GPT-2's vocabulary one window has more.
pub(crate) const LOGITS: usize = 1 << 25;

/// The state before the first token of a batch: that of a model that has read its sources, where it has any.
pub(super) fn begin<E: Element>(model: &dyn LanguageModel<E>, batch: &Batch, mode: &mut Mode<'_>) -> State<E> {
    match &batch.source {
        Some((ids, lengths)) => model.encode(&Source::new(ids.clone(), lengths.clone()), mode),
        None => model.start(batch.inputs.dims::<2>()[0]),
    }
}

/// Σ −ln p(target) over what is learnt, with ε = `smoothing` of every target's probability spread over the vocabulary.
pub(super) fn loss<E: Element>(logits: &Tensor<E>, targets: &Ids, smoothing: f64) -> Tensor<E> {
    logits.cross_entropy(targets, CrossEntropy { ignore: Some(IGNORE_INDEX), reduction: Reduction::Sum, smoothing })
}

/// The features from which the targets of a batch are told, (B, T, D) and (B, T), or where something is not learnt
/// (L, D) and (L).
///
/// A model reads whole examples, but its head, which is the largest product of a model with a large vocabulary, is
/// needed where something is learnt alone. Of targets with a source, little but padding is not learnt.
pub(super) fn features<E: Element>(
    model: &dyn LanguageModel<E>,
    batch: &Batch,
    state: &mut State<E>,
    mode: &mut Mode<'_>,
) -> (Tensor<E>, Ids) {
    let features = model.features(&batch.inputs, state, mode); // (B, T, D)
    let [b, t, d] = features.dims();
    if batch.source.is_some() || batch.tokens() == b * t {
        return (features, batch.targets.clone());
    }
    let places = batch.places();
    let target = |&place: &u32| batch.targets.as_slice()[place as usize];
    let targets: Vec<u32> = places.as_slice().iter().map(target).collect();
    (features.reshape([b * t, d]).select(0, &places), Ids::new(targets, places.shape()))
}

/// Reads held-out batches one after another; `each` is given what [`features`] says of each.
pub(super) fn read<E: Element>(
    model: &dyn LanguageModel<E>,
    batches: impl Iterator<Item = Result<Batch, TrainError>>,
    each: &mut dyn FnMut(&Tensor<E>, &Ids),
) -> Result<(), TrainError> {
    let mut carried: Option<State<E>> = None;
    for batch in batches {
        let batch = batch?;
        let going_on = carried.take().filter(|_| !batch.restart);
        let mut state = going_on.unwrap_or_else(|| begin(model, &batch, &mut Mode::Eval));
        let (features, targets) = features(model, &batch, &mut state, &mut Mode::Eval);
        each(&features, &targets);
        carried = Some(state);
    }
    Ok(())
}

/// The loss of held-out batches; `each` is shown the logits and targets of each.
pub(super) fn measure<E: Element>(
    model: &dyn LanguageModel<E>,
    batches: impl Iterator<Item = Result<Batch, TrainError>>,
    each: &mut dyn FnMut(&Tensor<E>, &Ids),
) -> Result<Evaluation, TrainError> {
    let (model, mut evaluation) = (model.frozen(), Evaluation::default());
    read(model.as_ref(), batches, &mut |features, targets| {
        let logits = model.scores(features); // (…, V)
        let tokens = targets.as_slice().iter().filter(|&&target| target != IGNORE_INDEX).count();
        evaluation.add(loss(&logits, targets, 0.0).item().to_f64(), tokens);
        each(&logits, targets);
    })?;
    Ok(evaluation)
}

/// How well a model predicts a whole text: every token after the first, in consecutive windows of `context`.
///
/// A recurrent model carries its state through, so its result does not depend on `context` but for rounding. A model
/// without memory begins anew in every window, and sees less of the past at its start.
///
/// # Errors
/// If the text has fewer than two tokens.
///
/// # Panics
/// If a token is outside the model's vocabulary, or `context` is longer than the model's; or if the model translates.
pub fn evaluate<E: Element>(
    model: &dyn LanguageModel<E>,
    ids: impl Into<TokenIds>,
    context: usize,
) -> Result<Evaluation, TrainError> {
    let batch = if model.context().is_some() { WINDOWS } else { 1 };
    let windows = SlidingWindows::new(ids, batch, context, context)?;
    measure(model, windows.batches(LOGITS / model.vocabulary()), &mut |_, _| {})
}

/// How well a model predicts what is to be learnt of examples, and how often its likeliest token is the true one.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Forced {
    /// The loss.
    pub evaluation: Evaluation,
    /// How many tokens were the likeliest.
    pub right: usize,
}

impl Forced {
    /// The share of tokens that were the likeliest.
    pub fn token_accuracy(&self) -> f64 {
        self.right as f64 / self.evaluation.tokens as f64
    }
}

/// Measures a model on examples, the true tokens read at every step (teacher forcing).
///
/// # Errors
/// If there are no examples, or nothing is to be learnt of one.
///
/// # Panics
/// If the examples have sources and the model does not translate, or the reverse.
pub fn measure_forced(
    model: &dyn LanguageModel<f32>,
    examples: impl Into<Arc<[Example]>>,
) -> Result<Forced, TrainError> {
    let (examples, mut right) = (SortedExamples::new(examples, TOGETHER)?, 0);
    let batches = together(&examples, LOGITS / model.vocabulary());
    let evaluation = measure(model, batches, &mut |logits, targets| {
        let vocabulary = logits.shape().last();
        for (z, &target) in logits.to_vec().chunks(vocabulary).zip(targets.as_slice()) {
            let likeliest = (0..vocabulary).fold(0, |best, id| if z[id] > z[best] { id } else { best });
            right += usize::from(likeliest == target as usize);
        }
    })?;
    Ok(Forced { evaluation, right })
}

/// The batches of a pass over examples, of at most `most` tokens to predict.
///
/// Translations have no such limit: sums over other batches would have other last bits than those of earlier versions.
pub(super) fn together(examples: &SortedExamples, most: usize) -> impl Iterator<Item = Result<Batch, TrainError>> + '_ {
    examples.batches(if examples.have_sources() { usize::MAX } else { most }).map(Ok)
}

#[cfg(test)]
mod tests;
