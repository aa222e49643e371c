//! ROUGE: how much of a reference a summary has, and how much of the summary the reference has (Lin 2004,
//! [W04-1013](https://aclanthology.org/W04-1013)).
//!
//! ```text
//! ROUGE-N:  m = Σ min(count of g in hypothesis, count of g in reference)   over n-grams g of words
//! ROUGE-L:  m = the length of the longest common subsequence of words      in order, but not side by side
//!
//! P = m / (n-grams or words of the hypothesis)    R = m / (those of the reference)    F = 2 P R / (P + R)
//! ```
//!
//! Each is a number from 0 to 1; papers print a hundredfold. Lin's first measure was recall alone; since nothing would
//! then keep a summary from being as long as its source, F is what is reported today. ROUGE is defined for one pair,
//! and of a corpus it is the mean over the pairs.
//!
//! All three are those of Google's rouge-score 0.1.2, so a word is a run of the letters a to z, made small, and the
//! digits 0 to 9. Everything else parts words, letters with accents too: outside of English these measures see
//! fragments, and in other scripts nothing at all. Use [chrF](super::chrf) there.
//!
//! With [`Stemming::Porter`] words of more than three letters are compared by their stems, so that `libraries` counts
//! as `library`.

mod porter;

use crate::ngrams::{common, ngrams};

/// Whether words count as equal that differ in their endings.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Stemming {
    /// They do not.
    #[default]
    No,
    /// They do, by Porter's rules for English as NLTK has them: `use_stemmer` of rouge-score.
    Porter,
}

impl Stemming {
    /// The settings of the scores, in the manner of sacrebleu's signatures.
    pub fn signature(self) -> &'static str {
        match self {
            Self::No => "F|nrefs:1|case:lower|stem:no|version:rouge-score-0.1.2",
            Self::Porter => "F|nrefs:1|case:lower|stem:porter|version:rouge-score-0.1.2",
        }
    }
}

/// How much a hypothesis and its reference have in common, from 0 to 1.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Overlap {
    /// P: of the hypothesis, how much the reference has.
    pub precision: f64,
    /// R: of the reference, how much the hypothesis has.
    pub recall: f64,
    /// F: their harmonic mean; 0 if both are 0.
    pub f: f64,
}

impl Overlap {
    /// What `common` is of so much in the hypothesis and in the reference.
    fn new(common: u64, hypothesis: usize, reference: usize) -> Self {
        let [precision, recall] = [hypothesis, reference].map(|all| common as f64 / all.max(1) as f64);
        let sum = precision + recall;
        Self { precision, recall, f: if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 } }
    }
}

/// The three measures of one pair.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Rouge {
    /// ROUGE-1, of single words.
    pub one: Overlap,
    /// ROUGE-2, of pairs of neighbours.
    pub two: Overlap,
    /// ROUGE-L, of the longest common subsequence.
    pub longest: Overlap,
}

impl Rouge {
    /// All three.
    ///
    /// ```
    /// # use rungs_measures::rouge::{Rouge, Stemming};
    /// let rouge = Rouge::new("a tool for reading mail", "reads mail", Stemming::Porter);
    /// assert_eq!((rouge.one.precision, rouge.one.recall), (2.0 / 5.0, 1.0));
    /// assert_eq!(rouge.longest.f, rouge.one.f); // both words come in the same order
    /// ```
    pub fn new(hypothesis: &str, reference: &str, stemming: Stemming) -> Self {
        let [hypothesis, reference] = [hypothesis, reference].map(|text| words(text, stemming));
        Self {
            one: rouge_n(&hypothesis, &reference, 1),
            two: rouge_n(&hypothesis, &reference, 2),
            longest: rouge_l(&hypothesis, &reference),
        }
    }
}

/// What ROUGE takes for words.
///
/// ```
/// # use rungs_measures::rouge::{Stemming, words};
/// assert_eq!(words("It's 1,234 cafés!", Stemming::No), ["it", "s", "1", "234", "caf", "s"]);
/// assert_eq!(words("libraries of a library", Stemming::Porter), ["librari", "of", "a", "librari"]);
/// ```
pub fn words(text: &str, stemming: Stemming) -> Vec<String> {
    let text = text.to_lowercase();
    let words = text.split(|c| !is_counted(c)).filter(|word| !word.is_empty());
    let has_stem = |word: &str| stemming == Stemming::Porter && word.len() > 3;
    words.map(|word| if has_stem(word) { porter::stem(word) } else { word.to_owned() }).collect()
}

