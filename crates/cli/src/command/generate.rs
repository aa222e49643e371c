//! `rungs generate`: a trained model writes.

mod answer;
mod decoding;
mod language;
mod translate;

use rungs::decoding::{Finish, GenerateError, GenerateOptions, Length, SampleError, Search, Temperature, TopP};
use rungs::tensor::Rng;
use rungs::writing::{OnText, Written};
use rungs::{Error, Writer};
use serde::Serialize;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::arguments::{Common, Generate};
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::picture::check_picture;

/// A text that was written, as it is reported.
#[derive(Serialize)]
struct WrittenText {
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    text: String,
    ids: Vec<u32>,
    log_probability: f64,
    /// Of every token, given all before it.
    log_probabilities: Vec<f64>,
    /// Of a beam what it was ranked by, else the log-probability of a token, on average.
    score: f64,
    /// Its tokens, the end of a translation among them where there is one.
    tokens: usize,
    finish: &'static str,
}

impl WrittenText {
    fn of(Written { text, generated, .. }: Written) -> Self {
        Self {
            prompt: None,
            source: None,
            text,
            log_probability: generated.log_probability(),
            score: generated.score,
            tokens: generated.log_probabilities.len(),
            finish: match generated.finish {
                Finish::Length => "length",
                Finish::Stop => "stop",
                Finish::Complete => "complete",
            },
            ids: generated.ids,
            log_probabilities: generated.log_probabilities,
        }
    }
}

#[derive(Serialize)]
struct Report {
    texts: Vec<WrittenText>,
    /// How many tokens a draft wrote, and how many of them stayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    drafted: Option<[usize; 2]>,
}

pub(crate) fn run(flags: &Generate, common: &Common) -> Outcome {
    flags.plot.as_deref().map_or(Ok(()), check_picture)?;
    let run = super::open(&flags.run, flags.base.base.as_deref())?;
    let rng = Rng::new(common.seed.unwrap_or(0)).fork("generate");
    let asked = flags.source.is_some() || flags.sources.is_some();
    let report = match (asked, &run.config.settings.prompts) {
        (true, Some(_)) => answer::run(&run, flags, &rng, common)?,
        (true, None) => translate::run(&run, flags, &rng, common)?,
        (false, _) => language::run(&run, flags, &rng, common)?,
    };
    if common.json { output::json(&report) } else { Ok(()) }
}

/// Writes one text and shows it as it comes.
fn shown(write: impl FnOnce(OnText<'_>) -> Result<Vec<Vec<Written>>, Error>) -> Outcome<Written> {
    let mut printed = Ok(());
    let written = write(&mut |_, part| {
        if printed.is_ok() {
            printed = output::print(part);
        }
        if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    printed?;
    let text = written?.swap_remove(0).swap_remove(0);
    output::print("\n")?;
    Ok(text)
}

fn failure(error: GenerateError) -> Failure {
    match error {
        GenerateError::Sample(SampleError::NotFinite { .. }) => Failure::running(error),
        other => Failure::input(other),
    }
}

/// A sample of a model for people to look at.
pub(super) fn sample(writer: &Writer, seed: u64, tokens: usize) -> Outcome<String> {
    let temperature = Temperature::new(0.8).map_err(Failure::running)?;
    let top_p = TopP::new(0.95).map_err(Failure::running)?;
    let options = GenerateOptions {
        processors: vec![Arc::new(temperature), Arc::new(top_p)],
        search: Search::Sample,
        length: Length::at_most(tokens),
        ..GenerateOptions::default()
    };
    let rng = Rng::new(seed).fork("sample");
    let quiet = &mut |_: usize, _: &str| ControlFlow::Continue(());
    let mut texts = writer.write(&[writer.beginning()], &options, &rng, quiet)?;
    Ok(texts.swap_remove(0).swap_remove(0).text)
}
