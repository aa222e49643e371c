//! A day of the Gregorian calendar.

/// The first year.
const FIRST_YEAR: u16 = 1900;

/// A day from 1 January 1900 to 31 December 2099.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// 1900 to 2099.
    year: u16,
    /// 1 to 12.
    month: u8,
    /// 1 to 31.
    day: u8,
}

impl Date {
    /// How many there are: 200 years of 365 days, and 49 leap days, of which 1900 has none.
    pub const COUNT: usize = 200 * 365 + 49;

    /// The day so many days after 1 January 1900.
    ///
    /// # Panics
    /// If it is after 2099.
    pub fn nth(mut days: usize) -> Self {
        assert!(days < Self::COUNT, "day {days} is after 2099");
        let mut date = Self { year: FIRST_YEAR, month: 1, day: 1 };
        loop {
            let year = if is_leap(date.year) { 366 } else { 365 };
            if days < year {
                break;
            }
            days -= year;
            date.year += 1;
        }
        loop {
            let month = days_of(date.month, date.year);
            if days < month {
                break;
            }
            days -= month;
            date.month += 1;
        }
        Self { day: days as u8 + 1, ..date }
    }

    /// The year, 1900 to 2099.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    pub fn day(self) -> u8 {
        self.day
    }

    /// The day of the week, 0 for Monday to 6 for Sunday.
    pub fn weekday(self) -> usize {
        // 1 January 1900 was a Monday. A year moves the weekday by one, a leap day by one more.
        let years = usize::from(self.year - FIRST_YEAR);
        let leap_days = years.saturating_sub(1) / 4;
        let months: usize = (1..self.month).map(|month| days_of(month, self.year)).sum();
        (years + leap_days + months + usize::from(self.day) - 1) % 7
    }

    /// ISO 8601: `1984-03-03`.
    pub fn iso(self) -> String {
        format!("{}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// How many days a month has.
fn days_of(month: u8, year: u16) -> usize {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
