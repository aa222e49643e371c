//! A text into the ids of its byte pairs.

use super::added::Part;
use super::steps::Place;
use super::{BpeTokenizer, alphabet};
use crate::tokenizer::passage::Passage;
use std::collections::HashMap;

/// The longest word whose tokens are remembered while a text is encoded: names and exclamations, not whole paragraphs.
const LONGEST_REMEMBERED: usize = 64;

impl BpeTokenizer {
    /// The ids of a text. Where it says an added token, such as `<|endoftext|>`, it is that token.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.encode_passage(text, Passage { begins: true, added: true })
    }

    /// The ids of a text that are never added tokens, whatever it says.
    pub fn encode_ordinary(&self, text: &str) -> Vec<u32> {
        self.encode_passage(text, Passage { begins: true, added: false })
    }

    /// The ids of a part of a text.
    pub fn encode_passage(&self, text: &str, passage: Passage) -> Vec<u32> {
        let mut encoder = Encoder::new(self);
        let mut place = if passage.begins { Place::Beginning } else { Place::Inside };
        if !passage.added {
            if !text.is_empty() {
                encoder.text(text, place);
            }
            return encoder.ids;
        }
        self.added.part(text, |part| {
            match part {
                Part::Text(text) => encoder.text(text, place),
                Part::Token(id) => encoder.ids.push(id),
            }
            place = Place::BehindToken;
        });
        encoder.ids
    }

    /// Whether its ids of a text's beginning can be told before the end is known.
    pub(in crate::tokenizer) fn reads_in_pieces(&self) -> bool {
        self.steps.settles() && self.added.settle()
    }

    /// Appends the ids of as much of a text's beginning as nothing that may follow could change, and says how many
    /// bytes that is. It must be a tokenizer that [reads in pieces](Self::reads_in_pieces).
    pub(in crate::tokenizer) fn encode_settled(&self, text: &str, ids: &mut Vec<u32>) -> usize {
        let mut encoder = Encoder::new(self);
        let (begin, open) = self.added.settled_parts(text, |part| match part {
            Part::Text(text) => encoder.text(text, Place::BehindToken),
            Part::Token(id) => encoder.ids.push(id),
        });
        let words = self.steps.settled_words(&text[begin..open], &mut |word| encoder.word(word));
        ids.append(&mut encoder.ids);
        begin + words
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

    fn text(&mut self, text: &str, place: Place) {
        let tokenizer = self.tokenizer;
        tokenizer.steps.words(text, place, |word| self.word(word));
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
