//! What every token stands for.
//!
//! Decoding is putting bytes one after another, whatever the vocabulary: that a token is spelled in visible characters,
//! has a mark for its space, or is a single byte `<0x0A>`, is undone once, when a vocabulary is read.

use super::alphabet;
use super::file::File;
use super::steps::{each_step, kind, literal, prepend_scheme, text};
use super::symbols::byte_token;
use crate::error::TokenizerError;
use serde_json::Value;
use std::collections::HashMap;

/// What every token stands for.
#[derive(Debug, Clone)]
pub(super) struct Decoding {
    /// The bytes of every id; none where there is no token.
    tokens: Vec<Option<Box<[u8]>>>,
    /// Whether a space at the beginning of a text was put there when it was encoded.
    pub(super) strips_space: bool,
}

/// The decoder that a file describes.
#[derive(Default)]
struct Described {
    byte_level: bool,
    byte_fallback: bool,
    replaced: Vec<(String, String)>,
    strips_space: bool,
}

impl Decoding {
    /// The tokens of a file, given as they are spelled. `bytes` says whether words are spelled byte by byte.
    ///
    /// # Errors
    /// If the decoder does not undo what encoding does, or is not known here.
    pub(super) fn new(file: &File, bytes: bool, spelled: &[Option<&str>]) -> Result<Self, TokenizerError> {
        let mut described = Described { byte_level: bytes && file.decoder.is_null(), ..Described::default() };
        each_step(&file.decoder, "decoders", &mut |step| described.add(step)).map_err(TokenizerError::Unsupported)?;
        if described.byte_level != bytes {
            let problem = "of its pre-tokenizer and its decoder only one is ByteLevel";
            return Err(TokenizerError::Unsupported(problem.to_owned()));
        }
        let single: HashMap<String, u8> = (0..=255).map(|byte| (byte_token(byte), byte)).collect();
        let token = |spelled: &str| match single.get(spelled) {
            // What is spelled otherwise than in the alphabet stands for itself, as others have it.
            _ if described.byte_level => alphabet::bytes_of(spelled).unwrap_or_else(|| spelled.into()),
            Some(&byte) if described.byte_fallback => vec![byte],
            _ => {
                let replaced = |text: String, (what, by): &(String, String)| text.replace(what, by);
                described.replaced.iter().fold(spelled.to_owned(), replaced).into_bytes()
            }
        };
        let mut tokens: Vec<Option<Box<[u8]>>> =
            spelled.iter().map(|spelled| spelled.map(|spelled| token(spelled).into())).collect();
        for added in &file.added_tokens {
            tokens[added.id as usize] = Some(added.content.as_bytes().into());
        }
        Ok(Self { tokens, strips_space: described.strips_space })
    }

    pub(super) fn token(&self, id: u32) -> Option<&[u8]> {
        self.tokens.get(id as usize)?.as_deref()
    }

    pub(super) fn vocabulary(&self) -> usize {
        self.tokens.len()
    }
}

impl Described {
    fn add(&mut self, step: &Value) -> Result<(), String> {
        match kind(step) {
            "ByteLevel" => self.byte_level = true,
            "ByteFallback" => self.byte_fallback = true,
            "Fuse" => {}
            "Replace" => match literal(step)? {
                Some(what) => self.replaced.push((what, text(step, "content")?)),
                None => return Err("a decoder that replaces by a regular expression is not known here".to_owned()),
            },
            "Metaspace" => {
                self.replaced.push((text(step, "replacement")?, " ".to_owned()));
                self.strips_space = prepend_scheme(step) != "never";
            }
            "Strip" => match (step["content"].as_str(), step["start"].as_u64(), step["stop"].as_u64()) {
                (Some(" "), Some(1), Some(0)) => self.strips_space = true,
                _ => {
                    return Err(
                        "a decoder that strips more than one space at the beginning is not known here".to_owned()
                    );
                }
            },
            other => return Err(format!("the decoder {other} is not known here")),
        }
        Ok(())
    }
}
