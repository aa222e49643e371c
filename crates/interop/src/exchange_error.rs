//! Errors of an exchange of parameters.

use rungs_layers::LoadError;

/// Why parameters cannot be exchanged, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// Tensors that are missing, superfluous or of another shape, by the names that the other library gives them.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// PyTorch has no such cell or layer: in words.
    #[error("{0}")]
    NoCounterpart(String),
}
