//! The vocabularies of both sides.

use super::{SequenceVocabulary, Unit};
use crate::tokenizer::{FORMAT, TokenizerError, read_json, write_json};
use serde::{Deserialize, Serialize};

/// The vocabularies of a model that reads one language and writes another: its `tokenizer.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct PairVocabulary {
    /// What it reads.
    pub source: SequenceVocabulary,
    /// What it writes.
    pub target: SequenceVocabulary,
}

impl PairVocabulary {
    /// `{"format": 1, "source": {"kind": "char", "tokens": […]}, "target": {"kind": "char", "tokens": […]}}`. The same
    /// vocabularies give the same bytes.
    pub fn to_json(&self) -> String {
        write_json(&File { format: FORMAT, source: Side::of(&self.source), target: Side::of(&self.target) })
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// If it is not JSON of this form (that of a language model is not), was written by a later version, or lists
    /// tokens that no text gives.
    pub fn from_json(json: &str) -> Result<Self, TokenizerError> {
        let File { source, target, .. } = read_json(json)?;
        Ok(Self { source: source.vocabulary()?, target: target.vocabulary()? })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    source: Side,
    target: Side,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Side {
    kind: Unit,
    tokens: Vec<String>,
}

impl Side {
    fn of(vocabulary: &SequenceVocabulary) -> Self {
        Self { kind: vocabulary.unit, tokens: vocabulary.tokens.clone() }
    }

    fn vocabulary(self) -> Result<SequenceVocabulary, TokenizerError> {
        SequenceVocabulary::from_tokens(self.kind, self.tokens)
    }
}
