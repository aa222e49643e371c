//! A language model that completes texts.

use super::listener::{Ends, Listener, OnText, Written, write};
use crate::Error;
use crate::decoding::{
    Drafted, GenerateError, GenerateOptions, OnToken, SampleError, check_prompt, generate_each, generate_with_draft,
};
use crate::models::LanguageModel;
use crate::settings::Settings;
use crate::tensor::Rng;
use crate::text::Tokenizer;
use std::fmt;
use std::ops::ControlFlow;

/// A language model that goes on with texts.
pub struct Writer {
    model: Box<dyn LanguageModel<f32>>,
    tokenizer: Tokenizer,
    ends: Ends,
    /// What stands between the documents that it has learnt.
    separator: Option<String>,
    draft: Option<Draft>,
}

/// A smaller model that writes ahead.
struct Draft {
    model: Box<dyn LanguageModel<f32>>,
    ahead: usize,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("tokenizer", &self.tokenizer.kind()).finish_non_exhaustive()
    }
}

/// What a text goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    ids: Vec<u32>,
    text: String,
    /// Whether the text is all that the ids say; else they may end within a character.
    whole: bool,
}

impl Prompt {
    /// Its tokens.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Writer {
    /// A model with its tokens.
    pub fn new(model: Box<dyn LanguageModel<f32>>, tokenizer: Tokenizer) -> Self {
        Self { model: model.frozen(), tokenizer, ends: Ends::default(), separator: None, draft: None }
    }

    /// The same for a model that these settings made.
    pub(crate) fn of(model: Box<dyn LanguageModel<f32>>, tokenizer: Tokenizer, settings: &Settings) -> Self {
        let mut writer = Self::new(model, tokenizer);
        writer.ends.tokens = settings.data.end.clone();
        writer.separator = settings.data.examples.documents().map(str::to_owned);
        writer
    }

    /// Texts end where they say one of these, which stays.
    #[must_use]
    pub fn with_stops(mut self, stops: Vec<String>) -> Self {
        self.ends.stops = stops;
        self
    }

    /// Another writer writes up to `ahead` tokens ahead of this one, as [`generate_with_draft`] does: the texts are as
    /// likely as without it, and come sooner if it is often right.
    ///
    /// # Errors
    /// If its tokens are not the same.
    pub fn with_draft(self, draft: Writer, ahead: usize) -> Result<Self, Error> {
        if draft.tokenizer != self.tokenizer {
            let problem = "its tokens are not those of the model: a draft must have the same";
            return Err(Error::Text(problem.to_owned()));
        }
        Ok(Self { draft: Some(Draft { model: draft.model, ahead }), ..self })
    }

    /// The model.
    pub fn model(&self) -> &dyn LanguageModel<f32> {
        self.model.as_ref()
    }

    /// What its tokens are.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The tokens each of which ends a text, if the model has learnt that there are some.
    pub fn end(&self) -> &[u32] {
        &self.ends.tokens
    }

    /// A text to go on from.
    ///
    /// # Errors
    /// If it is empty, or the tokenizer does not know a character.
    pub fn prompt(&self, text: &str) -> Result<Prompt, Error> {
        let ids = self.tokenizer.encode(text)?;
        if ids.is_empty() {
            return Err(GenerateError::from(SampleError::EmptyPrompt).into());
        }
        // What it was trained to find before every text is not shown.
        Ok(Prompt { ids: [self.tokenizer.beginning(), ids].concat(), text: text.to_owned(), whole: true })
    }

    /// Tokens to go on from.
    ///
    /// # Errors
    /// If there are none, or one is not in the vocabulary.
    pub fn prompt_ids(&self, ids: &[u32]) -> Result<Prompt, Error> {
        check_prompt(self.tokenizer.vocabulary(), ids).map_err(GenerateError::from)?;
        let mut stream = self.tokenizer.stream();
        let text = ids.iter().map(|&id| stream.push(id)).collect();
        Ok(Prompt { ids: ids.to_vec(), text, whole: false })
    }

    /// The beginning of a text: what begins every one, or what stands before a beginning, the end of a document or a
    /// line break; or the first token there is. Nothing of it is shown.
    pub fn beginning(&self) -> Prompt {
        let mut ids = self.tokenizer.beginning();
        if ids.is_empty() {
            let before = self.separator.as_deref().unwrap_or("\n");
            ids = self.tokenizer.encode(before).ok().filter(|ids| !ids.is_empty()).unwrap_or_else(|| vec![0]);
        }
        Prompt { ids, text: String::new(), whole: true }
    }

