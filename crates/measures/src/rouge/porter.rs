//! The stem of an English word: what is left when its endings are taken off, one after another (Porter 1980, *An
//! algorithm for suffix stripping*, Program 14:3).
//!
//! A word is consonants C and vowels V in turn, \[C\](VC)ᵐ\[V\]; y is a vowel after a consonant. m, the *measure*, is
//! roughly the number of syllables, and an ending goes only if enough is left: `adoption → adopt`, but `option` stays.
//!
//! These are the rules as NLTK's `PorterStemmer` has them by default, which rouge-score uses. They differ from the
//! paper's in a short list of words, in -ies and -ied (`dies`, `died → die`; `spied → spi`), in y, which becomes i
//! after a consonant (`happy → happi`, but `enjoy` stays), in -alli, -bli, -fulli and -logi of step 2, and in that two
//! letters such as `ag` count as a short stem. In every step the first ending of the list that a word has decides,
//! whether its condition holds or not.

/// An ending and what takes its place.
type Rule = (&'static str, &'static str);

/// Step 2, if m > 0: endings made of two become one.
const DOUBLE_ENDINGS: [Rule; 21] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
];

/// Step 3, if m > 0.
const LONG_ENDINGS: [Rule; 7] =
    [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];

/// Step 4, if m > 1: these go. -ion is a case of its own.
const SHORT_ENDINGS: [&str; 18] = [
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ou", "ism", "ate", "iti", "ous",
    "ive", "ize",
];

/// The stem of a word of small ASCII letters and digits, which count as consonants.
pub(super) fn stem(word: &str) -> String {
    // Words that the rules would get wrong.
    let irregular = match word {
        "sky" | "skies" => Some("sky"),
        "dying" => Some("die"),
        "lying" => Some("lie"),
        "tying" => Some("tie"),
        "inning" | "innings" => Some("inning"),
        "outing" | "outings" => Some("outing"),
        "canning" | "cannings" => Some("canning"),
        "news" | "howe" | "proceed" | "exceed" | "succeed" => Some(word),
        short => Some(short).filter(|short| short.len() <= 2),
    };
    // Step 3: electrical → electric, goodness → good.
    let long_endings = |word: &str| replace(word, &LONG_ENDINGS, 0);
    let steps = [plural, past, last_y, double_endings, long_endings, short_endings, last_e, last_l];
    let regular = || steps.iter().fold(word.to_owned(), |stem, step| step(&stem));
    irregular.map_or_else(regular, str::to_owned)
}

/// Step 1a: caresses → caress, ponies → poni, ties → tie, cats → cat.
fn plural(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}{}", if word.len() == 4 { "ie" } else { "i" });
    }
    let stem = word.strip_suffix("es").filter(|stem| stem.ends_with("ss"));
    stem.or_else(|| word.strip_suffix('s').filter(|stem| !stem.ends_with('s'))).unwrap_or(word).to_owned()
}

/// Step 1b: agreed → agree, plastered → plaster, hopping → hop, filing → file.
fn past(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ied") {
        return format!("{stem}{}", if word.len() == 4 { "ie" } else { "i" });
    }
    if let Some(stem) = word.strip_suffix("eed") {
        return if measure(stem) > 0 { format!("{stem}ee") } else { word.to_owned() };
    }
    let stem = word.strip_suffix("ed").or_else(|| word.strip_suffix("ing"));
    let Some(stem) = stem.filter(|stem| vowels(stem).contains(&true)) else { return word.to_owned() };
    if ["at", "bl", "iz"].iter().any(|end| stem.ends_with(end)) {
        format!("{stem}e")
    } else if ends_in_double_consonant(stem) {
        let stays = stem.ends_with(['l', 's', 'z']);
        stem[..stem.len() - usize::from(!stays)].to_owned()
    } else if measure(stem) == 1 && is_short(stem) {
        format!("{stem}e")
    } else {
        stem.to_owned()
    }
}

/// Step 1c: happy → happi.
fn last_y(word: &str) -> String {
    let stem = word.strip_suffix('y').filter(|stem| stem.len() > 1 && vowels(stem).last() == Some(&false));
    stem.map_or_else(|| word.to_owned(), |stem| format!("{stem}i"))
}

