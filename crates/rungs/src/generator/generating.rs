//! Texts of all that was asked for.

use super::listener::Listener;
use super::{Generator, Kind, Request};
use crate::Error;
use crate::data::End;
use crate::decoding::{
    Drafted, Ending, Finish, GenerateOptions, Generated, Length, LogitBias, OnNext, Prompt, Randomness, Search,
    generate, generate_with_draft,
};
use crate::tensor::Rng;
use crate::text::tokenizer::sentence::{END, PADDING, START, UNKNOWN};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Sources that are translated at a time: a matter of speed alone.
const TOGETHER: usize = 64;

/// A text that was generated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// What it says, without what ends it.
    pub text: String,
    /// Its tokens, the end among them where there is one; of a translation the end is counted, but not among the ids.
    pub generated: Generated,
    /// How the draft did, if one wrote ahead.
    pub drafted: Option<Drafted>,
}

impl Generator {
    /// How a text goes on: the first of those that [`generate`](Self::generate) would write.
    ///
    /// # Errors
    /// As [`prompt`](Self::prompt) and [`generate`](Self::generate).
    pub fn complete(&self, prompt: &str, options: &GenerateOptions, rng: &Rng) -> Result<String, Error> {
        self.first(self.prompt(prompt)?, options, rng)
    }

    /// The answer to a question, or the translation of a source: the first of those that [`generate`](Self::generate)
    /// would write.
    ///
    /// # Errors
    /// As [`source`](Self::source) and [`generate`](Self::generate).
    pub fn answer(&self, question: &str, options: &GenerateOptions, rng: &Rng) -> Result<String, Error> {
        self.first(self.source(question)?, options, rng)
    }

    fn first(&self, request: Request, options: &GenerateOptions, rng: &Rng) -> Result<String, Error> {
        let mut texts = self.generate(&[request], options, rng, &mut |_, _| ControlFlow::Continue(()))?;
        Ok(texts.swap_remove(0).swap_remove(0).text)
    }

    /// Generates [as many texts](GenerateOptions::texts) for each of the requests as are wanted, in their order, as
    /// [`generate`](fn@crate::decoding::generate) does. What ends a text is known here, so `options` need no stop
    /// tokens.
    ///
    /// - To an [empty request](Request::empty) belong empty texts.
    /// - A prompt is continued, past the end of the model's context too.
    /// - An answer is no longer than there is room in the context behind its question.
    /// - A translation never has an unknown word; the fewest and the most tokens are counted without its end. A
    ///   [beam](Search::Beam) is searched until so many texts have [ended](Ending::KeepsPlace). Sources of similar
    ///   length are searched together; the result does not depend on which.
    ///
    /// `on_text` hears every part of a text as soon as it can be shown, of text j of request i under the number i ·
    /// texts + j; of a beam or a translation the whole text at its end. If the [batch](GenerateOptions::batch) is 1, it
    /// hears one text after another.
    ///
    /// # Errors
    /// If texts cannot be generated so, or the model is broken; or if the end of an answer is several tokens and there
    /// is a beam, which does not look for that.
    pub fn generate(
        &self,
        requests: &[Request],
        options: &GenerateOptions,
        rng: &Rng,
        on_text: OnNext<'_, str>,
    ) -> Result<Vec<Vec<Written>>, Error> {
        options.check_texts(requests.len())?;
        let searched = matches!(options.search, Search::Beam(_) | Search::Contrastive(_));
        let texts = options.texts;
        let mut order: Vec<usize> = (0..requests.len()).filter(|&i| !requests[i].ids.is_empty()).collect();
        order.sort_by_key(|&i| (requests[i].kind, requests[i].source.as_ref().map_or(0, Vec::len)));
        let mut written = vec![Vec::new(); requests.len()];
        for of_kind in order.chunk_by(|&a, &b| requests[a].kind == requests[b].kind) {
            let kind = requests[of_kind[0]].kind;
            let singly = options.batch == 1;
            let (together, each) = match kind {
                Kind::Translation => (TOGETHER, options.texts),
                // A search wants to know how long its text may be, and that is another length for every question.
                _ if searched && (singly || kind == Kind::Answer) => (1, options.texts),
                _ if singly => (1, 1),
                _ => (of_kind.len(), options.texts),
            };
            let options = GenerateOptions { texts: each, ..options.clone() };
            for together in of_kind.chunks(together) {
                for first in (0..texts).step_by(each.max(1)) {
                    let part: Vec<&Request> = together.iter().map(|&i| &requests[i]).collect();
                    let place = |row: usize, j: usize| (together[row], first + j);
                    let rng_of = |row: usize, j: usize| match place(row, j) {
                        (i, j) if kind == Kind::Translation => rng.fork(&i.to_string()).fork(&j.to_string()),
                        (i, j) => rng.of_text(i, j),
                    };
                    let mut on_text = |number: usize, part: &str| {
                        let (i, j) = place(number / each, number % each);
                        on_text(i * texts + j, part)
                    };
                    let generated = self.generate_together(&part, &options, &rng_of, &mut on_text)?;
                    together.iter().zip(generated).for_each(|(&i, texts)| written[i].extend(texts));
                }
            }
        }
        for (written, _) in written.iter_mut().zip(requests).filter(|(_, request)| request.ids.is_empty()) {
            written.resize_with(texts, Written::default);
        }
        Ok(written)
    }

