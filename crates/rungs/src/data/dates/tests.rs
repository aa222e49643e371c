use super::forms::FORMS;
use super::*;
use crate::trainer::checkpoint::checksum;
use std::collections::{BTreeMap, BTreeSet};

/// The day of this ISO date, found by trying.
fn date(iso: &str) -> Date {
    (0..Date::COUNT).map(Date::nth).find(|date| date.iso() == iso).unwrap()
}

#[test]
fn the_calendar_is_the_gregorian_one() {
    let dates: Vec<Date> = (0..Date::COUNT).map(Date::nth).collect();
    assert!(dates.is_sorted_by(|a, b| a < b));
    assert_eq!((dates[0].iso(), dates[Date::COUNT - 1].iso()), ("1900-01-01".into(), "2099-12-31".into()));
    assert!(dates.iter().enumerate().all(|(i, date)| date.weekday() == i % 7), "1 January 1900 was a Monday");
    let leap_days = dates.iter().filter(|date| (date.month, date.day) == (2, 29)).count();
    assert_eq!(leap_days, 49, "1904 to 2096, 2000 among them");
    // Days everybody remembers.
    for (iso, weekday) in [("1969-07-20", 6), ("1989-11-09", 3), ("2000-01-01", 5), ("2024-02-29", 3)] {
        assert_eq!(date(iso).weekday(), weekday, "{iso}");
    }
}

