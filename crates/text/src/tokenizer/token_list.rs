//! A list of tokens: the id of each of them, and the text of an id that is not in it.

use crate::error::{MAX_VOCABULARY, TokenizerError};
use std::collections::HashMap;

/// U+FFFD, which stands for what is no text.
pub(super) const REPLACEMENT_TEXT: &str = "\u{fffd}";
pub(super) const REPLACEMENT: &[u8] = REPLACEMENT_TEXT.as_bytes();

/// The id of every token.
///
/// The order of a hash map never shows: it is only asked for what it holds.
pub(crate) fn index<T: std::hash::Hash + Eq + Clone + ToString>(
    tokens: &[T],
) -> Result<HashMap<T, u32>, TokenizerError> {
    if tokens.len() > MAX_VOCABULARY {
        return Err(TokenizerError::TooLarge { tokens: tokens.len() });
    }
    let mut ids = HashMap::with_capacity(tokens.len());
    for (id, token) in (0..).zip(tokens) {
        if let Some(first) = ids.insert(token.clone(), id) {
            return Err(TokenizerError::Duplicate { token: token.to_string(), first, second: id });
        }
    }
    Ok(ids)
}
