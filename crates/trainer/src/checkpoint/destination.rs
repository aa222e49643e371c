//! Where a trainer saves, and what goes there beside its own files.

use super::{Contents, Folder, METRICS_FILE, MODEL_FILE, TRAINING_FILE};
use crate::{Metrics, TrainError};
use std::fmt;

/// Files by name, as they are to be written.
type Files = Vec<(String, Vec<u8>)>;

/// A run folder with what its owner wants to be in it: settings in `config.json`, and files beside the trainer's own (a
/// tokenizer, a plot of the metrics).
pub struct Destination {
    folder: Folder,
    settings: serde_json::Value,
    companions: Box<dyn FnMut(&Metrics) -> Files + Send>,
}

impl Destination {
    /// Saves into `folder`, with `settings` in its `config.json`.
    pub fn new(folder: Folder, settings: serde_json::Value) -> Self {
        Self { folder, settings, companions: Box::new(|_| Files::new()) }
    }

    /// Asks at every save for more files. One that has not changed is not written again.
    #[must_use]
    pub fn with_files(mut self, companions: impl FnMut(&Metrics) -> Files + Send + 'static) -> Self {
        self.companions = Box::new(companions);
        self
    }

    /// The folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Saves one moment of a run.
    pub(crate) fn save<'a>(
        &mut self,
        model: Contents<'a>,
        training: Contents<'a>,
        metrics: &Metrics,
    ) -> Result<(), TrainError> {
        let in_memory = |bytes: Vec<u8>| -> Contents<'a> { Box::new(move |to| to.write_all(&bytes)) };
        let own = [(MODEL_FILE, model), (TRAINING_FILE, training), (METRICS_FILE, in_memory(metrics.to_csv().into()))];
        let mut files: Vec<(String, Contents<'_>)> = own.map(|(name, contents)| (name.to_owned(), contents)).into();
        files.extend((self.companions)(metrics).into_iter().map(|(name, bytes)| (name, in_memory(bytes))));
        self.folder.save_contents(self.settings.clone(), &files)
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, settings, companions: _ } = self;
        f.debug_struct("Destination").field("folder", folder).field("settings", settings).finish_non_exhaustive()
    }
}
