//! Byte-pair encoding: tokens are the runs of bytes that are most often seen together.
//!
//! Of characters a text has many, of words a language has too many, and a word that was never seen is no token at all.
//! Between the two stands a compression algorithm: put a new symbol for the pair of neighbours that occurs most often,
//! and again, until there are as many symbols as wanted (Gage 1994, *A New Algorithm for Data Compression*). Sennrich,
//! Haddow and Birch (2016, [arXiv:1508.07909](https://arxiv.org/abs/1508.07909)) made it a tokenizer: frequent words
//! become one token, rare ones several, and none is unknown. Radford et al. (2019, *Language Models are Unsupervised
//! Multitask Learners*, GPT-2) begin with the 256 bytes instead of with characters, so that every text of Unicode can
//! be written and comes back to the last byte.
//!
//! A text becomes ids in four steps, each a file of its own:
//!
//! 1. added tokens such as `<|endoftext|>` are taken out of it (`added.rs`);
//! 2. what is between them is cut into words, which no token goes beyond, by a regular expression (`steps.rs`,
//!    `pattern.rs`);
//! 3. every word is spelled in first symbols (`symbols.rs`): its bytes, or in Llama's vocabularies its characters, and
//!    the bytes of those that are no token (*byte fallback*);
//! 4. neighbours are merged, in the order in which the merges were learnt (`merges.rs`, `learn.rs`).
//!
//! A vocabulary is kept as Hugging Face's `tokenizer.json` (`file.rs`), and GPT-2's own two files can be read as well
//! (`gpt2.rs`).
//!
//! The `tokenizers` crate does all of this and more: it pads, truncates, and knows other models than this one. Why it
//! is asked only for what is not known here, and only with a feature, is told, with numbers, in ARCHITECTURE.md.

mod added;
mod alphabet;
mod decoding;
pub(super) mod file;
mod gpt2;
mod learn;
mod merges;
mod pattern;
pub(super) mod steps;
mod symbols;

use super::{MAX_VOCABULARY, Passage, TokenizerError};
use added::{AddedToken, AddedTokens, Part};
use decoding::Decoding;
use file::{File, Spelled};
use merges::Merges;
use std::collections::HashMap;
use steps::{Place, Steps};
use symbols::Symbols;

/// How many bytes there are: the tokens that every byte-level vocabulary begins with.
const BYTES: usize = 256;

/// The longest word whose tokens are remembered while a text is encoded: names and exclamations, not whole paragraphs.
const LONGEST_REMEMBERED: usize = 64;

/// Tokens are the runs of bytes that are most often seen together; see the [module](self).
///
/// ```
/// use rungs_text::tokenizer::BpeTokenizer;
///
/// let tokenizer = BpeTokenizer::from_text("the cat, the hat, the bat", 256 + 4)?;
/// let ids = tokenizer.encode("the rat");
/// let tokens: Vec<&[u8]> = ids.iter().filter_map(|&id| tokenizer.token(id)).collect();
/// assert_eq!(tokens, ["the".as_bytes(), b" ", b"r", b"at"]);
/// assert_eq!(tokenizer.decode(&tokenizer.encode("ein Hüne 🐘")), "ein Hüne 🐘");
/// # Ok::<(), rungs_text::TokenizerError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BpeTokenizer {
    /// What everything else was made from, and what is written.
    file: File,
    added: AddedTokens,
    steps: Steps,
    symbols: Symbols,
    merges: Merges,
    /// Whether a word that is a token is that token, whatever the merges would make of it.
    ignore_merges: bool,
    /// The id of every token as it is spelled in the file.
    ids: HashMap<String, u32>,
    decoding: Decoding,
}

impl PartialEq for BpeTokenizer {
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file
    }
}

impl BpeTokenizer {
    /// The fewest tokens a vocabulary can be learnt to have: the bytes and a pair.
    pub const SMALLEST: usize = BYTES + 1;

