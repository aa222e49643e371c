//! Regular expressions that cut a text into words, as tokenizers have them.
//!
//! Byte-pair encoding never merges across words, and what a word is, the files of tokenizers say by a regular
//! expression. GPT-2's is [`GPT2`]: an English contraction, or letters, or numerals, or other marks, each with one
//! space before it, or white space, the last of which is left to the word that follows.
//!
//! They are written for Oniguruma and matched here by the crate `fancy-regex`, to which most of the syntax means the
//! same. Known are alternatives, groups and lookahead, repetitions of one character, classes, and general categories of
//! Unicode, which is what tokenizers are made of. Whatever else an expression has is refused by name, either because
//! the two engines differ in it or because a text could not be cut [in pieces](crate::tokenizer::PieceEncoder): a match
//! must depend on nothing before it, and on little behind it.
//!
//! A lookahead is matched by backtracking, and the crate has room to remember a million steps. So white space of a
//! million characters in a row is an error, where there is `\s+(?!\S)`; words may be of any length.

use crate::error::TokenizerError;
use fancy_regex::{Regex, RegexBuilder};
use std::iter::Peekable;
use std::ops::Range;
use std::str::Chars;
use std::sync::LazyLock;

/// GPT-2's (Radford et al. 2019, in the code they published).
pub(super) const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The most characters of an expression. The longest in use have half of them.
const LONGEST: usize = 1000;

/// The most steps back from one match to the next. A stretch of text without a match takes a few for every character.
const MOST_STEPS: usize = 1 << 30;

/// A regular expression.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, or is not known here.
    pub(super) fn new(expression: &str) -> Result<Self, String> {
        if expression.chars().nth(LONGEST).is_some() {
            return Err(format!("an expression of more than {LONGEST} characters is too long"));
        }
        let read = || {
            check_syntax(expression)?;
            // In this mode `\<` is a character, as it is to Oniguruma.
            let regex = RegexBuilder::new(expression).oniguruma_mode(true).backtrack_limit(MOST_STEPS).build();
            regex.map(Self).map_err(|error| error.to_string())
        };
        read().map_err(|problem: String| format!("the expression {expression:?}: {problem}"))
    }

    /// A text that is to be found as it stands.
    pub(super) fn literal(text: &str) -> Self {
        Self(Regex::new(&fancy_regex::escape(text)).expect("an escaped text is an expression"))
    }

    /// GPT-2's, which is read once: every vocabulary that is learnt here has it.
    pub(super) fn gpt2() -> Self {
        static PATTERN: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(GPT2).expect("it is well-formed"));
        PATTERN.clone()
    }

    /// Where the matches in a text are, from left to right. Empty ones are none.
    pub(super) fn matches(&self, text: &str) -> impl Iterator<Item = Result<Range<usize>, TokenizerError>> {
        let matches = self.0.find_iter(text).map(|found| match found {
            Ok(found) => Ok(found.range()),
            Err(error) => Err(TokenizerError::NotEncoded(format!(
                "cutting it into words took too many steps ({error}); it may have a million spaces in a row"
            ))),
        });
        matches.filter(|found| !found.as_ref().is_ok_and(Range::is_empty))
    }
}

/// Checks that an expression means the same to both engines.
///
/// # Errors
/// What it has that is not known here. What is malformed is left to the crate.
fn check_syntax(expression: &str) -> Result<(), String> {
    let mut rest = expression.chars().peekable();
    let mut in_class = false;
    while let Some(character) = rest.next() {
        match character {
            '\\' => check_escape(&mut rest)?,
            ']' => in_class = false,
            '[' if in_class => return Err("a class inside a class is not known here".to_owned()),
            '[' => {
                in_class = true;
                rest.next_if_eq(&'^');
                rest.next_if_eq(&']');
            }
            '&' | '-' | '~' if in_class && rest.peek() == Some(&character) => {
                return Err(format!("a class with {character}{character} is not known here"));
            }
            _ if in_class => {}
            // Of a text to one engine, of a line to the other.
            '^' | '$' => return Err(format!("the beginning or end of a text ({character}) is not known here")),
            '(' if rest.next_if_eq(&'?').is_some() => match rest.next() {
                Some(':' | '=' | '!') => {}
                Some('i') if rest.next_if_eq(&':').is_some() => check_caseless(rest.clone())?,
                other => {
                    let other = other.map_or(String::new(), String::from);
                    return Err(format!("a group that begins with (?{other} is not known here"));
                }
            },
            ')' => {
                rest.next_if_eq(&'?');
                if rest.next_if(|&next| is_repetition(next)).is_some() {
                    return Err("only single characters can be repeated here, groups only be left out".to_owned());
                }
            }
            _ if is_repetition(character) => check_repetition(character, &mut rest)?,
            _ => {}
        }
    }
    Ok(())
}

