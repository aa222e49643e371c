//! The learning rate as a function of the step.
//!
//! Steps are counted from 0; of a run of `steps` steps the last is `steps − 1`.
//!
//! ```text
//! constant   η(s) = η
//! cosine     η(s) = η (s + 1) / (W + 1)                             for s < W, the warm-up
//!                   η_min + ½ (1 + cos π r) (η − η_min)             after it, r = (s − W) / (steps − 1 − W)
//! step       η(s) = η · factor^⌊s / every⌋
//! noam       η(s) = factor · D^−½ · min((s + 1)^−½, (s + 1) · W^−³ᐟ²)
//! ```
//!
//! The cosine is Loshchilov and Hutter's (2017, without restarts) after a linear warm-up, in the form nanoGPT made
//! common: the first step is not wasted on a rate of zero, and the last step has the smallest rate.
//!
//! Noam is the schedule of the Transformer (Vaswani et al. 2017, section 5.3), called so after one of its authors: it
//! climbs in a straight line for W steps, then falls as one over the square root of the step. It knows no end, so a run
//! that goes on needs no other schedule than one that was longer from the beginning. The wider the model, the smaller
//! the rate; its largest is factor / √(D W), at step W.

use crate::TrainError;
use crate::error::{positive, setting};
use serde::{Deserialize, Serialize};

/// A learning-rate schedule.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum Schedule {
    /// The same rate at every step.
    Constant {
        /// The learning rate η.
        rate: f64,
    },
    /// Linear warm-up, then half a cosine down to the smallest rate at the last step.
    Cosine {
        /// The largest rate η, reached when the warm-up ends.
        rate: f64,
        /// The rate of the last step, η_min.
        minimum: f64,
        /// W, how many steps the rate climbs.
        warmup: usize,
    },
    /// The rate is multiplied by a factor each `every` steps.
    Step {
        /// The first rate η.
        rate: f64,
        /// What the rate is multiplied by.
        factor: f64,
        /// After how many steps.
        every: usize,
    },
    /// Linear warm-up, then one over the square root of the step, scaled by the model's width.
    Noam {
        /// What everything is multiplied by; 1 in the paper.
        factor: f64,
        /// D, the width of the model.
        width: usize,
        /// W, how many steps the rate climbs; 4,000 in the paper.
        warmup: usize,
    },
}

impl Schedule {
    /// The learning rate of step `step` (from 0) in a run of `steps` steps.
    pub fn rate(&self, step: usize, steps: usize) -> f64 {
        match *self {
            Self::Constant { rate } => rate,
            Self::Cosine { rate, warmup, .. } if step < warmup => rate * (step + 1) as f64 / (warmup + 1) as f64,
            Self::Cosine { rate, minimum, warmup } => {
                // A run no longer than its warm-up never descends: the denominator is at least one step.
                let descent = steps.saturating_sub(1).saturating_sub(warmup).max(1);
                let ratio = ((step - warmup) as f64 / descent as f64).min(1.0);
                minimum + 0.5 * (1.0 + (std::f64::consts::PI * ratio).cos()) * (rate - minimum)
            }
            Self::Step { rate, factor, every } => rate * factor.powi((step / every) as i32),
            Self::Noam { factor, width, warmup } => {
                let [step, width, warmup] = [(step + 1) as f64, width as f64, warmup as f64];
                factor / width.sqrt() * (1.0 / step.sqrt()).min(step * warmup.powf(-1.5))
            }
        }
    }

