//! Sentences cut into the pieces that a vocabulary has: characters, or words and marks.

use crate::tokenizer::word_pieces::{SPACE, WordRule, is_apostrophe, pieces};
use serde::{Deserialize, Serialize};

/// What a piece of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A character.
    Char,
    /// A word or a mark.
    Word,
}

/// Calls `each` with the pieces of a text, from left to right.
pub(super) fn cut(text: &str, unit: Unit, rule: WordRule, each: impl FnMut(&str)) {
    match unit {
        Unit::Char => text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]).for_each(each),
        Unit::Word if text.is_empty() => {}
        Unit::Word => words(&[SPACE, text].concat(), rule).for_each(each),
    }
}

/// The pieces of the word tokenizer, cut once more behind elisions.
fn words(text: &str, rule: WordRule) -> impl Iterator<Item = &str> {
    pieces(text, rule).flat_map(|piece| {
        let mut rest = Some(piece);
        std::iter::from_fn(move || {
            let piece = rest.take()?;
            let Some((elision, word)) = split_elision(piece) else { return Some(piece) };
            rest = Some(word);
            Some(elision)
        })
    })
}

/// A word cut behind its elision: `j'ai` into `j'` and `ai`. None if it has none.
fn split_elision(piece: &str) -> Option<(&str, &str)> {
    let (elided, _) = piece.split_once(is_apostrophe)?;
    let letters = elided.strip_prefix(SPACE).unwrap_or(elided);
    let is_elision = letters.chars().count() == 1 || letters.to_lowercase().ends_with("qu");
    let (_, apostrophe) = piece.split_at(elided.len());
    let end = elided.len() + apostrophe.chars().next()?.len_utf8();
    (is_elision && end < piece.len()).then(|| piece.split_at(end))
}

/// Whether a text could be cut so that this is one of its pieces.
pub(super) fn is_piece(token: &str, unit: Unit, rule: WordRule) -> bool {
    match unit {
        Unit::Char => token.chars().count() == 1,
        // By itself, or, of an elision, before a word.
        Unit::Word => [token, &[token, "a"].concat()].iter().any(|text| words(text, rule).next() == Some(token)),
    }
}
