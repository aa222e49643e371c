//! What the tokens of a run are, and where they come from if not from its text.

use crate::Error;
use crate::text::tokenizer::BpeTokenizer;
use crate::text::{PairVocabulary, Tokenizer, TokenizerError};
use crate::trainer::Folder;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What a token is, in the folder of a run and in those of Hugging Face.
pub(crate) const TOKENIZER_FILE: &str = "tokenizer.json";

/// GPT-2's tokens and merges, as Hugging Face calls the files and as OpenAI does.
const GPT2_FILES: [[&str; 2]; 2] = [["vocab.json", "merges.txt"], ["encoder.json", "vocab.bpe"]];

/// What a run's tokens are: the content of its `tokenizer.json`.
#[derive(Clone, Debug, PartialEq)]
pub enum Tokens {
    /// Of a text.
    Text(Tokenizer),
    /// Of pairs of texts.
    Pairs(PairVocabulary),
}

impl Tokens {
    /// The content of `tokenizer.json`.
    pub fn to_json(&self) -> String {
        match self {
            Self::Text(tokenizer) => tokenizer.to_json(),
            Self::Pairs(vocabularies) => vocabularies.to_json(),
        }
    }

    /// Reads what [`to_json`](Self::to_json) wrote for this rung's kind of data.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn from_json(json: &str, translates: bool) -> Result<Self, String> {
        match translates {
            false => Tokenizer::from_json(json).map(Self::Text).map_err(|error| error.to_string()),
            true => PairVocabulary::from_json(json).map(Self::Pairs).map_err(|error| error.to_string()),
        }
    }

    /// The tokens of a folder: those of a run, or those that a Hugging Face folder or GPT-2's has.
    ///
    /// # Errors
    /// If there is no tokenizer in it, or one of another kind of data, or it is damaged; with the file where there is
    /// one.
    pub fn open(folder: &Path, translates: bool) -> Result<Self, Error> {
        let error = |problem: &str| Error::File { path: folder.to_owned(), problem: problem.to_owned() };
        if !folder.is_dir() {
            return Err(error("there is no such folder; tokenizers without one are char, word and bpe:N"));
        }
        Self::find(folder, translates)?.ok_or_else(|| {
            error(
                "there is no tokenizer in it: no tokenizer.json, no vocab.json with merges.txt, no encoder.json with \
                 vocab.bpe",
            )
        })
    }

    /// The same; none if there is no tokenizer in the folder.
    ///
    /// # Errors
    /// If there is one of another kind of data, or it is damaged.
    pub fn find(folder: &Path, translates: bool) -> Result<Option<Self>, Error> {
        let error = |path: PathBuf, problem: String| Error::File { path, problem };
        if let Some(json) = read(folder, TOKENIZER_FILE)? {
            let tokens =
                Self::from_json(&json, translates).map_err(|problem| error(folder.join(TOKENIZER_FILE), problem));
            return tokens.map(Some);
        }
        for [encoder, merges] in GPT2_FILES {
            let (Some(tokens), Some(pairs)) = (read(folder, encoder)?, read(folder, merges)?) else { continue };
            let tokenizer = BpeTokenizer::from_gpt2(&tokens, &pairs).map_err(|problem| {
                let file = if matches!(problem, TokenizerError::Merge { .. }) { merges } else { encoder };
                error(folder.join(file), problem.to_string())
            })?;
            // What both kinds of data can be made of is kept in one form.
            return Self::from_json(&tokenizer.to_json(), translates)
                .map(Some)
                .map_err(|problem| error(folder.join(encoder), problem));
        }
        Ok(None)
    }

    /// What they are: `characters`, `words` or `byte pairs`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(tokenizer) => tokenizer.kind(),
            Self::Pairs(vocabularies) => vocabularies.target.kind(),
        }
    }

    /// The tokenizer of a text.
    ///
    /// # Errors
    /// If the tokens are those of pairs.
    pub fn text(&self) -> Result<&Tokenizer, Error> {
        match self {
            Self::Text(tokenizer) => Ok(tokenizer),
            Self::Pairs(_) => Err(Error::translates()),
        }
    }

    /// The vocabularies of pairs.
    ///
    /// # Errors
    /// If the tokens are those of a text.
    pub fn pairs(&self) -> Result<&PairVocabulary, Error> {
        match self {
            Self::Pairs(vocabularies) => Ok(vocabularies),
            Self::Text(_) => Err(Error::goes_on()),
        }
    }
}

/// A text file of a folder; none if there is none. If the folder is that of a run, the file is checked.
fn read(folder: &Path, name: &str) -> Result<Option<String>, Error> {
    let error = |problem: String| Error::File { path: folder.join(name), problem };
    let bytes = match Folder::open(folder) {
        Ok(run) if run.files().any(|file| file == name) => run.read(name)?,
        _ => match std::fs::read(folder.join(name)) {
            Ok(bytes) => bytes,
            Err(missing) if missing.kind() == ErrorKind::NotFound => return Ok(None),
            Err(problem) => return Err(error(problem.to_string())),
        },
    };
    String::from_utf8(bytes).map(Some).map_err(|_| error("not UTF-8 text".to_owned()))
}
