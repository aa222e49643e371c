//! A run: a model of some rung, learning a text or pairs of texts, and the folder it is kept in.
//!
//! | file | what |
//! |---|---|
//! | `config.json` | the [settings](Settings), which texts were learnt, a checksum of each other file |
//! | `model.safetensors` | the best weights by validation loss: what [`SavedRun`] reads |
//! | `adapter.safetensors` | in its place, where only an [adapter] is trained: the adapter |
//! | `training.safetensors` | all that going on needs |
//! | `tokenizer.json` | what a token is |
//! | `metrics.csv` | the course of the losses |
//!
//! How they are written so that no moment is a bad one to be killed in is told in [`crate::trainer::checkpoint`].

pub mod adapter;
mod memory;
mod run_config;
mod saved_run;

pub use adapter::Belonging;
pub use memory::TrainingMemory;
pub use run_config::RunConfig;
pub use saved_run::SavedRun;

use crate::Error;
use crate::data::{Corpus, TOKENIZER_FILE, Tokenizers};
use crate::generator::Generator;
use crate::layers::Module;
use crate::layers::lora::is_adapter;
use crate::model::Model;
use crate::settings::{FineTuning, Settings};
use crate::tasks::LanguageTask;
use crate::tensor::Rng;
use crate::trainer::{Control, Destination, Event, Folder, Metrics, Summary, TrainError, Trainer};
use std::fmt;
use std::path::Path;

/// What is said of a run that is to fine-tune nothing.
const UNFOUNDED: &str = "there is no model whose part it could train; one to begin with is needed (--from)";

/// A model that is being trained.
pub struct Run {
    trainer: Trainer<f32, LanguageTask>,
    settings: Settings,
    tokenizers: Tokenizers,
    /// What it is to fine-tune and has not been given yet, by the setting that wants it.
    unfounded: Option<&'static str>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("config", self.trainer.config()).finish_non_exhaustive()
    }
}

impl Run {
    /// A run that is kept nowhere.
    ///
    /// # Errors
    /// If a setting cannot be, or there is too little data for them, or of another kind than the rung learns.
    pub fn new(settings: &Settings, corpus: Corpus) -> Result<Self, Error> {
        settings.validate()?;
        corpus.check(settings)?;
        let tokenizers = corpus.tokenizers.clone();
        let mut model = settings.build(&tokenizers, &mut Rng::new(settings.training.seed).fork("model"))?;
        let task = LanguageTask::of(corpus, settings)?;
        if let Some(FineTuning::Lora(lora)) = &settings.fine_tuning {
            adapter::prepare(&mut model, lora, settings.training.seed)?;
        }
        let mut trainer = Trainer::new(model, task, settings.training)?;
        if let Some(tuning) = &settings.fine_tuning {
            trainer.freeze(&|parameter| tuning.freezes(parameter, settings.model.layers()))?;
        }
        let unfounded = settings.fine_tuning.as_ref().map(FineTuning::name);
        Ok(Self { trainer, settings: settings.clone(), tokenizers, unfounded })
    }

    /// A new run, to be kept in the folder `path`. Nothing is written before [`train`](Self::train).
    ///
    /// # Errors
    /// As [`new`](Self::new), or if there is a run in the folder already or something else in its way.
    pub fn create(path: &Path, config: &RunConfig, corpus: Corpus) -> Result<Self, Error> {
        Self::check_free(path)?;
        if let (Some(name), None) = (config.settings.fine_tuning.as_ref().map(FineTuning::name), &config.from) {
            return Err(Error::setting(name, UNFOUNDED));
        }
        let folder = Folder::create(path)?;
        let mut run = Self::new(&config.settings, corpus)?;
        run.save_into(folder, config);
        Ok(run)
    }

    /// That a new run could be kept in the folder `path`. Nothing is written.
    ///
    /// # Errors
    /// If there is a run, or something else in the way.
    pub fn check_free(path: &Path) -> Result<(), Error> {
        if Folder::open(path).is_ok() {
            let problem = "this folder holds a run already; it can go on (--resume), or choose another folder";
            return Err(Error::file(path, problem));
        }
        Ok(Folder::create(path).map(drop)?)
    }

    /// The run in the folder `path`, to go on. Its length, its patience and how often it is saved may change, nothing
    /// else.
    ///
    /// # Errors
    /// As [`new`](Self::new), or if there is no run, a file of it is damaged, another process writes there, or `config`
    /// or the text is not the run's.
    pub fn resume(path: &Path, config: &RunConfig, corpus: Corpus) -> Result<Self, Error> {
        // Locked before it is read: of two processes that resume one run, the other is refused now.
        let mut folder = Folder::open(path)?;
        folder.lock()?;
        let saved = SavedRun::of(folder)?;
        saved.check(config)?;
        let mut run = Self::new(&config.settings, corpus)?;
        if run.tokenizers != saved.tokenizers {
            let problem = "these are not the tokens that the data was made into";
            return Err(saved.folder.error(TOKENIZER_FILE, problem).into());
        }
        if saved.belonging().is_some() {
            let base = config.from.as_ref().map(|from| Path::new(&from.name));
            run.begin_with(&saved.base(base)?)?;
        }
        run.trainer.resume(&saved.folder)?;
        run.unfounded = None;
        run.save_into(saved.folder, config);
        Ok(run)
    }

