//! Why a text cannot be written.

use crate::ConfigError;

/// Why a text cannot be written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// A language model continues a text; it has no idea of a first token.
    #[error("the prompt is empty: there must be at least one token to go on from")]
    EmptyPrompt,
    /// A token that the model does not have.
    #[error("{what} token {id} is outside the model's vocabulary of {vocabulary}")]
    UnknownToken {
        /// Which token: of the prompt, or one to stop at.
        what: &'static str,
        /// Its id.
        id: u32,
        /// V.
        vocabulary: usize,
    },
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
