//! What a text is generated from.

use crate::config::{ConfigError, check};
use crate::language_model::LanguageModel;
use rungs_layers::tensor::Element;

/// What a text is generated from: the tokens that it goes on from and, if the model translates, the source.
///
/// ```
/// use rungs_models::sampling::Prompt;
///
/// assert_eq!(Prompt::from(&[3, 1]), Prompt { source: None, ids: &[3, 1] }); // any slice of ids is a prompt
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prompt<'a> {
    /// The source of a translation.
    pub source: Option<&'a [u32]>,
    /// The tokens that the text goes on from: one at least. Of a translation, the token that begins every target, and
    /// perhaps the first of the target's own.
    pub ids: &'a [u32],
}

impl<'a, T: AsRef<[u32]> + ?Sized> From<&'a T> for Prompt<'a> {
    fn from(ids: &'a T) -> Self {
        Self { source: None, ids: ids.as_ref() }
    }
}

impl Prompt<'_> {
    /// Checks that a model can go on from it with up to `most` tokens.
    ///
    /// # Errors
    /// If there is no token, or one is outside the vocabulary; if there is a source and the model goes on with texts,
    /// or none and it translates; or if a source or its target is longer than the model's context.
    pub fn check<E: Element>(&self, model: &dyn LanguageModel<E>, most: usize) -> Result<(), ConfigError> {
        check_ids("prompt", self.ids, model.vocabulary())?;
        match (self.source, model.source_vocabulary()) {
            (None, None) => Ok(()),
            (Some(source), Some(vocabulary)) => {
                check_ids("source", source, vocabulary)?;
                // The first token is the start, and the last is written and not read.
                model.check_lengths(source.len(), (self.ids.len() + most).saturating_sub(2))
            }
            (Some(_), None) => Err(ConfigError::new("the model goes on with texts, and is given a source")),
            (None, Some(_)) => Err(ConfigError::new("the model translates, and is given no source")),
        }
    }
}

/// Checks that there are ids, of the prompt or of a source, and that all are in the vocabulary.
fn check_ids(what: &str, ids: &[u32], vocabulary: usize) -> Result<(), ConfigError> {
    check(!ids.is_empty(), || format!("the {what} is empty: there must be at least one token to go on from"))?;
    check_vocabulary(what, ids, vocabulary)
}

/// Checks that all ids are in the vocabulary.
pub(super) fn check_vocabulary(what: &str, ids: &[u32], vocabulary: usize) -> Result<(), ConfigError> {
    ids.iter().try_for_each(|&id| {
        check((id as usize) < vocabulary, || {
            format!("{what} token {id} is outside the model's vocabulary of {vocabulary}")
        })
    })
}
