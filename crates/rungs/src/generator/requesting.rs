//! Requests, made of what somebody says.

use super::{Generator, Kind, Request};
use crate::decoding::Prompt;
use crate::text::Turns;
use crate::text::tokenizer::sentence::START;
use crate::{Error, Normalization};

impl Generator {
    /// A text to go on from.
    ///
    /// # Errors
    /// If it is empty, or the tokenizer does not know a character, or the model translates.
    pub fn prompt(&self, text: &str) -> Result<Request, Error> {
        let tokenizer = self.tokenizers.text()?;
        let ids = tokenizer.encode(text)?;
        Prompt::from(&ids).check(self.model(), 0)?;
        // What it was trained to find before every text is not shown.
        Ok(continuation([tokenizer.beginning(), ids].concat(), text, true))
    }

    /// Tokens to go on from.
    ///
    /// # Errors
    /// If there are none, or one is not in the vocabulary, or the model translates.
    pub fn prompt_ids(&self, ids: &[u32]) -> Result<Request, Error> {
        let mut stream = self.tokenizers.text()?.stream();
        Prompt::from(ids).check(self.model(), 0)?;
        let text: String = ids.iter().map(|&id| stream.push(id)).collect();
        Ok(continuation(ids.to_vec(), &text, false))
    }

    /// The beginning of a text: what begins every one, or what stands before a beginning, the end of a document or a
    /// line break; or the first token there is. Nothing of it is shown.
    ///
    /// # Errors
    /// If the model translates.
    pub fn beginning(&self) -> Result<Request, Error> {
        let tokenizer = self.tokenizers.text()?;
        let mut ids = tokenizer.beginning();
        if ids.is_empty() {
            let before = self.separator.as_deref().unwrap_or("\n");
            ids = tokenizer.encode(before).ok().filter(|ids| !ids.is_empty()).unwrap_or_else(|| vec![0]);
        }
        Ok(continuation(ids, "", true))
    }

    /// A source to translate, or a question to answer, normalised as those that were learnt from were.
    ///
    /// # Errors
    /// If it is empty, longer than the model's context, or has a character that the tokenizer does not know; or if the
    /// model has learnt neither to translate nor to answer.
    pub fn source(&self, text: &str) -> Result<Request, Error> {
        let request = |kind, source, ids| Request { kind, source, ids, text: text.to_owned(), whole: true };
        if let Some(prompts) = &self.prompts {
            let ids = prompts.question(text)?;
            return match self.model.context() {
                Some(context) if ids.len() > context => {
                    let tokens = ids.len();
                    let problem =
                        format!("a prompt of {tokens} tokens is longer than the {context} of the model's context");
                    Err(Error::Text(problem))
                }
                _ => Ok(request(Kind::Answer, None, ids)),
            };
        }
        let normalization = Normalization { lowercase: self.lowercase };
        let [tokenizer, _] = self.tokenizers.pair()?;
        let source = tokenizer.encode(&normalization.apply(text))?;
        if source.is_empty() {
            return Err(Error::Text("nothing to translate".to_owned()));
        }
        self.model.check_lengths(source.len(), 0)?;
        Ok(request(Kind::Translation, Some(source), vec![START]))
    }

    /// A dialogue to go on with: what was said last is answered. As much of what was said before as fits `most` tokens
    /// is read, from a user's turn on; also how many turns are left out. None if what was said last does not fit alone.
    ///
    /// # Errors
    /// If the tokenizer does not know a character, or the model has not learnt to answer.
    pub fn dialogue(&self, turns: &(impl Turns + ?Sized), most: usize) -> Result<Option<(Request, usize)>, Error> {
        let prompts = self.prompts.as_ref().ok_or_else(Error::goes_on)?;
        let last = || turns.turns().last().map_or(String::new(), |(_, text)| (*text).to_owned());
        let request = |ids| Request { kind: Kind::Answer, source: None, ids, text: last(), whole: true };
        Ok(prompts.latest(turns, most)?.map(|(ids, left_out)| (request(ids), left_out)))
    }
}

fn continuation(ids: Vec<u32>, text: &str, whole: bool) -> Request {
    Request { kind: Kind::Continuation, source: None, ids, text: text.to_owned(), whole }
}
