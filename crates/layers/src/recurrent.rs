//! What recurrent layers have in common: cells, sequences of them, and layers upon layers.
//!
//! A [`Cell`] turns an input and a state into the next state: [`RnnCell`](crate::RnnCell),
//! [`LstmCell`](crate::LstmCell) and [`GruCell`](crate::GruCell). A [`Recurrent`] layer runs cells along a sequence, in
//! one direction or in both, one layer upon the other, with dropout in between (Zaremba, Sutskever & Vinyals 2014:
//! never on the recurrent connections, where it would act once per step). Both directions side by side are Schuster &
//! Paliwal (1997), *Bidirectional Recurrent Neural Networks*.
//!
//! The product x_t W_x does not depend on the state, so it is taken for all steps at once; what remains is one kernel
//! for the whole sequence. A single step is a sequence of one, so both give the same bits.
//!
//! Sequences of different lengths are padded at their ends. Past its own length a sequence's state stays as it is, so
//! the last state of a padded batch is that of each sequence alone, and what stands in the padding never matters.

use crate::{Dropout, Mode, Module, Path};
use rungs_tensor::{Array, Element, Ids, Kernel, Rng, Tensor};
use std::any::Any;
use std::fmt::Debug;

pub(crate) mod kernel;
pub(crate) mod reading;
pub use reading::Order;

/// What a recurrent layer carries from step to step.
#[derive(Debug, Clone)]
pub struct RecurrentState<E: Element = f32> {
    /// h (B, H): what the layer shows.
    pub h: Tensor<E>,
    /// c (B, H): what an LSTM keeps to itself; other cells have none.
    pub c: Option<Tensor<E>>,
}

impl<E: Element> RecurrentState<E> {
    /// The same values without their history, where back-propagation through time is to stop.
    pub fn detached(&self) -> Self {
        Self { h: self.h.detached(), c: self.c.as_ref().map(Tensor::detached) }
    }

    /// The states of some rows of the batch, some perhaps several times.
    pub fn rows(&self, rows: &Ids) -> Self {
        Self { h: self.h.select(0, rows), c: self.c.as_ref().map(|c| c.select(0, rows)) }
    }
}

/// One step of a recurrent layer.
pub trait Cell<E: Element>: Module<E> + Clone + Debug + Send + Sync + Sized {
    /// What a cell may be besides its sizes; `()` if there is nothing to choose.
    type Kind: Copy + Default;

    /// How many vectors its state has: 1, or 2 with a c.
    const STATES: usize;

    /// A cell from `inputs` to `hidden` numbers with the usual first values: W_x by Xavier and W_h orthogonal, gate by
    /// gate.
    fn of_kind(kind: Self::Kind, inputs: usize, hidden: usize, rng: &mut Rng) -> Self;

    /// How many parameters a cell from D to H numbers has.
    fn parameters(inputs: u64, hidden: u64) -> u64;

    /// W_x (D, G·H) for G gates: x W_x is the only place where a cell reads its input.
    fn w_x(&self) -> &Tensor<E>;

    /// H.
    fn hidden(&self) -> usize;

    /// D.
    fn inputs(&self) -> usize {
        self.w_x().dims::<2>()[0]
    }

    /// The state before the first step: zeros.
    fn zero_state(&self, batch: usize) -> RecurrentState<E> {
        let zeros = Tensor::constant(Array::zeros([batch, self.hidden()]));
        RecurrentState { h: zeros.clone(), c: (Self::STATES == 2).then_some(zeros) }
    }

    /// All steps: x (B, T, D) and the state before → every h (B, T, H) and the state after the last step, in
    /// [`Order::Reverse`] that after the first. `lengths` has the steps of each sequence; none if all have T.
    ///
    /// # Panics
    /// If the sizes do not fit, there is no step, or a length is larger than T.
    #[track_caller]
    fn sequence(
        &self,
        x: &Tensor<E>,
        state: &RecurrentState<E>,
        order: Order,
        lengths: Option<&[usize]>,
    ) -> (Tensor<E>, RecurrentState<E>) {
        self.driven(&x.matmul(self.w_x()), state, order, lengths)
    }

    /// As [`sequence`](Cell::sequence), given x W_x (B, T, G·H): for one who has computed parts of the product before.
    ///
    /// # Panics
    /// As [`sequence`](Cell::sequence).
    #[track_caller]
    fn driven(
        &self,
        drive: &Tensor<E>,
        state: &RecurrentState<E>,
        order: Order,
        lengths: Option<&[usize]>,
    ) -> (Tensor<E>, RecurrentState<E>);

