//! The bytes of each token of a vocabulary, which is all that matching texts against an expression needs.

/// What each token of a vocabulary adds to a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBytes {
    /// The bytes of each token, in the order of ids; none for one that no text has.
    pub tokens: Vec<Option<Vec<u8>>>,
    /// Whether a space at the beginning of a text is not shown.
    pub strips_space: bool,
}
