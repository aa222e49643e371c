//! The requests of `rungs generate`: prompts, questions and sources, from options and files.

use std::path::Path;

use rungs::generator::Request;
use rungs::{Error, Generator};

use crate::arguments::Generate;
use crate::terminal::failure::{Failure, Outcome};
use crate::text_input;

/// Reads the prompts to continue, the questions to answer or the sources to translate.
pub(super) fn requests(flags: &Generate, generator: &Generator) -> Outcome<Vec<Request>> {
    let prompt = |text: &str| generator.prompt(text);
    let source = |text: &str| generator.source(text);
    match flags {
        Generate { source: Some(text), .. } => one("--source", source(text)),
        Generate { sources: Some(path), .. } => lines(path, source),
        Generate { prompt: Some(text), .. } => one("--prompt", prompt(text)),
        Generate { prompts: Some(path), .. } => lines(path, prompt),
        Generate { prompt_ids: Some(ids), .. } => one("--prompt-ids", generator.prompt_ids(ids)),
        _ => Ok(vec![generator.beginning()?]),
    }
}

fn one(name: &str, request: Result<Request, Error>) -> Outcome<Vec<Request>> {
    Ok(vec![request.map_err(|error| Failure::input(format!("{name}: {error}")))?])
}

/// One for each line of a file.
fn lines(path: &Path, request: impl Fn(&str) -> Result<Request, Error>) -> Outcome<Vec<Request>> {
    let (name, content) = (text_input::name(path), text_input::read(path)?);
    let wrong = |i: usize, error: Error| Failure::input(format!("{name}, line {}: {error}", i + 1));
    content.lines().enumerate().map(|(i, line)| request(line).map_err(|error| wrong(i, error))).collect()
}
