//! A text into the ids of its byte pairs.

use super::added::Part;
use super::file::check_length;
use super::steps::Place;
use super::{BpeTokenizer, alphabet};
use crate::error::TokenizerError;
use crate::tokenizer::passage::Passage;
use std::collections::HashMap;

/// The longest word whose tokens are remembered while a text is encoded: names and exclamations, not whole paragraphs.
const LONGEST_REMEMBERED: usize = 64;

impl BpeTokenizer {
    /// The ids of a text. Where it says an added token, such as `<|endoftext|>`, it is that token.
    ///
    /// # Errors
    /// If cutting it into words takes too many steps: white space of a million characters can.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        self.encode_passage(text, Passage { begins: true, added: true })
    }

    /// The ids of a text that are never added tokens, whatever it says.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_ordinary(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        self.encode_passage(text, Passage { begins: true, added: false })
    }

    /// The ids of a part of a text.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_passage(&self, text: &str, passage: Passage) -> Result<Vec<u32>, TokenizerError> {
        let mut encoder = Encoder::new(self);
        let mut place = if passage.begins { Place::Beginning } else { Place::Inside };
        if passage.added {
            self.added.original.part(text, &mut |part| match part {
                Part::Text(text) => encoder.text(text, std::mem::replace(&mut place, Place::BehindToken)),
                Part::Token(id) => {
                    place = Place::BehindToken;
                    encoder.token(id)
                }
            })?;
        } else {
            encoder.words(&self.steps.normalize(text, place)?, place)?;
        }
        check_length(encoder.ids.len(), self.most)?;
        Ok(encoder.ids)
    }

    /// Whether its ids of a text's beginning can be told before the end is known.
    pub(in crate::tokenizer) fn reads_in_pieces(&self) -> bool {
        self.steps.settles() && self.most.is_none() && self.added.settled().is_some()
    }

    /// Appends the ids of as much of a text's beginning as nothing that may follow should change, and says how many
    /// bytes that is. It must be a tokenizer that [reads in pieces](Self::reads_in_pieces).
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub(in crate::tokenizer) fn encode_settled(&self, text: &str, ids: &mut Vec<u32>) -> Result<usize, TokenizerError> {
        let mut encoder = Encoder::new(self);
        let added = self.added.settled().expect("its added tokens can be told before the end of a text");
        let (begin, open) = added.settled_parts(text, &mut |part| match part {
            Part::Text(text) => encoder.words(text, Place::BehindToken),
            Part::Token(id) => encoder.token(id),
        })?;
        let words = self.steps.settled_words(&text[begin..open], &mut |word| encoder.word(word))?;
        ids.append(&mut encoder.ids);
        Ok(begin + words)
    }
}

/// A text that is being encoded.
struct Encoder<'t> {
    tokenizer: &'t BpeTokenizer,
    ids: Vec<u32>,
    /// Where in `ids` the tokens of a word are. It is only asked for what it holds.
    remembered: HashMap<String, std::ops::Range<usize>>,
}

impl<'t> Encoder<'t> {
    fn new(tokenizer: &'t BpeTokenizer) -> Self {
        Self { tokenizer, ids: Vec::new(), remembered: HashMap::new() }
    }

    /// Encodes a part of the original text between added tokens.
    fn text(&mut self, text: &str, mut place: Place) -> Result<(), TokenizerError> {
        let BpeTokenizer { steps, added, .. } = self.tokenizer;
        added.normalized.part(&steps.normalize(text, place)?, &mut |part| {
            let place = std::mem::replace(&mut place, Place::BehindToken);
            match part {
                Part::Text(text) => self.words(text, place),
                Part::Token(id) => self.token(id),
            }
        })
    }

    /// Encodes a part of the normalized text between added tokens.
    fn words(&mut self, text: &str, place: Place) -> Result<(), TokenizerError> {
        let tokenizer = self.tokenizer;
        tokenizer.steps.words(text, place, &mut |word| self.word(word))
    }

    /// Always succeeds, as what is done with a part of a text may fail.
    fn token(&mut self, id: u32) -> Result<(), TokenizerError> {
        self.ids.push(id);
        Ok(())
    }

    fn word(&mut self, word: &str) {
        if let Some(tokens) = self.remembered.get(word) {
            self.ids.extend_from_within(tokens.clone());
            return;
        }
        let begin = self.ids.len();
        let BpeTokenizer { steps, symbols, merges, ids, ignore_merges, .. } = self.tokenizer;
        let spelled = || if steps.bytes { alphabet::spell(word.as_bytes()) } else { word.to_owned() };
        match ignore_merges.then(|| ids.get(&spelled())).flatten() {
            Some(&id) => self.ids.push(id),
            None => {
                let mut tokens = symbols.spell(word, ids);
                merges.apply(&mut tokens);
                self.ids.append(&mut tokens);
            }
        }
        if word.len() <= LONGEST_REMEMBERED {
            self.remembered.insert(word.to_owned(), begin..self.ids.len());
        }
    }
}
