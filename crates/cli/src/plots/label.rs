//! Texts that come from outside, tokens and the names of folders, as a picture shows them.

/// Longer texts are cut, lest one of them leaves no room for the picture.
const LONGEST: usize = 32;

/// A text with a sign for everything in it that cannot be seen, and cut where it is too long.
pub(crate) fn visible(text: &str) -> String {
    shown(text, sign)
}

/// A name with a sign for everything in it that cannot be seen but spaces, and cut where it is too long.
pub(crate) fn legible(name: &str) -> String {
    shown(name, |c| if c == ' ' { c } else { sign(c) })
}

fn sign(c: char) -> char {
    match c {
        '\n' | '\r' => '⏎',
        '\t' => '⇥',
        // French has these inside of « » and before ! and ?, and a model that learnt them should be seen to write them.
        '\u{a0}' | '\u{202f}' => '⍽',
        c if c.is_whitespace() => '␣',
        // What XML forbids, and what no font has a picture for.
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

fn shown(text: &str, sign: impl Fn(char) -> char) -> String {
    let mut shown: String = text.chars().take(LONGEST).map(sign).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.pop();
        shown.push('…');
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
        assert_eq!(visible(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
        assert_eq!(visible(&"é".repeat(100_000)), "é".repeat(LONGEST - 1) + "…");
    }
}
