//! What a run learns from, whatever it was made of.

use super::tokenizers::Tokenizers;
use crate::Error;
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
/// | [`Corpus::of_turns`] | questions and answers: see [`prompts`](super::prompts) | answers |
#[derive(Clone, Debug)]
pub struct Corpus {
    /// What its token ids stand for.
    pub tokenizers: Tokenizers,
    /// The ids.
    pub parts: Parts,
    /// What is not learnt.
    pub left_out: LeftOut,
}

/// What is trained on, and what is held out.
#[derive(Clone, Debug)]
pub enum Parts {
    /// Two parts of a text, or two texts.
    Text {
        /// The part to train on.
        train: TokenIds,
        /// The part held out.
        validation: TokenIds,
    },
    /// Examples.
    Examples {
        /// The part to train on.
        train: Arc<[Example]>,
        /// The part held out.
        validation: Arc<[Example]>,
    },
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
    /// How many examples there are to learn and to validate on; none of a text.
    pub fn examples(&self) -> Option<usize> {
        match &self.parts {
            Parts::Text { .. } => None,
            Parts::Examples { train, validation } => Some(train.len() + validation.len()),
        }
    }

    /// That it is what these settings learn from.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), Error> {
        match (&self.parts, &self.tokenizers.source, settings.prompts.is_some()) {
            (Parts::Examples { .. }, None, false) => {
                Err(Error::setting("task", "these are answers to learn, and the settings have no template"))
            }
            (Parts::Text { .. }, _, true) => {
                Err(Error::setting("task", "this is a text, and the settings have a template for answers"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
impl Parts {
    /// Both parts of a text.
    pub(crate) fn ids(&self) -> [Vec<u32>; 2] {
        let Self::Text { train, validation } = self else { panic!("a text") };
        [train, validation].map(|ids| ids.to_vec().unwrap())
    }

    /// Both parts of examples.
    pub(crate) fn examples(&self) -> [&[Example]; 2] {
        let Self::Examples { train, validation } = self else { panic!("examples") };
        [train, validation]
    }
}
