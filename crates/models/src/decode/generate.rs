//! The loop that writes a text: choose a token, read it, choose the next.
//!
//! ids, a prompt, are continued by x₁, x₂, …, each chosen from softmax(z) with z the model's logits after everything
//! before it. Whatever the [`Sampling`], the text's log-probability is the model's own,
//!
//! log p = Σ ln softmax(z_t)\[x_t\],
//!
//! so that texts chosen in different ways can be compared.
//!
//! # Past the end of the context
//! A recurrent model reads on for ever. A GPT has a last position: when the next token would be one too many, the
//! model starts anew with the last half of its context, rounded up, and goes on from there. So it always sees at
//! least half a context of the past, and the cost is one reading of half a context per half a context written.
//! (Dropping only the oldest token would move every other one to a new position: the whole cache would have to be
//! computed again at every step.) A prompt longer than the context is read from its last half context likewise.

use super::sampling::{Sampling, log_probability};
use crate::{ConfigError, LanguageModel, State};
use rungs_layers::tensor::{Element, Ids, Rng};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// How many tokens of a long prompt a recurrent model reads at once, so that memory does not grow with the prompt.
const CHUNK: usize = 512;

/// How a text is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateOptions {
    /// How each token is chosen.
    pub sampling: Sampling,
    /// How long the text may and must be.
    pub length: Length,
    /// Tokens that end the text. The one that does is its last token. None is chosen before the text is long enough.
    pub stop: Vec<u32>,
}

/// How many tokens to write, at least and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    min: usize,
    max: usize,
}

impl Length {
    /// From `min` to `max` tokens.
    ///
    /// # Errors
    /// If `min` is more than `max`.
    pub fn new(min: usize, max: usize) -> Result<Self, ConfigError> {
        if min <= max {
            Ok(Self { min, max })
        } else {
            Err(ConfigError::Order { least_name: "min-tokens", least: min, most_name: "max-tokens", most: max })
        }
    }

    /// The fewest tokens.
    pub fn min(self) -> usize {
        self.min
    }

    /// The most tokens.
    pub fn max(self) -> usize {
        self.max
    }

    /// Up to `max` tokens.
    pub fn at_most(max: usize) -> Self {
        Self { min: 0, max }
    }
}

/// A text that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// Its tokens, without the prompt.
    pub ids: Vec<u32>,
    /// ln p(ids | prompt) under the model itself, whatever the sampling; 0 for no tokens.
    pub log_probability: f64,
    /// Why it ends.
    pub finish: Finish,
}

/// Why a text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It has as many tokens as it may.
    Length,
    /// A stop token was chosen, or whoever was listening had heard enough.
    Stop,
}

/// Why a text cannot be written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// A language model continues a text; it has no idea of a first token.
    #[error("the prompt is empty: there must be at least one token to go on from")]
    EmptyPrompt,
    /// A token that the model does not have.
    #[error("{what} token {id} is outside the model's vocabulary of {vocabulary}")]
    UnknownToken {
        /// Which token: of the prompt, or one to stop at.
        what: &'static str,
        /// Its id.
        id: u32,
        /// V.
        vocabulary: usize,
    },
    /// Every token of the vocabulary is a stop token, and the text must not stop yet.
    #[error("every token is a stop token, and the text must have {min} tokens or more")]
    NothingToChoose {
        /// How many tokens there must be.
        min: usize,
    },
    /// A search that cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A text that is searched for, and would be longer than the model can look back.
    #[error("{prompt} tokens of a prompt and {tokens} more do not fit the model's context of {context}")]
    Context {
        /// How many tokens the prompt has.
        prompt: usize,
        /// How many may be written.
        tokens: usize,
        /// How many the model can look at.
        context: usize,
    },
    /// The model is broken: some number in it overflowed.
    #[error("the model's logits are not finite after {tokens} tokens: its parameters are damaged or have diverged")]
    NotFinite {
        /// How many tokens had been written.
        tokens: usize,
    },
}

/// Continues `prompt`. Every token is given to `on_token` as soon as it is chosen, which can end the text there.
///
/// The same model, prompt, options and generator give the same text.
///
/// # Errors
/// See [`GenerateError`]; but for [`NotFinite`](GenerateError::NotFinite), before any token is written.
pub fn generate<E: Element>(
    model: &dyn LanguageModel<E>,
    prompt: &[u32],
    options: &GenerateOptions,
    rng: &mut Rng,
    on_token: &mut dyn FnMut(u32) -> ControlFlow<()>,
) -> Result<Generated, GenerateError> {
    let GenerateOptions { sampling, length, stop } = options;
    check(model.vocabulary(), prompt, *length, stop)?;

    let mut text = Generated { ids: Vec::new(), log_probability: 0.0, finish: Finish::Length };
    if length.max == 0 {
        return Ok(text);
    }
    let model = model.frozen();
    let mut reader = Reader::new(model.as_ref());
    let mut logits = reader.read(prompt);
    loop {
        if !logits.iter().all(|z| z.is_finite()) {
            return Err(GenerateError::NotFinite { tokens: text.ids.len() });
        }
        let mut allowed = logits.clone();
        if text.ids.len() + 1 < length.min {
            stop.iter().for_each(|&id| allowed[id as usize] = f64::NEG_INFINITY);
        }
        let id = sampling.choose(&mut allowed, rng);
        text.log_probability += log_probability(&logits, id);
        text.ids.push(id);
        if on_token(id).is_break() || stop.contains(&id) {
            text.finish = Finish::Stop;
            return Ok(text);
        }
        if text.ids.len() == length.max {
            return Ok(text);
        }
        logits = reader.read(&[id]);
    }
}

pub(super) fn check(vocabulary: usize, prompt: &[u32], length: Length, stop: &[u32]) -> Result<(), GenerateError> {
    if prompt.is_empty() {
        return Err(GenerateError::EmptyPrompt);
    }
    for (what, ids) in [("prompt", prompt), ("stop", stop)] {
        if let Some(&id) = ids.iter().find(|&&id| id as usize >= vocabulary) {
            return Err(GenerateError::UnknownToken { what, id, vocabulary });
        }
    }
    let min = length.min;
    let distinct: BTreeSet<u32> = stop.iter().copied().collect();
    if min > 1 && distinct.len() == vocabulary { Err(GenerateError::NothingToChoose { min }) } else { Ok(()) }
}

/// A model in the middle of a text.
struct Reader<'m, E: Element> {
    model: &'m dyn LanguageModel<E>,
    state: State<E>,
    /// What the state has read, if the model can only look back so far.
    window: Vec<u32>,
}

impl<'m, E: Element> Reader<'m, E> {
    fn new(model: &'m dyn LanguageModel<E>) -> Self {
        Self { model, state: model.start(1), window: Vec::new() }
    }

    /// Reads on; the logits of what comes next.
    fn read(&mut self, ids: &[u32]) -> Vec<f64> {
        let Some(context) = self.model.context() else {
            return ids.chunks(CHUNK).map(|ids| self.step(ids)).last().expect("something to read");
        };
        self.window.extend_from_slice(ids);
        if self.window.len() <= context {
            return self.step(ids);
        }
        self.window.drain(..self.window.len() - context.div_ceil(2));
        self.state = self.model.start(1);
        let window = self.window.clone();
        self.step(&window)
    }

    fn step(&mut self, ids: &[u32]) -> Vec<f64> {
        let ids = Ids::new(ids.to_vec(), [1, ids.len()]);
        let logits = self.model.step(&ids, &mut self.state); // (1, V)
        logits.to_vec().into_iter().map(E::to_f64).collect()
    }
}
