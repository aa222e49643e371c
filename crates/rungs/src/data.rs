//! What a run learns from: texts, pairs, or questions and answers, made into tokens, with a part held out.
//!
//! | data | of a model that |
//! |---|---|
//! | [`Corpus`] | goes on with texts |
//! | [`StreamedCorpus`] | does, and its text is larger than memory: see [`streaming`] |
//! | [`PairCorpus`] | translates |
//! | [`PromptCorpus`] | goes on with a question by answering it: see [`prompts`] |
//!
//! A text ([`builtin`]) and pairs ([`dates`]) are part of the library.
//!
//! [`Tokens`] says what the tokens of either kind are.

mod answer_end;
pub mod builtin;
pub mod dates;
mod pair_corpus;
mod prompt_corpus;
pub mod prompts;
pub mod streaming;
mod text_corpus;
mod tokens;

pub use pair_corpus::PairCorpus;
pub use prompt_corpus::{LeftOut, PromptCorpus};
pub use prompts::Prompts;
pub use streaming::StreamedCorpus;
pub use text_corpus::{Corpus, bytes_per_token, characters_per_token};
pub use tokens::Tokens;

pub(crate) use answer_end::End;
pub(crate) use tokens::TOKENIZER_FILE;

use crate::Error;
use crate::settings::Settings;

/// What a run learns from.
#[derive(Clone, Debug)]
pub enum Data {
    /// A text.
    Text(Corpus),
    /// A text whose tokens are in files.
    Streamed(StreamedCorpus),
    /// Pairs of texts.
    Pairs(PairCorpus),
    /// Questions and answers, for a language model.
    Prompts(PromptCorpus),
}

impl From<Corpus> for Data {
    fn from(corpus: Corpus) -> Self {
        Self::Text(corpus)
    }
}

impl From<StreamedCorpus> for Data {
    fn from(corpus: StreamedCorpus) -> Self {
        Self::Streamed(corpus)
    }
}

impl From<PairCorpus> for Data {
    fn from(corpus: PairCorpus) -> Self {
        Self::Pairs(corpus)
    }
}

impl From<PromptCorpus> for Data {
    fn from(corpus: PromptCorpus) -> Self {
        Self::Prompts(corpus)
    }
}

impl Data {
    /// That it is what these settings learn from.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), Error> {
        match (self, settings.prompts().is_some()) {
            (Self::Prompts(_), false) => {
                Err(Error::setting("task", "these are answers to learn, and the settings have no template"))
            }
            (Self::Text(_) | Self::Streamed(_), true) => {
                Err(Error::setting("task", "this is a text, and the settings have a template for answers"))
            }
            _ => Ok(()),
        }
    }

    /// What its tokens are.
    pub fn tokens(&self) -> Tokens {
        match self {
            Self::Text(corpus) => Tokens::Text(corpus.tokenizer.clone()),
            Self::Streamed(corpus) => Tokens::Text(corpus.tokenizer.clone()),
            Self::Pairs(corpus) => Tokens::Pairs(corpus.vocabularies.clone()),
            Self::Prompts(corpus) => Tokens::Text(corpus.prompts.tokenizer().clone()),
        }
    }
}
