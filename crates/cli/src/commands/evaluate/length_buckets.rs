//! Lengths in buckets: enough pairs in each for a score to mean something, and as many buckets as that leaves room for.

use std::collections::BTreeMap;
use std::fmt;

/// A bucket has at least so many members…
const LEAST: usize = 25;
/// …and at least one in so many of all.
const MOST_BUCKETS: usize = 10;

/// Those whose lengths lie in a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// The least length of a member.
    pub(super) from: usize,
    /// The greatest.
    pub(super) to: usize,
    /// The places of the members in the list that was given.
    pub(super) members: Vec<usize>,
}

impl fmt::Display for Bucket {
    /// `1-4`, or `5` where there is only one length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to { write!(f, "{}", self.from) } else { write!(f, "{}-{}", self.from, self.to) }
    }
}

/// Shares out whole lengths, from short to long: each bucket takes lengths until it has enough members, and what is
/// left at the end, too few for a bucket of its own, joins the last.
pub(super) fn buckets(lengths: &[usize]) -> Vec<Bucket> {
    let enough = LEAST.max(lengths.len().div_ceil(MOST_BUCKETS));
    let mut by_length = BTreeMap::<usize, Vec<usize>>::new();
    for (place, &length) in lengths.iter().enumerate() {
        by_length.entry(length).or_default().push(place);
    }
    let mut left = lengths.len();
    let mut buckets: Vec<Bucket> = Vec::new();
    for (length, members) in by_length {
        // A bucket is begun only if what is left is enough for it; else the last one takes it all.
        let full = buckets.last().is_none_or(|last| last.members.len() >= enough);
        let begins = buckets.is_empty() || (full && left >= enough);
        left -= members.len();
        match buckets.last_mut() {
            Some(last) if !begins => {
                last.to = length;
                last.members.extend(members);
            }
            _ => buckets.push(Bucket { from: length, to: length, members }),
        }
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many of each length, as ranges with the number of their members.
    fn ranges(counts: &[(usize, usize)]) -> Vec<(String, usize)> {
        let lengths: Vec<usize> = counts.iter().flat_map(|&(length, count)| vec![length; count]).collect();
        buckets(&lengths).iter().map(|bucket| (bucket.to_string(), bucket.members.len())).collect()
    }

    fn expected(ranges: &[(&str, usize)]) -> Vec<(String, usize)> {
        ranges.iter().map(|&(range, members)| (range.to_owned(), members)).collect()
    }

    #[test]
    fn a_bucket_is_closed_as_soon_as_it_has_enough() {
        assert_eq!(
            ranges(&[(1, 10), (2, 14), (3, 1), (5, 25), (6, 24), (9, 2)]),
            expected(&[("1-3", 25), ("5", 25), ("6-9", 26)])
        );
        // Of a thousand, a hundred are enough.
        assert_eq!(
            ranges(&[(2, 99), (3, 1), (4, 500), (7, 100), (8, 300)]),
            expected(&[("2-3", 100), ("4", 500), ("7", 100), ("8", 300)])
        );
        // A tenth of 251 is 25.1.
        assert_eq!(ranges(&[(1, 25), (2, 1), (3, 225)]), expected(&[("1-2", 26), ("3", 225)]));
    }

    #[test]
    fn what_is_too_little_joins_the_last() {
        assert_eq!(ranges(&[(1, 30), (2, 30), (3, 10), (40, 14)]), expected(&[("1", 30), ("2-40", 54)]));
        assert_eq!(ranges(&[(1, 1), (2, 2), (7, 3)]), expected(&[("1-7", 6)]));
        assert_eq!(ranges(&[(4, 1)]), expected(&[("4", 1)]));
        assert_eq!(ranges(&[]), expected(&[]));
    }

    #[test]
    fn members_are_places() {
        let mut lengths = vec![3; 30];
        lengths.extend(vec![1; 30]);
        lengths[7] = 1;
        let [short, long] = buckets(&lengths).try_into().expect("two buckets");
        assert_eq!((short.from, short.to, long.from, long.to), (1, 1, 3, 3));
        assert_eq!(short.members, std::iter::once(7).chain(30..60).collect::<Vec<_>>());
        assert_eq!(long.members, (0..30).filter(|&place| place != 7).collect::<Vec<_>>());
    }
}
