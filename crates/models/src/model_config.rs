//! The configuration of any rung as one value: what a file of settings holds and a model is built from.

use crate::{
    AttentionConfig, AttentionSeq2Seq, CellKind, ConfigError, Gpt, GptConfig, GruLanguageModel, LanguageModel,
    LstmLanguageModel, RecurrentConfig, RnnLanguageModel, Rung, Seq2Seq, Seq2SeqConfig, Transformer, TransformerConfig,
    Tying,
};
use rungs_layers::tensor::Rng;
use rungs_layers::{LstmEquations, Nonlinearity, Reset};
use serde::{Deserialize, Serialize};

/// The configuration of a model, whatever its rung.
///
/// In a file of settings the field `rung` says which it is, and a field that is left out has the default of its rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rung", rename_all = "lowercase")]
pub enum ModelConfig {
    /// An RNN language model.
    Rnn(RecurrentConfig),
    /// An LSTM language model.
    Lstm(RecurrentConfig),
    /// A GRU language model.
    Gru(RecurrentConfig),
    /// A GPT.
    Gpt(GptConfig),
    /// A Seq2Seq.
    Seq2seq(Seq2SeqConfig),
    /// A Seq2Seq with attention.
    Attention(AttentionConfig),
    /// A Transformer.
    Transformer(TransformerConfig),
}

/// Runs an expression for the configuration of whichever rung.
macro_rules! of_any_rung {
    ($config:expr, $of:ident => $result:expr) => {
        match $config {
            ModelConfig::Rnn($of) | ModelConfig::Lstm($of) | ModelConfig::Gru($of) => $result,
            ModelConfig::Gpt($of) => $result,
            ModelConfig::Seq2seq($of) => $result,
            ModelConfig::Attention($of) => $result,
            ModelConfig::Transformer($of) => $result,
        }
    };
}

impl ModelConfig {
    /// The default configuration of a rung.
    pub fn of(rung: Rung) -> Self {
        match rung {
            Rung::Rnn => Self::Rnn(RecurrentConfig::default()),
            Rung::Lstm => Self::Lstm(RecurrentConfig::default()),
            Rung::Gru => Self::Gru(RecurrentConfig::default()),
            Rung::Gpt => Self::Gpt(GptConfig::default()),
            Rung::Seq2seq => Self::Seq2seq(Seq2SeqConfig::default()),
            Rung::Attention => Self::Attention(AttentionConfig::default()),
            Rung::Transformer => Self::Transformer(TransformerConfig::default()),
        }
    }

    /// The rung of the model.
    pub fn rung(&self) -> Rung {
        match self {
            Self::Rnn(_) => Rung::Rnn,
            Self::Lstm(_) => Rung::Lstm,
            Self::Gru(_) => Rung::Gru,
            Self::Gpt(_) => Rung::Gpt,
            Self::Seq2seq(_) => Rung::Seq2seq,
            Self::Attention(_) => Rung::Attention,
            Self::Transformer(_) => Rung::Transformer,
        }
    }

    /// The number of layers or blocks.
    pub fn layers(&self) -> usize {
        of_any_rung!(self, config => config.layers)
    }

    /// The most tokens that the model can read, where that is part of its configuration.
    pub fn context(&self) -> Option<usize> {
        match self {
            Self::Gpt(config) => Some(config.context),
            Self::Transformer(config) => Some(config.context),
            _ => None,
        }
    }

    /// The width that the Noam schedule divides by: of the hidden state, or of the model.
    pub fn width(&self) -> usize {
        match self {
            Self::Rnn(config) | Self::Lstm(config) | Self::Gru(config) => config.hidden,
            Self::Gpt(config) => config.width,
            Self::Seq2seq(config) => config.hidden,
            Self::Attention(config) => config.hidden,
            Self::Transformer(config) => config.width,
        }
    }

    /// A configuration by name: `tiny` and `small` for every rung, `nanogpt`, `gpt2` and `llama` for the GPT.
    pub fn preset(rung: Rung, name: &str) -> Option<Self> {
        let mut config = Self::of(rung);
        match (name, &mut config) {
            ("nanogpt", Self::Gpt(gpt)) => *gpt = GptConfig::nanogpt(),
            ("gpt2", Self::Gpt(gpt)) => *gpt = GptConfig::gpt2(),
            ("llama", Self::Gpt(gpt)) => *gpt = GptConfig::llama(),
            ("tiny", Self::Rnn(of) | Self::Lstm(of) | Self::Gru(of)) => {
                (of.layers, of.hidden, of.embedding) = (1, 64, 64);
            }
            ("tiny", Self::Gpt(of)) => (of.layers, of.width, of.heads, of.context) = (2, 64, 2, 32),
            ("tiny", Self::Seq2seq(of)) => (of.hidden, of.embedding) = (64, 32),
            ("tiny", Self::Attention(of)) => (of.hidden, of.embedding) = (64, 32),
            ("tiny", Self::Transformer(of)) => (of.layers, of.width, of.heads) = (1, 64, 2),
            ("small", Self::Rnn(of) | Self::Lstm(of) | Self::Gru(of)) => (of.hidden, of.dropout) = (512, 0.2),
            ("small", Self::Gpt(of)) => {
                (of.layers, of.width, of.heads, of.context, of.dropout) = (6, 384, 6, 256, 0.2);
            }
            ("small", Self::Seq2seq(of)) => (of.hidden, of.embedding, of.dropout) = (512, 256, 0.2),
            ("small", Self::Attention(of)) => (of.hidden, of.embedding, of.dropout) = (512, 256, 0.2),
            ("small", Self::Transformer(of)) => (of.layers, of.width, of.heads, of.dropout) = (3, 256, 8, 0.1),
            _ => return None,
        }
        Some(config)
    }

