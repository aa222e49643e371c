//! Folders of Hugging Face's `transformers`: GPT-2 and Llama opened as they ship, and written so that it opens them.
//!
//! | file of theirs | what becomes of it |
//! |---|---|
//! | `config.json` | [settings](crate::Settings) of a GPT; see [`crate::interop::huggingface`] |
//! | `model.safetensors`, or several with an index | `model.safetensors` in our names, in single precision |
//! | `tokenizer.json`, or `vocab.json` with `merges.txt` | `tokenizer.json`; without one, tokens are [ids] |
//! | `generation_config.json` | which tokens end a text |
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

pub use export::{Exported, export};

use crate::interop::huggingface::{Family, FileError, Pretrained, Shards, read, read_text};
use crate::models::{GptConfig, ModelConfig};
use crate::settings::TokenizerKind;
use crate::text::Tokenizer;
use crate::text::tokenizer::IdTokenizer;
use crate::{Error, Provenance, Run, RunConfig, Rung, SavedRun, Settings, Tokenizers};
use std::path::Path;

/// Their settings.
const CONFIG: &str = "config.json";
/// How they write, where it is said apart.
const GENERATION: &str = "generation_config.json";

/// Makes a run folder `out` of the folder `from` of Hugging Face.
///
/// # Errors
/// If there is something in the way, or a file is missing, damaged, of another architecture or asks for what is not
/// known here: with the file, and the field or tensor. Then nothing is written.
pub fn import(family: Family, from: &Path, out: &Path) -> Result<SavedRun, Error> {
    Run::check_free(out)?;
    if !from.is_dir() {
        return Err(Error::file(from, "there is no such folder"));
    }
    let json = read_text(from, CONFIG)?.ok_or_else(|| FileError::missing(from, CONFIG))?;
    let generation = read_text(from, GENERATION)?;
    let pretrained = Pretrained::from_json(family, &json, generation.as_deref())
        .map_err(|problem| Error::file(from.join(CONFIG), problem))?;
    let tokenizers = tokenizers(from, pretrained.config.vocabulary)?;
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
    settings.data.end = pretrained.end;
    settings.training.batch_size = 1;
    settings.validate()?;
    let config = RunConfig { settings, text, validation: None, from: None };
    SavedRun::write(out, config, &tokenizers, &weights)
}

/// The tokenizer of a folder, which is to have as many tokens as the model.
fn tokenizers(from: &Path, vocabulary: usize) -> Result<Tokenizers, Error> {
    let Some(tokenizers) = Tokenizers::find(from, false)? else {
        return Ok(Tokenizer::Ids(IdTokenizer::new(vocabulary)?).into());
    };
    let found = tokenizers.target.vocabulary();
    let problem = format!("vocab_size: the model has {vocabulary} tokens, and the tokenizer beside it {found}");
    if found == vocabulary { Ok(tokenizers) } else { Err(Error::file(from.join(CONFIG), problem)) }
}

impl From<FileError> for Error {
    fn from(FileError { path, problem }: FileError) -> Self {
        Self::file(path, problem)
    }
}
