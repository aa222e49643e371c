//! Text as numbers: tokenizers and vocabularies.
//!
//! | read | for |
//! |---|---|
//! | [`tokenizer`] | text to token ids and back: characters, words, byte pairs |
//! | [`vocabulary`] | the tokens of sentences that are translated |
//! | [`token_bytes`] | the bytes of every token |
//!
//! This crate contains no model and no tensor, and opens no file.

pub mod token_bytes;
pub mod tokenizer;
pub mod vocabulary;

pub use token_bytes::TokenBytes;
pub use tokenizer::{BpeTokenizer, TextStream, Tokenizer, TokenizerError, WordOptions};
pub use vocabulary::{PairVocabulary, SequenceVocabulary, Unit};
