//! A part of a text, and how it is read.

/// How a part of a text is read, where that makes a difference: in byte pairs that were made elsewhere.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Whether the text begins with it: some vocabularies put a space before a text, and none belongs into the middle.
    pub begins: bool,
    /// Whether it may say added tokens, such as `<|endoftext|>`. Whoever puts a stranger's words into a text of his own
    /// does not let them.
    pub added: bool,
}
