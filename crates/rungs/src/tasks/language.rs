//! What binds a language model to the trainer: text into batches, logits into a loss, and a held-out text into a
//! number.
//!
//! The loss is Σ −ln p(x_{t+1} | x_1 … x_t), over the tokens of a batch in training and over a whole text in
//! [`evaluate`].
//!
//! A rung is trained as it reads. Recurrent rungs read B streams side by side, window after window, and carry their
//! state from each to the next, while gradients stop at the window's edge (truncated back-propagation through time,
//! Williams & Peng 1990). A GPT has no memory beyond its window, so it reads windows from anywhere.

use crate::layers::{Mode, RecurrentState};
use crate::models::{CarriedState, LanguageModel, State};
use crate::tensor::safetensors::Named;
use crate::tensor::{CrossEntropy, Element, Reduction, Rng, Tensor};
use crate::trainer::data::{Batch, ConsecutiveWindows, ContiguousBatches, RandomWindows, Tokens};
use crate::trainer::{Evaluation, Loss, Position, Task, TrainError};

/// How many windows a model without memory is evaluated on at a time, at the most: a matter of speed alone.
pub(crate) const WINDOWS: usize = 32;
/// How many logits there may be at a time, an eighth of a gigabyte of them. Of GPT-2's vocabulary one window has more.
pub(crate) const LOGITS: usize = 1 << 25;

/// To predict every token of a text from those before it.
#[derive(Debug)]
pub struct LanguageTask<E: Element = f32> {
    reading: Reading<E>,
    validation: ConsecutiveWindows,
    /// ε of the training loss.
    label_smoothing: f64,
}

/// How the training text is read.
#[derive(Debug)]
enum Reading<E: Element> {
    /// In B streams, with a state that is carried from batch to batch; none before the first.
    Streams { batches: ContiguousBatches, state: Option<Box<State<E>>> },
    /// In windows from anywhere.
    Windows(RandomWindows),
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
    /// A task for models that carry a state: streams, read on and on.
    ///
    /// # Errors
    /// If one of the texts is too short.
    pub fn in_streams(
        train: impl Into<Tokens>,
        validation: impl Into<Tokens>,
        window: Window,
    ) -> Result<Self, TrainError> {
        let batches = ContiguousBatches::new(train, window.batch, window.context)?;
        let validation = ConsecutiveWindows::new(validation, 1, window.context)?;
        Ok(Self { reading: Reading::Streams { batches, state: None }, validation, label_smoothing: 0.0 })
    }

    /// A task for models whose memory is their window: windows from anywhere.
    ///
    /// # Errors
    /// If one of the texts is too short.
    pub fn in_windows(
        train: impl Into<Tokens>,
        validation: impl Into<Tokens>,
        window: Window,
    ) -> Result<Self, TrainError> {
        let batches = RandomWindows::new(train, window.batch, window.context)?;
        let validation = ConsecutiveWindows::new(validation, WINDOWS, window.context)?;
        Ok(Self { reading: Reading::Windows(batches), validation, label_smoothing: 0.0 })
    }

    /// The same with ε of every target's probability spread over the vocabulary in training: see
    /// [`CrossEntropy::smoothing`].
    #[must_use]
    pub fn with_label_smoothing(self, label_smoothing: f64) -> Self {
        Self { label_smoothing, ..self }
    }
}

impl<E: Element> Task<E> for LanguageTask<E> {
    type Model = Box<dyn LanguageModel<E>>;

    fn next_loss(&mut self, model: &Self::Model, rng: &mut Rng) -> Result<Loss<E>, TrainError> {
        let smoothing = self.label_smoothing;
        match &mut self.reading {
            Reading::Windows(windows) => {
                let batch = windows.next_batch(rng)?;
                let mut state = model.start(batch.inputs.dims::<2>()[0]);
                Ok(loss(model.as_ref(), &batch, smoothing, &mut state, &mut Mode::Train(rng)))
            }
            Reading::Streams { batches, state } => {
                let batch = batches.next_batch()?;
                let mut carried = match state.take() {
                    Some(state) if !batch.restart => state,
                    _ => Box::new(model.start(batch.inputs.dims::<2>()[0])),
                };
                let loss = loss(model.as_ref(), &batch, smoothing, &mut carried, &mut Mode::Train(rng));
                carried.detach(); // truncated here
                *state = Some(carried);
                Ok(loss)
            }
        }
    }

