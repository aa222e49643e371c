//! Texts that come from outside, tokens and the names of folders, as a plot shows them.

use unicode_width::UnicodeWidthChar;

/// Longer texts are cut, lest one of them leaves no room for the plot.
const LONGEST: usize = 32;

/// A text with a sign for everything in it that cannot be seen, and cut where it is too long.
pub(super) fn visible(text: &str) -> String {
    shown(text, sign)
}

/// A name with a sign for everything in it that cannot be seen but spaces, and cut where it is too long.
pub(super) fn legible(name: &str) -> String {
    shown(name, |c| if c == ' ' { c } else { sign(c) })
}

fn sign(c: char) -> char {
    match c {
        '\n' | '\r' => '⏎',
        '\t' => '⇥',
        // French has these inside of « » and before ! and ?, and a model that learnt them should be seen to write them.
        '\u{a0}' | '\u{202f}' => '⍽',
        c if c.is_whitespace() => '␣',
        // What XML forbids, what no font has a glyph for, and what changes the direction of the text around it.
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => char::REPLACEMENT_CHARACTER,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
            char::REPLACEMENT_CHARACTER
        }
        c => c,
    }
}

/// Whether a label is a single character with its combining marks.
pub(super) fn is_a_character(label: &str) -> bool {
    label.chars().filter(|c| c.width() != Some(0)).count() <= 1
}

fn shown(text: &str, sign: impl Fn(char) -> char) -> String {
    let mut shown: String = text.chars().take(LONGEST).map(sign).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.pop();
        shown.push('…');
    }
    // A combining mark has nothing before it to stand on.
    if shown.starts_with(|c: char| c.width() == Some(0)) {
        shown.insert(0, '◌');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_has_a_sign() {
        assert_eq!(legible("my runs/\u{a0}a\n"), "my runs/⍽a⏎");
        assert_eq!(visible(" the\n"), "␣the⏎");
        assert_eq!(visible("«\u{202f}cœur\u{a0}»\t\u{1}"), "«⍽cœur⍽»⇥\u{fffd}");
        assert_eq!(visible("\u{202e}a\u{feff}"), "\u{fffd}a\u{fffd}");
        assert_eq!(visible("\u{301}e"), "◌\u{301}e");
        assert_eq!(visible(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
        assert_eq!(visible(&"é".repeat(100_000)), "é".repeat(LONGEST - 1) + "…");
    }
}
