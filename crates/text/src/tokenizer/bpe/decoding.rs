//! Decoding: from token ids to text.
//!
//! A decoder works through the tokens in steps, as a file describes them. Each step changes every token by itself,
//! until one makes a single text of them all. So what a token stands for is found once, when a vocabulary is read; what
//! depends on its neighbours is left to decoding: single bytes `<0x0A>` in a row are one text, if they are UTF-8, and a
//! beginning may lose its space.

use super::alphabet;
use super::file::File;
use super::json_steps::{each_step, kind, literal, prepend_scheme, text};
use super::symbols::byte_of;
use crate::error::TokenizerError;
use crate::tokenizer::token_list::{REPLACEMENT, REPLACEMENT_TEXT};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;

/// The decoded form of every token of a vocabulary.
#[derive(Debug, Clone)]
pub(in crate::tokenizer) struct Decoding {
    /// The token of every id; none where there is none.
    pub(super) tokens: Vec<Option<Token>>,
    /// The bytes of tokens at the beginning of a text, where they differ from those elsewhere.
    first: HashMap<u32, Box<[u8]>>,
    /// The steps behind byte fallback, applied to the text of byte tokens in a row.
    changes: Vec<Change>,
    /// Whether a space at the beginning of a text was put there when it was encoded.
    strips_space: bool,
}

/// A decoded token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// They need not be whole characters.
    pub(super) bytes: Box<[u8]>,
    /// Whether it is a single byte.
    is_byte: bool,
}

/// Tokens that are being decoded, one after another.
#[derive(Debug, Clone, Default)]
pub(in crate::tokenizer) struct Decoder {
    /// The first bytes of a character that is not complete.
    held: Vec<u8>,
    /// The bytes of byte tokens in a row.
    row: Vec<u8>,
    /// Whether a token has been decoded.
    begun: bool,
    /// Whether a token has added to the text.
    shown: bool,
}

/// A step of a decoder that changes every token by itself.
#[derive(Debug, Clone)]
enum Change {
    /// One text is put for another.
    Replace { what: String, by: String },
    /// A mark is put for a space, and for nothing in the first token if `begins` says so.
    Metaspace { mark: String, begins: bool },
    /// A space at the beginning is taken off.
    Strip,
}

impl Change {
    fn apply(&self, text: String, first: bool) -> String {
        match self {
            Self::Replace { what, by } => text.replace(what, by),
            Self::Metaspace { mark, begins } => text.replace(mark, if first && *begins { "" } else { " " }),
            Self::Strip => text.strip_prefix(' ').map(str::to_owned).unwrap_or(text),
        }
    }
}

/// The decoder that a file describes.
#[derive(Default)]
struct Described {
    /// The steps before and behind that which finds single bytes.
    before: Vec<Change>,
    behind: Vec<Change>,
    byte_level: bool,
    byte_fallback: bool,
    /// Whether the tokens have become one text.
    fused: bool,
    strips_space: bool,
}

