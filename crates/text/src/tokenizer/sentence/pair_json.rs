//! The tokenizers of both sides as `tokenizer.json`.

use super::{Kind, SentenceTokenizer, Unit};
use crate::error::{FORMAT, TokenizerError};
use crate::tokenizer::BpeTokenizer;
use crate::tokenizer::json_format::{is_hugging_face, read_json, write_json};
use crate::tokenizer::word_pieces::WordRule;
use serde::{Deserialize, Serialize};

/// `{"format": 1, "source": {"kind": "char", "tokens": […]}, "target": {"kind": "char", "tokens": […]}}`, or of byte
/// pairs, which both sides share, one Hugging Face `tokenizer.json`. The same tokenizers give the same bytes.
///
/// # Panics
/// If one side has byte pairs and the other does not have the same.
pub fn pair_to_json(source: &SentenceTokenizer, target: &SentenceTokenizer) -> String {
    let side = |of: &SentenceTokenizer| match &of.kind {
        Kind::Pieces { unit: Unit::Char, .. } => {
            Some(Side { kind: Unit::Char, word_rule: WordRule::unsaid(), tokens: of.tokens.clone() })
        }
        Kind::Pieces { unit, rule, .. } => Some(Side { kind: *unit, word_rule: *rule, tokens: of.tokens.clone() }),
        Kind::Bpe(_) => None,
    };
    match (side(source), side(target), &target.kind) {
        (Some(source), Some(target), _) => write_json(&File { format: FORMAT, source, target }),
        (_, _, Kind::Bpe(tokenizer)) if source == target => tokenizer.to_json(),
        _ => panic!("byte pairs are shared by both sides"),
    }
}

/// Reads what [`pair_to_json`] wrote: source and target.
///
/// # Errors
/// If it is not JSON of this form (that of a language model is not), was written by a later version, or lists tokens
/// that no text gives.
pub fn pair_from_json(json: &str) -> Result<[SentenceTokenizer; 2], TokenizerError> {
    if is_hugging_face(json) {
        let shared = SentenceTokenizer::from_bpe(BpeTokenizer::from_json(json)?)?;
        return Ok([shared.clone(), shared]);
    }
    let File { source, target, .. } = read_json(json)?;
    let tokenizer = |side: Side| {
        let rule = if side.kind == Unit::Word { side.word_rule } else { WordRule::default() };
        SentenceTokenizer::by_rule(side.kind, rule, side.tokens)
    };
    Ok([tokenizer(source)?, tokenizer(target)?])
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
    #[serde(default = "WordRule::unsaid", skip_serializing_if = "WordRule::is_unsaid")]
    word_rule: WordRule,
    tokens: Vec<String>,
}