    /// Checks that every rate it can give is a positive, finite number (the smallest of a cosine may be 0).
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn validate(&self) -> Result<(), TrainError> {
        match *self {
            Self::Constant { rate } => positive("learning rate", rate),
            Self::Cosine { rate, minimum, .. } => {
                positive("learning rate", rate)?;
                let fits = (0.0..=rate).contains(&minimum);
                setting("smallest learning rate", fits, || format!("must lie between 0 and {rate}, not {minimum}"))
            }
            Self::Step { rate, factor, every } => {
                positive("learning rate", rate)?;
                positive("factor of the step schedule", factor)?;
                setting("steps between changes of the learning rate", every > 0, || "must be 1 or more".into())
            }
            Self::Noam { factor, width, warmup } => {
                positive("factor of the noam schedule", factor)?;
                setting("width of the noam schedule", width > 0, || "must be 1 or more".into())?;
                setting("warm-up of the noam schedule", warmup > 0, || "must be 1 or more".into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSINE: Schedule = Schedule::Cosine { rate: 1e-3, minimum: 1e-4, warmup: 100 };

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-15, "{a} is not {b}");
    }

    #[test]
    fn cosine_has_its_corners_where_nano_gpt_has_them() {
        close(COSINE.rate(0, 2001), 1e-3 / 101.0);
        close(COSINE.rate(99, 2001), 1e-3 * 100.0 / 101.0);
        close(COSINE.rate(100, 2001), 1e-3);
        close(COSINE.rate(1050, 2001), 5.5e-4);
        close(COSINE.rate(2000, 2001), 1e-4);
        close(COSINE.rate(9000, 2001), 1e-4);
    }

    #[test]
    fn cosine_only_falls_after_the_warm_up() {
        let rates: Vec<f64> = (100..2001).map(|step| COSINE.rate(step, 2001)).collect();
        assert!(rates.windows(2).all(|pair| pair[1] < pair[0]));
    }

    #[test]
    fn runs_no_longer_than_the_warm_up_are_all_warm_up() {
        for steps in [1, 50, 100] {
            close(COSINE.rate(steps - 1, steps), 1e-3 * steps as f64 / 101.0);
        }
        close(COSINE.rate(100, 101), 1e-3);
        close(Schedule::Cosine { rate: 2.0, minimum: 1.0, warmup: 0 }.rate(0, 1), 2.0);
        close(Schedule::Cosine { rate: 2.0, minimum: 1.0, warmup: 0 }.rate(1, 2), 1.0);
    }

    #[test]
    fn step_changes_exactly_at_multiples() {
        let schedule = Schedule::Step { rate: 8.0, factor: 0.5, every: 3 };
        let rates: Vec<f64> = (0..7).map(|step| schedule.rate(step, 7)).collect();
        assert_eq!(rates, [8.0, 8.0, 8.0, 4.0, 4.0, 4.0, 2.0]);
        assert_eq!(Schedule::Constant { rate: 0.3 }.rate(12345, 1), 0.3);
    }

    #[test]
    fn noam_is_the_formula_of_the_paper() {
        let noam = Schedule::Noam { factor: 1.0, width: 512, warmup: 4000 };
        for step in [1_i32, 2, 100, 3999, 4000, 4001, 100_000] {
            let s = f64::from(step);
            let paper = 512_f64.powf(-0.5) * s.powf(-0.5).min(s * 4000_f64.powf(-1.5));
            // Whatever the length of the run.
            for steps in [1, 4000, 1_000_000] {
                let rate = noam.rate(step as usize - 1, steps);
                assert!((rate / paper - 1.0).abs() < 1e-12, "{rate} is not {paper}");
            }
        }
        let rates: Vec<f64> = (0..9000).map(|step| noam.rate(step, 9000)).collect();
        assert!(rates[..4000].windows(2).all(|pair| pair[0] < pair[1]), "it climbs for 4,000 steps");
        assert!(rates[3999..].windows(2).all(|pair| pair[0] > pair[1]), "and falls ever after");
        assert!((rates[3999] * (512.0 * 4000_f64).sqrt() - 1.0).abs() < 1e-12);
        let double = Schedule::Noam { factor: 2.0, width: 512, warmup: 4000 };
        assert_eq!(double.rate(77, 9000), 2.0 * noam.rate(77, 9000));
    }

    #[test]
    fn impossible_settings_are_named() {
        for (schedule, error) in [
            (
                Schedule::Noam { factor: 0.0, width: 8, warmup: 1 },
                "factor of the noam schedule: must be a positive number, not 0",
            ),
            (Schedule::Noam { factor: 1.0, width: 8, warmup: 0 }, "warm-up of the noam schedule: must be 1 or more"),
            (Schedule::Noam { factor: 1.0, width: 0, warmup: 1 }, "width of the noam schedule: must be 1 or more"),
            (Schedule::Constant { rate: 0.0 }, "learning rate: must be a positive number, not 0"),
            (Schedule::Constant { rate: f64::NAN }, "learning rate: must be a positive number, not NaN"),
            (
                Schedule::Cosine { rate: 1.0, minimum: 2.0, warmup: 0 },
                "smallest learning rate: must lie between 0 and 1, not 2",
            ),
            (
                Schedule::Step { rate: 1.0, factor: 0.1, every: 0 },
                "steps between changes of the learning rate: must be 1 or more",
            ),
        ] {
            assert_eq!(schedule.validate().unwrap_err().to_string(), error);
        }
        COSINE.validate().unwrap();
    }

    #[test]
    fn settings_read_back_as_they_were_written() {
        let json = serde_json::to_string(&COSINE).unwrap();
        assert_eq!(json, r#"{"name":"cosine","rate":0.001,"minimum":0.0001,"warmup":100}"#);
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), COSINE);
        assert!(serde_json::from_str::<Schedule>(r#"{"name":"constant","rate":1,"wrmup":2}"#).is_err());
    }
}
