//! What is to be learnt, apart from how.

use crate::{Evaluation, Loss, TrainError};
use rungs_layers::Module;
use rungs_layers::tensor::safetensors::Named;
use rungs_layers::tensor::{Element, Rng};

/// Data and loss for one kind of model. The [`Trainer`](crate::Trainer) knows nothing else about what it trains.
pub trait Task<E: Element> {
    /// What is trained.
    type Model: Module<E>;

    /// The loss of the next micro-batch. Randomness (where windows start, dropout) comes from `rng` alone, whose state
    /// the trainer saves.
    ///
    /// # Errors
    /// If the data cannot be read. Then the step is not taken.
    fn next_loss(&mut self, model: &Self::Model, rng: &mut Rng) -> Result<Loss<E>, TrainError>;

    /// How well the model does on text it is not trained on, all of it. The model's parameters are constants here, so
    /// nothing is recorded. A task without such text returns the default, and then the last weights count as the best.
    ///
    /// # Errors
    /// If the data cannot be read.
    fn validate(&self, model: &Self::Model) -> Result<Evaluation, TrainError>;

    /// Everything but the generator that [`next_loss`](Self::next_loss) depends on, so that a resumed run goes on
    /// exactly. It is asked for before every step, to be gone back to if the step fails: arrays are shared, not copied.
    fn position(&self) -> Position<E>;

    /// Goes on from a saved position, or changes nothing.
    ///
    /// # Errors
    /// If the position is not one of this task's ([`TrainError::Position`]).
    fn resume(&mut self, position: Position<E>) -> Result<(), TrainError>;

    /// How many micro-batches make an epoch, for runs that are measured in epochs.
    fn batches_per_epoch(&self) -> Option<usize> {
        None
    }
}

/// Where a task is in its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Position<E: Element> {
    /// Counters, in whatever form the task likes.
    pub cursor: serde_json::Value,
    /// Arrays, such as a carried recurrent state.
    pub arrays: Named<E>,
}

impl<E: Element> Default for Position<E> {
    /// The position of a task that has none: its batches depend on the generator alone.
    fn default() -> Self {
        Self { cursor: serde_json::Value::Null, arrays: Named::new() }
    }
}
