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
//!
//! A stranger's expression can be written so that cutting takes for ever: the steps of one match are counted, and the
//! time of all is limited by the length of the texts ([`Work`]).

use crate::error::TokenizerError;
use fancy_regex::{Regex, RegexBuilder};
use std::iter::Peekable;
use std::ops::Range;
use std::str::Chars;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// GPT-2's (Radford et al. 2019, in the code they published).
pub(super) const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The most characters of an expression. The longest in use have half of them.
const LONGEST: usize = 1000;

/// The most steps back from one match to the next. A stretch of text without a match takes a few for every character.
/// They take about a fifth of a second.
const MOST_STEPS: usize = 1 << 24;

/// The most bytes of the automaton of a part of an expression. Those in use take a tenth of it.
const LARGEST: usize = 1 << 20;

/// A regular expression.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    regex: Regex,
    work: Arc<Work>,
}

/// How much text an expression was given, and how long it took: a thousand times as long as those in use need is too
/// long.
#[derive(Debug, Default)]
struct Work {
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Work {
    const NANOSECONDS_PER_BYTE: u64 = 20_000;
    /// Of any text, for a machine that is busy with something else.
    const NANOSECONDS: u64 = 2_000_000_000;
    /// How many matches are made between two looks at the clock.
    const MATCHES: usize = 4;

    /// Adds the time since `last`.
    fn took(&self, last: &mut Instant) -> Result<(), TokenizerError> {
        let now = Instant::now();
        // Of a process that was stopped and went on, no more than the matches may have taken.
        let took = now.duration_since(std::mem::replace(last, now)).min(Duration::from_secs(1)).as_nanos() as u64;
        let nanoseconds = self.nanoseconds.fetch_add(took, Ordering::Relaxed) + took;
        let bytes = self.bytes.load(Ordering::Relaxed);
        match nanoseconds > Self::NANOSECONDS + Self::NANOSECONDS_PER_BYTE.saturating_mul(bytes) {
            true => Err(TokenizerError::NotEncoded(format!(
                "cutting it into words takes too long: {} seconds for {bytes} bytes so far",
                nanoseconds / 1_000_000_000
            ))),
            false => Ok(()),
        }
    }
}

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
            let mut builder = RegexBuilder::new(expression);
            builder.oniguruma_mode(true).backtrack_limit(MOST_STEPS).delegate_size_limit(LARGEST);
            builder.build().map(Self::of).map_err(|error| error.to_string())
        };
        read().map_err(|problem: String| format!("the expression {expression:?}: {problem}"))
    }

    /// A text that is to be found as it stands.
    pub(super) fn literal(text: &str) -> Self {
        Self::of(Regex::new(&fancy_regex::escape(text)).expect("an escaped text is an expression"))
    }

    fn of(regex: Regex) -> Self {
        Self { regex, work: Arc::default() }
    }

    /// GPT-2's, which is read once: every vocabulary that is learnt here has it.
    pub(super) fn gpt2() -> Self {
        static PATTERN: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(GPT2).expect("it is well-formed"));
        PATTERN.clone()
    }

    /// Where the matches in a text are, from left to right. Empty ones are none. An error is the last of them.
    pub(super) fn matches(&self, text: &str) -> impl Iterator<Item = Result<Range<usize>, TokenizerError>> {
        self.work.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        let (mut matches, mut made, mut last) = (self.regex.find_iter(text), 0_usize, Instant::now());
        let next = move || {
            let found = matches.next();
            made += 1;
            if (found.is_none() || made % Work::MATCHES == 0)
                && let Err(late) = self.work.took(&mut last)
            {
                return Some(Err(late));
            }
            Some(found?.map(|found| found.range()).map_err(|error| {
                TokenizerError::NotEncoded(format!(
                    "cutting it into words took too many steps ({error}); it may have a million spaces in a row"
                ))
            }))
        };
        std::iter::from_fn(next).filter(|found| !found.as_ref().is_ok_and(Range::is_empty))
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
mod tests;
