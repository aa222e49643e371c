//! A recurrent cell: from an input and a state to the next state.
//!
//! [`RnnCell`](crate::RnnCell), [`LstmCell`](crate::LstmCell) and [`GruCell`](crate::GruCell) are [`Cell`]s. Layers of
//! them are [`recurrent`](crate::recurrent).
//!
//! The product x_t W_x does not depend on the state, so it is taken for all steps at once; what remains is one kernel
//! for the whole sequence. A single step is a sequence of one, so both give the same bits.
//!
//! Sequences of different lengths are padded at their ends. Past its own length a sequence's state stays as it is, so
//! the last state of a padded batch is that of each sequence alone, and what stands in the padding never matters.

use crate::Module;
use rungs_tensor::{Array, Element, Ids, Kernel, Rng, Tensor};
use std::fmt::Debug;

/// The order in which a sequence is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the first step to the last.
    Forward,
    /// From the last step to the first.
    Reverse,
}

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
