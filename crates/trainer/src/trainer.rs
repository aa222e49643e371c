//! The loop.
//!
//! ```text
//! repeat   g ← Σ ∂(nats of a micro-batch)/∂θ  /  Σ tokens     over `accumulate` micro-batches
//!          clip g;  θ ← optimizer(θ, g, η(step))              or, if anything is not finite, an error and nothing else
//!          a ← average of the θ of all steps                  where one is kept; it is what is evaluated
//!          evaluate · note metrics · save                     where due
//! until    the budget is used up, or evaluations have not become better for too long, or the callback says stop
//! ```
//!
//! All that decides what comes next is in one place, the [`TrainingState`](crate::TrainingState): a run that is saved
//! between two steps, dropped and resumed goes on with the same bits.

mod average;
mod evaluating;
mod saving;

use crate::checkpoint::Interval;
use crate::error::setting;
use crate::{
    Budget, Control, Destination, Evaluation, Event, Metrics, Optimizer, ParameterGradients, Progress, Row, Summary,
    Task, TrainError, Trained, TrainerConfig,
};
use average::Average;
use rungs_layers::Module;
use rungs_layers::tensor::safetensors::Named;
use rungs_layers::tensor::{Element, Rng};
use std::cell::Cell;
use std::time::Instant;

/// Trains a model on a task.
#[derive(Debug)]
pub struct Trainer<E: Element, T: Task<E>> {
    model: Trained<T::Model>,
    task: T,
    config: TrainerConfig,
    optimizer: Optimizer<E>,
    /// What is evaluated and kept instead of the model's own weights, if there is one.
    average: Option<Average<E>>,
    rng: Rng,
    progress: Progress,
    metrics: Metrics,
    /// The weights of the best evaluation, without those that are frozen.
    best: Option<Named<E>>,
    /// The folder that the run is saved into, if it is kept: at the start of a new run, when due, when told to stop,
    /// and at the end.
    pub destination: Option<Destination>,
}

/// What a step has to tell.
struct Report {
    batch: Evaluation,
    learning_rate: f64,
    gradient_norm: f64,
    seconds: f64,
}

impl<E: Element, T: Task<E>> Trainer<E, T> {
    /// A trainer at the start of a run.
    ///
    /// # Errors
    /// If a setting is out of its range, or if the budget is measured in epochs and the task does not say how long one
    /// is.
    pub fn new(model: T::Model, task: T, config: TrainerConfig) -> Result<Self, TrainError> {
        config.validate()?;
        let budget = config.budget.in_steps(task.batches_per_epoch(), config.accumulate)?;
        let config = TrainerConfig { budget, ..config };
        let model = Trained::all(model);
        Ok(Self {
            average: config.ema.map(|decay| Average::new(decay, &model)),
            model,
            task,
            config,
            optimizer: Optimizer::new(config.optimizer),
            // A stream of its own: whoever draws the first weights from the same seed does not draw the same numbers.
            rng: Rng::new(config.seed).fork("training"),
            progress: Progress::default(),
            metrics: Metrics::default(),
            best: None,
            destination: None,
        })
    }

    /// Trains only the parameters whose names `is_frozen` does not take. The others are constants from now on: no
    /// gradient of theirs is computed, nothing is remembered for them, and none of their bits change.
    ///
    /// # Errors
    /// If nothing is left to train, or a step was taken already.
    pub fn freeze(&mut self, is_frozen: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
        if self.progress.step > 0 {
            return Err(TrainError::Position("what a run trains cannot change once it has begun".to_owned()));
        }
        let is_left = self.model.named().iter().any(|(name, _)| !is_frozen(name));
        setting("frozen", is_left, || "nothing is left to train".to_owned())?;
        self.model.freeze(is_frozen);
        self.average = self.config.ema.map(|decay| Average::new(decay, &self.model));
        Ok(())
    }

    /// The model as it is now.
    pub fn model(&self) -> &T::Model {
        self.model.whole()
    }

    /// The model as it is now, to own.
    pub fn into_model(self) -> T::Model {
        self.model.into_whole()
    }

    /// How many numbers are trained.
    pub fn trained_count(&self) -> usize {
        self.model.parameter_count()
    }

    /// The weights of the best evaluation, or those of now if there was none; with those that are frozen.
    pub fn best_weights(&self) -> Named<E> {
        let mut weights = self.model.frozen_weights();
        weights.append(&mut self.best_trained_weights());
        weights
    }

    /// The best weights without those that are frozen.
    fn best_trained_weights(&self) -> Named<E> {
        self.best.clone().unwrap_or_else(|| self.evaluated_weights())
    }

    /// The task.
    pub fn task(&self) -> &T {
        &self.task
    }

    /// The settings, a budget of epochs counted in steps.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }

    /// How far the run has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The course of the run.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Whether the budget or the patience is used up. Then [`run`](Self::run) does nothing.
    pub fn is_finished(&self) -> bool {
        self.progress.finish(self.config.budget, self.config.patience).is_some()
    }

    /// How much of the budget is used: 1 is all.
    fn used(&self) -> f64 {
        match self.config.budget {
            Budget::Steps(steps) => self.progress.step as f64 / steps as f64,
            Budget::Seconds(seconds) => self.progress.elapsed / seconds,
            Budget::Epochs(_) => unreachable!("epochs are counted in steps"),
        }
    }

