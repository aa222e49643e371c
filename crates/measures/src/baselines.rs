//! What needs no model: texts that are taken from the source as they are. A model is of use if it is better than these.
//!
//! | baseline | the output is | the one to beat in |
//! |---|---|---|
//! | lead-1 | the first sentence of the source | summaries: writers put what matters first |
//! | random | a sentence of the source, each as likely | summaries: what any sentence shares with the reference |
//! | copy | the source | translation: names, numbers and marks are right already |
//!
//! Where sentences end is decided by [`sentences`] alone.

use rungs_random::Rng;

/// Words with a period that seldom ends a sentence.
const ABBREVIATIONS: [&str; 21] = [
    "al", "approx", "cf", "dr", "e.g", "eds", "eg", "esp", "fig", "i.e", "ie", "inc", "jr", "mr", "mrs", "ms", "pp",
    "prof", "st", "viz", "vs",
];

/// A way to write without a model.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// The first sentence.
    Lead,
    /// A sentence from anywhere.
    Random,
    /// All of it.
    Copy,
}

impl Baseline {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Lead, Self::Random, Self::Copy];

    /// What it is called: `lead-1`, `random` or `copy`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lead => "lead-1",
            Self::Random => "random",
            Self::Copy => "copy",
        }
    }

    /// What it makes of a source; nothing of one without a sentence.
    pub fn output<'t>(self, source: &'t str, rng: &mut Rng) -> &'t str {
        let sentences = if self == Self::Copy { vec![source] } else { sentences(source) };
        let place = if self == Self::Random && !sentences.is_empty() { rng.below(sentences.len()) } else { 0 };
        sentences.get(place).copied().unwrap_or("")
    }
}

/// The sentences of a text, without the white space between them.
///
/// A sentence ends
/// - at the end of a line;
/// - behind `.`, `!`, `?` or `…`, any number of them, with the quotation marks and brackets that close after them, if
///   white space follows, and after it no small letter;
/// - behind `。`, `！` or `？`, in the same way, whatever follows.
///
/// A period does not end it behind a single capital other than I (`J. S. Bach`) or behind an abbreviation of a short
/// English list (`e.g.`, `vs.`, `Dr.`). These are rules, not understanding: `made by Acme Inc. It runs` stays one
/// sentence.
///
/// ```
/// # use rungs_measures::baselines::sentences;
/// let text = "A viewer for e.g. PostScript 2.0 files. It \"just works!\" (Really?) See J. Doe et al. for more";
/// let expected =
///     ["A viewer for e.g. PostScript 2.0 files.", "It \"just works!\"", "(Really?)", "See J. Doe et al. for more"];
/// assert_eq!(sentences(text), expected);
/// ```
pub fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    for line in text.lines() {
        let mut rest = line.trim();
        while !rest.is_empty() {
            let (sentence, after) = rest.split_at(first_end(rest));
            sentences.push(sentence.trim_end());
            rest = after.trim_start();
        }
    }
    sentences
}

/// Where the first sentence of a line ends.
fn first_end(line: &str) -> usize {
    let mut at = 0;
    while let Some(found) = line[at..].find(is_mark) {
        let begin = at + found;
        let behind_marks = line[begin..].trim_start_matches(is_mark);
        let after = behind_marks.trim_start_matches(closes);
        at = line.len() - after.len();
        let marks = &line[begin..line.len() - behind_marks.len()];
        if marks.contains(['。', '！', '？']) {
            return at;
        }
        let follows = after.trim_start();
        let goes_on = follows.len() == after.len() || follows.starts_with(char::is_lowercase);
        let of_a_word = marks == "." && is_abbreviated(&line[..begin]);
        if !goes_on && !of_a_word {
            return at;
        }
    }
    line.len()
}

/// What ends a sentence.
fn is_mark(character: char) -> bool {
    matches!(character, '.' | '!' | '?' | '…' | '。' | '！' | '？')
}

/// What may stand between the mark and the end.
fn closes(character: char) -> bool {
    matches!(character, '"' | '\'' | ')' | ']' | '}' | '”' | '’' | '»' | '」' | '』' | '）')
}

/// Whether the word at the end of a text is one whose period belongs to it.
fn is_abbreviated(text: &str) -> bool {
    let word = text.rsplit(|c: char| !c.is_alphanumeric() && c != '.').next().unwrap_or("");
    let mut characters = word.chars();
    let capital = matches!((characters.next(), characters.next()), (Some(c), None) if c.is_uppercase() && c != 'I');
    capital || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_sentences_end() {
        for (text, expected) in [
            ("", &[][..]),
            (" \n ", &[]),
            ("no mark", &["no mark"]),
            ("One. Two. ", &["One.", "Two."]),
            ("One.Two", &["One.Two"]),
            ("version 2.0 is out", &["version 2.0 is out"]),
            ("Wait... what? Yes!", &["Wait... what?", "Yes!"]),
            ("Really?! \"No.\" He left.", &["Really?!", "\"No.\"", "He left."]),
            ("a line\nanother", &["a line", "another"]),
            ("我是学生。你呢？「好。」是", &["我是学生。", "你呢？", "「好。」", "是"]),
            ("Il dort… Elle lit.", &["Il dort…", "Elle lit."]),
            ("See Dr. Who vs. The Daleks. End", &["See Dr. Who vs. The Daleks.", "End"]),
            ("by J. S. Bach. 12 pieces", &["by J. S. Bach.", "12 pieces"]),
            ("So do I. Acme Inc. It is.", &["So do I.", "Acme Inc. It is."]),
            ("...", &["..."]),
        ] {
            assert_eq!(sentences(text), expected, "{text:?}");
        }
    }

    #[test]
    fn baselines_are_parts_of_the_source() {
        let (source, mut rng) = ("One. Two. Three.", Rng::new(0));
        assert_eq!(Baseline::Lead.output(source, &mut rng), "One.");
        assert_eq!(Baseline::Copy.output(source, &mut rng), source);
        let mut counts = [0; 3];
        for _ in 0..3_000 {
            let drawn = Baseline::Random.output(source, &mut rng);
            counts[["One.", "Two.", "Three."].iter().position(|&sentence| sentence == drawn).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
        assert!(Baseline::ALL.iter().all(|baseline| baseline.output("", &mut rng).is_empty()));
    }
}
