//! How to train, and for how long.

use crate::error::{counted, positive, proper_share};
use crate::{AdamW, Method, Schedule, TrainError};
use serde::{Deserialize, Serialize};

/// Steps between rows of metrics.
fn log_every() -> usize {
    10
}

/// The settings of training. Batch size and label smoothing are the task's business, the others the trainer's.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerConfig {
    /// When to stop.
    pub budget: Budget,
    /// How a gradient becomes a step.
    pub optimizer: Method,
    /// The learning rate.
    pub schedule: Schedule,
    /// The largest global norm of a gradient; longer ones are clipped.
    pub clip: Option<f64>,
    /// B, the sequences of a micro-batch.
    pub batch_size: usize,
    /// How many micro-batches make one step.
    pub accumulate: usize,
    /// The validation text is evaluated every so many steps, and at the end.
    pub evaluate_every: usize,
    /// The run is saved every so many steps, and at the end.
    pub save_every: usize,
    /// The metrics get a row every so many steps, and at every evaluation.
    #[serde(default = "log_every")]
    pub log_every: usize,
    /// After how many evaluations in a row that are no better than the best the run stops early; none for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// The decay of the moving average of the weights, between 0 and 1. The averaged weights are what is evaluated and
    /// kept as the best; training goes on from the others. None for no average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema: Option<f64>,
    /// ε of label smoothing, the share of a target's probability that is spread over the vocabulary (Szegedy et al.
    /// 2016), in training alone; none for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_smoothing: Option<f64>,
    /// The seed of all randomness.
    pub seed: u64,
}

impl Default for TrainerConfig {
    /// nanoGPT's settings for a small model on a CPU: 2,000 steps of AdamW, 10⁻³ falling to 10⁻⁴ by cosine after 100
    /// steps of warm-up, clipped at 1.
    fn default() -> Self {
        Self {
            budget: Budget::Steps(2000),
            optimizer: Method::AdamW(AdamW::default()),
            schedule: Schedule::Cosine { rate: 1e-3, minimum: 1e-4, warmup: 100 },
            clip: Some(1.0),
            batch_size: 12,
            accumulate: 1,
            evaluate_every: 250,
            save_every: 250,
            log_every: log_every(),
            patience: None,
            ema: None,
            label_smoothing: None,
            seed: 0,
        }
    }
}

impl TrainerConfig {
    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn validate(&self) -> Result<(), TrainError> {
        match self.budget {
            Budget::Steps(steps) => counted("steps", steps)?,
            Budget::Epochs(epochs) => counted("epochs", epochs)?,
            Budget::Seconds(seconds) => positive("seconds", seconds)?,
        }
        self.optimizer.validate()?;
        self.schedule.validate()?;
        self.clip.map_or(Ok(()), |norm| positive("clip", norm))?;
        counted("batch-size", self.batch_size)?;
        counted("accumulate", self.accumulate)?;
        counted("evaluate-every", self.evaluate_every)?;
        counted("save-every", self.save_every)?;
        counted("log-every", self.log_every)?;
        self.ema.map_or(Ok(()), |decay| proper_share("ema", decay))?;
        self.label_smoothing.map_or(Ok(()), |epsilon| proper_share("label-smoothing", epsilon))?;
        counted("patience", self.patience.unwrap_or(1))
    }
}

/// When a run is over.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Budget {
    /// After so many steps: the same run every time.
    Steps(usize),
    /// After so many passes over the training text: a number of steps that the task's data decides.
    Epochs(usize),
    /// After the first step that ends so many seconds of running in, evaluations and saves included: what a machine can
    /// do in that time. The schedule goes by the steps that the time would allow at the pace so far.
    Seconds(f64),
}

impl Budget {
    /// Converts a budget of epochs to one of steps; any other stays as it is.
    ///
    /// # Errors
    /// If it is measured in epochs and the task does not say how long one is.
    pub fn in_steps(self, batches_per_epoch: Option<usize>, accumulate: usize) -> Result<Self, TrainError> {
        let Self::Epochs(epochs) = self else { return Ok(self) };
        let unknown = || TrainError::setting("epochs", "this task does not say how long an epoch is");
        let batches = batches_per_epoch.ok_or_else(unknown)?;
        Ok(Self::Steps(epochs.saturating_mul(batches).div_ceil(accumulate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_back_as_they_were_written() {
        let config = TrainerConfig { budget: Budget::Seconds(0.1 + 0.2), ..TrainerConfig::default() };
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<TrainerConfig>(&json).unwrap(), config);
        assert!(serde_json::from_str::<TrainerConfig>(&json.replace("clip", "clop")).is_err());
        config.validate().unwrap();
    }

    #[test]
    fn epochs_become_steps() {
        let steps = |budget: Budget, batches, accumulate| budget.in_steps(batches, accumulate).unwrap();
        assert_eq!(steps(Budget::Epochs(5), Some(10), 1), Budget::Steps(50));
        let reaching = steps(Budget::Epochs(5), Some(10), 4);
        assert_eq!(reaching, Budget::Steps(13), "the last step may reach into the next epoch");
        assert_eq!(steps(Budget::Steps(7), None, 4), Budget::Steps(7));
        assert_eq!(steps(Budget::Seconds(7.0), Some(10), 4), Budget::Seconds(7.0));
        let error = Budget::Epochs(1).in_steps(None, 1).unwrap_err();
        assert_eq!(error.to_string(), "epochs: this task does not say how long an epoch is");
    }

    #[test]
    fn impossible_settings_are_named() {
        let config = TrainerConfig::default();
        for (config, error) in [
            (TrainerConfig { budget: Budget::Steps(0), ..config }, "steps: must be 1 or more, not 0"),
            (TrainerConfig { budget: Budget::Seconds(-1.0), ..config }, "seconds: must be a positive number, not -1"),
            (TrainerConfig { clip: Some(0.0), ..config }, "clip: must be a positive number, not 0"),
            (TrainerConfig { ema: Some(1.0), ..config }, "ema: must lie between 0 and 1, not 1"),
            (TrainerConfig { patience: Some(0), ..config }, "patience: must be 1 or more, not 0"),
            (TrainerConfig { save_every: 0, ..config }, "save-every: must be 1 or more, not 0"),
            (
                TrainerConfig { optimizer: Method::AdamW(AdamW { beta2: 1.0, ..AdamW::default() }), ..config },
                "beta2: must be at least 0 and less than 1, not 1",
            ),
        ] {
            assert_eq!(config.validate().unwrap_err().to_string(), error);
        }
    }
}
