//! Pairs of texts, from a file with one pair a line: source TAB target.
//!
//! What may stand in such a file:
//!
//! - The columns are parted by TABs; two of them are taken ([`Columns`]), the others are ignored.
//! - It is UTF-8, with or without a byte-order mark; lines end in a line feed, with or without a carriage return.
//! - A line has at most [`LONGEST_LINE`] bytes. A model reads a source whole, so what is far longer than a sentence is
//!   a mistake, such as a file of one line, and better found before memory runs out.
//!
//! Everything else is an error that names file and line: a line without a TAB (an empty one too, but for the last), an
//! empty side, bytes that are not UTF-8. Nothing is skipped in silence.
//!
//! ```
//! use rungs_text::{Columns, read_pairs, split_pairs};
//!
//! let file = "Go.\tVa !\tby someone\nGo.\tMarche.\tby another\nHi!\tSalut\u{202f}!\n";
//! let pairs = read_pairs(file.as_bytes(), "en-fr.tsv", Columns::default(), false)?;
//! assert_eq!(pairs[2].target, "Salut !");
//!
//! let (train, validation) = split_pairs(pairs, 0.5)?;
//! assert!(train.iter().all(|pair| validation.iter().all(|held_out| pair.source != held_out.source)));
//!
//! let error = read_pairs("Go. Va !\n".as_bytes(), "en-fr.tsv", Columns::default(), false).unwrap_err();
//! assert_eq!(error.to_string(), "en-fr.tsv, line 1: there is no TAB in it; a pair is source TAB target");
//! # Ok::<(), rungs_text::TextError>(())
//! ```

use crate::held_out::split_by;
use crate::{TextError, normalize};
use std::io::{BufRead, Read};
use std::str::FromStr;

/// The most bytes of a line, without its end: 64 KiB, some ten thousand words.
pub const LONGEST_LINE: usize = 65_536;

/// A text and what is to be made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPair {
    /// What is read.
    pub source: String,
    /// What is to be written.
    pub target: String,
}

/// Which columns of a line are the source and the target, counted from 1. Written `S,T`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The column of the source.
    pub source: usize,
    /// The column of the target.
    pub target: usize,
}

impl Default for Columns {
    /// The first two.
    fn default() -> Self {
        Self { source: 1, target: 2 }
    }
}

impl FromStr for Columns {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let column = |text: &str| text.trim().parse().ok().filter(|&column: &usize| column > 0);
        let columns = text.split_once(',').and_then(|(source, target)| Some((column(source)?, column(target)?)));
        match columns {
            Some((source, target)) if source != target => Ok(Self { source, target }),
            Some(_) => Err(TextError::new("columns", format!("source and target are one column in {text:?}"))),
            None => Err(TextError::new("columns", format!("must be two numbers from 1 on, as in 1,2, not {text:?}"))),
        }
    }
}

/// The pair of a line, its end taken off, or what is wrong with it.
fn pair(line: &[u8], columns: Columns, lowercase: bool) -> Result<TextPair, String> {
    if line.len() > LONGEST_LINE {
        return Err(format!("longer than {LONGEST_LINE} bytes, too long for a pair of sentences"));
    }
    let line = std::str::from_utf8(line)
        .map_err(|error| format!("not UTF-8 at byte {} of the line", error.valid_up_to() + 1))?;
    if !line.contains('\t') {
        return Err("there is no TAB in it; a pair is source TAB target".into());
    }
    let side = |name: &str, column: usize| {
        let text = line
            .split('\t')
            .nth(column - 1)
            .ok_or_else(|| format!("the {name} is column {column}, but there are only {}", line.split('\t').count()))?;
        let text = normalize(text, lowercase);
        if text.is_empty() { Err(format!("the {name} (column {column}) is empty")) } else { Ok(text) }
    };
    Ok(TextPair { source: side("source", columns.source)?, target: side("target", columns.target)? })
}

/// All pairs of a file, which errors call `file`, each side [normalised](normalize).
///
/// # Errors
/// If it cannot be read, if a line is not as the [module](self) says, or if there is none.
pub fn read_pairs(
    mut reader: impl BufRead,
    file: &str,
    columns: Columns,
    lowercase: bool,
) -> Result<Vec<TextPair>, TextError> {
    let (mut pairs, mut bytes, mut after_empty_line) = (Vec::new(), Vec::new(), false);
    loop {
        bytes.clear();
        // Two bytes more than a line may have: room for its end, or proof that it is too long.
        let read = (&mut reader).take(LONGEST_LINE as u64 + 2).read_until(b'\n', &mut bytes);
        if read.map_err(|problem| TextError::new(file, problem))? == 0 {
            break;
        }
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = line.strip_prefix("\u{feff}".as_bytes()).filter(|_| pairs.is_empty()).unwrap_or(line);
        if line.is_empty() && !after_empty_line {
            after_empty_line = true; // nothing is amiss if it is the last
            continue;
        }
        let pair = pair(if after_empty_line { b"" } else { line }, columns, lowercase);
        pairs.push(pair.map_err(|problem| TextError::line(file, pairs.len() + 1, problem))?);
    }
    if pairs.is_empty() { Err(TextError::new(file, "there are no pairs in it")) } else { Ok(pairs) }
}

/// A part to train on and a part to validate on, with `share` of the different *sources* in the second, at least one.
///
/// Corpora give many translations of one source; were some of them in one part and some in the other, validation would
/// measure memory. So sources are held out, with all their pairs: those whose hash is lowest. The
/// choice is a property of the texts. It depends neither on a seed nor on the order of the lines, and lines added to
/// the file hardly change it. Within each part, pairs keep their order.
///
/// # Errors
/// If the share is not in (0, 1), or if there are fewer than two different sources.
pub fn split_pairs(pairs: Vec<TextPair>, share: f64) -> Result<(Vec<TextPair>, Vec<TextPair>), TextError> {
    split_by(pairs, share, "all pairs have one source", |pair| &pair.source)
}

#[cfg(test)]
mod tests;
