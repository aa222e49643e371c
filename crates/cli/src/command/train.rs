//! `rungs train`: one rung learns a text, or pairs of texts, and is kept in a run folder.

use std::path::{Path, PathBuf};

use rungs::settings::{Difference, FineTuning};
use rungs::trainer::{Finish, Progress, Summary, TrainError};
use rungs::{Data, Error, PromptKind, Run, RunConfig, Rung, SavedRun, Settings, Source};
use serde::Serialize;

use super::streaming::Streaming;
use super::texts::Texts;
use super::{companions, quoted, train_with_display};
use crate::arguments::{Common, Train};
use crate::failure::{Failure, Outcome, complain};
use crate::interrupt::Interrupt;
use crate::output::{self, clock, thousands};
use crate::{flags, memory};

pub(crate) fn run(train: &Train, common: &Common) -> Outcome {
    let interrupt = Interrupt::listen()?;
    let path = train.out.clone().unwrap_or_else(|| Path::new("runs").join(train.rung.name()));
    let Prepared { mut run, left_out } = match train.resume {
        false => create(train, common, &path, &interrupt)?,
        true => match resume(train, common, &path, &interrupt)? {
            Resumed::Unfinished(prepared) => *prepared,
            Resumed::Finished(report, progress) => return finished(&report, &progress, &path, common),
        },
    };
    let parameters = run.parameter_count();
    let trained = Some(run.trained_parameter_count() as u64).filter(|&trained| trained < parameters as u64);
    let report = |summary: &Summary| Report {
        trained_parameters: trained,
        left_out: left_out.as_ref().map(|left_out| left_out.of_them.count()),
        shortened: left_out.as_ref().and_then(LeftOut::shortened),
        ..Report::new(&path, train.rung, parameters, summary)
    };
    if run.is_finished() {
        let summary = train_with_display(&mut run, train.rung.name(), true, &interrupt)?;
        return finished(&report(&summary), run.progress(), &path, common);
    }
    left_out.iter().flat_map(LeftOut::notices).for_each(|notice| complain(&notice));
    let summary = train_with_display(&mut run, train.rung.name(), common.json, &interrupt)?;
    match summary.finish {
        Finish::Completed => report(&summary).print(common),
        Finish::StoppedEarly => {
            complain(&format!("stopped early after step {}: {}", thousands(summary.steps), patience(run.progress())));
            report(&summary).print(common)
        }
        Finish::Stopped => Err(stopped(&summary, &format!("train {} --out {} --resume", train.rung, quoted(&path)))),
    }
}

/// A run that the user has stopped, and how to go on with it.
pub(super) fn stopped(summary: &Summary, command: &str) -> Failure {
    let steps = thousands(summary.steps);
    Failure::interrupted(format!("stopped and saved after step {steps}; to go on: rungs {command}"))
}

/// A run that can be trained, and what of its data it does not learn.
struct Prepared {
    run: Run,
    left_out: Option<LeftOut>,
}

/// What of its pairs or dialogues a run does not learn.
struct LeftOut {
    /// `pairs` or `dialogues`.
    what: &'static str,
    of_them: rungs::data::LeftOut,
    /// How many there are in all.
    of: usize,
    /// The most tokens of a text that is learnt, or of a question with its answer.
    context: usize,
}

impl LeftOut {
    /// None of a run that learns a text, which has a place for every token.
    fn new(data: &Data, settings: &Settings) -> Option<Self> {
        let (of_them, learnt) = match data {
            Data::Text(_) | Data::Streamed(_) => return None,
            Data::Pairs(corpus) => {
                let of_them = rungs::data::LeftOut { too_long: corpus.too_long, ..Default::default() };
                (of_them, corpus.train.len() + corpus.validation.len())
            }
            Data::Prompts(corpus) => (corpus.left_out.clone(), corpus.train.len() + corpus.validation.len()),
        };
        let dialogues = settings.prompts.as_ref().is_some_and(|prompts| prompts.task == PromptKind::Dialogue);
        let what = if dialogues { "dialogues" } else { "pairs" };
        Some(Self { what, of: of_them.count() + learnt, of_them, context: settings.context })
    }

    /// What to say about it, if there is anything to say.
    fn notices(&self) -> Vec<String> {
        let Self { what, of_them, of, context } = self;
        let notice = |count: usize, so: String, then: &str| {
            let (number, of, are) = (thousands(count), thousands(*of), if count == 1 { "is" } else { "are" });
            (count > 0).then(|| format!("{number} of {of} {what} {are} {so} and {then}"))
        };
        let longer = || format!("longer than {context} tokens (--context)");
        let character = of_them.character.unwrap_or_default();
        let unknown = format!("not of known characters alone ({character:?} is the first other)");
        let notices = [
            notice(of_them.too_long, longer(), "left out"),
            notice(of_them.unknown, unknown, "left out"),
            notice(of_them.shortened, longer(), "learnt without the first turns"),
        ];
        notices.into_iter().flatten().collect()
    }

    /// How many dialogues are not learnt whole.
    fn shortened(&self) -> Option<usize> {
        (self.what == "dialogues").then_some(self.of_them.shortened)
    }
}