    /// Keeps files beside the run's own, if it has a folder: `make` makes them from the metrics at every save, a plot
    /// for example.
    #[must_use]
    pub fn with_files(mut self, make: impl FnMut(&Metrics) -> Vec<(String, Vec<u8>)> + Send + 'static) -> Self {
        if let Some(destination) = &mut self.trainer.destination {
            destination.makers.push(Box::new(make));
        }
        self
    }

    /// Begins with the weights of another run instead of random ones. The tokens are to be that run's too. Adapters of
    /// this run stay as they are; one that the other run has is merged with its model.
    ///
    /// # Errors
    /// If a step was taken already, or the other run's tokens or sizes are not this one's, or it is damaged.
    pub fn begin_with(&mut self, other: &SavedRun) -> Result<(), Error> {
        let here = |problem: &str| Error::file(other.path(), problem);
        if self.tokenizers != other.tokenizers {
            return Err(here("its tokens are not those that the data was made into"));
        }
        let (mut weights, mut adapter) = (other.weights()?, self.trainer.model().weights());
        adapter.retain(|name, _| is_adapter(name));
        if !adapter.is_empty() && other.belonging().is_some() {
            return Err(here("it has an adapter itself; merged with its model (rungs merge) it can be adapted"));
        }
        weights.append(&mut adapter);
        self.trainer.begin_with(&weights).map_err(|error| here(&error.to_string()))?;
        self.unfounded = None;
        Ok(())
    }

    fn save_into(&mut self, folder: Folder, config: &RunConfig) {
        let mut config = config.clone();
        // The length of an epoch depends on the text, so a run keeps the number of steps that it came to.
        config.settings.training.budget = self.trainer.config().budget;
        let settings = serde_json::to_value(&config).expect("settings are plain values");
        let tokenizer = self.tokenizers.to_json().into_bytes();
        let mut destination = Destination::new(folder, settings);
        destination.makers.push(Box::new(move |_| vec![(TOKENIZER_FILE.to_owned(), tokenizer.clone())]));
        if let (Some(FineTuning::Lora(lora)), Some(base)) = (config.settings.fine_tuning, config.from) {
            let belonging = Belonging { lora, base, tokens_sha256: adapter::sum(&self.tokenizers) };
            let belonging = serde_json::to_string(&belonging).expect("numbers and strings are JSON");
            destination.adapter = Some((adapter::ENTRY, belonging));
        }
        self.trainer.destination = Some(destination);
    }

    /// Trains until the run is over or `on_event` says stop, and saves where there is a folder.
    ///
    /// # Errors
    /// If a step fails or a save does. What was saved before can be resumed. If a part of a model is to be trained, and
    /// the run did not [begin with one](Self::begin_with).
    pub fn train(&mut self, on_event: &mut dyn FnMut(Event) -> Control) -> Result<Summary, Error> {
        if let Some(name) = self.unfounded {
            return Err(Error::setting(name, UNFOUNDED));
        }
        Ok(self.trainer.run(on_event)?)
    }

    /// The run's trainer, which knows how far training has come.
    pub fn trainer(&self) -> &Trainer<f32, LanguageTask> {
        &self.trainer
    }

    /// How many parameters the model has, with those of its adapter.
    pub fn parameter_count(&self) -> usize {
        self.trainer.model().parameter_count()
    }

    /// The model with the best weights so far and its tokens, which makes texts.
    ///
    /// # Errors
    /// As [`best_model`](Self::best_model).
    pub fn generator(&self) -> Result<Generator, Error> {
        Generator::of(self.best_model()?, &self.tokenizers, &self.settings)
    }

    /// The model with the best weights so far by validation loss; it records no graph.
    ///
    /// # Errors
    /// If the weights do not fit the model, which they came from.
    pub fn best_model(&self) -> Result<Model, Error> {
        let mut model = self.trainer.model().frozen();
        model.load(&self.trainer.best_weights()).map_err(TrainError::from)?;
        Ok(model)
    }
}

/// Makes a run folder `out` with a whole model, that of the run with its adapter merged. It is a run like one that was
/// imported.
///
/// # Errors
/// If the run has no adapter, or the model that it adapts is not there, or something is in the way of `out`. Then
/// nothing is written.
pub fn merge(run: &SavedRun, out: &Path) -> Result<SavedRun, Error> {
    Run::check_free(out)?;
    run.adapter()?;
    let settings = Settings { fine_tuning: None, ..run.config.settings.clone() };
    let config = RunConfig { settings, text: run.provenance(), validation: None, from: run.config.from.clone() };
    SavedRun::write(out, config, &run.tokenizers, &run.weights()?)
}
