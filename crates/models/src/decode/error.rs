//! Why a text cannot be written.

use crate::ConfigError;

/// Why a text cannot be written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
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
    /// A text that is searched for, and would be longer than the model can look back.
    #[error("{prompt} tokens of a prompt and {tokens} more do not fit the model's context of {context}")]
    Context {
        /// How many tokens the prompt has.
        prompt: usize,
        /// How many may be written.
        tokens: usize,
        /// How many the model can look at.
        context: usize,
    },
    /// A draft model whose tokens are not the model's.
    #[error("the draft model has {draft} tokens, the model {vocabulary}: they must have the same")]
    DraftVocabulary {
        /// How many tokens the draft model has.
        draft: usize,
        /// V.
        vocabulary: usize,
    },
    /// A search that a draft cannot help with.
    #[error("a draft helps to write one text, greedily or drawn, and no search")]
    DraftSearch,
    /// An expression that texts are to match, and that is none, or is too large.
    #[error("the expression {expression:?} {problem}")]
    Expression {
        /// What was to be matched.
        expression: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The model is broken: some number in it overflowed.
    #[error("the model's logits are not finite after {tokens} tokens: its parameters are damaged or have diverged")]
    NotFinite {
        /// How many tokens had been written.
        tokens: usize,
    },
}