    /// How a text goes on: the first of those that [`write`](Self::write) would write.
    ///
    /// # Errors
    /// If the prompt is empty, the tokenizer does not know a character, or texts cannot be written so.
    pub fn complete(&self, prompt: &str, options: &GenerateOptions, rng: &Rng) -> Result<String, Error> {
        self.stream(prompt, options, rng, &mut |_| {})
    }

    /// The same text, every part of which `on_text` hears as soon as it can be shown; one that is searched for, at its
    /// end.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    pub fn stream(
        &self,
        prompt: &str,
        options: &GenerateOptions,
        rng: &Rng,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<String, Error> {
        let (prompt, mut heard) = (self.prompt(prompt)?, false);
        let mut written = self.write(&[prompt], options, rng, &mut |_, part| {
            heard = true;
            on_text(part);
            ControlFlow::Continue(())
        })?;
        let text = written.swap_remove(0).swap_remove(0).text;
        if !heard && !text.is_empty() {
            on_text(&text);
        }
        Ok(text)
    }

    /// Continues each of the prompts with as many texts as the options say, as
    /// [`generate`](fn@crate::decoding::generate) does. `on_text` hears of text j of prompt i under the number i ·
    /// texts + j; of a beam, which knows its texts at the end, not at all.
    ///
    /// # Errors
    /// If texts cannot be written so, or the model is broken.
    pub fn write(
        &self,
        prompts: &[Prompt],
        options: &GenerateOptions,
        rng: &Rng,
        on_text: OnText<'_>,
    ) -> Result<Vec<Vec<Written>>, Error> {
        self.write_each(prompts, options, &|i, j| rng.fork(&format!("{i}.{j}")), on_text)
    }

    /// The same with a generator for each text: `rng_of(i, j)` for text j of prompt i.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_each(
        &self,
        prompts: &[Prompt],
        options: &GenerateOptions,
        rng_of: &dyn Fn(usize, usize) -> Rng,
        on_text: OnText<'_>,
    ) -> Result<Vec<Vec<Written>>, Error> {
        let options = self.ends.options(options);
        if let Some(draft) = &self.draft {
            return self.write_with(draft, prompts, &options, rng_of, on_text);
        }
        let listener = |number: usize| self.listener(&prompts[number / options.texts], &options);
        let ids: Vec<&[u32]> = prompts.iter().map(Prompt::ids).collect();
        let generate = |on_token: OnToken<'_>| generate_each(self.model(), &ids, &options, rng_of, on_token);
        Ok(write(&listener, prompts.len() * options.texts, on_text, generate)?)
    }

    /// A draft helps one text after the other.
    fn write_with(
        &self,
        draft: &Draft,
        prompts: &[Prompt],
        options: &GenerateOptions,
        rng_of: &dyn Fn(usize, usize) -> Rng,
        on_text: OnText<'_>,
    ) -> Result<Vec<Vec<Written>>, Error> {
        let (models, one) = ([self.model(), draft.model.as_ref()], GenerateOptions { texts: 1, ..options.clone() });
        let text = |i: usize, j: usize, on_text: OnText<'_>| {
            let mut drafted = Drafted::default();
            let listener = |_: usize| self.listener(&prompts[i], &one);
            let mut on_text = |_: usize, part: &str| on_text(i * options.texts + j, part);
            let mut written = write(&listener, 1, &mut on_text, |on_token| {
                let (ids, rng) = (prompts[i].ids(), rng_of(i, j));
                let (text, how) = generate_with_draft(models, draft.ahead, ids, &one, rng, on_token)?;
                drafted = how;
                Ok(vec![vec![text]])
            })?;
            Ok(Written { drafted: Some(drafted), ..written.swap_remove(0).swap_remove(0) })
        };
        (0..prompts.len()).map(|i| (0..options.texts).map(|j| text(i, j, &mut *on_text)).collect()).collect()
    }

    fn listener(&self, prompt: &Prompt, options: &GenerateOptions) -> Listener<'_> {
        // The prompt is part of the stream: if its ids end within a character, the text begins with the whole of it.
        let mut stream = self.tokenizer.stream();
        prompt.ids.iter().for_each(|&id| drop(stream.push(id)));
        if prompt.whole {
            stream.skip();
        }
        Listener::new(&self.ends, stream, options.length.min())
    }
}
