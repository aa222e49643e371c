//! A run in numbers, as training reports it.

use std::path::{Path, PathBuf};

use rungs::Rung;
use rungs::trainer::{Finish, Summary};
use serde::Serialize;

use super::memory;
use crate::arguments::Common;
use crate::terminal::failure::Outcome;
use crate::terminal::output::{self, clock, thousands};

/// A run in numbers.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) run: PathBuf,
    pub(super) rung: Rung,
    pub(super) parameters: usize,
    /// How many of them are trained, where that is not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trained_parameters: Option<u64>,
    pub(super) steps: usize,
    pub(super) train_loss: Option<f64>,
    pub(super) validation_loss: Option<f64>,
    pub(super) best_validation_loss: Option<f64>,
    pub(super) tokens_per_second: f64,
    pub(super) seconds: f64,
    /// Whether it was given up before the end because evaluations did not become better.
    pub(super) stopped_early: bool,
    pub(super) peak_rss_bytes: Option<u64>,
    /// Pairs or dialogues that cannot be learnt, of a run that learns them, where they were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) left_out: Option<usize>,
    /// Dialogues that are learnt without their first turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shortened: Option<usize>,
}

impl Report {
    pub(super) fn new(path: &Path, rung: Rung, parameters: usize, summary: &Summary) -> Self {
        Self {
            run: path.to_owned(),
            rung,
            parameters,
            trained_parameters: None,
            steps: summary.steps,
            train_loss: summary.train_loss,
            validation_loss: summary.validation_loss,
            best_validation_loss: summary.best_validation_loss,
            tokens_per_second: summary.tokens_per_second,
            seconds: summary.seconds,
            stopped_early: summary.finish == Finish::StoppedEarly,
            peak_rss_bytes: memory::peak_rss_bytes(),
            left_out: None,
            shortened: None,
        }
    }

    pub(super) fn print(&self, common: &Common) -> Outcome {
        if common.json {
            return output::json(self);
        }
        let loss = |loss: Option<f64>| loss.map_or("none".to_owned(), |loss| format!("{loss:.4} nats per token"));
        let parameters = thousands(self.parameters);
        let trained = self.trained_parameters.map(|trained| thousands(trained as usize));
        let lines = [
            ("run", self.run.display().to_string()),
            ("rung", self.rung.to_string()),
            (
                "parameters",
                trained.map_or(parameters.clone(), |trained| format!("{parameters}, {trained} of them trained")),
            ),
            ("steps", thousands(self.steps)),
            ("training loss", loss(self.train_loss)),
            ("validation loss", loss(self.validation_loss)),
            ("best validation", loss(self.best_validation_loss)),
            ("speed", format!("{} tokens/s", thousands(self.tokens_per_second as usize))),
            ("time", clock(self.seconds)),
        ];
        output::print(&output::listing(&lines))
    }
}
