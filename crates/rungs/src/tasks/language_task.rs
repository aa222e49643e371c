//! What binds language models to the trainer: token ids into batches, logits into a loss, held-out data into a number.
//!
//! The loss is Σ −ln p(y_t | y_1 … y_{t−1}, x) over what is learnt: all tokens of a text, the answers of examples,
//! or targets with their ends, given sources x.
//!
//! A rung is trained as it reads. Recurrent rungs read B streams of a text side by side, window after window, and carry
//! their state from each to the next, while gradients stop at the window's edge (truncated back-propagation through
//! time, Williams & Peng 1990). A GPT has no memory beyond its window, so it reads windows from anywhere. With every
//! example, any of them begins anew.

use super::measuring::{LOGITS, TOGETHER, WINDOWS, begin, features, loss, measure, together};
use crate::Error;
use crate::data::{Corpus, Parts};
use crate::layers::{Mode, RecurrentState};
use crate::models::{CarriedState, LanguageModel, State};
use crate::settings::Settings;
use crate::tensor::safetensors::Named;
use crate::tensor::{Element, Rng, Tensor};
use crate::trainer::data::{
    ContiguousBatches, Example, ExampleBatches, RandomWindows, SlidingWindows, SortedExamples, StreamCursor, TokenIds,
};
use crate::trainer::{Evaluation, Loss, Position, Task, TrainError, TrainerConfig};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// To predict every token that is to be learnt from those before it, and from a source where there is one.
#[derive(Debug)]
pub struct LanguageTask<E: Element = f32> {
    batches: Batches<E>,
    validation: Validation,
    /// The probability that a model reads its own token in training: see [`LanguageModel::logits_reading_its_own`].
    pub scheduled_sampling: f64,
    /// ε of every target's probability that is spread over the vocabulary in training: see
    /// [`CrossEntropy::smoothing`](crate::tensor::CrossEntropy::smoothing).
    pub label_smoothing: f64,
}

/// How what is trained on is read.
#[derive(Debug)]
enum Batches<E: Element> {
    /// In B streams, with a state that is carried from batch to batch; none before the first.
    Streams { batches: ContiguousBatches, state: Option<State<E>> },
    /// In windows from anywhere.
    Windows(RandomWindows),
    /// Example by example.
    Examples(ExampleBatches),
}

/// How what is held out is read.
#[derive(Debug)]
enum Validation {
    Windows(SlidingWindows),
    Examples(SortedExamples),
}

impl<E: Element> LanguageTask<E> {
    fn new(batches: Batches<E>, validation: Validation) -> Self {
        Self { batches, validation, scheduled_sampling: 0.0, label_smoothing: 0.0 }
    }

    /// A task for models that carry a state: `batch` streams, read on and on, `context` tokens at a time.
    ///
    /// # Errors
    /// If one of the texts is too short.
    pub fn in_streams([train, validation]: [TokenIds; 2], batch: usize, context: usize) -> Result<Self, TrainError> {
        let batches = ContiguousBatches::new(train, batch, context)?;
        let validation = SlidingWindows::new(validation, 1, context, context)?;
        Ok(Self::new(Batches::Streams { batches, state: None }, Validation::Windows(validation)))
    }

    /// A task for models whose memory is their window: `batch` windows of `context` tokens from anywhere.
    ///
    /// # Errors
    /// If one of the texts is too short.
    pub fn in_windows([train, validation]: [TokenIds; 2], batch: usize, context: usize) -> Result<Self, TrainError> {
        let batches = RandomWindows::new(train, batch, context)?;
        let validation = SlidingWindows::new(validation, WINDOWS, context, context)?;
        Ok(Self::new(Batches::Windows(batches), Validation::Windows(validation)))
    }

    /// A task that learns the first of two lists of examples, in batches of `batch` and an order that `seed` decides,
    /// and is validated on the other.
    ///
    /// # Errors
    /// If there are no examples to train on, or to validate on, or nothing is to be learnt of one.
    pub fn on_examples([train, validation]: [Arc<[Example]>; 2], batch: usize, seed: u64) -> Result<Self, TrainError> {
        let batches = ExampleBatches::new(train, batch, seed)?;
        let validation = SortedExamples::new(validation, TOGETHER)?;
        Ok(Self::new(Batches::Examples(batches), Validation::Examples(validation)))
    }

    /// What a run with these settings learns.
    pub(crate) fn of(corpus: Corpus, settings: &Settings) -> Result<Self, Error> {
        let TrainerConfig { batch_size: batch, seed, label_smoothing, .. } = settings.training;
        let mut task = match corpus.parts {
            Parts::Text(ids) if settings.rung().is_recurrent() => Self::in_streams(ids, batch, settings.context())?,
            Parts::Text(ids) => Self::in_windows(ids, batch, settings.context())?,
            Parts::Examples(examples) => Self::on_examples(examples, batch, seed)?,
        };
        task.scheduled_sampling = settings.model.scheduled_sampling();
        task.label_smoothing = label_smoothing.unwrap_or(0.0);
        Ok(task)
    }
}

