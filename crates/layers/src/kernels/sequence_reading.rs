//! How a batch of sequences is read: in which order, and how much of each.
//!
//! Kernels of a whole sequence differ in what a step computes. What they have in common is here: the order of the
//! steps, sequences that end early, the shapes, and the loop that is their definition.

use rungs_tensor::{Array, Element, Mask, Shape, ShapeError, Tensor};
use std::sync::Arc;

/// The order in which a sequence is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the first step to the last.
    Forward,
    /// From the last step to the first.
    Reverse,
}

/// How a batch is read that is padded to T steps.
///
/// Past a sequence's own length its state stays as it is, whatever its input holds there.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    order: Order,
    /// Steps of each sequence, at most T; none if all have T.
    lengths: Option<Arc<[usize]>>,
}

/// B, T and H.
#[derive(Copy, Clone)]
pub(crate) struct Sizes {
    pub(crate) batch: usize,
    pub(crate) time: usize,
    pub(crate) hidden: usize,
}

impl Sizes {
    /// Of x W_x (B, T, G·H).
    pub(crate) fn of<E: Element>(drive: &Array<E>, gates: usize) -> Self {
        let [batch, time, width] = drive.dims();
        Self { batch, time, hidden: width / gates }
    }

    /// Rows that make it worth waking another thread.
    pub(crate) fn least(self) -> usize {
        const OPERATIONS: usize = 200_000;
        OPERATIONS.div_ceil((self.time * self.hidden * self.hidden).max(1))
    }
}

impl Reading {
    pub(crate) fn new(order: Order, lengths: Option<&[usize]>) -> Self {
        Self { order, lengths: lengths.map(Into::into) }
    }

    /// The steps in the order in which they are taken.
    #[inline]
    pub(crate) fn steps(&self, time: usize) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let order = self.order;
        (0..time).map(move |step| if order == Order::Forward { step } else { time - 1 - step })
    }

    /// Whether step `t` of a row is one of its own, not padding.
    #[inline]
    pub(crate) fn is_within(&self, row: usize, t: usize) -> bool {
        self.lengths.as_ref().is_none_or(|lengths| t < lengths[row])
    }

    /// h_{t−1} of a row: one of the `states` (B·T, H), or of the `first` (B, H).
    #[inline]
    pub(crate) fn before<'a, E>(
        &self,
        [states, first]: [&'a [E]; 2],
        [row, t]: [usize; 2],
        Sizes { time, hidden, .. }: Sizes,
    ) -> &'a [E] {
        let (from, at) = match self.order {
            Order::Forward if t == 0 => (first, row),
            Order::Forward => (states, row * time + t - 1),
            Order::Reverse if t + 1 == time => (first, row),
            Order::Reverse => (states, row * time + t + 1),
        };
        &from[at * hidden..][..hidden]
    }

    /// The shape of a kernel's result, for x W_x (B, T, G·H), W_h (H, G·H), b with so many times H numbers, and so many
    /// states (B, H): the rows of h_t (B, T, H), and B more for each state but the first.
    pub(crate) fn shape(
        &self,
        name: &str,
        [gates, biases, states]: [usize; 3],
        operands: &[Shape],
    ) -> Result<Shape, ShapeError> {
        let wrong = || {
            let shapes: Vec<String> = operands.iter().map(Shape::to_string).collect();
            Err(ShapeError::new(format!("{name}: a sequence of shapes {}", shapes.join(", "))))
        };
        let [x, w_h, bias, given @ ..] = operands else { return wrong() };
        if x.rank() != 3 || w_h.rank() != 2 {
            return wrong();
        }
        let ([b, t, g], h) = (x.dims(), w_h.dim(0));
        let state = Shape::from([b, h]);
        let fits = g == gates * h
            && w_h.dim(1) == g
            && *bias == Shape::from(biases * h)
            && given.len() == states
            && given.iter().all(|s| *s == state)
            && self.lengths.as_ref().is_none_or(|lengths| lengths.len() == b && lengths.iter().all(|&l| l <= t));
        if fits { Ok(Shape::from([b * (t + states - 1), h])) } else { wrong() }
    }

    /// The textbook's loop, which is a kernel's definition: x W_x (B, T, G·H), h_0 and perhaps c_0 (B, H) →
    /// (B·T + B, H), first the rows of h_t (B, T, H), then the last c (B, H) if there is one. A step goes from x_t W_x
    /// (B, G·H) and the state before, h and perhaps c, to the state after.
    pub(crate) fn textbook<E: Element, F: Fn(&Tensor<E>, &[Tensor<E>]) -> Vec<Tensor<E>>>(
        &self,
        x: &Tensor<E>,
        first: &[Tensor<E>],
        step: F,
    ) -> Tensor<E> {
        let mut state = first.to_vec();
        let [batch, time, gates] = x.dims();
        let [_, hidden] = first[0].dims();
        let mut shown = vec![Tensor::constant(Array::zeros([batch, hidden])); time];
        for t in self.steps(time) {
            let x = x.slice(1, t..t + 1).reshape([batch, gates]);
            let within = Mask::from_fn([batch, 1], |row| self.is_within(row, t));
            let after = step(&x, &state);
            state = after.iter().zip(&state).map(|(new, old)| Tensor::choose(&within, new, old)).collect();
            shown[t] = state[0].clone();
        }
        let mut parts = vec![match time {
            0 => Tensor::constant(Array::zeros([0, hidden])),
            _ => Tensor::stack(&shown, 1).reshape([batch * time, hidden]), // (B·T, H)
        }];
        parts.extend(state.drain(1..));
        Tensor::concat(&parts, 0)
    }
}
