//! Added tokens: texts that are one token wherever they stand, such as `<|endoftext|>`.
//!
//! They are found before a text is cut into words, from left to right, the longest where several begin at one place.
//! Some are found before a text is normalized and the others afterwards, as Hugging Face's library does it. None of
//! them is learnt, and most stand for what no text says: where one ends, who is speaking.

use crate::error::TokenizerError;
use fancy_regex::Regex;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A text that is one token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AddedToken {
    pub(super) id: u32,
    pub(super) content: String,
    /// Whether it is found only where no word character stands beside it.
    #[serde(default)]
    pub(super) single_word: bool,
    /// Whether white space to its left belongs to it.
    #[serde(default)]
    pub(super) lstrip: bool,
    /// Whether white space to its right belongs to it.
    #[serde(default)]
    pub(super) rstrip: bool,
    /// Whether it is looked for in the normalized text.
    #[serde(default)]
    pub(super) normalized: bool,
    /// Whether others leave it out when they decode.
    #[serde(default)]
    pub(super) special: bool,
}

impl AddedToken {
    /// A token that no text says.
    pub(super) fn special(id: u32, content: &str) -> Self {
        Self { id, content: content.to_owned(), special: true, ..Self::default() }
    }
}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// To be cut into words.
    Text(&'t str),
    /// An added token.
    Token(u32),
}

/// What is done with each part of a text, which may fail.
type EachPart<'e, 't> = dyn FnMut(Part<'t>) -> Result<(), TokenizerError> + 'e;

/// The added tokens of a vocabulary, in the two passes in which they are looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct AddedTokens {
    /// Tokens that are matched in the original text.
    pub(super) original: Finder,
    /// Tokens with `normalized`: normalized themselves, and matched in what is left, after it is normalized.
    pub(super) normalized: Finder,
}

impl AddedTokens {
    /// The tokens of a vocabulary whose normalizer is `normalize`.
    pub(super) fn new(tokens: &[AddedToken], normalize: impl Fn(&str) -> String) -> Self {
        let (normalized, original): (Vec<_>, Vec<_>) = tokens.iter().partition(|token| token.normalized);
        Self {
            original: Finder::new(original.into_iter().map(|token| (token.content.clone(), token.clone()))),
            normalized: Finder::new(normalized.into_iter().map(|token| (normalize(&token.content), token.clone()))),
        }
    }

    /// Two tokens that are found as the same text, where there are such: which of them is found is nobody's to say, and
    /// in Hugging Face's library a matter of chance.
    pub(super) fn alike(&self) -> Option<[&str; 2]> {
        [&self.original, &self.normalized].into_iter().find_map(|pass| {
            let mut seen = BTreeMap::new();
            pass.tokens.iter().find_map(|(text, token)| {
                let other = seen.insert(text, token.content.as_str()).filter(|other| *other != token.content)?;
                Some([other, &token.content])
            })
        })
    }

    /// The tokens of the only pass there is, if they can be found in a text whose end is not known yet and behind any
    /// cut of it: no other pass goes before, and none looks at what stands beside a token. It supposes that there is
    /// no normalizer.
    pub(super) fn settled(&self) -> Option<&Finder> {
        let only = match (self.original.tokens.is_empty(), self.normalized.tokens.is_empty()) {
            (_, true) => &self.original,
            (true, false) => &self.normalized,
            (false, false) => return None,
        };
        let alone = |(_, token): &(String, AddedToken)| !token.single_word && !token.lstrip && !token.rstrip;
        only.tokens.iter().all(alone).then_some(only)
    }
}

/// Tokens that are looked for in one pass.
#[derive(Debug, Clone, Default)]
pub(super) struct Finder {
    /// The text to match and its token, sorted by the first byte, the longest first.
    tokens: Vec<(String, AddedToken)>,
}

impl Finder {
    pub(super) fn new(tokens: impl IntoIterator<Item = (String, AddedToken)>) -> Self {
        let mut tokens: Vec<_> = tokens.into_iter().filter(|(text, _)| !text.is_empty()).collect();
        tokens.sort_by_key(|(text, _)| (text.as_bytes()[0], Reverse(text.len())));
        Self { tokens }
    }

