//! A model of any rung, as a run has it: one that goes on with a text, or one that translates.

use crate::Error;
use crate::data::Tokens;
use crate::layers::{Module, Path};
use crate::models::{EncoderDecoder, GptConfig, LanguageModel, ModelConfig, Positions};
use crate::settings::{FineTuning, Settings};
use crate::tensor::safetensors::Named;
use crate::tensor::{Rng, Tensor};
use crate::text::PairVocabulary;
use std::any::Any;

/// A model of any rung.
#[allow(missing_debug_implementations)] // models are trait objects, and thousands of numbers help nobody
pub enum Model {
    /// It goes on with a text.
    Language(Box<dyn LanguageModel<f32>>),
    /// It writes a target, given a source.
    Translation(Box<dyn EncoderDecoder<f32>>),
}

impl Model {
    /// The model of these settings for these tokens, with its first parameters.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn new(settings: &Settings, tokens: &Tokens, rng: &mut Rng) -> Result<Self, Error> {
        let config = settings.model_for(tokens);
        match (config.language_model(rng)?, config.translator(rng)?) {
            (Some(model), _) => Ok(Self::Language(model)),
            (None, model) => Ok(Self::Translation(model.expect("a rung is one or the other"))),
        }
    }

    /// The model that goes on with a text.
    ///
    /// # Errors
    /// If this one translates.
    pub fn language(self) -> Result<Box<dyn LanguageModel<f32>>, Error> {
        match self {
            Self::Language(model) => Ok(model),
            Self::Translation(_) => Err(Error::translates()),
        }
    }

    /// The model that translates.
    ///
    /// # Errors
    /// If this one goes on with a text.
    pub fn translation(self) -> Result<Box<dyn EncoderDecoder<f32>>, Error> {
        match self {
            Self::Translation(model) => Ok(model),
            Self::Language(_) => Err(Error::goes_on()),
        }
    }

    /// The parameters by name, sharing their storage.
    pub(crate) fn values(&self) -> Named<f32> {
        let mut values = Named::new();
        self.for_each(&mut |name, parameter| drop(values.insert(name.to_owned(), parameter.array().clone())));
        values
    }

    /// The same model with constants for parameters.
    pub fn frozen(&self) -> Self {
        match self {
            Self::Language(model) => Self::Language(model.frozen()),
            Self::Translation(model) => Self::Translation(model.frozen()),
        }
    }
}

impl Module<f32> for Model {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, &'a Tensor)) {
        match self {
            Self::Language(model) => model.visit(path, f),
            Self::Translation(model) => model.visit(path, f),
        }
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut Tensor)) {
        match self {
            Self::Language(model) => model.visit_mut(path, f),
            Self::Translation(model) => model.visit_mut(path, f),
        }
    }

    fn visit_modules(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any)) {
        match self {
            Self::Language(model) => model.visit_modules(path, f),
            Self::Translation(model) => model.visit_modules(path, f),
        }
    }
}

impl Settings {
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