    /// The number of steps the schedule is stretched over.
    fn expected_steps(&self) -> usize {
        match (self.config.budget, self.progress.step) {
            (Budget::Steps(steps), _) => steps,
            (_, 0) => usize::MAX,                                // the end is out of sight
            (_, taken) => (taken as f64 / self.used()) as usize, // at the pace so far
        }
    }

    /// Trains until the budget or the patience is used up or `on_event` says stop.
    ///
    /// # Errors
    /// If a step fails (nothing is changed by it) or a save does (the folder still opens). What was saved before can be
    /// resumed.
    pub fn run(&mut self, on_event: &mut dyn FnMut(Event) -> Control) -> Result<Summary, TrainError> {
        let summary = self.run_locked(on_event);
        // Whoever resumes the run next may do so while this trainer is still there.
        self.destination.iter_mut().for_each(Destination::unlock);
        summary
    }

    fn run_locked(&mut self, on_event: &mut dyn FnMut(Event) -> Control) -> Result<Summary, TrainError> {
        let (before, start) = (self.progress.elapsed, Instant::now());
        let time = || before + start.elapsed().as_secs_f64();
        let stopped = Cell::new(false);
        let mut tell = |event| stopped.set(on_event(event) == Control::Stop || stopped.get());
        let mut over = self.is_finished();
        if self.progress.step == 0 {
            // Before the first step, so that a folder that cannot be written is found out now, and every later moment
            // leaves a run to resume.
            self.save(&mut tell)?;
        }
        while !over && !stopped.get() {
            let Report { batch, learning_rate, gradient_norm, seconds } = self.step()?;
            let step = self.progress.step;
            self.progress.elapsed = time();
            // Decided once: time goes on during an evaluation, and the last step is the one that was evaluated.
            over = self.is_finished();
            let (loss, tokens) = (batch.loss(), batch.tokens);
            let (progress, elapsed) = (self.used().min(1.0), self.progress.elapsed);
            tell(Event::Step { step, loss, learning_rate, gradient_norm, tokens, seconds, progress, elapsed });
            // A step brings all that belongs to it, even when told to stop: a resumed run goes on with the next step.
            let due = |every| step.is_multiple_of(every);
            let validation_loss =
                if over || due(self.config.evaluate_every) { self.evaluate(&mut tell)? } else { None };
            over = over || self.stops_early(&mut tell);
            if over || due(self.config.log_every) || validation_loss.is_some() {
                self.note(validation_loss, learning_rate, gradient_norm);
            }
            self.progress.elapsed = time();
            if over || due(self.config.save_every) || stopped.get() {
                self.save(&mut tell)?;
                self.progress.elapsed = time();
            }
        }
        Ok(self.progress.summary(self.config.budget, self.config.patience, &self.metrics))
    }

    /// One step, or an error and no change: neither of the model nor of where the task and the generator are.
    fn step(&mut self) -> Result<Report, TrainError> {
        let (rng, position) = (self.rng.clone(), self.task.position());
        self.try_step().or_else(|source| {
            self.rng = rng;
            self.task.resume(position)?;
            Err(source.at_step(self.progress.step + 1))
        })
    }

    fn try_step(&mut self) -> Result<Report, TrainError> {
        let start = Instant::now();
        let mut batch = Evaluation::default();
        let mut sum: Option<ParameterGradients<E>> = None;
        for _ in 0..self.config.accumulate {
            let loss = self.task.next_loss(self.model.whole(), &mut self.rng)?;
            batch.add(loss.nats()?, loss.tokens);
            let gradients = ParameterGradients::collect(&self.model, loss.total.backward())?;
            match &mut sum {
                Some(sum) => sum.add(gradients),
                None => sum = Some(gradients),
            }
        }
        let mut gradients = sum.expect("accumulate is 1 or more");
        if batch.tokens == 0 {
            return Err(TrainError::Loss("it is over no tokens"));
        }
        gradients.scale(1.0 / batch.tokens as f64);
        let gradient_norm = match self.config.clip {
            Some(limit) => gradients.clip(limit)?,
            None => gradients.norm()?,
        };
        let learning_rate = self.config.schedule.rate(self.progress.step, self.expected_steps());
        self.optimizer.step(&mut self.model, &gradients, learning_rate)?;
        if let Some(average) = &mut self.average {
            average.update(&self.model, self.optimizer.count());
        }

        let seconds = start.elapsed().as_secs_f64();
        let Progress { step, tokens, training, interval, .. } = &mut self.progress;
        *step += 1;
        *tokens += batch.tokens;
        *training += seconds;
        interval.nats += batch.nats;
        interval.tokens += batch.tokens;
        interval.seconds += seconds;
        Ok(Report { batch, learning_rate, gradient_norm, seconds })
    }

    /// Sums up the steps since the last row.
    fn note(&mut self, validation_loss: Option<f64>, learning_rate: f64, gradient_norm: f64) {
        let Interval { nats, tokens, seconds } = std::mem::take(&mut self.progress.interval);
        let (train_loss, tokens_per_second) = (nats / tokens as f64, tokens as f64 / seconds);
        let step = self.progress.step;
        self.metrics.push(Row { step, train_loss, validation_loss, learning_rate, gradient_norm, tokens_per_second });
    }
}

#[cfg(test)]
mod tests;
