//! The files of a run folder, read one by one.

use crate::Error;
use crate::data::{TOKENIZER_FILE, Tokenizers};
use crate::settings::Settings;
use crate::trainer::Folder;
use crate::trainer::checkpoint::TRAINING_FILE;

/// That there is the state of a training in a folder.
pub(super) fn check_trained(folder: &Folder) -> Result<(), Error> {
    match folder.files().any(|file| file == TRAINING_FILE) {
        true => Ok(()),
        false => Err(Error::Imported(folder.path().to_owned())),
    }
}

pub(super) fn tokenizers(folder: &Folder, settings: &Settings) -> Result<Tokenizers, Error> {
    let tokenizers = Tokenizers::from_json(&text(folder, TOKENIZER_FILE)?, settings.rung().translates());
    tokenizers.map_err(|problem| damaged(folder, TOKENIZER_FILE, problem.to_string()))
}

pub(super) fn text(folder: &Folder, name: &str) -> Result<String, Error> {
    String::from_utf8(folder.read(name)?).map_err(|_| damaged(folder, name, "not UTF-8 text".to_owned()))
}

pub(super) fn damaged(folder: &Folder, name: &str, problem: String) -> Error {
    Error::File { path: folder.path().join(name), problem }
}
