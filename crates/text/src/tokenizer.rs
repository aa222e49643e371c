//! Text to token ids and back.
//!
//! A language model reads and writes numbers from 0 to V − 1. What a number stands for, a [character](mod@char), a
//! [word] or a [run of bytes](bpe), is chosen once, from the training text, and kept beside the model as
//! `tokenizer.json`:
//!
//! ```json
//! {"format": 1, "kind": "char", "tokens": ["\n", " ", "a", "b"]}
//! ```
//!
//! A token's id is its place in the list. A model that came without a tokenizer has [ids] for tokens. Runs of bytes are
//! kept as Hugging Face's `tokenizers` keeps them, which other programs read too. In every kind the tokens of a text,
//! written one after the other, are the text: decoding is concatenation, and a text can be
//! [shown while it is generated](TextStream).
//!
//! With the feature `tokenizers`, whatever else Hugging Face keeps as `tokenizer.json` is opened as well, by their
//! crate of that name.

pub mod bpe;
pub mod char;
#[cfg(feature = "tokenizers")]
pub mod huggingface;
pub mod ids;
mod pieces;
mod stream;
pub mod word;

pub use crate::error::{MAX_VOCABULARY, TokenizerError};
pub use bpe::BpeTokenizer;
pub use char::CharTokenizer;
#[cfg(feature = "tokenizers")]
pub use huggingface::HuggingFaceTokenizer;
pub use ids::IdTokenizer;
pub use pieces::{PieceEncoder, PieceLearner};
pub use stream::TextStream;
pub use word::{WordOptions, WordTokenizer};

use crate::error::FORMAT;
use crate::token_bytes::TokenBytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::HashMap;
use std::sync::Arc;

/// U+FFFD, which stands for what is no text.
const REPLACEMENT_TEXT: &str = "\u{fffd}";
const REPLACEMENT: &[u8] = REPLACEMENT_TEXT.as_bytes();

/// How text becomes token ids.
///
/// ```
/// use rungs_text::Tokenizer;
///
/// let tokenizer = Tokenizer::char_from("to be or not to be")?;
/// let ids = tokenizer.encode("robot")?;
/// assert_eq!(tokenizer.decode(&ids), "robot");
/// let error = tokenizer.encode("rabbit").unwrap_err();
/// assert_eq!(error.to_string(), "unknown character 'a' at position 1: it is not among the 7 of the vocabulary");
/// # Ok::<(), rungs_text::TokenizerError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Tokenizer {
    /// Every character is a token.
    Char(CharTokenizer),
    /// Every word and every mark is a token.
    Word(WordTokenizer),
    /// The runs of bytes that are most often seen together are tokens.
    Bpe(Arc<BpeTokenizer>),
    /// A token is its number.
    Ids(IdTokenizer),
    /// Tokens are what only the crate `tokenizers` knows.
    #[cfg(feature = "tokenizers")]
    HuggingFace(Arc<HuggingFaceTokenizer>),
}

