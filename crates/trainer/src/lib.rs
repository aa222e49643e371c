//! Training: optimizers, data, the loop, and run folders that survive anything.
//!
//! The [`Trainer`] trains any [`Module`](rungs_layers::Module) on any [`Task`], which says what the next loss is. It
//! prints nothing: it tells a callback what happens, and the callback says whether to go on.
//!
//! | module | holds |
//! |---|---|
//! | [`optim`], [`gradients`], [`schedule`] | how a gradient becomes a step: optimizers, clipping, learning rates |
//! | [`trained`] | models of which a part is frozen |
//! | [`loss`], [`data`], [`task`] | what is learnt, and from what: batches of token ids |
//! | [`trainer`], [`config`], [`event`], [`metrics`] | the loop, its settings and what it tells |
//! | [`checkpoint`] | the protocol of run folders, and the state that a resumed run needs |
//! | [`error`] | what can go wrong, and the checks of settings |
//!
//! This crate knows no model, no tokenizer and no text: what trains which model on what is a task, written elsewhere.
//!
//! ```
//! use rungs_layers::{Bias, Init, Linear, Mode, tensor::{Array, Rng, Tensor}};
//! use rungs_trainer::{Control, Evaluation, Loss, Position, Schedule, Task, TrainError, Trainer, TrainerConfig};
//!
//! /// y = 3x − 1, from examples.
//! struct Line;
//!
//! impl Line {
//!     fn loss(&self, model: &Linear<f64>, x: Tensor<f64>) -> Tensor<f64> {
//!         (model.forward(&x, &mut Mode::Eval) - (&x * 3.0 - 1.0)).square().sum()
//!     }
//! }
//!
//! impl Task<f64> for Line {
//!     type Model = Linear<f64>;
//!     fn next_loss(&mut self, model: &Linear<f64>, rng: &mut Rng) -> Result<Loss<f64>, TrainError> {
//!         let x = Tensor::constant(Array::normal([8, 1], 0.0, 1.0, rng));
//!         Ok(Loss { total: self.loss(model, x), tokens: 8 })
//!     }
//!     fn validate(&self, model: &Linear<f64>) -> Result<Evaluation, TrainError> {
//!         let x = Tensor::constant(Array::from_vec(vec![-1.0, 0.0, 1.0], [3, 1]));
//!         Ok(Evaluation { nats: self.loss(model, x).item(), tokens: 3 })
//!     }
//!     fn position(&self) -> Position<f64> {
//!         Position::default() // examples come from the generator, which the trainer saves
//!     }
//!     fn resume(&mut self, _: Position<f64>) -> Result<(), TrainError> {
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<(), TrainError> {
//! let model = Linear::new(1, 1, Bias::Yes, Init::Zeros, &mut Rng::new(0));
//! let schedule = Schedule::Cosine { rate: 0.02, minimum: 0.0, warmup: 10 };
//! let config = TrainerConfig { schedule, ..TrainerConfig::default() };
//! let mut trainer = Trainer::new(model, Line, config)?;
//! let summary = trainer.run(&mut |_event| Control::Continue)?;
//! assert!(summary.best_validation_loss.unwrap() < 1e-2); // weight decay pulls a little
//! # Ok(())
//! # }
//! ```
//!
//! # Promises
//! - **Same bits.** A run depends on its settings, its data and its seed: not on the number of threads, and not on how
//!   often it was stopped and resumed. (A run measured in seconds depends on the clock as well.)
//! - **Verify, then commit.** A loss or gradient that is not finite, a parameter without a gradient, a full disk: an
//!   error, and nothing is changed.
//! - **Sums, not means.** Losses are sums of nats with their numbers of tokens and are divided once, so accumulated
//!   micro-batches equal the large batch, and a short last window weighs what it should.
//!
//! Work is spread over threads from inside the rayon pool at little cost and from outside at twice the cost: call
//! [`Trainer::run`] within `ThreadPool::install`.

pub mod checkpoint;
pub mod config;
pub mod data;
pub mod error;
pub mod event;
pub mod gradients;
pub mod loss;
pub mod metrics;
pub mod optim;
pub mod schedule;
pub mod task;
pub mod trained;
pub mod trainer;

#[cfg(test)]
mod testing;

pub use checkpoint::{Destination, Folder, Progress, TrainingState};
pub use config::{Budget, TrainerConfig};
pub use data::{
    Batch, ContiguousBatches, EpochCursor, Example, ExampleBatches, IGNORE_INDEX, RandomWindows, SlidingWindows,
    SortedExamples, StoredIds, StreamCursor, TokenIds, pad,
};
pub use error::TrainError;
pub use event::{Control, Event, Finish, Summary};
pub use gradients::ParameterGradients;
pub use loss::{Evaluation, Loss};
pub use metrics::{Metrics, Row};
pub use optim::{Adam, AdamW, Method, Optimizer, RmsProp, Rule, Sgd, StepSize};
pub use schedule::Schedule;
pub use task::{Position, Task};
pub use trained::Trained;
pub use trainer::Trainer;
