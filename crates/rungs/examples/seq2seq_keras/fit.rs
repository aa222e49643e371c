//! `model.fit`: the library's trainer with Keras's habits.
//!
//! ```text
//! loss of a batch      L = the mean of ℓ(b, t) over its positions (b, t), less those masked
//! loss of an epoch     Σ B L / Σ B            over its batches of B samples, each L before its own step
//! accuracy             Σ right / Σ counted    over its positions, less those masked
//! val_…                the same over the samples held out, after the epoch's last step
//! ```
//!
//! The samples held out are the last ones, as they were given. The others are shuffled anew in every epoch.

use crate::seq2seq::{Seq2Seq, choices};
use rungs::prelude::*;
use rungs::text::tokenizer::sentence::PADDING;
use rungs::trainer::TrainError;
use std::cell::Cell;

/// What [`fit`] measures in an epoch.
pub(crate) const HISTORY: [&str; 4] = ["loss", "accuracy", "val_loss", "val_accuracy"];

/// Padded sequences: what the encoder reads (N, S), what the decoder reads (N, T), and what it is to write (N, T).
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) source: Ids,
    pub(crate) inputs: Ids,
    pub(crate) targets: Ids,
}

/// The task: to learn all samples but the last, in batches.
#[derive(Debug)]
pub(crate) struct Fit {
    samples: Samples,
    batch_size: usize,
    /// How many samples are trained on.
    trained: usize,
    shuffle: bool,
    /// How many batches there have been.
    batch: usize,
    /// Of the epoch so far.
    accuracy: Accuracy,
    /// Of the last validation, of which the trainer is told the loss alone.
    validation_accuracy: Cell<Accuracy>,
}

/// How many positions were right, of how many that counted.
#[derive(Copy, Clone, Debug, Default)]
struct Accuracy {
    right: usize,
    counted: usize,
}

impl Accuracy {
    fn add(&mut self, other: Self) {
        self.right += other.right;
        self.counted += other.counted;
    }

    fn value(self) -> f64 {
        self.right as f64 / self.counted as f64
    }
}

impl Fit {
    /// Holds out the last share of the samples.
    pub(crate) fn new(
        samples: Samples,
        batch_size: usize,
        validation_split: f64,
        shuffle: bool,
    ) -> Result<Self, TrainError> {
        let count = samples.source.shape().dim(0);
        let trained = (count as f64 * (1.0 - validation_split)) as usize;
        if trained == 0 || trained == count {
            let problem = format!("{validation_split} of {count} samples leaves one part without any");
            return Err(TrainError::Setting { name: "validation split", problem });
        }
        let (accuracy, validation_accuracy) = (Accuracy::default(), Cell::default());
        Ok(Self { samples, batch_size, trained, shuffle, batch: 0, accuracy, validation_accuracy })
    }

    fn batches(&self) -> usize {
        self.trained.div_ceil(self.batch_size)
    }

    /// The samples of the next batch.
    fn rows(&self) -> Vec<usize> {
        let (epoch, batch) = (self.batch / self.batches(), self.batch % self.batches());
        let mut order: Vec<usize> = (0..self.trained).collect();
        if self.shuffle {
            Rng::new(0).fork(&format!("epoch {epoch}")).shuffle(&mut order);
        }
        order.chunks(self.batch_size).nth(batch).expect("a batch of the epoch").to_vec()
    }

    /// Loss and accuracy of some samples. A batch weighs by its samples, not by the positions that count.
    fn measure<E: Element>(&self, model: &Seq2Seq<E>, rows: &[usize], mode: &mut Mode<'_>) -> (Loss<E>, Accuracy) {
        let Samples { source, inputs, targets } = &self.samples;
        let [source, inputs, targets] = [source, inputs, targets].map(|ids| select(ids, rows));
        let logits = model.logits(&source, &inputs, mode); // (B, T, V)
        let loss = Loss { total: model.loss(&logits, &targets) * rows.len() as f64, tokens: rows.len() };
        let mut accuracy = Accuracy::default();
        for (&target, choice) in targets.as_slice().iter().zip(choices(&logits)) {
            let counts = !(model.masked && target == PADDING);
            accuracy.add(Accuracy { right: usize::from(counts && choice == target), counted: usize::from(counts) });
        }
        (loss, accuracy)
    }
}

