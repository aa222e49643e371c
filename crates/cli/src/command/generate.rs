//! `rungs generate`: a trained model writes.

mod search;

use std::ops::ControlFlow;

use rungs::SavedRun;
use rungs::models::{Finish, GenerateError, GenerateOptions, LanguageModel, Length, Sampling, Tokenizer, generate};
use rungs::tensor::Rng;
use serde::Serialize;

use crate::arguments::{Common, Generate};
use crate::failure::{Failure, Outcome};
use crate::text::unescaped;
use crate::{output, text};

/// What a text goes on from.
struct Prompt {
    ids: Vec<u32>,
    /// What is shown of it; what the ids say unless told.
    text: Option<String>,
}

/// A text that was written.
#[derive(Serialize)]
struct Written {
    prompt: String,
    text: String,
    ids: Vec<u32>,
    log_probability: f64,
    /// The log-probability of a token, on average.
    score: f64,
    tokens: usize,
    finish: &'static str,
}

#[derive(Serialize)]
struct Report {
    texts: Vec<Written>,
}

pub(crate) fn run(flags: &Generate, common: &Common) -> Outcome {
    let run = SavedRun::open(&flags.run)?;
    if flags.source.is_some() || flags.sources.is_some() {
        return super::translate::run(&run, flags, common);
    }
    let tokenizer = run.tokens.text()?;
    // What ends a text, where the model that was imported has it.
    let end = run.config.settings.gpt.as_ref().map_or(Vec::new(), |gpt| gpt.end.clone());
    if flags.beam > 1 {
        return search::run(&run, flags, end, common);
    }
    let options = options(flags, end)?;
    let stops = flags.stop.iter().map(|stop| unescaped("--stop", stop)).collect::<Outcome<Vec<_>>>()?;
    let prompts = prompts(flags, tokenizer, run.config.settings.documents.as_deref())?;
    let writer = Writer {
        model: run.model()?.language()?,
        tokenizer,
        options,
        stops,
        least: flags.min_tokens,
        stream: flags.stream,
    };
    // Every text has a stream of random numbers of its own, so that none depends on how many others are asked for.
    let rng = Rng::new(common.seed.unwrap_or(0)).fork("generate");
    let mut report = Report { texts: Vec::new() };
    for (i, prompt) in prompts.iter().enumerate() {
        for j in 0..flags.n {
            let first = report.texts.is_empty();
            if !common.json && !first {
                output::print("---\n")?;
            }
            let written = writer.write(prompt, &mut rng.fork(&format!("{i}.{j}")))?;
            match (common.json, flags.stream) {
                (true, _) => {}
                (false, true) => output::print("\n")?,
                (false, false) => output::print(&format!("{}{}\n", written.prompt, written.text))?,
            }
            report.texts.push(written);
        }
    }
    if common.json { output::json(&report) } else { Ok(()) }
}

fn options(flags: &Generate, stop: Vec<u32>) -> Outcome<GenerateOptions> {
    let sampling = match flags.greedy {
        true => Sampling::Greedy,
        false => {
            Sampling::random(flags.temperature.unwrap_or(1.0), flags.top_k, flags.top_p).map_err(Failure::input)?
        }
    };
    let length = Length::new(flags.min_tokens, flags.max_tokens.unwrap_or(300)).map_err(Failure::input)?;
    Ok(GenerateOptions { sampling, length, stop })
}

fn prompts(flags: &Generate, tokenizer: &Tokenizer, separator: Option<&str>) -> Outcome<Vec<Prompt>> {
    let encoded = |name: &str, text: &str| {
        let ids = tokenizer.encode(text).map_err(|error| Failure::input(format!("{name}: {error}")))?;
        if ids.is_empty() {
            return Err(Failure::input(format!("{name}: {}", GenerateError::EmptyPrompt)));
        }
        // What it was trained to find before every text is not shown.
        let ids = [tokenizer.beginning(), ids].concat();
        Ok(Prompt { ids, text: Some(text.to_owned()) })
    };
    if let Some(text) = &flags.prompt {
        return Ok(vec![encoded("--prompt", text)?]);
    }
    if let Some(path) = &flags.prompts {
        let (name, content) = (text::name(path), text::read(path)?);
        let prompt = |(i, line): (usize, &str)| encoded(&format!("{name}, line {}", i + 1), line);
        return content.lines().enumerate().map(prompt).collect();
    }
    if let Some(ids) = &flags.prompt_ids {
        let vocabulary = tokenizer.vocabulary();
        if let Some(&id) = ids.iter().find(|&&id| id as usize >= vocabulary) {
            let error = GenerateError::UnknownToken { what: "prompt", id, vocabulary };
            return Err(Failure::input(format!("--prompt-ids: {error}")));
        }
        return Ok(vec![Prompt { ids: ids.clone(), text: None }]);
    }
    // What follows the end of a document is a beginning, and most texts have line breaks. Nothing of it is shown.
    let ids = beginning(tokenizer, separator.unwrap_or("\n"));
    Ok(vec![Prompt { ids, text: Some(String::new()) }])
}

