//! The state of attending models: keys and values of every token they have read.

use crate::state::{ModelState, State};
use rayon::prelude::*;
use rungs_layers::KeyValueCache;
use rungs_layers::tensor::{Element, Ids};

/// Keys and values of the tokens that a decoder has read.
#[derive(Debug, Clone)]
pub struct CachedState<E: Element = f32> {
    /// Keys and values of every layer.
    pub caches: Vec<KeyValueCache<E>>,
    /// How many tokens of each row were read, padding counted.
    pub position: usize,
}

impl<E: Element> CachedState<E> {
    /// Empty caches of this many layers.
    pub fn new(layers: usize) -> Self {
        Self { caches: vec![KeyValueCache::new(); layers], position: 0 }
    }

    /// At which positions of its own text each of the next tokens (B, T) stands, where rows are padded and so differ.
    pub fn positions(&self, ids: &Ids) -> Option<Ids> {
        let padding = self.caches.first().map(KeyValueCache::padding).filter(|padding| !padding.is_empty())?;
        let [b, t] = ids.dims();
        assert!(padding.len() == b, "positions: {b} rows for a state of {}", padding.len());
        let position = |row: usize, i: usize| (self.position - padding[row] + i) as u32;
        Some(Ids::new((0..b * t).map(|i| position(i / t, i % t)).collect::<Vec<_>>(), [b, t]))
    }

    /// Checks that the caches hold all that was read: what a model with checkpointing is trained on, they do not.
    #[track_caller]
    pub(crate) fn check_kept(&self, model: &str) {
        for cache in &self.caches {
            let (seen, position) = (cache.len(), self.position);
            assert!(seen == position, "{model}: {seen} of {position} earlier positions were kept (checkpointing)");
        }
    }
}

impl<E: Element> ModelState<E> for CachedState<E> {
    fn copied(&self) -> State<E> {
        Box::new(self.clone())
    }

    fn position(&self) -> usize {
        self.position
    }

    /// Nothing is copied that [stays where it was](KeyValueCache::select_rows).
    fn select_rows(&mut self, rows: &Ids) {
        let before = self.caches.first().map_or(0, KeyValueCache::len);
        self.caches.par_iter_mut().for_each(|cache| cache.select_rows(rows));
        // What was padding in all of these rows is gone.
        self.position -= before - self.caches.first().map_or(0, KeyValueCache::len);
    }

    fn merged(&self, states: &[State<E>]) -> State<E> {
        let states: Vec<&Self> = states.iter().map(|state| state.get().expect("merged: states of one model")).collect();
        let cache = |layer: usize| {
            KeyValueCache::merged(&states.iter().map(|state| state.caches[layer].clone()).collect::<Vec<_>>())
        };
        let position = states.iter().map(|state| state.position).max().unwrap_or(0);
        Box::new(Self { caches: (0..self.caches.len()).map(cache).collect(), position })
    }

    fn unread(&mut self, tokens: usize) -> bool {
        assert!(tokens <= self.position, "unread: {tokens} of {} tokens", self.position);
        self.position -= tokens;
        self.caches.iter_mut().for_each(|cache| cache.truncate(self.position));
        true
    }
}
