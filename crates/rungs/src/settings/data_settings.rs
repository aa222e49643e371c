//! The settings of the data that a run learns from.

use super::template::PromptSettings;
use super::tokenizer_kind::TokenizerKind;
use crate::Error;
use crate::models::Rung;
use crate::trainer::error::{counted, proper_share, setting};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a run learns from, and how it becomes tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    /// How text becomes tokens.
    #[serde(with = "super::as_text")]
    pub tokenizer: TokenizerKind,
    /// T, the tokens of a training window, or the most of an example. If not given, the context of the model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub context: Option<usize>,
    /// The fraction of the data that is held out for validation; unused where there is a file for it.
    pub validation_split: f64,
    /// The form of the examples.
    pub examples: Examples,
    /// The token that begins a text, as an imported model's configuration has it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub begin: Option<u32>,
    /// Ids of the tokens that end a text, as an imported model's configuration has them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub end: Vec<u32>,
    /// How an imported model is to generate, as its folder says it; see
    /// [`GenerationConfig`](crate::huggingface::GenerationConfig).
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub generation: Map<String, Value>,
}

/// The form of the examples that a run learns from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Examples {
    /// A text, which a language model learns to continue.
    Text {
        /// What stands between the documents of the text, if it has several: one token, wherever it stands.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        documents: Option<String>,
    },
    /// Pairs of texts, which an encoder-decoder learns to translate.
    Pairs {
        /// How often a token of the training part must occur to be known.
        min_count: usize,
        /// Whether texts are made lower-case.
        lower_case: bool,
    },
    /// Prompts and their answers, from pairs or dialogues, which a language model learns to continue.
    Prompts(PromptSettings),
}

impl Examples {
    /// A text of one document.
    pub fn text() -> Self {
        Self::Text { documents: None }
    }

    /// Pairs of which every token is known, as they are.
    pub fn pairs() -> Self {
        Self::Pairs { min_count: 1, lower_case: false }
    }

    /// What separates documents.
    pub fn documents(&self) -> Option<&str> {
        if let Self::Text { documents } = self { documents.as_deref() } else { None }
    }

    /// Whether pairs are made lower-case.
    pub fn lower_case(&self) -> bool {
        matches!(self, Self::Pairs { lower_case: true, .. })
    }
}

impl Default for DataSettings {
    fn default() -> Self {
        let (tokenizer, examples, end) = (TokenizerKind::Char, Examples::text(), Vec::new());
        Self { tokenizer, context: None, validation_split: 0.1, examples, begin: None, end, generation: Map::new() }
    }
}

impl DataSettings {
    pub(super) fn validate(&self, rung: Rung) -> Result<(), Error> {
        proper_share("validation-split", self.validation_split)?;
        self.tokenizer.validate(rung.translates())?;
        match (&self.examples, rung.translates()) {
            (&Examples::Pairs { min_count, .. }, true) => {
                counted("min-count", min_count)?;
                let kind = &self.tokenizer;
                setting("min-count", min_count == 1 || kind.is_learnt_apart(), || {
                    format!("only characters and words can be too rare to be known, not tokens of {kind}")
                })?;
            }
            (Examples::Text { documents }, false) => setting("documents", documents.as_deref() != Some(""), || {
                "nothing cannot stand between documents".to_owned()
            })?,
            (Examples::Prompts(prompts), false) => _ = prompts.parsed()?,
            (Examples::Pairs { .. }, false) => {
                return Err(Error::setting("pairs", format!("the rung {rung} learns pairs with a template")));
            }
            (_, true) => return Err(Error::setting("rung", format!("the rung {rung} learns pairs of texts"))),
        }
        Ok(())
    }
}
