//! The tokenizers of a run, and where they come from if not from its texts.

use crate::text::tokenizer::BpeTokenizer;
use crate::text::tokenizer::sentence::{END, START, pair_from_json, pair_to_json};
use crate::text::{SentenceTokenizer, Tokenizer, TokenizerError};
use crate::trainer::checkpoint::read_regular;
use crate::trainer::{Example, Folder};
use crate::{Error, TextPair};
use std::io::ErrorKind;
use std::path::Path;

/// What a token is, in the folder of a run and in those of Hugging Face.
pub(crate) const TOKENIZER_FILE: &str = "tokenizer.json";

/// GPT-2's tokens and merges, as Hugging Face calls the files and as OpenAI does.
const GPT2_FILES: [[&str; 2]; 2] = [["vocab.json", "merges.txt"], ["encoder.json", "vocab.bpe"]];

/// The tokenizers of a run: one, of the texts that its model reads and writes, or two, of sources and of targets, which
/// may be the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokenizers {
    /// The tokenizer of what a translator reads; none if the model goes on with texts.
    pub source: Option<Tokenizer>,
    /// The tokenizer of what the model writes.
    pub target: Tokenizer,
}

impl From<Tokenizer> for Tokenizers {
    fn from(tokenizer: Tokenizer) -> Self {
        Self { source: None, target: tokenizer }
    }
}

impl From<[SentenceTokenizer; 2]> for Tokenizers {
    /// Of sources and of targets.
    fn from([source, target]: [SentenceTokenizer; 2]) -> Self {
        Self { source: Some(Tokenizer::Sentence(source)), target: Tokenizer::Sentence(target) }
    }
}

impl Tokenizers {
    /// The tokenizer of a model that goes on with texts.
    ///
    /// # Errors
    /// If the model translates.
    pub fn text(&self) -> Result<&Tokenizer, Error> {
        if self.source.is_some() { Err(Error::translates()) } else { Ok(&self.target) }
    }

    /// The tokenizers of sources and of targets.
    ///
    /// # Errors
    /// If the model goes on with texts.
    pub fn pair(&self) -> Result<[&Tokenizer; 2], Error> {
        Ok([self.source.as_ref().ok_or_else(Error::goes_on)?, &self.target])
    }

    /// What a translator learns of a pair: the target and its end, given the source.
    ///
    /// # Errors
    /// If the model goes on with texts.
    pub fn example(&self, pair: &TextPair) -> Result<Example, Error> {
        let [source, target] = self.pair()?;
        Ok(Example::translation(source.encode(&pair.source)?, START, &target.encode(&pair.target)?, END))
    }

    /// The content of `tokenizer.json`.
    pub fn to_json(&self) -> String {
        match (&self.source, &self.target) {
            (Some(Tokenizer::Sentence(source)), Tokenizer::Sentence(target)) => pair_to_json(source, target),
            (_, tokenizer) => tokenizer.to_json(),
        }
    }

    /// Reads what [`to_json`](Self::to_json) wrote for this rung's kind of data.
    ///
    /// # Errors
    /// If it is not of this form: see [`TokenizerError`].
    pub fn from_json(json: &str, translates: bool) -> Result<Self, TokenizerError> {
        if translates { pair_from_json(json).map(Self::from) } else { Tokenizer::from_json(json).map(Self::from) }
    }

    /// The tokenizers of a folder: those of a run, or those that a Hugging Face folder or GPT-2's has.
    ///
    /// # Errors
    /// If there is no tokenizer in it, or one of another kind of data, or it is damaged; with the file where there is
    /// one.
    pub fn open(folder: &Path, translates: bool) -> Result<Self, Error> {
        if !folder.is_dir() {
            let problem = "there is no such folder; tokenizers without one are char, word and bpe:N";
            return Err(Error::file(folder, problem));
        }
        let problem = "there is no tokenizer in it: no tokenizer.json, no vocab.json with merges.txt, no encoder.json \
                       with vocab.bpe";
        Self::find(folder, translates)?.ok_or_else(|| Error::file(folder, problem))
    }

    /// The tokenizers of a folder; none if there is no tokenizer in it.
    ///
    /// # Errors
    /// If there is one of another kind of data, or it is damaged.
    pub fn find(folder: &Path, translates: bool) -> Result<Option<Self>, Error> {
        let of_file = |name: &str, json: &str| {
            Self::from_json(json, translates).map(Some).map_err(|problem| Error::file(folder.join(name), problem))
        };
        if let Some(json) = read(folder, TOKENIZER_FILE)? {
            return of_file(TOKENIZER_FILE, &json);
        }
        for [encoder, merges] in GPT2_FILES {
            let (Some(tokens), Some(pairs)) = (read(folder, encoder)?, read(folder, merges)?) else { continue };
            let tokenizer = BpeTokenizer::from_gpt2(&tokens, &pairs).map_err(|problem| {
                let file = if matches!(problem, TokenizerError::Merge { .. }) { merges } else { encoder };
                Error::file(folder.join(file), problem)
            })?;
            // What both kinds of data can be made of is kept in one form.
            return of_file(encoder, &tokenizer.to_json());
        }
        Ok(None)
    }
}

/// A text file of a folder; none if there is none. If the folder is that of a run, the file is checked.
fn read(folder: &Path, name: &str) -> Result<Option<String>, Error> {
    let path = folder.join(name);
    let bytes = match Folder::open(folder) {
        Ok(run) if run.checksum(name).is_some() => run.read(name)?,
        _ => match read_regular(&path) {
            Ok(bytes) => bytes,
            Err(missing) if missing.kind() == ErrorKind::NotFound => return Ok(None),
            Err(problem) => return Err(Error::file(path, problem)),
        },
    };
    String::from_utf8(bytes).map(Some).map_err(|_| Error::file(path, "not UTF-8 text"))
}