/// Checks the content of a case-insensitive group.
///
/// # Errors
/// If it has more than alternatives of ASCII letters and apostrophes, or two letters that one engine also finds as a
/// single one, as `ss` in `ß`.
fn check_caseless(rest: Peekable<Chars<'_>>) -> Result<(), String> {
    let group: String = rest.take_while(|&character| character != ')').collect::<String>().to_lowercase();
    let is_simple = |character: char| character.is_ascii_lowercase() || "'|".contains(character);
    match group.chars().all(is_simple) && !["ss", "ff", "fi", "fl", "st"].iter().any(|two| group.contains(two)) {
        true => Ok(()),
        false => Err(format!("a group (?i:{group}) is not known here")),
    }
}

fn is_repetition(character: char) -> bool {
    matches!(character, '?' | '*' | '+' | '{')
}

/// What stands behind the first character of a repetition.
fn check_repetition(first: char, rest: &mut Peekable<Chars<'_>>) -> Result<(), String> {
    if first == '{' {
        let inside: String = rest.by_ref().take_while(|&character| character != '}').collect();
        if !inside.starts_with(|digit: char| digit.is_ascii_digit()) {
            return Err(format!("{{{inside}}} is no number of repetitions"));
        }
    }
    if rest.next_if_eq(&'?').is_some() {
        return Err("a part of it repeats as little as it can, which is not known here".to_owned());
    }
    rest.next_if_eq(&'+'); // gives nothing back
    match rest.peek() {
        Some(&next) if is_repetition(next) => Err("a repetition of a repetition is not known here".to_owned()),
        _ => Ok(()),
    }
}

/// What stands behind a backslash.
fn check_escape(rest: &mut Peekable<Chars<'_>>) -> Result<(), String> {
    let Some(escaped) = rest.next() else { return Ok(()) };
    // The name of a category, or the code of a character.
    let named: String = match escaped {
        'p' | 'P' | 'x' | 'u' if rest.next_if_eq(&'{').is_some() => rest.by_ref().take_while(|&c| c != '}').collect(),
        'p' | 'P' => rest.next().into_iter().collect(),
        _ => String::new(),
    };
    match escaped {
        'p' | 'P' if !is_category(&named) => Err(format!("the category {named} is not known here")),
        other if other.is_ascii_alphanumeric() && !"nrtsSdDpPxu".contains(other) => {
            Err(format!("\\{other} is not known here"))
        }
        _ => Ok(()),
    }
}

