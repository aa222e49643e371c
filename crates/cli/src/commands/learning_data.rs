//! The data that a run learns: the texts or pairs that were given, those of the run that goes on, or the built-in ones.

use std::borrow::Cow;
use std::path::Path;

use rungs::builtin::{TEXT, TEXT_NAME};
use rungs::dates::{self, Part};
use rungs::text::{TextError, Tokenizer, TokenizerError};
use rungs::{
    Columns, Corpus, Error, PromptKind, Provenance, RunConfig, Settings, TextFile, TextPair, Tokenizers,
    read_dialogues, read_pairs, split_dialogues, split_pairs,
};

use super::streaming::Streaming;
use crate::arguments::Train;
use crate::terminal::{Failure, Outcome};
use crate::text_input::{self, STDIN};

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
pub(super) struct Texts<'i> {
    text: Text,
    validation: Option<Text>,
    columns: Option<Columns>,
    /// How they are streamed, if they are.
    streaming: Option<Streaming<'i>>,
}

enum Text {
    Memory {
        content: String,
        provenance: Provenance,
    },
    /// A file that is read in pieces.
    Streamed(TextFile),
}

impl<'i> Texts<'i> {
    /// Reads the texts that were given; where none was, those of the run that goes on, or the built-in ones.
    pub(super) fn read(
        train: &Train,
        settings: &Settings,
        saved: Option<&RunConfig>,
        mut streaming: Streaming<'i>,
    ) -> Outcome<Self> {
        let task = settings.prompts().map(|prompts| prompts.task);
        let translates = settings.rung().translates();
        let (flag, given) = match task {
            None if !translates => ("--text", &train.data.text),
            None | Some(PromptKind::Pairs) => ("--pairs", &train.data.pairs),
            Some(PromptKind::Dialogue) => ("--dialogue", &train.data.dialogue),
        };
        if streaming.asked && flag != "--text" {
            let asked = if train.data.stream { "--stream" } else { "--cache" };
            return Err(Failure::input(format!(
                "{asked}: pairs and dialogues are read whole; only a text is streamed"
            )));
        }
        if let (Some(_), Some(task)) = (&train.data.text, task) {
            return Err(Failure::input(format!("--text: this run learns to answer from {task} ({flag})")));
        }
        if [given, &train.run.validation].into_iter().all(|path| path.as_deref() == Some(Path::new(STDIN))) {
            return Err(Failure::input("--validation: stdin is the text already"));
        }
        let text = given.as_deref().map(Origin::Given).or(saved.map(|config| Origin::Known(&config.text.name)));
        let validation = saved.and_then(|config| config.validation.as_ref()).map(|text| Origin::Known(&text.name));
        let validation = train.run.validation.as_deref().map(Origin::Given).or(validation);
        let (text, validation) = match (text, built_in(translates)) {
            (Some(text), _) => (text, validation),
            (None, (text, held_out)) => (text, held_out.or(validation)),
        };
        // Both or neither: a vocabulary may be that of both.
        let large = [Some(text), validation].into_iter().flatten().filter_map(Origin::file).any(TextFile::is_large);
        let streamed = streaming.asked || (flag == "--text" && large);
        let is_text = flag == "--text";
        let mut read = |origin: Origin<'_>, flag, learnt: Option<&Provenance>| {
            let learnt = learnt.map(|text| text.sha256.as_str());
            match streamed {
                true => origin.stream(learnt, &mut streaming),
                false if is_text => Ok(origin.read(flag)?.plain(learnt)),
                false => origin.read(flag),
            }
        };
        let text = read(text, flag, saved.map(|config| &config.text))?;
        let learnt = saved.and_then(|config| config.validation.as_ref());
        let validation = validation.map(|origin| read(origin, "--validation", learnt)).transpose()?;
        Ok(Self { text, validation, columns: train.data.columns, streaming: streamed.then_some(streaming) })
    }

    /// The built-in text, or the built-in pairs.
    pub(super) fn built_in(pairs: bool) -> Outcome<Self> {
        let (text, validation) = built_in(pairs);
        let validation = validation.map(|origin| origin.read("--validation")).transpose()?;
        Ok(Self { text: text.read("--text")?, validation, columns: None, streaming: None })
    }

    /// Where they came from.
    pub(super) fn provenance(&self) -> (Provenance, Option<Provenance>) {
        (self.text.provenance(), self.validation.as_ref().map(Text::provenance))
    }

    /// The texts as token ids, made by the tokenizers of the run that goes on if there is one. An error names the text
    /// or the file that it is about.
    pub(super) fn corpus(&mut self, settings: &Settings, saved: Option<&Tokenizers>) -> Outcome<Corpus> {
        let (share, lower_case) = (settings.data.validation_split, settings.data.examples.lower_case());
        let tokenizer = saved.map(|tokenizers| tokenizers.target.clone());
        let read = |text: &Text| pairs(&text.whole()?, &text.provenance().name, self.columns, lower_case);
        let split = |pairs| split_pairs(pairs, share);
        let corpus = match settings.prompts().map(|prompts| prompts.task) {
            None if settings.rung().translates() => {
                let (train, validation) = self.parts(read, split)?;
                Corpus::of_pairs(&train, &validation, saved.cloned(), settings)
            }
            Some(PromptKind::Pairs) => {
                let (train, validation) = self.parts(read, split)?;
                Corpus::of_turns(&train, &validation, tokenizer, settings)
            }
            Some(PromptKind::Dialogue) => {
                let read =
                    |text: &Text| read_dialogues(&text.whole()?, &text.provenance().name).map_err(Failure::input);
                let (train, validation) = self.parts(read, |dialogues| split_dialogues(dialogues, share))?;
                Corpus::of_turns(&train, &validation, tokenizer, settings)
            }
            None => self.of_text(settings, tokenizer)?,
        };
        corpus.map_err(|error| match error {
            Error::Train(_) | Error::Stopped => Failure::from(error),
            _ => Failure::input(format!("{}: {error}", self.text.provenance().name)),
        })
    }

    fn of_text(&mut self, settings: &Settings, tokenizer: Option<Tokenizer>) -> Outcome<Result<Corpus, Error>> {
        if let (Text::Streamed(text), Some(streaming)) = (&self.text, &mut self.streaming) {
            let validation = if let Some(Text::Streamed(file)) = &self.validation { Some(file) } else { None };
            let cache = streaming.cache.clone();
            let on_reading = &mut |reading| streaming.show(reading);
            match Corpus::streamed(text, validation, tokenizer.clone(), settings, &cache, on_reading) {
                // Nobody asked for it, and it cannot be.
                Err(Error::Tokenizer(TokenizerError::Whole)) if !streaming.asked => {}
                corpus => return Ok(corpus),
            }
        }
        let validation = self.validation.as_ref().map(Text::whole).transpose()?;
        Ok(Corpus::of_text(&self.text.whole()?, validation.as_deref(), tokenizer, settings))
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
            None => split(all).map_err(|error| Failure::input(format!("{}: {error}", self.text.provenance().name))),
        }
    }
}

