//! Where a text is cut into words.

use serde::{Deserialize, Serialize};
use unicode_normalization::char::is_combining_mark;

/// The token of id 1, in every vocabulary, because it is what remains of a piece whose word is unknown.
pub(super) const SPACE: &str = " ";

/// The rule by which words are cut. It stands in a tokenizer's file, so that a tokenizer keeps the rule that it was
/// made with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
pub enum WordRule {
    /// Combining marks are pieces of their own; that of files without a number.
    Parted = 1,
    /// Combining marks belong to the character before them.
    #[default]
    Joined = 2,
}

impl WordRule {
    /// The rule of a file that says nothing about it.
    pub(super) fn unsaid() -> Self {
        Self::Parted
    }

    pub(super) fn is_unsaid(&self) -> bool {
        *self == Self::unsaid()
    }
}

impl From<WordRule> for u32 {
    fn from(rule: WordRule) -> u32 {
        rule as u32
    }
}

impl TryFrom<u32> for WordRule {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        let known = [Self::Parted, Self::Joined].into_iter().find(|&rule| rule as u32 == number);
        known.ok_or_else(|| format!("word rule {number} is not known; this version reads 1 and 2"))
    }
}

/// The pieces of a text, from left to right; see [`word`](super::word).
pub(super) fn pieces(mut text: &str, rule: WordRule) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (piece, rest) = text.split_at(first_piece(text, rule)?);
        text = rest;
        Some(piece)
    })
}

/// Calls `each` with the pieces at the beginning of a text that nothing that may follow could change, and says how many
/// bytes they are. A piece never depends on more than two characters behind it: an apostrophe and a letter.
pub(super) fn settled(text: &str, rule: WordRule, mut each: impl FnMut(&str)) -> usize {
    let mut done = 0;
    for piece in pieces(text, rule) {
        let end = done + piece.len();
        if text[end..].chars().nth(1).is_none() {
            break;
        }
        each(piece);
        done = end;
    }
    done
}

/// How many bytes the first piece of `text` takes; none if there is no text.
fn first_piece(text: &str, rule: WordRule) -> Option<usize> {
    let first = text.chars().next()?;
    match text.strip_prefix(SPACE).and_then(|rest| Some((rest, rest.chars().next()?))) {
        Some((rest, next)) if !next.is_whitespace() => Some(SPACE.len() + first_mark(rest, next, rule)),
        _ => Some(first_mark(text, first, rule)),
    }
}

/// How many bytes the word at the beginning of `text` takes, or the mark. `first` is the first character.
fn first_mark(text: &str, first: char, rule: WordRule) -> usize {
    let is_word = is_letter(first);
    let mut end = first.len_utf8();
    let mut characters = text[end..].char_indices().peekable();
    let begin = end;
    while let Some((at, character)) = characters.next() {
        let goes_on = is_letter(character)
            || is_apostrophe(character) && characters.peek().is_some_and(|&(_, next)| is_letter(next));
        if !(is_word && goes_on || rule == WordRule::Joined && is_joined(first, character)) {
            break;
        }
        end = begin + at + character.len_utf8();
    }
    end
}

/// Whether a combining mark or a joiner belongs to what stands before it, which no line break is.
fn is_joined(first: char, character: char) -> bool {
    let joins = is_combining_mark(character) || matches!(character, '\u{200c}' | '\u{200d}');
    joins && !matches!(first, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character makes words together with its neighbours.
fn is_letter(character: char) -> bool {
    character.is_alphanumeric() && !is_ideograph(character)
}

pub(super) fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '’')
}

/// Whether a character is a word of its own: the blocks of unified Chinese, Japanese and Korean ideographs.
fn is_ideograph(character: char) -> bool {
    matches!(
        character,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        pieces(text, WordRule::Joined).collect()
    }

    #[test]
    fn a_text_is_cut_into_words_and_marks() {
        assert_eq!(cut("the cat, the hat"), ["the", " cat", ",", " the", " hat"]);
        assert_eq!(cut("I don't -- 'tis so."), ["I", " don't", " -", "-", " '", "tis", " so", "."]);
        assert_eq!(cut("a  b\n\n c \t"), ["a", " ", " b", "\n", "\n", " c", " ", "\t"]);
        assert_eq!(cut("the dogs' l’été x'"), ["the", " dogs", "'", " l’été", " x", "'"]);
        assert_eq!(cut("GPT是2018年 的"), ["GPT", "是", "2018", "年", " 的"]);
        assert_eq!(cut("<unk>"), ["<", "unk", ">"]);
        assert_eq!(cut(" "), [" "]);
        assert_eq!(cut(""), Vec::<&str>::new());
    }

    #[test]
    fn a_mark_belongs_to_what_it_stands_on() {
        assert_eq!(cut("नमस्ते दुनिया।"), ["नमस्ते", " दुनिया", "।"]);
        assert_eq!(cut("สวัสดี cafe\u{301}s"), ["สวัสดี", " cafe\u{301}s"]);
        assert_eq!(cut("می\u{200c}خواهم 1\u{fe0f}\u{20e3}"), ["می\u{200c}خواهم", " 1\u{fe0f}\u{20e3}"]);
        assert_eq!(cut("❤\u{fe0f}a !\u{301}"), ["❤\u{fe0f}", "a", " !\u{301}"]);
        assert_eq!(cut("\n\u{301}a"), ["\n", "\u{301}", "a"], "nothing belongs to a line break");
        let parted: Vec<&str> = pieces("नम cafe\u{301}s े", WordRule::Parted).collect();
        assert_eq!(parted, ["नम", " cafe", "\u{301}", "s", " े"]);
    }
}
