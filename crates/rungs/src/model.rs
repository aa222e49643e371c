//! The model that settings describe, for the token ids that it reads and writes.

use crate::Error;
use crate::data::Tokenizers;
use crate::models::{GptConfig, LanguageModel, ModelConfig, Positions};
use crate::settings::{FineTuning, Settings};
use crate::tensor::Rng;
use crate::text::Tokenizer;

/// A model of any rung, as a run has it.
pub type Model = Box<dyn LanguageModel<f32>>;

impl Settings {
    /// The model of these settings for these tokenizers, with its first parameters.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn build(&self, tokenizers: &Tokenizers, rng: &mut Rng) -> Result<Model, Error> {
        Ok(self.model_for(tokenizers).build(rng)?)
    }

    /// The configuration of a model with these tokenizers.
    pub fn model_for(&self, tokenizers: &Tokenizers) -> ModelConfig {
        let Tokenizers { source, target } = tokenizers;
        self.model.with_vocabulary(target.vocabulary(), source.as_ref().map(Tokenizer::vocabulary))
    }

    /// The number of parameters of a model with these tokenizers that are trained, where that is not all of it;
    /// adapters, which are small, are not counted.
    ///
    /// # Errors
    /// If its sizes cannot be.
    pub fn trained_parameter_count(&self, tokenizers: &Tokenizers) -> Result<Option<u64>, Error> {
        match (&self.fine_tuning, self.model_for(tokenizers)) {
            (Some(FineTuning::Lora(_)), _) => Ok(Some(0)),
            (Some(FineTuning::TrainLastLayers(layers)), ModelConfig::Gpt(config)) => {
                // A model of these layers alone, without what stands before them.
                let config = GptConfig { layers: *layers, ..config };
                let positions = if config.positions == Positions::Learned { config.context } else { 0 };
                let embeddings = (config.vocabulary + positions) as u64 * config.width as u64;
                Ok(Some(config.parameter_count()? - embeddings))
            }
            _ => Ok(None),
        }
    }
}
