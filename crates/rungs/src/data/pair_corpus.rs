//! Pairs of texts made into token ids, with a part held out.

use super::corpus::{Corpus, LeftOut, Parts};
use super::tokenizers::Tokenizers;
use crate::settings::{Examples, Settings, TokenizerKind};
use crate::text::{SentenceTokenizer, Unit, WordOptions};
use crate::trainer::data::Example;
use crate::{Error, TextPair};
use std::sync::Arc;

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
        let context = settings.context();
        let tokenizers = match tokenizers {
            Some(tokenizers) => tokenizers,
            None => learnt_tokenizers(settings, train)?,
        };
        let [source, target] = tokenizers.pair()?;
        if settings.model.ties_all() && source != target {
            let problem = "all needs one vocabulary for sources and targets, and this tokenizer has two";
            return Err(Error::setting("tied", problem));
        }
        let mut left_out = LeftOut::default();
        let mut part = |name: &str, pairs: &[TextPair]| {
            let mut examples = pairs.iter().map(|pair| tokenizers.example(pair)).collect::<Result<Vec<_>, _>>()?;
            examples.retain(|example| example.source().is_some_and(|source| source.len() <= context));
            // A target is read after a start token.
            examples.retain(|example| example.steps() <= context + 1);
            left_out.too_long += pairs.len() - examples.len();
            match examples.is_empty() {
                true => Err(Error::Text(format!("no pair of the {name} part has at most {context} tokens"))),
                false => Ok(Arc::<[Example]>::from(examples)),
            }
        };
        let parts = Parts::Examples { train: part("training", train)?, validation: part("validation", validation)? };
        Ok(Self { tokenizers, parts, left_out })
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