/// How a part of a text is read, where that makes a difference: in byte pairs that were made elsewhere.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Whether the text begins with it: some vocabularies put a space before a text, and none belongs into the middle.
    pub begins: bool,
    /// Whether it may say added tokens, such as `<|endoftext|>`. Whoever puts a stranger's words into a text of his own
    /// does not let them.
    pub added: bool,
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

    /// The byte-pair tokenizer of `size` tokens that is learnt from `text`.
    ///
    /// # Errors
    /// If the text is empty or does not give so many tokens, or there would be fewer than
    /// [`BpeTokenizer::SMALLEST`].
    pub fn bpe_from(text: &str, size: usize) -> Result<Self, TokenizerError> {
        BpeTokenizer::from_text(text, size).map(Self::from)
    }

    /// What its tokens are: `characters`, `words`, `byte pairs` or `ids`; with the feature `tokenizers` also
    /// `word pieces` and `unigram pieces`.
    pub fn kind(&self) -> &'static str {
        match self {
            Tokenizer::Char(_) => "characters",
            Tokenizer::Word(_) => "words",
            Tokenizer::Bpe(_) => "byte pairs",
            Tokenizer::Ids(_) => "ids",
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => tokenizer.kind(),
        }
    }

    /// The token ids of `text`.
    ///
    /// # Errors
    /// [`UnknownCharacter`](TokenizerError::UnknownCharacter), for characters, and [`NoId`](TokenizerError::NoId), for
    /// ids. Unknown words are no error, but [`UNKNOWN`](word::UNKNOWN), and to byte pairs nothing is unknown.
    /// [`NotEncoded`](TokenizerError::NotEncoded) if only the crate `tokenizers` knows the tokens, and has none for
    /// something unknown.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        match self {
            Tokenizer::Char(tokenizer) => tokenizer.encode(text),
            Tokenizer::Word(tokenizer) => Ok(tokenizer.encode(text)),
            Tokenizer::Bpe(tokenizer) => Ok(tokenizer.encode(text)),
            Tokenizer::Ids(tokenizer) => tokenizer.encode(text),
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => tokenizer.encode(text),
        }
    }

    /// The token ids of a part of a text, which is put together from several: those of all parts, one after another,
    /// are the text, and each begins where its part does.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_passage(&self, text: &str, passage: Passage) -> Result<Vec<u32>, TokenizerError> {
        match self {
            Tokenizer::Bpe(tokenizer) => Ok(tokenizer.encode_passage(text, passage)),
            no_beginnings => no_beginnings.encode(text),
        }
    }

    /// The tokens that stand before every prompt, where the tokenizer of a model that was opened says so.
    pub fn beginning(&self) -> Vec<u32> {
        match self {
            Tokenizer::Bpe(tokenizer) => tokenizer.beginning(),
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => tokenizer.beginning(),
            _ => Vec::new(),
        }
    }

    /// The text of these tokens. An id outside the vocabulary becomes U+FFFD, the replacement character, and so do
    /// bytes that are no character.
    pub fn decode(&self, ids: &[u32]) -> String {
        match self {
            Tokenizer::Char(tokenizer) => tokenizer.decode(ids),
            Tokenizer::Word(tokenizer) => tokenizer.decode(ids),
            Tokenizer::Bpe(tokenizer) => tokenizer.decode(ids),
            Tokenizer::Ids(tokenizer) => tokenizer.decode(ids),
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => tokenizer.decode(ids),
        }
    }

    /// The text of tokens that come one after another, shown as they come.
    pub fn stream(&self) -> TextStream<'_> {
        TextStream::new(self)
    }

    /// What each token adds to a text; none if that depends on the tokens beside it, as it does where only the crate
    /// `tokenizers` knows what it says.
    pub fn token_bytes(&self) -> Option<TokenBytes> {
        let each = |of: &dyn Fn(u32) -> Option<Vec<u8>>| (0..self.vocabulary() as u32).map(of).collect();
        let tokens = match self {
            Tokenizer::Bpe(tokenizer) => each(&|id| tokenizer.token(id).map(<[u8]>::to_vec)),
            Tokenizer::Char(_) | Tokenizer::Word(_) | Tokenizer::Ids(_) => {
                each(&|id| Some(self.decode(&[id]).into_bytes()))
            }
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(_) => return None,
        };
        Some(TokenBytes { tokens, strips_space: false })
    }

    /// V, the number of different tokens.
    pub fn vocabulary(&self) -> usize {
        match self {
            Tokenizer::Char(tokenizer) => tokenizer.vocabulary(),
            Tokenizer::Word(tokenizer) => tokenizer.vocabulary(),
            Tokenizer::Bpe(tokenizer) => tokenizer.vocabulary(),
            Tokenizer::Ids(tokenizer) => tokenizer.vocabulary(),
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => tokenizer.vocabulary(),
        }
    }

    /// Whether its `tokenizer.json` is one of Hugging Face, which other programs read.
    pub fn is_hugging_face(&self) -> bool {
        !matches!(self, Tokenizer::Char(_) | Tokenizer::Word(_) | Tokenizer::Ids(_))
    }

    /// The content of `tokenizer.json`. The same tokenizer gives the same bytes.
    pub fn to_json(&self) -> String {
        match self {
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => tokenizer.to_json().to_owned(),
            _ => write_json(self),
        }
    }

    /// Reads what [`to_json`](Tokenizer::to_json) wrote, or a `tokenizer.json` of Hugging Face.
    ///
    /// # Errors
    /// If it is not JSON of this form, was written by a later version, lists tokens that no text gives, or describes
    /// something that is not known here: see [`TokenizerError`].
    pub fn from_json(json: &str) -> Result<Self, TokenizerError> {
        if !is_hugging_face(json) {
            return read_json::<File>(json)?.try_into();
        }
        match BpeTokenizer::from_json(json) {
            Err(TokenizerError::Unsupported(unknown)) => open_by_crate(json, &unknown),
            known => known.map(Self::from),
        }
    }
}

