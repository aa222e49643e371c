//! Evaluations: with which weights, which were the best, and whether it is time to stop early.

use super::Trainer;
use super::average::Average;
use crate::checkpoint::Best;
use crate::{Event, Progress, Task, TrainError, Trained};
use rungs_layers::Module;
use rungs_layers::tensor::{Element, Tensor};
use std::time::Instant;

impl<E: Element, T: Task<E>> Trainer<E, T> {
    /// Evaluates the validation text and remembers the weights if they are the best so far.
    pub(super) fn evaluate(&mut self, tell: &mut dyn FnMut(Event)) -> Result<Option<f64>, TrainError> {
        let start = Instant::now();
        let step = self.progress.step;
        let task = &self.task;
        let evaluation = with_constants(&mut self.model, self.average.as_ref(), |model| task.validate(model));
        let evaluation = evaluation.map_err(|error| error.at_step(step))?;
        if evaluation.tokens == 0 {
            return Ok(None);
        }
        let loss = evaluation.loss();
        if !loss.is_finite() {
            return Err(TrainError::NonFinite(format!("the validation loss is {loss}")).at_step(step));
        }
        self.progress.validation_loss = Some(loss);
        let best = self.progress.best.is_none_or(|best| loss < best.loss);
        self.progress.evaluations_since_best = if best { 0 } else { self.progress.evaluations_since_best + 1 };
        if best {
            self.progress.best = Some(Best { step, loss });
            self.best = Some(self.evaluated_weights());
        }
        tell(Event::Evaluated { step, loss, tokens: evaluation.tokens, best, seconds: start.elapsed().as_secs_f64() });
        Ok(Some(loss))
    }

    /// Whether the patience is used up; says so.
    pub(super) fn stops_early(&self, tell: &mut dyn FnMut(Event)) -> bool {
        let Progress { step, best, evaluations_since_best: evaluations, .. } = self.progress;
        let tired = self.config.patience.is_some_and(|patience| evaluations >= patience);
        if let Some(best) = best.filter(|_| tired) {
            tell(Event::StoppedEarly { step, best_step: best.step, evaluations });
        }
        tired
    }
}

/// Shows `f` the model with constants for parameters, so that nothing it computes is recorded: with their averages, if
/// there are any.
pub(super) fn with_constants<E: Element, M: Module<E>, R>(
    model: &mut Trained<M>,
    average: Option<&Average<E>>,
    f: impl FnOnce(&M) -> R,
) -> R {
    let mut own = Vec::new();
    model.for_each_mut(&mut |name, parameter| {
        let constant =
            average.map_or_else(|| parameter.detached(), |average| Tensor::constant(average.weights[name].clone()));
        own.push(std::mem::replace(parameter, constant));
    });
    let result = f(model.whole());
    let mut own = own.into_iter();
    model.for_each_mut(&mut |_, parameter| *parameter = own.next().expect("as many as there were"));
    result
}
