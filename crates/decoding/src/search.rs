//! Which search writes a text, and its settings.

use rungs_models::config::{ConfigError, check, check_number, check_sizes};
use rungs_models::sampling::SampleOptions;

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

    /// Checks that a model with V tokens can be searched so for this many texts.
    pub(crate) fn check(&self, vocabulary: usize, texts: usize) -> Result<(), ConfigError> {
        let &Self { width, groups, diversity, .. } = self;
        check_sizes(vocabulary, &[("beam", width)])?;
        check_sizes(width, &[("beam-groups", groups), ("n", texts)])?;
        check(width.is_multiple_of(groups), || format!("beam {width} is not a multiple of beam-groups {groups}"))?;
        let fits = diversity >= 0.0 && diversity.is_finite();
        check_number("diversity", diversity, fits, "a finite number of 0 or more").map(drop)
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
    /// It leaves it, and the search is over as soon as k texts have ended (`early_stopping=True`).
    UntilFull,
    /// It leaves it, and the search is over when no beginning could have a better score than the worst of k that have
    /// ended even if it grew to the greatest length at no loss of probability (`early_stopping="never"`).
    UntilSure,
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
        let length = match self {
            LengthPenalty::Power(a) => t.powf(a),
            LengthPenalty::Gnmt(a) => ((5.0 + t) / 6.0).powf(a),
        };
        log_probability / length
    }

    /// Whether a text that loses no probability as it grows has a better score.
    pub(crate) fn favours_length(self) -> bool {
        let (LengthPenalty::Power(a) | LengthPenalty::Gnmt(a)) = self;
        a > 0.0
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

impl Contrastive {
    /// Checks that this many texts can be searched for so.
    pub(crate) fn check(&self, texts: usize) -> Result<(), ConfigError> {
        let &Self { alpha, candidates } = self;
        check_sizes(1, &[("n", texts)])?;
        check_sizes(usize::MAX, &[("top-k", candidates)])?;
        check_number("contrastive", alpha, (0.0..=1.0).contains(&alpha), "from 0 to 1").map(drop)
    }
}
