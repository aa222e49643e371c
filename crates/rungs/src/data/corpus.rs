//! What a run learns from, whatever it was made of.

use super::tokenizers::Tokenizers;
use crate::Error;
use crate::measures::bigram::Bigram;
use crate::settings::Settings;
use crate::trainer::data::{Example, TokenIds};
use std::sync::Arc;

/// Token ids to learn from, a part to train on and a part to validate on, with the tokenizers that made them.
///
/// | made by | of | for a model that |
/// |---|---|---|
/// | [`Corpus::new`], [`Corpus::of_text`] | a text | goes on with texts |
/// | [`Corpus::streamed`] | a text that is larger than memory: see [`streaming`](super::streaming) | does, too |
/// | [`Corpus::of_pairs`] | pairs of texts | translates |
/// | [`Corpus::of_turns`] | questions and answers: see [`prompts`](super::prompts) | answers questions |
#[derive(Clone, Debug)]
pub struct Corpus {
    /// What its token ids stand for.
    pub tokenizers: Tokenizers,
    /// The ids.
    pub parts: Parts,
    /// What is not learnt.
    pub left_out: LeftOut,
}

/// The training part and the validation part, in this order.
#[derive(Clone, Debug)]
pub enum Parts {
    /// Two parts of a text, or two texts.
    Text([TokenIds; 2]),
    /// Examples.
    Examples([Arc<[Example]>; 2]),
}

/// What of pairs or dialogues is not learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many have more tokens than the settings' context.
    pub too_long: usize,
    /// How many have a character that the vocabulary lacks.
    pub unknown: usize,
    /// The first of these characters.
    pub character: Option<char>,
    /// How many dialogues are learnt without their first turns, since they have more tokens than the context.
    pub shortened: usize,
}

impl LeftOut {
    /// How many are not learnt at all.
    pub fn count(&self) -> usize {
        self.too_long + self.unknown
    }
}

impl Corpus {
    /// The examples that `make` makes of what is to be learnt, counting what it leaves out; `nothing` says why a part
    /// has none.
    pub(super) fn of_examples<T>(
        tokenizers: Tokenizers,
        [train, validation]: [&[T]; 2],
        make: impl Fn(&T, &mut LeftOut) -> Result<Option<Example>, Error>,
        nothing: impl Fn(&str, &LeftOut) -> String,
    ) -> Result<Self, Error> {
        let mut left_out = LeftOut::default();
        let mut part = |name: &str, all: &[T]| {
            let examples = all.iter().filter_map(|one| make(one, &mut left_out).transpose());
            let examples = examples.collect::<Result<Arc<[_]>, _>>()?;
            if examples.is_empty() { Err(Error::Text(nothing(name, &left_out))) } else { Ok(examples) }
        };
        let parts = Parts::Examples([part("training", train)?, part("validation", validation)?]);
        Ok(Self { tokenizers, parts, left_out })
    }

    /// How many examples there are to learn and to validate on; none of a text.
    pub fn examples(&self) -> Option<usize> {
        let Parts::Examples([train, validation]) = &self.parts else { return None };
        Some(train.len() + validation.len())
    }

    /// Bits per token of the held-out text under a [bigram model](Bigram) of the training text; none of examples.
    ///
    /// # Errors
    /// If the ids are in a file that cannot be read.
    pub fn bigram_bits(&self) -> Result<Option<f64>, Error> {
        let Parts::Text([train, validation]) = &self.parts else { return Ok(None) };
        let bigram = Bigram::fit(&train.to_vec()?, self.tokenizers.target.vocabulary());
        Ok(Some(bigram.bits_per_token(&validation.to_vec()?)))
    }

    /// That it is what these settings learn from.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), Error> {
        let problem = match (&self.parts, &self.tokenizers.source, settings.prompts().is_some()) {
            (Parts::Examples(_), None, false) => "these are answers to learn, and the settings have no template",
            (Parts::Text(_), _, true) => "this is a text, and the settings have a template for answers",
            _ => return Ok(()),
        };
        Err(Error::setting("task", problem))
    }
}

#[cfg(test)]
impl Parts {
    /// Both parts of a text.
    pub(crate) fn ids(&self) -> [Vec<u32>; 2] {
        let Self::Text(parts) = self else { panic!("a text") };
        parts.each_ref().map(|ids| ids.to_vec().unwrap())
    }

    /// Both parts of examples.
    pub(crate) fn examples(&self) -> [&[Example]; 2] {
        let Self::Examples(parts) = self else { panic!("examples") };
        parts.each_ref().map(|examples| &examples[..])
    }
}
