//! Texts that are larger than memory: when they are streamed, where their tokens go, and how far they are.

use std::path::{Path, PathBuf};

use rungs::trainer::{Control, TrainError};
use rungs::{Error, Reading, TextFile};

use crate::arguments::{Common, Train};
use crate::terminal::{Failure, Interrupt, Outcome, Progress, reason, thousands};

/// How the texts of a run are streamed.
pub(super) struct Streaming<'i> {
    /// Whether it was asked for.
    pub(super) asked: bool,
    /// Folder for the files of token ids.
    pub(super) cache: PathBuf,
    label: &'static str,
    machine: bool,
    /// Progress bar of the current pass over the text.
    progress: Option<Progress>,
    interrupt: &'i Interrupt,
}

impl<'i> Streaming<'i> {
    /// What was asked for; `out` is the run folder.
    pub(super) fn new(train: &Train, out: &Path, common: &Common, interrupt: &'i Interrupt) -> Self {
        Self {
            asked: train.data.stream || train.data.cache.is_some(),
            cache: train.data.cache.clone().unwrap_or_else(|| out.join("ids")),
            label: train.rung.name(),
            machine: common.json,
            progress: None,
            interrupt,
        }
    }

    /// The text in a file, read through if nothing is known of it.
    pub(super) fn open(&mut self, path: &Path, learnt: Option<&str>) -> Outcome<TextFile> {
        let cache = self.cache.clone();
        TextFile::open(path, &cache, learnt, &mut |reading| self.show(reading)).map_err(|error| match error {
            Error::Train(TrainError::Io { path, source }) => {
                Failure::input(format!("{}: {}", path.display(), reason(&source)))
            }
            other => other.into(),
        })
    }

    /// Shows how far a pass over the text is, and says whether to go on.
    pub(super) fn show(&mut self, Reading { what, done, of }: Reading) -> Control {
        let progress = self.progress.get_or_insert_with(|| Progress::new(self.label, self.machine));
        let share = if of == 0 { 1.0 } else { done as f64 / of as f64 };
        let megabytes = |bytes: u64| thousands((bytes / 1_000_000) as usize);
        progress.show(share, || format!("{what}, {} of {} MB", megabytes(done), megabytes(of)));
        if done == of {
            self.progress = None; // the bar goes
        }
        self.interrupt.control()
    }
}
