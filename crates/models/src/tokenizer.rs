//! Text to token ids and back.
//!
//! A language model reads and writes numbers from 0 to V − 1. What a number stands for, a [character](mod@char) or a
//! [word], is chosen once, from the training text, and kept beside the model as `tokenizer.json`:
//!
//! ```json
//! {"format": 1, "kind": "char", "tokens": ["\n", " ", "a", "b"]}
//! ```
//!
//! A token's id is its place in the list. In both kinds the tokens of a text, written one after the other, are the
//! text: decoding is concatenation, and a text can be shown while it is generated.

pub mod char;
pub mod word;

pub use char::CharTokenizer;
pub use word::{WordOptions, WordTokenizer};

use crate::config::MAX_SIZE;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The version of `tokenizer.json` that this crate writes, and the only one there has been.
pub(crate) const FORMAT: u32 = 1;

/// How text becomes token ids.
///
/// ```
/// use rungs_models::Tokenizer;
///
/// let tokenizer = Tokenizer::char_from("to be or not to be")?;
/// let ids = tokenizer.encode("robot")?;
/// assert_eq!(tokenizer.decode(&ids), "robot");
/// let error = tokenizer.encode("rabbit").unwrap_err();
/// assert_eq!(error.to_string(), "unknown character 'a' at position 1: it is not among the 7 of the vocabulary");
/// # Ok::<(), rungs_models::TokenizerError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "File", into = "File")]
pub enum Tokenizer {
    /// Every character is a token.
    Char(CharTokenizer),
    /// Every word and every mark is a token.
    Word(WordTokenizer),
}

impl Tokenizer {
    /// The tokenizer whose tokens are the distinct characters of `text`.
    ///
    /// # Errors
    /// If the text is empty.
    pub fn char_from(text: &str) -> Result<Self, TokenizerError> {
        CharTokenizer::from_text(text).map(Tokenizer::Char)
    }

    /// The tokenizer whose tokens are the words of `text` that `options` admit.
    ///
    /// # Errors
    /// If the text is empty, or no word of it is admitted.
    pub fn word_from(text: &str, options: WordOptions) -> Result<Self, TokenizerError> {
        WordTokenizer::from_text(text, options).map(Tokenizer::Word)
    }

    /// The token ids of `text`.
    ///
    /// # Errors
    /// [`UnknownCharacter`](TokenizerError::UnknownCharacter), for characters. Unknown words are no error, but
    /// [`UNKNOWN`](word::UNKNOWN).
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        match self {
            Tokenizer::Char(tokenizer) => tokenizer.encode(text),
            Tokenizer::Word(tokenizer) => Ok(tokenizer.encode(text)),
        }
    }

    /// The text of these tokens. An id outside the vocabulary becomes U+FFFD, the replacement character.
    pub fn decode(&self, ids: &[u32]) -> String {
        match self {
            Tokenizer::Char(tokenizer) => tokenizer.decode(ids),
            Tokenizer::Word(tokenizer) => tokenizer.decode(ids),
        }
    }

    /// V, the number of different tokens.
    pub fn vocabulary(&self) -> usize {
        match self {
            Tokenizer::Char(tokenizer) => tokenizer.vocabulary(),
            Tokenizer::Word(tokenizer) => tokenizer.vocabulary(),
        }
    }

    /// The content of `tokenizer.json`. The same tokenizer gives the same bytes.
    pub fn to_json(&self) -> String {
        write_json(self)
    }

    /// Reads what [`to_json`](Tokenizer::to_json) wrote.
    ///
    /// # Errors
    /// If it is not JSON of this form, was written by a later version, or lists tokens that no text gives: see
    /// [`TokenizerError`].
    pub fn from_json(json: &str) -> Result<Self, TokenizerError> {
        read_json::<File>(json)?.try_into()
    }
}

/// As much of `tokenizer.json` as every version has in common.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// The bytes of a `tokenizer.json` that holds this.
pub(crate) fn write_json(file: &impl Serialize) -> String {
    let mut json = serde_json::to_string_pretty(file).expect("strings and a number can always be written");
    json.push('\n');
    json
}

/// What a `tokenizer.json` holds.
pub(crate) fn read_json<File: serde::de::DeserializeOwned>(json: &str) -> Result<File, TokenizerError> {
    // The version first: of a later one, nothing else can be relied upon.
    let Version { format } = serde_json::from_str(json).map_err(TokenizerError::json)?;
    if format != FORMAT {
        return Err(TokenizerError::Format { found: format });
    }
    serde_json::from_str(json).map_err(TokenizerError::json)
}

/// What `tokenizer.json` holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    kind: Kind,
    tokens: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Char,
    Word,
}

impl From<Tokenizer> for File {
    fn from(tokenizer: Tokenizer) -> Self {
        let (kind, tokens) = match tokenizer {
            Tokenizer::Char(tokenizer) => (Kind::Char, tokenizer.tokens().map(String::from).collect()),
            Tokenizer::Word(tokenizer) => (Kind::Word, tokenizer.tokens().map(String::from).collect()),
        };
        Self { format: FORMAT, kind, tokens }
    }
}

impl TryFrom<File> for Tokenizer {
    type Error = TokenizerError;

    fn try_from(File { format, kind, tokens }: File) -> Result<Self, TokenizerError> {
        match kind {
            _ if format != FORMAT => Err(TokenizerError::Format { found: format }),
            Kind::Char => CharTokenizer::from_tokens(&tokens).map(Tokenizer::Char),
            Kind::Word => WordTokenizer::from_tokens(tokens).map(Tokenizer::Word),
        }
    }
}

/// The id of every token.
///
/// The order of a hash map never shows: it is only asked for what it holds.
pub(crate) fn index<T: std::hash::Hash + Eq + Clone + ToString>(
    tokens: &[T],
) -> Result<HashMap<T, u32>, TokenizerError> {
    if tokens.len() > MAX_SIZE {
        return Err(TokenizerError::TooLarge { tokens: tokens.len() });
    }
    let mut ids = HashMap::with_capacity(tokens.len());
    for (id, token) in (0..).zip(tokens) {
        if let Some(first) = ids.insert(token.clone(), id) {
            return Err(TokenizerError::Duplicate { token: token.to_string(), first, second: id });
        }
    }
    Ok(ids)
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
        "no word of the text is in the vocabulary: none occurs {minimum_count} times, or the largest size leaves room for none"
    )]
    NoWords {
        /// How often a word had to occur.
        minimum_count: usize,
    },
    /// Not JSON, or JSON of another form.
    #[error("not a tokenizer: {0}")]
    Json(String),
    /// Written by a later version of this crate.
    #[error("tokenizer format {found} is not known; this version reads format {FORMAT}")]
    Format {
        /// The version found.
        found: u32,
    },
    /// A vocabulary of nothing.
    #[error("the tokenizer has no tokens")]
    Empty,
    /// A vocabulary that no model can have.
    #[error("a vocabulary of {tokens} tokens is too large; the most is {MAX_SIZE}")]
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
    fn json(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}
