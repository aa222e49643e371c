//! Files of a folder, and what is wrong with one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file that is not what it must be, or is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct FileError {
    /// The file, or the folder that it is missing from.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

impl FileError {
    /// There is no such file in the folder.
    pub fn missing(folder: &Path, name: &str) -> Self {
        Self { path: folder.to_owned(), problem: format!("there is no {name} in it") }
    }
}

/// A text file of a folder; none if there is none.
///
/// # Errors
/// If it cannot be read, or is not UTF-8.
pub fn read_text(folder: &Path, name: &str) -> Result<Option<String>, FileError> {
    let path = folder.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(FileError { path, problem: "not UTF-8 text".to_owned() }),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError { path, problem: error.to_string() }),
    }
}
