//! Texts that are larger than memory: when they are streamed, where their tokens go, and how far they are.

use std::path::{Path, PathBuf};

use rungs::text::Tokenizer;
use rungs::trainer::Control;
use rungs::{Corpus, Error, Examples, Settings, TextFile};

use crate::arguments::{Common, Train};
use crate::terminal::failure::{Failure, Outcome, reason};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::progress::ReadingProgress;

/// How the texts of a run are streamed.
pub(super) struct Streaming<'i> {
    /// Whether it was asked for.
    asked: bool,
    cache: PathBuf,
    progress: ReadingProgress,
    interrupt: &'i Interrupt,
}

impl<'i> Streaming<'i> {
    /// What was asked for; `out` is the run folder.
    pub(super) fn new(
        train: &Train,
        settings: &Settings,
        out: &Path,
        common: &Common,
        interrupt: &'i Interrupt,
    ) -> Outcome<Self> {
        let given = [("--stream", train.data.stream), ("--cache", train.data.cache.is_some())];
        let whole = !matches!(settings.data.examples, Examples::Text { .. });
        if let (true, Some((flag, _))) = (whole, given.into_iter().find(|(_, given)| *given)) {
            return Err(Failure::input(format!("{flag}: pairs and dialogues are read whole; only a text is streamed")));
        }
        let cache = train.data.cache.clone().unwrap_or_else(|| out.join("ids"));
        Ok(Self {
            asked: train.data.stream || train.data.cache.is_some(),
            cache,
            progress: ReadingProgress::new(train.rung.name(), common.json),
            interrupt,
        })
    }

    /// Whether it was asked for.
    pub(super) fn asked(&self) -> bool {
        self.asked
    }

    /// The text in a file, read through if nothing is known of it.
    pub(super) fn open(&mut self, path: &Path) -> Outcome<TextFile> {
        let Self { cache, progress, interrupt, .. } = self;
        TextFile::open(path, cache, &mut |reading| {
            progress.show(&reading);
            if interrupt.requested() { Control::Stop } else { Control::Continue }
        })
        .map_err(|error| match error {
            Error::Train(rungs::trainer::TrainError::Io { path, source }) => {
                Failure::input(format!("{}: {}", path.display(), reason(&source)))
            }
            other => other.into(),
        })
    }

    /// A text whose token ids are in files.
    pub(super) fn corpus(
        &mut self,
        text: &TextFile,
        validation: Option<&TextFile>,
        tokenizer: Option<Tokenizer>,
        settings: &Settings,
    ) -> Result<Corpus, Error> {
        let Self { cache, progress, interrupt, .. } = self;
        Corpus::streamed(text, validation, tokenizer, settings, cache, &mut |reading| {
            progress.show(&reading);
            if interrupt.requested() { Control::Stop } else { Control::Continue }
        })
    }
}
