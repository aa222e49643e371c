//! What a language model is: a probability for every token that could come next.
//!
//! p(x_1 … x_T) = Π_t p(x_t | x_1 … x_{t−1}), with p(· | x_1 … x_{t−1}) = softmax(z_{t−1}) and z (V) the *logits*.
//!
//! Training asks for the logits of every position of a batch at once, generation for those after the last token, one
//! token after another. Both are one forward pass from a [`State`] to a [`State`], so they cannot disagree: reading a
//! text at once, in pieces, or token by token gives the same logits, bit for bit, whatever else is in the batch.

use rungs_layers::tensor::{Element, Ids, Tensor};
use rungs_layers::{KeyValueCache, Mode, Module, RecurrentState};

/// What a model remembers of the text it has read.
///
/// A model takes from it what it put there; only it knows the order. An empty state is a model's own
/// [`start`](LanguageModel::start).
#[derive(Debug, Clone)]
pub struct State<E: Element = f32> {
    /// What a recurrent model carries from step to step: h of every layer, or h and c.
    pub carried: Vec<RecurrentState<E>>,
    /// What an attending model looks back at: keys and values of every layer.
    pub caches: Vec<KeyValueCache<E>>,
    /// How many tokens of each sequence were read.
    pub position: usize,
}

impl<E: Element> State<E> {
    /// A state before the first token, of a model that carries these.
    pub fn carrying(carried: Vec<RecurrentState<E>>) -> Self {
        Self { carried, caches: Vec::new(), position: 0 }
    }

    /// A state before the first token, of a model with this many layers of attention.
    pub fn attending(layers: usize) -> Self {
        Self { carried: Vec::new(), caches: vec![KeyValueCache::new(); layers], position: 0 }
    }

    /// Cuts what is carried off from the graph that computed it, where truncated back-propagation through time ends.
    pub fn detach(&mut self) {
        for state in &mut self.carried {
            *state = state.detached();
        }
    }
}

/// A model of the next token.
///
/// A rung implements its equations in two halves: [`features`](LanguageModel::features), from tokens to a vector at
/// each position, and [`scores`](LanguageModel::scores), from vectors to logits. The rest follows.
///
/// The trait can be made into an object; `Box<dyn LanguageModel<E>>` is a [`Module`].
///
/// # Panics
/// All methods that read tokens panic if one is V or more, if the state is another model's or another batch size's,
/// or if a model with a [`context`](LanguageModel::context) would read past it. Whoever takes tokens from outside
/// checks them first, as [`generate`](fn@crate::generate) does.
pub trait LanguageModel<E: Element>: Module<E> + Send + Sync {
    /// V, the number of tokens.
    fn vocabulary(&self) -> usize;

    /// The most tokens one state can have read; none if there is no end, as in recurrent models.
    fn context(&self) -> Option<usize>;

    /// The state before the first token of `batch` sequences.
    fn start(&self, batch: usize) -> State<E>;

    /// The vector from which the next token is told, at each position: ids (B, T), which follow what `state` has read,
    /// → (B, T, D). Afterwards `state` has read them too.
    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E>;

    /// The logits of the next token: features (…, D) → (…, V).
    fn scores(&self, features: &Tensor<E>) -> Tensor<E>;

    /// The same model with constants for parameters, which records no graph: to evaluate and generate with. Nothing is
    /// copied.
    fn frozen(&self) -> Box<dyn LanguageModel<E>>;

    /// The logits at every position, which is what training needs: ids (B, T) → (B, T, V).
    fn logits(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        self.scores(&self.features(ids, state, mode)) // (B, T, V)
    }

    /// The logits after the last token, which is what generation needs: ids (B, T) with T ≥ 1 → (B, V).
    ///
    /// Taken one after another, steps of a model that is not [frozen](LanguageModel::frozen) make a graph that grows
    /// with the text.
    fn step(&self, ids: &Ids, state: &mut State<E>) -> Tensor<E> {
        let [_, t] = ids.dims();
        assert!(t > 0, "step: no token to read");
        let features = self.features(ids, state, &mut Mode::Eval); // (B, T, D)
        self.scores(&features.slice(1, t - 1..t).squeeze(1)) // (B, V)
    }
}
