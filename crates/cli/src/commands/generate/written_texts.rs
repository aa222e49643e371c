//! Texts that were written: as they are reported, and shown as they come.

use std::ops::ControlFlow;

use rungs::Error;
use rungs::decoding::Finish;
use rungs::writing::{OnText, Written};
use serde::Serialize;

use crate::terminal::failure::Outcome;
use crate::terminal::output;

/// A text that was written, as it is reported.
#[derive(Serialize)]
pub(super) struct WrittenText {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    pub(super) text: String,
    pub(super) ids: Vec<u32>,
    pub(super) log_probability: f64,
    /// Of every token, given all before it.
    pub(super) log_probabilities: Vec<f64>,
    /// Of a beam what it was ranked by, else the log-probability of a token, on average.
    pub(super) score: f64,
    /// Its tokens, the end of a translation among them where there is one.
    pub(super) tokens: usize,
    pub(super) finish: &'static str,
}

impl WrittenText {
    pub(super) fn of(Written { text, generated, .. }: Written) -> Self {
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

#[derive(Default, Serialize)]
pub(super) struct Report {
    pub(super) texts: Vec<WrittenText>,
    /// How many tokens a draft wrote, and how many of them stayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drafted: Option<[usize; 2]>,
}

impl Report {
    /// Takes the texts that were written for a source. They are printed if `print`, with their scores if `scores`.
    pub(super) fn take(&mut self, source: &str, texts: Vec<Written>, print: bool, scores: bool) -> Outcome {
        for text in texts {
            let text = WrittenText { source: Some(source.to_owned()), ..WrittenText::of(text) };
            if print {
                let score = if scores { format!("{:.4}\t", text.score) } else { String::new() };
                output::print(&format!("{score}{}\n", text.text))?;
            }
            self.texts.push(text);
        }
        Ok(())
    }
}

/// Writes one text and shows it as it comes.
pub(super) fn shown(write: impl FnOnce(OnText<'_>) -> Result<Vec<Vec<Written>>, Error>) -> Outcome<Written> {
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