    /// Calls `each` with the parts of a text, from left to right. A text without tokens is one part, an empty text
    /// none.
    pub(super) fn part<'t>(&self, text: &'t str, each: &mut EachPart<'_, 't>) -> Result<(), TokenizerError> {
        let done = self.part_before(text.len(), text, each)?;
        if done < text.len() { each(Part::Text(&text[done..])) } else { Ok(()) }
    }

    /// [Parts](Self::part) a text that may go on, up to the last part: returns where that begins, and how far into the
    /// text no token can begin any more, whatever follows. It must be [settled](AddedTokens::settled).
    pub(super) fn settled_parts<'t>(
        &self,
        text: &'t str,
        each: &mut EachPart<'_, 't>,
    ) -> Result<(usize, usize), TokenizerError> {
        let longest = self.tokens.iter().map(|(text, _)| text.len()).max().unwrap_or(1);
        let mut open = text.len().saturating_sub(longest - 1);
        while !text.is_char_boundary(open) {
            open -= 1;
        }
        let done = self.part_before(open, text, each)?;
        Ok((done, open.max(done)))
    }

    /// Calls `each` with all tokens that begin before `open` and with what lies before each: returns where the last one
    /// ends.
    fn part_before<'t>(
        &self,
        open: usize,
        text: &'t str,
        each: &mut EachPart<'_, 't>,
    ) -> Result<usize, TokenizerError> {
        let (mut done, mut from) = (0, 0);
        while let Some((at, end, token)) = self.find(text, from).filter(|&(at, ..)| at < open) {
            from = end; // also behind a token that is none here: no shorter one takes its place
            if token.single_word && !stands_alone(text, at, end) {
                continue;
            }
            let start = if token.lstrip { text[..at].trim_end().len().max(done) } else { at };
            if done < start {
                each(Part::Text(&text[done..start]))?;
            }
            done = if token.rstrip { text.len() - text[end..].trim_start().len() } else { end };
            // A token of white space may lie in what one before it took.
            if start < done {
                each(Part::Token(token.id))?;
            }
        }
        Ok(done)
    }

    /// The leftmost text of a token from a place on, the longest of those that begin there: where it is, and the token.
    fn find(&self, text: &str, from: usize) -> Option<(usize, usize, &AddedToken)> {
        if self.tokens.is_empty() {
            return None;
        }
        (from..text.len()).find_map(|at| {
            let rest = &text.as_bytes()[at..];
            let candidates = &self.tokens[self.tokens.partition_point(|(text, _)| text.as_bytes()[0] < rest[0])..];
            let mut candidates = candidates.iter().take_while(|(text, _)| text.as_bytes()[0] == rest[0]);
            let (found, token) = candidates.find(|(text, _)| rest.starts_with(text.as_bytes()))?;
            Some((at, at + found.len(), token))
        })
    }
}

/// Whether no word character, `\w` of the crate `regex`, stands beside a part of a text.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\w$").expect("an expression of one class"));
    let is_word = |character: char| WORD.is_match(character.encode_utf8(&mut [0; 4])).expect("one step");
    !text[..start].ends_with(is_word) && !text[end..].starts_with(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Part::{Text, Token};

    fn parts<'t>(finder: &Finder, text: &'t str) -> Vec<Part<'t>> {
        let mut parts = Vec::new();
        let pushed = finder.part(text, &mut |part| {
            parts.push(part);
            Ok(())
        });
        pushed.map(|()| parts).unwrap()
    }

    #[test]
    fn the_first_is_found_and_of_those_the_longest() {
        let tokens = [AddedToken::special(7, "<s>"), AddedToken::special(8, "<s><s>"), AddedToken::special(9, "é")];
        let added = AddedTokens::new(&tokens, str::to_owned).original;
        assert_eq!(parts(&added, "a<s>b<s"), [Text("a"), Token(7), Text("b<s")]);
        assert_eq!(parts(&added, "<s><s><s>"), [Token(8), Token(7)]);
        assert_eq!(parts(&added, "caféè"), [Text("caf"), Token(9), Text("è")]);
        assert_eq!(parts(&added, ""), []);
    }

    #[test]
    fn white_space_and_neighbours_count_where_a_token_says_so() {
        let mut tokens = [AddedToken::special(1, "<m>"), AddedToken::special(2, "um"), AddedToken::special(3, "umm")];
        (tokens[0].lstrip, tokens[0].rstrip) = (true, true);
        tokens[1..].iter_mut().for_each(|token| token.single_word = true);
        let added = AddedTokens::new(&tokens, str::to_owned).original;
        assert_eq!(parts(&added, "a \n<m>  b, sum um"), [Text("a"), Token(1), Text("b, sum "), Token(2)]);
        assert_eq!(parts(&added, "ummer um\u{301} um-"), [Text("ummer um\u{301} "), Token(2), Text("-")]);
        tokens[1].single_word = false;
        let added = AddedTokens::new(&tokens, str::to_owned).original;
        assert_eq!(parts(&added, "ummer um"), [Text("ummer "), Token(2)], "no shorter one takes the place of umm");
    }

    #[test]
    fn normalized_tokens_have_a_pass_of_their_own() {
        let normalized = AddedToken { normalized: true, ..AddedToken::special(1, "<A>") };
        let added = AddedTokens::new(&[normalized.clone(), AddedToken::special(2, "b")], str::to_lowercase);
        assert_eq!(parts(&added.normalized, "<A><a>b"), [Text("<A>"), Token(1), Text("b")]);
        assert_eq!(parts(&added.original, "<A><a>b"), [Text("<A><a>"), Token(2)]);
        assert!(added.settled().is_none());
        assert!(AddedTokens::new(&[normalized], str::to_owned).settled().is_some());
    }

    #[test]
    fn tokens_that_are_one_text_are_told() {
        let token = |id, content: &str| AddedToken { normalized: true, ..AddedToken::special(id, content) };
        let alike = |tokens: &[AddedToken]| {
            AddedTokens::new(tokens, str::to_lowercase).alike().map(|alike| alike.map(str::to_owned))
        };
        assert_eq!(
            alike(&[token(0, "<a>"), token(1, "<b>"), token(2, "<A>")]),
            Some(["<a>", "<A>"].map(str::to_owned))
        );
        assert_eq!(
            alike(&[token(0, "<a>"), AddedToken::special(1, "<A>")]),
            None,
            "they are found in different passes"
        );
    }
}
