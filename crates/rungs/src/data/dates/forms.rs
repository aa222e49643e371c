//! The ways to write a date.
//!
//! Not among them are forms of which the reader has to know where they come from (3/4/1984), years of two digits ('84
//! may be 1984 or 2084), and forms that take arithmetic (day 63 of 1984): these are for another task.

use super::Date;

/// A way to write a date.
pub type Form = fn(Date) -> String;

/// Every way. 3 March 1984, a Saturday, is written as the comments say.
pub const FORMS: [Form; 29] = [
    // 3 March 1984
    |d| format!("{} {} {}", d.day, month(d, ENGLISH), d.year),
    // 3rd March 1984
    |d| format!("{} {} {}", ordinal(d), month(d, ENGLISH), d.year),
    // 3 MARCH 1984
    |d| format!("{} {} {}", d.day, month(d, ENGLISH).to_uppercase(), d.year),
    // 3 Mar 1984
    |d| format!("{} {} {}", d.day, short(month(d, ENGLISH)), d.year),
    // 3-Mar-1984
    |d| format!("{}-{}-{}", d.day, short(month(d, ENGLISH)), d.year),
    // March 3, 1984
    |d| format!("{} {}, {}", month(d, ENGLISH), d.day, d.year),
    // March 3rd, 1984
    |d| format!("{} {}, {}", month(d, ENGLISH), ordinal(d), d.year),
    // Mar 3, 1984
    |d| format!("{} {}, {}", short(month(d, ENGLISH)), d.day, d.year),
    // Saturday, 3 March 1984
    |d| format!("{}, {} {} {}", weekday(d, ENGLISH_DAYS), d.day, month(d, ENGLISH), d.year),
    // Saturday, March 3, 1984
    |d| format!("{}, {} {}, {}", weekday(d, ENGLISH_DAYS), month(d, ENGLISH), d.day, d.year),
    // Sat 3 Mar 1984
    |d| format!("{} {} {} {}", short(weekday(d, ENGLISH_DAYS)), d.day, short(month(d, ENGLISH)), d.year),
    // Sat, 03 Mar 1984, as in the head of an electronic letter
    |d| format!("{}, {:02} {} {}", short(weekday(d, ENGLISH_DAYS)), d.day, short(month(d, ENGLISH)), d.year),
    // the 3rd of March 1984
    |d| format!("the {} of {} {}", ordinal(d), month(d, ENGLISH), d.year),
    // the third of March 1984
    |d| format!("the {} of {} {}", ordinal_word(d), month(d, ENGLISH), d.year),
    // Saturday the third of March, 1984
    |d| format!("{} the {} of {}, {}", weekday(d, ENGLISH_DAYS), ordinal_word(d), month(d, ENGLISH), d.year),
    // 1984 March 3
    |d| format!("{} {} {}", d.year, month(d, ENGLISH), d.day),
    // 3. März 1984
    |d| format!("{}. {} {}", d.day, month(d, GERMAN), d.year),
    // Samstag, 3. März 1984
    |d| format!("{}, {}. {} {}", weekday(d, GERMAN_DAYS), d.day, month(d, GERMAN), d.year),
    // 3 mars 1984
    |d| format!("{} {} {}", french_day(d), month(d, FRENCH), d.year),
    // samedi 3 mars 1984
    |d| format!("{} {} {} {}", weekday(d, FRENCH_DAYS), french_day(d), month(d, FRENCH), d.year),
    // 3 de marzo de 1984
    |d| format!("{} de {} de {}", d.day, month(d, SPANISH), d.year),
    // 3 de março de 1984
    |d| format!("{} de {} de {}", d.day, month(d, PORTUGUESE), d.year),
    // 3 marzo 1984
    |d| format!("{} {} {}", d.day, month(d, ITALIAN), d.year),
    // 3 maart 1984
    |d| format!("{} {} {}", d.day, month(d, DUTCH), d.year),
    // 3.III.1984
    |d| format!("{}.{}.{}", d.day, month(d, ROMAN), d.year),
    // 1984/03/03
    |d| format!("{}/{:02}/{:02}", d.year, d.month, d.day),
    // 1984/3/3
    |d| format!("{}/{}/{}", d.year, d.month, d.day),
    // 19840303
    |d| format!("{}{:02}{:02}", d.year, d.month, d.day),
    // 1984年3月3日
    |d| format!("{}年{}月{}日", d.year, d.month, d.day),
];

// The names of the months, blank-separated.
const ENGLISH: &str = "January February March April May June July August September October November December";
const GERMAN: &str = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember";
const FRENCH: &str = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre";
const SPANISH: &str = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre";
const PORTUGUESE: &str = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro";
const ITALIAN: &str = "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre";
const DUTCH: &str = "januari februari maart april mei juni juli augustus september oktober november december";
const ROMAN: &str = "I II III IV V VI VII VIII IX X XI XII";

// The names of the days of the week, from Monday on.
const ENGLISH_DAYS: &str = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday";
const GERMAN_DAYS: &str = "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag";
const FRENCH_DAYS: &str = "lundi mardi mercredi jeudi vendredi samedi dimanche";

const TENS: [&str; 4] = ["", "", "twenty", "thirty"];
const ORDINALS: &str = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth \
     fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth";

/// Word number `i` of a list of words, counted from 0.
fn word(words: &'static str, i: usize) -> &'static str {
    words.split_ascii_whitespace().nth(i).expect("a list has a word for every number that a date has")
}

fn month(date: Date, names: &'static str) -> &'static str {
    word(names, date.month - 1)
}

fn weekday(date: Date, names: &'static str) -> &'static str {
    word(names, date.weekday())
}

/// The first three letters, by which English shortens months and days.
fn short(name: &str) -> &str {
    &name[..3]
}

/// 1st, 2nd, 3rd, 4th, 11th, 21st.
fn ordinal(date: Date) -> String {
    let suffix = match date.day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    format!("{}{suffix}", date.day)
}

/// first, twentieth, twenty-first.
fn ordinal_word(date: Date) -> String {
    match date.day {
        20 => "twentieth".into(),
        30 => "thirtieth".into(),
        day @ 1..=19 => word(ORDINALS, day - 1).into(),
        day => format!("{}-{}", TENS[day / 10], word(ORDINALS, day % 10 - 1)),
    }
}

/// 1er, 2, 3: French counts only the first.
fn french_day(date: Date) -> String {
    if date.day == 1 { "1er".into() } else { date.day.to_string() }
}
