//! What a run is to learn: the texts or pairs that were given, those of the run that goes on, or the built-in ones.

use std::path::Path;

use rungs::dates::{self, Part};
use rungs::{
    Columns, Corpus, Data, Error, Learns, Normalization, PairCorpus, RunConfig, Settings, Source, TextPair, Tokens,
    read_pairs, split_pairs,
};

use super::{BOOK, BOOK_NAME};
use crate::arguments::Train;
use crate::failure::{Failure, Outcome};
use crate::text;

/// What a run that learnt from stdin has for the name of its text.
const STDIN_NAME: &str = "stdin";
/// The built-in pairs: dates written in many ways, and in one. Those to validate on are other dates.
const DATES_NAME: &str = "the built-in dates";
const VALIDATION_DATES_NAME: &str = "the built-in validation dates";
/// How many there are to learn, and how many of each other part.
const DATES: usize = 20_000;
const HELD_OUT_DATES: usize = 1_000;

/// The built-in pairs that no rung learns from.
pub(super) fn test_dates() -> Vec<TextPair> {
    dates::pairs(Part::Test, HELD_OUT_DATES, 0)
}

/// The texts of a run.
pub(super) struct Texts {
    text: Text,
    validation: Option<Text>,
}

struct Text {
    content: String,
    source: Source,
}

impl Texts {
    /// Reads the texts that were given; where none was, those of the run that goes on, or the built-in ones.
    pub(super) fn read(train: &Train, saved: Option<&RunConfig>) -> Outcome<Self> {
        let pairs = train.rung.learns() == Learns::Pairs;
        let (flag, given) = match (pairs, &train.text, &train.pairs) {
            (true, Some(_), _) => {
                let rung = train.rung;
                return Err(Failure::input(format!("--text: the rung {rung} learns pairs of texts (--pairs)")));
            }
            (false, _, Some(_)) => {
                return Err(Failure::input(format!("--pairs: the rung {} learns a text (--text)", train.rung)));
            }
            (true, None, given) => ("--pairs", given),
            (false, given, None) => ("--text", given),
        };
        let text = match (given, saved) {
            (Some(path), _) => Text::given(path)?,
            (None, Some(config)) => Text::again(&config.text, flag)?,
            (None, None) if pairs => return Ok(Self::dates()),
            (None, None) => Text::named(BOOK_NAME, BOOK.to_owned()),
        };
        let again = |config: &RunConfig| config.validation.as_ref().map(|source| Text::again(source, "--validation"));
        let validation = match &train.validation {
            Some(path) if path == Path::new(text::STDIN) && given.as_deref() == Some(path) => {
                return Err(Failure::input("--validation: stdin is the text already"));
            }
            Some(path) => Some(Text::given(path)?),
            None => saved.and_then(again).transpose()?,
        };
        Ok(Self { text, validation })
    }

    /// The built-in pairs.
    pub(super) fn dates() -> Self {
        let tsv = |pairs: Vec<TextPair>| -> String {
            pairs.iter().map(|pair| format!("{}\t{}\n", pair.source, pair.target)).collect()
        };
        Self {
            text: Text::named(DATES_NAME, tsv(dates::pairs(Part::Training, DATES, 0))),
            validation: Some(Text::named(
                VALIDATION_DATES_NAME,
                tsv(dates::pairs(Part::Validation, HELD_OUT_DATES, 0)),
            )),
        }
    }

    /// Where they came from.
    pub(super) fn sources(&self) -> (Source, Option<Source>) {
        (self.text.source.clone(), self.validation.as_ref().map(|text| text.source.clone()))
    }

    /// The texts as tokens, those of the run that goes on if there is one. An error names the text it is about, or the file.
    pub(super) fn data(&self, settings: &Settings, columns: Option<Columns>, saved: Option<&Tokens>) -> Outcome<Data> {
        let named = |error| match error {
            Error::File { .. } | Error::Train(_) => Failure::from(error),
            _ => Failure::input(format!("{}: {error}", self.text.source.name)),
        };
        if settings.rung.learns() == Learns::Text {
            let (text, validation) = (&self.text.content, self.validation.as_ref().map(|text| text.content.as_str()));
            let corpus = match saved {
                Some(tokens) => Corpus::with_tokenizer(tokens.text()?.clone(), text, validation, settings),
                None => Corpus::new(text, validation, settings),
            };
            return Ok(corpus.map_err(named)?.into());
        }
        let lower_case = settings.pair_settings()?.lower_case;
        let pairs = self.text.pairs(columns, lower_case)?;
        let (train, validation) = match &self.validation {
            Some(text) => (pairs, text.pairs(columns, lower_case)?),
            None => split_pairs(pairs, settings.validation_split).map_err(named)?,
        };
        let corpus = match saved {
            Some(tokens) => PairCorpus::with_vocabularies(tokens.pairs()?.clone(), &train, &validation, settings),
            None => PairCorpus::new(&train, &validation, settings),
        };
        Ok(corpus.map_err(named)?.into())
    }
}

impl Text {
    fn named(name: &str, content: String) -> Self {
        Self { source: Source::of(name, &content), content }
    }

    fn given(path: &Path) -> Outcome<Self> {
        let content = text::read(path)?;
        let name = if path == Path::new(text::STDIN) {
            STDIN_NAME.to_owned()
        } else {
            // From wherever the run goes on, the text is where it was.
            std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
        };
        Ok(Self::named(&name, content))
    }

    fn again(source: &Source, flag: &str) -> Outcome<Self> {
        match source.name.as_str() {
            BOOK_NAME => Ok(Self::named(BOOK_NAME, BOOK.to_owned())),
            DATES_NAME => Ok(Texts::dates().text),
            VALIDATION_DATES_NAME => Ok(Texts::dates().validation.expect("dates have some to validate on")),
            STDIN_NAME => {
                Err(Failure::input(format!("{flag}: this run learnt from stdin; it needs the same text again")))
            }
            name => Ok(Self::named(name, text::read(Path::new(name))?)),
        }
    }

    fn pairs(&self, columns: Option<Columns>, lower_case: bool) -> Outcome<Vec<TextPair>> {
        pairs(&self.content, &self.source.name, columns, lower_case)
    }
}

/// The pairs of a text that has one on each line.
pub(super) fn pairs(content: &str, name: &str, columns: Option<Columns>, lower_case: bool) -> Outcome<Vec<TextPair>> {
    Ok(read_pairs(content.as_bytes(), name, columns.unwrap_or_default(), Normalization { lowercase: lower_case })?)
}
