//! Letters that a measure does not count.

/// How many of some texts have more letters that a measure does not count than such as it does: what it says of them is
/// next to nothing, and perhaps 0 of a perfect output.
///
/// ```
/// use rungs_measures::{BleuTokenizer, mostly_uncounted, rouge};
///
/// let texts = ["我是学生。", "Tom est élève.", "Том дома, Tom.", "1984!"];
/// assert_eq!(mostly_uncounted(texts, |letter| BleuTokenizer::Mteval13a.counts(letter)), 1);
/// assert_eq!(mostly_uncounted(texts, rouge::counts), 2);
/// ```
pub fn mostly_uncounted<'t>(texts: impl IntoIterator<Item = &'t str>, counts: impl Fn(char) -> bool) -> usize {
    let mostly_uncounted = |text: &&str| {
        let letters = || text.chars().filter(|c| c.is_alphabetic());
        2 * letters().filter(|&letter| counts(letter)).count() < letters().count()
    };
    texts.into_iter().filter(mostly_uncounted).count()
}
