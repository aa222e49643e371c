//! A language model goes on with prompts.

use std::ops::ControlFlow;

use rungs::SavedRun;
use rungs::models::decode::{Drafted, Search, generate_each, generate_with_draft};
use rungs::models::tokenizer::TextStream;
use rungs::models::{GenerateError, GenerateOptions, Generated, LanguageModel, Tokenizer, generate};
use rungs::tensor::Rng;

use super::{Report, Written, beginning, decoding, failure};
use crate::arguments::{Common, Generate};
use crate::failure::{Failure, Outcome};
use crate::text::unescaped;
use crate::{output, text};

/// The most tokens of a text, unless told; of one that is searched for, where the context has room for them.
const MOST: usize = 300;

/// What a text goes on from.
struct Prompt {
    ids: Vec<u32>,
    /// What is shown of it; what the ids say unless told.
    text: Option<String>,
}

pub(super) fn run(run: &SavedRun, flags: &Generate, rng: &Rng, common: &Common) -> Outcome<Report> {
    let tokenizer = run.tokens.text()?;
    // What ends a text, where the model that was imported has it.
    let end = run.config.settings.gpt.as_ref().map_or(Vec::new(), |gpt| gpt.end.clone());
    let prompts = prompts(flags, tokenizer, run.config.settings.documents.as_deref())?;
    let stops = flags.stop.iter().map(|stop| unescaped("--stop", stop)).collect::<Outcome<Vec<_>>>()?;
    let model = run.model()?.language()?;
    let longest = prompts.iter().map(|prompt| prompt.ids.len()).max().unwrap_or(0);
    let room = model.context().map_or(MOST, |context| (context + 1).saturating_sub(longest));
    let searched = flags.contrastive.is_some() || flags.beam.is_some_and(|beam| beam > 1);
    let most = if searched { room.min(MOST) } else { MOST };
    let options = decoding::options(flags, &|| tokenizer.spellings(), end.clone(), most, Search::Sample)?;
    if let Some(context) = model.context().filter(|&context| longest > context && !searched) {
        crate::failure::complain(&format!(
            "a prompt of {longest} tokens is longer than the context of {context}: its beginning is not looked at"
        ));
    }
    let draft = flags.draft.as_deref().map(|folder| Draft::open(folder, flags, tokenizer)).transpose()?;
    let writer = Writer { model: model.as_ref(), tokenizer, options, stops: &stops, end: &end, shown: !common.json };
    match flags.stream || draft.is_some() {
        true => writer.one_by_one(&prompts, draft, flags.stream, rng),
        false => writer.in_batches(&prompts, rng),
    }
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

/// A small model that writes ahead of a large one.
struct Draft {
    model: Box<dyn LanguageModel<f32>>,
    ahead: usize,
}

impl Draft {
    fn open(folder: &std::path::Path, flags: &Generate, tokenizer: &Tokenizer) -> Outcome<Self> {
        let wrong = |problem: String| Failure::input(format!("--draft {}: {problem}", folder.display()));
        let run = SavedRun::open(folder)?;
        if run.tokens.text()? != tokenizer {
            return Err(wrong("its tokens are not those of the model: a draft must have the same".to_owned()));
        }
        let model = run.model()?.language()?;
        Ok(Self { model, ahead: flags.draft_tokens })
    }
}

/// A model with the way it is to write.
struct Writer<'a> {
    model: &'a dyn LanguageModel<f32>,
    tokenizer: &'a Tokenizer,
    options: GenerateOptions,
    /// Texts that end a text. They may be of several tokens, so they are looked for in what the tokens say.
    stops: &'a [String],
    /// Tokens that end a text, and are no part of what it says.
    end: &'a [u32],
    /// Whether texts are printed.
    shown: bool,
}

