//! Regular expressions that cut a text into words, as tokenizers have them.
//!
//! Byte-pair encoding never merges across words, and what a word is, the files of tokenizers say by a regular
//! expression. GPT-2's is [`GPT2`]: an English contraction, or letters, or numerals, or other marks, each with one
//! space before it, or white space, the last of which is left to the word that follows.
//!
//! This is the part of the usual syntax that such expressions need, and no more. Alternatives are tried from left to
//! right and repetitions take as much as they can, then give back (as in Perl); a match that has begun is never given
//! up for a longer one.
//!
//! | | |
//! |---|---|
//! | `a`, `.`, `\r`, `\n`, `\t`, `\x{3b1}`, `\u03b1` | one character |
//! | `\s`, `\d`, `\w` | white space; decimal digits; letters with marks, digits and `_` |
//! | `\S`, `\D`, `\W` | their complements |
//! | `\p{L}`, `\p{Lu}`, `\P{N}` | general categories of Unicode, and their complements |
//! | `[…]`, `[^…]` | one of these characters, ranges and classes, and any other |
//! | `?`, `*`, `+`, `{m}`, `{m,}`, `{m,n}` | repetition of one character; with a further `+` it gives nothing back |
//! | `(…)`, `(?:…)`, `(?i:…)` | a group, also with `?`; regardless of case |
//! | `(?=…)`, `(?!…)` | what has to follow, and what must not |
//! | `^`, `$` | the beginning and the end of the text |
//!
//! Only single characters can be repeated without end, so how deep the matcher recurs depends on the expression alone,
//! never on the text; and an expression has [at most](LONGEST) so many characters.

mod class;
mod parse;

use class::Class;
use parse::Item;
use std::cell::Cell;

/// GPT-2's (Radford et al. 2019, in the code they published).
pub(super) const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The most characters of an expression. The longest in use have half of them.
const LONGEST: usize = 1000;

/// A regular expression.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    alternatives: Vec<Vec<Item>>,
}

impl Pattern {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, or is not known here.
    pub(super) fn new(expression: &str) -> Result<Self, String> {
        check_length(expression)?;
        let alternatives = parse::alternatives(expression);
        alternatives
            .map(|alternatives| Self { alternatives })
            .map_err(|problem| format!("the expression {expression:?}: {problem}"))
    }

    /// A text that is to be found as it stands.
    ///
    /// # Errors
    /// If it is too long.
    pub(super) fn literal(text: &str) -> Result<Self, String> {
        check_length(text)?;
        let once = |c| Item::Repeat { class: Class::Character(c), least: 1, most: 1, gives_back: false };
        Ok(Self { alternatives: vec![text.chars().map(once).collect()] })
    }

    /// GPT-2's.
    pub(super) fn gpt2() -> Self {
        Self::new(GPT2).expect("GPT-2's pattern is well-formed")
    }

    /// Where the first match at or behind `from` begins and ends. Empty matches are none.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        self.find_in(Subject { text, end_seen: &Cell::new(false) }, from)
    }

    /// The same in a text that may go on: none, too, if what may follow could give another match. That is so if the end
    /// of the text was come upon, be it in a repetition that would have taken more or in looking ahead.
    pub(super) fn find_settled(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        let end_seen = Cell::new(false);
        self.find_in(Subject { text, end_seen: &end_seen }, from).filter(|_| !end_seen.get())
    }

    fn find_in(&self, subject: Subject<'_>, from: usize) -> Option<(usize, usize)> {
        let starts = subject.text[from..].char_indices().map(|(at, _)| from + at);
        starts.filter_map(|at| Some((at, any(&self.alternatives, subject, at, &Some)?))).find(|(at, end)| at < end)
    }

    /// Whether it asks where a text begins: then a text cannot be cut without changing what it finds.
    pub(super) fn asks_for_start(&self) -> bool {
        asks_for_start(&self.alternatives)
    }
}

fn asks_for_start(alternatives: &[Vec<Item>]) -> bool {
    alternatives.iter().flatten().any(|item| match item {
        Item::Repeat { .. } | Item::End => false,
        Item::Group { alternatives, .. } | Item::Ahead { alternatives, .. } => asks_for_start(alternatives),
        Item::Start => true,
    })
}

/// A text in which something is looked for.
#[derive(Clone, Copy)]
struct Subject<'a> {
    text: &'a str,
    /// Whether anybody asked for a character behind its end.
    end_seen: &'a Cell<bool>,
}

fn check_length(expression: &str) -> Result<(), String> {
    match expression.chars().count() {
        length if length > LONGEST => Err(format!("an expression of {length} characters is too long")),
        _ => Ok(()),
    }
}

/// What is to be matched from a place on, once everything before it is: where that ends.
type Then<'a> = &'a dyn Fn(usize) -> Option<usize>;

/// Where the first of the alternatives that matches ends, and what comes then.
fn any(alternatives: &[Vec<Item>], subject: Subject<'_>, at: usize, then: Then<'_>) -> Option<usize> {
    alternatives.iter().find_map(|items| sequence(items, subject, at, then))
}

