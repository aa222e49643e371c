//! Added tokens: texts that are one token wherever they stand, such as `<|endoftext|>`.
//!
//! They are found before a text is cut into words, from left to right, the longest first where several begin at one
//! place. None of them is learnt, and most stand for what no text says: where one ends, who is speaking.

use crate::error::TokenizerError;
use serde::{Deserialize, Serialize};

/// A text that is one token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AddedToken {
    pub(super) id: u32,
    pub(super) content: String,
    /// Whether it is found only where no letter or digit stands beside it.
    #[serde(default)]
    pub(super) single_word: bool,
    /// Whether white space to its left belongs to it.
    #[serde(default)]
    pub(super) lstrip: bool,
    /// Whether white space to its right belongs to it.
    #[serde(default)]
    pub(super) rstrip: bool,
    /// Whether others look for it in the normalised text. It is looked for in the text as it is, which differs only
    /// where a normalisation changes the token itself.
    #[serde(default)]
    pub(super) normalized: bool,
    /// Whether others leave it out when they decode.
    #[serde(default)]
    pub(super) special: bool,
}

impl AddedToken {
    /// A token that no text says.
    pub(super) fn special(id: u32, content: &str) -> Self {
        let content = content.to_owned();
        Self { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
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

/// The added tokens of a vocabulary.
#[derive(Debug, Clone, Default)]
pub(super) struct AddedTokens {
    /// By their first byte, the longest first.
    tokens: Vec<AddedToken>,
}

impl AddedTokens {
    pub(super) fn new(tokens: &[AddedToken]) -> Self {
        let mut tokens: Vec<_> = tokens.iter().filter(|token| !token.content.is_empty()).cloned().collect();
        tokens.sort_by_key(|token| (token.content.as_bytes()[0], std::cmp::Reverse(token.content.len())));
        Self { tokens }
    }

    /// Calls `each` with the parts of a text, from left to right. A text without tokens is one part, an empty text
    /// none.
    pub(super) fn part<'t>(
        &self,
        text: &'t str,
        mut each: impl FnMut(Part<'t>) -> Result<(), TokenizerError>,
    ) -> Result<(), TokenizerError> {
        let done = self.part_before(text.len(), text, &mut each)?;
        if done < text.len() { each(Part::Text(&text[done..])) } else { Ok(()) }
    }

    /// Whether they can be told before the end of a text is known, and behind any cut: none looks at what stands beside
    /// it.
    pub(super) fn settle(&self) -> bool {
        self.tokens.iter().all(|token| !token.single_word && !token.lstrip && !token.rstrip)
    }

    /// [Parts](Self::part) a text that may go on, up to the last part: returns where that begins, and how far into the
    /// text no token that is still to come could begin.
    pub(super) fn settled_parts<'t>(
        &self,
        text: &'t str,
        mut each: impl FnMut(Part<'t>) -> Result<(), TokenizerError>,
    ) -> Result<(usize, usize), TokenizerError> {
        let longest = self.tokens.iter().map(|token| token.content.len()).max().unwrap_or(1);
        let mut open = text.len().saturating_sub(longest - 1);
        while !text.is_char_boundary(open) {
            open -= 1;
        }
        let done = self.part_before(open, text, &mut each)?;
        Ok((done, open.max(done)))
    }

    /// Parts a text up to the last token that begins before `open`, and says where that ends.
    fn part_before<'t>(
        &self,
        open: usize,
        text: &'t str,
        each: &mut dyn FnMut(Part<'t>) -> Result<(), TokenizerError>,
    ) -> Result<usize, TokenizerError> {
        let mut done = 0;
        while let Some((start, end, id)) = self.find(text, done).filter(|&(start, ..)| start < open) {
            if done < start {
                each(Part::Text(&text[done..start]))?;
            }
            each(Part::Token(id))?;
            done = end;
        }
        Ok(done)
    }

    /// Where the first token at or behind `from` begins and ends, and which it is.
    fn find(&self, text: &str, from: usize) -> Option<(usize, usize, u32)> {
        if self.tokens.is_empty() {
            return None;
        }
        (from..text.len()).find_map(|at| {
            let first = text.as_bytes()[at];
            let candidates = &self.tokens[self.tokens.partition_point(|token| token.content.as_bytes()[0] < first)..];
            let mut candidates = candidates.iter().take_while(|token| token.content.as_bytes()[0] == first);
            // A token begins with the first byte of a character, so `at` is no place inside of one where it matches.
            let token = candidates.find(|token| {
                text.as_bytes()[at..].starts_with(token.content.as_bytes())
                    && (!token.single_word || stands_alone(text, at, at + token.content.len()))
            })?;
            let (before, after) = (&text[from..at], &text[at + token.content.len()..]);
            let taken = |text: &str, rest: &str| text.len() - rest.len();
            let left = if token.lstrip { taken(before, before.trim_end()) } else { 0 };
            let right = if token.rstrip { taken(after, after.trim_start()) } else { 0 };
            Some((at - left, at + token.content.len() + right, token.id))
        })
    }
}

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    !text[..start].ends_with(is_word) && !text[end..].starts_with(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_found_and_of_those_the_longest() {
        let tokens = [AddedToken::special(7, "<s>"), AddedToken::special(8, "<s><s>"), AddedToken::special(9, "é")];
        let added = AddedTokens::new(&tokens);
        let parts = |text| {
            let mut parts = Vec::new();
            let pushed = added.part(text, |part| {
                parts.push(part);
                Ok(())
            });
            pushed.map(|()| parts).unwrap()
        };
        use Part::{Text, Token};
        assert_eq!(parts("a<s>b<s"), [Text("a"), Token(7), Text("b<s")]);
        assert_eq!(parts("<s><s><s>"), [Token(8), Token(7)]);
        assert_eq!(parts("caféè"), [Text("caf"), Token(9), Text("è")]);
        assert_eq!(parts(""), []);
    }

    #[test]
    fn white_space_and_neighbours_count_where_a_token_says_so() {
        let mut tokens = [AddedToken::special(1, "<m>"), AddedToken::special(2, "um")];
        (tokens[0].lstrip, tokens[0].rstrip, tokens[1].single_word) = (true, true, true);
        let added = AddedTokens::new(&tokens);
        let mut parts = Vec::new();
        let pushed = added.part("a \n<m>  b, sum um", |part| {
            parts.push(part);
            Ok(())
        });
        assert_eq!(pushed, Ok(()));
        assert_eq!(parts, [Part::Text("a"), Part::Token(1), Part::Text("b, sum "), Part::Token(2)]);
    }
}
