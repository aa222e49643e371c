//! Text as numbers: tokenizers and vocabularies; and texts to learn from: pairs and dialogues.
//!
//! | read | for |
//! |---|---|
//! | [`tokenizer`] | text to token ids and back: characters, words, byte pairs |
//! | [`vocabulary`] | the tokens of sentences that are translated |
//! | [`token_bytes`] | the bytes of every token |
//! | [`pairs`], [`normalization`] | pairs of texts, one a line; one spelling for one text |
//! | [`dialogues`] | dialogues in turns, one a line |
//! | [`held_out`] | which pairs and dialogues are held out to validate on |
//! | [`error`] | what can be wrong with a file or a tokenizer |
//!
//! This crate contains no model and no tensor, and opens no file: what is in one comes as a `BufRead` or a `&str`.

pub mod dialogues;
pub mod error;
pub mod held_out;
pub mod normalization;
pub mod pairs;
pub mod token_bytes;
pub mod tokenizer;
pub mod vocabulary;

pub use dialogues::{Dialogue, Role, Turn, Turns, read_dialogues, split_dialogues};
pub use error::{TextError, TokenizerError};
pub use held_out::fixed_hash;
pub use normalization::Normalization;
pub use pairs::{Columns, PairReader, TextPair, read_pairs, split_pairs};
pub use token_bytes::TokenBytes;
pub use tokenizer::{BpeTokenizer, TextStream, Tokenizer, WordOptions};
pub use vocabulary::{PairVocabulary, SequenceVocabulary, Unit};
