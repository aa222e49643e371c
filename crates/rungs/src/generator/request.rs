//! Requests: prompts to continue, questions to answer, sources to translate.

/// The input of a generated text: a prompt, a question, a dialogue so far, or a source. A
/// [`Generator`](super::Generator) makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    pub(super) kind: Kind,
    /// The tokens of the source, if it is to be translated.
    pub source: Option<Vec<u32>>,
    /// The tokens that the text goes on from.
    pub ids: Vec<u32>,
    /// The text of the prompt, the source or the question.
    pub text: String,
    /// Whether the text itself says what begins every text, and is read once all the same.
    pub begins: bool,
    /// Whether the text is all that the ids say; else they may end within a character.
    pub(super) whole: bool,
}

impl Request {
    /// An empty request, as of an empty line among others: the text is empty too.
    pub fn empty(kind: Kind) -> Self {
        Self { kind, source: None, ids: Vec::new(), text: String::new(), begins: false, whole: true }
    }
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
    pub(super) fn new(kind: Kind, ids: Vec<u32>, text: &str) -> Self {
        Self { kind, source: None, ids, text: text.to_owned(), begins: false, whole: true }
    }
}
