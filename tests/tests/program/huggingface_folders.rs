//! Copies of the folders of Hugging Face among the fixtures.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::binary::snapshot;

pub(crate) fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/huggingface")
}

pub(crate) fn folder() -> TempDir {
    TempDir::new().unwrap()
}

/// A copy of a fixture, to be changed.
pub(crate) fn copy(name: &str, at: &Path) {
    fs::create_dir_all(at.join("hf")).unwrap();
    for (path, contents) in snapshot(&fixtures().join(name)) {
        fs::write(at.join("hf").join(path.file_name().unwrap()), contents).unwrap();
    }
}

pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}
