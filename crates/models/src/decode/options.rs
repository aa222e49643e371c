//! How a text is to be written, and what comes of it.

use super::GenerateError;
use super::processor::Processors;
use crate::ConfigError;
use std::collections::BTreeSet;

/// How texts are to be written.
#[derive(Debug, Clone)]
pub struct GenerateOptions {
    /// What is done to the logits before a token is chosen.
    pub processors: Processors,
    /// How tokens are chosen.
    pub search: Search,
    /// How long a text may and must be.
    pub length: Length,
    /// Tokens that end a text. The one that does is its last token. None is chosen before the text is long enough.
    pub stop: Vec<u32>,
    /// How many texts to write for each prompt: so many draws, or the best of so many that a beam found.
    pub texts: usize,
    /// How many texts are written at a time, a multiple of `texts` or nearly: a matter of speed and memory.
    pub batch: usize,
}

impl Default for GenerateOptions {
    /// One text of up to 300 tokens, drawn from the model's own probabilities.
    fn default() -> Self {
        Self {
            processors: Vec::new(),
            search: Search::Sample,
            length: Length::at_most(300),
            stop: Vec::new(),
            texts: 1,
            batch: 8,
        }
    }
}

/// How tokens are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Search {
    /// Always the likeliest.
    Greedy,
    /// Drawn from the distribution.
    Sample,
    /// Those of the best text that a [beam search](super::beam) finds.
    Beam(Beam),
    /// Likely ones that bring something new: [contrastive search](super::contrastive).
    Contrastive(Contrastive),
}

/// How a beam is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beam {
    /// k, how many beginnings are kept.
    pub width: usize,
    /// How texts are ranked.
    pub penalty: LengthPenalty,
    /// Into how many groups the beam is parted.
    pub groups: usize,
    /// λ, what a token loses for each earlier group that chose it at the same place.
    pub diversity: f64,
    /// What becomes of a text's place in the beam when it ends.
    pub ending: Ending,
}

impl Beam {
    /// A beam of k beginnings in one group, ranked by the mean log-probability of a token.
    pub fn new(width: usize) -> Self {
        Self { width, penalty: LengthPenalty::Power(1.0), groups: 1, diversity: 0.0, ending: Ending::LeavesPlace }
    }
}

/// What becomes of the place in the beam of a text that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It keeps it, and the search is over when k texts have ended: every text is sure to end, as a translation is.
    KeepsPlace,
    /// It leaves it to another beginning and is set aside, and the search is over when no beginning, as it stands, has
    /// a better score than the worst of k that have ended: a continuation need not end at all, and one that does early
    /// should not narrow the search for those that go on. This is the search of Hugging Face's `transformers`
    /// (`early_stopping=False`).
    LeavesPlace,
}

/// How length counts against the log-probability of a text of T tokens, its end among them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LengthPenalty {
    /// log p / T^A; A = 0 ranks by probability, A = 1 by the mean over tokens.
    Power(f64),
    /// log p / ((5 + T) / 6)^A: Wu et al. (2016), *Google's Neural Machine Translation System*.
    Gnmt(f64),
}

impl LengthPenalty {
    /// The score of a text.
    pub fn score(self, log_probability: f64, tokens: usize) -> f64 {
        let t = tokens as f64;
        log_probability
            / match self {
                LengthPenalty::Power(a) => t.powf(a),
                LengthPenalty::Gnmt(a) => ((5.0 + t) / 6.0).powf(a),
            }
    }
}

/// How contrastive search weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrastive {
    /// α, how much likeness to what is there counts against a token: from 0, greedy, to 1.
    pub alpha: f64,
    /// k, how many of the likeliest tokens are looked at.
    pub candidates: usize,
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

    /// Up to `max` tokens.
    pub fn at_most(max: usize) -> Self {
        Self { min: 0, max }
    }

    /// The fewest tokens.
    pub fn min(self) -> usize {
        self.min
    }

    /// The most tokens.
    pub fn max(self) -> usize {
        self.max
    }
}

/// A text that was written.
#[derive(Debug, Clone, PartialEq)]
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
    /// A text of which nothing is written yet.
    pub(super) fn nothing() -> Self {
        let (ids, log_probabilities, weights) = (Vec::new(), Vec::new(), Vec::new());
        Self { ids, log_probabilities, score: 0.0, finish: Finish::Length, weights }
    }

    /// ln p(ids | prompt): the sum of `log_probabilities`.
    pub fn log_probability(&self) -> f64 {
        self.log_probabilities.iter().sum()
    }
}

/// Why a text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It has as many tokens as it may.
    Length,
    /// A stop token was chosen, or whoever was listening had heard enough.
    Stop,
    /// No token may follow: the processors ruled all of them out, as when an expression is matched that nothing can
    /// extend.
    Complete,
}

/// That texts can be written so.
pub(super) fn check(vocabulary: usize, options: &GenerateOptions) -> Result<(), GenerateError> {
    let GenerateOptions { search, length, stop, texts, .. } = options;
    if let Some(&id) = stop.iter().find(|&&id| id as usize >= vocabulary) {
        return Err(GenerateError::UnknownToken { what: "stop", id, vocabulary });
    }
    let (min, distinct) = (length.min(), stop.iter().copied().collect::<BTreeSet<u32>>());
    if min > 1 && distinct.len() == vocabulary {
        return Err(GenerateError::NothingToChoose { min });
    }
    let most = |name, value, most| match value {
        0 => Err(ConfigError::Zero { name }),
        _ if value > most => Err(ConfigError::TooLarge { name, value, most }),
        _ => Ok(()),
    };
    match *search {
        Search::Greedy | Search::Sample => most("n", *texts, usize::MAX)?,
        Search::Beam(Beam { width, groups, diversity, .. }) => {
            most("beam", width, vocabulary)?;
            most("beam-groups", groups, width)?;
            most("n", *texts, width)?;
            if width % groups != 0 {
                return Err(ConfigError::Groups { beam: width, groups }.into());
            }
            if !(diversity >= 0.0 && diversity.is_finite()) {
                let range = "a finite number of 0 or more";
                return Err(ConfigError::Range { name: "diversity", value: diversity, range }.into());
            }
        }
        Search::Contrastive(Contrastive { alpha, candidates }) => {
            most("n", *texts, 1)?;
            most("top-k", candidates, usize::MAX)?;
            if !(0.0..=1.0).contains(&alpha) {
                return Err(ConfigError::Range { name: "contrastive", value: alpha, range: "from 0 to 1" }.into());
            }
        }
    }
    Ok(())
}

pub(super) fn check_prompt(vocabulary: usize, prompt: &[u32]) -> Result<(), GenerateError> {
    if prompt.is_empty() {
        return Err(GenerateError::EmptyPrompt);
    }
    match prompt.iter().find(|&&id| id as usize >= vocabulary) {
        Some(&id) => Err(GenerateError::UnknownToken { what: "prompt", id, vocabulary }),
        None => Ok(()),
    }
}
