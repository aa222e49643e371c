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

pub mod forms;

use crate::tensor::Rng;
use crate::text::{TextPair, fixed_hash};

/// The first year.
const FIRST_YEAR: usize = 1900;

/// A day from 1 January 1900 to 31 December 2099.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// How many days after 1 January 1900.
    days: usize,
    /// 1900 to 2099.
    year: usize,
    /// 1 to 12.
    month: usize,
    /// 1 to 31.
    day: usize,
}

impl Date {
    /// How many there are: 200 years of 365 days, and 49 leap days, of which 1900 has none.
    pub const COUNT: usize = 200 * 365 + 49;

    /// The day so many days after 1 January 1900.
    ///
    /// # Panics
    /// If it is after 2099.
    pub fn nth(days: usize) -> Self {
        assert!(days < Self::COUNT, "day {days} is after 2099");
        let (mut year, mut month, mut rest) = (FIRST_YEAR, 1, days);
        while rest >= days_of_year(year) {
            rest -= days_of_year(year);
            year += 1;
        }
        while rest >= days_of_month(month, year) {
            rest -= days_of_month(month, year);
            month += 1;
        }
        Self { days, year, month, day: rest + 1 }
    }

    /// The day of the week, 0 for Monday to 6 for Sunday.
    pub fn weekday(self) -> usize {
        self.days % 7 // 1 January 1900 was a Monday
    }

    /// ISO 8601: `1984-03-03`.
    pub fn iso(self) -> String {
        format!("{}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn is_leap(year: usize) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_year(year: usize) -> usize {
    365 + usize::from(is_leap(year))
}

fn days_of_month(month: usize, year: usize) -> usize {
    match month {
        2 => 28 + usize::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

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