    /// Learns a vocabulary of `size` tokens from a text: the 256 bytes in GPT-2's order, then what is merged. The same
    /// text gives the same vocabulary, everywhere.
    ///
    /// # Errors
    /// If the text is empty or does not give so many tokens, or the size is below [`SMALLEST`](Self::SMALLEST).
    pub fn from_text(text: &str, size: usize) -> Result<Self, TokenizerError> {
        Self::learn([text], size, &[], |file| file)
    }

    /// The same from a text of several documents, with `separator` between them: wherever that stands it is one token,
    /// the first, and no word reaches across it.
    ///
    /// # Errors
    /// As [`from_text`](Self::from_text).
    pub fn from_documents(text: &str, separator: &str, size: usize) -> Result<Self, TokenizerError> {
        let mut counts = PieceCounts::new(size, Some(separator))?;
        counts.rest(text);
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
        Self::learn(texts, size, special, File::with_space_before_texts)
    }

    fn learn<'t>(
        texts: impl IntoIterator<Item = &'t str>,
        size: usize,
        special: &[&str],
        finish: fn(File) -> File,
    ) -> Result<Self, TokenizerError> {
        check_size(size, special.len())?;
        let steps = finish(File::byte_level(Vec::new(), Vec::new(), Vec::new())).steps()?;
        let mut counts: HashMap<String, u64> = HashMap::new();
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            steps.words(text, Place::Beginning, |word| count(&mut counts, word));
        }
        Self::of_counts(&counts, size, special, finish)
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
        let bytes = alphabet::bytes_in_order().iter().map(|&byte| vec![byte]).collect();
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

    /// The tokenizer of GPT-2's two files: `encoder` is the content of `encoder.json` (or `vocab.json`), `merges` that
    /// of `vocab.bpe` (or `merges.txt`).
    ///
    /// # Errors
    /// If they are not of that form, with the line where it is the merges.
    pub fn from_gpt2(encoder: &str, merges: &str) -> Result<Self, TokenizerError> {
        Self::new(gpt2::read(encoder, merges)?)
    }

    /// Reads a Hugging Face `tokenizer.json`, and what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// If it is none, or its model is not byte-pair encoding, or a part of it is not known here, by name.
    pub fn from_json(json: &str) -> Result<Self, TokenizerError> {
        file::check_kind(json)?;
        Self::new(serde_json::from_str(json).map_err(TokenizerError::json)?)
    }

    /// The content of a Hugging Face `tokenizer.json`. The same tokenizer gives the same bytes.
    pub fn to_json(&self) -> String {
        super::write_json(&self.file)
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn new(file: File) -> Result<Self, TokenizerError> {
        file.check()?;
        let steps = file.steps()?;
        let Spelled { ids, tokens } = file.tokens()?;
        let merges = Merges::new(file.ranked(&ids)?);
        let symbols = Symbols::new(&file.model, steps.bytes, &ids)?;
        let decoding = Decoding::new(&file, steps.bytes, &tokens)?;
        Ok(Self {
            added: AddedTokens::new(&file.added_tokens),
            steps,
            symbols,
            merges,
            ignore_merges: file.model.ignore_merges,
            ids,
            decoding,
            file,
        })
    }

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
    pub(super) fn reads_in_pieces(&self) -> bool {
        self.steps.settles() && self.added.settle()
    }

    /// Appends the ids of as much of a text's beginning as nothing that may follow could change, and says how many
    /// bytes that is. It must be a tokenizer that [reads in pieces](Self::reads_in_pieces).
    pub(super) fn encode_settled(&self, text: &str, ids: &mut Vec<u32>) -> usize {
        let mut encoder = Encoder::new(self);
        let (begin, open) = self.added.settled_parts(text, |part| match part {
            Part::Text(text) => encoder.text(text, Place::BehindToken),
            Part::Token(id) => encoder.ids.push(id),
        });
        let words = self.steps.settled_words(&text[begin..open], &mut |word| encoder.word(word));
        ids.append(&mut encoder.ids);
        begin + words
    }

    /// The tokens that stand before every text that a model of these tokens is to go on with; most have none, Llama
    /// one.
    pub fn beginning(&self) -> Vec<u32> {
        file::beginning(&self.file.post_processor)
            .into_iter()
            .filter_map(|token| self.ids.get(token).copied())
            .collect()
    }

    /// The text of these ids. Bytes that are no characters, and ids outside the vocabulary, become U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| self.token(id).unwrap_or(super::REPLACEMENT)).copied().collect();
        let begins = usize::from(self.strips_space() && bytes.starts_with(b" "));
        String::from_utf8_lossy(&bytes[begins..]).into_owned()
    }

    /// The bytes that a token stands for; they need not be whole characters. None if there is no such token.
    pub fn token(&self, id: u32) -> Option<&[u8]> {
        self.decoding.token(id)
    }

    /// Whether a space at the beginning of a text was put there when it was encoded.
    pub(crate) fn strips_space(&self) -> bool {
        self.decoding.strips_space
    }

    /// V, the largest id and one.
    pub fn vocabulary(&self) -> usize {
        self.decoding.vocabulary()
    }
}

