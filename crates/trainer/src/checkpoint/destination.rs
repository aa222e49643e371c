//! Where a trainer saves, and what goes there beside its own files.

use super::{ADAPTER_FILE, Contents, Folder, METRICS_FILE, MODEL_FILE, TRAINING_FILE, in_memory};
use crate::{Metrics, TrainError};
use rungs_layers::tensor::Element;
use rungs_layers::tensor::safetensors::{self, Named};
use std::fmt;

/// Makes files of the metrics: their names, and what is to be written.
pub type Maker = Box<dyn FnMut(&Metrics) -> Vec<(String, Vec<u8>)> + Send>;

/// A run folder with what its owner wants to be in it: settings in `config.json`, and files beside the trainer's own (a
/// tokenizer, a plot of the metrics).
pub struct Destination {
    folder: Folder,
    settings: serde_json::Value,
    /// Where only those of the best weights that are trained are to be kept, in `adapter.safetensors`: an entry of the
    /// file's metadata, its key and its text, which can say where what is frozen is to be found.
    pub adapter: Option<(&'static str, String)>,
    /// Functions that make further files at every save. A file that has not changed is not written again.
    pub makers: Vec<Maker>,
}

impl Destination {
    /// Saves into `folder`, with `settings` in its `config.json`.
    pub fn new(folder: Folder, settings: serde_json::Value) -> Self {
        Self { folder, settings, adapter: None, makers: Vec::new() }
    }

    /// Gives the folder free for others to write.
    pub(crate) fn unlock(&mut self) {
        self.folder.unlock();
    }

    /// Saves one moment of a run: its best weights, or those of them that are trained, and its state.
    pub(crate) fn save<'a, E: Element>(
        &mut self,
        weights: &'a Named<E>,
        training: Contents<'a>,
        metrics: &Metrics,
    ) -> Result<(), TrainError> {
        let metadata = self.adapter.clone();
        let name = if metadata.is_some() { ADAPTER_FILE } else { MODEL_FILE };
        let model: Contents<'a> = Box::new(move |to| {
            safetensors::write_to(weights, metadata.as_ref().map(|(key, text)| (*key, text.as_str())), to)
        });
        let own = [(name, model), (TRAINING_FILE, training), (METRICS_FILE, in_memory(metrics.to_csv()))];
        let mut files: Vec<(String, Contents<'_>)> = own.map(|(name, contents)| (name.to_owned(), contents)).into();
        let made = self.makers.iter_mut().flat_map(|make| make(metrics));
        files.extend(made.map(|(name, bytes)| (name, in_memory(bytes))));
        self.folder.save(self.settings.clone(), &files)
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, settings, adapter: _, makers: _ } = self;
        f.debug_struct("Destination").field("folder", folder).field("settings", settings).finish_non_exhaustive()
    }
}
