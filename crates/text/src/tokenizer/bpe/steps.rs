//! The steps before merging: what is done to a text, and how it is cut into words.
//!
//! The files of tokenizers describe them as a *normalizer* and a *pre-tokenizer*, each one step or a sequence of them.
//! Known here are those that byte-pair encodings have: whoever needs another is told its name.

use super::json_steps::{each_step, flag, kind, literal, prepend_scheme, text};
use super::word_regex::Pattern;
use crate::error::TokenizerError;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
// The tables of Hugging Face's library, whose Unicode is older than ours: they pass over newer characters.
use unicode_normalization_alignments::UnicodeNormalization;

/// What is done to a text, and how it is cut into words.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps {
    /// The normalizer, which comes before added tokens with `normalized` are looked for.
    normalizer: Vec<Change>,
    /// The pre-tokenizer: every step is taken with each part that those before it left.
    pre_tokenizer: Vec<Step>,
    /// Whether words are spelled byte by byte (see [`alphabet`](super::alphabet)).
    pub(super) bytes: bool,
}

/// A step of a pre-tokenizer.
#[derive(Debug, Clone)]
enum Step {
    Change(Change),
    Cut(Cut),
}

/// Something that is done to a text.
#[derive(Debug, Clone)]
enum Change {
    /// One of Unicode's four normal forms.
    Form(fn(&str) -> String),
    /// Something is put before it.
    Prepend(String),
    /// Something is put before it unless it begins like this. With `first_only`, not behind an added token.
    Begin { with: String, first_only: bool },
    /// One text is put for another.
    Replace { what: String, by: String },
}

/// Where a text stands whose words are asked for: some tokenizers put something before a text that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the beginning.
    Beginning,
    /// Behind an added token.
    BehindToken,
    /// Inside of a text, of which another part stands before it.
    Inside,
}

/// A way to cut a text.
#[derive(Debug, Clone)]
struct Cut {
    pattern: Pattern,
    matches: Matches,
}

/// What matches are to words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matches {
    /// A match is a word, and so is what lies between two.
    Are,
    /// A match is a word, and nothing else is.
    AreAll,
    /// A match begins a word.
    Begin,
    /// A match ends a word.
    End,
}

impl Steps {
    /// Reads the description of a normalizer and a pre-tokenizer. `added_tokens` says whether added tokens part a text
    /// between the two.
    ///
    /// # Errors
    /// What is not known of it.
    pub(super) fn new(normalizer: &Value, pre_tokenizer: &Value, added_tokens: bool) -> Result<Self, String> {
        let mut steps = Self::default();
        each_step(normalizer, "normalizers", &mut |step| steps.add_normalizer(step))?;
        each_step(pre_tokenizer, "pretokenizers", &mut |step| steps.add_pre_tokenizer(step))?;
        let first_only = steps.pre_tokenizer.iter().enumerate().rev().find_map(|(place, step)| match step {
            Step::Change(Change::Begin { with, first_only: true }) => Some((place, with)),
            _ => None,
        });
        if let Some((place, mark)) = first_only {
            // The library asks whether a part begins where the original text begins, and a normalizer moves that.
            let moves = |change: &Change| matches!(change, Change::Replace { by, .. } if !by.starts_with(mark));
            let before = &steps.pre_tokenizer[..place - 1]; // its own Replace stands between
            let is_changed = before.iter().any(|step| matches!(step, Step::Change(_)));
            let parted = added_tokens || !before.is_empty();
            if is_changed || steps.normalizer.iter().any(moves) || parted && !steps.normalizer.is_empty() {
                return Err("what changes a text before a prepend_scheme first is not known here".to_owned());
            }
        }
        Ok(steps)
    }