fn check_size(size: usize, special: usize) -> Result<(), TokenizerError> {
    let least = special + BpeTokenizer::SMALLEST;
    match size {
        _ if size < least => Err(TokenizerError::TooSmall { size, least }),
        _ if size > MAX_VOCABULARY => Err(TokenizerError::TooLarge { tokens: size }),
        _ => Ok(()),
    }
}

fn count(counts: &mut HashMap<String, u64>, word: &str) {
    match counts.get_mut(word) {
        Some(count) => *count += 1,
        None => drop(counts.insert(word.to_owned(), 1)),
    }
}

/// What a vocabulary is learnt from, counted in a text that comes in pieces.
#[derive(Debug)]
pub(super) struct PieceCounts {
    steps: Steps,
    /// What stands between documents, if it is a token.
    separator: Option<String>,
    added: AddedTokens,
    counts: HashMap<String, u64>,
    size: usize,
}

impl PieceCounts {
    /// To learn a vocabulary of `size` tokens, of which the first is what stands between documents, if that is told.
    pub(super) fn new(size: usize, separator: Option<&str>) -> Result<Self, TokenizerError> {
        check_size(size, usize::from(separator.is_some()))?;
        let steps = File::byte_level(Vec::new(), Vec::new(), Vec::new()).steps()?;
        let added: Vec<_> = separator.iter().map(|content| AddedToken::special(0, content)).collect();
        let (separator, added) = (separator.map(str::to_owned), AddedTokens::new(&added));
        Ok(Self { steps, separator, added, counts: HashMap::new(), size })
    }

    /// Counts the words at the beginning of a text that may go on, and says how many bytes they are.
    pub(super) fn settled(&mut self, text: &str) -> usize {
        let Self { steps, added, counts, .. } = self;
        let (begin, open) = added.settled_parts(text, |part| match part {
            Part::Text(text) => steps.words(text, Place::BehindToken, |word| count(counts, word)),
            Part::Token(_) => {}
        });
        begin + steps.settled_words(&text[begin..open], &mut |word| count(counts, word))
    }

    /// Counts the words of a text that has ended.
    pub(super) fn rest(&mut self, text: &str) {
        let Self { steps, added, counts, .. } = self;
        added.part(text, |part| match part {
            Part::Text(text) => steps.words(text, Place::BehindToken, |word| count(counts, word)),
            Part::Token(_) => {}
        });
    }

    /// The tokenizer that [`BpeTokenizer::from_text`] or [`BpeTokenizer::from_documents`] learns from the same text.
    pub(super) fn learn(&self) -> Result<BpeTokenizer, TokenizerError> {
        let special: Vec<&str> = self.separator.iter().map(String::as_str).collect();
        BpeTokenizer::of_counts(&self.counts, self.size, &special, |file| file)
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

#[cfg(test)]
mod tests;
