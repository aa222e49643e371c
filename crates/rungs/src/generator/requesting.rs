//! Requests, made of what somebody says.

use super::{Generator, Kind, Request};
use crate::decoding::Prompt;
use crate::text::Turns;
use crate::text::tokenizer::sentence::START;
use crate::{Error, normalize};

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
        let before = tokenizer.beginning();
        let begins = !before.is_empty() && ids.starts_with(&before);
        let ids = if begins { ids } else { [before, ids].concat() };
        Ok(Request { begins, ..Request::new(Kind::Continuation, ids, text) })
    }

    /// Tokens to go on from.
    ///
    /// # Errors
    /// If there are none, or one is not in the vocabulary, or the model translates.
    pub fn prompt_ids(&self, ids: &[u32]) -> Result<Request, Error> {
        let mut stream = self.tokenizers.text()?.stream();
        Prompt::from(ids).check(self.model(), 0)?;
        let text: String = ids.iter().map(|&id| stream.push(id)).collect();
        Ok(Request { whole: false, ..Request::new(Kind::Continuation, ids.to_vec(), &text) })
    }

    /// The beginning of a text: what begins every one, or what stands before a beginning, the end of a document or a
    /// line break; or the first token there is. Nothing of it is shown.
    ///
    /// # Errors
    /// If the model translates, or a text should begin with a token that it does not have.
    pub fn beginning(&self) -> Result<Request, Error> {
        let tokenizer = self.tokenizers.text()?;
        let mut ids = self.begin()?;
        if ids.is_empty() {
            let before = self.data.examples.documents().unwrap_or("\n");
            ids = tokenizer.encode(before).ok().filter(|ids| !ids.is_empty()).unwrap_or_else(|| vec![0]);
        }
        Ok(Request::new(Kind::Continuation, ids, ""))
    }

    /// What begins every text: the tokens that the tokenizer puts there, or that of an imported model.
    pub(super) fn begin(&self) -> Result<Vec<u32>, Error> {
        let ids = self.tokenizers.text()?.beginning();
        if !ids.is_empty() {
            return Ok(ids);
        }
        let ids: Vec<u32> = self.data.begin.into_iter().collect();
        if !ids.is_empty() {
            Prompt::from(&ids).check(self.model(), 0)?;
        }
        Ok(ids)
    }

    /// A source to translate, or a question to answer, normalised as those that were learnt from were.
    ///
    /// # Errors
    /// If it is empty, longer than the model's context, or has a character that the tokenizer does not know; or if the
    /// model has learnt neither to translate nor to answer.
    pub fn source(&self, text: &str) -> Result<Request, Error> {
        if let Some(prompts) = &self.prompts {
            let ids = prompts.question(text)?;
            let tokens = ids.len();
            if let Some(context) = self.model.context().filter(|&context| tokens > context) {
                let problem =
                    format!("a prompt of {tokens} tokens is longer than the {context} of the model's context");
                return Err(Error::Text(problem));
            }
            return Ok(Request::new(Kind::Answer, ids, text));
        }
        let [tokenizer, _] = self.tokenizers.pair()?;
        let source = tokenizer.encode(&normalize(text, self.data.examples.lower_case()))?;
        if source.is_empty() {
            return Err(Error::Text("nothing to translate".to_owned()));
        }
        self.model.check_lengths(source.len(), 0)?;
        Ok(Request { source: Some(source), ..Request::new(Kind::Translation, vec![START], text) })
    }

    /// A dialogue to go on with: what was said last is answered. As much of what was said before as fits `most` tokens
    /// is read, from a user's turn on; also how many turns are left out. None if what was said last does not fit alone.
    ///
    /// # Errors
    /// If the tokenizer does not know a character, or the model has not learnt to answer.
    pub fn dialogue(&self, turns: &impl Turns, most: usize) -> Result<Option<(Request, usize)>, Error> {
        let prompts = self.prompts.as_ref().ok_or_else(Error::goes_on)?;
        let turns = turns.turns();
        let text = turns.last().map_or("", |(_, text)| *text);
        let request = |(ids, left_out)| (Request::new(Kind::Answer, ids, text), left_out);
        Ok(prompts.latest(&turns, most)?.map(request))
    }
}
