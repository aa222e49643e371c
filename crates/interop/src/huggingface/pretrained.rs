//! A model of Hugging Face's `transformers`, its weights aside: which architecture, of which sizes.

use rungs_models::GptConfig;

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
    /// Tokens that end a text.
    pub end: Vec<u32>,
}
