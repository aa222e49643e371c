//! A text made ready to learn from: its tokenizer, the part to train on and the part held out.

use super::tokens::Tokens;
use crate::Error;
use crate::settings::{Settings, TokenizerKind};
use crate::text::tokenizer::BpeTokenizer;
use crate::text::{Tokenizer, WordOptions};
use std::sync::Arc;

/// Which words are known: those that occur once cannot be learnt well.
pub(crate) const WORDS: WordOptions = WordOptions { minimum_count: 2, maximum_size: None };

/// A text as token ids, in a part to train on and a part to validate on.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// What a token is.
    pub tokenizer: Tokenizer,
    /// The part to train on.
    pub train: Arc<[u32]>,
    /// The part held out.
    pub validation: Arc<[u32]>,
    /// How many characters of the held-out text a token stands for, on average: 1 for a character tokenizer.
    pub characters_per_token: f64,
}

impl Corpus {
    /// Holds out the end of `text`, as large a share as the settings say, or takes `validation` where it is given.
    ///
    /// The cut is made between characters, at the first ⌊n · (1 − share)⌋ of n. A vocabulary of characters is that of
    /// both parts, so that the held-out part has no unknown one; words and byte pairs are counted in the part to train
    /// on alone.
    ///
    /// # Errors
    /// If a part has fewer than two tokens (one to read and one to predict), or the tokenizer of the settings cannot be
    /// had.
    pub fn new(text: &str, validation: Option<&str>, settings: &Settings) -> Result<Self, Error> {
        let (train, held_out) = parts(text, validation, settings);
        Self::of_parts(tokenizer(settings, train, held_out)?, train, held_out, settings)
    }

    /// The same with a tokenizer that there is already.
    ///
    /// # Errors
    /// If a part has fewer than two tokens, or a character that the tokenizer does not know.
    pub fn with_tokenizer(
        tokenizer: Tokenizer,
        text: &str,
        validation: Option<&str>,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let (train, held_out) = parts(text, validation, settings);
        Self::of_parts(tokenizer, train, held_out, settings)
    }

    fn of_parts(tokenizer: Tokenizer, train: &str, held_out: &str, settings: &Settings) -> Result<Self, Error> {
        check_separator(&tokenizer, settings)?;
        let [train, validation] = [tokenizer.encode(train)?, tokenizer.encode(held_out)?].map(Arc::<[u32]>::from);
        for (part, tokens) in [("training", &train), ("validation", &validation)] {
            if tokens.len() < 2 {
                let problem = format!("too short: its {part} part has {} tokens, 2 are needed", tokens.len());
                return Err(Error::Text(problem));
            }
        }
        let characters_per_token = characters_per_token(held_out, &validation);
        Ok(Self { tokenizer, train, validation, characters_per_token })
    }
}

/// How many characters of `text` each of its tokens stands for, on average.
pub fn characters_per_token(text: &str, tokens: &[u32]) -> f64 {
    text.chars().count() as f64 / tokens.len().max(1) as f64
}

/// How many bytes of `text`, which is UTF-8, each of its tokens stands for, on average.
pub fn bytes_per_token(text: &str, tokens: &[u32]) -> f64 {
    text.len() as f64 / tokens.len().max(1) as f64
}

/// What is trained on, and what is held out.
fn parts<'t>(text: &'t str, validation: Option<&'t str>, settings: &Settings) -> (&'t str, &'t str) {
    match validation {
        Some(validation) => (text, validation),
        None => split(text, settings.data.validation_split),
    }
}

/// The first ⌊n · (1 − share)⌋ characters, and the rest.
fn split(text: &str, share: f64) -> (&str, &str) {
    let train = (text.chars().count() as f64 * (1.0 - share)) as usize;
    let middle = text.char_indices().nth(train).map_or(text.len(), |(at, _)| at);
    text.split_at(middle)
}

/// That what stands between documents is one token, if there is anything.
pub(crate) fn check_separator(tokenizer: &Tokenizer, settings: &Settings) -> Result<(), Error> {
    let Some(separator) = settings.data.examples.documents() else { return Ok(()) };
    let tokens = match tokenizer.encode(separator) {
        Ok(ids) if ids.len() == 1 => return Ok(()),
        Ok(ids) => format!("{} tokens", ids.len()),
        Err(_) => "unknown".to_owned(),
    };
    let kind = tokenizer.kind();
    let problem =
        format!("{separator:?} must be one token, but is {tokens} to this tokenizer of {kind}; bpe:N makes it one");
    Err(Error::setting("documents", problem))
}

fn tokenizer(settings: &Settings, train: &str, validation: &str) -> Result<Tokenizer, Error> {
    Ok(match &settings.data.tokenizer {
        TokenizerKind::Char => Tokenizer::char_from(&[train, validation].concat())?,
        // Words are counted in what may be learnt from alone: a word that only the held-out part has is unknown.
        TokenizerKind::Word => Tokenizer::word_from(train, WORDS)?,
        TokenizerKind::Bpe(size) => match settings.data.examples.documents() {
            Some(separator) => BpeTokenizer::from_documents(train, separator, *size)?.into(),
            None => Tokenizer::bpe_from(train, *size)?,
        },
        TokenizerKind::Folder(path) => Tokens::open(path, false)?.text()?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rung;

    #[test]
    fn the_end_is_held_out_and_no_character_is_lost() {
        let text = "abcdefghé".repeat(10);
        let corpus = Corpus::new(&text, None, &Settings::of(Rung::Rnn)).unwrap();
        assert_eq!((corpus.train.len(), corpus.validation.len()), (81, 9));
        let both = [&corpus.train[..], &corpus.validation[..]].concat();
        assert_eq!(corpus.tokenizer.decode(&both), text);
        assert_eq!(corpus.characters_per_token, 1.0);
    }

    #[test]
    fn a_text_for_validation_shares_the_vocabulary() {
        let corpus = Corpus::new("aaaa", Some("abcz"), &Settings::of(Rung::Rnn)).unwrap();
        assert_eq!((corpus.train.len(), corpus.validation.len()), (4, 4));
        assert_eq!(corpus.tokenizer.vocabulary(), 4);
    }

    #[test]
    fn words_have_more_than_one_character() {
        let mut settings = Settings::of(Rung::Rnn);
        settings.data.tokenizer = TokenizerKind::Word;
        let corpus = Corpus::new(&"the cat sat on the mat. ".repeat(20), None, &settings).unwrap();
        assert!(corpus.characters_per_token > 2.0, "{}", corpus.characters_per_token);
    }

    #[test]
    fn byte_pairs_are_more_than_a_character_or_less() {
        let mut settings = Settings::of(Rung::Rnn);
        settings.data.tokenizer = TokenizerKind::Bpe(260);
        let text = "the cat sat on the mat. ".repeat(20);
        let corpus = Corpus::new(&text, Some("the 猫"), &settings).unwrap();
        // "the" and " " are a token each, and so is every byte of 猫; the characters are 5.
        assert_eq!((corpus.validation.len(), corpus.characters_per_token), (5, 1.0));
        let again = Corpus::with_tokenizer(corpus.tokenizer.clone(), &text, Some("the the"), &settings).unwrap();
        assert_eq!((again.train, again.characters_per_token), (corpus.train, 7.0 / 2.0));
    }

    #[test]
    fn a_part_of_one_token_is_too_short() {
        for text in ["", "a", "abcdefghij"] {
            let error = Corpus::new(text, None, &Settings::of(Rung::Rnn)).unwrap_err().to_string();
            assert!(error.contains("short") || error.contains("empty"), "{error}");
        }
    }
}
