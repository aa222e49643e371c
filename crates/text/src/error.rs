//! Errors of texts and of tokenizers, each in one line that names the thing and the place.

/// The most tokens that a vocabulary can have: more than any that exists, and no product of two sizes overflows.
pub const MAX_VOCABULARY: usize = 1 << 24;

/// The version of `tokenizer.json` that this crate writes, and the only one there has been.
pub(crate) const FORMAT: u32 = 1;

/// Why a file of pairs or dialogues is of no use, or a part of it cannot be held out.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct TextError {
    /// The file, with the line if it is one, or the setting as the program's option is called.
    pub place: String,
    /// The problem, in words.
    pub problem: String,
}

impl TextError {
    pub(crate) fn new(place: impl Into<String>, problem: impl ToString) -> Self {
        Self { place: place.into(), problem: problem.to_string() }
    }

    /// The problem of a line of a file, counted from 1.
    pub(crate) fn line(file: &str, line: usize, problem: String) -> Self {
        Self::new(format!("{file}, line {line}"), problem)
    }
}

/// Why a text cannot be encoded, or a tokenizer not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// There is no text to take a vocabulary from.
    #[error("the text is empty: there is no vocabulary to take from it")]
    EmptyText,
    /// A character that the training text did not have.
    #[error(
        "unknown character {character:?} at position {position}: it is not among the {vocabulary} of the vocabulary"
    )]
    UnknownCharacter {
        /// The character.
        character: char,
        /// How many characters stand before it.
        position: usize,
        /// V.
        vocabulary: usize,
    },
    /// All words of the text are rarer than asked for, or none may be kept.
    #[error(
        "no word of the text is in the vocabulary: none occurs {minimum_count} times, or the largest size \
         leaves room for none"
    )]
    NoWords {
        /// How often a word had to occur.
        minimum_count: usize,
    },
    /// A text cannot be read in pieces.
    #[error(
        "this tokenizer reads a text as a whole: it changes it before it cuts it, does not cut it into words at all, \
         or is not known well enough"
    )]
    Whole,
    /// Invalid text or file, described in a sentence of its own.
    #[error("{0}")]
    Text(String),
    /// A text has something for which there is no token.
    #[error("the tokenizer cannot encode this text: {0}")]
    NotEncoded(String),
    /// A text is longer than the tokenizer's file lets texts be.
    #[error(
        "the text has {tokens} tokens, and this tokenizer truncates texts to {most}: set \"truncation\" in its file to \
         null"
    )]
    Truncated {
        /// How many tokens the text has.
        tokens: usize,
        /// How many the tokenizer leaves.
        most: usize,
    },
    /// Not JSON, or JSON of another form.
    #[error("not a tokenizer: {0}")]
    Json(String),
    /// A vocabulary of nothing.
    #[error("the tokenizer has no tokens")]
    Empty,
    /// A vocabulary that no model can have.
    #[error("a vocabulary of {tokens} tokens is too large; the most is {MAX_VOCABULARY}")]
    TooLarge {
        /// How many tokens there are.
        tokens: usize,
    },
    /// A token listed twice.
    #[error("token {token:?} is listed twice, as {first} and as {second}")]
    Duplicate {
        /// The token.
        token: String,
        /// Its first id.
        first: u32,
        /// Its second.
        second: u32,
    },
    /// A vocabulary too small to be learnt.
    #[error(
        "a vocabulary of {size} tokens is too small: with all bytes and the least that can be learnt, one pair, \
         it has {least}"
    )]
    TooSmall {
        /// How many tokens were wanted.
        size: usize,
        /// How many there must be.
        least: usize,
    },
    /// A text that does not give as many tokens as wanted.
    #[error(
        "the text gives {found} tokens, fewer than the {size} wanted: no other two neighbours stand side by side twice"
    )]
    FewPairs {
        /// How many tokens were wanted.
        size: usize,
        /// How many the text gives.
        found: usize,
    },
    /// A line of a file of merges that is none.
    #[error("merges, line {line}: {problem}")]
    Merge {
        /// The line, counted from 1.
        line: usize,
        /// The problem, in words.
        problem: String,
    },
    /// A Hugging Face tokenizer that does what is not done here.
    #[error("this tokenizer cannot be opened: {0}")]
    Unsupported(String),
    /// A token that encoding could never give.
    #[error("token {id}, {token:?}, is not {expected}")]
    Malformed {
        /// The token's id.
        id: usize,
        /// The token.
        token: String,
        /// What it ought to be.
        expected: &'static str,
    },
}

impl TokenizerError {
    /// The same, where what was encoded stands behind so many characters.
    pub(crate) fn moved_by(mut self, characters: usize) -> Self {
        if let Self::UnknownCharacter { position, .. } = &mut self {
            *position += characters;
        }
        self
    }

    pub(crate) fn json(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}
