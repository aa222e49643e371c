//! A run that lies in its folder.

use super::adapter::{Adapter, Belonging, sum};
use super::run_config::RunConfig;
use crate::data::{TOKENIZER_FILE, Tokenizers};
use crate::generator::Generator;
use crate::layers::{Module, lora};
use crate::model::Model;
use crate::tasks::{evaluate, token_losses};
use crate::tensor::Rng;
use crate::tensor::safetensors::{self, Named};
use crate::trainer::checkpoint::{ADAPTER_FILE, Contents, METRICS_FILE, MODEL_FILE, TRAINING_FILE, in_memory};
use crate::trainer::{Evaluation, Folder, Metrics, Progress, Summary, TrainerConfig, TrainingState};
use crate::{Error, Provenance};
use std::path::{Path, PathBuf};

/// A trained model, as it lies in a run folder.
#[derive(Debug)]
pub struct SavedRun {
    pub(super) folder: Folder,
    /// Adapter in place of a model, if the base model is another run's.
    adapter: Option<Adapter>,
    /// Where the model that it adapts is now, if it was moved.
    base: Option<PathBuf>,
    /// What it is and what it learnt.
    pub config: RunConfig,
    /// Its tokenizers.
    pub tokenizers: Tokenizers,
}

impl SavedRun {
    /// The run in the folder `path`. Nothing is changed.
    ///
    /// # Errors
    /// If there is no run, or a file of it is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::of(Folder::open(path.as_ref())?)
    }

    pub(super) fn of(folder: Folder) -> Result<Self, Error> {
        let config = RunConfig::of(&folder)?;
        config.settings.validate()?;
        let translates = config.settings.rung().translates();
        let tokenizers = folder.parse(TOKENIZER_FILE, |json| {
            Tokenizers::from_json(text(json)?, translates).map_err(|problem| problem.to_string())
        })?;
        Ok(Self { adapter: Adapter::read(&folder)?, folder, base: None, config, tokenizers })
    }

    /// Makes a run folder with a whole model that was not trained there. Nothing is written if something is in the way.
    pub(crate) fn write(
        path: &Path,
        config: RunConfig,
        tokenizers: &Tokenizers,
        weights: &Named<f32>,
    ) -> Result<Self, Error> {
        let model: Contents<'_> = Box::new(|to| safetensors::write_to(weights, None, to));
        let files = [(MODEL_FILE.to_owned(), model), (TOKENIZER_FILE.to_owned(), in_memory(tokenizers.to_json()))];
        let settings = serde_json::to_value(config).expect("settings are plain values");
        Folder::create(path)?.save(settings, &files)?;
        Self::open(path)
    }

    /// The same run, whose adapter belongs to a model that has been moved to the run folder `base`.
    ///
    /// # Errors
    /// If the run has no adapter.
    pub fn with_base(self, base: &Path) -> Result<Self, Error> {
        self.adapter()?;
        Ok(Self { base: Some(base.to_owned()), ..self })
    }

    /// What its adapter says of itself, if it has one in place of a model.
    pub fn belonging(&self) -> Option<&Belonging> {
        self.adapter.as_ref().map(|adapter| &adapter.belonging)
    }

    /// The run of the model that its adapter belongs to: in `place`, or where it was when training began.
    ///
    /// # Errors
    /// If there is no adapter, or another model or none there.
    pub fn base(&self, place: Option<&Path>) -> Result<SavedRun, Error> {
        let Belonging { base: Provenance { name, sha256 }, tokens_sha256, .. } = &self.adapter()?.belonging;
        let was = Path::new(name);
        let place = place.or(self.base.as_deref()).unwrap_or(was);
        let run = SavedRun::open(place).map_err(|error| {
            let problem = format!("the model that it adapts is gone: {error}");
            let gone = format!("{problem}; --base DIR says where it is, --from DIR to train");
            if place == was { Error::file(self.path(), gone) } else { error }
        })?;
        let other = |problem: String| {
            let adapter = self.path().display();
            let problem = format!("not the model that {adapter} adapts, which was {name}: {problem}");
            Err(Error::file(run.path(), problem))
        };
        match run.folder.checksum(MODEL_FILE) {
            None => other(format!("there is no {MODEL_FILE}, whose checksum is {sha256}")),
            Some(found) if found != sha256 => other(format!("its {MODEL_FILE} has checksum {found}, not {sha256}")),
            _ if sum(&run.tokenizers) != *tokens_sha256 => other("its tokens are others".to_owned()),
            _ => Ok(run),
        }
    }

    /// The adapter, where there must be one.
    pub(super) fn adapter(&self) -> Result<&Adapter, Error> {
        let problem = "there is no adapter in this run, its model is whole";
        self.adapter.as_ref().ok_or_else(|| Error::file(self.path(), problem))
    }

    /// That the run can go on as `wanted`.
    ///
    /// # Errors
    /// If it was imported, or anything but its length, its patience and how often it is saved is not the same, by name.
    pub fn check(&self, wanted: &RunConfig) -> Result<(), Error> {
        if self.is_imported() {
            let problem = "this run was imported: it holds no state of a training that could go on";
            return Err(Error::file(self.path(), problem));
        }
        self.config.check(wanted, self.path())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Whether its model was made elsewhere: then it has no [metrics](Self::metrics) and no [summary](Self::summary).
    pub fn is_imported(&self) -> bool {
        self.folder.checksum(TRAINING_FILE).is_none()
    }

    /// The model with the best weights by validation loss; it records no graph. An adapter stands beside the model that
    /// it adapts.
    ///
    /// # Errors
    /// If the file is damaged, or holds another model, or the model that is adapted is not there.
    pub fn model(&self) -> Result<Model, Error> {
        if let Some(adapter) = &self.adapter {
            return adapter.applied_to(self.base(None)?.model()?, self.path());
        }
        let weights = self.weights()?;
        let mut model = self.config.settings.build(&self.tokenizers, &mut Rng::new(0))?.frozen();
        model.load(&weights).map_err(|problem| self.folder.error(MODEL_FILE, problem))?;
        Ok(model)
    }

    /// The model and its tokens, which makes texts.
    ///
    /// # Errors
    /// As [`model`](Self::model).
    pub fn generator(&self) -> Result<Generator, Error> {
        Generator::of(self.model()?, &self.tokenizers, &self.config.settings)
    }

    /// Its weights by name, an adapter merged.
    pub(super) fn weights(&self) -> Result<Named<f32>, Error> {
        if self.adapter.is_some() {
            let mut model = self.model()?;
            lora::merge(&mut model);
            return Ok(model.weights());
        }
        Ok(self.folder.parse(MODEL_FILE, safetensors::read)?)
    }

    /// Where its weights are, and their checksum: what a run that [begins with them](super::Run::begin_with) remembers.
    pub fn provenance(&self) -> Provenance {
        let path = std::path::absolute(self.path()).unwrap_or_else(|_| self.path().to_owned());
        let weights = [MODEL_FILE, ADAPTER_FILE].iter().find_map(|file| self.folder.checksum(file));
        let sha256 = weights.unwrap_or_default().to_owned();
        Provenance { name: path.display().to_string(), sha256 }
    }

    /// How many parameters the model has, with those of its adapter.
    ///
    /// # Errors
    /// If its sizes cannot be.
    pub fn parameter_count(&self) -> Result<u64, Error> {
        let adapter = self.adapter.as_ref().map_or(0, Adapter::parameter_count);
        Ok(self.config.settings.model_for(&self.tokenizers).parameter_count()? + adapter)
    }

    /// How many of them are trained, where that is not all.
    ///
    /// # Errors
    /// As [`parameter_count`](Self::parameter_count).
    pub fn trained_parameter_count(&self) -> Result<Option<u64>, Error> {
        match &self.adapter {
            Some(adapter) => Ok(Some(adapter.parameter_count())),
            None => self.config.settings.trained_parameter_count(&self.tokenizers),
        }
    }

    /// The course of the losses.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn metrics(&self) -> Result<Metrics, Error> {
        Ok(self.folder.parse(METRICS_FILE, |csv| Metrics::from_csv(text(csv)?))?)
    }

    /// The run in numbers, as it was when it was saved.
    ///
    /// # Errors
    /// If a file is damaged.
    pub fn summary(&self) -> Result<Summary, Error> {
        let TrainerConfig { budget, patience, .. } = self.config.settings.training;
        Ok(self.progress()?.summary(budget, patience, &self.metrics()?))
    }

    /// How far the run had come when it was saved.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn progress(&self) -> Result<Progress, Error> {
        Ok(self.folder.parse(TRAINING_FILE, TrainingState::<f32>::from_bytes)?.progress)
    }

    /// What each token of a text after the first costs the model, in windows that begin `stride` tokens after one
    /// another: see [`token_losses`](fn@token_losses).
    ///
    /// # Errors
    /// If the model is damaged or translates, there are fewer than two tokens, or there can be no such stride.
    ///
    /// # Panics
    /// If a token is not one of the run's tokenizer.
    pub fn token_losses(&self, ids: &[u32], stride: Option<usize>) -> Result<Vec<f32>, Error> {
        self.tokenizers.text()?;
        token_losses(self.model()?.as_ref(), ids, self.config.settings.context(), stride)
    }

    /// How well the model predicts a text, every token after the first.
    ///
    /// # Errors
    /// If the model is damaged or translates, or there are fewer than two tokens.
    ///
    /// # Panics
    /// If a token is not one of the run's tokenizer.
    pub fn evaluate(&self, ids: &[u32]) -> Result<Evaluation, Error> {
        self.tokenizers.text()?;
        Ok(evaluate(self.model()?.as_ref(), ids, self.config.settings.context())?)
    }
}

/// The contents of a file that is text.
fn text(contents: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(contents).map_err(|_| "not UTF-8 text".to_owned())
}
