//! What a run learns from: a text or pairs of texts, made into tokens, with a part held out.

use crate::Error;
use crate::corpus::Corpus;
use crate::model::{GOES_ON, TRANSLATES};
use crate::models::{PairVocabulary, SequenceVocabulary, Tokenizer, Unit, WordOptions};
use crate::pairs::TextPair;
use crate::settings::{Learns, Settings, TokenizerKind};
use crate::trainer::data::Pair;
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
    /// If no pair is left to train on, or to validate on.
    pub fn new(train: &[TextPair], validation: &[TextPair], settings: &Settings) -> Result<Self, Error> {
        let pairs = settings.pair_settings()?;
        let unit = match settings.tokenizer {
            TokenizerKind::Char => Unit::Char,
            TokenizerKind::Word => Unit::Word,
        };
        let vocabulary = |side: fn(&TextPair) -> &str| {
            let options = WordOptions { minimum_count: pairs.min_count, maximum_size: None };
            SequenceVocabulary::from_texts(train.iter().map(side), unit, options)
        };
        let vocabularies =
            PairVocabulary { source: vocabulary(|pair| &pair.source)?, target: vocabulary(|pair| &pair.target)? };
        let mut too_long = 0;
        let mut encode = |part: &str, texts: &[TextPair]| {
            let ids =
                |pair: &TextPair| (vocabularies.source.encode(&pair.source), vocabularies.target.encode(&pair.target));
            let short = |pair: &Pair| pair.0.len() <= settings.context && pair.1.len() <= settings.context;
            let kept: Vec<Pair> = texts.iter().map(ids).filter(short).collect();
            too_long += texts.len() - kept.len();
            match kept.is_empty() {
                true => Err(Error::Text(format!("no pair of the {part} part has at most {} tokens", settings.context))),
                false => Ok(Arc::<[Pair]>::from(kept)),
            }
        };
        let (train, validation) = (encode("training", train)?, encode("validation", validation)?);
        Ok(Self { vocabularies, train, validation, too_long })
    }
}

/// What a run learns from.
#[derive(Clone, Debug)]
pub enum Data {
    /// A text.
    Text(Corpus),
    /// Pairs of texts.
    Pairs(PairCorpus),
}

impl From<Corpus> for Data {
    fn from(corpus: Corpus) -> Self {
        Self::Text(corpus)
    }
}

impl From<PairCorpus> for Data {
    fn from(corpus: PairCorpus) -> Self {
        Self::Pairs(corpus)
    }
}

impl Data {
    /// What its tokens are.
    pub fn tokens(&self) -> Tokens {
        match self {
            Self::Text(corpus) => Tokens::Text(corpus.tokenizer.clone()),
            Self::Pairs(corpus) => Tokens::Pairs(corpus.vocabularies.clone()),
        }
    }
}

/// What a run's tokens are: the content of its `tokenizer.json`.
#[derive(Clone, Debug, PartialEq)]
pub enum Tokens {
    /// Of a text.
    Text(Tokenizer),
    /// Of pairs of texts.
    Pairs(PairVocabulary),
}

impl Tokens {
    /// The content of `tokenizer.json`.
    pub fn to_json(&self) -> String {
        match self {
            Self::Text(tokenizer) => tokenizer.to_json(),
            Self::Pairs(vocabularies) => vocabularies.to_json(),
        }
    }

    /// Reads what [`to_json`](Self::to_json) wrote for this rung's kind of data.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn from_json(json: &str, settings: &Settings) -> Result<Self, String> {
        match settings.rung.learns() {
            Learns::Text => Tokenizer::from_json(json).map(Self::Text).map_err(|e| e.to_string()),
            Learns::Pairs => PairVocabulary::from_json(json).map(Self::Pairs).map_err(|error| error.to_string()),
        }
    }

    /// The tokenizer of a text.
    ///
    /// # Errors
    /// If the tokens are those of pairs.
    pub fn text(&self) -> Result<&Tokenizer, Error> {
        match self {
            Self::Text(tokenizer) => Ok(tokenizer),
            Self::Pairs(_) => Err(Error::Text(TRANSLATES.to_owned())),
        }
    }

    /// The vocabularies of pairs.
    ///
    /// # Errors
    /// If the tokens are those of a text.
    pub fn pairs(&self) -> Result<&PairVocabulary, Error> {
        match self {
            Self::Pairs(vocabularies) => Ok(vocabularies),
            Self::Text(_) => Err(Error::Text(GOES_ON.to_owned())),
        }
    }
}

impl Settings {
    /// How many parameters a model with these tokens has.
    ///
    /// # Errors
    /// If its sizes cannot be.
    pub fn parameter_count(&self, tokens: &Tokens) -> Result<u64, Error> {
        match tokens {
            Tokens::Text(tokenizer) => self.model(tokenizer.vocabulary())?.parameter_count(),
            Tokens::Pairs(PairVocabulary { source, target }) => {
                self.pair_model([source.size(), target.size()])?.parameter_count()
            }
        }
    }
}
