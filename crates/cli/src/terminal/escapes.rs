//! Text on its way out: to a terminal its control characters are escaped.
//!
//! A run's name, its vocabulary, a prompt or a message may come from anywhere. A terminal obeys the control characters
//! in it: they move the cursor, rename the window, or fill the clipboard. To a file or a pipe a text goes as it is.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

/// Writes a text to stdout or stderr, at once.
pub(super) fn write(mut stream: impl Write + IsTerminal, text: &str) -> io::Result<()> {
    let text = if stream.is_terminal() { escaped(text) } else { text.into() };
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

/// The text with its control characters, line breaks and tabs excepted, and those that turn the direction of writing
/// in JSON's notation: `\u001b`.
fn escaped(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(obeyed) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match obeyed(c) {
            true => write!(shown, "\\u{:04x}", c as u32).expect("a string takes everything"),
            false => shown.push(c),
        }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_shown_no_character_that_it_obeys() {
        assert_eq!(escaped("Zoë\tsays\n„été“ 你好 😀 👩\u{200d}🚀"), "Zoë\tsays\n„été“ 你好 😀 👩\u{200d}🚀");
        assert_eq!(escaped("\u{1b}]0;title\u{7}\u{1b}[2J"), r"\u001b]0;title\u0007\u001b[2J");
        assert_eq!(escaped("a\rb\u{7f}\u{9b}31m\u{202e}c\0"), r"a\u000db\u007f\u009b31m\u202ec\u0000");
        let obeyed =
            (0..=char::MAX as u32).filter_map(char::from_u32).filter(|&c| escaped(&c.to_string()) != c.to_string());
        assert_eq!(obeyed.count(), 65 - 2 + 9, "C0 but for two, DEL, C1, and nine of direction");
    }
}
