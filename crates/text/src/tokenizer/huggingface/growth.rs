//! How the text of tokens grows when others follow: what of it is sure before the end.
//!
//! What a token says may depend on those before it (a word piece at the beginning has no space), and only the crate
//! knows how. So the text is decoded again with every token, and what is new of it is shown. That is right if the text
//! of some tokens is always the beginning of the text of these and more, D(a) of D(a, b). It is so of decoders that
//! change one token after another, and what comes behind a `Fuse`, which makes one text of them, may only take off the
//! beginning. Two of them are surer of what they say later:
//!
//! | decoder | not sure yet |
//! |---|---|
//! | `ByteLevel` | bytes at the end that are no character: one U+FFFD so far |
//! | `ByteFallback` | bytes `<0x0A>` with no other token behind them: if one more makes them no text, all are U+FFFD |
//!
//! Whatever else there is, nothing of it is sure before the end, and all is shown there.

use crate::tokenizer::bpe::json_steps::{each_step, kind, literal};
use serde_json::Value;

/// How the text of tokens grows when others follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Growth {
    /// Bytes at the end may be the beginning of a character.
    pub(super) characters: bool,
    /// What bytes say is known when they have ended.
    pub(super) bytes: bool,
}

impl Growth {
    /// That of a decoder; none if it may change what stands before. `tokens` are those of the vocabulary.
    pub(super) fn of<'t>(decoder: &Value, tokens: impl Iterator<Item = &'t String>) -> Option<Self> {
        if kind(decoder) == "BPEDecoder" {
            // It puts a space for the end of a word, but of the last one.
            let suffix = decoder["suffix"].as_str().filter(|suffix| !suffix.is_empty())?;
            let inside = |token: &String| token.strip_suffix(suffix).unwrap_or(token).contains(suffix);
            return (!{ tokens }.any(inside)).then(Self::default);
        }
        let mut growth = Self::default();
        // Whether the tokens have become one text; whether those that are bytes are still spelled as such, and no
        // others.
        let (mut fused, mut bytes_are_bytes) = (false, true);
        let known = each_step(decoder, "decoders", &mut |step| {
            match kind(step) {
                "Fuse" => fused = true,
                // Of the end it takes nothing: see where it is opened.
                "Strip" => bytes_are_bytes = false,
                _ if fused => return Err("may change what stands before".to_owned()),
                "ByteLevel" => (growth.characters, fused) = (true, true),
                "ByteFallback" if bytes_are_bytes => growth.bytes = true,
                "Replace" => bytes_are_bytes &= literal(step)?.is_some_and(|what| keeps_bytes(&what, &step["content"])),
                "WordPiece" | "Metaspace" | "CTC" => bytes_are_bytes = false,
                _ => return Err("unknown".to_owned()),
            }
            Ok(())
        });
        known.ok().map(|()| growth)
    }
}

/// Whether putting one text for another neither makes nor unmakes a token that is spelled as a byte.
fn keeps_bytes(what: &str, by: &Value) -> bool {
    let foreign =
        |text: &str| !text.is_empty() && !text.contains(|c: char| "<0x+>".contains(c) || c.is_ascii_hexdigit());
    foreign(what) && by.as_str().is_some_and(foreign)
}

/// How a token is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelled {
    /// There is no such token.
    Not,
    /// As a text.
    Text,
    /// As a byte, `<0x0A>`.
    Byte,
}
