//! What binds language models to the trainer: token ids into batches, logits into a loss, held-out data into a number.
//!
//! The loss is Σ −ln p(y_t | y_1 … y_{t−1}, x) over what is learnt: all tokens of a text, the answers of examples,
//! or targets with their ends, given sources x.
//!
//! A rung is trained as it reads. Recurrent rungs read B streams of a text side by side, window after window, and carry
//! their state from each to the next, while gradients stop at the window's edge (truncated back-propagation through
//! time, Williams & Peng 1990). A GPT has no memory beyond its window, so it reads windows from anywhere. With every
//! example, any of them begins anew.

use super::measuring::{LOGITS, TOGETHER, WINDOWS, begin, loss, measure, together};
use crate::Error;
use crate::data::{Corpus, Parts};
use crate::layers::{Mode, RecurrentState};
use crate::models::{CarriedState, LanguageModel, State};
use crate::settings::Settings;
use crate::tensor::safetensors::Named;
use crate::tensor::{Element, Rng, Tensor};
use crate::trainer::data::{
    ContiguousBatches, Example, ExampleBatches, RandomWindows, SlidingWindows, SortedExamples, TokenIds,
};
use crate::trainer::{Evaluation, Loss, Position, Task, TrainError};
use std::sync::Arc;

/// To predict every token that is to be learnt from those before it, and from a source where there is one.
#[derive(Debug)]
pub struct LanguageTask<E: Element = f32> {
    reading: Reading<E>,
    validation: Validation,
    /// The probability that a model reads its own token in training.
    scheduled_sampling: f64,
    /// ε of the training loss.
    label_smoothing: f64,
}

/// How what is trained on is read.
#[derive(Debug)]
enum Reading<E: Element> {
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

/// How much of a text is read at once.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// B, the sequences of a batch.
    pub batch: usize,
    /// T, the tokens of each.
    pub context: usize,
}

impl<E: Element> LanguageTask<E> {
    fn new(reading: Reading<E>, validation: Validation) -> Self {
        Self { reading, validation, scheduled_sampling: 0.0, label_smoothing: 0.0 }
    }

    /// A task for models that carry a state: streams, read on and on.
    ///
    /// # Errors
    /// If one of the texts is too short.
    pub fn in_streams(
        train: impl Into<TokenIds>,
        validation: impl Into<TokenIds>,
        Window { batch, context }: Window,
    ) -> Result<Self, TrainError> {
        let batches = ContiguousBatches::new(train, batch, context)?;
        let validation = SlidingWindows::new(validation, 1, context, context)?;
        Ok(Self::new(Reading::Streams { batches, state: None }, Validation::Windows(validation)))
    }

    /// A task for models whose memory is their window: windows from anywhere.
    ///
    /// # Errors
    /// If one of the texts is too short.
    pub fn in_windows(
        train: impl Into<TokenIds>,
        validation: impl Into<TokenIds>,
        Window { batch, context }: Window,
    ) -> Result<Self, TrainError> {
        let batches = RandomWindows::new(train, batch, context)?;
        let validation = SlidingWindows::new(validation, WINDOWS, context, context)?;
        Ok(Self::new(Reading::Windows(batches), Validation::Windows(validation)))
    }

    /// A task that learns `train` in batches of `batch` examples, in an order that `seed` decides.
    ///
    /// # Errors
    /// If there are no examples to train on, or to validate on, or nothing is to be learnt of one.
    pub fn on_examples(
        train: impl Into<Arc<[Example]>>,
        validation: impl Into<Arc<[Example]>>,
        batch: usize,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let batches = ExampleBatches::new(train, batch, seed)?;
        let validation = SortedExamples::new(validation, TOGETHER)?;
        Ok(Self::new(Reading::Examples(batches), Validation::Examples(validation)))
    }

    /// What a run with these settings learns.
    pub(crate) fn of(corpus: Corpus, settings: &Settings) -> Result<Self, Error> {
        let window = Window { batch: settings.training.batch_size, context: settings.context() };
        let task = match corpus.parts {
            Parts::Text { train, validation } if settings.rung().is_recurrent() => {
                Self::in_streams(train, validation, window)?
            }
            Parts::Text { train, validation } => Self::in_windows(train, validation, window)?,
            Parts::Examples { train, validation } => {
                Self::on_examples(train, validation, settings.training.batch_size, settings.training.seed)?
            }
        };
        let own = settings.model.scheduled_sampling();
        let smoothing = settings.training.label_smoothing.unwrap_or(0.0);
        Ok(task.with_scheduled_sampling(own).with_label_smoothing(smoothing))
    }

