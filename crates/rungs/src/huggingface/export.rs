//! A run as a folder that `transformers` loads.

use super::tokenizer_config::{TOKENIZER_CONFIG, added};
use super::{CONFIG, Family, GENERATION};
use crate::data::TOKENIZER_FILE;
use crate::interop::huggingface::{Pretrained, WEIGHTS_FILE, write};
use crate::layers::lora::merge;
use crate::models::ModelConfig;
use crate::tensor::safetensors;
use crate::trainer::checkpoint::{AtomicFile, FolderLock, check_can_be_folder};
use crate::{Error, SavedRun};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

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
    let (tokenizer, data) = (run.tokenizers.text()?, &settings.data);
    let begin = tokenizer.beginning().first().copied().or(data.begin);
    let pretrained = Pretrained::of(&config, begin, data.end.clone());
    let pretrained = pretrained.map_err(|problem| Error::file(run.path(), problem))?;
    let mut files = vec![(CONFIG, pretrained.to_json())];
    if !data.generation.is_empty() {
        let mut generation = data.generation.clone();
        generation.insert("bos_token_id".to_owned(), json!(pretrained.begin));
        generation.insert("eos_token_id".to_owned(), pretrained.end_json());
        files.push((GENERATION, format!("{:#}\n", Value::Object(generation))));
    }
    if tokenizer.is_hugging_face() {
        // Any other token that they are told is special becomes one of theirs that it was not.
        let file: Value = serde_json::from_str(&tokenizer.to_json()).expect("it was written as JSON");
        let special = |id: u32| added(&file).find(|(_, added)| *added == u64::from(id)).map(|(token, _)| token);
        let mut config = json!({ "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": config.context });
        for (name, id) in [("bos_token", pretrained.begin), ("eos_token", pretrained.end.first().copied())] {
            if let Some(token) = id.and_then(special) {
                config[name] = json!(token);
            }
        }
        files.push((TOKENIZER_FILE, tokenizer.to_json()));
        files.push((TOKENIZER_CONFIG, format!("{config:#}\n")));
    }
    let mut names: Vec<&'static str> = files.iter().map(|(name, _)| *name).chain([WEIGHTS_FILE]).collect();
    check_can_be_folder(out)?;
    let next = |name: &str| out.join(format!("{name}.next"));
    // The configuration's draft is written before any file gets its name, and gets its own name last. While it waits
    // beside no configuration, the files are those of an export that was killed, and are replaced.
    let is_unfinished = || next(CONFIG).exists() && !out.join(CONFIG).exists();
    let check_free = || match names.iter().find(|name| out.join(name).exists()) {
        Some(name) if !is_unfinished() => Err(Error::file(out.join(name), "in the way: there is such a file already")),
        _ => Ok(()),
    };
    check_free()?;
    let mut model = run.model()?;
    merge(&mut model);
    let ours = model.weights();
    drop(model);
    let theirs = write(&pretrained, &ours);
    drop(ours);

    fs::create_dir_all(out).map_err(|source| Error::Save { path: out.to_owned(), source })?;
    let _lock = FolderLock::acquire(out)?;
    check_free()?; // another process may have been there first
    if is_unfinished() {
        // Best effort: the other export may have had files that this one has not.
        [TOKENIZER_FILE, TOKENIZER_CONFIG, GENERATION].iter().for_each(|name| drop(fs::remove_file(out.join(name))));
    }
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
