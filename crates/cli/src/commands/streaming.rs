//! Texts that are larger than memory: when they are streamed, where their tokens go, and how far they are.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rungs::trainer::{Control, TrainError};
use rungs::{Error, Reading, TextFile};

use crate::arguments::{Common, Train};
use crate::terminal::{Failure, Interrupt, Outcome, Progress, reason, thousands};

/// The folder for files of token ids in a run folder, unless told.
const CACHE: &str = "ids";

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
            cache: train.data.cache.clone().unwrap_or_else(|| out.join(CACHE)),
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
        let control = self.interrupt.control();
        if done == of && what == "learning tokens" {
            self.interrupt.leave_at_once(); // what is made of them may take long, and nothing is written meanwhile
        }
        control
    }
}

/// The files of token ids that a run folder has before a run is prepared, so that those of one that is refused can be
/// removed.
pub(super) struct EarlierIds {
    /// The run folder's own.
    cache: PathBuf,
    names: BTreeSet<OsString>,
    /// The folders that there are not yet, innermost first.
    missing: Vec<PathBuf>,
}

impl EarlierIds {
    pub(super) fn of(out: &Path) -> Self {
        let cache = out.join(CACHE);
        let missing = cache.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        Self { missing: missing.map(Path::to_owned).collect(), names: names(&cache).collect(), cache }
    }

    /// Removes all others; best effort.
    pub(super) fn remove_others(&self) {
        for name in names(&self.cache).filter(|name| !self.names.contains(name)) {
            _ = fs::remove_file(self.cache.join(name));
        }
        self.missing.iter().all(|folder| fs::remove_dir(folder).is_ok());
    }
}

fn names(folder: &Path) -> impl Iterator<Item = OsString> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name())
}
