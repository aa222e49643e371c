//! `rungs info`: what a run folder holds.

use std::path::{Path, PathBuf};

use rungs::run::Belonging;
use rungs::trainer::Finish;
use rungs::{Provenance, RunConfig, SavedRun};

use super::{names, report_training};
use crate::arguments::{Common, Info};
use crate::plots::loss_curves::{self, Point};
use crate::plots::{check_plot, write_plot};
use crate::terminal::{Facts, Failure, Outcome, output, thousands};

pub(crate) fn run(info: &Info, common: &Common) -> Outcome {
    info.plot.as_deref().map_or(Ok(()), check_plot)?;
    let run = info.saved.open()?;
    run.model()?; // so that what is shown is known to be whole
    let RunConfig { settings, text, validation, from } = &run.config;
    let (rung, parameters, tokenizer) = (settings.rung(), run.parameter_count()?, &run.tokenizers.target);
    let (vocabulary, tokens_are) = (tokenizer.vocabulary(), tokenizer.kind());
    let mut facts = Facts::default();
    facts.fact("run", &info.saved.run, "run", info.saved.run.display());
    facts.fact("rung", rung, "rung", rung);
    facts.fact("parameters", parameters, "parameters", thousands(parameters as usize));
    facts.line("vocabulary", format!("{} tokens, {tokens_are}", thousands(vocabulary)));
    if let Some(trained) = run.trained_parameter_count()? {
        facts.fact("trained_parameters", trained, "trained", thousands(trained as usize));
    }
    facts.field("vocabulary", vocabulary).field("tokens_are", tokens_are);
    if run.is_imported() {
        facts.fact("imported_from", &text.name, "imported from", &text.name);
    } else {
        facts.fact("text", &text.name, "text", &text.name);
        if let Some(text) = validation {
            facts.fact("validation_text", &text.name, "validation text", &text.name);
        }
    }
    let belonging = run.belonging();
    if let Some(Provenance { name, .. }) = from {
        facts.field("from", name);
        if belonging.is_none() {
            facts.line("began with", name);
        }
    }
    if let Some(Belonging { base, .. }) = &belonging {
        facts.fact("adapts", base, "adapts", format!("{} ({})", base.name, &base.sha256[..12]));
    }
    facts.field("settings", settings);
    // How a model is trained that was not: nobody has said it yet.
    let mut named = settings.named_model();
    if !run.is_imported() {
        named = settings.named();
        let summary = run.summary()?;
        let steps = summary.steps;
        let state = match summary.finish {
            Finish::StoppedEarly => "stopped early",
            Finish::Completed => "finished",
            Finish::Stopped => "to be gone on with (--resume)",
        };
        facts.field("finished", summary.finish != Finish::Stopped);
        facts.field("stopped_early", summary.finish == Finish::StoppedEarly);
        facts.fact("steps", steps, "steps", format!("{}, {state}", thousands(steps)));
        facts.field("tokens", summary.tokens);
        report_training(&mut facts, &summary, "none yet");
    }
    if let Some(path) = &info.plot {
        draw(&run, &info.compare, path)?;
    }
    facts.print(common.json, &format!("\nsettings\n{}", output::listing(&named)))
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