/// Where one item after another ends, and what comes then.
fn sequence(items: &[Item], subject: Subject<'_>, at: usize, then: Then<'_>) -> Option<usize> {
    let Subject { text, end_seen } = subject;
    let Some((item, rest)) = items.split_first() else { return then(at) };
    let rest = |at| sequence(rest, subject, at, then);
    match item {
        Item::Repeat { class, least, most, gives_back } => {
            let (mut count, mut end) = (0, at);
            for character in text[at..].chars().take(*most).take_while(|&character| class.has(character)) {
                count += 1;
                end += character.len_utf8();
            }
            if end == text.len() && count < *most {
                end_seen.set(true);
            }
            while count >= *least {
                if let Some(found) = rest(end) {
                    return Some(found);
                }
                if count == *least || !gives_back {
                    return None;
                }
                end -= text[at..end].chars().next_back().map_or(0, char::len_utf8);
                count -= 1;
            }
            None
        }
        Item::Group { alternatives, optional } => {
            any(alternatives, subject, at, &rest).or_else(|| if *optional { rest(at) } else { None })
        }
        Item::Ahead { alternatives, wanted } => {
            if any(alternatives, subject, at, &Some).is_some() == *wanted {
                rest(at)
            } else {
                None
            }
        }
        Item::Start => {
            if at == 0 {
                rest(at)
            } else {
                None
            }
        }
        Item::End => {
            if at == text.len() {
                end_seen.set(true);
                rest(at)
            } else {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(expression: &str, text: &'t str) -> Vec<&'t str> {
        let pattern = Pattern::new(expression).unwrap();
        let mut from = 0;
        std::iter::from_fn(|| {
            let (start, end) = pattern.find(text, from)?;
            from = end;
            Some(&text[start..end])
        })
        .collect()
    }

    #[test]
    fn gpt_2_cuts_as_its_authors_say() {
        let cut = |text| found(GPT2, text);
        assert_eq!(cut("Hello world"), ["Hello", " world"]);
        assert_eq!(cut("we've don't, I'LL"), ["we", "'ve", " don", "'t", ",", " I", "'", "LL"]);
        assert_eq!(cut("a  b\n\n c \t"), ["a", " ", " b", "\n\n", " c", " \t"]);
        assert_eq!(cut("a\r\n\r\nb"), ["a", "\r\n\r", "\n", "b"]);
        assert_eq!(cut("x²+½ ①"), ["x", "²", "+", "½", " ①"], "numerals are not only digits");
        assert_eq!(cut("नमस्ते"), ["नमस", "्", "त", "े"], "marks are not letters");
        assert_eq!(cut("\u{a0}x\u{3000}\u{3000}y"), ["\u{a0}", "x", "\u{3000}", "\u{3000}", "y"]);
        assert_eq!(cut("\u{1c}a\u{85}"), ["\u{1c}", "a", "\u{85}"], "a control character is no space, NEL is");
        assert_eq!(cut(""), [""; 0]);
    }

    #[test]
    fn gpt_4_cuts_as_its_authors_say() {
        let gpt4 = concat!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
            r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        );
        assert_eq!(found(gpt4, "I'LL pay $12345"), ["I", "'LL", " pay", " $", "123", "45"]);
        assert_eq!(found(gpt4, "that'ſ"), ["that", "'ſ"], "ſ is an s, whatever the case");
        assert_eq!(found(gpt4, "(a)\n\n  b"), ["(a", ")\n\n", " ", " b"]);
        assert_eq!(found(gpt4, "x  \n \n  y"), ["x", "  \n \n", " ", " y"]);
    }

    #[test]
    fn what_was_taken_is_given_back_unless_it_says_otherwise() {
        assert_eq!(found("a*ab", "aaab"), ["aaab"]);
        assert_eq!(found("a*+ab", "aaab"), [""; 0]);
        assert_eq!(found("a{2}", "aaaaa"), ["aa", "aa"]);
        assert_eq!(found("a{2,}b", "abaab"), ["aab"]);
        assert_eq!(found("(?:ab|a)(?:bc)?d", "abcd abd ad"), ["abcd", "abd", "ad"]);
        assert_eq!(found("x*", "axxb"), ["xx"], "nothing is no match");
        assert_eq!(found(r"^\w+|\d$", "ab1 2 3"), ["ab1", "3"]);
        assert_eq!(found(r"[^\S\n]+", "a \t\nb"), [" \t"]);
        assert_eq!(found(r"[\]\-a-c.]+", "x]-b.\\"), ["]-b."]);
        assert_eq!(found(r"\p{Lu}[\p{Ll}\p{M}]+", "ÉteÉ̀té"), ["Éte", "É̀té"]);
    }

    #[test]
    fn a_long_run_needs_no_deep_stack() {
        let text = " ".repeat(1_000_000) + "x";
        assert_eq!(found(GPT2, &text).iter().map(|piece| piece.len()).collect::<Vec<_>>(), [999_999, 2]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (expression, problem) in [
            ("(ab)+", "only single characters can be repeated"),
            ("a+?", "repeats as little as it can"),
            ("*", "nothing to repeat"),
            ("(a", "not closed"),
            ("[a", "not closed"),
            ("a)", "closed, but was not opened"),
            (r"\p{Greek}", "Greek"),
            (r"\b", r"\b"),
            ("(?<=a)b", "(?<"),
            ("a{3,2}", "{3,2}"),
            ("[c-a]", "range"),
            (r"\", "ends"),
        ] {
            let error = Pattern::new(expression).unwrap_err();
            assert!(error.contains(problem), "{expression}: {error}");
        }
        let deep = Pattern::new(&("(".repeat(LONGEST / 2) + &")".repeat(LONGEST / 2))).unwrap();
        assert_eq!(deep.find("a", 0), None);
        assert!(Pattern::new(&"(".repeat(100_000)).unwrap_err().contains("too long"));
    }
}
