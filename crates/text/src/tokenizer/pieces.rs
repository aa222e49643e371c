//! Texts that are larger than memory: encoded, and counted for a vocabulary, piece by piece.
//!
//! A text cannot be cut anywhere: `don` and `'t` are other tokens than `don't`. What a tokenizer makes of the beginning
//! of a text is *settled* where nothing that may follow could change it, and only so much is taken of every piece; the
//! rest waits for the next one. So the tokens are those of the whole text, whatever the pieces, and the tests hold one
//! against the other.
//!
//! | tokens | settled |
//! |---|---|
//! | characters | all there is |
//! | words | every word with two characters behind it: `don` might go on as `don't` |
//! | ids | every number with white space behind it |
//! | byte pairs | every word with two words behind it, and that no added token could begin in |
//!
//! Of what the crate `tokenizers` opens nothing is known to be settled, so it reads a text as a whole or not at all.
//! Byte pairs that change a text before it is cut (Unicode's normal forms, a space put before it), that do not cut it
//! into words, or whose added tokens take white space beside them, read a text as a whole or not at all as well.
//!
//! This is part of the tokenizers because what is settled follows from how each of them cuts a text. Where pieces come
//! from, and where ids go, it does not know.

use super::bpe::PieceCounts;
use super::token_list::count;
use super::word::WordOptions;
use super::word_pieces::{self, WordRule};
use super::{CharTokenizer, Tokenizer, WordTokenizer};
use crate::error::TokenizerError;
use std::collections::{BTreeSet, HashMap};

/// The most bytes that may wait because nothing in them is settled: no text has such words.
const LONGEST: usize = 1 << 26;

/// Takes a piece more of a text, behind what waits because it is not settled yet. `take` is shown all of that and says
/// how many bytes of it are settled.
fn push(
    waiting: &mut String,
    piece: &str,
    take: impl FnOnce(&str) -> Result<usize, TokenizerError>,
) -> Result<(), TokenizerError> {
    waiting.push_str(piece);
    let settled = take(waiting)?;
    waiting.drain(..settled);
    match waiting.len() {
        bytes if bytes > LONGEST => Err(TokenizerError::Text(format!(
            "a word of more than {bytes} bytes: this is no text, or not one that can be read in pieces"
        ))),
        _ => Ok(()),
    }
}

/// Encodes a text that comes in pieces; the ids are those of the whole text.
///
/// ```
/// use rungs_text::Tokenizer;
/// use rungs_text::tokenizer::{PieceEncoder, WordOptions};
///
/// let tokenizer = Tokenizer::word_from("I don't know what I know", WordOptions::default())?;
/// let mut encoder = PieceEncoder::new(&tokenizer)?;
/// let mut ids = Vec::new();
/// for piece in ["I do", "n", "'", "t know"] {
///     encoder.push(piece, &mut ids)?;
/// }
/// encoder.finish(&mut ids)?;
/// assert_eq!(ids, tokenizer.encode("I don't know")?);
/// # Ok::<(), rungs_text::TokenizerError>(())
/// ```
#[derive(Debug)]
pub struct PieceEncoder<'t> {
    tokenizer: &'t Tokenizer,
    waiting: String,
    /// How many characters were encoded.
    characters: usize,
}

impl<'t> PieceEncoder<'t> {
    /// An encoder at the beginning of a text.
    ///
    /// # Errors
    /// [`TokenizerError::Whole`] if this tokenizer reads a text as a whole or not at all.
    pub fn new(tokenizer: &'t Tokenizer) -> Result<Self, TokenizerError> {
        let reads_in_pieces = match tokenizer {
            Tokenizer::Bpe(tokenizer) => tokenizer.reads_in_pieces(),
            other => matches!(other, Tokenizer::Char(_) | Tokenizer::Word(_) | Tokenizer::Ids(_)),
        };
        if !reads_in_pieces {
            return Err(TokenizerError::Whole);
        }
        Ok(Self { tokenizer, waiting: String::new(), characters: 0 })
    }

