//! A part of the texts held out, to validate on: which, is a property of the texts.

use crate::TextError;
use rungs_random::Rng;
use std::collections::BTreeSet;

/// A part to train on and a part to validate on, with `share` of the different sources in the second, at least one;
/// `alike` says that there is only one source.
///
/// Those sources are held out whose hash is lowest, with all that has them. Within each part, the order is kept.
pub(crate) fn split_by<T>(
    all: Vec<T>,
    share: f64,
    alike: &'static str,
    source: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Vec<T>), TextError> {
    if !(share > 0.0 && share < 1.0) {
        return Err(TextError::new("validation split", format!("must be more than 0 and less than 1, not {share}")));
    }
    let mut ranked: Vec<(u64, &str)> = all.iter().map(|item| (fixed_hash(source(item)), source(item))).collect();
    ranked.sort_unstable();
    ranked.dedup();
    let sources = ranked.len();
    if sources < 2 {
        return Err(TextError::new(alike, "none can be held out to validate on, which takes two"));
    }
    let count = ((sources as f64 * share).round() as usize).clamp(1, sources - 1);
    let held_out: BTreeSet<String> = ranked[..count].iter().map(|&(_, source)| source.to_owned()).collect();
    Ok(all.into_iter().partition(|item| !held_out.contains(source(item))))
}

/// A number that looks random but belongs to the text for all time: the first of the generator that is named after it.
pub fn fixed_hash(text: &str) -> u64 {
    Rng::new(0).fork(text).u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fixed() {
        // Were it another, runs could not go on: their held-out pairs would have been trained on.
        assert_eq!(fixed_hash("Go."), 14_372_771_669_762_180_238);
    }
}
