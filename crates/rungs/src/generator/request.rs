//! What a text is generated from.

use crate::decoding::Prompt;

/// What a text is generated from: a prompt, a question, what was said in a dialogue, or a source;
/// made by a [`Generator`](super::Generator).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(super) kind: Kind,
    pub(super) source: Option<Vec<u32>>,
    pub(super) ids: Vec<u32>,
    pub(super) text: String,
    /// Whether the text is all that the ids say; else they may end within a character.
    pub(super) whole: bool,
}

/// What is made of a [`Request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The text goes on.
    Continuation,
    /// The question, or what was said last, is answered.
    Answer,
    /// The source is translated.
    Translation,
}

impl Request {
    /// The tokens that the text goes on from.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The tokens of the source, if it is to be translated.
    pub fn source(&self) -> Option<&[u32]> {
        self.source.as_deref()
    }

    /// What it says: the prompt, the source or the question.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn prompt(&self) -> Prompt<'_> {
        Prompt { source: self.source(), ids: &self.ids }
    }
}