    /// One step: x_t (B, D) and the state before → the state after.
    #[track_caller]
    fn step(&self, x: &Tensor<E>, state: &RecurrentState<E>) -> RecurrentState<E> {
        self.sequence(&x.unsqueeze(1), state, Order::Forward, None).1
    }
}

/// Runs a kernel of a whole sequence: x W_x (B, T, G·H) and the state before → every h (B, T, H) and the state after.
#[track_caller]
pub(crate) fn run<E: Element, K: Kernel<E>>(
    kernel: K,
    drive: &Tensor<E>,
    [w_h, bias]: [&Tensor<E>; 2],
    RecurrentState { h, c }: &RecurrentState<E>,
    order: Order,
) -> (Tensor<E>, RecurrentState<E>) {
    let ([b, t, _], hidden) = (drive.dims(), w_h.dims::<2>()[0]);
    assert!(t > 0, "{}: a sequence of no steps", kernel.name());
    let mut operands = vec![drive, w_h, bias, h];
    operands.extend(c);
    let packed = Tensor::apply_kernel(kernel, &operands); // (B·T + B, H) with c, (B·T, H) without
    let states = packed.slice(0, 0..b * t).reshape([b, t, hidden]); // (B, T, H)
    let c = c.as_ref().map(|_| packed.slice(0, b * t..b * t + b)); // (B, H)
    let h = last_step(&states, order);
    (states, RecurrentState { h, c })
}

/// The state that was computed last: (B, T, H) → (B, H).
fn last_step<E: Element>(states: &Tensor<E>, order: Order) -> Tensor<E> {
    let [_, t, _] = states.dims();
    let last = if order == Order::Forward { t - 1 } else { 0 };
    states.slice(1, last..last + 1).squeeze(1)
}

/// Which way a [`Recurrent`] layer reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the first step to the last.
    Forward,
    /// Both ways, with cells of their own; what the two show is laid side by side.
    Both,
}

/// Layers of cells, each reading what the one below shows: [`Rnn`](crate::Rnn), [`Lstm`](crate::Lstm) and
/// [`Gru`](crate::Gru).
#[derive(Debug, Clone)]
pub struct Recurrent<C> {
    /// The layers, the first of which reads the input.
    pub layers: Vec<C>,
    /// The cells that read from the end, one for each layer, or none.
    pub backward: Vec<C>,
    /// Between layers; not on the input, the recurrent connections or the output.
    pub dropout: Dropout,
}

impl<E: Element, C: Cell<E>> Module<E> for Recurrent<C> {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, &'a Tensor<E>)) {
        path.enter("layers", |path| self.layers.visit(path, f));
        path.enter("backward", |path| self.backward.visit(path, f));
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut Tensor<E>)) {
        path.enter("layers", |path| self.layers.visit_mut(path, f));
        path.enter("backward", |path| self.backward.visit_mut(path, f));
    }

    fn visit_modules(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any)) {
        f(path.as_str(), self);
        path.enter("layers", |path| self.layers.visit_modules(path, f));
        path.enter("backward", |path| self.backward.visit_modules(path, f));
    }
}

impl<C> Recurrent<C> {
    /// `layers` layers of `hidden` numbers that read forward, with their usual first values.
    ///
    /// Other beginnings are made of cells: `Lstm { layers: vec![LstmCell::new(…)], backward: vec![], dropout }`.
    #[track_caller]
    pub fn new<E: Element>(inputs: usize, hidden: usize, layers: usize, dropout: Dropout, rng: &mut Rng) -> Self
    where
        C: Cell<E>,
    {
        Self::of_kind(C::Kind::default(), Direction::Forward, inputs, hidden, layers, dropout, rng)
    }

    /// As [`new`](Recurrent::new), of any kind of this cell and in any direction.
    #[track_caller]
    pub fn of_kind<E: Element>(
        kind: C::Kind,
        direction: Direction,
        inputs: usize,
        hidden: usize,
        layers: usize,
        dropout: Dropout,
        rng: &mut Rng,
    ) -> Self
    where
        C: Cell<E>,
    {
        let ways = if direction == Direction::Both { 2 } else { 1 };
        let mut stack = Self { layers: Vec::new(), backward: Vec::new(), dropout };
        for layer in 0..layers {
            let inputs = if layer == 0 { inputs } else { ways * hidden };
            stack.layers.push(C::of_kind(kind, inputs, hidden, rng));
            if direction == Direction::Both {
                stack.backward.push(C::of_kind(kind, inputs, hidden, rng));
            }
        }
        stack
    }