#[test]
fn the_forms_of_a_date() {
    let written: Vec<String> = FORMS.iter().map(|form| form(date("1984-03-03"))).collect();
    assert_eq!(
        written,
        [
            "3 March 1984",
            "3rd March 1984",
            "3 MARCH 1984",
            "3 Mar 1984",
            "3-Mar-1984",
            "March 3, 1984",
            "March 3rd, 1984",
            "Mar 3, 1984",
            "Saturday, 3 March 1984",
            "Saturday, March 3, 1984",
            "Sat 3 Mar 1984",
            "Sat, 03 Mar 1984",
            "the 3rd of March 1984",
            "the third of March 1984",
            "Saturday the third of March, 1984",
            "1984 March 3",
            "3. März 1984",
            "Samstag, 3. März 1984",
            "3 mars 1984",
            "samedi 3 mars 1984",
            "3 de marzo de 1984",
            "3 de março de 1984",
            "3 marzo 1984",
            "3 maart 1984",
            "3.III.1984",
            "1984/03/03",
            "1984/3/3",
            "19840303",
            "1984年3月3日",
        ]
    );
    let first: Vec<String> = FORMS.iter().map(|form| form(date("2001-05-01"))).collect();
    assert_eq!(first[1..3], ["1st May 2001", "1 MAY 2001"]);
    assert_eq!(first[19], "mardi 1er mai 2001");
    let days: Vec<String> = (0..31).map(|day| FORMS[1](Date::nth(day))).collect();
    for (day, written) in
        [(2, "2nd"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st"), (22, "22nd"), (23, "23rd")]
    {
        assert_eq!(days[day - 1], format!("{written} January 1900"));
    }
    for (day, written) in
        [(12, "twelfth"), (19, "nineteenth"), (20, "twentieth"), (21, "twenty-first"), (30, "thirtieth")]
    {
        assert_eq!(FORMS[13](Date::nth(day - 1)), format!("the {written} of January 1900"));
    }
}

/// Reads dates as a person would: by the words in it, and by the size of its numbers. It knows nothing of the forms. If
/// the text can be read in two ways, or says anything that it does not understand, or a wrong day of the week, that is
/// an error.
struct Reader {
    months: BTreeMap<&'static str, u32>,
    days: BTreeMap<&'static str, u32>,
    weekdays: BTreeMap<&'static str, u32>,
}

impl Reader {
    fn new() -> Self {
        let months = [
            "january jan januar janvier enero janeiro gennaio januari i",
            "february feb februar février febrero fevereiro febbraio februari ii",
            "march mar märz mars marzo março maart iii",
            "april apr avril abril aprile iv",
            "may mai mayo maio maggio mei v",
            "june jun juni juin junio junho giugno vi",
            "july jul juli juillet julio julho luglio vii",
            "august aug août agosto augustus viii",
            "september sep septembre septiembre setembro settembre ix",
            "october oct oktober octobre octubre outubro ottobre x",
            "november nov novembre noviembre novembro xi",
            "december dec dezember décembre diciembre dezembro dicembre xii",
        ];
        let days = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth \
            fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second \
            twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth \
            thirtieth thirty-first";
        let weekdays = [
            "monday mon montag lundi",
            "tuesday tue dienstag mardi",
            "wednesday wed mittwoch mercredi",
            "thursday thu donnerstag jeudi",
            "friday fri freitag vendredi",
            "saturday sat samstag samedi",
            "sunday sun sonntag dimanche",
        ];
        let numbered = |lists: &[&'static str]| {
            let numbered = (1..).zip(lists).flat_map(|(i, words)| words.split_whitespace().map(move |word| (word, i)));
            let (mut map, mut listed) = (BTreeMap::new(), 0);
            numbered.for_each(|(word, i)| {
                map.insert(word, i);
                listed += 1;
            });
            assert_eq!(map.len(), listed, "no word means two things");
            map
        };
        let days: Vec<&str> = days.split_whitespace().collect();
        Self { months: numbered(&months), days: numbered(&days), weekdays: numbered(&weekdays) }
    }

    fn read(&self, text: &str) -> Result<String, String> {
        let (mut numbers, mut year, mut month, mut day, mut weekday) = (vec![], vec![], vec![], vec![], vec![]);
        // Hyphens part numbers and months, but not the words of one number.
        let separator = |c: char| c.is_whitespace() || ",./年月日".contains(c);
        for mut word in text.split(separator).flat_map(|word| match word.split('-').count() {
            3 => word.split('-').collect::<Vec<_>>(),
            _ => vec![word],
        }) {
            for ending in ["st", "nd", "rd", "th", "er"] {
                let digits = word.strip_suffix(ending).filter(|rest| rest.ends_with(|c: char| c.is_ascii_digit()));
                word = digits.unwrap_or(word);
            }
            let word = word.to_lowercase();
            match (word.parse::<u32>(), &*word) {
                (Ok(number), _) if word.len() == 8 => {
                    year.push(number / 10_000);
                    numbers.extend([number / 100 % 100, number % 100]);
                }
                (Ok(number), _) if word.len() == 4 => year.push(number),
                (Ok(number), _) => numbers.push(number),
                (_, "" | "the" | "of" | "de") => {}
                (_, word) => {
                    let meanings = [(&self.months, &mut month), (&self.days, &mut day), (&self.weekdays, &mut weekday)];
                    let mut known = 0;
                    for (meaning, found) in meanings {
                        known += usize::from(meaning.contains_key(word));
                        found.extend(meaning.get(word));
                    }
                    if known != 1 {
                        return Err(format!("{word:?} has {known} meanings in {text:?}"));
                    }
                }
            }
        }
        let year_first = text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().take_while(char::is_ascii_digit).count() >= 4;
        match (&year[..], &month[..], &day[..], &numbers[..]) {
            ([y], [m], [d], []) | ([y], [m], [], [d]) => self.checked(text, *y, *m, *d, &weekday),
            ([y], [], [], [m, d]) if year_first => self.checked(text, *y, *m, *d, &weekday),
            _ => Err(format!("{text:?}: years {year:?}, months {month:?}, days {day:?}, numbers {numbers:?}")),
        }
    }

    /// The date, if its day of the week is as said, by the formula of Zeller (1882).
    fn checked(&self, text: &str, year: u32, month: u32, day: u32, weekday: &[u32]) -> Result<String, String> {
        let (y, m) = if month < 3 { (year - 1, month + 12) } else { (year, month) };
        let from_saturday = (day + 13 * (m + 1) / 5 + y + y / 4 - y / 100 + y / 400) % 7;
        let from_monday = (from_saturday + 5) % 7 + 1;
        if weekday.iter().any(|&said| said != from_monday) || weekday.len() > 1 {
            return Err(format!("{text:?} is not on day {weekday:?} of the week"));
        }
        Ok(format!("{year}-{month:02}-{day:02}"))
    }
}

#[test]
fn every_form_of_every_date_is_read_as_that_date() {
    // An ambiguous form could not pass: what is read is a function of the text, so no text has two targets.
    let reader = Reader::new();
    for date in (0..Date::COUNT).map(Date::nth) {
        for form in FORMS {
            assert_eq!(reader.read(&form(date)), Ok(date.iso()));
        }
    }
}

#[test]
fn the_reader_notices() {
    let reader = Reader::new();
    for text in
        ["Friday, 3 March 1984", "3/4/1984", "03 04 1984", "3 March '84", "Feb Mar 3 1984", "3 Brumaire 1984", ""]
    {
        assert!(reader.read(text).is_err(), "{text}");
    }
}

#[test]
fn no_date_is_in_two_parts() {
    let parts = [Part::Training, Part::Validation, Part::Test];
    let dates = parts.map(|part| pairs(part, 20_000, 5).into_iter().map(|pair| pair.target).collect::<BTreeSet<_>>());
    let all: BTreeSet<_> = dates.iter().flatten().collect();
    assert_eq!(all.len(), dates.iter().map(BTreeSet::len).sum::<usize>());

    let share = |part| (0..Date::COUNT).filter(|&i| Part::of(Date::nth(i)) == part).count() as f64 / Date::COUNT as f64;
    let shares = parts.map(share);
    for (share, expected) in shares.into_iter().zip([0.8, 0.1, 0.1]) {
        assert!((share - expected).abs() < 0.01, "{shares:?}");
    }
}

#[test]
fn every_form_and_year_occurs_in_training() {
    let train = pairs(Part::Training, 20_000, 0);
    let years: BTreeSet<&str> = train.iter().map(|pair| &pair.target[..4]).collect();
    assert_eq!(years.len(), 200);
    let characters = |pairs: &[TextPair]| pairs.iter().flat_map(|pair| pair.source.chars()).collect::<BTreeSet<_>>();
    assert!(
        characters(&pairs(Part::Test, 5000, 1)).is_subset(&characters(&train)),
        "the test has no unknown character"
    );
    let dates: BTreeMap<String, Date> = (0..Date::COUNT).map(Date::nth).map(|date| (date.iso(), date)).collect();
    let mut counts = [0; FORMS.len()];
    for pair in &train {
        let date = dates[&pair.target];
        counts[FORMS.iter().position(|form| form(date) == pair.source).unwrap()] += 1;
    }
    assert!(counts.iter().all(|&count| count > 300), "{counts:?}");
}

#[test]
fn the_pairs_are_frozen() {
    let parts = [Part::Training, Part::Validation, Part::Test].map(|part| pairs(part, 20_000, 0));
    let lines: String = parts.iter().flatten().map(|pair| format!("{}\t{}\n", pair.source, pair.target)).collect();
    assert_eq!(
        checksum(lines.as_bytes()),
        "b002d61d04691fe15c0e2a3715e26f1c63c646c995b18afb3bdc7eb4b6d5fe62",
        "figures that were measured on other dates are not comparable"
    );
}

#[test]
fn a_seed_gives_the_same_pairs_and_fewer_are_the_first_of_more() {
    let many = pairs(Part::Test, 50, 3);
    assert_eq!(pairs(Part::Test, 20, 3), many[..20]);
    assert_ne!(pairs(Part::Test, 20, 4), many[..20]);
    assert_eq!(pairs(Part::Training, 0, 0), []);
}
