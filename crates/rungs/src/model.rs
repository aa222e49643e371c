//! The model that settings describe, for the token ids that it reads and writes.

use crate::Error;
use crate::data::Tokenizers;
use crate::models::{LanguageModel, Positions};
use crate::settings::{ModelConfig, Settings};
use crate::tensor::Rng;
use crate::tensor::safetensors::Named;

/// A model of any rung, as a run has it.
pub type Model = Box<dyn LanguageModel<f32>>;

/// The parameters of a model by name, sharing their storage.
pub(crate) fn weights(model: &Model) -> Named<f32> {
    model.named().into_iter().map(|(name, parameter)| (name, parameter.array().clone())).collect()
}

impl Settings {
    /// The model of these settings for these tokenizers, with its first parameters.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn build(&self, Tokenizers { source, target }: &Tokenizers, rng: &mut Rng) -> Result<Model, Error> {
        match source {
            None => self.model(target.vocabulary())?.build(rng),
            Some(source) => self.pair_model([source.vocabulary(), target.vocabulary()])?.build(rng),
        }
    }

    /// How many parameters a model with these tokenizers has.
    ///
    /// # Errors
    /// If its sizes cannot be.
    pub fn parameter_count(&self, Tokenizers { source, target }: &Tokenizers) -> Result<u64, Error> {
        match source {
            None => self.model(target.vocabulary())?.parameter_count(),
            Some(source) => self.pair_model([source.vocabulary(), target.vocabulary()])?.parameter_count(),
        }
    }

    /// How many parameters of a model with these tokenizers are trained; adapters, which are small, are not counted.
    ///
    /// # Errors
    /// If its sizes cannot be.
    pub fn trained_parameters_at_least(&self, tokenizers: &Tokenizers) -> Result<u64, Error> {
        match (&self.fine_tuning.lora, self.last_layers_parameter_count(tokenizers)?) {
            (Some(_), _) => Ok(0),
            (None, Some(last)) => Ok(last),
            (None, None) => self.parameter_count(tokenizers),
        }
    }

    /// How many parameters the last layers have, where only they are trained.
    pub(crate) fn last_layers_parameter_count(&self, tokenizers: &Tokenizers) -> Result<Option<u64>, Error> {
        let Some(layers) = self.fine_tuning.train_last_layers else { return Ok(None) };
        // A model of these layers alone, without what stands before them.
        let ModelConfig::Gpt(config) = Self { layers, ..self.clone() }.model(tokenizers.text()?.vocabulary())? else {
            return Ok(None);
        };
        let positions = if config.positions == Positions::Learned { config.context } else { 0 };
        let embeddings = (config.vocabulary + positions) as u64 * config.width as u64;
        Ok(Some(config.parameter_count()? - embeddings))
    }
}
