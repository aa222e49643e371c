//! A recurrent cell: from an input and a state to the next state.
//!
//! [`RnnCell`](crate::RnnCell), [`LstmCell`](crate::LstmCell) and [`GruCell`](crate::GruCell) are one struct,
//! [`RecurrentCell`], over the equations of each. Layers of them are [`recurrent`](crate::recurrent).
//!
//! The product x_t W_x does not depend on the state, so it is taken for all steps at once; what remains is one kernel
//! for the whole sequence. A single step is a sequence of one, so both give the same bits.
//!
//! Sequences of different lengths are padded at their ends. Past its own length a sequence's state stays as it is, so
//! the last state of a padded batch is that of each sequence alone, and what stands in the padding never matters.

use crate::kernels::sequence_kernel::Sequence;
use crate::{Init, parameters};
use rungs_tensor::{Array, Element, Ids, Rng, Tensor};

pub use crate::kernels::sequence_kernel::{Equations, Step, StepBack};
pub use crate::kernels::sequence_reading::Order;

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

/// One layer's step, by these equations.
///
/// Parameters: G(D·H + H²) for G gates, and the biases.
#[derive(Debug, Clone)]
pub struct RecurrentCell<E: Element, Q> {
    /// W_x (D, G·H).
    pub w_x: Tensor<E>,
    /// W_h (H, G·H).
    pub w_h: Tensor<E>,
    /// b, of as many times H numbers as the equations have biases; at first 0, and 1 for the forget gate of an LSTM.
    pub bias: Tensor<E>,
    /// The equations of a step.
    pub equations: Q,
}

parameters!(RecurrentCell<Q: Equations> { w_x, w_h, bias, equations: _ });

impl<E: Element, Q: Equations> RecurrentCell<E, Q> {
    /// A cell from `inputs` to `hidden`, with each gate's part of W_x and W_h drawn from the two distributions.
    #[track_caller]
    pub fn new(equations: Q, inputs: usize, hidden: usize, [w_x, w_h]: [Init; 2], rng: &mut Rng) -> Self {
        Self {
            w_x: w_x.side_by_side(inputs, &vec![hidden; Q::GATES], rng),
            w_h: w_h.side_by_side(hidden, &vec![hidden; Q::GATES], rng),
            bias: Tensor::variable(Q::first_bias(hidden)),
            equations,
        }
    }

    /// A cell with the usual first values: W_x by Xavier and W_h orthogonal, gate by gate.
    pub fn of_kind(equations: Q, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::new(equations, inputs, hidden, [Init::XavierUniform, Init::Orthogonal], rng)
    }

    /// D.
    pub fn inputs(&self) -> usize {
        self.w_x.dims::<2>()[0]
    }

    /// H.
    pub fn hidden(&self) -> usize {
        self.w_h.dims::<2>()[0]
    }

    /// The state before the first step: zeros.
    pub fn zero_state(&self, batch: usize) -> RecurrentState<E> {
        let zeros = Tensor::constant(Array::zeros([batch, self.hidden()]));
        RecurrentState { h: zeros.clone(), c: (Q::STATES == 2).then_some(zeros) }
    }

    /// All steps: x (B, T, D) and the state before → every h (B, T, H) and the state after the last step, in
    /// [`Order::Reverse`] that after the first. `lengths` has the steps of each sequence; none if all have T.
    ///
    /// # Panics
    /// If the sizes do not fit, there is no step, or a length is larger than T.
    #[track_caller]
    pub fn sequence(
        &self,
        x: &Tensor<E>,
        state: &RecurrentState<E>,
        order: Order,
        lengths: Option<&[usize]>,
    ) -> (Tensor<E>, RecurrentState<E>) {
        self.driven(&x.matmul(&self.w_x), state, order, lengths)
    }

    /// As [`sequence`](Self::sequence), given x W_x (B, T, G·H): for one who has computed parts of the product before.
    ///
    /// # Panics
    /// As [`sequence`](Self::sequence).
    #[track_caller]
    pub fn driven(
        &self,
        drive: &Tensor<E>,
        RecurrentState { h, c }: &RecurrentState<E>,
        order: Order,
        lengths: Option<&[usize]>,
    ) -> (Tensor<E>, RecurrentState<E>) {
        let ([b, t, _], hidden) = (drive.dims(), self.hidden());
        assert!(t > 0, "{}: a sequence of no steps", Q::NAME);
        let mut operands = vec![drive, &self.w_h, &self.bias, h];
        operands.extend(c);
        let packed = Sequence::new(self.equations, order, lengths).apply(&operands); // (B·T + B, H), or (B·T, H)
        let states = packed.slice(0, 0..b * t).reshape([b, t, hidden]); // (B, T, H)
        let c = c.as_ref().map(|_| packed.slice(0, b * t..b * t + b)); // (B, H)
        let last = if order == Order::Forward { t - 1 } else { 0 };
        let h = states.slice(1, last..last + 1).squeeze(1); // (B, H)
        (states, RecurrentState { h, c })
    }

    /// One step: x_t (B, D) and the state before → the state after.
    #[track_caller]
    pub fn step(&self, x: &Tensor<E>, state: &RecurrentState<E>) -> RecurrentState<E> {
        self.sequence(&x.unsqueeze(1), state, Order::Forward, None).1
    }
}
