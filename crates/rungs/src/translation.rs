//! What binds a translator to the trainer, and to texts: pairs into batches, logits into a loss, a source into targets.
//!
//! The loss is Σ −ln p(y_t | y_1 … y_{t−1}, x) over the tokens of the targets, the end of each among them and padding not.

use crate::layers::Mode;
use crate::models::vocabulary::{END, PADDING, START, UNKNOWN};
use crate::models::{BeamOptions, ConfigError, EncoderDecoder, Hypothesis, LengthPenalty, Source, beam_search};
use crate::pairs::SPECIALS;
use crate::tensor::{CrossEntropy, Element, Reduction, Rng, Tensor};
use crate::trainer::data::{Pair, PairBatch, PairBatches, SortedPairs, pad};
use crate::trainer::{Evaluation, Loss, Position, Task, TrainError};
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

    fn next_loss(&mut self, model: &Self::Model, rng: &mut Rng) -> Loss<E> {
        let batch = self.batches.next_batch();
        loss(model.as_ref(), &batch, self.own, self.label_smoothing, &mut Mode::Train(rng))
    }

    fn validate(&self, model: &Self::Model) -> Evaluation {
        let model = model.frozen();
        let mut evaluation = Evaluation::default();
        for batch in self.validation.batches() {
            let loss = loss(model.as_ref(), &batch, 0.0, 0.0, &mut Mode::Eval);
            evaluation.add(loss.total.item().to_f64(), loss.tokens);
        }
        evaluation
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

/// How translations are searched for.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Search {
    /// k, how many beginnings are kept; 1 is greedy.
    pub beam: usize,
    /// How texts are ranked.
    pub penalty: LengthPenalty,
    /// The fewest tokens.
    pub min: usize,
    /// The most tokens.
    pub max: usize,
}

/// Translates sources: for each up to k targets, the best first, without marks and never with an unknown word.
///
/// Sources of similar length are searched together; the result does not depend on which.
///
/// # Errors
/// If the beam cannot be.
///
/// # Panics
/// If a source is empty, or a token of it is outside the vocabulary.
pub fn translate(
    model: &dyn EncoderDecoder<f32>,
    sources: &[Vec<u32>],
    search: Search,
) -> Result<Vec<Vec<Hypothesis>>, ConfigError> {
    let model = model.frozen();
    let Search { beam, penalty, min, max } = search;
    let options = BeamOptions { beam, penalty, min, max, end: END, forbidden: vec![PADDING, START, UNKNOWN] };
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&i| sources[i].len());
    let mut found = vec![Vec::new(); sources.len()];
    for together in order.chunks(TOGETHER) {
        let (ids, lengths) = pad(&together.iter().map(|&i| &sources[i]).collect::<Vec<_>>(), PADDING);
        let source = Source::new(ids, lengths);
        let state = model.start(&model.encode(&source, &mut Mode::Eval));
        let texts = beam_search(model.as_ref(), state, &vec![START; together.len()], &options)?;
        for (&i, texts) in together.iter().zip(texts) {
            found[i] = texts;
        }
    }
    Ok(found)
}
