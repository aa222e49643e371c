//! Why a text cannot be written.

use rungs_models::ConfigError;
use rungs_models::sampling::SampleError;

/// Why a text cannot be written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// No text can be written so, whatever searches.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// A beam that groups do not share evenly.
    #[error("beam {beam} is not a multiple of beam-groups {groups}")]
    Groups {
        /// k.
        beam: usize,
        /// How many groups there are.
        groups: usize,
    },
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
}

impl From<ConfigError> for GenerateError {
    fn from(error: ConfigError) -> Self {
        Self::Sample(error.into())
    }
}
