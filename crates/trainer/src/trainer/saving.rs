//! A trainer and its folder: saving a moment of a run, and going on from one.

use super::Trainer;
use super::average::Average;
use crate::checkpoint::{ADAPTER_FILE, METRICS_FILE, MODEL_FILE, TRAINING_FILE};
use crate::{Event, Folder, Metrics, Optimizer, Task, TrainError, TrainingState};
use rungs_layers::Module;
use rungs_layers::tensor::safetensors::{self, Named};
use rungs_layers::tensor::{Element, Rng};
use std::time::Instant;

impl<E: Element, T: Task<E>> Trainer<E, T> {
    /// Goes on from the run in a folder, or changes nothing.
    ///
    /// # Errors
    /// If a file is damaged or missing, or does not fit the model, the optimizer or the task.
    pub fn resume(&mut self, folder: &Folder) -> Result<(), TrainError> {
        let state = folder.parse(TRAINING_FILE, TrainingState::from_bytes)?;
        let weights_file = if folder.checksum(ADAPTER_FILE).is_some() { ADAPTER_FILE } else { MODEL_FILE };
        let mut best: Named<E> = folder.parse(weights_file, safetensors::read)?;
        let mut frozen = self.model.frozen_weights();
        if weights_file == MODEL_FILE {
            let there: Named<E> = frozen.keys().filter_map(|name| best.remove_entry(name)).collect();
            if !same_shapes(&frozen, &there) {
                return Err(folder.error(weights_file, "holds another model"));
            }
            frozen = there;
        }
        let metrics = folder.parse(METRICS_FILE, |csv| Metrics::from_csv(&String::from_utf8_lossy(csv)))?;
        if !same_shapes(&best, &state.weights) {
            return Err(folder.error(weights_file, format!("holds another model than {TRAINING_FILE}")));
        }
        let best = state.progress.best.map(|_| best);
        self.restore(state)?;
        frozen.append(&mut self.model.weights());
        self.model.whole_mut().load(&frozen)?;
        (self.best, self.metrics) = (best, metrics);
        Ok(())
    }

    /// Begins with these weights instead of the model's first.
    ///
    /// # Errors
    /// If they do not fit the model, or a step was taken already.
    pub fn begin_with(&mut self, weights: &Named<E>) -> Result<(), TrainError> {
        if self.progress.step > 0 {
            return Err(TrainError::Position("a run that has begun cannot begin with other weights".to_owned()));
        }
        self.model.whole_mut().load(weights)?;
        self.average = self.config.ema.map(|decay| Average::new(decay, &self.model));
        Ok(())
    }

    /// Goes on from a saved state, or changes nothing.
    pub(super) fn restore(&mut self, state: TrainingState<E>) -> Result<(), TrainError> {
        let TrainingState { weights, average, moments, count, position, rng, progress } = state;
        let rng =
            Rng::from_state(rng).ok_or_else(|| TrainError::Position("the generator's state is all zero".into()))?;
        let mut optimizer = Optimizer::new(self.config.optimizer);
        optimizer.restore(&self.model, &moments, count)?;
        if self.config.ema.is_none() && !average.is_empty() {
            return Err(TrainError::setting("ema", "the run that was saved keeps an average of its weights"));
        }
        let average = self.config.ema.map(|decay| Average::restored(decay, &self.model, &average)).transpose()?;
        let before = self.model.weights();
        self.model.load(&weights)?;
        if let Err(error) = self.task.resume(position) {
            self.model.load(&before)?;
            return Err(error);
        }
        (self.optimizer, self.average, self.rng, self.progress) = (optimizer, average, rng, progress);
        Ok(())
    }

    /// Everything that decides how the run goes on.
    pub fn state(&self) -> TrainingState<E> {
        TrainingState {
            weights: self.model.weights(),
            average: self.average.as_ref().map(|average| average.weights.clone()).unwrap_or_default(),
            moments: self.optimizer.state(),
            count: self.optimizer.count(),
            position: self.task.position(),
            rng: self.rng.state(),
            progress: self.progress,
        }
    }

    /// Saves this moment of the run, if there is somewhere to save it.
    pub(super) fn save(&mut self, tell: &mut dyn FnMut(Event)) -> Result<(), TrainError> {
        let (start, step) = (Instant::now(), self.progress.step);
        let Some(destination) = &self.destination else { return Ok(()) };
        let best = if destination.adapter.is_some() { self.best_trained_weights() } else { self.best_weights() };
        let state = self.state();
        if let Some((name, _)) = state.weights.iter().find(|(_, array)| !array.is_finite()) {
            let problem = format!("parameter {name} is not finite; nothing was saved");
            return Err(TrainError::NonFinite(problem).at_step(step));
        }
        let destination = self.destination.as_mut().expect("there is one, as seen above");
        destination.save(&best, Box::new(|to| state.write_to(to)), &self.metrics)?;
        tell(Event::Saved { step, seconds: start.elapsed().as_secs_f64() });
        Ok(())
    }

    /// The trained weights that an evaluation sees now: their average, where one is kept.
    pub(super) fn evaluated_weights(&self) -> Named<E> {
        self.average.as_ref().map_or_else(|| self.model.weights(), |average| average.weights.clone())
    }
}

fn same_shapes<E: Element>(a: &Named<E>, b: &Named<E>) -> bool {
    a.keys().eq(b.keys()) && a.values().zip(b.values()).all(|(a, b)| a.shape() == b.shape())
}
