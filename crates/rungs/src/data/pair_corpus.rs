//! Pairs of texts made into token ids, with a part held out.

use super::corpus::{Corpus, LeftOut};
use super::tokenizers::Tokenizers;
use crate::settings::{Examples, Settings, TokenizerKind};
use crate::text::{SentenceTokenizer, Unit, WordOptions};
use crate::{Error, TextPair};

impl Corpus {
    /// Pairs to translate, made into ids by tokenizers that there are already or by those of the settings. These are
    /// learnt from the training pairs alone: a token that only the held-out part has is unknown.
    ///
    /// # Errors
    /// If no pair is left to train on, or to validate on, or if the tokenizer of the settings cannot be had.
    pub fn of_pairs(
        train: &[TextPair],
        validation: &[TextPair],
        tokenizers: Option<Tokenizers>,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let tokenizers = tokenizers.map_or_else(|| learnt_tokenizers(settings, train), Ok)?;
        let [source, target] = tokenizers.pair()?;
        if settings.model.ties_all() && source != target {
            let problem = "all needs one vocabulary for sources and targets, and this tokenizer has two";
            return Err(Error::setting("tied", problem));
        }
        let context = settings.context();
        let make = |pair: &TextPair, left_out: &mut LeftOut| {
            let example = tokenizers.example(pair)?;
            // A target is read after a start token.
            let fits = example.source().is_some_and(|source| source.len() <= context) && example.steps() <= context + 1;
            left_out.too_long += usize::from(!fits);
            Ok(fits.then_some(example))
        };
        let nothing = |part: &str, _: &LeftOut| format!("no pair of the {part} part has at most {context} tokens");
        Self::of_examples(tokenizers.clone(), [train, validation], make, nothing)
    }
}

/// The tokenizers of the settings: two of characters or of words, or one of byte pairs, learnt from both sides.
fn learnt_tokenizers(settings: &Settings, train: &[TextPair]) -> Result<Tokenizers, Error> {
    let sources = train.iter().map(|pair| pair.source.as_str());
    let targets = train.iter().map(|pair| pair.target.as_str());
    let unit = match &settings.data.tokenizer {
        TokenizerKind::Char => Unit::Char,
        TokenizerKind::Word => Unit::Word,
        TokenizerKind::Bpe(size) => {
            let shared = SentenceTokenizer::bpe_from_texts(sources.chain(targets), *size)?;
            return Ok([shared.clone(), shared].into());
        }
        TokenizerKind::Folder(path) => return Tokenizers::open(path, true),
    };
    let Examples::Pairs { min_count: minimum_count, .. } = settings.data.examples else { return Err(Error::goes_on()) };
    let options = WordOptions { minimum_count, maximum_size: None };
    let source = SentenceTokenizer::from_texts(sources, unit, options)?;
    Ok([source, SentenceTokenizer::from_texts(targets, unit, options)?].into())
}

#[cfg(test)]
mod tests;
