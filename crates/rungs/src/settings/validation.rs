//! What can be checked of settings before there is a text.

use super::{Learns, Settings};
use crate::Error;
use crate::trainer::Budget;

/// The most tokens of a micro-batch: a slip of the keyboard should give an error, not exhaust the machine.
const MAX_BATCH_TOKENS: usize = 1 << 22;

impl Settings {
    /// Checks everything that can be checked before there is a text.
    ///
    /// # Errors
    /// The first setting that cannot be, by name.
    pub fn validate(&self) -> Result<(), Error> {
        let counts = [
            ("context", self.context),
            ("batch-size", self.batch_size),
            ("accumulate", self.accumulate),
            ("evaluate-every", self.evaluate_every),
            ("save-every", self.save_every),
        ];
        if let Some((name, _)) = counts.into_iter().find(|&(_, count)| count == 0) {
            return Err(Error::setting(name, "must be 1 or more, not 0"));
        }
        if self.batch_size.saturating_mul(self.context) > MAX_BATCH_TOKENS {
            let (batch, context) = (self.batch_size, self.context);
            let problem = format!("{batch} sequences of context {context} are more than {MAX_BATCH_TOKENS} tokens");
            return Err(Error::setting("batch-size", problem));
        }
        if !(self.validation_split > 0.0 && self.validation_split < 1.0) {
            let problem = format!("must lie between 0 and 1, not {}", self.validation_split);
            return Err(Error::setting("validation-split", problem));
        }
        if let Some(clip) = self.clip.filter(|&clip| !(clip > 0.0 && clip.is_finite())) {
            return Err(Error::setting("clip", format!("must be a positive number, not {clip}")));
        }
        match self.budget {
            Budget::Steps(0) => return Err(Error::setting("steps", "must be 1 or more, not 0")),
            Budget::Epochs(0) => return Err(Error::setting("epochs", "must be 1 or more, not 0")),
            Budget::Seconds(seconds) if !(seconds > 0.0 && seconds.is_finite()) => {
                return Err(Error::setting("seconds", format!("must be a positive number, not {seconds}")));
            }
            _ => {}
        }
        self.optimizer.validate()?;
        self.schedule.validate()?;
        self.regularization.validate()?;
        self.fine_tuning.validate(self.rung, self.layers)?;
        self.tokenizer.validate(self.rung.learns())?;
        match &self.documents {
            Some(_) if self.rung.learns() == Learns::Pairs => {
                return Err(Error::setting(
                    "documents",
                    "pairs are not parted by a text; every pair stands for itself",
                ));
            }
            Some(_) if self.prompts.is_some() => {
                let problem = "every pair and every dialogue stands for itself; its template says what ends it";
                return Err(Error::setting("documents", problem));
            }
            Some(separator) if separator.is_empty() => {
                return Err(Error::setting("documents", "nothing cannot stand between documents"));
            }
            _ => {}
        }
        match &self.prompts {
            Some(_) if self.rung.learns() == Learns::Pairs => {
                let problem =
                    format!("the rung {} has no such setting; it reads sources and writes targets", self.rung);
                return Err(Error::setting("template", problem));
            }
            Some(prompts) => drop(prompts.parsed()?),
            None => {}
        }
        // The smallest vocabulary there is: sizes that are impossible with it are impossible with any.
        match self.rung.learns() {
            Learns::Text => self.model(1)?.parameter_count()?,
            Learns::Pairs => {
                self.pair_settings()?.validate(&self.tokenizer)?;
                self.pair_model([1, 1])?.parameter_count()?
            }
        };
        Ok(())
    }
}
