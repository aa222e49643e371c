//! A text in stretches that are drawn again and again, to see how far chance moves what is measured on it.
//!
//! Single tokens cannot be drawn: their losses depend on each other, as those of a rare word's letters do, or of all
//! tokens of a hard paragraph, and an interval that takes them for independent is too narrow. Stretches of some
//! sentences are nearly independent (Künsch 1989 has the theory of blocks). They are cut by the text, whatever a token
//! is: a token belongs to the stretch that it ends in.

use rungs::measures::bootstrap::Ratio;
use rungs::text::Tokenizer;

/// The least bytes of a stretch: a paragraph.
const BYTES: usize = 500;
/// The least stretches that say something about chance.
const LEAST: usize = 20;
/// The most there are: in a longer text they are longer.
const MOST: usize = 1_000;

/// Where stretches end: at even distances, in bytes.
pub(super) struct Stretches<'t> {
    text: &'t str,
    count: usize,
}

impl<'t> Stretches<'t> {
    /// The bytes of the shortest text that has enough of them.
    pub(super) const LEAST_BYTES: usize = LEAST * BYTES;

    pub(super) fn of(text: &'t str) -> Self {
        Self { text, count: (text.len() / BYTES).clamp(1, MOST) }
    }

    /// Whether they are enough to draw from.
    pub(super) fn are_enough(&self) -> bool {
        self.count >= LEAST
    }

    /// The stretch of what ends behind `bytes` of `total` bytes.
    fn place(&self, bytes: usize, total: usize) -> usize {
        let last = bytes.saturating_sub(1) as u128;
        ((last * self.count as u128 / total.max(1) as u128) as usize).min(self.count - 1)
    }

    /// Bits and characters of each stretch. The first token, which is not predicted, counts as much as the others
    /// on average, so that all stretches together have the text's bits per character.
    pub(super) fn bits_per_character(&self, tokenizer: &Tokenizer, tokens: &[u32], losses: &[f32]) -> Vec<Ratio> {
        let mut stretches = vec![Ratio::default(); self.count];
        let mut ended = 0;
        for character in self.text.chars() {
            ended += character.len_utf8();
            stretches[self.place(ended, self.text.len())].of += 1.0;
        }
        // Where each token ends, in what they spell together: the text, if nothing in it is unknown.
        let mut stream = tokenizer.stream();
        let ends: Vec<usize> = tokens
            .iter()
            .scan(0, |shown, &id| {
                *shown += stream.push(id).len();
                Some(*shown)
            })
            .collect();
        let spelled = ends.last().copied().unwrap_or(0);
        let bits = tokens.len() as f64 / losses.len() as f64 / std::f64::consts::LN_2;
        for (&end, &loss) in ends[1..].iter().zip(losses) {
            stretches[self.place(end, spelled)].sum += f64::from(loss) * bits;
        }
        stretches
    }
}

#[cfg(test)]
mod tests {
    use rungs::data::characters_per_token;
    use rungs::measures::Statistics;
    use rungs::measures::bootstrap::total;
    use rungs::tasks::token_losses::evaluation;

    use super::*;

    fn check(tokenizer: &Tokenizer, text: &str) -> Vec<Ratio> {
        let tokens = tokenizer.encode(text).unwrap();
        let losses: Vec<f32> = (1..tokens.len()).map(|i| (i % 7) as f32).collect();
        let stretches = Stretches::of(text).bits_per_character(tokenizer, &tokens, &losses);
        let expected = evaluation(&losses).bits_per(characters_per_token(text, &tokens));
        let together = total(stretches.iter().copied()).score();
        assert!((together - expected).abs() < 1e-9, "{together} is not {expected}");
        stretches
    }

    #[test]
    fn together_they_are_the_text() {
        let text = "the cat sat on a mat, é! ".repeat(1_000);
        for tokenizer in [Tokenizer::char_from(&text).unwrap(), Tokenizer::bpe_from(&text, 262).unwrap()] {
            let stretches = check(&tokenizer, &text);
            assert_eq!(stretches.len(), 26_000 / 500);
            // 25 characters are 26 bytes, so that a stretch of 500 bytes has about 481.
            assert!(stretches.iter().all(|stretch| (475.0..=487.0).contains(&stretch.of) && stretch.sum > 0.0));
        }
    }

    #[test]
    fn a_short_text_is_one_and_a_long_one_a_thousand() {
        for (bytes, count, enough) in [(2, 1, false), (9_999, 19, false), (10_000, 20, true), (2_000_000, 1_000, true)]
        {
            let text = "ab".repeat(bytes / 2) + &"c".repeat(bytes % 2);
            let stretches = Stretches::of(&text);
            assert_eq!((stretches.count, stretches.are_enough()), (count, enough), "{bytes}");
        }
        assert_eq!(check(&Tokenizer::char_from("ab").unwrap(), "ab").len(), 1);
        // 猫 is shown by its last byte.
        let bytes = Tokenizer::bpe_from("the the the", 258).unwrap();
        check(&bytes, &"猫".repeat(400));
    }
}