/// Some rows of ids (N, T).
pub(crate) fn select(ids: &Ids, rows: &[usize]) -> Ids {
    let [_, width] = ids.dims();
    let selected: Vec<u32> = rows.iter().flat_map(|row| &ids.as_slice()[row * width..][..width]).copied().collect();
    Ids::new(selected, [rows.len(), width])
}

impl<E: Element> Task<E> for Fit {
    type Model = Seq2Seq<E>;

    fn next_loss(&mut self, model: &Seq2Seq<E>, rng: &mut Rng) -> Result<Loss<E>, TrainError> {
        let (loss, accuracy) = self.measure(model, &self.rows(), &mut Mode::Train(rng));
        if self.batch.is_multiple_of(self.batches()) {
            self.accuracy = Accuracy::default();
        }
        self.accuracy.add(accuracy);
        self.batch += 1;
        Ok(loss)
    }

    fn validate(&self, model: &Seq2Seq<E>) -> Result<Evaluation, TrainError> {
        let (mut evaluation, mut all) = (Evaluation::default(), Accuracy::default());
        let held_out: Vec<usize> = (self.trained..self.samples.source.shape().dim(0)).collect();
        for rows in held_out.chunks(self.batch_size) {
            let (loss, accuracy) = self.measure(model, rows, &mut Mode::Eval);
            evaluation.add(loss.total.item().to_f64(), loss.tokens);
            all.add(accuracy);
        }
        self.validation_accuracy.set(all);
        Ok(evaluation)
    }

    fn position(&self) -> Position<E> {
        Position { cursor: self.batch.into(), ..Position::default() }
    }

    fn resume(&mut self, position: Position<E>) -> Result<(), TrainError> {
        self.batch =
            serde_json::from_value(position.cursor).map_err(|error| TrainError::Position(error.to_string()))?;
        Ok(())
    }

    fn batches_per_epoch(&self) -> Option<usize> {
        Some(self.batches())
    }
}

/// `model.compile`: RMSprop with Keras's defaults, nothing clipped.
pub(crate) fn compile<E: Element>(
    model: Seq2Seq<E>,
    task: Fit,
    learning_rate: f64,
    epochs: usize,
) -> Result<Trainer<E, Fit>, TrainError> {
    let epoch = task.batches();
    let config = TrainerConfig {
        budget: Budget::Epochs(epochs),
        optimizer: Method::RmsProp(RmsProp::keras()),
        schedule: Schedule::Constant { rate: learning_rate },
        clip: None,
        evaluate_every: epoch,
        log_every: epoch,
        ..TrainerConfig::default()
    };
    Trainer::new(model, task, config)
}

/// `model.fit`: trains for all epochs, tells of each what was measured ([`HISTORY`]) and the seconds it took, and
/// returns what was measured in all of them.
pub(crate) fn fit<E: Element>(
    trainer: &mut Trainer<E, Fit>,
    on_epoch: &mut dyn FnMut([f64; 4], f64),
) -> Result<Vec<[f64; 4]>, TrainError> {
    let mut history = Vec::new();
    while !trainer.is_finished() {
        let before = trainer.progress().elapsed;
        let summary = trainer.run(&mut |event| match event {
            Event::Evaluated { .. } => Control::Stop, // the epoch is over
            _ => Control::Continue,
        })?;
        let task = trainer.task();
        let losses = [summary.train_loss, summary.validation_loss].map(|loss| loss.expect("an epoch was evaluated"));
        let [accuracy, validation_accuracy] = [task.accuracy, task.validation_accuracy.get()].map(Accuracy::value);
        history.push([losses[0], accuracy, losses[1], validation_accuracy]);
        on_epoch(history[history.len() - 1], summary.seconds - before);
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_has_every_sample_once_in_an_order_of_its_own() {
        let ids = || Ids::new(vec![1; 20], [10, 2]);
        let samples = Samples { source: ids(), inputs: ids(), targets: ids() };
        let mut fit = Fit::new(samples, 3, 0.2, true).unwrap();
        let mut epoch = || {
            let sizes = [3, 3, 2].map(|size| {
                let rows = fit.rows();
                fit.batch += 1;
                assert_eq!(rows.len(), size);
                rows
            });
            sizes.concat()
        };
        let (first, second) = (epoch(), epoch());
        assert_ne!(first, second);
        for mut order in [first, second] {
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3, 4, 5, 6, 7], "the last fifth is held out");
        }
    }
}