    /// Texts of requests of one kind.
    fn generate_together(
        &self,
        requests: &[&Request],
        options: &GenerateOptions,
        rng: &dyn Randomness,
        on_text: OnNext<'_, str>,
    ) -> Result<Vec<Vec<Written>>, Error> {
        let kind = requests[0].kind;
        let ends = self.ends(kind);
        let options = self.options(requests, &ends.0, options)?;
        let texts = (0..requests.len() * options.texts).map(|number| requests[number / options.texts]);
        let least = options.length.min;
        let mut listeners: Vec<_> = texts.map(|request| self.listener(request, &ends, least)).collect();
        let mut on_token = |number: usize, &id: &u32| {
            let Some(listener) = &mut listeners[number] else { return ControlFlow::Continue(()) };
            let part = listener.push(id);
            let wanted = part.is_empty() || on_text(number, part).is_continue();
            if wanted && !listener.is_over() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let prompts = requests.iter().map(|request| Prompt { source: request.source.as_deref(), ids: &request.ids });
        let (generated, drafted) = match &self.draft {
            Some((draft, ahead)) => {
                let models = [self.model(), draft.as_ref()];
                generate_with_draft(models, *ahead, prompts, &options, rng, &mut on_token)?
            }
            None => (generate(self.model(), prompts, &options, rng, &mut on_token)?, Vec::new()),
        };
        let mut written = |number: usize, mut generated: Generated| {
            let (text, shown) = match listeners[number].take() {
                Some(mut listener) => {
                    let unheard = listener.tokens == 0;
                    if unheard {
                        // A beam tells what it found at the end.
                        generated.ids.iter().for_each(|&id| _ = listener.push(id));
                    }
                    if generated.finish == Finish::Stop && listener.is_full() {
                        generated.finish = Finish::Length;
                    }
                    let (text, shown) = listener.finish();
                    (text, if unheard { 0 } else { shown })
                }
                None => {
                    // The end is not among the ids; its log-probability, and where the model looked then, are kept.
                    if generated.finish == Finish::Stop {
                        generated.ids.pop();
                    }
                    (self.tokenizers.target.decode(&generated.ids), 0)
                }
            };
            if text.len() > shown {
                // It is over, whatever is answered.
                let _ = on_text(number, &text[shown..]);
            }
            Written { text, generated, drafted: drafted.get(number).copied() }
        };
        let mut of_request = |(i, texts): (usize, Vec<Generated>)| {
            (i * options.texts..).zip(texts).map(|(number, text)| written(number, text)).collect()
        };
        Ok(generated.into_iter().enumerate().map(&mut of_request).collect())
    }

    /// The options with what this kind of text ends with, and as long as it may be.
    fn options(&self, requests: &[&Request], end: &End, options: &GenerateOptions) -> Result<GenerateOptions, Error> {
        let mut options = options.clone();
        let (min, max) = (options.length.min, options.length.max);
        match (requests[0].kind, &mut options.search) {
            (Kind::Translation, search) => {
                if let Search::Beam(beam) = search {
                    beam.ending = Ending::KeepsPlace;
                }
                // A text ends where positions do: its last token is not read.
                let max = self.model.context().map_or(max, |context| max.min(context));
                let mut never = vec![PADDING, START, UNKNOWN];
                if min < max {
                    options.stop = vec![END];
                    options.length = Length::new(min, max).expect("it was less");
                } else {
                    // There is no room for an end.
                    never.push(END);
                    options.length = Length::at_most(max);
                }
                options.processors.insert(0, Arc::new(LogitBias::ruling_out(never)));
                options.batch = TOGETHER * options.texts;
                return Ok(options);
            }
            (Kind::Answer, Search::Beam(_)) if end.tokens.is_empty() && !end.ids.is_empty() => {
                let (text, tokens) = (end.text.as_deref().unwrap_or_default(), end.ids.len());
                let problem = format!("answers of this run end with {text:?}, {tokens} tokens; a search ends with one");
                return Err(Error::setting("beam", problem));
            }
            (Kind::Answer, Search::Beam(_) | Search::Contrastive(_)) => {
                if let Some(room) = self.room(requests[0]) {
                    let max = room.min(max);
                    options.length = Length::new(min.min(max), max)?;
                }
            }
            _ => {}
        }
        options.stop.extend(end.tokens.iter().filter(|id| !options.stop.contains(id)).copied().collect::<Vec<_>>());
        Ok(options)
    }

    /// How many tokens fit behind a prompt before the model would have to forget its beginning; none if there is no
    /// end. The last one is written and not read.
    fn room(&self, request: &Request) -> Option<usize> {
        self.model.context().map(|context| (context + 1).saturating_sub(request.ids.len()))
    }

    /// What makes a text of the tokens of a request; none if they make a translation, which is decoded as a whole.
    fn listener<'a>(&'a self, request: &Request, ends: &'a (End, &[String]), least: usize) -> Option<Listener<'a>> {
        // The prompt is part of the stream: if its ids end within a character, the text begins with the whole of it.
        let mut stream = self.tokenizers.text().ok()?.stream();
        // What begins every text is no part of it: the first token behind it may lose its space.
        let is_beginning = request.text.is_empty() && self.begin().is_ok_and(|begin| begin == request.ids);
        if !is_beginning {
            request.ids.iter().for_each(|&id| drop(stream.push(id)));
        }
        let mut listener = Listener::new(&ends.0, ends.1, stream, least);
        match (request.kind, &self.prompts) {
            (Kind::Answer, Some(prompts)) => {
                (listener.space, listener.room) = (prompts.strips_space(), self.room(request));
            }
            _ if request.whole => listener.stream.skip(), // not even the rest of a character is shown
            _ => {}
        }
        Some(listener)
    }
}
