//! Processors that look back: at what was written, and at what was in the prompt.
//!
//! | processor | what it does to a token that was there | from |
//! |---|---|---|
//! | [`RepetitionPenalty`] | z / θ if z > 0, else z · θ, however often it was there | [Keskar et al. (2019)] |
//! | [`CountPenalty`] | z − a − b · count, counting what was written alone | OpenAI's API |
//! | [`NoRepeatNgram`] | rules it out, if it would end n tokens already there | [Paulus, Xiong & Socher (2018)] |
//!
//! [Keskar et al. (2019)]: https://arxiv.org/abs/1909.05858
//! [Paulus, Xiong & Socher (2018)]: https://arxiv.org/abs/1705.04304
//!
//! [`LogitBias`] looks at nothing.

use rungs_models::ConfigError;
use rungs_models::config::{check_number, check_sizes};
use rungs_models::sampling::logits::RULED_OUT;
use rungs_models::sampling::{Context, Processor};
use std::collections::BTreeSet;

/// θ: what was there is less likely if θ > 1, more likely if θ < 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RepetitionPenalty(f64);

impl RepetitionPenalty {
    /// # Errors
    /// Unless 0 < θ < ∞.
    pub fn new(penalty: f64) -> Result<Self, ConfigError> {
        let fits = penalty > 0.0 && penalty.is_finite();
        check_number("repetition-penalty", penalty, fits, "a finite number above 0").map(Self)
    }
}

impl Processor for RepetitionPenalty {
    fn process(&self, context: &Context<'_>, logits: &mut [f64]) {
        let there: BTreeSet<u32> = context.prompt.iter().chain(context.written).copied().collect();
        for id in there {
            let z = &mut logits[id as usize];
            *z = if *z > 0.0 { *z / self.0 } else { *z * self.0 };
        }
    }
}

/// a, taken off once, and b, taken off for every time that the token was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountPenalty {
    presence: f64,
    frequency: f64,
}

impl CountPenalty {
    /// a is the presence penalty, b the frequency penalty. Below 0 they make repetition likelier.
    ///
    /// # Errors
    /// Unless both are finite.
    pub fn new(presence: f64, frequency: f64) -> Result<Self, ConfigError> {
        let finite = |name, value: f64| check_number(name, value, value.is_finite(), "a finite number");
        let presence = finite("presence-penalty", presence)?;
        Ok(Self { presence, frequency: finite("frequency-penalty", frequency)? })
    }
}

impl Processor for CountPenalty {
    fn process(&self, context: &Context<'_>, logits: &mut [f64]) {
        let mut seen = BTreeSet::new();
        for &id in context.written {
            let first = seen.insert(id);
            logits[id as usize] -= self.frequency + if first { self.presence } else { 0.0 };
        }
    }
}

/// n: no n tokens in a row occur twice, in prompt and text together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRepeatNgram(usize);

impl NoRepeatNgram {
    /// # Errors
    /// If n is 0.
    pub fn new(n: usize) -> Result<Self, ConfigError> {
        check_sizes(usize::MAX, &[("no-repeat-ngram", n)]).map(|()| Self(n))
    }
}

impl Processor for NoRepeatNgram {
    fn process(&self, context: &Context<'_>, logits: &mut [f64]) {
        let there: Vec<u32> = context.prompt.iter().chain(context.written).copied().collect();
        let Some(from) = (there.len() + 1).checked_sub(self.0) else { return };
        let beginning = &there[from..];
        for ngram in there.windows(self.0).filter(|ngram| ngram.starts_with(beginning)) {
            logits[ngram[self.0 - 1] as usize] = RULED_OUT;
        }
    }
}

/// What is added to the logits of some tokens: −∞ rules one out. They must be tokens of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct LogitBias(Vec<(u32, f64)>);

impl LogitBias {
    /// # Errors
    /// If a number is not one, or is +∞.
    pub fn new(biases: Vec<(u32, f64)>) -> Result<Self, ConfigError> {
        for &(_, bias) in &biases {
            check_number("bias", bias, bias < f64::INFINITY, "a number")?;
        }
        Ok(Self(biases))
    }

    /// That these tokens are never written.
    pub fn ruling_out(ids: impl IntoIterator<Item = u32>) -> Self {
        Self(ids.into_iter().map(|id| (id, RULED_OUT)).collect())
    }
}

impl Processor for LogitBias {
    fn process(&self, _: &Context<'_>, logits: &mut [f64]) {
        for &(id, bias) in &self.0 {
            logits[id as usize] += bias;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: f64 = RULED_OUT;

    fn after(processor: &dyn Processor, prompt: &[u32], written: &[u32], logits: &[f64]) -> Vec<f64> {
        let mut logits = logits.to_vec();
        processor.process(&Context { prompt, written, remaining: 1 }, &mut logits);
        logits
    }

    #[test]
    fn repetition_is_penalised_once_and_towards_less_likely() {
        let penalty = RepetitionPenalty::new(2.0).unwrap();
        assert_eq!(after(&penalty, &[0, 0], &[1], &[3.0, -3.0, 1.0]), [1.5, -6.0, 1.0]);
        let error = RepetitionPenalty::new(0.0).unwrap_err().to_string();
        assert_eq!(error, "repetition-penalty 0 is not a finite number above 0");
    }

    #[test]
    fn counts_are_those_of_what_was_written() {
        let penalty = CountPenalty::new(0.5, 0.25).unwrap();
        assert_eq!(after(&penalty, &[2, 2], &[0, 1, 0], &[1.0; 3]), [0.0, 0.25, 1.0]);
        let error = CountPenalty::new(f64::NAN, 0.0).unwrap_err().to_string();
        assert_eq!(error, "presence-penalty NaN is not a finite number");
    }

    #[test]
    fn an_ngram_that_was_there_is_not_ended_again() {
        let no_repeat = |n, prompt: &[u32], written: &[u32]| {
            after(&NoRepeatNgram::new(n).unwrap(), prompt, written, &[0.0; 4])
                .iter()
                .map(|&z| z == OUT)
                .collect::<Vec<_>>()
        };
        assert_eq!(no_repeat(2, &[0, 1, 0, 2], &[0]), [false, true, true, false]);
        assert_eq!(no_repeat(1, &[0], &[2]), [true, false, true, false]);
        assert_eq!(no_repeat(3, &[0, 1, 2], &[0, 1]), [false, false, true, false]);
        assert_eq!(no_repeat(3, &[0], &[]), [false; 4], "too short to repeat anything");
        assert!(NoRepeatNgram::new(0).is_err());
    }

    #[test]
    fn a_bias_is_added() {
        assert_eq!(after(&LogitBias::new(vec![(1, 2.0)]).unwrap(), &[], &[], &[0.0, 1.0]), [0.0, 3.0]);
        assert_eq!(after(&LogitBias::ruling_out([0]), &[], &[], &[0.0, 1.0]), [OUT, 1.0]);
        assert!(LogitBias::new(vec![(0, f64::INFINITY)]).is_err());
    }
}
