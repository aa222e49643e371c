//! `rungs evaluate`: how well a trained model predicts a text, or translates.

mod lengths;
mod pairs;
mod prose;
mod writer;

use std::path::Path;

use rungs::SavedRun;
use serde::Serialize;

use crate::arguments::{Common, Evaluate};
use crate::failure::{Failure, Outcome};
use crate::output::{self, thousands};
use crate::text;

#[derive(Serialize)]
struct Report {
    tokens: usize,
    loss: f64,
    perplexity: f64,
    bits_per_char: f64,
}

pub(crate) fn run(evaluate: &Evaluate, common: &Common) -> Outcome {
    match (&evaluate.text, &evaluate.pairs) {
        (Some(path), _) => on_text(path, evaluate, common),
        (None, Some(path)) => pairs::run(path, evaluate, common),
        (None, None) => Err(Failure::input("--text or --pairs is needed")),
    }
}

fn on_text(path: &Path, evaluate: &Evaluate, common: &Common) -> Outcome {
    let run = SavedRun::open(&evaluate.run)?;
    let tokenizer = run.tokens.text()?;
    let content = text::read(path)?;
    let name = text::name(path);
    let tokens = tokenizer.encode(&content).map_err(|error| Failure::input(format!("{name}: {error}")))?;
    if tokens.len() < 2 {
        return Err(Failure::input(format!("{name}: too short: one token to read and one to predict are needed")));
    }
    let evaluation = run.evaluate(&tokens)?;
    let report = Report {
        tokens: evaluation.tokens,
        loss: evaluation.loss(),
        perplexity: evaluation.perplexity(),
        bits_per_char: evaluation.bits_per_character(rungs::corpus::characters_per_token(&content, &tokens)),
    };
    if !report.loss.is_finite() {
        return Err(Failure::running("the loss is not finite: the model's parameters have diverged"));
    }
    if common.json {
        return output::json(&report);
    }
    output::print(&output::listing(&[
        ("tokens", thousands(report.tokens)),
        ("loss", format!("{:.4} nats per token", report.loss)),
        ("perplexity", format!("{:.4}", report.perplexity)),
        ("bits per character", format!("{:.4}", report.bits_per_char)),
    ]))
}
