//! The built-in pairs: dates as people write them, to be written as ISO 8601 has them.
//!
//! ```text
//! Saturday the third of March, 1984   →   1984-03-03
//! 3.III.1984                          →   1984-03-03
//! samedi 3 mars 1984                  →   1984-03-03
//! ```
//!
//! A small task, and a fair test of what attention adds. The answer is always ten characters, but each of them is
//! decided by other characters of the source, whose place depends on the form: what has to be learnt is where to look.
//! A model without attention has to carry the whole date through one vector.
//!
//! Dates run from 1900 to 2099, in the Gregorian calendar. Each can be written in [`FORMS`](forms::FORMS) ways, none of
//! which can be read as another date: the year has four digits, and the month is a word or a Roman numeral, or else the
//! year comes first, which the month always follows, and then the day. Two forms may give the same text, but then it
//! means the same date. So every text has exactly one target.
//!
//! Which [`Part`] a date belongs to is decided by a hash of the date, once and for all. A test date was never seen in
//! training in any form, nor was it used to choose settings.
//!
//! ```
//! use rungs::dates::{self, Part};
//!
//! let train = dates::pairs(Part::Training, 1000, 0);
//! let test = dates::pairs(Part::Test, 100, 0);
//! assert!(test.iter().all(|held_out| train.iter().all(|pair| pair.target != held_out.target)));
//! ```

mod date;
pub mod forms;

pub use date::Date;

use crate::tensor::Rng;
use crate::text::{TextPair, fixed_hash};

/// A part of the dates. Of ten dates eight are in the first, and one in each of the others, more or less.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// To train on.
    Training,
    /// To choose settings, and the moment to stop, by.
    Validation,
    /// To report on.
    Test,
}

impl Part {
    /// The part of a date.
    pub fn of(date: Date) -> Self {
        match fixed_hash(&date.iso()) % 10 {
            0 => Part::Test,
            1 => Part::Validation,
            _ => Part::Training,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Part::Training => "training dates",
            Part::Validation => "validation dates",
            Part::Test => "test dates",
        }
    }
}

/// `n` pairs of a date in one of its forms and the date in ISO 8601, all dates of the part and all forms being equally
/// likely. Each pair is drawn independently of the others, so one may come twice. Fewer pairs with the same seed are
/// the first of more.
pub fn pairs(part: Part, n: usize, seed: u64) -> Vec<TextPair> {
    let mut rng = Rng::new(seed).fork(part.name());
    let mut draw = || loop {
        let date = Date::nth(rng.below(Date::COUNT));
        if Part::of(date) == part {
            let source = forms::FORMS[rng.below(forms::FORMS.len())](date);
            return TextPair { source, target: date.iso() };
        }
    };
    (0..n).map(|_| draw()).collect()
}

#[cfg(test)]
mod tests;
