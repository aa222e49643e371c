//! Every word and every mark is a token.
//!
//! A text is cut into *pieces*, each of which is one of
//!
//! - a word: letters and digits, with apostrophes between them (`don't`), or one Chinese character, since Chinese is
//!   written without spaces;
//! - one character of any other kind: a punctuation mark, a line break, a space.
//!
//! Combining marks belong to the character before them, as in Unicode's rule for words (UAX #29, WB4): without them, a
//! word of Hindi or Thai would be several, and so would one with a decomposed accent. [`WordRule`] has the older rule.
//!
//! One space before a word or a mark belongs to it, as in GPT-2 (Radford et al. 2019), so that spaces between words
//! cost no tokens: `the cat, the hat` is `the| cat|,| the| hat`. The pieces of a text, put together, are the text.
//!
//! The vocabulary is the pieces of the training text that occur often enough, most frequent first. A piece outside
//! it that begins with a space is tried once more without; what is still unknown becomes [`UNKNOWN`]. So decoding
//! gives the text back exactly, but for unknown words, and the spaces around those stay.

use super::token_list::{check_first, count, index, most_frequent};
use super::word_pieces::{SPACE, WordRule, pieces};
use crate::error::TokenizerError;
use std::collections::HashMap;

/// The token of id 0, which stands for every word outside the vocabulary.
///
/// No text is encoded as this by accident: written out, `<unk>` is three pieces.
pub const UNKNOWN: &str = "<unk>";

/// Which words a vocabulary takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordOptions {
    /// How often a word has to occur. About half of the different words of a text occur once, and cannot be learnt
    /// well.
    pub minimum_count: usize,
    /// The most tokens to have, `<unk>` and the space among them: the most frequent words are kept.
    pub maximum_size: Option<usize>,
}

impl Default for WordOptions {
    /// Every word of the text.
    fn default() -> Self {
        Self { minimum_count: 1, maximum_size: None }
    }
}

/// Every word and every mark is a token.
#[derive(Debug, Clone, PartialEq)]
pub struct WordTokenizer {
    /// The piece of every id.
    pub(super) tokens: Vec<String>,
    /// The id of every piece.
    ids: HashMap<String, u32>,
    pub(super) rule: WordRule,
}

impl WordTokenizer {
    /// The tokenizer whose tokens are the pieces of `text` that `options` admit, most frequent first, those equally
    /// frequent in the order of their code points.
    ///
    /// # Errors
    /// If the text is empty, or no piece is admitted.
    pub fn from_text(text: &str, options: WordOptions) -> Result<Self, TokenizerError> {
        let mut counts = HashMap::new();
        pieces(text, WordRule::default()).for_each(|piece| count(&mut counts, piece));
        Self::of(counts, options)
    }

    /// The tokenizer of pieces and how often each occurs.
    pub(super) fn of(counts: HashMap<String, u64>, options: WordOptions) -> Result<Self, TokenizerError> {
        let WordOptions { minimum_count, maximum_size } = options;
        Self::from_tokens(most_frequent(counts, &[UNKNOWN, SPACE], minimum_count, maximum_size)?)
    }

    /// The tokenizer whose token i is `tokens[i]`.
    ///
    /// # Errors
    /// If there are no tokens or too many, if the first two are not `<unk>` and the space, if one of the others is not
    /// a single piece, or if one is listed twice.
    pub fn from_tokens(tokens: Vec<String>) -> Result<Self, TokenizerError> {
        Self::by_rule(WordRule::default(), tokens)
    }

    /// The tokenizer of `tokens`, cut by a rule.
    pub(super) fn by_rule(rule: WordRule, tokens: Vec<String>) -> Result<Self, TokenizerError> {
        check_first(&tokens, &[(UNKNOWN, "<unk>, which comes first"), (SPACE, "a space, which comes second")])?;
        if let Some(id) = (2..tokens.len()).find(|&id| pieces(&tokens[id], rule).count() != 1) {
            let token = tokens[id].clone();
            return Err(TokenizerError::Malformed { id, token, expected: "one word or one mark" });
        }
        let ids = index(&tokens)?;
        Ok(Self { tokens, ids, rule })
    }

    /// The ids of the pieces of `text`, that of [`UNKNOWN`] where there is none.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        pieces(text, self.rule).for_each(|piece| self.piece(piece, &mut ids));
        ids
    }

    /// Appends the ids of one piece.
    pub(super) fn piece(&self, piece: &str, ids: &mut Vec<u32>) {
        let [unknown, space] = [0, 1];
        match (self.ids.get(piece), piece.strip_prefix(SPACE)) {
            (Some(&id), _) => ids.push(id),
            (None, Some(word)) => ids.extend([space, self.ids.get(word).copied().unwrap_or(unknown)]),
            (None, None) => ids.push(unknown),
        }
    }

    /// The pieces of `ids` put together; U+FFFD for an id outside the vocabulary.
    pub fn decode(&self, ids: &[u32]) -> String {
        ids.iter().map(|&id| self.tokens.get(id as usize).map_or("\u{fffd}", String::as_str)).collect()
    }

    /// V, the number of different tokens.
    pub fn vocabulary(&self) -> usize {
        self.tokens.len()
    }

    /// Every token, in the order of ids.
    pub fn tokens(&self) -> impl Iterator<Item = &str> + '_ {
        self.tokens.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_words_come_first() {
        let text = "b a b a c b, a a";
        let tokenizer = WordTokenizer::from_text(text, WordOptions::default()).unwrap();
        assert_eq!(tokenizer.tokens().collect::<Vec<_>>(), [UNKNOWN, " ", " a", " b", " c", ",", "b"]);
        let often = WordOptions { minimum_count: 2, maximum_size: None };
        let tokenizer = WordTokenizer::from_text(text, often).unwrap();
        assert_eq!(tokenizer.tokens().collect::<Vec<_>>(), [UNKNOWN, " ", " a", " b"]);
        let few = WordOptions { minimum_count: 1, maximum_size: Some(3) };
        let tokenizer = WordTokenizer::from_text(text, few).unwrap();
        assert_eq!(tokenizer.tokens().collect::<Vec<_>>(), [UNKNOWN, " ", " a"]);
    }

    #[test]
    fn spaces_around_an_unknown_word_stay() {
        let tokenizer = WordTokenizer::from_text("the cat sat", WordOptions::default()).unwrap();
        assert_eq!(tokenizer.decode(&tokenizer.encode("the zebra sat")), "the <unk> sat");
        assert_eq!(tokenizer.decode(&tokenizer.encode("the the, cat")), "the the<unk> cat");
        assert_eq!(tokenizer.encode("the the").len(), 3, "without its space the second one is known");
    }
}
