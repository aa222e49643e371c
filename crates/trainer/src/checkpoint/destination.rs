//! Where a trainer saves, and what goes there beside its own files.

use super::{ADAPTER_FILE, Contents, Folder, METRICS_FILE, MODEL_FILE, TRAINING_FILE};
use crate::{Metrics, TrainError};
use rungs_layers::tensor::Element;
use rungs_layers::tensor::safetensors::{self, Named};
use std::fmt;

/// Files by name, as they are to be written.
type Files = Vec<(String, Vec<u8>)>;

/// Makes files of the metrics.
type Maker = Box<dyn FnMut(&Metrics) -> Files + Send>;

/// A run folder with what its owner wants to be in it: settings in `config.json`, and files beside the trainer's own (a
/// tokenizer, a plot of the metrics).
pub struct Destination {
    folder: Folder,
    settings: serde_json::Value,
    /// What the file of trained weights says of itself, where these alone are kept.
    adapter: Option<(&'static str, String)>,
    /// Who makes more files at every save.
    makers: Vec<Maker>,
}

impl Destination {
    /// Saves into `folder`, with `settings` in its `config.json`.
    pub fn new(folder: Folder, settings: serde_json::Value) -> Self {
        Self { folder, settings, adapter: None, makers: Vec::new() }
    }

    /// Keeps those of the best weights that are trained, in `adapter.safetensors`, in place of all of them. What is
    /// frozen is to be found elsewhere; where, an entry of the file's metadata can say, its key and its text.
    #[must_use]
    pub fn keeping_what_is_trained(mut self, key: &'static str, text: String) -> Self {
        self.adapter = Some((key, text));
        self
    }

    /// Whether it keeps only what is trained.
    pub(crate) fn keeps_what_is_trained(&self) -> bool {
        self.adapter.is_some()
    }

    /// Asks at every save for files beside the others. One that has not changed is not written again.
    pub fn add_files(&mut self, make: impl FnMut(&Metrics) -> Files + Send + 'static) {
        self.makers.push(Box::new(make));
    }

    /// The folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Saves one moment of a run: its best weights, or those of them that are trained, and its state.
    pub(crate) fn save<'a, E: Element>(
        &mut self,
        weights: &'a Named<E>,
        training: Contents<'a>,
        metrics: &Metrics,
    ) -> Result<(), TrainError> {
        let in_memory = |bytes: Vec<u8>| -> Contents<'a> { Box::new(move |to| to.write_all(&bytes)) };
        let (name, metadata) = match &self.adapter {
            Some((key, text)) => (ADAPTER_FILE, Some((*key, text.clone()))),
            None => (MODEL_FILE, None),
        };
        let model: Contents<'a> = Box::new(move |to| {
            safetensors::write_to(weights, metadata.as_ref().map(|(key, text)| (*key, text.as_str())), to)
        });
        let own = [(name, model), (TRAINING_FILE, training), (METRICS_FILE, in_memory(metrics.to_csv().into()))];
        let mut files: Vec<(String, Contents<'_>)> = own.map(|(name, contents)| (name.to_owned(), contents)).into();
        let made = self.makers.iter_mut().flat_map(|make| make(metrics));
        files.extend(made.map(|(name, bytes)| (name, in_memory(bytes))));
        self.folder.save_contents(self.settings.clone(), &files)
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, settings, adapter: _, makers: _ } = self;
        f.debug_struct("Destination").field("folder", folder).field("settings", settings).finish_non_exhaustive()
    }
}
