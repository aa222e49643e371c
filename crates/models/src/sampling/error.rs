//! Why a text cannot be written.

use crate::ConfigError;

/// Why a text cannot be written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// A model goes on from something; it has no idea of a first token.
    #[error("the {what} is empty: there must be at least one token to go on from")]
    Empty {
        /// What is empty: the prompt, or a source.
        what: &'static str,
    },
    /// A token that the model does not have.
    #[error("{what} token {id} is outside the model's vocabulary of {vocabulary}")]
    UnknownToken {
        /// Which token: of the prompt, of a source, or one to stop at.
        what: &'static str,
        /// Its id.
        id: u32,
        /// V.
        vocabulary: usize,
    },
    /// A source for a model that has none, or none for one that needs it.
    #[error("the model {0}")]
    Source(&'static str),
    /// Every token of the vocabulary is a stop token, and the text must not stop yet.
    #[error("every token is a stop token, and the text must have {min} tokens or more")]
    NothingToChoose {
        /// How many tokens there must be.
        min: usize,
    },
    /// A way to write that cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The model is broken: some number in it overflowed.
    #[error("the model's logits are not finite after {tokens} tokens: its parameters are damaged or have diverged")]
    NotFinite {
        /// How many tokens had been written.
        tokens: usize,
    },
}
