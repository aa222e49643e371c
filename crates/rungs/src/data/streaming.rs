//! Texts that are larger than memory: read from the disk in pieces, made into tokens once, and trained on from the file
//! of their ids.
//!
//! | pass over the text | what for | left out if |
//! |---|---|---|
//! | 1 | that it is text; its characters, its SHA-256 | size and time of change are those of an earlier time |
//! | 2 | the vocabulary, from the words of the part to train on | there is a tokenizer |
//! | 3 | the ids of both parts, each into a [file](IdsFile) | there are such files |
//!
//! A run learns the same as from a [`Corpus`](super::Corpus) of the same text, bit for bit: the same parts, the same
//! vocabulary, the same ids, and windows from the same places. Memory is needed for a piece of the text, for the
//! different words while a vocabulary is learnt, and for the windows of a batch; none of it grows with the length of
//! the text.
//!
//! The files go into a folder, the *cache*, and can be shared by runs. What a file depends on (the text's SHA-256,
//! which part, the tokenizer) is hashed into its header and its name, so a changed text or another tokenizer is another
//! file; nothing is ever read that belongs to something else. Whether the text has changed is told by its size and its
//! time of change, as `make` does; where those differ, by its SHA-256.
//!
//! Everything about files is here. Two parts are elsewhere. Where a text can be cut only its tokenizer knows, so
//! [`PieceEncoder`] and [`PieceLearner`] are part of the tokenizers, and know of no file. The trainer reads windows
//! from any [`StoredIds`], of which [`IdsFile`] is one.
//!
//! [`PieceEncoder`]: crate::text::tokenizer::PieceEncoder
//! [`PieceLearner`]: crate::text::tokenizer::PieceLearner
//! [`StoredIds`]: crate::trainer::data::StoredIds

mod ids_file;
mod streamed_corpus;
mod text_file;

pub use ids_file::{IdsFile, IdsWriter, Key};
pub use text_file::{OnReading, Reading, TextFile};

#[cfg(test)]
mod tests;
