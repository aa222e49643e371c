//! A run before its first step: a new one, or one that goes on, with all that can be wrong found first.

use std::path::Path;

use rungs::settings::{Difference, FineTuning};
use rungs::trainer::{Progress, Summary, TrainError};
use rungs::{Error, Provenance, Run, RunConfig, Rung, SavedRun, Settings};

use super::left_out::LeftOut;
use super::training_report::Report;
use super::{memory, settings_from_options};
use crate::arguments::{Common, Train};
use crate::commands::learning_data::Texts;
use crate::commands::streaming::Streaming;
use crate::commands::with_loss_plot;
use crate::terminal::failure::{Failure, Outcome};
use crate::terminal::interrupt::Interrupt;

/// A run that can be trained, and what of its data it does not learn.
pub(super) struct Prepared {
    pub(super) run: Run,
    pub(super) left_out: Option<LeftOut>,
}

pub(super) fn create(train: &Train, common: &Common, path: &Path, interrupt: &Interrupt) -> Outcome<Prepared> {
    let from = train.run.from.as_deref().map(|folder| beginning(folder, train.rung)).transpose()?;
    let settings = match &from {
        None => settings_from_options::new(train, common)?,
        Some(from) if train.run.config.is_some() => {
            let mut settings = settings_from_options::new(train, common)?;
            settings.data.tokenizer = from.config.settings.data.tokenizer.clone();
            same_model(from, &settings)?;
            settings
        }
        Some(from) => {
            let settings = settings_from_options::changed(train, common, from.config.settings.beginning())?;
            same_model(from, &settings)?;
            settings
        }
    };
    settings.validate()?;
    adaptable(&settings, from.as_ref())?;
    Run::check_free(path)?;
    let mut streaming = Streaming::new(train, &settings, path, common, interrupt)?;
    let texts = Texts::read(train, &settings, None, &mut streaming)?;
    let corpus = texts.corpus(
        &settings,
        train.data.columns,
        from.as_ref().map(|from| &from.tokenizers),
        Some(&mut streaming),
    )?;
    let parameters = settings.model_for(&corpus.tokenizers).parameter_count().map_err(Error::from)?;
    let trained = settings.trained_parameter_count(&corpus.tokenizers)?.unwrap_or(parameters);
    memory::check_training(parameters, trained)?;
    let left_out = LeftOut::new(&corpus, &settings);
    let (text, validation) = texts.provenance();
    let name = text.name.clone();
    let config = RunConfig { settings, text, validation, from: from.as_ref().map(SavedRun::provenance) };
    let mut run = Run::create(path, &config, corpus).map_err(|error| match error {
        Error::Train(TrainError::TooShort(_)) => Failure::input(format!("{name}: too short: {error}")),
        other => other.into(),
    })?;
    if let Some(from) = &from {
        run.begin_with(from)?;
    }
    Ok(Prepared { run: with_loss_plot(run, train.rung, parameters), left_out })
}

/// The run to begin with.
fn beginning(folder: &Path, rung: Rung) -> Outcome<SavedRun> {
    let from = SavedRun::open(folder)?;
    match from.config.settings.rung() {
        found if found == rung => Ok(from),
        found => Err(Failure::input(format!("--from: {} is of the rung {found}, not {rung}", folder.display()))),
    }
}

/// That there is a model where only a part of one is to be trained, and a whole one where it is to be adapted.
fn adaptable(settings: &Settings, from: Option<&SavedRun>) -> Outcome {
    match (&settings.fine_tuning, from) {
        (None, _) => Ok(()),
        (Some(fine_tuning), None) => {
            let option = fine_tuning.name();
            Err(Failure::input(format!("--{option}: there is no model to fine-tune; --from DIR says which one")))
        }
        (Some(FineTuning::Lora(_)), Some(from)) if from.belonging().is_some() => {
            let from = from.path().display();
            Err(Failure::input(format!(
                "--from: {from} holds an adapter itself; rungs merge makes a whole model of it"
            )))
        }
        _ => Ok(()),
    }
}

fn same_model(from: &SavedRun, settings: &Settings) -> Outcome {
    match from.config.settings.model_difference(settings) {
        None => Ok(()),
        Some(Difference { name, was, wanted }) => {
            Err(Failure::input(format!("--from: {name} is {was} in {}, not {wanted}", from.path().display())))
        }
    }
}

pub(super) enum Resumed {
    Unfinished(Box<Prepared>),
    /// There is nothing left to do, and the texts were not asked for.
    Finished(Box<Report>, Box<Progress>),
}

pub(super) fn resume(train: &Train, common: &Common, path: &Path, interrupt: &Interrupt) -> Outcome<Resumed> {
    let saved = SavedRun::open(path)?;
    let mut config = saved.config.clone();
    if let Some(wanted) = &train.run.from {
        config.from = Some(began_with(wanted, &saved)?);
    }
    settings_from_options::apply(train, common, &mut config.settings)?;
    saved.check(&config)?;
    config.settings.validate()?;

    let texts_given = [&train.data.text, &train.data.pairs, &train.data.dialogue, &train.run.validation]
        .into_iter()
        .any(Option::is_some);
    let progress = saved.progress()?;
    let finish = progress.finish(config.settings.training.budget, config.settings.training.patience);
    let parameters = saved.parameter_count()?;
    if let (Some(finish), false) = (finish, texts_given) {
        let summary = Summary { finish, ..saved.summary()? };
        let report = Report::new(path, train.rung, parameters as usize, &summary);
        let report = Report { trained_parameters: saved.trained_parameter_count()?, ..report };
        return Ok(Resumed::Finished(Box::new(report), Box::new(progress)));
    }
    let mut streaming = Streaming::new(train, &config.settings, path, common, interrupt)?;
    let texts = Texts::read(train, &config.settings, Some(&saved.config), &mut streaming)?;
    (config.text, config.validation) = texts.provenance();
    saved.check(&config)?; // before anything is made of them
    let corpus = texts.corpus(&config.settings, train.data.columns, Some(&saved.tokenizers), Some(&mut streaming))?;
    let left_out = LeftOut::new(&corpus, &config.settings);
    let run = with_loss_plot(Run::resume(path, &config, corpus)?, train.rung, parameters);
    Ok(Resumed::Unfinished(Box::new(Prepared { run, left_out })))
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
