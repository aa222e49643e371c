//! The choice of an optimizer, as a setting.

use super::rule::{Rule, StepSize};
use super::{Adam, AdamW, RmsProp, Sgd};
use crate::TrainError;
use crate::error::{positive, setting, share};
use rungs_layers::tensor::Element;
use serde::{Deserialize, Serialize};

/// One of the optimizers, with its settings.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Method {
    /// Gradient descent with momentum.
    Sgd(Sgd),
    /// RMSprop.
    RmsProp(RmsProp),
    /// Adam.
    Adam(Adam),
    /// AdamW.
    AdamW(AdamW),
}

impl Method {
    fn rule<E: Element>(&self) -> &dyn Rule<E> {
        match self {
            Self::Sgd(rule) => rule,
            Self::RmsProp(rule) => rule,
            Self::Adam(rule) => rule,
            Self::AdamW(rule) => rule,
        }
    }

    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn validate(&self) -> Result<(), TrainError> {
        match *self {
            Self::Sgd(Sgd { momentum, nesterov }) => {
                share("momentum", momentum)?;
                setting("momentum", !nesterov || momentum > 0.0, || "Nesterov's needs more than 0".into())
            }
            Self::RmsProp(RmsProp { alpha, epsilon, momentum, epsilon_under_root: _ }) => {
                share("alpha", alpha)?;
                share("momentum", momentum)?;
                positive("epsilon", epsilon)
            }
            Self::Adam(Adam { beta1, beta2, epsilon }) | Self::AdamW(AdamW { beta1, beta2, epsilon, .. }) => {
                share("beta1", beta1)?;
                share("beta2", beta2)?;
                positive("epsilon", epsilon)?;
                let decay = if let Self::AdamW(adamw) = self { adamw.weight_decay } else { 0.0 };
                let fits = decay >= 0.0 && decay.is_finite();
                setting("weight decay", fits, || format!("must be 0 or more, not {decay}"))
            }
        }
    }
}

impl<E: Element> Rule<E> for Method {
    fn moments(&self) -> &'static [&'static str] {
        self.rule::<E>().moments()
    }

    fn update(&self, step: &StepSize, parameter: &mut [E], gradient: &[E], moments: &mut [&mut [E]]) {
        self.rule().update(step, parameter, gradient, moments);
    }
}
