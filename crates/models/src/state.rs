//! The memory of a model between two calls: [`State`].
//!
//! Each family of models remembers something else:
//!
//! | models | a value of |
//! |---|---|
//! | recurrent ones, [`Seq2Seq`](crate::Seq2Seq) | [`CarriedState`](crate::CarriedState): h, or h and c, per layer |
//! | [`AttentionSeq2Seq`](crate::AttentionSeq2Seq) | the same, the encoder's states, and where it looked |
//! | [`Gpt`](crate::Gpt) | [`CachedState`](crate::CachedState): keys and values of all tokens |
//! | [`Transformer`](crate::Transformer) | the same, keys and values of the source, and where it looked |
//!
//! A model of your own can have a type of its own: sampling and searching ask for what [`ModelState`] has, and nothing
//! else.

use rungs_layers::tensor::{Element, Ids, Tensor};
use std::any::Any;
use std::fmt::Debug;

/// The memory of a model that has read some texts, one in each row of a batch.
///
/// A model takes from it what it put there; only it knows the type. An empty state is a model's own
/// [`start`](crate::LanguageModel::start).
pub type State<E = f32> = Box<dyn ModelState<E>>;

/// A type that a model keeps in its [`State`].
pub trait ModelState<E: Element>: Any + Debug + Send + Sync {
    /// A state with a copy of this value.
    fn copied(&self) -> State<E>;

    /// How many tokens of each row were read.
    fn position(&self) -> usize;

    /// Goes on with some rows of the batch, some perhaps several times: a search goes on from the best hypotheses.
    fn select_rows(&mut self, rows: &Ids);

    /// The rows of several states of one model, of which this is the first, one after another. They may have read texts
    /// of different lengths, but no sources.
    ///
    /// # Panics
    /// If one has read nothing. As it is given: always.
    fn merged(&self, _states: &[State<E>]) -> State<E> {
        panic!("merged: states with a source")
    }

    /// Forgets the last tokens that were read, if what is kept of every token is kept apart; else, and as it is given,
    /// nothing happens, and it says so.
    ///
    /// # Panics
    /// If fewer were read.
    #[must_use]
    fn unread(&mut self, _tokens: usize) -> bool {
        false
    }

    /// Cuts what is kept off from the graph that computed it, where truncated back-propagation through time ends. As it
    /// is given, nothing is.
    fn detach(&mut self) {}

    /// Where the model looked while it read the last tokens (B, T, S), if it looks at a source and tells.
    fn weights(&self) -> Option<&Tensor<E>> {
        None
    }
}

impl<E: Element> dyn ModelState<E> {
    /// The value that is remembered, if it is of this type.
    pub fn get<R: ModelState<E>>(&self) -> Option<&R> {
        (self as &dyn Any).downcast_ref()
    }

    /// The value that a model put there.
    ///
    /// # Panics
    /// If this is another model's state.
    #[track_caller]
    pub fn expect_mut<R: ModelState<E>>(&mut self, model: &str) -> &mut R {
        (self as &mut dyn Any).downcast_mut().unwrap_or_else(|| panic!("{model}: a state of another model"))
    }

    /// The states of some rows of the batch, some perhaps several times.
    #[must_use]
    pub fn rows(&self, rows: &[usize]) -> State<E> {
        let mut selected = self.copied();
        selected.select_rows(&row_ids(rows));
        selected
    }
}

impl<E: Element> Clone for State<E> {
    fn clone(&self) -> Self {
        self.copied()
    }
}

/// Numbers of rows, to select them by.
pub(crate) fn row_ids(rows: &[usize]) -> Ids {
    Ids::new(rows.iter().map(|&row| row as u32).collect::<Vec<_>>(), rows.len())
}
