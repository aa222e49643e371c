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
//!    `word_regex.rs`);
//! 3. every word is spelled in first symbols (`symbols.rs`): its bytes, or in Llama's vocabularies its characters, and
//!    the bytes of those that are no token (*byte fallback*);
//! 4. neighbours are merged, in the order in which the merges were learnt (`merges.rs`, `learn.rs`, `word_counts.rs`).
//!
//! A vocabulary is kept as Hugging Face's `tokenizer.json` (`file.rs`), and GPT-2's own two files can be read as well
//! (`gpt2.rs`).
//!
//! The `tokenizers` crate does all of this and more: it pads, truncates, and knows other models than this one. Why it
//! is asked only for what is not known here, and only with a feature, is told, with numbers, in ARCHITECTURE.md.

mod added;
mod alphabet;
mod decoding;
mod encoding;
pub(super) mod file;
mod gpt2;
pub(super) mod json_steps;
mod learn;
mod merges;
mod steps;
pub(super) mod symbols;
mod word_counts;
mod word_regex;

pub(super) use word_counts::PieceCounts;

use super::json_format::write_json;
use crate::error::TokenizerError;
use added::AddedTokens;
pub(super) use decoding::Decoder;
use decoding::Decoding;
use file::File;
use merges::Merges;
use std::borrow::Cow;
use std::collections::HashMap;
use steps::{Place, Steps};
use symbols::Symbols;

/// Tokens are the runs of bytes that are most often seen together; see the [module](self).
///
/// ```
/// use rungs_text::tokenizer::BpeTokenizer;
///
/// let tokenizer = BpeTokenizer::from_text("the cat, the hat, the bat", 256 + 4)?;
/// let ids = tokenizer.encode("the rat")?;
/// let tokens: Vec<&[u8]> = ids.iter().filter_map(|&id| tokenizer.token(id)).collect();
/// assert_eq!(tokens, ["the".as_bytes(), b" ", b"r", b"at"]);
/// assert_eq!(tokenizer.decode(&tokenizer.encode("ein Hüne 🐘")?), "ein Hüne 🐘");
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
    /// The id of every token of the model as it is spelled in the file.
    ids: HashMap<String, u32>,
    pub(super) decoding: Decoding,
    beginning: Vec<u32>,
    /// The most tokens of a text, if the file says that texts are truncated.
    most: Option<usize>,
}

impl PartialEq for BpeTokenizer {
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file
    }
}

impl BpeTokenizer {
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
        write_json(&self.file)
    }

    pub(super) fn new(file: File) -> Result<Self, TokenizerError> {
        file.check()?;
        let steps = file.steps()?;
        let normalize = |text: &str| steps.normalize(text, Place::Beginning).map(Cow::into_owned);
        let ids = file.ids();
        let tokens = file.tokens(&ids, normalize)?;
        let merges = Merges::new(file.ranked(&ids)?);
        let symbols = Symbols::new(&file.model, steps.bytes, &ids)?;
        let decoding = Decoding::new(&file, steps.bytes, &tokens)?;
        let added = AddedTokens::new(&file.added_tokens, |text| normalize(text).unwrap_or_default());
        if let Some([one, other]) = added.alike() {
            let problem = format!("the added tokens {one:?} and {other:?} are one text once it is normalized");
            return Err(TokenizerError::Unsupported(problem));
        }
        let id = |token: &str| {
            let added = file.added_tokens.iter().find(|added| added.content == token).map(|added| added.id);
            added.or_else(|| ids.get(token).copied())
        };
        Ok(Self {
            added,
            beginning: file::beginning(&file.post_processor).into_iter().filter_map(id).collect(),
            most: file::most_tokens(&file.truncation, &file.padding)?,
            steps,
            symbols,
            merges,
            ignore_merges: file.model.ignore_merges,
            ids,
            decoding,
            file,
        })
    }

    /// The tokens that stand before every text that a model of these tokens is to go on with; most have none, Llama
    /// one.
    pub fn beginning(&self) -> Vec<u32> {
        self.beginning.clone()
    }

    /// The text of these ids. Bytes that are no characters, and ids outside the vocabulary, become U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut decoder = Decoder::default();
        let text: String = ids.iter().map(|&id| self.decoding.push(id, &mut decoder)).collect();
        text + &self.decoding.finish(&mut decoder)
    }

    /// The bytes that a token stands for; they need not be whole characters. None if there is no such token.
    pub fn token(&self, id: u32) -> Option<&[u8]> {
        Some(&self.decoding.tokens.get(id as usize)?.as_ref()?.bytes)
    }

    /// V, the largest id and one.
    pub fn vocabulary(&self) -> usize {
        self.decoding.tokens.len()
    }
}

#[cfg(test)]
mod tests;
