//! The vocabularies of both sides.

use super::{Kind, SequenceVocabulary, Unit};
use crate::error::{FORMAT, TokenizerError};
use crate::pairs::TextPair;
use crate::tokenizer::json_format::{is_hugging_face, read_json, write_json};
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
    /// One vocabulary for both sides.
    pub fn shared(vocabulary: SequenceVocabulary) -> Self {
        Self { source: vocabulary.clone(), target: vocabulary }
    }

    /// The ids of both sides of a pair.
    ///
    /// # Errors
    /// As [`SequenceVocabulary::encode`].
    pub fn encode(&self, pair: &TextPair) -> Result<(Vec<u32>, Vec<u32>), TokenizerError> {
        Ok((self.source.encode(&pair.source)?, self.target.encode(&pair.target)?))
    }

    /// `{"format": 1, "source": {"kind": "char", "tokens": […]}, "target": {"kind": "char", "tokens": […]}}`, or of
    /// byte pairs, which both sides share, one Hugging Face `tokenizer.json`. The same vocabularies give the same
    /// bytes.
    ///
    /// # Panics
    /// If one side has byte pairs and the other does not have the same.
    pub fn to_json(&self) -> String {
        match (&self.source.kind, &self.target.kind) {
            (Kind::Pieces { unit: source, .. }, Kind::Pieces { unit: target, .. }) => {
                let side = |&kind, vocabulary: &SequenceVocabulary| Side { kind, tokens: vocabulary.tokens.clone() };
                let (source, target) = (side(source, &self.source), side(target, &self.target));
                write_json(&File { format: FORMAT, source, target })
            }
            _ => {
                assert_eq!(self.source, self.target, "byte pairs are shared by both sides");
                self.source.to_json()
            }
        }
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// If it is not JSON of this form (that of a language model is not), was written by a later version, or lists
    /// tokens that no text gives.
    pub fn from_json(json: &str) -> Result<Self, TokenizerError> {
        if is_hugging_face(json) {
            return SequenceVocabulary::from_json(json).map(Self::shared);
        }
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
    fn vocabulary(self) -> Result<SequenceVocabulary, TokenizerError> {
        SequenceVocabulary::from_tokens(self.kind, self.tokens)
    }
}
