//! Why a model of Hugging Face's `transformers` cannot be read or written.

use rungs_layers::LoadError;
use rungs_models::ConfigError;
use rungs_tensor::safetensors::FormatError;

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
