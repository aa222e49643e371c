//! What a translator is given to read: [`Source`].

use rungs_layers::tensor::Ids;

/// A batch of texts to translate, padded at their ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    ids: Ids,
    lengths: Vec<usize>,
}

impl Source {
    /// Tokens (B, S), and how many of each row are not padding.
    ///
    /// # Panics
    /// If there is not one length per row, or one is not in 1..=S.
    #[track_caller]
    pub fn new(ids: Ids, lengths: Vec<usize>) -> Self {
        let [b, s] = ids.dims();
        let fit = lengths.len() == b && lengths.iter().all(|length| (1..=s).contains(length));
        assert!(fit, "source: lengths {lengths:?} of {b} texts of {s} tokens");
        Self { ids, lengths }
    }

    /// Some texts, padded to the longest: with whatever, for nobody looks at it.
    ///
    /// # Panics
    /// If one is empty.
    #[track_caller]
    pub fn of(texts: &[&[u32]]) -> Self {
        let lengths: Vec<usize> = texts.iter().map(|text| text.len()).collect();
        let s = lengths.iter().copied().max().unwrap_or(0);
        let ids: Vec<u32> = texts.iter().flat_map(|text| text.iter().copied().chain(vec![0; s - text.len()])).collect();
        Self::new(Ids::new(ids, [texts.len(), s]), lengths)
    }

    /// The tokens (B, S).
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// How many tokens of each row are not padding.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Each text from its last token to its first; the padding stays at the end.
    pub fn reversed(&self) -> Self {
        let [b, s] = self.ids.dims();
        let mut ids = self.ids.as_slice().to_vec();
        for (row, &length) in self.lengths.iter().enumerate() {
            ids[row * s..][..length].reverse();
        }
        Self { ids: Ids::new(ids, [b, s]), lengths: self.lengths.clone() }
    }
}