    /// The same task, in which the model reads its own tokens in training with this probability: see
    /// [`LanguageModel::logits_reading_its_own`].
    #[must_use]
    pub fn with_scheduled_sampling(self, scheduled_sampling: f64) -> Self {
        Self { scheduled_sampling, ..self }
    }

    /// The same task with ε of every target's probability spread over the vocabulary in training: see
    /// [`CrossEntropy::smoothing`](crate::tensor::CrossEntropy::smoothing).
    #[must_use]
    pub fn with_label_smoothing(self, label_smoothing: f64) -> Self {
        Self { label_smoothing, ..self }
    }
}

impl<E: Element> Task<E> for LanguageTask<E> {
    type Model = Box<dyn LanguageModel<E>>;

    fn next_loss(&mut self, model: &Self::Model, rng: &mut Rng) -> Result<Loss<E>, TrainError> {
        let (batch, carried) = match &mut self.reading {
            Reading::Streams { batches, state } => (batches.next_batch()?, state.take()),
            Reading::Windows(windows) => (windows.next_batch(rng)?, None),
            Reading::Examples(batches) => (batches.next_batch(), None),
        };
        let mode = &mut Mode::Train(rng);
        let mut state = carried.filter(|_| !batch.restart).unwrap_or_else(|| begin(model.as_ref(), &batch, mode));
        let (own, smoothing) = (self.scheduled_sampling, self.label_smoothing);
        let loss = loss(model.as_ref(), &batch, own, smoothing, &mut state, mode);
        if let Reading::Streams { state: carried, .. } = &mut self.reading {
            state.detach(); // truncated here
            *carried = Some(state);
        }
        Ok(loss)
    }

    fn validate(&self, model: &Self::Model) -> Result<Evaluation, TrainError> {
        let most = LOGITS / model.vocabulary();
        match &self.validation {
            Validation::Windows(windows) => measure(model.as_ref(), windows.batches(most), &mut |_, _| {}),
            Validation::Examples(examples) => measure(model.as_ref(), together(examples, most), &mut |_, _| {}),
        }
    }

    fn position(&self) -> Position<E> {
        let (batches, state) = match &self.reading {
            Reading::Streams { batches, state } => (batches, state),
            Reading::Windows(_) => return Position::default(),
            Reading::Examples(batches) => {
                let cursor = serde_json::to_value(batches.cursor()).expect("two numbers are JSON");
                return Position { cursor, ..Position::default() };
            }
        };
        let read = state.as_ref().map_or(0, |state| state.position());
        let mut arrays = Named::new();
        let carried = state.iter().filter_map(|state| state.get::<CarriedState<E>>());
        for (i, carried) in carried.flat_map(|carried| &carried.layers).enumerate() {
            arrays.insert(format!("carried.{i}.h"), carried.h.array().clone());
            arrays.extend(carried.c.iter().map(|c| (format!("carried.{i}.c"), c.array().clone())));
        }
        let cursor = serde_json::json!({ "text": batches.cursor(), "read": read });
        Position { cursor, arrays }
    }

    fn resume(&mut self, position: Position<E>) -> Result<(), TrainError> {
        let unreadable = |error: serde_json::Error| TrainError::Position(error.to_string());
        match &mut self.reading {
            Reading::Streams { batches, state } => {
                let Position { cursor, arrays } = position;
                let Cursor { text, read } = serde_json::from_value(cursor).map_err(unreadable)?;
                let layers = carried(&arrays)?;
                batches.seek(serde_json::from_value(text).map_err(unreadable)?)?;
                *state = (!layers.is_empty()).then(|| Box::new(CarriedState { layers, position: read }) as State<E>);
                Ok(())
            }
            Reading::Windows(_) if position == Position::default() => Ok(()),
            Reading::Windows(_) => {
                Err(TrainError::Position("a place in a text, but windows come from anywhere".to_owned()))
            }
            Reading::Examples(batches) => batches.seek(serde_json::from_value(position.cursor).map_err(unreadable)?),
        }
    }

    fn batches_per_epoch(&self) -> Option<usize> {
        Some(match &self.reading {
            Reading::Streams { batches, .. } => batches.batches_per_pass(),
            Reading::Windows(windows) => windows.batches_per_pass(),
            Reading::Examples(batches) => batches.batches_per_pass(),
        })
    }
}

/// Where a task that reads streams is.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// The place in the text, as [`ContiguousBatches`] has it.
    text: serde_json::Value,
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
