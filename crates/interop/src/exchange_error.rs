//! Errors of an exchange of parameters.

use rungs_layers::LoadError;

/// Why parameters cannot be exchanged, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// Tensors that are missing, superfluous or of another shape, by the names that the other library gives them.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The other library has no such cell.
    #[error("PyTorch has no GRU whose reset gate acts before the product (Reset::BeforeProduct)")]
    ResetBeforeProduct,
    /// The other library gives every head of queries its own keys.
    #[error("PyTorch has no attention whose {heads} heads of queries share {key_heads} heads of keys")]
    SharedKeys {
        /// N.
        heads: usize,
        /// M.
        key_heads: usize,
    },
    /// The other library's Transformer layers have none.
    #[error("PyTorch's Transformer layers have no gate in their feed-forward part")]
    Gate,
}
