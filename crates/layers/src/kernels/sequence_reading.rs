//! How a batch of sequences is read: in which order, and how much of each.
//!
//! Here are the order of the steps, and sequences that end early.

use rungs_tensor::{Array, Element};
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

    /// Whether it can be the reading of B sequences padded to T steps.
    pub(crate) fn fits(&self, batch: usize, time: usize) -> bool {
        self.lengths.as_ref().is_none_or(|lengths| lengths.len() == batch && lengths.iter().all(|&l| l <= time))
    }
}
