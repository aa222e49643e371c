//! `rungs info`: what a run folder holds.

use std::path::{Path, PathBuf};

use rungs::trainer::{Finish, Summary};
use rungs::{Provenance, Rung, SavedRun, Settings};
use serde::Serialize;

use super::run_names::names;
use crate::arguments::{Common, Info};
use crate::plots::loss_curves::{self, Point};
use crate::plots::plot_file::{check_plot, write_plot};
use crate::terminal::failure::{Failure, Outcome};
use crate::terminal::output::{self, clock, thousands};

#[derive(Serialize)]
struct Report<'a> {
    run: &'a Path,
    rung: Rung,
    parameters: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    trained_parameters: Option<u64>,
    vocabulary: usize,
    /// What the tokens are.
    tokens_are: &'static str,
    /// What it learnt, or the folder it was imported from.
    #[serde(flatten)]
    origin: Origin<'a>,
    /// What it began with, where its weights were not random.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    /// The model that its adapter belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    adapts: Option<&'a Provenance>,
    settings: &'a Settings,
    #[serde(flatten)]
    training: Option<Training>,
}

/// Where the weights came from.
#[derive(Serialize)]
#[serde(untagged)]
enum Origin<'a> {
    Text {
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        validation_text: Option<&'a str>,
    },
    Folder {
        imported_from: &'a str,
    },
}

/// How far a run that is trained here has come.
#[derive(Serialize)]
struct Training {
    finished: bool,
    stopped_early: bool,
    steps: usize,
    tokens: usize,
    train_loss: Option<f64>,
    validation_loss: Option<f64>,
    best_validation_loss: Option<f64>,
    tokens_per_second: f64,
    seconds: f64,
}

impl Training {
    fn of(summary: &Summary) -> Self {
        Self {
            finished: summary.finish != Finish::Stopped,
            stopped_early: summary.finish == Finish::StoppedEarly,
            steps: summary.steps,
            tokens: summary.tokens,
            train_loss: summary.train_loss,
            validation_loss: summary.validation_loss,
            best_validation_loss: summary.best_validation_loss,
            tokens_per_second: summary.tokens_per_second,
            seconds: summary.seconds,
        }
    }

    fn lines(&self) -> [(&'static str, String); 6] {
        let loss = |loss: Option<f64>| loss.map_or("none yet".to_owned(), |loss| format!("{loss:.4} nats per token"));
        let state = match (self.finished, self.stopped_early) {
            (_, true) => "stopped early",
            (true, false) => "finished",
            (false, false) => "to be gone on with (--resume)",
        };
        [
            ("steps", format!("{}, {state}", thousands(self.steps))),
            ("training loss", loss(self.train_loss)),
            ("validation loss", loss(self.validation_loss)),
            ("best validation", loss(self.best_validation_loss)),
            ("speed", format!("{} tokens/s", thousands(self.tokens_per_second as usize))),
            ("time", clock(self.seconds)),
        ]
    }
}

pub(crate) fn run(info: &Info, common: &Common) -> Outcome {
    info.plot.as_deref().map_or(Ok(()), check_plot)?;
    let run = super::open(&info.run, info.base.base.as_deref())?;
    run.model()?; // so that what is shown is known to be whole
    let config = &run.config;
    let text = config.text.name.as_str();
    let validation_text = config.validation.as_ref().map(|source| source.name.as_str());
    let (origin, training) = match run.is_imported() {
        true => (Origin::Folder { imported_from: text }, None),
        false => (Origin::Text { text, validation_text }, Some(Training::of(&run.summary()?))),
    };
    let report = Report {
        run: &info.run,
        rung: config.settings.rung(),
        parameters: run.parameter_count()?,
        trained_parameters: run.trained_parameter_count()?,
        vocabulary: run.tokenizers.target().vocabulary(),
        tokens_are: run.tokenizers.target().kind(),
        origin,
        from: config.from.as_ref().map(|from| from.name.as_str()),
        adapts: run.belonging().map(|belonging| &belonging.base),
        settings: &config.settings,
        training,
    };
    if let Some(path) = &info.plot {
        draw(&run, &info.compare, path)?;
    }
    if common.json { output::json(&report) } else { output::print(&prose(&report)) }
}

/// Draws the validation losses of this run and others.
fn draw(run: &SavedRun, others: &[PathBuf], path: &Path) -> Outcome {
    let others = others.iter().map(SavedRun::open).collect::<Result<Vec<_>, _>>()?;
    if let Some(other) = others.iter().find(|other| other.tokenizers != run.tokenizers) {
        let (here, there) = (run.path().display(), other.path().display());
        let problem = "their losses say nothing of one another";
        return Err(Failure::input(format!("--compare: {there} has other tokens than {here}: {problem}")));
    }
    let runs: Vec<&SavedRun> = std::iter::once(run).chain(&others).collect();
    let names = names(&runs.iter().map(|run| (run.config.settings.rung(), run.path())).collect::<Vec<_>>());
    let courses = runs.iter().map(|run| course(run)).collect::<Outcome<Vec<_>>>()?;
    let svg = loss_curves::comparison_svg("validation loss", &names.into_iter().zip(courses).collect::<Vec<_>>());
    let svg = svg.ok_or_else(|| Failure::input(format!("{}: nothing was evaluated yet", run.path().display())))?;
    write_plot(path, &svg)
}

/// The validation loss of a run by the minutes that training had taken, evaluations aside.
fn course(run: &SavedRun) -> Outcome<Vec<Point>> {
    if run.is_imported() {
        return Err(Failure::input(format!("{}: this run was imported, not trained", run.path().display())));
    }
    let (summary, metrics) = (run.summary()?, run.metrics()?);
    let tokens_per_step = summary.tokens as f64 / summary.steps.max(1) as f64;
    let (mut minutes, mut before, mut points) = (0.0, 0, Vec::new());
    for row in metrics.rows() {
        minutes += (row.step - before) as f64 * tokens_per_step / row.tokens_per_second / 60.0;
        before = row.step;
        points.extend(row.validation_loss.map(|loss| (minutes, loss)));
    }
    Ok(points)
}

fn prose(report: &Report<'_>) -> String {
    let mut lines = vec![
        ("run", report.run.display().to_string()),
        ("rung", report.rung.to_string()),
        ("parameters", thousands(report.parameters as usize)),
        ("vocabulary", format!("{} tokens, {}", thousands(report.vocabulary), report.tokens_are)),
    ];
    lines.extend(report.trained_parameters.map(|count| ("trained", thousands(count as usize))));
    match report.origin {
        Origin::Text { text, validation_text } => {
            lines.push(("text", text.to_owned()));
            lines.extend(validation_text.map(|name| ("validation text", name.to_owned())));
        }
        Origin::Folder { imported_from } => lines.push(("imported from", imported_from.to_owned())),
    }
    match (report.adapts, report.from) {
        (Some(Provenance { name, sha256 }), _) => lines.push(("adapts", format!("{name} ({})", &sha256[..12]))),
        (None, from) => lines.extend(from.map(|name| ("began with", name.to_owned()))),
    }
    lines.extend(report.training.iter().flat_map(Training::lines));
    // How a model is trained that was not: nobody has said it yet.
    let settings = match report.training {
        Some(_) => report.settings.named(),
        None => report.settings.named_model(),
    };
    format!("{}\nsettings\n{}", output::listing(&lines), output::listing(&settings))
}
