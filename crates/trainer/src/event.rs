//! What a run tells while it goes on, and what it is told.

/// Something has happened.
#[derive(Copy, Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A step was taken.
    Step {
        /// How many steps the run has taken, this one included.
        step: usize,
        /// Nats per token of the step's batch, before the step.
        loss: f64,
        /// The learning rate.
        learning_rate: f64,
        /// The global norm of the gradient, before clipping.
        gradient_norm: f64,
        /// How many tokens the step was computed on.
        tokens: usize,
        /// How long it took.
        seconds: f64,
        /// How much of the budget is used, from 0 to 1.
        progress: f64,
        /// How long the run has gone on, before it was resumed too.
        elapsed: f64,
    },
    /// The validation text was evaluated.
    Evaluated {
        /// After how many steps.
        step: usize,
        /// Nats per token of the validation text.
        loss: f64,
        /// How many tokens it predicts.
        tokens: usize,
        /// Whether no evaluation of this run was better.
        best: bool,
        /// How long it took.
        seconds: f64,
    },
    /// The evaluations have not become better for as long as the run's patience lasts: this was the last step.
    StoppedEarly {
        /// After how many steps.
        step: usize,
        /// After how many of them the best evaluation was.
        best_step: usize,
        /// How many evaluations there were since.
        evaluations: usize,
    },
    /// The run was saved.
    Saved {
        /// After how many steps.
        step: usize,
        /// How long it took.
        seconds: f64,
    },
}

/// Whether a run is to go on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Finish the step with all that belongs to it, save, and return.
    Stop,
}

/// How a run ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The budget is used up.
    Completed,
    /// Its patience is used up: see [`TrainerConfig::patience`](crate::TrainerConfig::patience).
    StoppedEarly,
    /// It was told to stop.
    Stopped,
}

/// A run in numbers.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Summary {
    /// How it ended.
    pub finish: Finish,
    /// How many steps were taken.
    pub steps: usize,
    /// Nats per token over the last steps (the last row of the metrics).
    pub train_loss: Option<f64>,
    /// Nats per token of the validation text, at the last evaluation.
    pub validation_loss: Option<f64>,
    /// The best of all evaluations.
    pub best_validation_loss: Option<f64>,
    /// How many tokens were trained on.
    pub tokens: usize,
    /// Tokens for each second spent in steps (evaluations and saves left out).
    pub tokens_per_second: f64,
    /// How long the run took altogether.
    pub seconds: f64,
}