    fn add_normalizer(&mut self, step: &Value) -> Result<(), String> {
        self.normalizer.push(match kind(step) {
            "NFC" => Change::Form(|text| text.nfc().map(|(character, _)| character).collect()),
            "NFD" => Change::Form(|text| text.nfd().map(|(character, _)| character).collect()),
            "NFKC" => Change::Form(|text| text.nfkc().map(|(character, _)| character).collect()),
            "NFKD" => Change::Form(|text| text.nfkd().map(|(character, _)| character).collect()),
            "Prepend" => Change::Prepend(text(step, "prepend")?),
            "Replace" => match literal(step)? {
                Some(what) => Change::Replace { what, by: text(step, "content")? },
                None => return Err("a normalizer that replaces by a regular expression is not known here".to_owned()),
            },
            other => return Err(format!("the normalizer {other} is not known here")),
        });
        Ok(())
    }

    fn add_pre_tokenizer(&mut self, step: &Value) -> Result<(), String> {
        if self.bytes {
            return Err("a pre-tokenizer behind ByteLevel is not known here".to_owned());
        }
        let cut = |pattern, matches| Step::Cut(Cut { pattern, matches });
        match kind(step) {
            "ByteLevel" => {
                let space = Change::Begin { with: " ".to_owned(), first_only: false };
                self.pre_tokenizer.extend(flag(step, "add_prefix_space", true).then_some(Step::Change(space)));
                self.pre_tokenizer.extend(flag(step, "use_regex", true).then(|| cut(Pattern::gpt2(), Matches::Are)));
                self.bytes = true;
            }
            "Split" => {
                let pattern = match literal(step)? {
                    Some(text) => Pattern::literal(&text),
                    None => Pattern::new(step["pattern"]["Regex"].as_str().unwrap_or_default())?,
                };
                let matches = match (step["behavior"].as_str().unwrap_or_default(), flag(step, "invert", false)) {
                    ("Isolated", _) => Matches::Are,
                    ("Removed", true) => Matches::AreAll,
                    ("MergedWithNext", false) => Matches::Begin,
                    ("MergedWithPrevious", false) => Matches::End,
                    (other, invert) => {
                        return Err(format!("a Split with behavior {other:?} and invert {invert} is not known here"));
                    }
                };
                self.pre_tokenizer.push(cut(pattern, matches));
            }
            "Digits" => {
                let digits = if flag(step, "individual_digits", false) { r"\p{N}" } else { r"\p{N}+" };
                self.pre_tokenizer.push(cut(Pattern::new(digits)?, Matches::Are));
            }
            "Metaspace" => {
                let space = text(step, "replacement")?;
                let scheme = prepend_scheme(step);
                let begin = || Step::Change(Change::Begin { with: space.clone(), first_only: scheme == "first" });
                self.pre_tokenizer.push(Step::Change(Change::Replace { what: " ".to_owned(), by: space.clone() }));
                self.pre_tokenizer.extend((scheme != "never").then(begin));
                let cut = || cut(Pattern::literal(&space), Matches::Begin);
                self.pre_tokenizer.extend(flag(step, "split", true).then(cut));
            }
            other => return Err(format!("the pre-tokenizer {other} is not known here")),
        }
        Ok(())
    }

    /// Normalizes a part of a text.
    ///
    /// # Errors
    /// If it makes far more of it.
    pub(super) fn normalize<'t>(&self, text: &'t str, place: Place) -> Result<Cow<'t, str>, TokenizerError> {
        let most = most_bytes(text);
        self.normalizer.iter().try_fold(Cow::Borrowed(text), |text, change| change.apply(text, place, most))
    }

    /// Calls `each` with the words of a normalized text without added tokens.
    ///
    /// # Errors
    /// If an expression takes too many steps.
    pub(super) fn words(&self, text: &str, place: Place, each: &mut dyn FnMut(&str)) -> Result<(), TokenizerError> {
        pre_tokenize(text, place, &self.pre_tokenizer, most_bytes(text), each)
    }

    /// Whether words can be told before the end of a text is known: nothing is done to it, and it is cut.
    pub(super) fn settles(&self) -> bool {
        let is_cut = |step: &Step| matches!(step, Step::Cut(_));
        self.normalizer.is_empty() && !self.pre_tokenizer.is_empty() && self.pre_tokenizer.iter().all(is_cut)
    }

    /// Calls `each` with the words at the beginning of a text that nothing that may follow should change, if it
    /// [settles](Self::settles), and says how many bytes they are.
    ///
    /// # Errors
    /// If an expression takes too many steps.
    pub(super) fn settled_words(&self, text: &str, each: &mut dyn FnMut(&str)) -> Result<usize, TokenizerError> {
        // What the first cut has settled, the others only cut smaller.
        let Some((Step::Cut(first), rest)) = self.pre_tokenizer.split_first() else { return Ok(0) };
        let (mut waiting, mut settled) = (VecDeque::new(), 0);
        first.parts(text, &mut |part| {
            waiting.push_back(part);
            if waiting.len() > UNSETTLED
                && let Some(part) = waiting.pop_front()
            {
                settled = part.end;
                pre_tokenize(&text[part], Place::BehindToken, rest, usize::MAX, each)?;
            }
            Ok(())
        })?;
        Ok(settled)
    }
}

