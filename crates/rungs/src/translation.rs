//! What binds a translator to the trainer, and to texts: pairs into batches, logits into a loss, a source into targets.
//!
//! The loss is Σ −ln p(y_t | y_1 … y_{t−1}, x) over the tokens of the targets, the end of each among them and padding
//! not.

use crate::decoding::{Bias, Ending, Finish, GenerateError, GenerateOptions, Generated, Length, Search, generate_from};
use crate::layers::Mode;
use crate::models::{EncoderDecoder, Source};
use crate::pairs::SPECIALS;
use crate::tensor::{CrossEntropy, Element, Reduction, Rng, Tensor};
use crate::text::vocabulary::{END, PADDING, START, UNKNOWN};
use crate::trainer::data::{Pair, PairBatch, PairBatches, SortedPairs, pad};
use crate::trainer::{Evaluation, Loss, Position, Task, TrainError};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Sources that are translated at a time: a matter of speed alone.
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
    type Model = Box<dyn EncoderDecoder<E>>;

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
    model: &dyn EncoderDecoder<E>,
    batch: &PairBatch,
    own: f64,
    smoothing: f64,
    mode: &mut Mode<'_>,
) -> Loss<E> {
    let source = source(batch);
    let logits = match own > 0.0 {
        true => model.logits_reading_its_own(&source, &batch.inputs, own, mode), // (B, T, V)
        false => model.logits(&source, &batch.inputs, mode),
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

/// How well a translator predicts targets that it is given, and how often its likeliest token is the true one.
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

/// Measures a translator on pairs, the true target read at every step.
///
/// # Errors
/// If there are no pairs.
pub fn measure_forced(model: &dyn EncoderDecoder<f32>, pairs: Arc<[Pair]>) -> Result<Forced, TrainError> {
    let mut forced = Forced::default();
    for batch in SortedPairs::new(pairs, SPECIALS, TOGETHER)?.batches() {
        let logits = model.logits(&source(&batch), &batch.inputs, &mut Mode::Eval); // (B, T, V)
        let loss = summed(&logits, &batch, 0.0);
        forced.evaluation.add(f64::from(loss.total.item()), loss.tokens);
        let vocabulary = logits.shape().last();
        for (z, &target) in logits.to_vec().chunks(vocabulary).zip(batch.targets.as_slice()) {
            let likeliest = (0..vocabulary).fold(0, |best, id| if z[id] > z[best] { id } else { best });
            forced.right += usize::from(target != PADDING && likeliest == target as usize);
        }
    }
    Ok(forced)
}

/// Translates sources: for each as many targets as `options` say, the best first, without marks and never with an
/// unknown word.
///
/// What ends a target is known here, so `options` need no stop token; the fewest and the most tokens are counted
/// without it. A [beam](Search::Beam) is searched until so many texts have [ended](Ending::KeepsPlace). Sources of
/// similar length are searched together; the result does not depend on which. Where a model's positions end, so do its
/// texts.
///
/// # Errors
/// If the search cannot be, or a source is longer than the model's positions.
///
/// # Panics
/// If a source is empty, or a token of it is outside the vocabulary.
pub fn translate(
    model: &dyn EncoderDecoder<f32>,
    sources: &[Vec<u32>],
    options: &GenerateOptions,
    rng: &Rng,
) -> Result<Vec<Vec<Generated>>, GenerateError> {
    let model = model.frozen();
    sources.iter().try_for_each(|source| model.check_lengths(source.len(), 0))?;
    let options = with_end(options, model.context());
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&i| sources[i].len());
    let mut found = vec![Vec::new(); sources.len()];
    for together in order.chunks(TOGETHER) {
        let (ids, lengths) = pad(&together.iter().map(|&i| &sources[i]).collect::<Vec<_>>(), PADDING);
        let source = Source::new(ids, lengths);
        let state = model.start(&model.encode(&source, &mut Mode::Eval));
        let rngs: Vec<Rng> = together.iter().map(|i| rng.fork(&i.to_string())).collect();
        let first = vec![START; together.len()];
        let mut go_on = |_, _| ControlFlow::Continue(());
        let texts = generate_from(model.as_ref(), state, &first, &options, &rngs, &mut go_on)?;
        for (&i, texts) in together.iter().zip(texts) {
            found[i] = texts.into_iter().map(without_end).collect();
        }
    }
    Ok(found)
}

/// The same options for a model that writes [`END`] behind a text.
fn with_end(options: &GenerateOptions, context: Option<usize>) -> GenerateOptions {
    let mut options = options.clone();
    if let Search::Beam(beam) = &mut options.search {
        beam.ending = Ending::KeepsPlace;
    }
    let (min, max) = (options.length.min(), options.length.max());
    // A text ends where positions do: its last token is not read.
    let max = context.map_or(max, |context| max.min(context));
    let mut never = vec![PADDING, START, UNKNOWN];
    if min < max {
        options.stop = vec![END];
        options.length = Length::new(min + 1, max).expect("it was less");
    } else {
        // There is no room for an end.
        never.push(END);
        options.length = Length::at_most(max);
    }
    options.processors.insert(0, Arc::new(Bias::ruling_out(never)));
    options
}

/// A target without the token that ends it; its log-probability and where the model looked keep the end's.
fn without_end(mut text: Generated) -> Generated {
    if text.finish == Finish::Stop {
        text.ids.pop();
    }
    text
}