/// Whether a name is that of a general category of Unicode.
fn is_category(name: &str) -> bool {
    let is_short = name.len() <= 2 && name.starts_with(['L', 'M', 'N', 'P', 'S', 'Z', 'C']);
    is_short || matches!(name, "Letter" | "Mark" | "Number" | "Punctuation" | "Symbol" | "Separator" | "Other")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GPT-4's and Llama 3's.
    const GPT4: &str = concat!(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    );

    fn found<'t>(expression: &str, text: &'t str) -> Vec<&'t str> {
        Pattern::new(expression).unwrap().matches(text).map(|found| &text[found.unwrap()]).collect()
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
        assert_eq!(found(GPT4, "I'LL pay $12345"), ["I", "'LL", " pay", " $", "123", "45"]);
        assert_eq!(found(GPT4, "that'ſ"), ["that", "'ſ"], "ſ is an s, whatever the case");
        assert_eq!(found(GPT4, "(a)\n\n  b"), ["(a", ")\n\n", " ", " b"]);
        assert_eq!(found(GPT4, "x  \n \n  y"), ["x", "  \n \n", " ", " y"]);
    }

    #[test]
    fn what_was_taken_is_given_back_unless_it_says_otherwise() {
        assert_eq!(found("a*ab", "aaab"), ["aaab"]);
        assert_eq!(found("a*+ab", "aaab"), [""; 0]);
        assert_eq!(found("a{2}", "aaaaa"), ["aa", "aa"]);
        assert_eq!(found("a{2,}b", "abaab"), ["aab"]);
        assert_eq!(found("(?:ab|a)(?:bc)?d", "abcd abd ad"), ["abcd", "abd", "ad"]);
        assert_eq!(found("x*", "axxb"), ["xx"], "nothing is no match");
        assert_eq!(found(r"[^\S\n]+", "a \t\nb"), [" \t"]);
        assert_eq!(found(r"[\]\-a-c.]+", "x]-b.\\"), ["]-b."]);
        assert_eq!(found(r"[+\-0]+|\<|\u4e00|\x{e9}", "+-0,/<é一"), ["+-0", "<", "é", "一"]);
        assert_eq!(found(r"\p{Lu}[\p{Ll}\p{M}]+", "ÉteÉ̀té"), ["Éte", "É̀té"]);
    }

    #[test]
    fn a_long_run_needs_no_deep_stack() {
        let lengths = |expression: &str, character: &str| {
            let text = character.repeat(2_000_000) + "x";
            let pattern = Pattern::new(expression).unwrap();
            pattern.matches(&text).map(|found| found.map(|found| found.len())).collect::<Result<Vec<_>, _>>()
        };
        let on_a_small_stack = move || {
            assert_eq!(lengths(GPT2, "a"), Ok(vec![2_000_001]));
            assert_eq!(lengths(GPT2, "1"), Ok(vec![2_000_000, 1]));
            assert_eq!(lengths(GPT4, "\n"), Ok(vec![2_000_000, 1]));
            for too_long in [lengths(GPT2, " "), lengths(GPT2, "\n"), lengths(GPT4, " ")] {
                let error = too_long.unwrap_err().to_string();
                assert!(error.contains("took too many steps") && error.contains("a million spaces"), "{error}");
            }
        };
        std::thread::Builder::new().stack_size(2 << 20).spawn(on_a_small_stack).unwrap().join().unwrap();
        assert_eq!(found(GPT2, &(" ".repeat(900_000) + "x")).iter().map(|x| x.len()).collect::<Vec<_>>(), [899_999, 2]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (expression, problem) in [
            ("(ab)+", "only single characters can be repeated"),
            ("^a", "the beginning or end of a text (^)"),
            ("a$", "the beginning or end of a text ($)"),
            (r"\w+", r"\w is not known"),
            (r"[\W]", r"\W is not known"),
            ("(?i:stra)", "a group (?i:stra)"),
            ("(?i:[a])", "a group (?i:[a])"),
            ("a+?", "repeats as little as it can"),
            ("*", "Target of repeat operator is invalid"),
            ("a+*", "a repetition of a repetition"),
            ("(a", "without closing parenthesis"),
            ("[a", "Invalid character class"),
            ("a)", "end of string not reached"),
            ("[a[b]]", "a class inside a class"),
            ("[a&&b]", "&&"),
            (r"\p{Greek}", "Greek"),
            (r"\b", r"\b"),
            ("(?<=a)b", "(?<"),
            ("a{3,2}", "{3,2}"),
            ("a{,2}", "{,2}"),
            ("[c-a]", "[c-a]"),
            (r"\", "Backslash without following character"),
        ] {
            let error = Pattern::new(expression).unwrap_err();
            assert!(error.contains(problem), "{expression}: {error}");
        }
        let deep = "(".repeat(LONGEST / 2) + &")".repeat(LONGEST / 2);
        assert!(Pattern::new(&deep).unwrap_err().contains("too deeply nested"));
        assert!(Pattern::new(&"(".repeat(100_000)).unwrap_err().contains("too long"));
    }
}