    /// The states before the first step: zeros for every layer, and in both directions first forward, then backward.
    pub fn zero_state<E: Element>(&self, batch: usize) -> Vec<RecurrentState<E>>
    where
        C: Cell<E>,
    {
        self.cells().map(|(cell, _)| cell.zero_state(batch)).collect()
    }

    /// The cells in the order of their states.
    fn cells(&self) -> impl Iterator<Item = (&C, Order)> {
        self.layers.iter().enumerate().flat_map(|(layer, cell)| {
            let backward = self.backward.get(layer).map(|cell| (cell, Order::Reverse));
            std::iter::once((cell, Order::Forward)).chain(backward)
        })
    }

    /// x (B, T, D) and a state per cell → what the last layer shows at all steps (B, T, H), or (B, T, 2H) in both
    /// directions, and the last state of every cell.
    ///
    /// # Panics
    /// If `state` does not have one state per cell.
    #[track_caller]
    pub fn forward<E: Element>(
        &self,
        x: &Tensor<E>,
        state: &[RecurrentState<E>],
        mode: &mut Mode<'_>,
    ) -> (Tensor<E>, Vec<RecurrentState<E>>)
    where
        C: Cell<E>,
    {
        self.read(x, None, state, mode)
    }

    /// As [`forward`](Recurrent::forward), in one direction, given the product x W_x (B, T, G·H) of the first layer: a
    /// decoder whose input is known in part before it begins takes that part of the product for all steps at once.
    ///
    /// # Panics
    /// Also if there is no layer, or if it reads both ways.
    #[track_caller]
    pub fn driven<E: Element>(
        &self,
        drive: &Tensor<E>,
        state: &[RecurrentState<E>],
        mode: &mut Mode<'_>,
    ) -> (Tensor<E>, Vec<RecurrentState<E>>)
    where
        C: Cell<E>,
    {
        let ([cell, above @ ..], []) = (&self.layers[..], &self.backward[..]) else {
            panic!("recurrent: driven, with {} layers and {} backward", self.layers.len(), self.backward.len())
        };
        assert!(state.len() == self.layers.len(), "recurrent: {} states for {} cells", state.len(), self.layers.len());
        let (mut shown, after) = cell.driven(drive, &state[0], Order::Forward, None); // (B, T, H)
        let mut last = vec![after];
        for (cell, state) in above.iter().zip(&state[1..]) {
            let (states, after) = cell.sequence(&self.dropout.forward(&shown, mode), state, Order::Forward, None);
            shown = states;
            last.push(after);
        }
        (shown, last)
    }

    /// As [`forward`](Recurrent::forward), for sequences of different lengths, padded at their ends to T.
    ///
    /// # Panics
    /// Also if there is not one length per sequence, or one is larger than T.
    #[track_caller]
    pub fn forward_padded<E: Element>(
        &self,
        x: &Tensor<E>,
        lengths: &[usize],
        state: &[RecurrentState<E>],
        mode: &mut Mode<'_>,
    ) -> (Tensor<E>, Vec<RecurrentState<E>>)
    where
        C: Cell<E>,
    {
        self.read(x, Some(lengths), state, mode)
    }

    #[track_caller]
    fn read<E: Element>(
        &self,
        x: &Tensor<E>,
        lengths: Option<&[usize]>,
        state: &[RecurrentState<E>],
        mode: &mut Mode<'_>,
    ) -> (Tensor<E>, Vec<RecurrentState<E>>)
    where
        C: Cell<E>,
    {
        let cells = self.layers.len() + self.backward.len();
        assert!(state.len() == cells, "recurrent: {} states for {cells} cells", state.len());
        let ways = if self.backward.is_empty() { 1 } else { 2 };
        let mut x = x.clone();
        let mut last = Vec::with_capacity(cells);
        let mut shown = Vec::with_capacity(ways);
        for (number, (cell, order)) in self.cells().enumerate() {
            if number > 0 && number % ways == 0 {
                x = self.dropout.forward(&Tensor::concat(&std::mem::take(&mut shown), -1), mode);
            }
            let (states, after) = cell.sequence(&x, &state[number], order, lengths); // (B, T, H)
            shown.push(states);
            last.push(after);
        }
        (Tensor::concat(&shown, -1), last) // (B, T, ways·H)
    }
}
