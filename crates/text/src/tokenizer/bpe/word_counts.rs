//! The words of texts, counted, and the tokenizer that is learnt from them.

use super::added::{AddedToken, Finder, Part};
use super::file::File;
use super::steps::{Place, Steps};
use super::{BpeTokenizer, alphabet, learn};
use crate::error::TokenizerError;
use crate::tokenizer::token_list::{self, count};
use std::collections::HashMap;

/// How many bytes there are: the tokens that every byte-level vocabulary begins with.
const BYTES: usize = 256;

impl BpeTokenizer {
    /// The fewest tokens a vocabulary can be learnt to have: the bytes and a pair.
    pub const SMALLEST: usize = BYTES + 1;

    /// Learns a vocabulary of `size` tokens from a text: the 256 bytes in GPT-2's order, then what is merged. The same
    /// text gives the same vocabulary, everywhere.
    ///
    /// # Errors
    /// If the text is empty or does not give so many tokens, or the size is below [`SMALLEST`](Self::SMALLEST).
    pub fn from_text(text: &str, size: usize) -> Result<Self, TokenizerError> {
        Self::from_parts(text, None, size)
    }

    /// The same from a text of several documents, with `separator` between them: wherever that stands it is one token,
    /// the first, and no word reaches across it.
    ///
    /// # Errors
    /// As [`from_text`](Self::from_text).
    pub fn from_documents(text: &str, separator: &str, size: usize) -> Result<Self, TokenizerError> {
        Self::from_parts(text, Some(separator), size)
    }

    fn from_parts(text: &str, separator: Option<&str>, size: usize) -> Result<Self, TokenizerError> {
        let mut counts = PieceCounts::new(size, separator)?;
        counts.rest(text)?;
        counts.learn()
    }

    /// Learns a vocabulary for short texts that begin and end: `special` tokens that no text says come first, and one
    /// space is put before every text, which decoding takes off again, so that a word at the beginning is the token it
    /// is elsewhere.
    ///
    /// # Errors
    /// As [`from_text`](Self::from_text).
    pub(crate) fn from_sentences<'t>(
        texts: impl IntoIterator<Item = &'t str>,
        size: usize,
        special: &[&str],
    ) -> Result<Self, TokenizerError> {
        check_size(size, special.len())?;
        let steps = File::byte_level(Vec::new(), Vec::new(), Vec::new()).with_space_before_texts().steps()?;
        let mut counts = HashMap::new();
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            let text = steps.normalize(text, Place::Beginning)?;
            steps.words(&text, Place::Beginning, &mut |word| count(&mut counts, word))?;
        }
        Self::of_counts(&counts, size, special, File::with_space_before_texts)
    }

    /// Learns from words and how often each occurs.
    fn of_counts(
        counts: &HashMap<String, u64>,
        size: usize,
        special: &[&str],
        finish: fn(File) -> File,
    ) -> Result<Self, TokenizerError> {
        if counts.is_empty() {
            return Err(TokenizerError::EmptyText);
        }
        let bytes = alphabet::ORDER.iter().map(|&byte| vec![byte]).collect();
        let words = counts.iter().map(|(word, &count)| (word.as_str(), count));
        let learnt = learn::learn(words, bytes, size - special.len());
        let found = special.len() + learnt.symbols.len();
        if found < size {
            return Err(TokenizerError::FewPairs { size, found });
        }
        let spelled: Vec<String> = learnt.symbols.iter().map(|symbol| alphabet::spell(symbol)).collect();
        let merges = learnt.merges.iter().map(|&(a, b)| [a, b].map(|id| spelled[id as usize].clone())).collect();
        let tokens = special.iter().map(|&token| token.to_owned()).chain(spelled).zip(0..).collect();
        let added = (0..).zip(special).map(|(id, token)| AddedToken::special(id, token)).collect();
        Self::new(finish(File::byte_level(tokens, merges, added)))
    }
}

fn check_size(size: usize, special: usize) -> Result<(), TokenizerError> {
    let least = special + BpeTokenizer::SMALLEST;
    match size < least {
        true => Err(TokenizerError::TooSmall { size, least }),
        false => token_list::check_size(size),
    }
}

fn count_part(steps: &Steps, counts: &mut HashMap<String, u64>, part: Part<'_>) -> Result<(), TokenizerError> {
    match part {
        Part::Text(text) => steps.words(text, Place::BehindToken, &mut |word| count(counts, word)),
        Part::Token(_) => Ok(()),
    }
}

/// What a vocabulary is learnt from, counted in a text that comes in pieces.
#[derive(Debug)]
pub(in crate::tokenizer) struct PieceCounts {
    steps: Steps,
    /// What stands between documents, if it is a token.
    separator: Option<String>,
    added: Finder,
    counts: HashMap<String, u64>,
    size: usize,
}

impl PieceCounts {
    /// To learn a vocabulary of `size` tokens, of which the first is what stands between documents, if that is told.
    pub(in crate::tokenizer) fn new(size: usize, separator: Option<&str>) -> Result<Self, TokenizerError> {
        check_size(size, usize::from(separator.is_some()))?;
        let steps = File::byte_level(Vec::new(), Vec::new(), Vec::new()).steps()?;
        let separator = separator.map(str::to_owned);
        let added = Finder::new(separator.iter().map(|text| (text.clone(), AddedToken::special(0, text))));
        Ok(Self { steps, separator, added, counts: HashMap::new(), size })
    }

    /// Counts the words at the beginning of a text that may go on, and says how many bytes they are.
    pub(in crate::tokenizer) fn settled(&mut self, text: &str) -> Result<usize, TokenizerError> {
        let Self { steps, added, counts, .. } = self;
        let (begin, open) = added.settled_parts(text, &mut |part| count_part(steps, counts, part))?;
        Ok(begin + steps.settled_words(&text[begin..open], &mut |word| count(counts, word))?)
    }

    /// Counts the words of a text that has ended.
    pub(in crate::tokenizer) fn rest(&mut self, text: &str) -> Result<(), TokenizerError> {
        let Self { steps, added, counts, .. } = self;
        added.part(text, &mut |part| count_part(steps, counts, part))
    }

    /// The tokenizer that [`BpeTokenizer::from_text`] or [`BpeTokenizer::from_documents`] learns from the same text.
    pub(in crate::tokenizer) fn learn(&self) -> Result<BpeTokenizer, TokenizerError> {
        BpeTokenizer::of_counts(&self.counts, self.size, self.separator.as_deref().as_slice(), |file| file)
    }
}
