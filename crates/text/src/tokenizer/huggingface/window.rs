//! The end of a text that decides how it goes on, to show it while it is written.
//!
//! Not the whole text is decoded again, which would take the square of its length. What a token says depends on whether
//! it is the first and on the one before, so the tokens from the last one that said something are enough: D(a, b, c)
//! goes on behind D(a, b) as D(b, c) does behind D(b).

use super::HuggingFaceTokenizer;
use super::growth::Spelled;
use crate::tokenizer::token_list::REPLACEMENT_TEXT;

/// As much of a text as decides how it goes on.
#[derive(Debug, Clone, Default)]
pub(in crate::tokenizer) struct Window {
    ids: Vec<u32>,
    /// How many bytes of its text were shown.
    shown: usize,
}

impl Window {
    /// Reads a token: what can be shown by now.
    pub(in crate::tokenizer) fn push(&mut self, tokenizer: &HuggingFaceTokenizer, id: u32) -> String {
        let spelled = tokenizer.spelled(id);
        if spelled == Spelled::Not {
            return std::mem::take(self).finish(tokenizer) + REPLACEMENT_TEXT;
        }
        self.ids.push(id);
        let Some(growth) = tokenizer.growth.filter(|growth| !growth.bytes || spelled == Spelled::Text) else {
            return String::new();
        };
        let text = tokenizer.text(&self.ids);
        let sure = match text.strip_suffix(REPLACEMENT_TEXT).filter(|_| growth.characters) {
            Some(before) => before.len().max(self.shown),
            None => text.len(),
        };
        let new = text.get(self.shown..sure).unwrap_or_default().to_owned();
        self.shown = sure;
        if sure == text.len() {
            let last = tokenizer.text(&[id]);
            if !last.is_empty() {
                *self = Self { ids: vec![id], shown: last.len() };
            }
        }
        new
    }

    /// All of the text so far is known to whom it is shown.
    pub(in crate::tokenizer) fn skip(&mut self, tokenizer: &HuggingFaceTokenizer) {
        self.shown = tokenizer.text(&self.ids).len();
    }

    /// The text has ended: what is left of it.
    pub(in crate::tokenizer) fn finish(self, tokenizer: &HuggingFaceTokenizer) -> String {
        tokenizer.text(&self.ids).get(self.shown..).unwrap_or_default().to_owned()
    }
}
