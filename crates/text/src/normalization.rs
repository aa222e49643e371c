//! The same text, the same characters.

use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// A text as it is learnt from, in small letters where `lowercase` says so.
///
/// Always: Unicode's normalization form C (an `é` is one character, however it was typed), every run of white space
/// becomes one plain space, and none is left at the ends. French sets thin or no-break spaces before `? ! :` and inside
/// `« »`, some writers plain ones; that is typography and nothing a model should spend tokens on. Neither BLEU nor chrF
/// tells them apart. In small letters fewer words are unknown, but the text is not as it was.
pub fn normalize(text: &str, lowercase: bool) -> String {
    // Lower-casing first: it can take letters apart ('İ' becomes 'i' and a dot), which form C puts together again.
    let lowered = lowercase.then(|| text.to_lowercase());
    let mut normalized = String::with_capacity(text.len());
    for word in lowered.as_deref().unwrap_or(text).split_whitespace() {
        if !normalized.is_empty() {
            normalized.push(' ');
        }
        normalized.extend(word.nfc());
    }
    normalized
}

/// A text without the byte-order mark before it, and with LF where its lines end in CR LF: as editors show it.
///
/// ```
/// assert_eq!(rungs_text::plain_text("\u{feff}one\r\ntwo\r"), "one\ntwo\r");
/// ```
pub fn plain_text(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_is_one_string() {
        let apply = |text| normalize(text, false);
        assert_eq!(apply("cafe\u{301}"), "café");
        assert_eq!(apply("Où\u{202f}? «\u{a0}Là\u{2009}!\u{a0}»"), "Où ? « Là ! »");
        assert_eq!(apply("  a \t b\u{3000}"), "a b");
        assert_eq!(apply(" \u{a0} "), "");
        assert_eq!(apply("É ﬁ ²"), "É ﬁ ²", "compatibility characters stay");
    }

    #[test]
    fn capitals_become_small_if_asked_for() {
        assert_eq!(normalize("L'ÉTÉ, E\u{301}T", true), "l'été, ét");
    }

    #[test]
    fn twice_is_once() {
        for lowercase in [false, true] {
            for text in ["İstanbul", "ΟΔΟΣ", "a\u{323}\u{307}", "  x  y ", "\u{1e9e}", "\u{212b}ngström"] {
                let once = normalize(text, lowercase);
                assert_eq!(normalize(&once, lowercase), once);
            }
        }
    }
}
