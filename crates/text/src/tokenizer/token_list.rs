//! A list of tokens: which words it has, their ids and bytes, and the text of an id that is not in it.

use crate::error::{MAX_VOCABULARY, TokenizerError};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

/// U+FFFD, which stands for what is no text.
pub(super) const REPLACEMENT_TEXT: &str = "\u{fffd}";
pub(super) const REPLACEMENT: &[u8] = REPLACEMENT_TEXT.as_bytes();

/// The bytes of each token of a vocabulary: all that constrained generation needs to match texts against an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBytes {
    /// The bytes of each token, in the order of ids; none for one that no text has.
    pub tokens: Vec<Option<Vec<u8>>>,
    /// Whether a space at the beginning of a text is not shown.
    pub strips_space: bool,
}

/// Counts a word once more.
pub(crate) fn count(counts: &mut HashMap<String, u64>, word: &str) {
    match counts.get_mut(word) {
        Some(count) => *count += 1,
        None => drop(counts.insert(word.to_owned(), 1)),
    }
}

/// The tokens of `first`, and then the words that occur `minimum_count` times, most frequent first, those equally
/// frequent in the order of their code points; together at most `maximum_size`.
///
/// # Errors
/// If nothing was counted, or no word is admitted.
pub(crate) fn most_frequent(
    counts: HashMap<String, u64>,
    first: &[&str],
    minimum_count: usize,
    maximum_size: Option<usize>,
) -> Result<Vec<String>, TokenizerError> {
    if counts.is_empty() {
        return Err(TokenizerError::EmptyText);
    }
    let admitted = |(word, count): &(String, u64)| *count >= minimum_count as u64 && !first.contains(&word.as_str());
    let mut words: Vec<(String, u64)> = counts.into_iter().filter(admitted).collect();
    words.sort_unstable_by(|(a, count_a), (b, count_b)| (Reverse(count_a), a).cmp(&(Reverse(count_b), b)));
    let room = maximum_size.unwrap_or(usize::MAX);
    let words = words.into_iter().map(|(word, _)| word);
    let tokens: Vec<String> = first.iter().map(|&token| token.to_owned()).chain(words).take(room).collect();
    if tokens.len() > first.len() { Ok(tokens) } else { Err(TokenizerError::NoWords { minimum_count }) }
}

/// Checks how many tokens a vocabulary has.
pub(crate) fn check_size(tokens: usize) -> Result<(), TokenizerError> {
    match tokens {
        0 => Err(TokenizerError::Empty),
        1..=MAX_VOCABULARY => Ok(()),
        _ => Err(TokenizerError::TooLarge { tokens }),
    }
}

/// Checks that the first tokens of a vocabulary are these, each with what is expected in its place.
pub(crate) fn check_first(tokens: &[String], first: &[(&str, &'static str)]) -> Result<(), TokenizerError> {
    if tokens.is_empty() {
        return Err(TokenizerError::Empty);
    }
    for (id, &(special, expected)) in first.iter().enumerate() {
        let token = tokens.get(id).cloned().unwrap_or_default();
        if token != special {
            return Err(TokenizerError::Malformed { id, token, expected });
        }
    }
    Ok(())
}

/// The id of every token.
///
/// The order of a hash map never shows: it is only asked for what it holds.
pub(crate) fn index<T: Hash + Eq + Clone + ToString>(tokens: &[T]) -> Result<HashMap<T, u32>, TokenizerError> {
    check_size(tokens.len())?;
    let mut ids = HashMap::with_capacity(tokens.len());
    for (id, token) in (0..).zip(tokens) {
        if let Some(first) = ids.insert(token.clone(), id) {
            return Err(TokenizerError::Duplicate { token: token.to_string(), first, second: id });
        }
    }
    Ok(ids)
}
