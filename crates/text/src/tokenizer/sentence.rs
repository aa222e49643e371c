//! Sentences to token ids and back, for models that read one text and write another.
//!
//! A language model reads one endless text; a sequence-to-sequence model reads and writes short ones that begin and
//! end, many of them side by side. Its vocabulary has four tokens that no text has:
//!
//! | id | token | stands |
//! |---|---|---|
//! | [`PADDING`] | `<pad>` | behind the end of the shorter texts of a batch |
//! | [`START`] | `<s>` | before what is to be written |
//! | [`END`] | `</s>` | behind it |
//! | [`UNKNOWN`] | `<unk>` | for every piece outside the vocabulary |
//!
//! The other tokens are the characters of the training texts, or their pieces: the words and marks of the
//! [word tokenizer](super::word), a space before a word belonging to it. In two things sentences are not cut
//! as one long text is:
//!
//! - One space is put before every text and taken off again, so that a word at the beginning is the token that it is
//!   elsewhere (SentencePiece's dummy prefix; Kudo and Richardson 2018,
//!   [arXiv:1808.06226](https://arxiv.org/abs/1808.06226)).
//! - A word is cut behind an elision, which is an apostrophe after one letter or after `qu`: `j'ai` is `j'|ai` and
//!   `lorsqu'il` is `lorsqu'|il`, while `don't` and `aujourd'hui` stay whole. In French the words behind are thus
//!   learnt once, not once for each of `l'`, `d'`, `j'`, `c'`, `qu'`, and fewer are unknown.
//!
//! Or they are the runs of bytes that [byte-pair encoding](super::bpe) learns from the texts of both sides,
//! to which nothing is unknown.
//!
//! Decoding is concatenation, so a text without unknown pieces comes back to the letter, and what a model writes can be
//! measured without being put together by rules.

mod sentence_pieces;

pub use sentence_pieces::Unit;

use super::json_format::{is_hugging_face, read_json, write_json};
use super::token_list::{REPLACEMENT_TEXT, TokenBytes, check_first, count, index, most_frequent};
use super::word_pieces::{SPACE, WordRule};
use super::{BpeTokenizer, WordOptions};
use crate::error::{FORMAT, TokenizerError};
use sentence_pieces::{cut, is_piece};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// The id of what stands behind the end of the shorter texts of a batch.
pub const PADDING: u32 = 0;

/// The id of what a decoder reads before it writes the first token.
pub const START: u32 = 1;

/// The id of what a decoder writes after the last token.
pub const END: u32 = 2;

/// The id of every piece outside the vocabulary. It is written as one mark, U+FFFD, which no reference has, so that it
/// counts as one wrong word.
pub const UNKNOWN: u32 = 3;

/// The tokens of the first ids. No text is encoded as one of them by accident: written out, each is several pieces.
pub const SPECIAL: [&str; 4] = ["<pad>", "<s>", "</s>", "<unk>"];

/// Sentences are pieces between a beginning and an end; see the [module](self).
///
/// ```
/// use rungs_text::tokenizer::sentence::{PADDING, UNKNOWN};
/// use rungs_text::{SentenceTokenizer, Unit, WordOptions};
///
/// let texts = ["J'ai faim.", "J'ai soif.", "Qu'il vienne !"];
/// let french = SentenceTokenizer::from_texts(texts, Unit::Word, WordOptions::default())?;
/// let ids = french.encode("J'ai soif !")?;
/// assert_eq!(ids.len(), 4); // " J'", "ai", " soif", " !"
/// assert_eq!(french.decode(&[&ids[..], &[PADDING]].concat()), "J'ai soif !");
/// assert_eq!(french.encode("J'ai froid.")?[2], UNKNOWN);
/// # Ok::<(), rungs_text::TokenizerError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SentenceTokenizer {
    /// The token of every id, the special ones first; of bytes that are no characters, U+FFFD in their place.
    tokens: Vec<String>,
    kind: Kind,
}

/// How a text becomes tokens.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// It is cut into pieces, each of which has an id.
    Pieces { unit: Unit, rule: WordRule, ids: HashMap<String, u32> },
    /// By byte-pair encoding.
    Bpe(Arc<BpeTokenizer>),
}

