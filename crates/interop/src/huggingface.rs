//! GPT-2 and Llama as Hugging Face's `transformers` keeps them: a `config.json` and tensors by name.
//!
//! The functions are the same as [`Gpt`](rungs_models::Gpt)'s; names, layouts and a few habits differ:
//!
//! | ours, in block i | GPT-2 (`transformer.` before all but the head) | Llama (`model.` before all but the head) |
//! |---|---|---|
//! | `token_embedding.weight` (V, D) | `wte.weight` | `embed_tokens.weight` |
//! | `position_embedding.weight` (context, D) | `wpe.weight` | none: positions are rotary |
//! | `norm_1.gain`, `norm_1.bias` (D) | `h.i.ln_1.weight`, `.bias` | `layers.i.input_layernorm.weight` |
//! | `attention.qkv.weight` (D, (N + 2M)·K) | `h.i.attn.c_attn.weight` | `layers.i.self_attn.{q,k,v}_proj.weight`ᵀ |
//! | `attention.projection.weight` (N·K, D) | `h.i.attn.c_proj.weight` | `layers.i.self_attn.o_proj.weight`ᵀ |
//! | `norm_2.gain`, `norm_2.bias` (D) | `h.i.ln_2.weight`, `.bias` | `layers.i.post_attention_layernorm.weight` |
//! | `feed_forward.gate.weight` (D, H) | none | `layers.i.mlp.gate_proj.weight`ᵀ |
//! | `feed_forward.up.weight` (D, H) | `h.i.mlp.c_fc.weight` | `layers.i.mlp.up_proj.weight`ᵀ |
//! | `feed_forward.down.weight` (H, D) | `h.i.mlp.c_proj.weight` | `layers.i.mlp.down_proj.weight`ᵀ |
//! | `final_norm.gain`, `final_norm.bias` (D) | `ln_f.weight`, `.bias` | `norm.weight` |
//! | `head.weight` (V, D), unless tied | `lm_head.weight` | `lm_head.weight` |
//!
//! What is marked ᵀ is transposed.
//!
//! Biases of linear layers go with their weights: GPT-2 has all of them, Llama (`attention_bias`, `mlp_bias`) all or
//! none. GPT-2's `Conv1D` keeps a matrix as the equation multiplies it, inputs first, as we do; Llama's `Linear` keeps
//! the transpose. Both lay rotary pairs out as ours: i beside i + K/2.
//!
//! What is read here is bytes that somebody else has read from files, and what is written is for somebody else to write
//! there. Everything is checked against the configuration before a number is looked at, and every error names the field
//! or the tensor.

mod config;
mod tensors;

use rungs_layers::LoadError;
use rungs_models::{ConfigError, GptConfig};
use rungs_tensor::safetensors::FormatError;

pub use tensors::{Place, read, write};

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

/// Why a model of theirs cannot be opened, or one of ours not be one of theirs.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HuggingFaceError {
    /// `config.json` is not JSON, or not an object.
    #[error("not a configuration: {0}")]
    Json(String),
    /// A field of it is missing, cannot be, or asks for what is not known here.
    #[error("{field}: {problem}")]
    Field {
        /// The field.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Its sizes are not those of a model that can be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Tensors are missing, superfluous or of another shape.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A tensor is not what it must be.
    #[error("tensor {name}: {problem}")]
    Tensor {
        /// Its name in the file.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file is no safetensors file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Neither architecture can say what this model is.
    #[error("neither gpt2 nor llama can be this model: {0}")]
    NoCounterpart(String),
}
