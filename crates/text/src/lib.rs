//! Texts to learn from, and text as numbers: pairs, dialogues and tokenizers.
//!
//! | module | holds |
//! |---|---|
//! | [`tokenizer`] | text to token ids and back: characters, words, byte pairs, sentences; in pieces, as a stream |
//! | [`pairs`] | pairs of texts, one a line, read from TAB-separated columns |
//! | [`dialogues`] | dialogues in turns, one a line, as JSON |
//! | [`normalization`] | what is done to texts before anything is learnt from them |
//! | [`held_out`] | which pairs and dialogues are held out to validate on |
//! | [`foreign_encoding`] | what is said of bytes that are no UTF-8 text |
//! | [`error`] | what can be wrong with a file or a tokenizer |
//!
//! This crate contains no model and no tensor, and opens no file: what a file says comes as a `BufRead` or a `&str`.

pub mod dialogues;
pub mod error;
pub mod foreign_encoding;
pub mod held_out;
pub mod normalization;
pub mod pairs;
pub mod tokenizer;

pub use dialogues::{Dialogue, Role, Turn, Turns, read_dialogues, split_dialogues};
pub use error::{TextError, TokenizerError};
pub use held_out::fixed_hash;
pub use normalization::{normalize, plain_text};
pub use pairs::{Columns, TextPair, read_pairs, split_pairs};
pub use tokenizer::{BpeTokenizer, SentenceTokenizer, TextStream, TokenBytes, Tokenizer, Unit, WordOptions};
