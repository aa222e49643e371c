//! `training.safetensors`: all that a resumed run needs to go on bit for bit.
//!
//! | arrays | what |
//! |---|---|
//! | `weights.NAME` | the parameters as they are now (the best ones are in `model.safetensors`); not the frozen ones |
//! | `average.NAME` | their moving average, if one is kept |
//! | `moments.MOMENT.NAME` | what the optimizer remembers |
//! | `task.NAME` | what the task carries, such as a recurrent state |
//!
//! Everything that is not an array (generator, counters, the task's cursor) is one JSON object in the file's metadata.

use crate::task::Position;
use crate::{Budget, Finish, Metrics, Summary};
use rungs_layers::tensor::safetensors::{self, Header, Named};
use rungs_layers::tensor::{Element, RngState};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// The entry of the metadata that holds what is not an array.
const ENTRY: &str = "state";

/// The arrays of a run by what they are, as the names in the file begin.
const GROUPS: [&str; 4] = ["weights", "average", "moments", "task"];

/// A moment of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingState<E: Element> {
    /// The parameters.
    pub weights: Named<E>,
    /// Their moving average; empty if none is kept.
    pub average: Named<E>,
    /// The optimizer's moments.
    pub moments: Named<E>,
    /// How many steps the optimizer has taken.
    pub count: u64,
    /// Where the task is in its data.
    pub position: Position<E>,
    /// The generator of all randomness in training.
    pub rng: RngState,
    /// The counters.
    pub progress: Progress,
}

/// How far a run has come.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Steps taken.
    pub step: usize,
    /// Tokens trained on.
    pub tokens: usize,
    /// Seconds the run has gone on.
    pub elapsed: f64,
    /// Seconds of them spent in steps.
    pub training: f64,
    /// The best evaluation.
    pub best: Option<Best>,
    /// The validation loss of the last evaluation.
    pub validation_loss: Option<f64>,
    /// How many evaluations there were since the best, none of them better.
    #[serde(default)]
    pub evaluations_since_best: usize,
    /// The steps since the last row of the metrics.
    pub interval: Interval,
}

impl Progress {
    /// How a run with this budget and this patience is over; none if it is not. Epochs are never over: how many steps
    /// they are, only the data can tell.
    pub fn finish(&self, budget: Budget, patience: Option<usize>) -> Option<Finish> {
        let used_up = match budget {
            Budget::Steps(steps) => self.step >= steps,
            Budget::Seconds(seconds) => self.elapsed >= seconds,
            Budget::Epochs(_) => false,
        };
        let tired = patience.is_some_and(|patience| self.evaluations_since_best >= patience);
        used_up.then_some(Finish::Completed).or(tired.then_some(Finish::StoppedEarly))
    }

    /// The run in numbers, with this budget and this patience.
    pub fn summary(&self, budget: Budget, patience: Option<usize>, metrics: &Metrics) -> Summary {
        Summary {
            finish: self.finish(budget, patience).unwrap_or(Finish::Stopped),
            steps: self.step,
            train_loss: metrics.rows().last().map(|row| row.train_loss),
            validation_loss: self.validation_loss,
            best_validation_loss: self.best.map(|best| best.loss),
            tokens: self.tokens,
            tokens_per_second: if self.training > 0.0 { self.tokens as f64 / self.training } else { 0.0 },
            seconds: self.elapsed,
        }
    }
}

/// The best evaluation of a run.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// After how many steps.
    pub step: usize,
    /// Nats per token.
    pub loss: f64,
}

/// Steps that are still to be summed up in a row of the metrics.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// The sum of their losses in nats.
    pub nats: f64,
    /// Their tokens.
    pub tokens: usize,
    /// The seconds they took.
    pub seconds: f64,
}

/// What is not an array, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counters {
    element: String,
    count: u64,
    rng: RngState,
    cursor: serde_json::Value,
    progress: Progress,
}