/// Step 2: relational → relate, and what -alli leaves goes on: nationalli → national → nate.
fn double_endings(word: &str) -> String {
    let word = match word.strip_suffix("alli").filter(|stem| measure(stem) > 0) {
        Some(stem) => &format!("{stem}al"),
        None => word,
    };
    match word.strip_suffix("ogi").filter(|stem| stem.ends_with('l') && measure(stem) > 0) {
        Some(stem) => format!("{stem}og"), // geologi: the l belongs to what is measured
        None => replace(word, &DOUBLE_ENDINGS, 0),
    }
}

/// Step 4: revival → reviv, adoption → adopt.
fn short_endings(word: &str) -> String {
    match word.strip_suffix("ion") {
        Some(stem) if measure(stem) > 1 && stem.ends_with(['s', 't']) => stem.to_owned(),
        Some(_) => word.to_owned(),
        None => replace(word, &SHORT_ENDINGS.map(|ending| (ending, "")), 1),
    }
}

/// Step 5a: probate → probat, cease → ceas, but rate stays.
fn last_e(word: &str) -> String {
    let goes = |stem: &&str| measure(stem) > 1 || (measure(stem) == 1 && !is_short(stem));
    word.strip_suffix('e').filter(goes).unwrap_or(word).to_owned()
}

/// Step 5b: controll → control, but roll stays.
fn last_l(word: &str) -> String {
    let goes = |stem: &&str| stem.ends_with('l') && measure(stem) > 1;
    word.strip_suffix('l').filter(goes).unwrap_or(word).to_owned()
}

/// The first ending of the list that the word has, replaced if what stands before it measures more than `least`.
fn replace(word: &str, rules: &[Rule], least: usize) -> String {
    let found = rules.iter().find_map(|(ending, by)| word.strip_suffix(ending).map(|stem| (stem, by)));
    match found {
        Some((stem, by)) if measure(stem) > least => format!("{stem}{by}"),
        _ => word.to_owned(),
    }
}

/// Which letters are vowels.
fn vowels(word: &str) -> Vec<bool> {
    let mut vowels: Vec<bool> = Vec::with_capacity(word.len());
    for letter in word.bytes() {
        vowels.push(match letter {
            b'a' | b'e' | b'i' | b'o' | b'u' => true,
            b'y' => vowels.last() == Some(&false),
            _ => false,
        });
    }
    vowels
}

/// m: how often a consonant follows a vowel.
fn measure(stem: &str) -> usize {
    vowels(stem).windows(2).filter(|pair| pair[0] && !pair[1]).count()
}

fn ends_in_double_consonant(stem: &str) -> bool {
    matches!(stem.as_bytes(), [.., a, b] if a == b) && vowels(stem).last() == Some(&false)
}

/// Whether it ends in consonant, vowel, consonant, the last of them not w, x or y; or is a vowel and a consonant.
fn is_short(stem: &str) -> bool {
    match vowels(stem)[..] {
        [true, false] => true,
        [.., false, true, false] => !stem.ends_with(['w', 'x', 'y']),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_examples() {
        for (word, expected) in [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("caress", "caress"),
            ("cats", "cat"),
            ("feed", "feed"),
            ("agreed", "agre"),
            ("plastered", "plaster"),
            ("bled", "bled"),
            ("motoring", "motor"),
            ("sing", "sing"),
            ("hopping", "hop"),
            ("falling", "fall"),
            ("filing", "file"),
            ("happy", "happi"),
            ("vietnamization", "vietnam"),
            ("rational", "ration"),
            ("hopefulness", "hope"),
            ("electriciti", "electr"),
            ("replacement", "replac"),
            ("adoption", "adopt"),
            ("rate", "rate"),
            ("controll", "control"),
            ("roll", "roll"),
            ("generalizations", "gener"),
            ("oscillators", "oscil"),
        ] {
            assert_eq!(stem(word), expected, "{word}");
        }
    }

    #[test]
    fn syllables_are_counted() {
        for (m, words) in [(0, ["tr", "ee", "tree", "by", ""]), (1, ["trouble", "oats", "trees", "ivy", "toys"])] {
            words.iter().for_each(|word| assert_eq!(measure(word), m, "{word}"));
        }
        assert_eq!(["troubles", "private", "oaten"].map(measure), [2; 3]);
    }
}
