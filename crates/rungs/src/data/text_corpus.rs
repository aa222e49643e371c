//! A text made into token ids: the part to train on and the part held out.

use super::corpus::{Corpus, LeftOut, Parts};
use super::tokenizers::Tokenizers;
use crate::Error;
use crate::settings::{Settings, TokenizerKind};
use crate::text::tokenizer::PieceLearner;
use crate::text::{Tokenizer, WordOptions};
use crate::trainer::data::TokenIds;

/// Which words are known: those that occur once cannot be learnt well.
const WORDS: WordOptions = WordOptions { minimum_count: 2, maximum_size: None };

impl Corpus {
    /// [`of_text`](Self::of_text) with the tokenizer of the settings.
    ///
    /// # Errors
    /// As [`of_text`](Self::of_text).
    pub fn new(text: &str, validation: Option<&str>, settings: &Settings) -> Result<Self, Error> {
        Self::of_text(text, validation, None, settings)
    }

    /// Holds out the end of `text`, as large a share as the settings say, or takes `validation` where it is given. Both
    /// are made into ids by a tokenizer that there is already, or by that of the settings.
    ///
    /// The cut is made between characters, at the first ⌊n · (1 − share)⌋ of n. A vocabulary of characters is that of
    /// both parts, so that the held-out part has no unknown one; words and byte pairs are counted in the part to train
    /// on alone.
    ///
    /// # Errors
    /// If a part has fewer than two tokens (one to read and one to predict) or a character that the tokenizer does not
    /// know, or the tokenizer of the settings cannot be had.
    pub fn of_text(
        text: &str,
        validation: Option<&str>,
        tokenizer: Option<Tokenizer>,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let share = settings.data.validation_split;
        let (train, held_out) = validation.map_or_else(|| split(text, share), |held_out| (text, held_out));
        let tokenizer = match tokenizer {
            Some(tokenizer) => tokenizer,
            None => learnt(&settings.data.tokenizer, settings.data.examples.documents(), &mut |learner, both| {
                learner.push(train)?;
                if both { Ok(learner.push(held_out)?) } else { Ok(()) }
            })?,
        };
        check_separator(&tokenizer, settings)?;
        let parts = [tokenizer.encode(train)?, tokenizer.encode(held_out)?].map(TokenIds::from);
        Self::of_ids(tokenizer, parts)
    }

    pub(super) fn of_ids(tokenizer: Tokenizer, parts: [TokenIds; 2]) -> Result<Self, Error> {
        for (part, ids) in ["training", "validation"].into_iter().zip(&parts) {
            if ids.len() < 2 {
                return Err(Error::Text(format!("too short: its {part} part has {} tokens, 2 are needed", ids.len())));
            }
        }
        Ok(Self { tokenizers: tokenizer.into(), parts: Parts::Text(parts), left_out: LeftOut::default() })
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

/// A tokenizer of this kind, learnt from what `read` pushes: the part to train on, and if it is told so the other part
/// too. Characters are those of both. Words and byte pairs are counted in what may be learnt from alone: a word that
/// only the held-out part has is unknown. What `separates` documents is one token of byte pairs.
pub(super) fn learnt(
    kind: &TokenizerKind,
    separates: Option<&str>,
    read: &mut dyn FnMut(&mut PieceLearner, bool) -> Result<(), Error>,
) -> Result<Tokenizer, Error> {
    let (mut learner, both) = match kind {
        TokenizerKind::Char => (PieceLearner::chars(), true),
        TokenizerKind::Word => (PieceLearner::words(WORDS), false),
        TokenizerKind::Bpe(size) => (PieceLearner::bpe(*size, separates)?, false),
        TokenizerKind::Folder(path) => return Ok(Tokenizers::open(path, false)?.target),
    };
    read(&mut learner, both)?;
    Ok(learner.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rung;

    #[test]
    fn the_end_is_held_out_and_no_character_is_lost() {
        let text = "abcdefghé".repeat(10);
        let corpus = Corpus::new(&text, None, &Settings::of(Rung::Rnn)).unwrap();
        let [train, validation] = corpus.parts.ids();
        assert_eq!((train.len(), validation.len()), (81, 9));
        let both = [train, validation.clone()].concat();
        assert_eq!(corpus.tokenizers.target.decode(&both), text);
        assert_eq!(characters_per_token("abcdefghé", &validation), 1.0);
    }

    #[test]
    fn a_text_for_validation_shares_the_vocabulary() {
        let corpus = Corpus::new("aaaa", Some("abcz"), &Settings::of(Rung::Rnn)).unwrap();
        assert_eq!(corpus.parts.ids().map(|ids| ids.len()), [4, 4]);
        assert_eq!(corpus.tokenizers.target.vocabulary(), 4);
    }

    #[test]
    fn words_have_more_than_one_character() {
        let mut settings = Settings::of(Rung::Rnn);
        settings.data.tokenizer = TokenizerKind::Word;
        let text = "the cat sat on the mat. ".repeat(20);
        let corpus = Corpus::new(&text, None, &settings).unwrap();
        let per_token = characters_per_token(&text[text.len() * 9 / 10..], &corpus.parts.ids()[1]);
        assert!(per_token > 2.0, "{per_token}");
    }

    #[test]
    fn byte_pairs_are_more_than_a_character_or_less() {
        let mut settings = Settings::of(Rung::Rnn);
        settings.data.tokenizer = TokenizerKind::Bpe(260);
        let text = "the cat sat on the mat. ".repeat(20);
        let corpus = Corpus::new(&text, Some("the 猫"), &settings).unwrap();
        // "the" and " " are a token each, and so is every byte of 猫; the characters are 5.
        let ([train, validation], tokenizer) = (corpus.parts.ids(), corpus.tokenizers.target.clone());
        assert_eq!((validation.len(), characters_per_token("the 猫", &validation)), (5, 1.0));
        let again = Corpus::of_text(&text, Some("the the"), Some(tokenizer), &settings).unwrap();
        let [same, validation] = again.parts.ids();
        assert_eq!((same, characters_per_token("the the", &validation)), (train, 7.0 / 2.0));
    }

    #[test]
    fn a_part_of_one_token_is_too_short() {
        for text in ["", "a", "abcdefghij"] {
            let error = Corpus::new(text, None, &Settings::of(Rung::Rnn)).unwrap_err().to_string();
            assert!(error.contains("short") || error.contains("empty"), "{error}");
        }
    }
}