/// How many parts at the end of a text may still change when it goes on. Expressions take as much as they can of
/// characters of a kind and look at one behind it, so mostly the last one can. Of two, the second can be the beginning
/// of what the first may end with: `don`, `'` become `don't`.
const UNSETTLED: usize = 2;

impl Change {
    /// Does it to a part of a text, of which it may make `most` bytes.
    fn apply<'t>(&self, text: Cow<'t, str>, place: Place, most: usize) -> Result<Cow<'t, str>, TokenizerError> {
        Ok(match self {
            Self::Form(_) if text.is_ascii() => text,
            Self::Form(form) => form(&text).into(),
            Self::Prepend(_) | Self::Begin { .. } if place == Place::Inside || text.is_empty() => text,
            Self::Begin { first_only: true, .. } if place == Place::BehindToken => text,
            Self::Begin { with, .. } if text.starts_with(with) => text,
            Self::Prepend(with) | Self::Begin { with, .. } => [with, &*text].concat().into(),
            Self::Replace { what, by } => {
                let more = text.matches(what.as_str()).count().saturating_mul(by.len().saturating_sub(what.len()));
                if text.len().saturating_add(more) > most {
                    let problem = format!("its steps would make more than {most} bytes of a part of it");
                    return Err(TokenizerError::NotEncoded(problem));
                }
                text.replace(what, by).into()
            }
        })
    }
}

/// How many bytes steps may make of a part of a text. A normal form can have eleven for one, and a mark for a space has
/// three; a stranger's file may double a text again and again.
fn most_bytes(text: &str) -> usize {
    text.len().saturating_mul(32).saturating_add(1 << 16)
}

/// Calls `each` with what steps leave of a part of a text. Of the parts that one is cut into, the first stands where it
/// stood.
fn pre_tokenize(
    text: &str,
    place: Place,
    steps: &[Step],
    most: usize,
    each: &mut dyn FnMut(&str),
) -> Result<(), TokenizerError> {
    match steps.split_first() {
        Some((Step::Change(change), rest)) => {
            pre_tokenize(&change.apply(text.into(), place, most)?, place, rest, most, each)
        }
        Some((Step::Cut(cut), rest)) => cut.parts(text, &mut |part| {
            let place = if part.start == 0 { place } else { Place::BehindToken };
            pre_tokenize(&text[part], place, rest, most, each)
        }),
        None if text.is_empty() => Ok(()),
        None => {
            each(text);
            Ok(())
        }
    }
}

impl Cut {
    /// Calls `each` with the parts of a text. None is empty.
    fn parts(
        &self,
        text: &str,
        each: &mut dyn FnMut(Range<usize>) -> Result<(), TokenizerError>,
    ) -> Result<(), TokenizerError> {
        let mut each = |part: Range<usize>| if part.is_empty() { Ok(()) } else { each(part) };
        let mut done = 0;
        for found in self.pattern.matches(text) {
            let Range { start, end } = found?;
            if self.matches == Matches::AreAll {
                done = start;
            }
            let ends = match self.matches {
                Matches::Are | Matches::AreAll => [start, end],
                Matches::Begin => [start, start],
                Matches::End => [end, end],
            };
            for end in ends {
                each(done..end)?;
                done = end;
            }
        }
        if self.matches == Matches::AreAll { Ok(()) } else { each(done..text.len()) }
    }
}
