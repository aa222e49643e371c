//! A model that answers.

use super::{End, Prompts};
use crate::dialogue::Role;
use crate::models::decode::Search;
use crate::models::decode::pattern::Spellings;
use crate::models::{Finish, GenerateOptions, Generated, LanguageModel, Length, TextStream, generate};
use crate::tensor::Rng;
use crate::{Error, SavedRun};
use std::fmt;
use std::ops::ControlFlow;

/// A language model that has learnt to answer, with how questions are put to it.
pub struct Responder {
    model: Box<dyn LanguageModel<f32>>,
    prompts: Prompts,
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("prompts", &self.prompts).finish_non_exhaustive()
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What it says, without its end.
    pub text: String,
    /// Its tokens, the end among them where there is one.
    pub written: Generated,
}

/// Who hears what can be shown of an answer as soon as it can, and of which one; it can end it there.
pub type OnText<'a> = &'a mut dyn FnMut(usize, &str) -> ControlFlow<()>;

impl Responder {
    /// A model and how questions are put to it.
    pub fn new(model: Box<dyn LanguageModel<f32>>, prompts: Prompts) -> Self {
        Self { model: model.frozen(), prompts }
    }

    /// The model of a run that has learnt to answer.
    ///
    /// # Errors
    /// If it has not, or a file of it is damaged.
    pub fn open(run: &SavedRun) -> Result<Self, Error> {
        let prompts = Prompts::new(&run.config.settings, run.tokens.text()?)?;
        Ok(Self::new(run.model()?.language()?, prompts))
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

    /// How many tokens fit behind a prompt before the model would have to forget its beginning; none if there is no end. The
    /// last one is written and not read.
    pub fn room(&self, prompt: &[u32]) -> Option<usize> {
        self.model.context().map(|context| (context + 1).saturating_sub(prompt.len()))
    }

    /// Answers each of the prompts with [as many texts](GenerateOptions::texts) as are wanted, in the order of the prompts, as
    /// [`generate`](fn@generate) does; what ends an answer is known here, and it is no longer than there is [room](Self::room).
    /// `on_text` hears of text j of prompt i under the number i · texts + j; of a beam, which knows its texts at the end, not at all.
    ///
    /// # Errors
    /// If texts cannot be written so; if the end is several tokens and there is a beam, which does not look for that; or if the model
    /// is broken.
    pub fn write(
        &self,
        prompts: &[Vec<u32>],
        options: &GenerateOptions,
        rng: &Rng,
        on_text: OnText<'_>,
    ) -> Result<Vec<Vec<Answer>>, Error> {
        let options = GenerateOptions { stop: self.prompts.stop().to_vec(), ..options.clone() };
        if let (Search::Beam(_), End::Text(end, ids), true) =
            (options.search, &self.prompts.end, options.stop.is_empty())
        {
            let problem = format!("answers of this run end with {end:?}, {} tokens; a search ends with one", ids.len());
            return Err(Error::setting("beam", problem));
        }
        match options.search {
            Search::Greedy | Search::Sample => self.together(prompts, 0, &options, rng, on_text),
            // A search wants to know how long its text may be, and that is another length for every prompt.
            Search::Beam(_) | Search::Contrastive(_) => {
                let mut answers = Vec::with_capacity(prompts.len());
                for (i, prompt) in prompts.iter().enumerate() {
                    let most = options.length.max();
                    let max = self.room(prompt).map_or(most, |room| room.min(most));
                    let length = Length::new(options.length.min().min(max), max)?;
                    let options = GenerateOptions { length, ..options.clone() };
                    let prompt = std::slice::from_ref(prompt);
                    answers.extend(self.together(prompt, i * options.texts, &options, rng, on_text)?);
                }
                Ok(answers)
            }
        }
    }

    /// Answers to prompts, the first of which has the number `first`.
    fn together(
        &self,
        prompts: &[Vec<u32>],
        first: usize,
        options: &GenerateOptions,
        rng: &Rng,
        on_text: OnText<'_>,
    ) -> Result<Vec<Vec<Answer>>, Error> {
        let prompt = |number: usize| &prompts[number / options.texts];
        let mut speeches: Vec<Speech<'_>> =
            (0..prompts.len() * options.texts).map(|number| self.speech(prompt(number))).collect();
        let written = generate(self.model.as_ref(), prompts, options, rng, &mut |number, id| {
            let speech = &mut speeches[number];
            let heard = speech.push(id);
            let wanted = heard.is_empty() || on_text(first + number, &heard).is_continue();
            if wanted && !speech.is_over() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        for (number, speech) in speeches.into_iter().enumerate() {
            let rest = speech.finish();
            if !rest.is_empty() {
                // It is over, whatever the listener says.
                let _ = on_text(first + number, &rest);
            }
        }
        let answers = |(texts, prompt): (Vec<Generated>, &Vec<u32>)| {
            texts.into_iter().map(|text| self.answer(prompt, text)).collect()
        };
        Ok(written.into_iter().zip(prompts).map(answers).collect())
    }

    fn answer(&self, prompt: &[u32], mut written: Generated) -> Answer {
        let mut speech = self.speech(prompt);
        let mut text: String = written.ids.iter().map(|&id| speech.push(id)).collect();
        if written.finish == Finish::Stop && !speech.ended && speech.room == Some(0) {
            written.finish = Finish::Length;
        }
        text += &speech.finish();
        Answer { text, written }
    }

    /// An answer to a prompt, of which nothing is written yet.
    fn speech(&self, prompt: &[u32]) -> Speech<'_> {
        Speech { room: self.room(prompt), ..self.prompts.speech(prompt) }
    }
}

/// An answer that is shown while it is written: neither its end, nor what may be the beginning of its end.
struct Speech<'p> {
    end: &'p End,
    stream: TextStream<'p>,
    /// A space before it is no part of it.
    space: bool,
    /// What has not been shown yet.
    held: String,
    ended: bool,
    /// How many more tokens there may be.
    room: Option<usize>,
}

impl Prompts {
    /// The tokens each of which ends an answer; none if that takes several.
    pub fn stop(&self) -> &[u32] {
        self.end.tokens()
    }

