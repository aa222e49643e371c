//! Exact match: the share of texts that are the reference to the letter.

/// The share of hypotheses, from 0 to 1, that are the reference to the letter; 0 if there are none.
pub fn exact_match<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> f64 {
    let (mut exact, mut total) = (0_usize, 0_usize);
    for (hypothesis, reference) in pairs {
        exact += usize::from(hypothesis == reference);
        total += 1;
    }
    exact as f64 / total.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_match_is_a_share() {
        assert_eq!(exact_match([("a", "a"), ("a", "A"), ("", ""), ("b ", "b")]), 0.5);
        assert_eq!(exact_match([]), 0.0);
    }
}