impl SentenceTokenizer {
    /// The vocabulary of the pieces of `texts` that `options` admit, most frequent first, those equally frequent in the
    /// order of their code points. The four special tokens count towards the largest size.
    ///
    /// # Errors
    /// If there is no text, or no piece is admitted.
    pub fn from_texts<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        unit: Unit,
        options: WordOptions,
    ) -> Result<Self, TokenizerError> {
        let mut counts = HashMap::new();
        texts.into_iter().for_each(|text| cut(text, unit, WordRule::default(), |piece| count(&mut counts, piece)));
        let WordOptions { minimum_count, maximum_size } = options;
        Self::from_tokens(unit, most_frequent(counts, &SPECIAL, minimum_count, maximum_size)?)
    }

    /// The vocabulary of `size` tokens that byte-pair encoding learns from `texts`: the four special ones, the 256
    /// bytes, and what is merged. The same texts give the same vocabulary.
    ///
    /// # Errors
    /// If there is no text, if it does not give so many tokens, or if there would be fewer than 261.
    pub fn bpe_from_texts<'a>(texts: impl IntoIterator<Item = &'a str>, size: usize) -> Result<Self, TokenizerError> {
        Self::from_bpe(BpeTokenizer::from_sentences(texts, size, &SPECIAL)?)
    }

    /// The vocabulary of a byte-pair tokenizer whose first tokens are the special ones.
    fn from_bpe(tokenizer: BpeTokenizer) -> Result<Self, TokenizerError> {
        let token = |id| tokenizer.token(id).map_or(REPLACEMENT_TEXT.into(), String::from_utf8_lossy).into_owned();
        let tokens: Vec<String> = (0..tokenizer.vocabulary() as u32).map(token).collect();
        check_special(&tokens)?;
        Ok(Self { tokens, kind: Kind::Bpe(Arc::new(tokenizer)) })
    }

    /// The vocabulary whose token i is `tokens[i]`.
    ///
    /// # Errors
    /// If there are too many, if the first four are not the special ones, if one of the others is not a single
    /// piece, or if one is listed twice.
    pub fn from_tokens(unit: Unit, tokens: Vec<String>) -> Result<Self, TokenizerError> {
        Self::by_rule(unit, WordRule::default(), tokens)
    }

    /// The vocabulary of `tokens`, whose words are cut by a rule.
    fn by_rule(unit: Unit, rule: WordRule, tokens: Vec<String>) -> Result<Self, TokenizerError> {
        let rule = if unit == Unit::Word { rule } else { WordRule::unsaid() };
        check_special(&tokens)?;
        if let Some(id) = (SPECIAL.len()..tokens.len()).find(|&id| !is_piece(&tokens[id], unit, rule)) {
            let expected = if unit == Unit::Char { "one character" } else { "one word or one mark" };
            return Err(TokenizerError::Malformed { id, token: tokens[id].clone(), expected });
        }
        let ids = index(&tokens)?;
        Ok(Self { tokens, kind: Kind::Pieces { unit, rule, ids } })
    }

    /// The ids of the tokens of `text`, [`UNKNOWN`] where there is none. [`START`] and [`END`] are not added.
    ///
    /// # Errors
    /// Of byte pairs, as [`BpeTokenizer::encode`].
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        match &self.kind {
            Kind::Pieces { unit, rule, ids } => {
                let mut found = Vec::new();
                cut(text, *unit, *rule, |piece| found.push(ids.get(piece).copied().unwrap_or(UNKNOWN)));
                Ok(found)
            }
            Kind::Bpe(tokenizer) => tokenizer.encode_ordinary(text),
        }
    }

    /// The tokens of `ids` put together. Padding, start and end are left out; an unknown piece, and an id outside
    /// the vocabulary, becomes U+FFFD, the replacement character.
    pub fn decode(&self, ids: &[u32]) -> String {
        let unit = match &self.kind {
            &Kind::Pieces { unit, .. } => unit,
            Kind::Bpe(tokenizer) => {
                let said = ids.iter().filter(|id| ![PADDING, START, END].contains(id));
                // No id is outside of every vocabulary, but the largest is outside of all that can be.
                let said = said.map(|&id| if id == UNKNOWN { u32::MAX } else { id });
                return tokenizer.decode(&said.collect::<Vec<_>>());
            }
        };
        // Most pieces are words with their space.
        let space = if unit == Unit::Word { SPACE } else { "" };
        let unknown = [space, REPLACEMENT_TEXT].concat();
        let piece = |&id: &u32| match id {
            PADDING | START | END => "",
            UNKNOWN => &unknown,
            _ => self.tokens.get(id as usize).map_or(&*unknown, String::as_str),
        };
        let text: String = ids.iter().map(piece).collect();
        text.strip_prefix(space).map(str::to_owned).unwrap_or(text)
    }

    /// What each token adds to a text; none for the special ones.
    pub fn token_bytes(&self) -> TokenBytes {
        let spelled = |id: u32| match (&self.kind, id) {
            (_, PADDING | START | END | UNKNOWN) => None,
            (Kind::Bpe(tokenizer), _) => tokenizer.token(id).map(<[u8]>::to_vec),
            (Kind::Pieces { .. }, _) => self.token(id).map(|token| token.as_bytes().to_vec()),
        };
        let strips_space = match &self.kind {
            Kind::Bpe(tokenizer) => tokenizer.decoding.strips_space(),
            Kind::Pieces { unit, .. } => *unit == Unit::Word,
        };
        TokenBytes { tokens: (0..self.vocabulary() as u32).map(spelled).collect(), strips_space }
    }

    /// V, the number of tokens, the special ones among them.
    pub fn vocabulary(&self) -> usize {
        self.tokens.len()
    }

    /// What its tokens are: `characters`, `words` or `byte pairs`.
    pub fn kind(&self) -> &'static str {
        match &self.kind {
            Kind::Pieces { unit: Unit::Char, .. } => "characters",
            Kind::Pieces { unit: Unit::Word, .. } => "words",
            Kind::Bpe(_) => "byte pairs",
        }
    }

    /// The token of an id as it is, with its space: to label what a model attends to. Bytes that are no characters
    /// become U+FFFD.
    pub fn token(&self, id: u32) -> Option<&str> {
        self.tokens.get(id as usize).map(String::as_str)
    }
}

/// That the first tokens are the special ones.
fn check_special(tokens: &[String]) -> Result<(), TokenizerError> {
    check_first(tokens, &SPECIAL.map(|token| (token, "of the four that come first: <pad>, <s>, </s>, <unk>")))
}

/// `{"format": 1, "source": {"kind": "char", "tokens": […]}, "target": {"kind": "char", "tokens": […]}}`, or of byte
/// pairs, which both sides share, one Hugging Face `tokenizer.json`. The same tokenizers give the same bytes.
///
/// # Panics
/// If one side has byte pairs and the other does not have the same.
pub fn pair_to_json(source: &SentenceTokenizer, target: &SentenceTokenizer) -> String {
    let side = |of: &SentenceTokenizer| match &of.kind {
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
    let tokenizer = |side: Side| SentenceTokenizer::by_rule(side.kind, side.word_rule, side.tokens);
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

#[cfg(test)]
mod tests;
