//! What BLEU takes for words: three of sacrebleu's tokenizers.

use crate::ngrams::is_space;
use serde::{Deserialize, Serialize};

/// What BLEU takes for a word.
///
/// Scores by different tokenizers are not to be compared.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BleuTokenizer {
    /// NIST's `mteval-v13a`, for scripts with spaces between words: marks are words of their own, but for the
    /// apostrophe, for a period or comma between digits (`1,234.5`), and for a hyphen that no digit comes before
    /// (`well-known`, `2 -3`). The rules see ASCII only: `«` and `…` stay with their words.
    #[default]
    #[serde(rename = "13a")]
    Mteval13a,
    /// For Chinese: a Han character is a word, and so are the marks, symbols and fullwidth forms among them; what is
    /// left is cut by the rules of `mteval-v13a`. Kana are not cut, nor are Han characters above U+FFFF.
    Zh,
    /// For any script: a character that is no white space is a word.
    Char,
}

impl BleuTokenizer {
    /// The name that sacrebleu has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mteval13a => "13a",
            Self::Zh => "zh",
            Self::Char => "char",
        }
    }

    /// Sets words apart by spaces.
    ///
    /// ```
    /// # use rungs_measures::BleuTokenizer::{Char, Mteval13a, Zh};
    /// let text = Mteval13a.tokenize("It's \"1,234.5\", not 12-13.");
    /// assert_eq!(
    ///     text.split_whitespace().collect::<Vec<_>>(),
    ///     ["It's", "\"", "1,234.5", "\"", ",", "not", "12", "-", "13", "."]
    /// );
    /// let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    /// assert_eq!(words(&Zh.tokenize("我有2,000本book。")), ["我", "有", "2,000", "本", "book", "。"]);
    /// assert_eq!(words(&Char.tokenize("ねこ a1")), ["ね", "こ", "a", "1"]);
    /// ```
    pub fn tokenize(self, text: &str) -> String {
        let text = text.trim_end_matches(is_space);
        match self {
            Self::Mteval13a => {
                // What comes out of SGML files.
                let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
                let text = text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
                // A space at each end: every character has neighbours.
                set_marks_apart(&format!(" {text} "))
            }
            Self::Zh => set_marks_apart(&spaced(text.trim_start_matches(is_space), is_chinese)),
            Self::Char => spaced(text, |_| true),
        }
    }

    /// Whether a letter's words are told apart: where they stand without spaces between them, only if the letter is a
    /// word itself.
    pub fn counts(self, letter: char) -> bool {
        match self {
            Self::Mteval13a => !is_unspaced(letter),
            Self::Zh => !is_unspaced(letter) || is_chinese(letter),
            Self::Char => true,
        }
    }
}

/// A text with spaces around some of its characters.
fn spaced(text: &str, apart: impl Fn(char) -> bool) -> String {
    let mut spaced = String::with_capacity(3 * text.len());
    for character in text.chars() {
        if apart(character) { spaced.extend([' ', character, ' ']) } else { spaced.push(character) }
    }
    spaced
}

/// The rules of `mteval-v13a` for languages of the West.
fn set_marks_apart(text: &str) -> String {
    let digit = |c: char| c.is_ascii_digit();
    let point = |c: char| matches!(c, '.' | ',');
    let text = spaced(text, is_mark);
    let text = replace_pairs(&text, |a, b| !digit(a) && point(b), |a, b| [a, ' ', b, ' ']);
    let text = replace_pairs(&text, |a, b| point(a) && !digit(b), |a, b| [' ', a, ' ', b]);
    replace_pairs(&text, |a, b| digit(a) && b == '-', |a, b| [a, ' ', b, ' '])
}

/// The ASCII marks that are words wherever they stand: all but `'`, `,`, `-` and `.`.
fn is_mark(character: char) -> bool {
    character.is_ascii_punctuation() && !matches!(character, '\'' | ',' | '-' | '.')
}

/// The characters that sacrebleu's `zh` sets apart. Its table writes U+20000 as `'\u20000'`, which Python reads as
/// U+2000 and a zero; so the symbols from U+2001 to U+2A6D are among them, and Han characters above U+FFFF are not.
fn is_chinese(character: char) -> bool {
    matches!(
        character,
        '\u{2001}'..='\u{2a6d}'
            | '\u{2e80}'..='\u{2fdf}'
            | '\u{2ff0}'..='\u{303f}'
            | '\u{3100}'..='\u{312f}'
            | '\u{31a0}'..='\u{31ef}'
            | '\u{3200}'..='\u{4db5}'
            | '\u{4e00}'..='\u{9fbb}'
            | '\u{f900}'..='\u{fa2d}'
            | '\u{fa30}'..='\u{fa6a}'
            | '\u{fa70}'..='\u{fad9}'
            | '\u{fe10}'..='\u{fe1f}'
            | '\u{fe30}'..='\u{fe4f}'
            | '\u{ff00}'..='\u{ffef}'
    )
}

/// The letters of scripts without spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, kana, Bopomofo and Han.
fn is_unspaced(letter: char) -> bool {
    matches!(
        letter,
        '\u{e00}'..='\u{109f}'
            | '\u{1780}'..='\u{17ff}'
            | '\u{3005}'..='\u{312f}'
            | '\u{31a0}'..='\u{31ff}'
            | '\u{3400}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{ff66}'..='\u{ff9f}'
            | '\u{1b000}'..='\u{1b16f}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

/// Replaces the pairs of neighbours that `found` accepts, from left to right, as a regular expression would: what has
/// been replaced is not looked at again, so pairs do not overlap.
fn replace_pairs(text: &str, found: impl Fn(char, char) -> bool, by: impl Fn(char, char) -> [char; 4]) -> String {
    let mut replaced = String::with_capacity(text.len() + text.len() / 4);
    let mut characters = text.chars().peekable();
    while let Some(a) = characters.next() {
        match characters.next_if(|&b| found(a, b)) {
            Some(b) => replaced.extend(by(a, b)),
            None => replaced.push(a),
        }
    }
    replaced
}
