//! A day of the Gregorian calendar.

/// The first year.
const FIRST_YEAR: usize = 1900;

/// A day from 1 January 1900 to 31 December 2099.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// How many days after 1 January 1900.
    days: usize,
    /// 1900 to 2099.
    pub(super) year: usize,
    /// 1 to 12.
    pub(super) month: usize,
    /// 1 to 31.
    pub(super) day: usize,
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
