//! Folders of Hugging Face's `transformers`: GPT-2 and Llama opened as they ship, and written so that it opens them.
//!
//! | file of theirs | what becomes of it |
//! |---|---|
//! | `config.json` | [settings](crate::Settings) of a GPT; see [`crate::interop::huggingface`] |
//! | `model.safetensors`, or several with an index | `model.safetensors` in our names, in single precision |
//! | `tokenizer.json`, or `vocab.json` with `merges.txt` | `tokenizer.json`; without one, tokens are [ids] |
//! | `tokenizer_config.json` | which token begins a text, and where a space is put before one |
//! | `generation_config.json` | which tokens end a text, and how one is [generated](GenerationConfig) if asked |
//!
//! [ids]: crate::text::tokenizer::ids
//!
//! What [`import`] makes is a run folder like any other but for what training would have left: it writes and is
//! measured, and a new run can [begin with it](crate::Run::begin_with), but there is nothing to go on with. [`export`]
//! goes back.
//!
//! A folder comes from anywhere. Nothing is believed that can be checked, and nothing is written before everything was:
//! the header before the numbers are read, the names and shapes of all tensors before the first of them is, and no file
//! is opened that the index puts outside of the folder. Pickled files (`pytorch_model.bin`) run as a program when they
//! are opened, and are not.
//!
//! Tensors are read one at a time, and written piece by piece, so that importing takes little more memory than the
//! weights.

mod export;
mod tokenizer_config;

pub use crate::interop::huggingface::GenerationConfig;
pub use export::{Exported, export};

use crate::interop::huggingface::{Family, FileError, Pretrained, Shards, read, read_text};
use crate::models::{GptConfig, ModelConfig};
use crate::settings::TokenizerKind;
use crate::text::Tokenizer;
use crate::text::tokenizer::IdTokenizer;
use crate::{Error, Provenance, Run, RunConfig, Rung, SavedRun, Settings, Tokenizers};
use serde_json::{Map, Value};
use std::path::Path;
use tokenizer_config::{TOKENIZER_CONFIG, TokenizerConfig};

/// Their settings.
const CONFIG: &str = "config.json";
/// How they write, where it is said apart.
const GENERATION: &str = "generation_config.json";

/// The most names and values that a notice lists.
const MOST_LISTED: usize = 30;

/// A folder that became a run.
#[derive(Debug)]
pub struct Imported {
    /// The run.
    pub run: SavedRun,
    /// What of the folder is passed over or not in force by itself, each in one line.
    pub notices: Vec<String>,
}

/// Makes a run folder `out` of the folder `from` of Hugging Face.
///
/// # Errors
/// If there is something in the way, or a file is missing, damaged, of another architecture or asks for what is not
/// known here: with the file, and the field or tensor. Then nothing is written.
pub fn import(family: Family, from: &Path, out: &Path) -> Result<Imported, Error> {
    Run::check_free(out)?;
    if !from.is_dir() {
        return Err(Error::file(from, "there is no such folder"));
    }
    let json = read_text(from, CONFIG)?.ok_or_else(|| FileError::missing(from, CONFIG))?;
    let generation = read_text(from, GENERATION)?;
    let mut pretrained = Pretrained::from_json(family, &json, generation.as_deref())
        .map_err(|problem| Error::file(from.join(CONFIG), problem))?;
    let mut notices = notices(&pretrained);
    let tokenizers = tokenizers(from, &json, &mut pretrained, &mut notices)?;
    let mut shards = Shards::open(from)?;
    let shapes = shards.shapes();
    let weights = read::<f32>(&pretrained, &shapes, &mut |name| shards.fetch(name));
    let weights = weights.map_err(|problem| Error::file(shards.path(), problem))?;

    let from = std::path::absolute(from).unwrap_or_else(|_| from.to_owned());
    let text = Provenance::of(from.display().to_string(), &json);
    // To be trained with the defaults of the rung, one sequence at a time.
    let mut settings = Settings::of(Rung::Gpt);
    settings.model = ModelConfig::Gpt(GptConfig { vocabulary: 0, ..pretrained.config });
    settings.data.tokenizer = TokenizerKind::Folder(from);
    (settings.data.begin, settings.data.end) = (pretrained.begin, pretrained.end);
    settings.data.generation = pretrained.generation;
    settings.training.batch_size = 1;
    settings.validate()?;
    let config = RunConfig { settings, text, validation: None, from: None };
    Ok(Imported { run: SavedRun::write(out, config, &tokenizers, &weights)?, notices })
}

/// What of a configuration is not in force.
fn notices(pretrained: &Pretrained) -> Vec<String> {
    let listed = |mut all: Vec<String>| {
        let more = all.len().saturating_sub(MOST_LISTED);
        all.truncate(MOST_LISTED);
        all.iter_mut().for_each(|one| *one = one.chars().take(100).collect());
        all.extend((more > 0).then(|| format!("and {more} more")));
        all.join(", ")
    };
    let mut notices = Vec::new();
    if !pretrained.passed_over.is_empty() {
        let fields = listed(pretrained.passed_over.clone());
        notices.push(format!("fields of the configuration that are not known here, and passed over: {fields}"));
    }
    if !pretrained.generation.is_empty() {
        let values = listed(named_values(&pretrained.generation));
        notices.push(format!("its settings of generation are taken with generate --use-generation-config: {values}"));
    }
    notices
}

/// Each field with its value.
fn named_values(object: &Map<String, Value>) -> Vec<String> {
    object.iter().map(|(name, value)| format!("{name} {value}")).collect()
}

/// The tokenizer of a folder, which is to have as many tokens as the model; `json` is its `config.json`.
fn tokenizers(
    from: &Path,
    json: &str,
    pretrained: &mut Pretrained,
    notices: &mut Vec<String>,
) -> Result<Tokenizers, Error> {
    let vocabulary = pretrained.config.vocabulary;
    let Some(tokenizers) = Tokenizers::find(from, false)? else {
        return Ok(Tokenizer::Ids(IdTokenizer::new(vocabulary)?).into());
    };
    let tokenizers = TokenizerConfig::read(from, json)?
        .applied(tokenizers, &mut pretrained.begin, notices)
        .map_err(|problem| Error::file(from.join(TOKENIZER_CONFIG), problem))?;
    let found = tokenizers.target.vocabulary();
    if let Some(&first) = tokenizers.target.beginning().first() {
        pretrained.begin = Some(first);
    }
    let problem = format!("vocab_size: the model has {vocabulary} tokens, and the tokenizer beside it {found}");
    if found == vocabulary { Ok(tokenizers) } else { Err(Error::file(from.join(CONFIG), problem)) }
}

impl From<FileError> for Error {
    fn from(FileError { path, problem }: FileError) -> Self {
        Self::file(path, problem)
    }
}