    /// Takes the next piece and appends the ids that are settled.
    ///
    /// # Errors
    /// If a character is unknown (its position is that in the whole text), or nothing is settled in many millions of
    /// bytes.
    pub fn push(&mut self, piece: &str, ids: &mut Vec<u32>) -> Result<(), TokenizerError> {
        let Self { tokenizer, waiting, characters } = self;
        push(waiting, piece, |text| {
            let settled = match tokenizer {
                Tokenizer::Char(tokenizer) => {
                    let of_piece = tokenizer.encode(text).map_err(|error| error.moved_by(*characters))?;
                    *characters += of_piece.len();
                    ids.extend(of_piece);
                    text.len()
                }
                Tokenizer::Word(tokenizer) => {
                    word_pieces::settled(text, tokenizer.rule, |piece| tokenizer.piece(piece, ids))
                }
                Tokenizer::Ids(tokenizer) => {
                    let settled = text.rfind(char::is_whitespace).unwrap_or(0);
                    ids.extend(tokenizer.encode(&text[..settled])?);
                    settled
                }
                Tokenizer::Bpe(tokenizer) => tokenizer.encode_settled(text, ids)?,
                // Nothing before the end; but there is no encoder of such a text.
                _ => 0,
            };
            Ok(settled)
        })
    }

    /// The text has ended: appends the ids of what waited.
    ///
    /// # Errors
    /// If a character is unknown.
    pub fn finish(self, ids: &mut Vec<u32>) -> Result<(), TokenizerError> {
        let rest = self.tokenizer.encode(&self.waiting);
        ids.extend(rest.map_err(|error| error.moved_by(self.characters))?);
        Ok(())
    }
}

/// Learns a tokenizer from a text that comes in pieces: the one that the whole text gives. Memory is needed for the
/// different words, not for the text.
#[derive(Debug)]
pub struct PieceLearner {
    counts: Counts,
    waiting: String,
}

#[derive(Debug)]
enum Counts {
    Char(BTreeSet<char>),
    Word(HashMap<String, u64>, WordOptions),
    Bpe(PieceCounts),
}

impl PieceLearner {
    /// Learns a [`Tokenizer::char_from`].
    pub fn chars() -> Self {
        Self::new(Counts::Char(BTreeSet::new()))
    }

    /// Learns a [`Tokenizer::word_from`].
    pub fn words(options: WordOptions) -> Self {
        Self::new(Counts::Word(HashMap::new(), options))
    }

    /// Learns a [`Tokenizer::bpe_from`], or where there is a separator a [`BpeTokenizer::from_documents`].
    ///
    /// # Errors
    /// If no vocabulary can have this size.
    ///
    /// [`BpeTokenizer::from_documents`]: super::BpeTokenizer::from_documents
    pub fn bpe(size: usize, separator: Option<&str>) -> Result<Self, TokenizerError> {
        PieceCounts::new(size, separator).map(|counts| Self::new(Counts::Bpe(counts)))
    }

    fn new(counts: Counts) -> Self {
        Self { counts, waiting: String::new() }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// If nothing is settled in many millions of bytes.
    pub fn push(&mut self, piece: &str) -> Result<(), TokenizerError> {
        push(&mut self.waiting, piece, |text| {
            Ok(match &mut self.counts {
                Counts::Char(characters) => {
                    characters.extend(text.chars());
                    text.len()
                }
                Counts::Word(counts, _) => {
                    word_pieces::settled(text, WordRule::default(), |piece| count(counts, piece))
                }
                Counts::Bpe(counts) => counts.settled(text)?,
            })
        })
    }

    /// The text has ended: what was learnt from it.
    ///
    /// # Errors
    /// If the text was empty, or does not give such a vocabulary.
    pub fn finish(self) -> Result<Tokenizer, TokenizerError> {
        let rest = &self.waiting;
        match self.counts {
            Counts::Char(characters) => CharTokenizer::of(characters).map(Tokenizer::Char), // of which none waits
            Counts::Word(mut counts, options) => {
                word_pieces::pieces(rest, WordRule::default()).for_each(|piece| count(&mut counts, piece));
                WordTokenizer::of(counts, options).map(Tokenizer::Word)
            }
            Counts::Bpe(mut counts) => {
                counts.rest(rest)?;
                counts.learn().map(Tokenizer::from)
            }
        }
    }
}

#[cfg(test)]
mod tests;
