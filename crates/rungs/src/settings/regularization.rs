//! What keeps a model from learning its text by heart, beside dropout and the decay of its weights.

use crate::Error;
use serde::{Deserialize, Serialize};

/// Settings that are absent are off, in this struct and in a run's `config.json`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Regularization {
    /// ε, the share of the target's probability that is spread over the whole vocabulary (Szegedy et al. 2016). In
    /// training only: the validation loss is the plain cross-entropy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_smoothing: Option<f64>,
    /// The decay of the moving average of the weights, between 0 and 1: the averaged weights are what is evaluated and
    /// kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema: Option<f64>,
    /// After how many evaluations in a row that are no better than the best the run stops early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
}

impl Regularization {
    /// Whether nothing is on.
    pub(super) fn is_off(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        if let Some(smoothing) = self.label_smoothing.filter(|smoothing| !(*smoothing > 0.0 && *smoothing < 1.0)) {
            return Err(Error::setting("label-smoothing", format!("must lie between 0 and 1, not {smoothing}")));
        }
        if let Some(decay) = self.ema.filter(|decay| !(*decay > 0.0 && *decay < 1.0)) {
            return Err(Error::setting("ema", format!("must lie between 0 and 1, not {decay}")));
        }
        match self.patience {
            Some(0) => Err(Error::setting("patience", "must be 1 or more, not 0")),
            _ => Ok(()),
        }
    }
}
