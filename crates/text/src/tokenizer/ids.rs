//! Every token is its number: what is left to say of a model that came without a tokenizer.
//!
//! A text is ids with spaces between them, `5 9 12`.

use super::token_list::check_size;
use crate::error::TokenizerError;
use std::fmt::Write;

/// Every token is its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdTokenizer {
    vocabulary: usize,
}

impl IdTokenizer {
    /// The tokenizer of ids below `vocabulary`.
    ///
    /// # Errors
    /// If there would be no id, or too many.
    pub fn new(vocabulary: usize) -> Result<Self, TokenizerError> {
        check_size(vocabulary).map(|()| Self { vocabulary })
    }

    /// The ids that a text lists.
    ///
    /// # Errors
    /// If a word of it is no id of the vocabulary.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let vocabulary = self.vocabulary;
        let id = |word: &str| {
            let id = word.parse::<u32>().ok().filter(|&id| (id as usize) < vocabulary);
            id.ok_or_else(|| {
                TokenizerError::Text(format!(
                    "{word:?} is not a token id below {vocabulary}: this model has no tokenizer, its texts are ids \
                     with spaces between"
                ))
            })
        };
        text.split_whitespace().map(id).collect()
    }

    /// The ids as numbers, a space after each.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut text = String::new();
        ids.iter().for_each(|id| write!(text, "{id} ").expect("a String takes all that is written to it"));
        text
    }

    /// V, the number of different tokens.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tokenizer;

    #[test]
    fn ids_are_written_as_numbers_and_read_back() {
        let tokenizer = Tokenizer::Ids(IdTokenizer::new(100).unwrap());
        assert_eq!(tokenizer.decode(&[5, 9, 12]), "5 9 12 ");
        assert_eq!(tokenizer.encode("5 9\n12 ").unwrap(), [5, 9, 12]);
        let mut stream = tokenizer.stream();
        assert_eq!([stream.push(5), stream.push(99)], ["5 ", "99 "]);
        for word in ["100", "-1", "x", "4294967296"] {
            let error = tokenizer.encode(&format!("5 {word}")).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{word:?} is not a token id below 100")), "{error}");
        }
        assert_eq!(Tokenizer::from_json(&tokenizer.to_json()).unwrap(), tokenizer);
        for json in [
            r#"{"format": 1, "kind": "ids"}"#,
            r#"{"format": 1, "kind": "ids", "vocabulary": 0}"#,
            r#"{"format": 1, "kind": "ids", "vocabulary": 3, "tokens": ["a"]}"#,
            r#"{"format": 1, "kind": "char", "vocabulary": 3, "tokens": ["a"]}"#,
        ] {
            assert!(Tokenizer::from_json(json).is_err(), "{json}");
        }
    }
}
