//! Which pairs are held out.

use super::TextPair;
use crate::Error;
use crate::tensor::Rng;
use std::collections::BTreeSet;

/// A part to train on and a part to validate on, with `share` of the different *sources* in the second, at least one.
///
/// Corpora give many translations of one source; were some of them in one part and some in the other, validation would
/// measure memory. So sources are held out, with all their pairs: those whose hash is lowest. The
/// choice is a property of the texts. It depends neither on a seed nor on the order of the lines, and lines added to
/// the file hardly change it. Within each part, pairs keep their order.
///
/// # Errors
/// If the share is not in (0, 1), or if there are fewer than two different sources.
pub fn split_pairs(pairs: Vec<TextPair>, share: f64) -> Result<(Vec<TextPair>, Vec<TextPair>), Error> {
    split_by(pairs, share, "all pairs have one source", |pair| &pair.source)
}

/// The same of anything that has a source; `alike` says that there is only one.
pub(crate) fn split_by<T>(
    all: Vec<T>,
    share: f64,
    alike: &str,
    source: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Vec<T>), Error> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::setting("validation split", format!("must be more than 0 and less than 1, not {share}")));
    }
    let mut ranked: Vec<(u64, &str)> = all.iter().map(|item| (fixed_hash(source(item)), source(item))).collect();
    ranked.sort_unstable();
    ranked.dedup();
    let sources = ranked.len();
    if sources < 2 {
        return Err(Error::Text(format!("{alike}: none can be held out to validate on, which takes two")));
    }
    let count = ((sources as f64 * share).round() as usize).clamp(1, sources - 1);
    let held_out: BTreeSet<String> = ranked[..count].iter().map(|&(_, source)| source.to_owned()).collect();
    Ok(all.into_iter().partition(|item| !held_out.contains(source(item))))
}

/// A number that looks random but belongs to the text for all time: the first of the generator that is named after it.
pub(crate) fn fixed_hash(text: &str) -> u64 {
    Rng::new(0).fork(text).u64()
}
