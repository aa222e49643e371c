//! The loop over epochs.

use super::{Compiled, EpochEnd, History, Model, Samples, Scores};
use crate::layers::Mode;
use crate::tensor::{Element, Rng};
use crate::trainer::{Control, TrainError};
use std::time::Instant;

/// How a model is fitted to data.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Fit {
    /// B, how many samples make a step. The last batch of an epoch has what is left.
    pub batch_size: usize,
    /// How many times all samples are gone through.
    pub epochs: usize,
    /// The share of the samples, the last ones, that is held out; 0 holds out none.
    pub validation_split: f64,
    /// Whether the samples are shuffled before each epoch.
    pub shuffle: bool,
}

impl Default for Fit {
    /// Keras's: batches of 32, one epoch, no validation, shuffled.
    fn default() -> Self {
        Self { batch_size: 32, epochs: 1, validation_split: 0.0, shuffle: true }
    }
}

impl Fit {
    /// How many of the samples are trained on: ⌊samples · (1 − split)⌋.
    fn trained_on(&self, samples: usize) -> Result<usize, TrainError> {
        let split = self.validation_split;
        let refuse = |problem| Err(TrainError::Setting { name: "validation split", problem });
        if split == 0.0 {
            return Ok(samples);
        }
        if !(0.0..1.0).contains(&split) {
            return refuse(format!("must be at least 0 and less than 1, not {split}"));
        }
        match (samples as f64 * (1.0 - split)).floor() as usize {
            trained_on if trained_on == 0 || trained_on == samples => {
                refuse(format!("{split} of {samples} samples leaves one part without any"))
            }
            trained_on => Ok(trained_on),
        }
    }
}

impl<M: Model<E>, Y: Samples, E: Element> Compiled<M, Y, E> {
    /// Trains on samples `x` with targets `y`, and tells `on_epoch` about every epoch, which says whether to go on.
    ///
    /// Samples are shuffled by `rng`, which dropout draws from as well: the same seed gives the same history, bit for
    /// bit.
    ///
    /// # Errors
    /// If a setting is out of its range, inputs and targets are not equally many, or a step fails
    /// ([`train_on_batch`](Self::train_on_batch)): the model then stays as the step before left it.
    ///
    /// # Panics
    /// If shapes do not fit.
    pub fn fit(
        &mut self,
        x: &M::Input,
        y: &Y,
        options: Fit,
        rng: &mut Rng,
        on_epoch: &mut dyn FnMut(&EpochEnd) -> Control,
    ) -> Result<History, TrainError> {
        let Fit { batch_size, epochs, shuffle, .. } = options;
        at_least_one("epochs", epochs)?;
        let samples = check(x, y, batch_size)?;
        let mut order: Vec<usize> = (0..options.trained_on(samples)?).collect();
        let held_out: Vec<usize> = (order.len()..samples).collect();
        let mut history = History::default();
        for epoch in 1..=epochs {
            let start = Instant::now();
            if shuffle {
                rng.shuffle(&mut order);
            }
            let mut trained = Scores::of_nothing(self.metrics.len());
            for rows in order.chunks(batch_size) {
                trained.add(self.train_on_batch(&x.rows(rows), &y.rows(rows), rng)?);
            }
            let mut values = self.named("", &trained);
            if !held_out.is_empty() {
                values.extend(self.named("val_", &self.test(x, y, &held_out, batch_size)?));
            }
            history.push(&values);
            let end = EpochEnd { epoch, epochs, seconds: start.elapsed().as_secs_f64(), values };
            if on_epoch(&end) == Control::Stop {
                break;
            }
        }
        Ok(history)
    }

    /// The loss and the metrics on samples `x` with targets `y`, by name. Nothing is learnt.
    ///
    /// # Errors
    /// If inputs and targets are not equally many, or the loss is not finite.
    ///
    /// # Panics
    /// If shapes do not fit.
    pub fn evaluate(&self, x: &M::Input, y: &Y, batch_size: usize) -> Result<Vec<(String, f64)>, TrainError> {
        let all: Vec<usize> = (0..check(x, y, batch_size)?).collect();
        Ok(self.named("", &self.test(x, y, &all, batch_size)?))
    }

    fn test(&self, x: &M::Input, y: &Y, rows: &[usize], batch_size: usize) -> Result<Scores, TrainError> {
        let model = self.model.detached(); // records nothing
        let mut scores = Scores::of_nothing(self.metrics.len());
        for rows in rows.chunks(batch_size) {
            let y = y.rows(rows);
            let outputs = model.forward(&x.rows(rows), &mut Mode::Eval); // (B, …, V)
            let loss = self.loss.loss(&y, &outputs);
            let value = loss.total.item().to_f64();
            if !value.is_finite() {
                return Err(TrainError::NonFiniteLoss { which: "validation", value });
            }
            scores.add(self.scores(value, loss.tokens, &y, &outputs)?);
        }
        Ok(scores)
    }

    /// The loss, then the metrics, by name.
    fn named(&self, prefix: &str, scores: &Scores) -> Vec<(String, f64)> {
        let metrics = self.metrics.iter().zip(&scores.metrics).map(|(metric, mean)| (metric.name(), mean));
        let all = std::iter::once(("loss", &scores.loss)).chain(metrics);
        all.map(|(name, mean)| (format!("{prefix}{name}"), mean.value())).collect()
    }
}

/// The number of samples, if inputs and targets agree on it and there are any.
fn check(x: &impl Samples, y: &impl Samples, batch_size: usize) -> Result<usize, TrainError> {
    at_least_one("batch size", batch_size)?;
    let (inputs, targets) = (x.count(), y.count());
    at_least_one("samples", inputs)?;
    if inputs != targets {
        let problem = format!("{inputs} inputs, but {targets} targets");
        return Err(TrainError::Setting { name: "samples", problem });
    }
    Ok(inputs)
}

fn at_least_one(name: &'static str, count: usize) -> Result<(), TrainError> {
    if count > 0 { Ok(()) } else { Err(TrainError::Setting { name, problem: "must be 1 or more".to_owned() }) }
}