    fn validate(&self, model: &Self::Model) -> Result<Evaluation, TrainError> {
        measure(model.as_ref(), &self.validation)
    }

    fn position(&self) -> Position<E> {
        let Reading::Streams { batches, state } = &self.reading else { return Position::default() };
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
        let Reading::Streams { batches, state } = &mut self.reading else {
            return match position == Position::default() {
                true => Ok(()),
                false => Err(TrainError::Position("a place in a text, but windows come from anywhere".to_owned())),
            };
        };
        let Position { cursor, arrays } = position;
        let unreadable = |error: serde_json::Error| TrainError::Position(error.to_string());
        let Cursor { text, read } = serde_json::from_value(cursor).map_err(unreadable)?;
        let layers = carried(&arrays)?;
        batches.seek(serde_json::from_value(text).map_err(unreadable)?)?;
        *state = (!layers.is_empty()).then(|| Box::new(State::new(CarriedState { layers, position: read })));
        Ok(())
    }

    fn batches_per_epoch(&self) -> Option<usize> {
        Some(match &self.reading {
            Reading::Streams { batches, .. } => batches.batches_per_pass(),
            Reading::Windows(windows) => windows.batches_per_pass(),
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

/// Σ −ln p(target) over a batch, with label smoothing where `smoothing` is above 0.
fn loss<E: Element>(
    model: &dyn LanguageModel<E>,
    batch: &Batch,
    smoothing: f64,
    state: &mut State<E>,
    mode: &mut Mode<'_>,
) -> Loss<E> {
    let logits = model.logits(&batch.inputs, state, mode); // (B, T, V)
    let options = CrossEntropy { reduction: Reduction::Sum, smoothing, ..CrossEntropy::default() };
    Loss { total: logits.cross_entropy(&batch.targets, options), tokens: batch.tokens() }
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
/// If a token is outside the model's vocabulary, or `context` is longer than the model's.
pub fn evaluate<E: Element>(
    model: &dyn LanguageModel<E>,
    tokens: impl Into<Tokens>,
    context: usize,
) -> Result<Evaluation, TrainError> {
    let batch = if model.context().is_some() { WINDOWS } else { 1 };
    measure(model, &ConsecutiveWindows::new(tokens, batch, context)?)
}

fn measure<E: Element>(model: &dyn LanguageModel<E>, windows: &ConsecutiveWindows) -> Result<Evaluation, TrainError> {
    let model = model.frozen();
    let mut state = model.start(1);
    let mut evaluation = Evaluation::default();
    for batch in windows.batches_within(LOGITS / model.vocabulary()) {
        let batch = batch?;
        if batch.restart {
            state = model.start(batch.inputs.dims::<2>()[0]);
        }
        let loss = loss(model.as_ref(), &batch, 0.0, &mut state, &mut Mode::Eval);
        evaluation.add(loss.total.item().to_f64(), loss.tokens);
    }
    Ok(evaluation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Gpt, GptConfig, LstmLanguageModel, RecurrentConfig};
    use std::sync::Arc;

    fn lstm() -> Box<dyn LanguageModel<f64>> {
        let config = RecurrentConfig { vocabulary: 7, embedding: 3, hidden: 5, layers: 2, dropout: 0.2 };
        Box::new(LstmLanguageModel::new(&config, &mut Rng::new(1)).unwrap())
    }

    fn gpt() -> Box<dyn LanguageModel<f64>> {
        let config = GptConfig {
            dropout: 0.2,
            bias: false,
            vocabulary: 7,
            context: 6,
            width: 8,
            heads: 2,
            layers: 2,
            ..GptConfig::nanogpt()
        };
        Box::new(Gpt::new(&config, &mut Rng::new(1)).unwrap())
    }

    fn tokens(n: usize) -> Arc<[u32]> {
        let mut rng = Rng::new(2);
        (0..n).map(|_| rng.below(7) as u32).collect()
    }

    fn streams() -> LanguageTask<f64> {
        LanguageTask::in_streams(tokens(64), tokens(30), Window { batch: 3, context: 4 }).unwrap()
    }

    type Model = Box<dyn LanguageModel<f64>>;

    fn nats(task: &mut LanguageTask<f64>, model: &Model, rng: &mut Rng) -> f64 {
        task.next_loss(model, rng).unwrap().total.item()
    }

    #[test]
    fn a_text_costs_the_sum_over_its_tokens_of_what_each_costs_after_the_others() {
        // Written out: one token at a time, with the state that generation has.
        let text = tokens(23);
        let one_by_one = |model: &dyn LanguageModel<f64>, context: usize| {
            let mut state = model.start(1);
            let mut nats = 0.0;
            for (i, pair) in text.windows(2).enumerate() {
                if i % context == 0 {
                    state = model.start(1);
                }
                let logits = model.step(&crate::tensor::Ids::new([pair[0]], [1, 1]), &mut state).to_vec();
                nats -= crate::decoding::log_probability(&logits, pair[1]);
            }
            nats
        };
        let (lstm, gpt) = (lstm(), gpt());
        for context in [1, 4, 22, 100] {
            let evaluation = evaluate(lstm.as_ref(), text.clone(), context).unwrap();
            assert_eq!(evaluation.tokens, 22);
            let expected = one_by_one(lstm.as_ref(), usize::MAX); // carried through, whatever the window
            assert!((evaluation.nats - expected).abs() < 1e-9, "{} is not {expected}", evaluation.nats);
        }
        for context in [1, 4, 6] {
            let evaluation = evaluate(gpt.as_ref(), text.clone(), context).unwrap();
            assert_eq!(evaluation.tokens, 22);
            let expected = one_by_one(gpt.as_ref(), context); // anew in every window
            assert!((evaluation.nats - expected).abs() < 1e-9, "{} is not {expected}", evaluation.nats);
        }
    }

    #[test]
    fn streams_carry_their_state_and_begin_anew_with_the_text() {
        let model = lstm().frozen();
        let mut task = streams();
        let batches = task.batches_per_epoch().unwrap();
        let carried: Vec<usize> = (0..batches + 1)
            .map(|_| {
                nats(&mut task, &model, &mut Rng::new(3));
                let Reading::Streams { state, .. } = &task.reading else { panic!("streams") };
                state.as_ref().unwrap().position()
            })
            .collect();
        assert_eq!(carried, [4, 8, 12, 16, 20, 21, 4], "21 tokens a stream, the last window of one");
    }

    #[test]
    fn labels_are_smoothed_in_training_and_not_in_validation() {
        let (gpt, window) = (gpt().frozen(), Window { batch: 3, context: 4 });
        let plain = || LanguageTask::<f64>::in_windows(tokens(64), tokens(30), window).unwrap();
        let mut smooth = plain().with_label_smoothing(0.1);
        assert_eq!(smooth.validate(&gpt).unwrap(), plain().validate(&gpt).unwrap());
        // −Σ q ln p with q = 0.9·one-hot + 0.1/7: between the loss and that of the uniform distribution, linear in ε.
        let at = |task: &mut LanguageTask<f64>| nats(task, &gpt, &mut Rng::new(3));
        let (half, none, some) = (0.05, at(&mut plain()), at(&mut smooth));
        let between = at(&mut plain().with_label_smoothing(half));
        assert!(some != none && ((none + some) / 2.0 - between).abs() < 1e-9, "{none} {between} {some}");
    }

    #[test]
    fn gradients_stop_at_the_window_but_the_state_does_not() {
        let (model, mut task, mut rng) = (lstm(), streams(), Rng::new(3));
        nats(&mut task, &model, &mut rng);
        let Reading::Streams { state: Some(state), .. } = &task.reading else { panic!("a state is carried") };
        let carried = &state.get::<CarriedState<f64>>().unwrap().layers;
        assert!(carried.iter().all(|state| !state.h.is_tracked()));
        assert!(carried.iter().any(|state| state.h.to_vec().iter().any(|&x| x != 0.0)));
    }

    #[test]
    fn a_task_goes_on_from_its_position() {
        let model = lstm();
        for steps in [0, 1, 3, 6, 9] {
            let (mut task, mut rng) = (streams(), Rng::new(3));
            (0..steps).for_each(|_| _ = nats(&mut task, &model, &mut rng));
            let mut resumed = streams();
            resumed.resume(task.position()).unwrap();
            let mut copy = Rng::from_state(rng.state()).unwrap();
            for _ in 0..8 {
                assert_eq!(nats(&mut task, &model, &mut rng), nats(&mut resumed, &model, &mut copy));
            }
        }
        let mut windows =
            LanguageTask::<f64>::in_windows(tokens(64), tokens(30), Window { batch: 3, context: 4 }).unwrap();
        windows.resume(windows.position()).unwrap();
        assert!(windows.resume(streams().position()).is_err(), "a place in a text is no place here");
        assert!(streams().resume(Position::default()).is_err());
    }
}
