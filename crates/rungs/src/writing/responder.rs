//! A model that answers.

use super::listener::{self, Ends, Listener, OnText, Written};
use crate::Error;
use crate::data::{End, Prompts};
use crate::decoding::{GenerateOptions, Length, OnToken, Search, generate_each};
use crate::models::LanguageModel;
use crate::tensor::Rng;
use std::fmt;
use std::ops::ControlFlow;

/// A language model that has learnt to answer, with how questions are put to it.
pub struct Responder {
    model: Box<dyn LanguageModel<f32>>,
    prompts: Prompts,
    ends: Ends,
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("prompts", &self.prompts).finish_non_exhaustive()
    }
}

impl Responder {
    /// A model and how questions are put to it.
    pub fn new(model: Box<dyn LanguageModel<f32>>, prompts: Prompts) -> Self {
        Self { model: model.frozen(), ends: prompts.ends(), prompts }
    }

    /// Answers end where they say one of these, too, which stays.
    #[must_use]
    pub fn with_stops(mut self, stops: Vec<String>) -> Self {
        self.ends.stops = stops;
        self
    }

    /// How questions are put to it.
    pub fn prompts(&self) -> &Prompts {
        &self.prompts
    }

    /// The model.
    pub fn model(&self) -> &dyn LanguageModel<f32> {
        self.model.as_ref()
    }

    /// The prompt of a question, normalised as what was learnt was.
    ///
    /// # Errors
    /// If the question is empty, or the tokenizer does not know a character, or no answer fits behind it.
    pub fn question(&self, text: &str) -> Result<Vec<u32>, Error> {
        let prompt = self.prompts.question(text)?;
        match (self.room(&prompt), self.model.context()) {
            (Some(0), Some(context)) => {
                let tokens = prompt.len();
                Err(Error::Text(format!(
                    "a prompt of {tokens} tokens is longer than the {context} of the model's context"
                )))
            }
            _ => Ok(prompt),
        }
    }

    /// How many tokens fit behind a prompt before the model would have to forget its beginning; none if there is no
    /// end. The last one is written and not read.
    pub fn room(&self, prompt: &[u32]) -> Option<usize> {
        self.model.context().map(|context| (context + 1).saturating_sub(prompt.len()))
    }

    /// The answer to a question.
    ///
    /// # Errors
    /// As [`question`](Self::question) and [`write`](Self::write).
    pub fn answer(&self, question: &str, options: &GenerateOptions, rng: &Rng) -> Result<String, Error> {
        let mut heard = |_: usize, _: &str| ControlFlow::Continue(());
        let mut answers = self.write(&[self.question(question)?], options, rng, &mut heard)?;
        Ok(answers.swap_remove(0).swap_remove(0).text)
    }

    /// Answers each of the prompts with [as many texts](GenerateOptions::texts) as are wanted, in the order of the
    /// prompts, as [`generate`](fn@crate::decoding::generate) does; what ends an answer is known here, and it is no
    /// longer than there is [room](Self::room). `on_text` hears of text j of prompt i under the number i · texts + j;
    /// of a beam, which knows its texts at the end, not at all.
    ///
    /// # Errors
    /// If texts cannot be written so; if the end is several tokens and there is a beam, which does not look for that;
    /// or if the model is broken.
    pub fn write(
        &self,
        prompts: &[Vec<u32>],
        options: &GenerateOptions,
        rng: &Rng,
        on_text: OnText<'_>,
    ) -> Result<Vec<Vec<Written>>, Error> {
        self.write_each(prompts, options, &|i, j| rng.fork(&format!("{i}.{j}")), on_text)
    }

