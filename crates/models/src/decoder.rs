//! What writes token after token: a language model, or the half of a translator that writes.
//!
//! A [`Decoder`] implements its equations in two halves: [`features`](Decoder::features), from tokens to a vector at each
//! position, and [`scores`](Decoder::scores), from vectors to logits. Sampling and searching need nothing else; where the
//! first [`State`] comes from is the affair of [`LanguageModel`](crate::LanguageModel), which begins with nothing, and of
//! [`EncoderDecoder`](crate::EncoderDecoder), which begins with a source.

use rungs_layers::tensor::{Element, Ids, Tensor};
use rungs_layers::{KeyValueCache, Memory, Mode, Module, RecurrentState, SourceMemory};

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

    /// The states of some rows of the batch, some perhaps several times: a search goes on from the best hypotheses.
    pub fn rows(&self, rows: &[usize]) -> Self {
        let ids = Ids::new(rows.iter().map(|&row| row as u32).collect::<Vec<_>>(), rows.len());
        let select = |tensor: &Tensor<E>| tensor.select(0, &ids);
        Self {
            carried: self.carried.iter().map(|state| state.rows(&ids)).collect(),
            caches: self.caches.iter().map(|cache| cache.rows(&ids)).collect(),
            position: self.position,
            memory: self.memory.as_ref().map(|memory| memory.rows(rows)),
            sources: self.sources.iter().map(|source| source.rows(rows)).collect(),
            weights: self.weights.as_ref().map(select),
        }
    }
}

/// A model of the next token, given a state.
///
/// # Panics
/// All methods that read tokens panic if one is V or more, if the state is another model's or another batch size's,
/// or if a model with a [`context`](crate::LanguageModel::context) would read past it. Whoever takes tokens from outside
/// checks them first, as [`generate`](fn@crate::generate) does.
pub trait Decoder<E: Element>: Module<E> + Send + Sync {
    /// V, the number of tokens that can be written.
    fn vocabulary(&self) -> usize;

    /// The vector from which the next token is told, at each position: ids (B, T), which follow what `state` has read,
    /// → (B, T, D). Afterwards `state` has read them too.
    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E>;

    /// The logits of the next token: features (…, D) → (…, V).
    fn scores(&self, features: &Tensor<E>) -> Tensor<E>;

    /// The logits after the last token, which is what writing needs: ids (B, T) with T ≥ 1 → (B, V).
    ///
    /// Taken one after another, steps of a model that is not frozen make a graph that grows with the text.
    fn step(&self, ids: &Ids, state: &mut State<E>) -> Tensor<E> {
        let [_, t] = ids.dims();
        assert!(t > 0, "step: no token to read");
        let features = self.features(ids, state, &mut Mode::Eval); // (B, T, D)
        self.scores(&features.slice(1, t - 1..t).squeeze(1)) // (B, V)
    }
}