impl Text {
    fn provenance(&self) -> Provenance {
        match self {
            Self::Memory { provenance, .. } => provenance.clone(),
            Self::Streamed(file) => file.provenance(),
        }
    }

    /// All of it.
    fn whole(&self) -> Outcome<Cow<'_, str>> {
        match self {
            Self::Memory { content, .. } => Ok(content.into()),
            Self::Streamed(file) => {
                text_input::read_as_it_is(Path::new(&file.provenance().name)).map(|content| file.whole(content).into())
            }
        }
    }

    /// The text without a byte-order mark and with LF for CR LF; as it is, if that is what a run has learnt, whose
    /// checksum this is.
    fn plain(self, learnt: Option<&str>) -> Self {
        match self {
            Self::Memory { content, provenance } if learnt != Some(&provenance.sha256) => {
                let (bytes, content) = (content.len(), text_input::plain(content, &provenance.name));
                let changed = content.len() < bytes;
                let provenance = if changed { Provenance::of(provenance.name, &content) } else { provenance };
                Self::Memory { provenance, content }
            }
            other => other,
        }
    }
}

/// Where a text is to be had.
#[derive(Clone, Copy)]
enum Origin<'a> {
    /// A file, or stdin.
    Given(&'a Path),
    /// Name of a text in a run's settings: a file, or one of the names above.
    Known(&'a str),
}

/// The built-in text, or the built-in pairs with others to validate on.
fn built_in(pairs: bool) -> (Origin<'static>, Option<Origin<'static>>) {
    match pairs {
        false => (Origin::Known(TEXT_NAME), None),
        true => (Origin::Known(DATES_NAME), Some(Origin::Known(VALIDATION_DATES_NAME))),
    }
}

impl<'a> Origin<'a> {
    /// The file that it is in, if it is in one.
    fn file(self) -> Option<&'a Path> {
        match self {
            Self::Given(path) => (path != Path::new(STDIN)).then_some(path),
            Self::Known(TEXT_NAME | DATES_NAME | VALIDATION_DATES_NAME | STDIN_NAME) => None,
            Self::Known(name) => Some(Path::new(name)),
        }
    }

    /// The whole text; `flag` is how it is given.
    fn read(self, flag: &str) -> Outcome<Text> {
        let tsv = |part, count| -> String {
            let pairs = dates::pairs(part, count, 0);
            pairs.iter().map(|pair| format!("{}\t{}\n", pair.source, pair.target)).collect()
        };
        let (name, content) = match (self, self.file()) {
            (_, Some(path)) => {
                let content = text_input::read_as_it_is(path)?;
                // From wherever the run goes on, the text is where it was.
                let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
                (path.display().to_string(), content)
            }
            (Self::Given(stdin), None) => (STDIN_NAME.to_owned(), text_input::read_as_it_is(stdin)?),
            (Self::Known(name), None) => {
                let content = match name {
                    STDIN_NAME => {
                        let problem = "this run learnt from stdin; it needs the same text again";
                        return Err(Failure::input(format!("{flag}: {problem}")));
                    }
                    DATES_NAME => tsv(Part::Training, DATES),
                    VALIDATION_DATES_NAME => tsv(Part::Validation, HELD_OUT_DATES),
                    _ => TEXT.to_owned(),
                };
                (name.to_owned(), content)
            }
        };
        Ok(Text::Memory { provenance: Provenance::of(name, &content), content })
    }

    /// The text, to be read in pieces.
    fn stream(self, learnt: Option<&str>, streaming: &mut Streaming<'_>) -> Outcome<Text> {
        let problem = "--stream: only a file can be read in pieces, as often as it takes (--text FILE)";
        let path = self.file().ok_or_else(|| Failure::input(problem))?;
        let text = streaming.open(path, learnt)?;
        if text.has_carriage_returns && learnt != Some(&text.provenance().sha256) {
            text_input::complain_of_carriage_returns(&text.provenance().name);
        }
        Ok(Text::Streamed(text))
    }
}

/// The pairs of a text that has one on each line.
pub(super) fn pairs(content: &str, name: &str, columns: Option<Columns>, lower_case: bool) -> Outcome<Vec<TextPair>> {
    read_pairs(content.as_bytes(), name, columns.unwrap_or_default(), lower_case).map_err(Failure::input)
}