fn create(train: &Train, common: &Common, path: &Path, interrupt: &Interrupt) -> Outcome<Prepared> {
    let from = train.from.as_deref().map(|folder| beginning(folder, train.rung)).transpose()?;
    let settings = match &from {
        None => flags::fresh(train, common, Settings::of(train.rung))?,
        Some(from) => {
            let settings = flags::fresh(train, common, from.config.settings.beginning())?;
            same_model(from, &settings)?;
            settings
        }
    };
    settings.validate()?;
    adaptable(&settings, from.as_ref())?;
    Run::check_free(path)?;
    let mut streaming = Streaming::new(train, &settings, path, common, interrupt)?;
    let texts = Texts::read(train, &settings, None, &mut streaming)?;
    let data = texts.data(&settings, train.columns, from.as_ref().map(|from| &from.tokens), Some(&mut streaming))?;
    let parameters = settings.parameter_count(&data.tokens())?;
    let trained = settings.trained_parameters_at_least(&data.tokens())?;
    memory::check_training(parameters, trained)?;
    let left_out = LeftOut::new(&data, &settings);
    let companions = companions(train.rung, parameters);
    let (text, validation) = texts.sources();
    let name = text.name.clone();
    let config = RunConfig { settings, text, validation, from: from.as_ref().map(SavedRun::source) };
    let mut run = Run::create(path, &config, data, companions).map_err(|error| match error {
        Error::Train(TrainError::TooShort { .. }) => Failure::input(format!("{name}: too short: {error}")),
        other => other.into(),
    })?;
    if let Some(from) = &from {
        run.begin_with(from)?;
    }
    Ok(Prepared { run, left_out })
}

/// The run to begin with.
fn beginning(folder: &Path, rung: Rung) -> Outcome<SavedRun> {
    let from = SavedRun::open(folder)?;
    match from.config.settings.rung {
        found if found == rung => Ok(from),
        found => Err(Failure::input(format!("--from: {} is of the rung {found}, not {rung}", folder.display()))),
    }
}

/// That there is a model where only a part of one is to be trained, and a whole one where it is to be adapted.
fn adaptable(settings: &Settings, from: Option<&SavedRun>) -> Outcome {
    let FineTuning { lora, train_last_layers } = &settings.fine_tuning;
    let flag = lora.as_ref().map(|_| "--lora").or(train_last_layers.map(|_| "--train-last-layers"));
    match (flag, from) {
        (None, _) => Ok(()),
        (Some(flag), None) => {
            Err(Failure::input(format!("{flag}: there is no model to fine-tune; --from DIR says which one")))
        }
        (Some(_), Some(from)) if lora.is_some() && from.belonging()?.is_some() => {
            let from = from.path().display();
            Err(Failure::input(format!(
                "--from: {from} holds an adapter itself; rungs merge makes a whole model of it"
            )))
        }
        _ => Ok(()),
    }
}

/// That nothing was asked for that would make another model than the one to begin with.
fn same_model(from: &SavedRun, settings: &Settings) -> Outcome {
    match from.config.settings.model_difference(settings) {
        None => Ok(()),
        Some(Difference { name, was, wanted }) => {
            Err(Failure::input(format!("--from: {name} is {was} in {}, not {wanted}", from.path().display())))
        }
    }
}

enum Resumed {
    Unfinished(Box<Prepared>),
    /// There is nothing left to do, and the texts were not asked for.
    Finished(Box<Report>, Box<Progress>),
}

fn resume(train: &Train, common: &Common, path: &Path, interrupt: &Interrupt) -> Outcome<Resumed> {
    let saved = SavedRun::open(path)?;
    let mut config = saved.config.clone();
    if let Some(wanted) = &train.from {
        config.from = Some(began_with(wanted, &saved)?);
    }
    flags::apply(train, common, &mut config.settings)?;
    saved.check(&config)?;
    config.settings.validate()?;

    let texts_given = [&train.text, &train.pairs, &train.dialogue, &train.validation].into_iter().any(Option::is_some);
    let progress = saved.progress()?;
    let finish = progress.finish(config.settings.budget, config.settings.regularization.patience);
    let parameters = saved.parameter_count()?;
    if let (Some(finish), false) = (finish, texts_given) {
        let summary = Summary { finish, ..saved.summary()? };
        let report = Report::new(path, train.rung, parameters as usize, &summary);
        let report = Report { trained_parameters: saved.trained_parameter_count()?, ..report };
        return Ok(Resumed::Finished(Box::new(report), Box::new(progress)));
    }
    let mut streaming = Streaming::new(train, &config.settings, path, common, interrupt)?;
    let texts = Texts::read(train, &config.settings, Some(&saved.config), &mut streaming)?;
    (config.text, config.validation) = texts.sources();
    saved.check(&config)?; // before anything is made of them
    let data = texts.data(&config.settings, train.columns, Some(&saved.tokens), Some(&mut streaming))?;
    let left_out = LeftOut::new(&data, &config.settings);
    let run = Run::resume(path, &config, data, companions(train.rung, parameters))?;
    Ok(Resumed::Unfinished(Box::new(Prepared { run, left_out })))
}

