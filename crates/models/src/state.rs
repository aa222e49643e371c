//! What a model remembers of the text it has read: [`State`].

use rayon::prelude::*;
use rungs_layers::tensor::{Element, Ids, Tensor};
use rungs_layers::{KeyValueCache, Memory, RecurrentState, SourceMemory};

/// What a model remembers of the text it has read.
///
/// A model takes from it what it put there; only it knows the order. An empty state is a model's own
/// [`start`](crate::LanguageModel::start).
#[derive(Debug, Clone)]
pub struct State<E: Element = f32> {
    /// What a recurrent model carries from step to step: h of every layer, or h and c.
    pub carried: Vec<RecurrentState<E>>,
    /// What an attending model looks back at: keys and values of every layer.
    pub caches: Vec<KeyValueCache<E>>,
    /// How many tokens of each sequence were read.
    pub position: usize,
    /// The source that is being translated, where there is one and a recurrent model looks back at it.
    pub memory: Option<Memory<E>>,
    /// The same as each layer of a Transformer looks at it.
    pub sources: Vec<SourceMemory<E>>,
    /// Where it looked while it read the last tokens (B, T, S), where that is known: a Transformer tells after a
    /// [`step`](Decoder::step) only, (B, 1, S).
    pub weights: Option<Tensor<E>>,
}

impl<E: Element> State<E> {
    /// A state before the first token, of a model that carries these.
    pub fn carrying(carried: Vec<RecurrentState<E>>) -> Self {
        Self { carried, caches: Vec::new(), position: 0, memory: None, sources: Vec::new(), weights: None }
    }

    /// A state before the first token, of a model with this many layers of attention.
    pub fn attending(layers: usize) -> Self {
        Self { caches: vec![KeyValueCache::new(); layers], ..Self::carrying(Vec::new()) }
    }

    /// Cuts what is carried off from the graph that computed it, where truncated back-propagation through time ends.
    pub fn detach(&mut self) {
        for state in &mut self.carried {
            *state = state.detached();
        }
    }

    /// Goes on with some rows of the batch, some perhaps several times: a search goes on from the best hypotheses. Of
    /// caches, nothing is copied that [stays where it was](KeyValueCache::select_rows).
    pub fn select_rows(&mut self, rows: &[usize]) {
        let ids = Ids::new(rows.iter().map(|&row| row as u32).collect::<Vec<_>>(), rows.len());
        let before = self.caches.first().map_or(0, KeyValueCache::len);
        self.caches.par_iter_mut().for_each(|cache| cache.select_rows(&ids));
        // What was padding in all of these rows is gone.
        self.position -= before - self.caches.first().map_or(0, KeyValueCache::len);
        self.carried.iter_mut().for_each(|state| *state = state.rows(&ids));
        self.memory = self.memory.as_ref().map(|memory| memory.rows(rows));
        self.sources.iter_mut().for_each(|source| *source = source.rows(rows));
        self.weights = self.weights.as_ref().map(|weights| weights.select(0, &ids));
    }

    /// The states of some rows of the batch, some perhaps several times.
    #[must_use]
    pub fn rows(&self, rows: &[usize]) -> Self {
        let mut selected = self.clone();
        selected.select_rows(rows);
        selected
    }

    /// The rows of several states of one model, one after another. They may have read texts of different lengths, but
    /// no sources.
    ///
    /// # Panics
    /// If there are none, one has read nothing, or one has a source.
    #[track_caller]
    pub fn merged(states: &[Self]) -> Self {
        let first = states.first().expect("a state to merge");
        let sources = states.iter().any(|state| state.memory.is_some() || !state.sources.is_empty());
        assert!(!sources, "merged: states with a source");
        let carried = |layer: usize| {
            let stack = |of: &dyn Fn(&RecurrentState<E>) -> Option<Tensor<E>>| {
                let all: Option<Vec<_>> = states.iter().map(|state| of(&state.carried[layer])).collect();
                all.map(|all| Tensor::concat(&all, 0))
            };
            let h = stack(&|state| Some(state.h.clone())).expect("every state has an h");
            RecurrentState { h, c: stack(&|state| state.c.clone()) }
        };
        let cache = |layer: usize| {
            KeyValueCache::merged(&states.iter().map(|state| state.caches[layer].clone()).collect::<Vec<_>>())
        };
        Self {
            carried: (0..first.carried.len()).map(carried).collect(),
            caches: (0..first.caches.len()).map(cache).collect(),
            position: states.iter().map(|state| state.position).max().unwrap_or(0),
            ..Self::carrying(Vec::new())
        }
    }

    /// Forgets the last tokens that were read, if what is kept of every token is kept apart; else nothing happens, and
    /// it says so.
    ///
    /// # Panics
    /// If fewer were read.
    #[track_caller]
    #[must_use]
    pub fn unread(&mut self, tokens: usize) -> bool {
        if !self.carried.is_empty() {
            return false;
        }
        assert!(tokens <= self.position, "unread: {tokens} of {} tokens", self.position);
        self.position -= tokens;
        self.caches.iter_mut().for_each(|cache| cache.truncate(self.position));
        true
    }

    /// At which positions of its own text each of the next tokens (B, T) stands, where rows are padded and so differ.
    pub fn positions(&self, ids: &Ids) -> Option<Ids> {
        let padding = self.caches.first().map(KeyValueCache::padding).filter(|padding| !padding.is_empty())?;
        let [b, t] = ids.dims();
        assert!(padding.len() == b, "positions: {b} rows for a state of {}", padding.len());
        let position = |row: usize, i: usize| (self.position - padding[row] + i) as u32;
        Some(Ids::new((0..b * t).map(|i| position(i / t, i % t)).collect::<Vec<_>>(), [b, t]))
    }
}
