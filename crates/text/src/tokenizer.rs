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
//! [shown while it is generated](TextStream). Texts that are translated are [sentences](sentence), with a beginning and
//! an end.
//!
//! With the feature `tokenizers`, whatever else Hugging Face keeps as `tokenizer.json` is opened as well, by their
//! crate of that name.

pub mod bpe;
pub mod char;
#[cfg(feature = "tokenizers")]
pub mod huggingface;
pub mod ids;
pub(crate) mod json_format;
mod passage;
mod pieces;
pub mod sentence;
mod text_stream;
pub(crate) mod token_list;
mod tokenizer_json;
pub mod word;
mod word_pieces;

pub use bpe::BpeTokenizer;
pub use char::CharTokenizer;
#[cfg(feature = "tokenizers")]
pub use huggingface::HuggingFaceTokenizer;
pub use ids::IdTokenizer;
pub use passage::Passage;
pub use pieces::{PieceEncoder, PieceLearner};
pub use sentence::{SentenceTokenizer, Unit};
pub use text_stream::TextStream;
pub use token_list::TokenBytes;
pub use word::{WordOptions, WordTokenizer};
pub use word_pieces::WordRule;

use crate::error::TokenizerError;
use std::sync::Arc;

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
    /// A text is a sentence, whose tokens are of one of the kinds before.
    Sentence(SentenceTokenizer),
    /// Tokens are what only the crate `tokenizers` knows.
    #[cfg(feature = "tokenizers")]
    HuggingFace(Arc<HuggingFaceTokenizer>),
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
            Tokenizer::Sentence(tokenizer) => tokenizer.kind(),
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => tokenizer.kind(),
        }
    }

    /// The token ids of `text`.
    ///
    /// # Errors
    /// [`UnknownCharacter`](TokenizerError::UnknownCharacter), for characters, and a word that is no id, for ids.
    /// Unknown words are no error, but [`UNKNOWN`](word::UNKNOWN), nor is anything in sentences, and to byte pairs
    /// nothing is unknown.
    /// [`NotEncoded`](TokenizerError::NotEncoded) if cutting the text into words takes too many steps, or if only the
    /// crate `tokenizers` knows the tokens, and has none for something unknown.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        match self {
            Tokenizer::Char(tokenizer) => tokenizer.encode(text),
            Tokenizer::Word(tokenizer) => Ok(tokenizer.encode(text)),
            Tokenizer::Bpe(tokenizer) => tokenizer.encode(text),
            Tokenizer::Ids(tokenizer) => tokenizer.encode(text),
            Tokenizer::Sentence(tokenizer) => tokenizer.encode(text),
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
            Tokenizer::Bpe(tokenizer) => tokenizer.encode_passage(text, passage),
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
            Tokenizer::Sentence(tokenizer) => tokenizer.decode(ids),
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => tokenizer.decode(ids),
        }
    }

    /// What each token adds to a text; none if that depends on the tokens beside it, as it does where only the crate
    /// `tokenizers` knows what it says.
    pub fn token_bytes(&self) -> Option<TokenBytes> {
        let bytes = |id| match self {
            Tokenizer::Bpe(tokenizer) => tokenizer.token(id).map(<[u8]>::to_vec),
            listed => Some(listed.decode(&[id]).into_bytes()),
        };
        match self {
            Tokenizer::Sentence(tokenizer) => Some(tokenizer.token_bytes()),
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(_) => None,
            _ => Some(TokenBytes { tokens: (0..self.vocabulary() as u32).map(bytes).collect(), strips_space: false }),
        }
    }

    /// V, the number of different tokens.
    pub fn vocabulary(&self) -> usize {
        match self {
            Tokenizer::Char(tokenizer) => tokenizer.vocabulary(),
            Tokenizer::Word(tokenizer) => tokenizer.vocabulary(),
            Tokenizer::Bpe(tokenizer) => tokenizer.vocabulary(),
            Tokenizer::Ids(tokenizer) => tokenizer.vocabulary(),
            Tokenizer::Sentence(tokenizer) => tokenizer.vocabulary(),
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => tokenizer.vocabulary(),
        }
    }

    /// The token of an id, as a label.
    pub fn token(&self, id: u32) -> String {
        match self {
            Tokenizer::Sentence(tokenizer) => tokenizer.token(id).unwrap_or_default().to_owned(),
            other => other.decode(&[id]),
        }
    }

    /// Whether a text has tokens that say it.
    pub fn knows(&self, text: &str) -> bool {
        self.encode(text).is_ok_and(|ids| self.decode(&ids) == text)
    }

    /// Whether its `tokenizer.json` is one of Hugging Face, which other programs read.
    pub fn is_hugging_face(&self) -> bool {
        !matches!(self, Tokenizer::Char(_) | Tokenizer::Word(_) | Tokenizer::Ids(_) | Tokenizer::Sentence(_))
    }
}

impl From<BpeTokenizer> for Tokenizer {
    fn from(tokenizer: BpeTokenizer) -> Self {
        Self::Bpe(Arc::new(tokenizer))
    }
}

#[cfg(test)]
mod tests;
