//! The sizes of a model of any rung, and the model itself.

use super::CellKind;
use crate::Error;
use crate::layers::{GruCell, LstmCell, RnnCell};
use crate::models::{
    AttentionConfig, AttentionSeq2Seq, Gpt, GptConfig, GruLanguageModel, LanguageModel, LstmLanguageModel,
    RecurrentConfig, RnnLanguageModel, Seq2Seq, Seq2SeqConfig, Transformer, TransformerConfig,
};
use crate::tensor::Rng;

/// The sizes of a model of any rung.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelConfig {
    /// A recurrent network's.
    Rnn(RecurrentConfig),
    /// An LSTM's.
    Lstm(RecurrentConfig),
    /// A GRU's.
    Gru(RecurrentConfig),
    /// A GPT's.
    Gpt(GptConfig),
}

impl ModelConfig {
    /// How many parameters a model of these sizes has.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn parameter_count(&self) -> Result<u64, Error> {
        Ok(match self {
            Self::Rnn(config) => config.parameter_count::<f32, RnnCell>()?,
            Self::Lstm(config) => config.parameter_count::<f32, LstmCell>()?,
            Self::Gru(config) => config.parameter_count::<f32, GruCell>()?,
            Self::Gpt(config) => config.parameter_count()?,
        })
    }

    /// A model of these sizes with its first parameters.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn build(&self, rng: &mut Rng) -> Result<Box<dyn LanguageModel<f32>>, Error> {
        Ok(match self {
            Self::Rnn(config) => Box::new(RnnLanguageModel::new(config, rng)?),
            Self::Lstm(config) => Box::new(LstmLanguageModel::new(config, rng)?),
            Self::Gru(config) => Box::new(GruLanguageModel::new(config, rng)?),
            Self::Gpt(config) => Box::new(Gpt::new(config, rng)?),
        })
    }
}

/// The sizes of a model of any rung that learns pairs, and its cell if it has one.
#[derive(Clone, Debug, PartialEq)]
pub enum PairModelConfig {
    /// Without attention.
    Seq2Seq(CellKind, Seq2SeqConfig),
    /// With it.
    Attention(CellKind, AttentionConfig),
    /// With nothing else.
    Transformer(TransformerConfig),
}

impl PairModelConfig {
    /// How many parameters a model of these sizes has.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn parameter_count(&self) -> Result<u64, Error> {
        Ok(match self {
            Self::Seq2Seq(CellKind::Lstm, config) => config.parameter_count::<f32, LstmCell>()?,
            Self::Seq2Seq(CellKind::Gru, config) => config.parameter_count::<f32, GruCell>()?,
            Self::Attention(CellKind::Lstm, config) => config.parameter_count::<f32, LstmCell>()?,
            Self::Attention(CellKind::Gru, config) => config.parameter_count::<f32, GruCell>()?,
            Self::Transformer(config) => config.parameter_count()?,
        })
    }

    /// A model of these sizes with its first parameters.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn build(&self, rng: &mut Rng) -> Result<Box<dyn LanguageModel<f32>>, Error> {
        Ok(match self {
            Self::Seq2Seq(CellKind::Lstm, config) => Box::new(Seq2Seq::<f32, LstmCell>::new(config, rng)?),
            Self::Seq2Seq(CellKind::Gru, config) => Box::new(Seq2Seq::<f32, GruCell>::new(config, rng)?),
            Self::Attention(CellKind::Lstm, config) => Box::new(AttentionSeq2Seq::<f32, LstmCell>::new(config, rng)?),
            Self::Attention(CellKind::Gru, config) => Box::new(AttentionSeq2Seq::<f32, GruCell>::new(config, rng)?),
            Self::Transformer(config) => Box::new(Transformer::new(config, rng)?),
        })
    }
}
