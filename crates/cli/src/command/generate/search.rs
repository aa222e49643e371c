//! `rungs generate --beam`: the most probable continuations that a search finds.

use rungs::SavedRun;
use rungs::models::{Finish, GenerateError, Generated, Length, SearchOptions, Tokenizer, search};

use super::{Prompt, Report, Written, prompts};
use crate::arguments::{Common, Generate};
use crate::command::translate::{penalty, refuse};
use crate::failure::{Failure, Outcome};
use crate::output;

/// The most tokens of a text, unless told, where the context has room for them.
const MOST: usize = 300;

pub(super) fn run(run: &SavedRun, flags: &Generate, stop: Vec<u32>, common: &Common) -> Outcome {
    refuse(flags)?;
    let tokenizer = run.tokens.text()?;
    let prompts = prompts(flags, tokenizer, run.config.settings.documents.as_deref())?;
    let model = run.model()?.language()?;
    let mut report = Report { texts: Vec::new() };
    for prompt in &prompts {
        let room = model.context().map_or(MOST, |context| (context + 1).saturating_sub(prompt.ids.len()));
        let length = Length::new(flags.min_tokens, flags.max_tokens.unwrap_or(room.min(MOST)));
        let length = length.map_err(Failure::input)?;
        let options = SearchOptions { beam: flags.beam, penalty: penalty(flags), length, stop: stop.clone() };
        let found = search(model.as_ref(), &prompt.ids, &options).map_err(|error| match error {
            GenerateError::NotFinite { .. } => Failure::running(error),
            other => Failure::input(other),
        })?;
        for (text, score) in found.into_iter().take(flags.n) {
            let written = written(tokenizer, prompt, text, score, &stop);
            if !common.json {
                let before = if report.texts.is_empty() { "" } else { "---\n" };
                output::print(&format!("{before}{}{}\n", written.prompt, written.text))?;
            }
            report.texts.push(written);
        }
    }
    if common.json { output::json(&report) } else { Ok(()) }
}

fn written(tokenizer: &Tokenizer, prompt: &Prompt, text: Generated, score: f64, stop: &[u32]) -> Written {
    // The prompt is part of the stream: if it ends within a character, the text begins with the whole of it.
    let mut stream = tokenizer.stream();
    let said: String = prompt.ids.iter().map(|&id| stream.push(id)).collect();
    let mut shown: String = text.ids.iter().filter(|id| !stop.contains(id)).map(|&id| stream.push(id)).collect();
    shown += &stream.finish();
    Written {
        prompt: prompt.text.clone().unwrap_or(said),
        text: shown,
        log_probability: text.log_probability,
        score,
        tokens: text.ids.len(),
        finish: match text.finish {
            Finish::Length => "length",
            Finish::Stop => "stop",
        },
        ids: text.ids,
    }
}