    /// The configuration of a model that keeps its activations, if this one computes them again in the backward pass.
    pub fn without_gradient_checkpointing(&self) -> Option<Self> {
        let mut config = self.clone();
        let flag = match &mut config {
            Self::Gpt(config) => &mut config.gradient_checkpointing,
            Self::Transformer(config) => &mut config.gradient_checkpointing,
            _ => return None,
        };
        std::mem::take(flag).then_some(config)
    }

    /// Whether sources and targets share one embedding, and so one vocabulary.
    pub fn ties_all(&self) -> bool {
        matches!(self, Self::Transformer(TransformerConfig { tied: Tying::All, .. }))
    }

    /// The probability that a decoder reads its own prediction in training.
    pub fn scheduled_sampling(&self) -> f64 {
        match self {
            Self::Seq2seq(config) => config.scheduled_sampling,
            Self::Attention(config) => config.scheduled_sampling,
            Self::Transformer(config) => config.scheduled_sampling,
            _ => 0.0,
        }
    }

    /// The configuration for a vocabulary, and for one of sources where the model reads them.
    #[must_use]
    pub fn with_vocabulary(&self, vocabulary: usize, source_vocabulary: Option<usize>) -> Self {
        let mut config = self.clone();
        of_any_rung!(&mut config, config => config.vocabulary = vocabulary);
        let source = source_vocabulary.unwrap_or(vocabulary);
        match &mut config {
            Self::Seq2seq(config) => config.source_vocabulary = source,
            Self::Attention(config) => config.source_vocabulary = source,
            Self::Transformer(config) => config.source_vocabulary = source,
            _ => {}
        }
        config
    }

    /// The number of parameters.
    ///
    /// # Errors
    /// If the sizes are not those of a model that can be.
    pub fn parameter_count(&self) -> Result<u64, ConfigError> {
        match self {
            Self::Rnn(config) => config.parameter_count::<Nonlinearity>(),
            Self::Lstm(config) => config.parameter_count::<LstmEquations>(),
            Self::Gru(config) => config.parameter_count::<Reset>(),
            Self::Gpt(config) => config.parameter_count(),
            Self::Seq2seq(config) => match config.cell {
                CellKind::Lstm => config.parameter_count::<LstmEquations>(),
                CellKind::Gru => config.parameter_count::<Reset>(),
            },
            Self::Attention(config) => match config.cell {
                CellKind::Lstm => config.parameter_count::<LstmEquations>(),
                CellKind::Gru => config.parameter_count::<Reset>(),
            },
            Self::Transformer(config) => config.parameter_count(),
        }
    }

    /// The model with its first parameters.
    ///
    /// # Errors
    /// If there can be no such model.
    pub fn build(&self, rng: &mut Rng) -> Result<Box<dyn LanguageModel<f32>>, ConfigError> {
        Ok(match self {
            Self::Rnn(config) => Box::new(RnnLanguageModel::new(config, rng)?),
            Self::Lstm(config) => Box::new(LstmLanguageModel::new(config, rng)?),
            Self::Gru(config) => Box::new(GruLanguageModel::new(config, rng)?),
            Self::Gpt(config) => Box::new(Gpt::new(config, rng)?),
            Self::Seq2seq(config) => match config.cell {
                CellKind::Lstm => Box::new(Seq2Seq::<f32, LstmEquations>::new(config, rng)?),
                CellKind::Gru => Box::new(Seq2Seq::<f32, Reset>::new(config, rng)?),
            },
            Self::Attention(config) => match config.cell {
                CellKind::Lstm => Box::new(AttentionSeq2Seq::<f32, LstmEquations>::new(config, rng)?),
                CellKind::Gru => Box::new(AttentionSeq2Seq::<f32, Reset>::new(config, rng)?),
            },
            Self::Transformer(config) => Box::new(Transformer::new(config, rng)?),
        })
    }
}
