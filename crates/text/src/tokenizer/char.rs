//! Every character is a token.
//!
//! The smallest vocabulary there is, and no word is unknown; but the model has to learn spelling before it can learn
//! anything else, and its memory has to reach five times as far as one that reads words.
//!
//! A character is a Unicode scalar value (Rust's `char`). Ids follow code points: the vocabulary is sorted.

use super::token_list::index;
use crate::error::TokenizerError;
use std::collections::{BTreeSet, HashMap};

/// Every character is a token.
#[derive(Debug, Clone, PartialEq)]
pub struct CharTokenizer {
    /// The character of every id.
    characters: Vec<char>,
    /// The id of every character.
    ids: HashMap<char, u32>,
}

impl CharTokenizer {
    /// The tokenizer whose tokens are the distinct characters of `text`, sorted.
    ///
    /// # Errors
    /// If the text is empty.
    pub fn from_text(text: &str) -> Result<Self, TokenizerError> {
        Self::of(text.chars().collect())
    }

    /// The tokenizer of these characters.
    pub(super) fn of(characters: BTreeSet<char>) -> Result<Self, TokenizerError> {
        match characters.is_empty() {
            true => Err(TokenizerError::EmptyText),
            false => Self::new(characters.into_iter().collect()),
        }
    }

    /// The tokenizer whose token i is the only character of `tokens[i]`.
    ///
    /// # Errors
    /// If there are no tokens or too many, if one is not a single character, or if one is listed twice.
    pub fn from_tokens(tokens: &[impl AsRef<str>]) -> Result<Self, TokenizerError> {
        let only_character = |(id, token): (usize, &str)| {
            let mut characters = token.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => Ok(character),
                _ => Err(TokenizerError::Malformed { id, token: token.to_owned(), expected: "one character" }),
            }
        };
        Self::new(tokens.iter().map(AsRef::as_ref).enumerate().map(only_character).collect::<Result<_, _>>()?)
    }

    fn new(characters: Vec<char>) -> Result<Self, TokenizerError> {
        Ok(Self { ids: index(&characters)?, characters })
    }

    /// The id of every character of `text`.
    ///
    /// # Errors
    /// If a character is not in the vocabulary: it and its position are named.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let id = |(position, character)| {
            let vocabulary = self.vocabulary();
            let unknown = TokenizerError::UnknownCharacter { character, position, vocabulary };
            self.ids.get(&character).copied().ok_or(unknown)
        };
        text.chars().enumerate().map(id).collect()
    }

    /// The characters of `ids`; U+FFFD for an id outside the vocabulary.
    pub fn decode(&self, ids: &[u32]) -> String {
        let character = |&id: &u32| self.characters.get(id as usize).copied().unwrap_or(char::REPLACEMENT_CHARACTER);
        ids.iter().map(character).collect()
    }

    /// V, the number of different characters.
    pub fn vocabulary(&self) -> usize {
        self.characters.len()
    }

    /// Every character, in the order of ids.
    pub fn tokens(&self) -> impl Iterator<Item = char> + '_ {
        self.characters.iter().copied()
    }
}
