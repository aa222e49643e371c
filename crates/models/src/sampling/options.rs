//! How a text is to be written, and what comes of it.

use super::error::SampleError;
use super::logits::{RULED_OUT, draw, likeliest};
use super::processor::{Context, Processors};
use super::prompt::{Prompt, check_vocabulary};
use crate::config::{ConfigError, check, check_sizes};
use crate::language_model::LanguageModel;
use rungs_layers::tensor::{Element, Rng, keep_awake};
use std::collections::BTreeSet;

/// How texts are to be written.
///
/// Of the ways to choose a token, [`sample`](super::sample()) knows two, [`Choice`]; a crate with more has a type `S`
/// of its own for them.
#[derive(Debug, Clone)]
pub struct SampleOptions<S = Choice> {
    /// What is done to the logits before a token is chosen.
    pub processors: Processors,
    /// How tokens are chosen.
    pub search: S,
    /// How long a text may and must be.
    pub length: Length,
    /// Tokens that end a text. The one that does is its last token. None is chosen before the text is long enough.
    pub stop: Vec<u32>,
    /// How many texts to write for each prompt, up to 10,000: so many draws, or the best of so many that a beam found.
    pub texts: usize,
    /// How many texts are written at a time, a multiple of `texts` or nearly: a matter of speed and memory.
    pub batch: usize,
    /// Whether the threads of the pool look for work between two tokens and do not sleep: waking one takes longer than
    /// its share of a small model's step. On by default; off where other work wants the processor. No result depends on
    /// it.
    pub keep_awake: bool,
}

/// The most texts for a prompt, and of several for each of all: they are kept until the last is written.
const MOST_TEXTS: usize = 10_000;
const MOST_OF_ALL: usize = 1_000_000;

impl<S: Default> Default for SampleOptions<S> {
    /// One text of up to 300 tokens, drawn from the model's own probabilities.
    fn default() -> Self {
        Self {
            processors: Vec::new(),
            search: S::default(),
            length: Length::at_most(300),
            stop: Vec::new(),
            texts: 1,
            batch: 8,
            keep_awake: true,
        }
    }
}

impl<S> SampleOptions<S> {
    /// These options with another way to choose.
    pub fn with_search<T>(&self, search: T) -> SampleOptions<T> {
        let &Self { ref processors, length, ref stop, texts, batch, keep_awake, .. } = self;
        let (processors, stop) = (processors.clone(), stop.clone());
        SampleOptions { processors, search, length, stop, texts, batch, keep_awake }
    }

    /// Begins a step of a loop that writes: keeps the threads awake if that is wanted.
    pub fn begin_step(&self) {
        if self.keep_awake {
            keep_awake();
        }
    }

    /// Checks that a model can generate texts from prompts so.
    ///
    /// # Errors
    /// If [a prompt](Prompt::check) cannot be; if a stop token is outside the vocabulary, or all tokens are stop tokens
    /// and some must come before one; or if no texts are wanted.
    pub fn check<E: Element>(&self, model: &dyn LanguageModel<E>, prompts: &[Prompt<'_>]) -> Result<(), ConfigError> {
        check_vocabulary("stop", &self.stop, model.vocabulary())?;
        let (min, distinct) = (self.length.min, self.stop.iter().collect::<BTreeSet<_>>());
        check(min == 0 || distinct.len() < model.vocabulary(), || {
            format!("every token is a stop token, and {min} tokens or more must come before one")
        })?;
        self.check_texts(prompts.len())?;
        prompts.iter().try_for_each(|prompt| prompt.check(model, self.length.max))
    }

    /// Checks that so many prompts can be continued at once.
    ///
    /// # Errors
    /// If no texts are wanted, or more than 10,000 for a prompt, or more than a million for all where several are.
    pub fn check_texts(&self, prompts: usize) -> Result<(), ConfigError> {
        let most = (MOST_OF_ALL / prompts.max(1)).clamp(1, MOST_TEXTS);
        check_sizes(most, &[("n", self.texts)])
    }

    /// The logits of the next token as it is to be chosen from: what processors make of the model's own.
    ///
    /// # Errors
    /// If the model's are not finite.
    pub fn processed<E: Element>(&self, row: &[E], prompt: &[u32], written: &[u32]) -> Result<Vec<f64>, SampleError> {
        let mut allowed: Vec<f64> = row.iter().map(|z| z.to_f64()).collect();
        if !allowed.iter().all(|z| z.is_finite()) {
            return Err(SampleError::NotFinite { tokens: written.len() });
        }
        if written.len() < self.length.min {
            self.stop.iter().for_each(|&id| allowed[id as usize] = RULED_OUT);
        }
        let context = Context { prompt, written, remaining: self.length.max - written.len() };
        self.processors.iter().for_each(|processor| processor.process(&context, &mut allowed));
        Ok(allowed)
    }
}

/// How a token is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    /// Always the likeliest.
    Greedy,
    /// Drawn from the distribution.
    #[default]
    Sample,
}

impl Choice {
    /// Chooses from logits; none if every token is ruled out.
    pub fn of(self, logits: &[f64], rng: &mut Rng) -> Option<u32> {
        match self {
            Choice::Greedy => likeliest(logits),
            Choice::Sample => draw(logits, rng),
        }
    }
}

/// How many tokens to write: at least so many before a stop token, and at most so many with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// The fewest tokens before a stop token: until then none is written (`min_new_tokens` of `transformers`).
    pub min: usize,
    /// The most tokens, not fewer than `min`.
    pub max: usize,
}

impl Length {
    /// From `min` to `max` tokens.
    ///
    /// # Errors
    /// If `min` is more than `max`.
    pub fn new(min: usize, max: usize) -> Result<Self, ConfigError> {
        check(min <= max, || format!("min-tokens {min} is more than max-tokens {max}")).map(|()| Self { min, max })
    }

    /// Up to `max` tokens.
    pub fn at_most(max: usize) -> Self {
        Self { min: 0, max }
    }
}

/// A text that was written; by default, nothing yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Generated {
    /// Its tokens, without the prompt.
    pub ids: Vec<u32>,
    /// ln p of each token, given all before it, under the model itself, whatever chose it.
    pub log_probabilities: Vec<f64>,
    /// What it is ranked by: of a beam its own score, else the mean of `log_probabilities`; 0 for no tokens.
    pub score: f64,
    /// Why it ends.
    pub finish: Finish,
    /// Where the model looked when it wrote each token, if it looks at a source: a weight for every position.
    pub weights: Vec<Vec<f64>>,
}

impl Generated {
    /// Adds a token, with its log-probability and where the model looked, if it looks at a source.
    pub fn push(&mut self, id: u32, log_probability: f64, weights: Option<Vec<f64>>) {
        self.ids.push(id);
        self.log_probabilities.push(log_probability);
        self.weights.extend(weights);
    }

    /// The text, ended, with the mean of its log-probabilities as its score.
    #[must_use]
    pub fn ended(self, finish: Finish) -> Self {
        Self { score: self.log_probability() / self.ids.len().max(1) as f64, finish, ..self }
    }

    /// ln p(ids | prompt): the sum of `log_probabilities`.
    pub fn log_probability(&self) -> f64 {
        self.log_probabilities.iter().sum()
    }
}

/// Why a text ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Finish {
    /// It has as many tokens as it may.
    #[default]
    Length,
    /// A stop token was chosen, or whoever was listening had heard enough.
    Stop,
    /// No token may follow: the processors ruled all of them out, as when an expression is matched that nothing can
    /// extend.
    Complete,
}