    /// The same with a generator for each answer: `rng_of(i, j)` for text j of prompt i.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_each(
        &self,
        prompts: &[Vec<u32>],
        options: &GenerateOptions,
        rng_of: &dyn Fn(usize, usize) -> Rng,
        on_text: OnText<'_>,
    ) -> Result<Vec<Vec<Written>>, Error> {
        let options = self.ends.options(options);
        let searches = matches!(options.search, Search::Beam(_) | Search::Contrastive(_));
        if let (Search::Beam(_), End::Text(end, ids), []) = (options.search, &self.prompts.end, &self.ends.tokens[..]) {
            let problem = format!("answers of this run end with {end:?}, {} tokens; a search ends with one", ids.len());
            return Err(Error::setting("beam", problem));
        }
        // A search wants to know how long its text may be, and that is another length for every prompt.
        let together = if searches { 1 } else { prompts.len().max(1) };
        let mut written = Vec::with_capacity(prompts.len());
        for (part, prompts) in prompts.chunks(together).enumerate() {
            let first = part * together;
            let mut options = options.clone();
            if let (true, Some(room)) = (searches, self.room(&prompts[0])) {
                let max = room.min(options.length.max());
                options.length = Length::new(options.length.min().min(max), max)?;
            }
            let listener = |number: usize| {
                let prompt = &prompts[number / options.texts];
                self.prompts.listener(&self.ends, prompt, options.length.min()).within(self.room(prompt))
            };
            let rng_of = |i: usize, j: usize| rng_of(first + i, j);
            let mut on_text = |number: usize, part: &str| on_text(first * options.texts + number, part);
            let generate = |on_token: OnToken<'_>| generate_each(self.model(), prompts, &options, &rng_of, on_token);
            written.extend(listener::write(&listener, prompts.len() * options.texts, &mut on_text, generate)?);
        }
        Ok(written)
    }
}

impl Prompts {
    /// Where an answer ends.
    fn ends(&self) -> Ends {
        let text = match &self.end {
            End::Tokens(_) => None,
            End::Text(text, _) => Some(text.clone()),
        };
        Ends { tokens: self.stop().to_vec(), text, stops: Vec::new() }
    }

    /// An answer to a prompt, of which nothing is written yet.
    fn listener<'a>(&'a self, ends: &'a Ends, prompt: &[u32], least: usize) -> Listener<'a> {
        let mut stream = self.tokenizer().stream();
        prompt.iter().for_each(|&id| drop(stream.push(id)));
        Listener::new(ends, stream, least).without_space(self.strips_space())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Tokenizer;
    use crate::{Examples, PromptKind, PromptSettings, Rung, Settings};

    fn prompts(template: &str, tokenizer: &Tokenizer) -> Prompts {
        let mut settings = Settings::of(Rung::Gpt);
        let template = template.to_owned();
        settings.data.examples = Examples::Prompts(PromptSettings { task: PromptKind::Pairs, template });
        Prompts::new(&settings, tokenizer).unwrap()
    }

    /// What is shown, token by token, and whether it ended.
    fn shown(prompts: &Prompts, text: &str) -> (Vec<String>, String, bool) {
        let ids = prompts.tokenizer().encode(text).unwrap();
        let ends = prompts.ends();
        let mut listener = prompts.listener(&ends, &prompts.question("ab").unwrap(), 0);
        let shown: Vec<String> = ids.into_iter().map(|id| listener.push(id).to_owned()).collect();
        let (before, ended) = (shown.concat().len(), listener.is_over());
        (shown, listener.finish().split_off(before), ended)
    }

    #[test]
    fn what_may_be_the_end_is_held_back() {
        let prompts = prompts("{source}={target}.-.", &Tokenizer::char_from("abc=.-").unwrap());
        let strings = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        assert_eq!(shown(&prompts, "a.b.-."), (strings(&["a", "", ".b", "", "", ""]), String::new(), true));
        assert_eq!(shown(&prompts, "a.-.b"), (strings(&["a", "", "", "", ""]), String::new(), true), "and no more");
        assert_eq!(shown(&prompts, "a..-"), (strings(&["a", "", ".", ""]), ".-".to_owned(), false));
        assert_eq!(shown(&prompts, ".-.-."), (strings(&["", "", "", "", ""]), String::new(), true));
    }

    #[test]
    fn the_space_before_an_answer_is_no_part_of_it() {
        let words = Tokenizer::word_from("a b = b. a b = b.", crate::text::WordOptions::default()).unwrap();
        let (shown_words, _, ended) = shown(&prompts("{source} = {target}.", &words), " b a.");
        assert_eq!((shown_words.concat().as_str(), ended), ("b a", true));
        // In characters it belongs to the template: one that is written is said.
        let characters = Tokenizer::char_from("ab=. ").unwrap();
        let (shown_characters, ..) = shown(&prompts("{source} = {target}.", &characters), " b.");
        assert_eq!(shown_characters.concat(), " b");
    }
}
