//! Recurrent layers: cells along a sequence, one layer upon the other.
//!
//! A [`Recurrent`] layer runs [cells](Cell) along a sequence, in one direction or in both, one layer upon the other,
//! with dropout in between (Zaremba, Sutskever & Vinyals 2014: never on the recurrent connections, where it would act
//! once per step). Both directions side by side are Schuster & Paliwal (1997), *Bidirectional Recurrent Neural
//! Networks*.

use crate::{Cell, Dropout, Mode, Module, Order, Path, RecurrentState};
use rungs_tensor::{Element, Rng, Tensor};
use std::any::Any;

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

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any)) {
        f(path.as_str(), self);
        path.enter("layers", |path| self.layers.visit_mut(path, f));
        path.enter("backward", |path| self.backward.visit_mut(path, f));
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
    /// Sequences of different lengths are padded at their ends to T.
    ///
    /// # Panics
    /// If `state` does not have one state per cell, or there are lengths, but not one per sequence, or one is larger
    /// than T.
    #[track_caller]
    pub fn forward<E: Element>(
        &self,
        x: &Tensor<E>,
        lengths: Option<&[usize]>,
        state: &[RecurrentState<E>],
        mode: &mut Mode<'_>,
    ) -> (Tensor<E>, Vec<RecurrentState<E>>)
    where
        C: Cell<E>,
    {
        self.read(x, false, lengths, state, mode)
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
        let [layers, backward] = [self.layers.len(), self.backward.len()];
        assert!(layers > 0 && backward == 0, "recurrent: driven, with {layers} layers and {backward} backward");
        self.read(drive, true, None, state, mode)
    }

    /// Reads x, or what the first layer makes of it by its W_x.
    #[track_caller]
    fn read<E: Element>(
        &self,
        x: &Tensor<E>,
        is_driven: bool,
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
            let read = if is_driven && number == 0 { C::driven } else { C::sequence };
            let (states, after) = read(cell, &x, &state[number], order, lengths); // (B, T, H)
            shown.push(states);
            last.push(after);
        }
        (Tensor::concat(&shown, -1), last) // (B, T, ways·H)
    }
}

#[cfg(test)]
mod tests;
