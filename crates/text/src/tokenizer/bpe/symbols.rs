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
        /// The tokens `<0x00>` to `<0xFF>`, which spell a character that is none.
        bytes: Option<Box<[u32; 256]>>,
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
            return tokens.map(Self::Bytes).map_err(|byte| {
                TokenizerError::Unsupported(format!(
                    "the byte {byte:#04x} is no token: not every text could be written"
                ))
            });
        }
        let unknown = model.unk_token.as_ref().and_then(|token| ids.get(token)).copied();
        let fallback = model.byte_fallback.then(|| every_byte(ids, byte_token).ok()).flatten();
        if fallback.is_none() && unknown.is_none() {
            let problem =
                "there are no tokens for all bytes and none for what is unknown: not every text could be written";
            return Err(TokenizerError::Unsupported(problem.to_owned()));
        }
        Ok(Self::Characters { bytes: fallback, unknown, fuse: model.fuse_unk })
    }

    /// The first symbols of a word. `ids` are those of tokens by their spelling.
    pub(super) fn spell(&self, word: &str, ids: &HashMap<String, u32>) -> Vec<u32> {
        match self {
            Self::Bytes(tokens) => word.bytes().map(|byte| tokens[usize::from(byte)]).collect(),
            Self::Characters { bytes, unknown, fuse } => {
                let mut symbols = Vec::new();
                let mut was_unknown = false;
                for (at, character) in word.char_indices() {
                    let spelled = &word[at..at + character.len_utf8()];
                    let known = ids.get(spelled);
                    let is_unknown = known.is_none() && bytes.is_none();
                    match (known, bytes, unknown) {
                        (Some(&id), ..) => symbols.push(id),
                        (None, Some(bytes), _) => symbols.extend(spelled.bytes().map(|byte| bytes[usize::from(byte)])),
                        (None, None, Some(_)) if *fuse && was_unknown => {}
                        (None, None, &unknown) => symbols.extend(unknown),
                    }
                    was_unknown = is_unknown;
                }
                symbols
            }
        }
    }
}

/// How a byte that is no part of a character is spelled: `<0x0A>`.
pub(super) fn byte_token(byte: u8) -> String {
    format!("<0x{byte:02X}>")
}

/// The tokens of all bytes, or the first byte that has none.
fn every_byte(ids: &HashMap<String, u32>, spelled: fn(u8) -> String) -> Result<Box<[u32; 256]>, u8> {
    let mut tokens = Box::new([0; 256]);
    for (byte, token) in (0..=255).zip(tokens.iter_mut()) {
        *token = *ids.get(&spelled(byte)).ok_or(byte)?;
    }
    Ok(tokens)
}
