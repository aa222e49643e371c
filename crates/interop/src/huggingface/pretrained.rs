//! A model of Hugging Face's `transformers`, its weights aside: which architecture, of which sizes, and why one cannot
//! be read or written.

use rungs_layers::LoadError;
use rungs_models::{ConfigError, GptConfig};
use rungs_tensor::safetensors::FormatError;
use serde_json::{Map, Value};
use std::fmt::Display;

/// An architecture of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Radford et al. (2019): `GPT2LMHeadModel`.
    Gpt2,
    /// Touvron et al. (2023): `LlamaForCausalLM`.
    Llama,
}

impl Family {
    /// Those that are known here.
    pub const ALL: [Self; 2] = [Self::Gpt2, Self::Llama];

    /// Its `model_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpt2 => "gpt2",
            Self::Llama => "llama",
        }
    }

    /// The class of its language model.
    pub fn class(self) -> &'static str {
        match self {
            Self::Gpt2 => "GPT2LMHeadModel",
            Self::Llama => "LlamaForCausalLM",
        }
    }

    /// What stands before the names of all tensors but the head's, in files of the whole language model.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Gpt2 => "transformer.",
            Self::Llama => "model.",
        }
    }
}

/// A model of theirs, its weights aside.
#[derive(Debug, Clone, PartialEq)]
pub struct Pretrained {
    /// Which architecture.
    pub family: Family,
    /// Its sizes and parts.
    pub config: GptConfig,
    /// The token that begins a text, where there is one.
    pub begin: Option<u32>,
    /// Tokens that end a text.
    pub end: Vec<u32>,
    /// How it is to generate, as `generation_config.json` says it; see [`GenerationConfig`](super::GenerationConfig).
    pub generation: Map<String, Value>,
    /// Fields of the files that are neither honoured nor known to change nothing.
    pub passed_over: Vec<String>,
}

/// Why a model of theirs cannot be opened, or one of ours not be one of theirs.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HuggingFaceError {
    /// A field of `config.json` or a tensor is not what it must be, or neither architecture can say what this model is:
    /// in words.
    #[error("{0}")]
    Unfit(String),
    /// Invalid sizes of a model.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Tensors are missing, superfluous or of another shape.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A file is no safetensors file.
    #[error(transparent)]
    Format(#[from] FormatError),
}

impl HuggingFaceError {
    /// A tensor, by its name in the file, that is not what it must be.
    pub(super) fn tensor(name: &str, problem: impl Display) -> Self {
        Self::Unfit(format!("tensor {name}: {problem}"))
    }
}
