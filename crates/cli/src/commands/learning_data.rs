//! The data that a run learns: the texts or pairs that were given, those of the run that goes on, or the built-in ones.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use rungs::builtin::{TEXT, TEXT_NAME};
use rungs::dates::{self, Part};
use rungs::text::{TextError, Tokenizer, TokenizerError};
use rungs::{
    Columns, Corpus, Dialogue, Error, Normalization, PromptKind, Provenance, RunConfig, Settings, TextFile, TextPair,
    Tokenizers, read_dialogues, read_pairs, split_dialogues, split_pairs,
};

use super::streaming::Streaming;
use crate::arguments::Train;
use crate::terminal::failure::{Failure, Outcome};
use crate::text_input;

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
    content: Content,
    provenance: Provenance,
}

enum Content {
    /// All of it.
    Memory(String),
    /// A file that is read in pieces.
    Streamed(TextFile),
}

impl Texts {
    /// Reads the texts that were given; where none was, those of the run that goes on, or the built-in ones.
    pub(super) fn read(
        train: &Train,
        settings: &Settings,
        saved: Option<&RunConfig>,
        streaming: &mut Streaming<'_>,
    ) -> Outcome<Self> {
        let rung = settings.rung();
        let pairs = rung.translates();
        let task = settings.prompts().map(|prompts| prompts.task);
        let (flag, given) = match (pairs, task) {
            (true, _) | (false, Some(PromptKind::Pairs)) => ("--pairs", &train.data.pairs),
            (false, Some(PromptKind::Dialogue)) => ("--dialogue", &train.data.dialogue),
            (false, None) => ("--text", &train.data.text),
        };
        match (&train.data.text, pairs, task) {
            (Some(_), true, _) => {
                return Err(Failure::input(format!("--text: the rung {rung} learns pairs of texts (--pairs)")));
            }
            (Some(_), false, Some(task)) => {
                return Err(Failure::input(format!("--text: this run learns to answer from {task} ({flag})")));
            }
            _ => {}
        }
        if let (true, Some(path)) = (train.run.validation == *given, given)
            && path == Path::new(text_input::STDIN)
        {
            return Err(Failure::input("--validation: stdin is the text already"));
        }
        let text = match (given, saved) {
            (Some(path), _) => Origin::given(path),
            (None, Some(config)) => Origin::again(&config.text),
            (None, None) if pairs => return Ok(Self::dates()),
            (None, None) => Origin::BuiltIn,
        };
        let validation = match (&train.run.validation, saved.and_then(|config| config.validation.as_ref())) {
            (Some(path), _) => Some(Origin::given(path)),
            (None, again) => again.map(Origin::again),
        };
        // Both or neither: a vocabulary may be that of both.
        let origins = || [Some(&text), validation.as_ref()].into_iter().flatten();
        let streamed = !pairs
            && task.is_none()
            && origins().any(|origin| matches!(origin, Origin::File(path) if TextFile::is_large(path)));
        let streaming = (streamed || streaming.asked()).then_some(streaming);
        let (text, validation) = match streaming {
            Some(streaming) => {
                let mut stream = |origin: &Origin| origin.stream(streaming);
                (stream(&text)?, validation.as_ref().map(stream).transpose()?)
            }
            None => (text.read(flag)?, validation.map(|text| text.read("--validation")).transpose()?),
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
    pub(super) fn provenance(&self) -> (Provenance, Option<Provenance>) {
        (self.text.provenance.clone(), self.validation.as_ref().map(|text| text.provenance.clone()))
    }

    /// The texts as token ids, made by the tokenizers of the run that goes on if there is one. An error names the text
    /// or the file that it is about.
    pub(super) fn corpus(
        &self,
        settings: &Settings,
        columns: Option<Columns>,
        saved: Option<&Tokenizers>,
        streaming: Option<&mut Streaming<'_>>,
    ) -> Outcome<Corpus> {
        let share = settings.data.validation_split;
        let pairs = |lower_case| self.parts(|text| text.pairs(columns, lower_case), |pairs| split_pairs(pairs, share));
        let tokenizer = saved.map(|tokenizers| tokenizers.target().clone());
        let corpus = match (settings.rung().translates(), settings.prompts().map(|prompts| prompts.task)) {
            (true, _) => {
                let (train, validation) = pairs(settings.data.examples.lower_case())?;
                Corpus::of_pairs(&train, &validation, saved.cloned(), settings)
            }
            (false, Some(PromptKind::Pairs)) => {
                let (train, validation) = pairs(false)?;
                Corpus::of_turns(&train, &validation, tokenizer, settings)
            }
            (false, Some(PromptKind::Dialogue)) => {
                let (train, validation) = self.parts(Text::dialogues, |dialogues| split_dialogues(dialogues, share))?;
                Corpus::of_turns(&train, &validation, tokenizer, settings)
            }
            (false, None) => self.of_text(settings, tokenizer, streaming)?,
        };
        corpus.map_err(|error| match error {
            Error::Train(_) | Error::Stopped => Failure::from(error),
            _ => Failure::input(format!("{}: {error}", self.text.provenance.name)),
        })
    }

    fn of_text(
        &self,
        settings: &Settings,
        tokenizer: Option<Tokenizer>,
        streaming: Option<&mut Streaming<'_>>,
    ) -> Outcome<Result<Corpus, Error>> {
        if let (Content::Streamed(text), Some(streaming)) = (&self.text.content, streaming) {
            let validation = self.validation.as_ref().and_then(Text::streamed);
            match streaming.corpus(text, validation, tokenizer.clone(), settings) {
                // Nobody asked for it, and it cannot be.
                Err(Error::Tokenizer(TokenizerError::Whole)) if !streaming.asked() => {}
                corpus => return Ok(corpus),
            }
        }
        let text = self.text.whole()?;
        let validation = self.validation.as_ref().map(Text::whole).transpose()?;
        Ok(Corpus::of_text(&text, validation.as_deref(), tokenizer, settings))
    }

    /// What there is to train on and to validate on: two texts, or one that is split.
    fn parts<T>(
        &self,
        read: impl Fn(&Text) -> Outcome<Vec<T>>,
        split: impl FnOnce(Vec<T>) -> Result<(Vec<T>, Vec<T>), TextError>,
    ) -> Outcome<(Vec<T>, Vec<T>)> {
        let all = read(&self.text)?;
        match &self.validation {
            Some(text) => Ok((all, read(text)?)),
            None => split(all).map_err(|error| Failure::input(format!("{}: {error}", self.text.provenance.name))),
        }
    }
}

impl Text {
    fn named(name: &str, content: String) -> Self {
        Self { provenance: Provenance::of(name, &content), content: Content::Memory(content) }
    }

    fn streamed(&self) -> Option<&TextFile> {
        match &self.content {
            Content::Memory(_) => None,
            Content::Streamed(file) => Some(file),
        }
    }

    /// All of it.
    fn whole(&self) -> Outcome<Cow<'_, str>> {
        match &self.content {
            Content::Memory(text) => Ok(text.into()),
            Content::Streamed(_) => text_input::read(Path::new(&self.provenance.name)).map(Cow::from),
        }
    }

    fn pairs(&self, columns: Option<Columns>, lower_case: bool) -> Outcome<Vec<TextPair>> {
        pairs(&self.whole()?, &self.provenance.name, columns, lower_case)
    }

    fn dialogues(&self) -> Outcome<Vec<Dialogue>> {
        Ok(read_dialogues(&self.whole()?, &self.provenance.name)?)
    }
}

/// Where a text is to be had.
enum Origin {
    File(PathBuf),
    Stdin,
    /// It was stdin, which cannot be had again.
    FormerStdin,
    BuiltIn,
    Dates,
    ValidationDates,
}

impl Origin {
    fn given(path: &Path) -> Self {
        if path == Path::new(text_input::STDIN) { Self::Stdin } else { Self::File(path.to_owned()) }
    }

