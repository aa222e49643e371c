//! What a run learns from: texts, pairs, or questions and answers, made into token ids, with a part held out.
//!
//! A text ([`builtin`]) and pairs ([`dates`]) are part of the library.
//!
//! A [`Corpus`] is made of any of them, by [`Tokenizers`]: one, or for pairs one for each side.

mod answer_end;
pub mod builtin;
mod corpus;
pub mod dates;
mod pair_corpus;
mod prompt_corpus;
pub mod prompts;
pub mod streaming;
mod text_corpus;
mod tokenizers;

pub use corpus::{Corpus, LeftOut, Parts};
pub use prompts::Prompts;
pub use text_corpus::{bytes_per_token, characters_per_token};
pub use tokenizers::Tokenizers;

pub(crate) use answer_end::End;
pub(crate) use tokenizers::TOKENIZER_FILE;
