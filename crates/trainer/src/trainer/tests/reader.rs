//! The smallest language model with a memory, and the text it reads in streams.

use crate::{
    AdamW, Batch, Budget, ContiguousBatches, Evaluation, Loss, Method, Position, Schedule, SlidingWindows, Task,
    TrainError, TrainerConfig, split,
};
use rungs_layers::tensor::{CrossEntropy, Element, Reduction, Rng, Tensor};
use rungs_layers::{Bias, Dropout, Embedding, Init, Linear, Mode, RecurrentState, Rnn, parameters};
use serde_json::json;

pub(super) const VOCABULARY: usize = 7;

/// The smallest language model with a memory.
pub(super) struct Reader<E: Element> {
    embedding: Embedding<E>,
    rnn: Rnn<E>,
    pub(super) head: Linear<E>,
}
parameters!(Reader { embedding, rnn, head });

impl<E: Element> Reader<E> {
    pub(super) fn new(seed: u64) -> Self {
        let rng = &mut Rng::new(seed);
        Self {
            embedding: Embedding::new(VOCABULARY, 6, Init::Normal(0.5), rng),
            rnn: Rnn::new(6, 12, 2, Dropout::new(0.1), rng),
            head: Linear::new(12, VOCABULARY, Bias::Yes, Init::XavierUniform, rng),
        }
    }

    fn loss(&self, batch: &Batch, state: &mut Vec<RecurrentState<E>>, mode: &mut Mode<'_>) -> Loss<E> {
        let x = self.embedding.forward(&batch.inputs);
        let (y, last) = self.rnn.forward(&x, None, state, mode);
        *state = last;
        let options = CrossEntropy { reduction: Reduction::Sum, ..CrossEntropy::default() };
        Loss { total: self.head.forward(&y, mode).cross_entropy(&batch.targets, options), tokens: batch.tokens() }
    }
}

/// Reading a text in streams.
pub(super) struct Reading<E: Element> {
    batches: ContiguousBatches,
    state: Option<Vec<RecurrentState<E>>>,
    validation: SlidingWindows,
}

impl<E: Element> Reading<E> {
    pub(super) fn new() -> Self {
        // Squares modulo 7 with an occasional slip: something to learn, and something to fail at.
        let mut rng = Rng::new(77);
        let slip = |rng: &mut Rng| if rng.below(10) == 0 { rng.below(VOCABULARY) } else { 0 };
        let text: Vec<u32> = (0..1200_usize).map(|i| ((i * i + slip(&mut rng)) % VOCABULARY) as u32).collect();
        let [train, validation] = split(&text, 0.2).unwrap();
        Self {
            batches: ContiguousBatches::new(train, 4, 9).unwrap(),
            state: None,
            validation: SlidingWindows::new(validation, 1, 50, 50).unwrap(),
        }
    }
}

impl<E: Element> Task<E> for Reading<E> {
    type Model = Reader<E>;

    fn next_loss(&mut self, model: &Reader<E>, rng: &mut Rng) -> Result<Loss<E>, TrainError> {
        let batch = self.batches.next_batch()?;
        let carried = self.state.take().filter(|_| !batch.restart);
        let mut state = carried.unwrap_or_else(|| model.rnn.zero_state(4));
        let loss = model.loss(&batch, &mut state, &mut Mode::Train(rng));
        self.state = Some(state.iter().map(RecurrentState::detached).collect());
        Ok(loss)
    }

    fn validate(&self, model: &Reader<E>) -> Result<Evaluation, TrainError> {
        let mut evaluation = Evaluation::default();
        let mut state = model.rnn.zero_state(1);
        for batch in self.validation.batches(usize::MAX) {
            let loss = model.loss(&batch?, &mut state, &mut Mode::Eval);
            evaluation.add(loss.total.item().to_f64(), loss.tokens);
        }
        Ok(evaluation)
    }

    fn position(&self) -> Position<E> {
        let carried = self.state.iter().flatten().enumerate();
        let arrays = carried.map(|(layer, state)| (format!("h.{layer}"), state.h.array().clone())).collect();
        Position { cursor: json!(self.batches.cursor()), arrays }
    }

    fn resume(&mut self, position: Position<E>) -> Result<(), TrainError> {
        let cursor = serde_json::from_value(position.cursor).map_err(|e| TrainError::Position(e.to_string()))?;
        self.batches.seek(cursor)?;
        let arrays = position.arrays.into_values();
        let carried: Vec<_> = arrays.map(|h| RecurrentState { h: Tensor::constant(h), c: None }).collect();
        self.state = (!carried.is_empty()).then_some(carried);
        Ok(())
    }

    fn batches_per_epoch(&self) -> Option<usize> {
        Some(self.batches.batches_per_pass())
    }
}

pub(super) fn config(optimizer: Method, steps: usize) -> TrainerConfig {
    TrainerConfig {
        budget: Budget::Steps(steps),
        optimizer,
        schedule: Schedule::Cosine { rate: 0.01, minimum: 0.001, warmup: 5 },
        clip: Some(0.5),
        accumulate: 2,
        evaluate_every: 7,
        save_every: 5,
        log_every: 3,
        seed: 3,
        ..TrainerConfig::default()
    }
}

pub(super) const ADAMW: Method = Method::AdamW(AdamW { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.1 });