    fn again(was: &Provenance) -> Self {
        match was.name.as_str() {
            TEXT_NAME => Self::BuiltIn,
            DATES_NAME => Self::Dates,
            VALIDATION_DATES_NAME => Self::ValidationDates,
            STDIN_NAME => Self::FormerStdin,
            name => Self::File(name.into()),
        }
    }

    /// The whole text; `flag` is how it is given.
    fn read(&self, flag: &str) -> Outcome<Text> {
        Ok(match self {
            Self::File(path) => {
                let content = text_input::read(path)?;
                // From wherever the run goes on, the text is where it was.
                let name = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                Text::named(&name.display().to_string(), content)
            }
            Self::Stdin => Text::named(STDIN_NAME, text_input::read(Path::new(text_input::STDIN))?),
            Self::FormerStdin => {
                let problem = "this run learnt from stdin; it needs the same text again";
                return Err(Failure::input(format!("{flag}: {problem}")));
            }
            Self::BuiltIn => Text::named(TEXT_NAME, TEXT.to_owned()),
            Self::Dates => Texts::dates().text,
            Self::ValidationDates => Texts::dates().validation.expect("dates have some to validate on"),
        })
    }

    /// The text, to be read in pieces.
    fn stream(&self, streaming: &mut Streaming<'_>) -> Outcome<Text> {
        let Self::File(path) = self else {
            return Err(Failure::input(
                "--stream: only a file can be read in pieces, as often as it takes (--text FILE)",
            ));
        };
        let file = streaming.open(path)?;
        Ok(Text { provenance: file.provenance(), content: Content::Streamed(file) })
    }
}

/// The pairs of a text that has one on each line.
pub(super) fn pairs(content: &str, name: &str, columns: Option<Columns>, lower_case: bool) -> Outcome<Vec<TextPair>> {
    Ok(read_pairs(content.as_bytes(), name, columns.unwrap_or_default(), Normalization { lowercase: lower_case })?)
}
