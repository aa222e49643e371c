//! Every other tokenizer of Hugging Face, opened by the crate that wrote it.
//!
//! [Byte pairs](super::bpe) are what the models of this ladder read. Others cut words into the longest known pieces
//! (WordPiece: Schuster and Nakajima 2012, *Japanese and Korean Voice Search*), or take the most probable pieces of all
//! (Unigram: Kudo 2018, [arXiv:1804.10959](https://arxiv.org/abs/1804.10959)), or do to a text before what is not known
//! here. With the feature `tokenizers` the crate of that name opens all of these, and what is known here stays ours, so
//! that ids do not depend on the feature.
//!
//! Three things that a file may ask for are left out: a text is never cut off at a length, never padded, and merges are
//! never dropped at random. The same text is the same ids.
//!
//! What a tokenizer of this kind writes need not be what it read: some have everything in small letters, and what is
//! unknown to them is lost. So decoding undoes encoding only as far as the file has it.

mod growth;
mod window;

pub(super) use window::Window;

use super::bpe::file::{beginning, check_ids, check_length, most_tokens};
use super::bpe::symbols::byte_of;
use super::token_list::REPLACEMENT_TEXT;
use crate::error::TokenizerError;
use growth::{Growth, Spelled};
use serde_json::Value;
use std::fmt;

/// A tokenizer that only the crate `tokenizers` knows; see the [module](self).
pub struct HuggingFaceTokenizer {
    /// What was read, and is written: to the last byte.
    json: String,
    tokenizer: tokenizers::Tokenizer,
    kind: &'static str,
    /// What every id is.
    tokens: Vec<Spelled>,
    beginning: Vec<u32>,
    /// How its texts grow; none if nothing of them is sure before their end.
    growth: Option<Growth>,
    /// The most tokens of a text, if the file says that texts are truncated.
    most: Option<usize>,
}

impl HuggingFaceTokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// What the crate says of it, in one line; or if it has no tokens, or too many, or most ids below the largest stand
    /// for none.
    pub fn from_json(json: &str) -> Result<Self, TokenizerError> {
        let mut file: Value = serde_json::from_str(json).map_err(TokenizerError::json)?;
        let most = most_tokens(&file["truncation"], &file["padding"])?;
        (file["truncation"], file["padding"]) = (Value::Null, Value::Null);
        if file["model"].get("dropout").is_some() {
            file["model"]["dropout"] = Value::Null;
        }
        check_decoder(&file["decoder"])?;
        let tokenizer: tokenizers::Tokenizer =
            file.to_string().parse().map_err(|error| TokenizerError::Unsupported(one_line(&error)))?;
        let vocabulary = tokenizer.get_vocab(true);
        let size = vocabulary.values().max().map_or(0, |&id| id as usize + 1);
        check_ids(vocabulary.len(), size)?;
        let texts: Vec<Option<String>> = (0..size as u32).map(|id| tokenizer.id_to_token(id)).collect();
        let spelled = |text: &String| if byte_of(text).is_some() { Spelled::Byte } else { Spelled::Text };
        Ok(Self {
            json: json.to_owned(),
            kind: match file["model"]["type"].as_str() {
                Some("WordPiece") => "word pieces",
                Some("Unigram") => "unigram pieces",
                Some("WordLevel") => "words",
                _ => "byte pairs",
            },
            tokens: texts.iter().map(|text| text.as_ref().map_or(Spelled::Not, spelled)).collect(),
            beginning: beginning(&file["post_processor"])
                .into_iter()
                .filter_map(|token| tokenizer.token_to_id(token))
                .collect(),
            most,
            growth: Growth::of(&file["decoder"], texts.iter().flatten()),
            tokenizer,
        })
    }

    /// The file it was read from, as it was.
    pub fn to_json(&self) -> &str {
        &self.json
    }

    /// What its tokens are.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The ids of a text.
    ///
    /// # Errors
    /// If something in it is unknown and the vocabulary has no token for that.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let encoding = self.tokenizer.encode_fast(text, false);
        let encoding = encoding.map_err(|error| TokenizerError::NotEncoded(one_line(&error)))?;
        check_length(encoding.len(), self.most)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The tokens that stand before every text that a model of these tokens is to go on with.
    pub fn beginning(&self) -> Vec<u32> {
        self.beginning.clone()
    }

    /// The text of these ids. An id that is no token becomes U+FFFD, and what is behind it is a text of its own.
    pub fn decode(&self, ids: &[u32]) -> String {
        let texts: Vec<String> = ids.split(|&id| self.spelled(id) == Spelled::Not).map(|ids| self.text(ids)).collect();
        texts.join(REPLACEMENT_TEXT)
    }

    /// The text of these tokens.
    fn text(&self, ids: &[u32]) -> String {
        // Of no tokens not every decoder of theirs makes a text.
        match ids.is_empty() {
            true => String::new(),
            false => self.tokenizer.decode(ids, false).unwrap_or_else(|_| REPLACEMENT_TEXT.to_owned()),
        }
    }

    fn spelled(&self, id: u32) -> Spelled {
        self.tokens.get(id as usize).copied().unwrap_or(Spelled::Not)
    }

    /// V, the largest id and one.
    pub fn vocabulary(&self) -> usize {
        self.tokens.len()
    }
}

impl fmt::Debug for HuggingFaceTokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vocabulary = self.vocabulary();
        f.debug_struct("HuggingFaceTokenizer").field("kind", &self.kind).field("vocabulary", &vocabulary).finish()
    }
}

/// The same file, however it is laid out.
impl PartialEq for HuggingFaceTokenizer {
    fn eq(&self, other: &Self) -> bool {
        let value = |json| serde_json::from_str::<Value>(json).expect("it was read before");
        self.json == other.json || value(&self.json) == value(&other.json)
    }
}

/// That decoding cannot fail: to take characters off the end of a text that has fewer of them ends the program there.
fn check_decoder(decoder: &Value) -> Result<(), TokenizerError> {
    super::bpe::json_steps::each_step(decoder, "decoders", &mut |step| match step["stop"].as_u64() {
        Some(1..) => Err("a decoder that strips the end of a text is not known here".to_owned()),
        _ => Ok(()),
    })
    .map_err(TokenizerError::Unsupported)
}

/// What is wrong, whatever the line breaks.
fn one_line(error: &dyn fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