/// Whether words have this letter: a to z, large or small.
pub fn counts(letter: char) -> bool {
    letter.to_lowercase().any(is_counted)
}

/// What lower-case words are made of.
fn is_counted(character: char) -> bool {
    matches!(character, 'a'..='z' | '0'..='9')
}

/// ROUGE-N of two texts in [`words`].
///
/// # Panics
/// If `n` is 0.
pub fn rouge_n(hypothesis: &[String], reference: &[String], n: usize) -> Overlap {
    let of = |words: &[String]| (words.len() + 1).saturating_sub(n);
    Overlap::new(common(&ngrams(hypothesis, n), &ngrams(reference, n)), of(hypothesis), of(reference))
}

/// ROUGE-L of two texts in [`words`], each taken as one sentence.
pub fn rouge_l(hypothesis: &[String], reference: &[String]) -> Overlap {
    // The table of `subsequences`, of which the last row is enough.
    let mut row = vec![0_u64; hypothesis.len() + 1];
    for word in reference {
        let mut diagonal = 0;
        for (j, other) in hypothesis.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if word == other { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    Overlap::new(row[hypothesis.len()], hypothesis.len(), reference.len())
}

/// ROUGE-L of summaries of several sentences (Lin 2004, section 3.2), one a line: `rougeLsum` of rouge-score.
///
/// Of each sentence of the reference all words count that are in a longest common subsequence with *some* sentence of
/// the hypothesis, and no word more often than both texts have it. Of several longest subsequences the one is taken
/// that rouge-score takes. Summaries of one line have the same score by [`rouge_l`].
///
/// Memory is that of two sentences' lengths multiplied.
pub fn rouge_l_sum(hypothesis: &str, reference: &str, stemming: Stemming) -> Overlap {
    let sentences = |text: &str| text.split('\n').map(|line| words(line, stemming)).collect::<Vec<_>>();
    let [hypothesis, reference] = [hypothesis, reference].map(sentences);
    let [words, reference_words] = [&hypothesis, &reference].map(|text| text.concat());
    let [mut left, mut left_of_reference] = [&words, &reference_words].map(|words| ngrams(words, 1));
    let mut hits = 0;
    for sentence in &reference {
        let mut found = vec![false; sentence.len()];
        for other in &hypothesis {
            common_places(sentence, other).into_iter().for_each(|place| found[place] = true);
        }
        for (word, _) in sentence.chunks(1).zip(found).filter(|(_, found)| *found) {
            if let (Some(a @ 1..), Some(b @ 1..)) = (left.get_mut(word), left_of_reference.get_mut(word)) {
                (*a, *b) = (*a - 1, *b - 1);
                hits += 1;
            }
        }
    }
    Overlap::new(hits, words.len(), reference_words.len())
}

/// The places in `sentence` of the words of a longest common subsequence with `other`.
fn common_places(sentence: &[String], other: &[String]) -> Vec<usize> {
    // lengths[i][j]: of the first i words and the first j.
    let mut lengths = vec![vec![0_u32; other.len() + 1]; sentence.len() + 1];
    for (i, word) in sentence.iter().enumerate() {
        for (j, candidate) in other.iter().enumerate() {
            lengths[i + 1][j + 1] =
                if word == candidate { lengths[i][j] + 1 } else { lengths[i][j + 1].max(lengths[i + 1][j]) };
        }
    }
    let (mut i, mut j, mut places) = (sentence.len(), other.len(), Vec::new());
    while i > 0 && j > 0 {
        if sentence[i - 1] == other[j - 1] {
            (i, j) = (i - 1, j - 1);
            places.push(i);
        } else if lengths[i][j - 1] > lengths[i - 1][j] {
            j -= 1;
        } else {
            i -= 1;
        }
    }
    places
}

#[cfg(test)]
mod tests;
