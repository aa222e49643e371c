//! Requests: prompts to continue, questions to answer, sources to translate.

use crate::decoding::Prompt;

/// The input of a generated text: a prompt, a question, a dialogue so far, or a source. A
/// [`Generator`](super::Generator) makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(super) kind: Kind,
    pub(super) source: Option<Vec<u32>>,
    pub(super) ids: Vec<u32>,
    pub(super) text: String,
    /// Whether the text is all that the ids say; else they may end within a character.
    pub(super) whole: bool,
}

/// The kind of text that answers a [`Request`].
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

    /// The text of the prompt, the source or the question.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn prompt(&self) -> Prompt<'_> {
        Prompt { source: self.source(), ids: &self.ids }
    }
}