impl<E: Element> Task<E> for LanguageTask<E> {
    type Model = Box<dyn LanguageModel<E>>;

    fn next_loss(&mut self, model: &Self::Model, rng: &mut Rng) -> Result<Loss<E>, TrainError> {
        let (batch, carried) = match &mut self.batches {
            Batches::Streams { batches, state } => (batches.next_batch()?, state.take()),
            Batches::Windows(windows) => (windows.next_batch(rng)?, None),
            Batches::Examples(batches) => (batches.next_batch(), None),
        };
        let mode = &mut Mode::Train(rng);
        let mut state = carried.filter(|_| !batch.restart).unwrap_or_else(|| begin(model.as_ref(), &batch, mode));
        let (logits, targets) = if self.scheduled_sampling > 0.0 {
            let logits = model.logits_reading_its_own(&batch.inputs, self.scheduled_sampling, &mut state, mode);
            (logits, batch.targets.clone()) // (B, T, V)
        } else {
            let (features, targets) = features(model.as_ref(), &batch, &mut state, mode);
            (model.scores(&features), targets) // (B, T, V) or (L, V)
        };
        let total = loss(&logits, &targets, self.label_smoothing);
        if let Batches::Streams { state: carried, .. } = &mut self.batches {
            state.detach(); // truncated here
            *carried = Some(state);
        }
        Ok(Loss { total, tokens: batch.tokens() })
    }

    fn validate(&self, model: &Self::Model) -> Result<Evaluation, TrainError> {
        let most = LOGITS / model.vocabulary();
        match &self.validation {
            Validation::Windows(windows) => measure(model.as_ref(), windows.batches(most), &mut |_, _| {}),
            Validation::Examples(examples) => measure(model.as_ref(), together(examples, most), &mut |_, _| {}),
        }
    }

    fn position(&self) -> Position<E> {
        match &self.batches {
            Batches::Streams { batches, state } => {
                let mut arrays = Named::new();
                let carried = state.iter().filter_map(|state| state.get::<CarriedState<E>>());
                for (i, RecurrentState { h, c }) in carried.flat_map(|carried| &carried.layers).enumerate() {
                    arrays.insert(format!("carried.{i}.h"), h.array().clone());
                    arrays.extend(c.iter().map(|c| (format!("carried.{i}.c"), c.array().clone())));
                }
                let read = state.as_ref().map_or(0, |state| state.position());
                Position { cursor: json!(Place { text: batches.cursor(), read }), arrays }
            }
            Batches::Windows(_) => Position::default(),
            Batches::Examples(batches) => Position { cursor: json!(batches.cursor()), ..Position::default() },
        }
    }

    fn resume(&mut self, position: Position<E>) -> Result<(), TrainError> {
        let unreadable = |error: serde_json::Error| TrainError::Position(error.to_string());
        match &mut self.batches {
            Batches::Streams { batches, state } => {
                let Place { text, read } = serde_json::from_value(position.cursor).map_err(unreadable)?;
                let layers = carried(&position.arrays)?;
                batches.seek(text)?;
                *state = (!layers.is_empty()).then(|| Box::new(CarriedState { layers, position: read }) as State<E>);
                Ok(())
            }
            Batches::Windows(_) if position == Position::default() => Ok(()),
            Batches::Windows(_) => {
                Err(TrainError::Position("a place in a text, but windows come from anywhere".to_owned()))
            }
            Batches::Examples(batches) => batches.seek(serde_json::from_value(position.cursor).map_err(unreadable)?),
        }
    }

    fn batches_per_epoch(&self) -> Option<usize> {
        Some(match &self.batches {
            Batches::Streams { batches, .. } => batches.batches_per_pass(),
            Batches::Windows(windows) => windows.batches_per_pass(),
            Batches::Examples(batches) => batches.batches_per_pass(),
        })
    }
}

/// Where a task that reads streams is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    text: StreamCursor,
    /// How many tokens the state has read.
    read: usize,
}

/// A carried state in the model's order, which is that of its numbers, not of its names.
fn carried<E: Element>(arrays: &Named<E>) -> Result<Vec<RecurrentState<E>>, TrainError> {
    let tensor = |name: &str| arrays.get(name).map(|array| Tensor::constant(array.clone()));
    let layers = arrays.keys().filter(|name| name.ends_with(".h")).count();
    let state = |i| {
        let h = tensor(&format!("carried.{i}.h"));
        let h = h.ok_or_else(|| TrainError::Position(format!("carried.{i}.h is missing")))?;
        Ok(RecurrentState { h, c: tensor(&format!("carried.{i}.c")) })
    };
    (0..layers).map(state).collect()
}

#[cfg(test)]
mod tests;