impl<E: Element> TrainingState<E> {
    /// Writes the contents of the file, piece by piece. Equal states make equal bytes.
    ///
    /// # Errors
    /// If `to` has one.
    pub fn write_to(&self, to: &mut dyn Write) -> io::Result<()> {
        let counters = Counters {
            element: E::NAME.to_owned(),
            count: self.count,
            rng: self.rng,
            cursor: self.position.cursor.clone(),
            progress: self.progress,
        };
        let counters = serde_json::to_string(&counters).expect("numbers, strings and JSON are JSON");
        let mut arrays = Named::new();
        let groups = [&self.weights, &self.average, &self.moments, &self.position.arrays];
        for (group, named) in GROUPS.into_iter().zip(groups) {
            arrays.extend(named.iter().map(|(name, array)| (format!("{group}.{name}"), array.clone())));
        }
        safetensors::write_to(&arrays, Some((ENTRY, &counters)), to)
    }

    /// Reads the contents of the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let arrays: Named<E> = safetensors::read(bytes).map_err(|error| error.to_string())?;
        let header = Header::of(bytes).map_err(|error| error.to_string())?;
        let counters = header.metadata.get(ENTRY).ok_or("holds weights, but not the state of a run")?;
        let counters: Counters =
            serde_json::from_str(counters).map_err(|error| format!("the state of the run: {error}"))?;
        if counters.element != E::NAME {
            return Err(format!("the run was trained in {}, not in {}", counters.element, E::NAME));
        }
        let mut groups = GROUPS.map(|_| Named::new());
        for (name, array) in arrays {
            let place = name
                .split_once('.')
                .and_then(|(group, rest)| Some((GROUPS.iter().position(|of| *of == group)?, rest.to_owned())));
            let (group, rest) = place.ok_or_else(|| format!("tensor {name} belongs to no part of a run"))?;
            groups[group].insert(rest, array);
        }
        let Counters { element: _, count, rng, cursor, progress } = counters;
        let [weights, average, moments, arrays] = groups;
        Ok(Self { weights, average, moments, count, position: Position { cursor, arrays }, rng, progress })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::bytes;
    use rungs_layers::tensor::{Array, Rng};
    use serde_json::json;

    fn state() -> TrainingState<f64> {
        let mut rng = Rng::new(3);
        let mut arrays = |names: &[&str]| -> Named<f64> {
            names.iter().map(|&name| (name.to_owned(), Array::normal([2, 3], 0.0, 1.0, &mut rng))).collect()
        };
        TrainingState {
            weights: arrays(&["a.weight", "b"]),
            average: arrays(&["a.weight", "b"]),
            moments: arrays(&["first.a.weight", "second.a.weight"]),
            count: 17,
            position: Position { cursor: json!({ "window": 3, "x": 0.1 + 0.2 }), arrays: arrays(&["h.0"]) },
            rng: [1, u64::MAX, 3, 4],
            progress: Progress {
                step: 17,
                tokens: 1234,
                elapsed: 1.0 / 3.0,
                training: 0.1 + 0.7,
                best: Some(Best { step: 10, loss: 2.0_f64.sqrt() }),
                validation_loss: None,
                evaluations_since_best: 2,
                interval: Interval { nats: 1e-7, tokens: 3, seconds: 0.3 },
            },
        }
    }

    #[test]
    fn a_state_reads_back_bit_for_bit() {
        let written = bytes(&state());
        assert_eq!(TrainingState::from_bytes(&written).unwrap(), state());
        assert_eq!(bytes(&state()), written);
    }

    #[test]
    fn files_that_are_no_state_are_refused_with_the_reason() {
        let says = |bytes: &[u8]| TrainingState::<f64>::from_bytes(bytes).unwrap_err();
        let plain = safetensors::write(&state().weights, None).unwrap();
        assert_eq!(says(&plain), "holds weights, but not the state of a run");
        assert!(says(&[]).starts_with("not a safetensors file"));
        let other = TrainingState::<f32>::from_bytes(&bytes(&state())).unwrap_err();
        assert_eq!(other, "the run was trained in f64, not in f32");
        let foreign =
            safetensors::write(&[("x".to_owned(), Array::<f64>::zeros(1))].into(), Some((ENTRY, "{}"))).unwrap();
        assert!(says(&foreign).starts_with("the state of the run: missing field"));
    }
}