impl Writer<'_> {
    /// Writes many texts at a time.
    fn in_batches(&self, prompts: &[Prompt], rng: &Rng) -> Outcome<Report> {
        let texts = self.options.texts;
        let mut listeners: Vec<Listener<'_>> =
            (0..prompts.len() * texts).map(|number| Listener::new(self, &prompts[number / texts])).collect();
        let ids: Vec<&[u32]> = prompts.iter().map(|prompt| prompt.ids.as_slice()).collect();
        let mut on_token = |number: usize, id: u32| listeners[number].hear(id, &mut |_| Ok(()));
        let written = generate(self.model, &ids, &self.options, rng, &mut on_token).map_err(failure)?;
        let mut report = Report { texts: Vec::new(), drafted: None };
        for (i, texts) in written.into_iter().enumerate() {
            for text in texts {
                // Those that listened have heard no text of a search, which tells what it found at the end.
                let mut listener = Listener::new(self, &prompts[i]);
                text.ids.iter().for_each(|&id| _ = listener.hear(id, &mut |_| Ok(())));
                let written = listener.finish(text);
                self.separate(&report)?;
                self.print(&format!("{}{}\n", written.prompt.as_deref().unwrap_or_default(), written.text))?;
                report.texts.push(written);
            }
        }
        Ok(report)
    }

    /// Writes a text after the other, and shows each as it comes if that is asked for.
    fn one_by_one(&self, prompts: &[Prompt], draft: Option<Draft>, stream: bool, rng: &Rng) -> Outcome<Report> {
        let mut report = Report { texts: Vec::new(), drafted: draft.as_ref().map(|_| [0; 2]) };
        let options = GenerateOptions { texts: 1, ..self.options.clone() };
        for (i, prompt) in prompts.iter().enumerate() {
            for j in 0..self.options.texts {
                self.separate(&report)?;
                let mut listener = Listener::new(self, prompt);
                let print = |part: &str| if stream { self.print(part) } else { Ok(()) };
                print(&listener.said)?;
                let mut printed = Ok(());
                let mut on_token = |_: usize, id: u32| {
                    let mut print = |part: &str| {
                        printed = print(part);
                        if printed.is_ok() { Ok(()) } else { Err(()) }
                    };
                    listener.hear(id, &mut print)
                };
                let rng = rng.fork(&format!("{i}.{j}"));
                let (text, drafted) = self.text(prompt, &draft, &options, rng, &mut on_token).map_err(failure)?;
                printed?;
                if let Some([proposed, accepted]) = &mut report.drafted {
                    *proposed += drafted.proposed;
                    *accepted += drafted.accepted;
                }
                let before = listener.text.len();
                let written = listener.finish(text);
                // A character that the last token left unfinished will never be whole.
                print(&written.text[before..])?;
                match stream {
                    true => self.print("\n")?,
                    false => {
                        self.print(&format!("{}{}\n", written.prompt.as_deref().unwrap_or_default(), written.text))?;
                    }
                }
                report.texts.push(written);
            }
        }
        if let Some([proposed, accepted]) = report.drafted.filter(|_| self.shown) {
            crate::failure::complain(&format!("the draft wrote {proposed} tokens, of which {accepted} stayed"));
        }
        Ok(report)
    }

    fn text(
        &self,
        prompt: &Prompt,
        draft: &Option<Draft>,
        options: &GenerateOptions,
        rng: Rng,
        on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
    ) -> Result<(Generated, Drafted), GenerateError> {
        match draft {
            Some(Draft { model, ahead }) => {
                generate_with_draft([self.model, model.as_ref()], *ahead, &prompt.ids, options, rng, on_token)
            }
            None => {
                let mut texts = generate_each(self.model, &[&prompt.ids], options, &|_, _| rng.clone(), on_token)?;
                Ok((texts.remove(0).remove(0), Drafted::default()))
            }
        }
    }

    /// A line between texts.
    fn separate(&self, report: &Report) -> Outcome {
        if report.texts.is_empty() { Ok(()) } else { self.print("---\n") }
    }

    fn print(&self, part: &str) -> Outcome {
        if self.shown && !part.is_empty() { output::print(part) } else { Ok(()) }
    }
}

/// What makes a text of tokens as they come, and ends it where it says a stop.
struct Listener<'a> {
    stream: TextStream<'a>,
    stops: &'a [String],
    end: &'a [u32],
    /// How many tokens there must be before stops count.
    least: usize,
    /// The prompt.
    said: String,
    text: String,
    tokens: usize,
}

impl<'a> Listener<'a> {
    fn new(writer: &Writer<'a>, prompt: &Prompt) -> Self {
        // The prompt is part of the stream: if its ids end within a character, the text begins with the whole of it.
        let mut stream = writer.tokenizer.stream();
        let said: String = prompt.ids.iter().map(|&id| stream.push(id)).collect();
        let said = match &prompt.text {
            Some(text) => {
                stream.skip();
                text.clone()
            }
            None => said,
        };
        let (stops, end, least) = (writer.stops, writer.end, writer.options.length.min());
        Self { stream, stops, end, least, said, text: String::new(), tokens: 0 }
    }

    fn hear(&mut self, id: u32, print: &mut dyn FnMut(&str) -> Result<(), ()>) -> ControlFlow<()> {
        // What ends a text is no part of what it says.
        if self.end.contains(&id) {
            return ControlFlow::Break(());
        }
        let new = self.stream.push(id);
        self.text += &new;
        self.tokens += 1;
        // Only the end of the text is new: a stop that lies before it would have ended it there.
        let ends = |stop: &String| {
            let from = self.text.len().saturating_sub(stop.len() + new.len());
            let from = (0..=from).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or(0);
            self.text[from..].contains(stop.as_str())
        };
        let over = print(&new).is_err() || self.tokens >= self.least && self.stops.iter().any(ends);
        if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn finish(self, generated: Generated) -> Written {
        let text = self.text + &self.stream.finish();
        Written { prompt: Some(self.said), ..Written::of(generated, text) }
    }
}
