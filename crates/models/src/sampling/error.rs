//! Why a text cannot be written.

use crate::ConfigError;

/// Why a text cannot be written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// Something to go on from, or a way to write, that cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The model is broken: some number in it overflowed.
    #[error("the model's logits are not finite after {tokens} tokens: its parameters are damaged or have diverged")]
    NotFinite {
        /// How many tokens had been written.
        tokens: usize,
    },
}