impl Decoding {
    /// The tokens of a file, given as they are spelled. `bytes` says whether words are spelled byte by byte.
    ///
    /// # Errors
    /// If the decoder does not undo what encoding does, or is not known here.
    pub(super) fn new(file: &File, bytes: bool, spelled: &[Option<Cow<'_, str>>]) -> Result<Self, TokenizerError> {
        let mut described = Described::default();
        each_step(&file.decoder, "decoders", &mut |step| described.add(step)).map_err(TokenizerError::Unsupported)?;
        // Without a decoder, a text is the tokens as they are spelled, with spaces between them.
        let is_described = !file.decoder.is_null();
        if is_described && described.byte_level != bytes {
            let problem = "of its pre-tokenizer and its decoder only one is ByteLevel";
            return Err(TokenizerError::Unsupported(problem.to_owned()));
        }
        let token = |spelled: &str, first| {
            let spelled = described.before.iter().fold(spelled.to_owned(), |text, change| change.apply(text, first));
            let byte = byte_of(&spelled).filter(|_| described.byte_fallback);
            let bytes = match byte {
                Some(byte) => vec![byte],
                // What is spelled otherwise than in the alphabet stands for itself.
                None if described.byte_level => alphabet::bytes_of(&spelled).unwrap_or_else(|| spelled.into_bytes()),
                None => {
                    let text = described.behind.iter().fold(spelled, |text, change| change.apply(text, first));
                    if is_described { text.into_bytes() } else { [" ", &text].concat().into_bytes() }
                }
            };
            Token { bytes: bytes.into(), is_byte: byte.is_some() }
        };
        let changes = || described.before.iter().chain(&described.behind);
        let begins = changes().any(|change| matches!(change, Change::Metaspace { begins: true, .. }));
        let mut first = HashMap::new();
        let tokens = (0..).zip(spelled).map(|(id, spelled)| {
            let spelled = spelled.as_ref()?;
            if begins {
                first.insert(id, token(spelled, true).bytes);
            }
            Some(token(spelled, false))
        });
        let tokens = tokens.collect();
        let strips_space = described.strips_space || !is_described;
        Ok(Self { tokens, first, changes: described.behind, strips_space })
    }

    /// Whether a text loses a space at its beginning.
    pub(in crate::tokenizer) fn strips_space(&self) -> bool {
        self.strips_space || !self.first.is_empty()
    }

    /// Decodes one more token: the text that is known by now.
    pub(in crate::tokenizer) fn push(&self, id: u32, decoder: &mut Decoder) -> String {
        let token = self.tokens.get(id as usize).and_then(Option::as_ref);
        if let Some(Token { bytes, is_byte: true }) = token {
            decoder.row.extend_from_slice(bytes);
            return String::new();
        }
        self.end_row(decoder);
        let first = self.first.get(&id).filter(|_| !decoder.begun);
        let bytes = first.or(token.map(|token| &token.bytes)).map_or(REPLACEMENT, |bytes| &**bytes);
        self.add(bytes, decoder);
        decoder.take_whole()
    }

    /// The text that is known when no token follows.
    pub(in crate::tokenizer) fn finish(&self, decoder: &mut Decoder) -> String {
        self.end_row(decoder);
        decoder.take_whole() + &String::from_utf8_lossy(&std::mem::take(&mut decoder.held))
    }

    /// Ends the single bytes in a row: they are a text if they are UTF-8, and otherwise as many times U+FFFD.
    fn end_row(&self, decoder: &mut Decoder) {
        if decoder.row.is_empty() {
            return;
        }
        let row = String::from_utf8(std::mem::take(&mut decoder.row));
        let texts = row.map_or_else(|error| vec![REPLACEMENT_TEXT.to_owned(); error.as_bytes().len()], |row| vec![row]);
        for text in texts {
            let text = self.changes.iter().fold(text, |text, change| change.apply(text, !decoder.begun));
            self.add(text.as_bytes(), decoder);
        }
    }

    fn add(&self, bytes: &[u8], decoder: &mut Decoder) {
        let space = bytes.strip_prefix(b" ").filter(|_| self.strips_space && !decoder.shown);
        decoder.held.extend_from_slice(space.unwrap_or(bytes));
        decoder.begun = true;
        decoder.shown |= !bytes.is_empty();
    }
}

impl Decoder {
    /// Forgets the bytes that are held back.
    pub(in crate::tokenizer) fn skip(&mut self) {
        self.held.clear();
        self.row.clear();
    }

    /// Takes what is held, but for the beginning of a character that may become whole.
    fn take_whole(&mut self) -> String {
        let mut whole = String::new();
        loop {
            let Err(error) = std::str::from_utf8(&self.held) else {
                whole.push_str(&String::from_utf8_lossy(&std::mem::take(&mut self.held)));
                return whole;
            };
            let valid: Vec<u8> = self.held.drain(..error.valid_up_to()).collect();
            whole.push_str(&String::from_utf8_lossy(&valid));
            let Some(invalid) = error.error_len() else { return whole };
            whole.push(char::REPLACEMENT_CHARACTER);
            self.held.drain(..invalid);
        }
    }
}

impl Described {
    fn add(&mut self, step: &Value) -> Result<(), String> {
        let unknown = |what: &str| Err(format!("a decoder that {what} is not known here"));
        match kind(step) {
            "ByteLevel" if self.byte_fallback || self.fused => {
                return unknown("has ByteLevel behind others of its kind");
            }
            "ByteLevel" => (self.byte_level, self.fused) = (true, true),
            "ByteFallback" if self.fused => return unknown("looks for bytes in a whole text"),
            "ByteFallback" => self.byte_fallback = true,
            "Fuse" => self.fused = true,
            "Replace" => {
                let Some(what) = literal(step)? else { return unknown("replaces by a regular expression") };
                let mut characters = what.chars();
                // A character is the same in a token and in the whole text; several may come from two tokens.
                if self.fused && (self.byte_level || self.strips_space || characters.nth(1).is_some()) {
                    return unknown("replaces something in a whole text");
                }
                self.change(Change::Replace { what, by: text(step, "content")? });
            }
            "Metaspace" if self.fused => return unknown("puts spaces into a whole text"),
            "Metaspace" => {
                let begins = prepend_scheme(step) != "never";
                self.change(Change::Metaspace { mark: text(step, "replacement")?, begins });
            }
            "Strip" => match (step["content"].as_str(), step["start"].as_u64(), step["stop"].as_u64()) {
                (Some(" "), Some(1), Some(0)) if !self.fused => self.change(Change::Strip),
                (Some(" "), Some(1), Some(0)) if !self.strips_space => self.strips_space = true,
                _ => return unknown("strips more than one space at the beginning"),
            },
            other => return Err(format!("the decoder {other} is not known here")),
        }
        Ok(())
    }

    fn change(&mut self, change: Change) {
        if self.byte_fallback { &mut self.behind } else { &mut self.before }.push(change);
    }
}
