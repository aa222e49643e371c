//! Which search writes a text, and its settings.

use crate::error::GenerateError;
use rungs_layers::tensor::Element;
use rungs_models::sampling::{Generated, Prompt, SampleOptions};
use rungs_models::{ConfigError, LanguageModel};

/// How texts are to be written.
pub type GenerateOptions = SampleOptions<Search>;

/// How tokens are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Search {
    /// Always the likeliest.
    Greedy,
    /// Drawn from the distribution.
    #[default]
    Sample,
    /// Those of the best text that a [beam search](crate::beam) finds.
    Beam(Beam),
    /// Likely ones that bring something new: [contrastive search](crate::contrastive).
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

impl Beam {
    /// Checks that a model with V tokens can be searched so for this many texts.
    pub(crate) fn check(&self, vocabulary: usize, texts: usize) -> Result<(), GenerateError> {
        let &Self { width, groups, diversity, .. } = self;
        check_size("beam", width, vocabulary)?;
        check_size("beam-groups", groups, width)?;
        check_size("n", texts, width)?;
        if width % groups != 0 {
            return Err(GenerateError::Groups { beam: width, groups });
        }
        if !(diversity >= 0.0 && diversity.is_finite()) {
            let range = "a finite number of 0 or more";
            return Err(ConfigError::Range { name: "diversity", value: diversity, range }.into());
        }
        Ok(())
    }
}

impl Contrastive {
    /// Checks that this many texts can be searched for so.
    pub(crate) fn check(&self, texts: usize) -> Result<(), GenerateError> {
        let &Self { alpha, candidates } = self;
        check_size("n", texts, 1)?;
        check_size("top-k", candidates, usize::MAX)?;
        if !(0.0..=1.0).contains(&alpha) {
            return Err(ConfigError::Range { name: "contrastive", value: alpha, range: "from 0 to 1" }.into());
        }
        Ok(())
    }
}

fn check_size(name: &'static str, value: usize, most: usize) -> Result<(), ConfigError> {
    match value {
        0 => Err(ConfigError::Zero { name }),
        _ if value > most => Err(ConfigError::TooLarge { name, value, most }),
        _ => Ok(()),
    }
}

/// Checks that a search can continue prompts so. It does not begin anew past the end of the context.
pub(crate) fn check<E: Element, S>(
    model: &dyn LanguageModel<E>,
    prompts: &[Prompt<'_>],
    options: &SampleOptions<S>,
) -> Result<(), GenerateError> {
    options.check(model, prompts)?;
    let Some(context) = model.context() else { return Ok(()) };
    let tokens = options.length.max();
    // The last token is written and not read.
    match prompts.iter().map(|prompt| prompt.ids.len()).find(|prompt| (prompt + tokens).saturating_sub(1) > context) {
        Some(prompt) => Err(GenerateError::Context { prompt, tokens, context }),
        None => Ok(()),
    }
}

/// One text of no tokens for each prompt.
pub(crate) fn nothing(prompts: usize) -> Vec<Vec<Generated>> {
    vec![vec![Generated::nothing()]; prompts]
}
