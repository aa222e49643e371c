//! A run before its first step: a new one, or one that goes on, with all that can be wrong found first.

use std::path::Path;

use rungs::settings::{Difference, FineTuning};
use rungs::trainer::{Summary, TrainError};
use rungs::{Error, Provenance, Run, RunConfig, SavedRun, Settings};

use super::training_report::{LeftOut, complain_of_finished, report};
use super::{memory, settings_from_options};
use crate::arguments::{Common, Train};
use crate::commands::learning_data::Texts;
use crate::commands::streaming::Streaming;
use crate::commands::with_loss_plot;
use crate::terminal::{Failure, Interrupt, Outcome};

/// A run that can be trained.
pub(super) struct Prepared {
    pub(super) run: Run,
    /// Examples of its data that it does not learn.
    pub(super) left_out: Option<LeftOut>,
    /// The most memory that the process will hold, in bytes: an estimate.
    pub(super) memory: f64,
}

pub(super) fn create(train: &Train, common: &Common, path: &Path, interrupt: &Interrupt) -> Outcome<Prepared> {
    let from = train.run.from.as_ref().map(SavedRun::open).transpose()?;
    if let Some(other) = from.as_ref().filter(|from| from.config.settings.rung() != train.rung) {
        let (path, found) = (other.path().display(), other.config.settings.rung());
        return Err(Failure::input(format!("--from: {path} is of the rung {found}, not {}", train.rung)));
    }
    let mut settings = match &from {
        Some(from) if train.run.config.is_none() => {
            settings_from_options::changed(train, common, from.config.settings.beginning())?
        }
        _ => settings_from_options::new(train, common)?,
    };
    if let Some(from) = &from {
        let model = &from.config.settings;
        settings.data.tokenizer = model.data.tokenizer.clone();
        if let Some(Difference { name, was, wanted }) = model.model_difference(&settings) {
            let path = from.path().display();
            return Err(Failure::input(format!("--from: {name} is {was} in {path}, not {wanted}")));
        }
    }
    settings.validate()?;
    adaptable(&settings, from.as_ref())?;
    Run::check_free(path)?;
    let streaming = Streaming::new(train, path, common, interrupt);
    let mut texts = Texts::read(train, &settings, None, streaming)?;
    let corpus = texts.corpus(&settings, from.as_ref().map(|from| &from.tokenizers))?;
    let parameters = settings.model_for(&corpus.tokenizers).parameter_count().map_err(Error::from)?;
    let trained = settings.trained_parameter_count(&corpus.tokenizers)?.unwrap_or(parameters);
    memory::check_parameters(parameters, trained)?;
    let left_out = LeftOut::new(&corpus, &settings);
    let (text, validation) = texts.provenance();
    let config = RunConfig { settings, text, validation, from: from.as_ref().map(SavedRun::provenance) };
    let mut run = Run::create(path, &config, corpus.clone()).map_err(|error| match error {
        Error::Train(TrainError::TooShort(_)) => Failure::input(format!("{}: too short: {error}", config.text.name)),
        other => other.into(),
    })?;
    let memory = memory::check_training(&run.training_memory(&corpus)?, &corpus)?;
    if let Some(from) = &from {
        run.begin_with(from)?;
    }
    Ok(Prepared { run: with_loss_plot(run, train.rung, parameters), left_out, memory })
}

/// That there is a model where only a part of one is to be trained, and a whole one where it is to be adapted.
fn adaptable(settings: &Settings, from: Option<&SavedRun>) -> Outcome {
    match (&settings.fine_tuning, from) {
        (Some(fine_tuning), None) => {
            let option = fine_tuning.name();
            Err(Failure::input(format!("--{option}: there is no model to fine-tune; --from DIR says which one")))
        }
        (Some(FineTuning::Lora(_)), Some(from)) if from.belonging().is_some() => {
            let from = from.path().display();
            let problem = "holds an adapter itself; rungs merge makes a whole model of it";
            Err(Failure::input(format!("--from: {from} {problem}")))
        }
        _ => Ok(()),
    }
}

/// The run that goes on; none if there is nothing left to do, and no text was given to look at: then that is reported.
pub(super) fn resume(train: &Train, common: &Common, path: &Path, interrupt: &Interrupt) -> Outcome<Option<Prepared>> {
    let saved = SavedRun::open(path)?;
    let mut config = saved.config.clone();
    if let Some(wanted) = &train.run.from {
        config.from = Some(began_with(wanted, &saved)?);
    }
    settings_from_options::apply(train, common, &mut config.settings)?;
    saved.check(&config)?;
    config.settings.validate()?;

    let texts = [&train.data.text, &train.data.pairs, &train.data.dialogue, &train.run.validation];
    let progress = saved.progress()?;
    let finish = progress.finish(config.settings.training.budget, config.settings.training.patience);
    let parameters = saved.parameter_count()?;
    if let (Some(finish), true) = (finish, texts.into_iter().all(Option::is_none)) {
        let summary = Summary { finish, ..saved.summary()? };
        let parameters = (parameters, saved.trained_parameter_count()?);
        complain_of_finished(path, &summary, &progress);
        report(path, train.rung, parameters, None, &summary).print(common.json, "")?;
        return Ok(None);
    }
    let streaming = Streaming::new(train, path, common, interrupt);
    let mut texts = Texts::read(train, &config.settings, Some(&saved.config), streaming)?;
    (config.text, config.validation) = texts.provenance();
    saved.check(&config)?; // before anything is made of them
    let corpus = texts.corpus(&config.settings, Some(&saved.tokenizers))?;
    let left_out = LeftOut::new(&corpus, &config.settings);
    let run = Run::resume(path, &config, corpus.clone())?;
    let memory = memory::check_training(&run.training_memory(&corpus)?, &corpus)?;
    Ok(Some(Prepared { run: with_loss_plot(run, train.rung, parameters), left_out, memory }))
}

/// What a run began with, which is said to be in the folder `wanted`. The model of an adapter may have been moved
/// there: its checksum tells whether it is that one.
fn began_with(wanted: &Path, saved: &SavedRun) -> Outcome<Provenance> {
    let wanted = std::path::absolute(wanted).unwrap_or_else(|_| wanted.to_owned());
    let from = saved.config.from.as_ref();
    match from.filter(|from| Path::new(&from.name) == wanted) {
        Some(from) => Ok(from.clone()),
        None if saved.belonging().is_some() => Ok(saved.base(Some(&wanted))?.provenance()),
        None => {
            let (path, began) = (saved.path().display(), from.map_or("random weights", |from| from.name.as_str()));
            Err(Failure::input(format!("{path}: this run began with {began}, not with {}", wanted.display())))
        }
    }
}
