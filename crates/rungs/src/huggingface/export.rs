//! A run as a folder that `transformers` loads.

use super::{CONFIG, Family};
use crate::data::TOKENIZER_FILE;
use crate::interop::huggingface::{Pretrained, WEIGHTS_FILE, write};
use crate::layers::lora::merge;
use crate::models::ModelConfig;
use crate::tensor::safetensors;
use crate::trainer::checkpoint::{AtomicFile, FolderLock, check_can_be_folder};
use crate::{Error, SavedRun};
use serde_json::json;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// What `transformers` makes of a tokenizer.
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// As which architecture.
    pub family: Family,
    /// The files, by name.
    pub files: Vec<&'static str>,
}

/// Writes the model of a run, with its adapter merged if it has one, and its tokenizer if it is one of theirs, into the
/// folder `out`.
///
/// # Errors
/// If neither architecture of theirs can be this model, or something is in the way, or a file cannot be written.
pub fn export(run: &SavedRun, out: &Path) -> Result<Exported, Error> {
    let settings = &run.config.settings;
    let ModelConfig::Gpt(config) = settings.model_for(&run.tokenizers) else {
        let problem = format!("the rung {} has no counterpart in transformers, only gpt has", settings.rung());
        return Err(Error::setting("rung", problem));
    };
    let (tokenizer, end) = (run.tokenizers.text()?, settings.data.end.clone());
    let pretrained = Pretrained::of(&config, end).map_err(|problem| Error::file(run.path(), problem))?;
    let mut files = vec![(CONFIG, pretrained.to_json())];
    if tokenizer.is_hugging_face() {
        let special = |id: &u32| Some(tokenizer.decode(&[*id])).filter(|token| !token.contains('\u{fffd}'));
        let mut config = json!({ "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": config.context });
        if let Some(end) = pretrained.end.first().and_then(special) {
            config["eos_token"] = json!(end);
        }
        files.push((TOKENIZER_FILE, tokenizer.to_json()));
        files.push((TOKENIZER_CONFIG, format!("{config:#}\n")));
    }
    let mut names: Vec<&'static str> = files.iter().map(|(name, _)| *name).chain([WEIGHTS_FILE]).collect();
    check_can_be_folder(out)?;
    let next = |name: &str| out.join(format!("{name}.next"));
    // The configuration's draft is written before any file gets its name, and gets its own name last. While it waits
    // beside no configuration, the files are those of an export that was killed, and are replaced.
    let unfinished = next(CONFIG).exists() && !out.join(CONFIG).exists();
    if let Some(name) = names.iter().find(|name| !unfinished && out.join(name).exists()) {
        return Err(Error::file(out.join(name), "in the way: there is such a file already"));
    }
    let mut model = run.model()?;
    merge(&mut model);
    let ours = model.weights();
    drop(model);
    let theirs = write(&pretrained, &ours);
    drop(ours);

    fs::create_dir_all(out).map_err(|source| Error::Save { path: out.to_owned(), source })?;
    let _lock = FolderLock::acquire(out)?;
    let draft = |name: &str, contents: &dyn Fn(&mut dyn Write) -> io::Result<()>| {
        AtomicFile::write(&next(name), contents).map_err(|source| Error::Save { path: out.join(name), source })
    };
    let drafts = files.iter().try_for_each(|(name, contents)| draft(name, &|to| to.write_all(contents.as_bytes())));
    let drafts =
        drafts.and_then(|()| draft(WEIGHTS_FILE, &|to| safetensors::write_to(&theirs, Some(("format", "pt")), to)));
    if let Err(error) = drafts {
        // Best effort: a draft that stays blocks nothing.
        names.iter().for_each(|name| drop(fs::remove_file(next(name))));
        return Err(error);
    }
    names.iter().rev().try_for_each(|name| {
        let path = out.join(name);
        fs::rename(next(name), &path).map_err(|source| Error::Save { path, source })
    })?;
    names.sort_unstable();
    Ok(Exported { family: pretrained.family, files: names })
}