/// What a run began with, which is said to be in the folder `wanted`. The model of an adapter may have been moved
/// there: its checksum tells whether it is that one.
fn began_with(wanted: &Path, saved: &SavedRun) -> Outcome<Source> {
    let wanted = std::path::absolute(wanted).unwrap_or_else(|_| wanted.to_owned());
    let from = saved.config.from.as_ref();
    match from.filter(|from| Path::new(&from.name) == wanted) {
        Some(from) => Ok(from.clone()),
        None if saved.belonging()?.is_some() => Ok(saved.base(Some(&wanted))?.source()),
        None => {
            let (path, began) = (saved.path().display(), from.map_or("random weights", |from| from.name.as_str()));
            Err(Failure::input(format!("{path}: this run began with {began}, not with {}", wanted.display())))
        }
    }
}

/// Why a run has stopped early.
fn patience(progress: &Progress) -> String {
    let best = progress.best.map_or(0, |best| best.step);
    format!(
        "the last {} evaluations were no better than that of step {}",
        progress.evaluations_since_best,
        thousands(best)
    )
}

fn finished(report: &Report, progress: &Progress, path: &Path, common: &Common) -> Outcome {
    let (path, steps) = (path.display(), thousands(report.steps));
    complain(&match report.stopped_early {
        false => format!(
            "{path}: this run is finished, after {steps} steps; nothing was changed \
             (--steps with a larger number goes on)"
        ),
        true => format!(
            "{path}: this run stopped early, after {steps} steps: {}; nothing was changed \
             (--patience with a larger number, or 0, goes on)",
            patience(progress)
        ),
    });
    report.print(common)
}

/// A run in numbers.
#[derive(Serialize)]
struct Report {
    run: PathBuf,
    rung: Rung,
    parameters: usize,
    /// How many of them are trained, where that is not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    trained_parameters: Option<u64>,
    steps: usize,
    train_loss: Option<f64>,
    validation_loss: Option<f64>,
    best_validation_loss: Option<f64>,
    tokens_per_second: f64,
    seconds: f64,
    /// Whether it was given up before the end because evaluations did not become better.
    stopped_early: bool,
    peak_rss_bytes: Option<u64>,
    /// Pairs or dialogues that cannot be learnt, of a run that learns them, where they were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<usize>,
    /// Dialogues that are learnt without their first turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    shortened: Option<usize>,
}

impl Report {
    fn new(path: &Path, rung: Rung, parameters: usize, summary: &Summary) -> Self {
        Self {
            run: path.to_owned(),
            rung,
            parameters,
            trained_parameters: None,
            steps: summary.steps,
            train_loss: summary.train_loss,
            validation_loss: summary.validation_loss,
            best_validation_loss: summary.best_validation_loss,
            tokens_per_second: summary.tokens_per_second,
            seconds: summary.seconds,
            stopped_early: summary.finish == Finish::StoppedEarly,
            peak_rss_bytes: memory::peak_rss_bytes(),
            left_out: None,
            shortened: None,
        }
    }

    fn print(&self, common: &Common) -> Outcome {
        if common.json {
            return output::json(self);
        }
        let loss = |loss: Option<f64>| loss.map_or("none".to_owned(), |loss| format!("{loss:.4} nats per token"));
        let parameters = thousands(self.parameters);
        let trained = self.trained_parameters.map(|trained| thousands(trained as usize));
        let lines = [
            ("run", self.run.display().to_string()),
            ("rung", self.rung.to_string()),
            (
                "parameters",
                trained.map_or(parameters.clone(), |trained| format!("{parameters}, {trained} of them trained")),
            ),
            ("steps", thousands(self.steps)),
            ("training loss", loss(self.train_loss)),
            ("validation loss", loss(self.validation_loss)),
            ("best validation", loss(self.best_validation_loss)),
            ("speed", format!("{} tokens/s", thousands(self.tokens_per_second as usize))),
            ("time", clock(self.seconds)),
        ];
        output::print(&output::listing(&lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_if_there_is_any() {
        let notices = |what, of_them| LeftOut { what, of_them, of: 43_613, context: 50 }.notices();
        let too_long = |too_long| rungs::data::LeftOut { too_long, ..Default::default() };
        assert_eq!(notices("pairs", too_long(0)), [""; 0]);
        assert_eq!(
            notices("pairs", too_long(1)),
            ["1 of 43,613 pairs is longer than 50 tokens (--context) and left out"]
        );
        assert_eq!(
            notices("pairs", too_long(1200)),
            ["1,200 of 43,613 pairs are longer than 50 tokens (--context) and left out"]
        );
        let of_them = rungs::data::LeftOut { too_long: 0, unknown: 2, character: Some('é'), shortened: 30 };
        assert_eq!(
            notices("dialogues", of_them),
            [
                "2 of 43,613 dialogues are not of known characters alone ('é' is the first other) and left out",
                "30 of 43,613 dialogues are longer than 50 tokens (--context) and learnt without the first turns",
            ]
        );
    }
}