/// What to go on from where nothing was said: what begins every text, or what stands before a beginning, or the first token
/// there is.
fn beginning(tokenizer: &Tokenizer, before: &str) -> Vec<u32> {
    let ids = tokenizer.beginning();
    if !ids.is_empty() {
        return ids;
    }
    tokenizer.encode(before).ok().filter(|ids| !ids.is_empty()).unwrap_or_else(|| vec![0])
}

/// A model with the way it is to write.
struct Writer<'a> {
    model: Box<dyn LanguageModel<f32>>,
    tokenizer: &'a Tokenizer,
    options: GenerateOptions,
    /// Texts that end a text. They may be of several tokens, so they are looked for here.
    stops: Vec<String>,
    /// How many tokens there must be before they count.
    least: usize,
    stream: bool,
}

impl Writer<'_> {
    fn write(&self, prompt: &Prompt, rng: &mut Rng) -> Outcome<Written> {
        // The prompt is part of the stream: if it ends within a character, the text begins with the whole of it.
        let mut stream = self.tokenizer.stream();
        let said: String = prompt.ids.iter().map(|&id| stream.push(id)).collect();
        let said = prompt.text.clone().unwrap_or(said);
        let mut printed = self.print(&said);
        let (mut text, mut tokens) = (String::new(), 0);
        let mut on_token = |id| {
            // What ends a text is no part of what it says.
            if self.options.stop.contains(&id) {
                return ControlFlow::Break(());
            }
            let new = stream.push(id);
            if printed.is_ok() {
                printed = self.print(&new);
            }
            text += &new;
            tokens += 1;
            // Only the end of the text is new: a stop that lies before it would have ended it there.
            let ends = |stop: &String| {
                let from = text.len().saturating_sub(stop.len() + new.len());
                let from = (0..=from).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
                text[from..].contains(stop.as_str())
            };
            let over = tokens >= self.least && self.stops.iter().any(ends);
            if over || printed.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let generated = generate(self.model.as_ref(), &prompt.ids, &self.options, rng, &mut on_token);
        printed?;
        let generated = generated.map_err(|error| match error {
            GenerateError::NotFinite { .. } => Failure::running(error),
            other => Failure::input(other),
        })?;
        // A character that the last token left unfinished will never be whole.
        let rest = stream.finish();
        self.print(&rest)?;
        text += &rest;
        let tokens = generated.ids.len();
        Ok(Written {
            prompt: said,
            text,
            log_probability: generated.log_probability,
            score: if tokens > 0 { generated.log_probability / tokens as f64 } else { 0.0 },
            tokens,
            finish: match generated.finish {
                Finish::Length => "length",
                Finish::Stop => "stop",
            },
            ids: generated.ids,
        })
    }

    /// Shows a part of the text as soon as there is one, if that was asked for.
    fn print(&self, part: &str) -> Outcome {
        if self.stream && !part.is_empty() { output::print(part) } else { Ok(()) }
    }
}

/// A sample of a model for people to look at.
pub(super) fn sample(
    model: &dyn LanguageModel<f32>,
    tokenizer: &Tokenizer,
    seed: u64,
    tokens: usize,
) -> Outcome<String> {
    let sampling = Sampling::random(0.8, None, Some(0.95)).map_err(Failure::running)?;
    let options = GenerateOptions { sampling, length: Length::at_most(tokens), stop: Vec::new() };
    let prompt = beginning(tokenizer, "\n");
    let mut rng = Rng::new(seed).fork("sample");
    let generated = generate(model, &prompt, &options, &mut rng, &mut |_| ControlFlow::Continue(()));
    Ok(tokenizer.decode(&generated.map_err(Failure::running)?.ids))
}
