//! The model that settings describe, for the tokens that it reads and writes.

use crate::Error;
use crate::data::Tokens;
use crate::models::{GptConfig, LanguageModel, ModelConfig, Positions};
use crate::settings::{FineTuning, Settings};
use crate::tensor::Rng;
use crate::tensor::safetensors::Named;
use crate::text::PairVocabulary;

/// A model of any rung, as a run has it.
pub type Model = Box<dyn LanguageModel<f32>>;

/// The parameters of a model by name, sharing their storage.
pub(crate) fn weights(model: &Model) -> Named<f32> {
    model.named().into_iter().map(|(name, parameter)| (name, parameter.array().clone())).collect()
}

impl Settings {
    /// The model of these settings for these tokens, with its first parameters.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn build(&self, tokens: &Tokens, rng: &mut Rng) -> Result<Model, Error> {
        Ok(self.model_for(tokens).build(rng)?)
    }

    /// The configuration of a model with these tokens.
    pub fn model_for(&self, tokens: &Tokens) -> ModelConfig {
        match tokens {
            Tokens::Text(tokenizer) => self.model.with_vocabulary(tokenizer.vocabulary(), None),
            Tokens::Pairs(PairVocabulary { source, target }) => {
                self.model.with_vocabulary(target.size(), Some(source.size()))
            }
        }
    }

    /// The number of parameters of a model with these tokens that are trained; adapters, which are small, are not
    /// counted.
    ///
    /// # Errors
    /// If its sizes cannot be.
    pub fn trained_parameters_at_least(&self, tokens: &Tokens) -> Result<u64, Error> {
        match (&self.fine_tuning, self.last_layers_parameter_count(tokens)?) {
            (Some(FineTuning::Lora(_)), _) => Ok(0),
            (_, Some(last)) => Ok(last),
            (_, None) => Ok(self.model_for(tokens).parameter_count()?),
        }
    }

    /// The number of parameters of the last layers, where only they are trained.
    pub(crate) fn last_layers_parameter_count(&self, tokens: &Tokens) -> Result<Option<u64>, Error> {
        let (Some(FineTuning::TrainLastLayers(layers)), ModelConfig::Gpt(config)) =
            (&self.fine_tuning, self.model_for(tokens))
        else {
            return Ok(None);
        };
        // A model of these layers alone, without what stands before them.
        let config = GptConfig { layers: *layers, ..config };
        let positions = if config.positions == Positions::Learned { config.context } else { 0 };
        let embeddings = (config.vocabulary + positions) as u64 * config.width as u64;
        Ok(Some(config.parameter_count()? - embeddings))
    }
}
