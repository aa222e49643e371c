//! `rungs info`: what a run folder holds.

use std::path::Path;

use rungs::trainer::Finish;
use rungs::{Rung, SavedRun, Settings, Tokens};
use serde::Serialize;

use crate::arguments::{Common, Info};
use crate::failure::Outcome;
use crate::output::{self, clock, thousands};

#[derive(Serialize)]
struct Report<'a> {
    run: &'a Path,
    rung: Rung,
    parameters: u64,
    vocabulary: usize,
    /// What the tokens are.
    tokens_are: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_text: Option<&'a str>,
    settings: &'a Settings,
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

pub(crate) fn run(info: &Info, common: &Common) -> Outcome {
    let run = SavedRun::open(&info.run)?;
    run.model()?; // so that what is shown is known to be whole
    let summary = run.summary()?;
    let config = &run.config;
    let report = Report {
        run: &info.run,
        rung: config.settings.rung,
        parameters: run.parameter_count()?,
        vocabulary: vocabulary(&run.tokens),
        tokens_are: run.tokens.kind(),
        text: &config.text.name,
        validation_text: config.validation.as_ref().map(|source| source.name.as_str()),
        settings: &config.settings,
        finished: summary.finish != Finish::Stopped,
        stopped_early: summary.finish == Finish::StoppedEarly,
        steps: summary.steps,
        tokens: summary.tokens,
        train_loss: summary.train_loss,
        validation_loss: summary.validation_loss,
        best_validation_loss: summary.best_validation_loss,
        tokens_per_second: summary.tokens_per_second,
        seconds: summary.seconds,
    };
    if common.json { output::json(&report) } else { output::print(&prose(&report)) }
}

/// How many tokens can be written.
fn vocabulary(tokens: &Tokens) -> usize {
    match tokens {
        Tokens::Text(tokenizer) => tokenizer.vocabulary(),
        Tokens::Pairs(vocabularies) => vocabularies.target.size(),
    }
}

fn prose(report: &Report<'_>) -> String {
    let loss = |loss: Option<f64>| loss.map_or("none yet".to_owned(), |loss| format!("{loss:.4} nats per token"));
    let state = match (report.finished, report.stopped_early) {
        (_, true) => "stopped early",
        (true, false) => "finished",
        (false, false) => "to be gone on with (--resume)",
    };
    let mut lines = vec![
        ("run".to_owned(), report.run.display().to_string()),
        ("rung".to_owned(), report.rung.to_string()),
        ("parameters".to_owned(), thousands(report.parameters as usize)),
        ("vocabulary".to_owned(), format!("{} tokens, {}", thousands(report.vocabulary), report.tokens_are)),
        ("text".to_owned(), report.text.to_owned()),
    ];
    lines.extend(report.validation_text.map(|name| ("validation text".to_owned(), name.to_owned())));
    lines.extend([
        ("steps".to_owned(), format!("{}, {state}", thousands(report.steps))),
        ("training loss".to_owned(), loss(report.train_loss)),
        ("validation loss".to_owned(), loss(report.validation_loss)),
        ("best validation".to_owned(), loss(report.best_validation_loss)),
        ("speed".to_owned(), format!("{} tokens/s", thousands(report.tokens_per_second as usize))),
        ("time".to_owned(), clock(report.seconds)),
    ]);
    let lines: Vec<(&str, String)> = lines.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let settings: Vec<(String, String)> = report.settings.named();
    let settings: Vec<(&str, String)> = settings.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    format!("{}\nsettings\n{}", output::listing(&lines), output::listing(&settings))
}
