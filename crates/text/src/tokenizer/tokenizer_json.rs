//! A tokenizer as `tokenizer.json`, written and read.

#[cfg(feature = "tokenizers")]
use super::HuggingFaceTokenizer;
use super::json_format::{is_hugging_face, read_json, write_json};
use super::sentence::pair_to_json;
use super::word_pieces::WordRule;
use super::{BpeTokenizer, CharTokenizer, IdTokenizer, Tokenizer, WordTokenizer};
use crate::error::{FORMAT, TokenizerError};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
#[cfg(feature = "tokenizers")]
use std::sync::Arc;

impl Tokenizer {
    /// The content of `tokenizer.json`, of sentences that of [both sides](pair_to_json) of a pair. The same tokenizer
    /// gives the same bytes.
    pub fn to_json(&self) -> String {
        let file = |kind, word_rule, tokens, vocabulary| {
            write_json(&File { format: FORMAT, kind, word_rule, tokens, vocabulary })
        };
        match self {
            Self::Char(tokenizer) => {
                file(Kind::Char, WordRule::unsaid(), Some(tokenizer.tokens().map(String::from).collect()), None)
            }
            Self::Word(tokenizer) => file(Kind::Word, tokenizer.rule, Some(tokenizer.tokens.clone()), None),
            Self::Bpe(tokenizer) => tokenizer.to_json(),
            Self::Ids(tokenizer) => file(Kind::Ids, WordRule::unsaid(), None, Some(tokenizer.vocabulary())),
            Self::Sentence(tokenizer) => pair_to_json(tokenizer, tokenizer),
            #[cfg(feature = "tokenizers")]
            Self::HuggingFace(tokenizer) => tokenizer.to_json().to_owned(),
        }
    }

    /// Reads what [`to_json`](Tokenizer::to_json) wrote, but of sentences, or a `tokenizer.json` of Hugging Face.
    ///
    /// # Errors
    /// If it is not JSON of this form, was written by a later version, lists tokens that no text gives, or describes
    /// something that is not known here: see [`TokenizerError`].
    pub fn from_json(json: &str) -> Result<Self, TokenizerError> {
        if !is_hugging_face(json) {
            return read_json(json).and_then(tokenizer);
        }
        match BpeTokenizer::from_json(json) {
            Err(TokenizerError::Unsupported(unknown)) => open_by_crate(json, &unknown),
            known => known.map(Self::from),
        }
    }
}

/// Opens what is not known here.
#[cfg(feature = "tokenizers")]
fn open_by_crate(json: &str, unknown: &str) -> Result<Tokenizer, TokenizerError> {
    match HuggingFaceTokenizer::from_json(json) {
        Ok(tokenizer) => Ok(Tokenizer::HuggingFace(Arc::new(tokenizer))),
        Err(TokenizerError::Unsupported(problem)) => {
            Err(TokenizerError::Unsupported(format!("{unknown}, and the crate tokenizers says: {problem}")))
        }
        Err(other) => Err(other),
    }
}

/// Says what would open what is not known here.
#[cfg(not(feature = "tokenizers"))]
fn open_by_crate(_: &str, unknown: &str) -> Result<Tokenizer, TokenizerError> {
    let problem = format!("{unknown}; built with the feature tokenizers, all opens that Hugging Face's crate knows");
    Err(TokenizerError::Unsupported(problem))
}

impl Serialize for Tokenizer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let file: serde_json::Value = serde_json::from_str(&self.to_json()).map_err(S::Error::custom)?;
        file.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Tokenizer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::from_json(&serde_json::Value::deserialize(from)?.to_string()).map_err(D::Error::custom)
    }
}

/// What `tokenizer.json` holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    kind: Kind,
    #[serde(default = "WordRule::unsaid", skip_serializing_if = "WordRule::is_unsaid")]
    word_rule: WordRule,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    tokens: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    vocabulary: Option<usize>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Char,
    Word,
    Ids,
}

/// The tokenizer of a file.
fn tokenizer(File { kind, word_rule, tokens, vocabulary, .. }: File) -> Result<Tokenizer, TokenizerError> {
    match (kind, tokens, vocabulary) {
        (Kind::Char, Some(tokens), None) => CharTokenizer::from_tokens(&tokens).map(Tokenizer::Char),
        (Kind::Word, Some(tokens), None) => WordTokenizer::by_rule(word_rule, tokens).map(Tokenizer::Word),
        (Kind::Ids, None, Some(vocabulary)) => IdTokenizer::new(vocabulary).map(Tokenizer::Ids),
        (Kind::Ids, ..) => Err(TokenizerError::Json("ids need a vocabulary, and no tokens".to_owned())),
        _ => Err(TokenizerError::Json("missing field `tokens`, or a vocabulary beside them".to_owned())),
    }
}
