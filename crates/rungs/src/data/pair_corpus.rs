//! Pairs of texts made into tokens, with a part held out.

use super::tokens::Tokens;
use crate::settings::{Examples, Settings, TokenizerKind};
use crate::text::{PairVocabulary, SequenceVocabulary, Unit, WordOptions};
use crate::trainer::data::Pair;
use crate::{Error, TextPair};
use std::sync::Arc;

/// Pairs of texts as token ids, in a part to train on and a part to validate on.
#[derive(Clone, Debug)]
pub struct PairCorpus {
    /// What the tokens of sources and targets are.
    pub vocabularies: PairVocabulary,
    /// The part to train on.
    pub train: Arc<[Pair]>,
    /// The part held out.
    pub validation: Arc<[Pair]>,
    /// How many pairs were left out because a text of theirs has more tokens than the settings' context.
    pub too_long: usize,
}

impl PairCorpus {
    /// Vocabularies are made of the training pairs alone: a token that only the held-out part has is unknown.
    ///
    /// # Errors
    /// If no pair is left to train on, or to validate on, or if the tokenizer of the settings cannot be had.
    pub fn new(train: &[TextPair], validation: &[TextPair], settings: &Settings) -> Result<Self, Error> {
        let vocabularies = vocabularies(settings, train)?;
        Self::with_vocabularies(vocabularies, train, validation, settings)
    }

    /// The same with vocabularies that there are already.
    ///
    /// # Errors
    /// If no pair is left to train on, or to validate on.
    pub fn with_vocabularies(
        vocabularies: PairVocabulary,
        train: &[TextPair],
        validation: &[TextPair],
        settings: &Settings,
    ) -> Result<Self, Error> {
        if settings.model.ties_all() && vocabularies.source != vocabularies.target {
            let problem = "all needs one vocabulary for sources and targets, and this tokenizer has two";
            return Err(Error::setting("tied", problem));
        }
        let mut too_long = 0;
        let mut encode = |part: &str, texts: &[TextPair]| {
            let mut kept: Vec<Pair> = texts.iter().map(|pair| vocabularies.encode(pair)).collect::<Result<_, _>>()?;
            kept.retain(|(source, target)| source.len() <= settings.context() && target.len() <= settings.context());
            too_long += texts.len() - kept.len();
            match kept.is_empty() {
                true => {
                    Err(Error::Text(format!("no pair of the {part} part has at most {} tokens", settings.context())))
                }
                false => Ok(Arc::<[Pair]>::from(kept)),
            }
        };
        let (train, validation) = (encode("training", train)?, encode("validation", validation)?);
        Ok(Self { vocabularies, train, validation, too_long })
    }
}

/// The vocabularies of the settings: two of characters or of words, or one of byte pairs, learnt from both sides.
fn vocabularies(settings: &Settings, train: &[TextPair]) -> Result<PairVocabulary, Error> {
    let sources = train.iter().map(|pair| pair.source.as_str());
    let targets = train.iter().map(|pair| pair.target.as_str());
    let unit = match &settings.data.tokenizer {
        TokenizerKind::Char => Unit::Char,
        TokenizerKind::Word => Unit::Word,
        TokenizerKind::Bpe(size) => {
            let shared = SequenceVocabulary::bpe_from_texts(sources.chain(targets), *size)?;
            return Ok(PairVocabulary::shared(shared));
        }
        TokenizerKind::Folder(path) => return Ok(Tokens::open(path, true)?.pairs()?.clone()),
    };
    let Examples::Pairs { min_count: minimum_count, .. } = settings.data.examples else { return Err(Error::goes_on()) };
    let options = WordOptions { minimum_count, maximum_size: None };
    Ok(PairVocabulary {
        source: SequenceVocabulary::from_texts(sources, unit, options)?,
        target: SequenceVocabulary::from_texts(targets, unit, options)?,
    })
}

#[cfg(test)]
mod tests;
