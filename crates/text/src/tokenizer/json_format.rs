//! The form of every `tokenizer.json`: its version, and whether it is ours or one of Hugging Face.

use crate::error::{FORMAT, TokenizerError};
use serde::{Deserialize, Serialize};

/// Whether this is a `tokenizer.json` of Hugging Face: it has a model and, unlike ours, no format.
pub(crate) fn is_hugging_face(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Outline {
        format: Option<serde::de::IgnoredAny>,
        model: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_str(json).is_ok_and(|Outline { format, model }| format.is_none() && model.is_some())
}

/// As much of `tokenizer.json` as every version has in common.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// The bytes of a `tokenizer.json` that holds this.
pub(crate) fn write_json(file: &impl Serialize) -> String {
    let mut json = serde_json::to_string_pretty(file).expect("strings and a number can always be written");
    json.push('\n');
    json
}

/// What a `tokenizer.json` holds.
pub(crate) fn read_json<File: serde::de::DeserializeOwned>(json: &str) -> Result<File, TokenizerError> {
    // The version first: of a later one, nothing else can be relied upon.
    let Version { format } = serde_json::from_str(json).map_err(TokenizerError::json)?;
    if format != FORMAT {
        return Err(TokenizerError::Text(format!(
            "tokenizer format {format} is not known; this version reads format {FORMAT}"
        )));
    }
    serde_json::from_str(json).map_err(TokenizerError::json)
}