    /// What each token adds to an answer, where that can be said of one by itself.
    pub fn spellings(&self) -> Option<Spellings> {
        let strips_space = self.markers[Role::Assistant as usize].space;
        Some(Spellings { strips_space, ..self.tokenizer.spellings()? })
    }

    /// An answer to a prompt, of which nothing is written yet.
    fn speech(&self, prompt: &[u32]) -> Speech<'_> {
        let mut stream = self.tokenizer.stream();
        prompt.iter().for_each(|&id| drop(stream.push(id)));
        let space = self.markers[Role::Assistant as usize].space;
        Speech { end: &self.end, stream, space, held: String::new(), ended: false, room: None }
    }
}

impl Speech<'_> {
    /// Whether nothing more is to be written.
    fn is_over(&self) -> bool {
        self.ended || self.room == Some(0)
    }

    /// What can be shown now that this token is written.
    fn push(&mut self, id: u32) -> String {
        self.room = self.room.map(|room| room.saturating_sub(1));
        match self.end {
            _ if self.ended => return String::new(),
            End::Tokens(ids) if ids.contains(&id) => {
                self.ended = true;
                return std::mem::take(&mut self.held);
            }
            _ => self.held += &self.stream.push(id),
        }
        if self.space && !self.held.is_empty() {
            self.space = false;
            if self.held.starts_with(' ') {
                self.held.remove(0);
            }
        }
        let sure = match self.end {
            End::Tokens(_) => self.held.len(),
            End::Text(end, _) => match self.held.find(end.as_str()) {
                Some(at) => {
                    self.ended = true;
                    self.held.truncate(at);
                    at
                }
                None => self.held.len() - beginning_of(end, &self.held),
            },
        };
        self.held.drain(..sure).collect()
    }

    /// What is left when nothing more is written.
    fn finish(mut self) -> String {
        // A character that the last token left unfinished will never be whole.
        if !self.ended {
            self.held += &self.stream.finish();
        }
        self.held
    }
}

/// How many bytes at the end of `text` are a beginning of `end`.
fn beginning_of(end: &str, text: &str) -> usize {
    let begins = |&bytes: &usize| end.is_char_boundary(bytes) && text.ends_with(&end[..bytes]);
    (1..end.len()).rev().find(begins).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Tokenizer;
    use crate::settings::{PromptKind, PromptSettings, Rung, Settings};

    fn prompts(template: &str, tokenizer: &Tokenizer) -> Prompts {
        let prompts = Some(PromptSettings { task: PromptKind::Pairs, template: template.to_owned() });
        Prompts::new(&Settings { prompts, ..Settings::of(Rung::Gpt) }, tokenizer).unwrap()
    }

    /// What is shown, token by token, and whether it ended.
    fn shown(prompts: &Prompts, text: &str) -> (Vec<String>, String, bool) {
        let ids = prompts.tokenizer().encode(text).unwrap();
        let mut speech = prompts.speech(&prompts.question("ab").unwrap());
        let shown = ids.into_iter().map(|id| speech.push(id)).collect();
        let ended = speech.ended;
        (shown, speech.finish(), ended)
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
        let words = Tokenizer::word_from("a b = b. a b = b.", crate::models::WordOptions::default()).unwrap();
        let (shown_words, _, ended) = shown(&prompts("{source} = {target}.", &words), " b a.");
        assert_eq!((shown_words.concat().as_str(), ended), ("b a", true));
        // In characters it belongs to the template: one that is written is said.
        let characters = Tokenizer::char_from("ab=. ").unwrap();
        let (shown_characters, ..) = shown(&prompts("{source} = {target}.", &characters), " b.");
        assert_eq!(shown_characters.concat(), " b");
    }
}