/// Opens what is not known here.
#[cfg(feature = "tokenizers")]
fn open_by_crate(json: &str, unknown: &str) -> Result<Tokenizer, TokenizerError> {
    match HuggingFaceTokenizer::from_json(json) {
        Ok(tokenizer) => Ok(Tokenizer::HuggingFace(Arc::new(tokenizer))),
        Err(TokenizerError::Unsupported(problem)) => {
            Err(TokenizerError::Unsupported(format!("{unknown}, and the crate tokenizers says: {problem}")))
        }
        Err(other) => Err(other),
    }
}

/// Says what would open what is not known here.
#[cfg(not(feature = "tokenizers"))]
fn open_by_crate(_: &str, unknown: &str) -> Result<Tokenizer, TokenizerError> {
    let problem = format!("{unknown}; built with the feature tokenizers, all opens that Hugging Face's crate knows");
    Err(TokenizerError::Unsupported(problem))
}

impl From<BpeTokenizer> for Tokenizer {
    fn from(tokenizer: BpeTokenizer) -> Self {
        Self::Bpe(Arc::new(tokenizer))
    }
}

impl Serialize for Tokenizer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let listed = |kind, tokens| File { format: FORMAT, kind, tokens: Some(tokens), vocabulary: None };
        match self {
            Self::Char(tokenizer) => listed(Kind::Char, tokenizer.tokens().map(String::from).collect()).serialize(to),
            Self::Word(tokenizer) => listed(Kind::Word, tokenizer.tokens().map(String::from).collect()).serialize(to),
            Self::Bpe(tokenizer) => tokenizer.file().serialize(to),
            Self::Ids(tokenizer) => {
                let vocabulary = Some(tokenizer.vocabulary());
                File { format: FORMAT, kind: Kind::Ids, tokens: None, vocabulary }.serialize(to)
            }
            #[cfg(feature = "tokenizers")]
            Self::HuggingFace(tokenizer) => {
                let file: serde_json::Value = serde_json::from_str(tokenizer.to_json()).expect("it was read before");
                file.serialize(to)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tokenizer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(from)?.to_string();
        Self::from_json(&json).map_err(D::Error::custom)
    }
}

/// Whether this is a `tokenizer.json` of Hugging Face: it has a model and, unlike ours, no format.
pub(crate) fn is_hugging_face(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Outline {
        format: Option<serde::de::IgnoredAny>,
        model: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_str(json).is_ok_and(|Outline { format, model }| format.is_none() && model.is_some())
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
    #[serde(skip_serializing_if = "Option::is_none", default)]
    tokens: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    vocabulary: Option<usize>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Char,
    Word,
    Ids,
}

impl TryFrom<File> for Tokenizer {
    type Error = TokenizerError;

    fn try_from(File { format, kind, tokens, vocabulary }: File) -> Result<Self, TokenizerError> {
        match (kind, tokens, vocabulary) {
            _ if format != FORMAT => Err(TokenizerError::Format { found: format }),
            (Kind::Char, Some(tokens), None) => CharTokenizer::from_tokens(&tokens).map(Tokenizer::Char),
            (Kind::Word, Some(tokens), None) => WordTokenizer::from_tokens(tokens).map(Tokenizer::Word),
            (Kind::Ids, None, Some(vocabulary)) => IdTokenizer::new(vocabulary).map(Tokenizer::Ids),
            (Kind::Ids, ..) => Err(TokenizerError::Json("ids need a vocabulary, and no tokens".to_owned())),
            _ => Err(TokenizerError::Json("missing field `tokens`, or a vocabulary beside them".to_owned())),
        }
    }
}

/// The id of every token.
///
/// The order of a hash map never shows: it is only asked for what it holds.
pub(crate) fn index<T: std::hash::Hash + Eq + Clone + ToString>(
    tokens: &[T],
) -> Result<HashMap<T, u32>, TokenizerError> {
    if tokens.len() > MAX_VOCABULARY {
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
