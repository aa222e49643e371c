//! The first symbols of a word, which merging begins with.

use super::alphabet;
use super::file::Model;
use crate::error::TokenizerError;
use std::collections::HashMap;

/// How words are spelled before anything is merged.
#[derive(Debug, Clone)]
pub(super) enum Symbols {
    /// Every byte is a symbol: GPT-2.
    Bytes(Box<[u32; 256]>),
    /// Every character is, if it is a token: Llama.
    Characters {
        /// The tokens `<0x00>` to `<0xFF>`, which spell a character that is none, where all of its bytes have one.
        bytes: Option<Box<[Option<u32>; 256]>>,
        /// What stands for it otherwise.
        unknown: Option<u32>,
        /// Whether several unknown characters in a row are one token.
        fuse: bool,
    },
}

impl Symbols {
    /// The symbols of a model; `bytes` says whether every byte is one.
    ///
    /// # Errors
    /// If a text could not be spelled.
    pub(super) fn new(model: &Model, bytes: bool, ids: &HashMap<String, u32>) -> Result<Self, TokenizerError> {
        if bytes {
            let tokens = every_byte(ids, |byte| alphabet::spelling(byte).to_string());
            if let Some(byte) = tokens.iter().position(Option::is_none) {
                let problem = format!("the byte {byte:#04x} is no token: not every text could be written");
                return Err(TokenizerError::Unsupported(problem));
            }
            return Ok(Self::Bytes(Box::new(tokens.map(|token| token.expect("as seen above")))));
        }
        let unknown = model.unk_token.as_ref().and_then(|token| ids.get(token)).copied();
        let bytes = model.byte_fallback.then(|| every_byte(ids, byte_token));
        if unknown.is_none() && !bytes.as_ref().is_some_and(|bytes| bytes.iter().all(Option::is_some)) {
            let problem =
                "there are no tokens for all bytes and none for what is unknown: not every text could be written";
            return Err(TokenizerError::Unsupported(problem.to_owned()));
        }
        Ok(Self::Characters { bytes, unknown, fuse: model.fuse_unk })
    }

    /// The first symbols of a word. `ids` are those of tokens by their spelling.
    pub(super) fn spell(&self, word: &str, ids: &HashMap<String, u32>) -> Vec<u32> {
        match self {
            Self::Bytes(tokens) => word.bytes().map(|byte| tokens[usize::from(byte)]).collect(),
            Self::Characters { bytes, unknown, fuse } => {
                let mut symbols = Vec::new();
                // Unknown characters wait for the next known one: spelled bytes go before them, as in Hugging Face's
                // library.
                let mut waiting = None;
                for (at, character) in word.char_indices() {
                    let spelled = &word[at..at + character.len_utf8()];
                    let in_bytes = || {
                        let bytes = bytes.as_ref()?;
                        spelled.bytes().map(|byte| bytes[usize::from(byte)]).collect::<Option<Vec<u32>>>()
                    };
                    if let Some(&id) = ids.get(spelled) {
                        symbols.extend(waiting.take());
                        symbols.push(id);
                    } else if let Some(in_bytes) = in_bytes() {
                        symbols.extend(in_bytes);
                    } else if !fuse || waiting.is_none() {
                        symbols.extend(std::mem::replace(&mut waiting, *unknown));
                    }
                }
                symbols.extend(waiting);
                symbols
            }
        }
    }
}

/// How a byte that is no part of a character is spelled: `<0x0A>`.
pub(super) fn byte_token(byte: u8) -> String {
    format!("<0x{byte:02X}>")
}

/// The byte that a token stands for, as Hugging Face's library reads it.
pub(in crate::tokenizer) fn byte_of(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>').filter(|digits| digits.len() == 2)?;
    u8::from_str_radix(digits, 16).ok()
}

/// The tokens of all bytes, where there are some.
fn every_byte(ids: &HashMap<String, u32>, spelled: fn(u8) -> String) -> Box<[Option<u32>; 256]> {
    Box::new(std::array::from_fn(|byte| ids.get(&spelled(byte as u8)).copied()))
}
