//! The simple recurrent network: a state that is rewritten at every step.
//!
//! h_t = tanh(x_t W_x + h_{t−1} W_h + b), with x_t (B, D), h_t (B, H), W_x (D, H), W_h (H, H), b (H).
//! Elman (1990), *Finding Structure in Time*; as a language model, Mikolov et al. (2010).
//!
//! With several layers, the states of one are the inputs of the next, with dropout in between (Zaremba, Sutskever &
//! Vinyals 2014: never on the recurrent connections, where it would act once per step).
//!
//! The product x_t W_x does not depend on the state, so it is taken for all steps at once before the loop. Inside,
//! time is the first axis, so that one step is one contiguous piece of memory.

use crate::{Dropout, Init, Mode, parameters};
use rungs_tensor::{Array, Element, Rng, Tensor};

/// One layer's step: h_t = tanh(x_t W_x + h_{t−1} W_h + b).
///
/// Parameters: D·H + H² + H.
#[derive(Debug, Clone)]
pub struct RnnCell<E: Element = f32> {
    /// W_x (D, H).
    pub w_x: Tensor<E>,
    /// W_h (H, H).
    pub w_h: Tensor<E>,
    /// b (H), at first 0.
    pub bias: Tensor<E>,
}

parameters!(RnnCell { w_x, w_h, bias });

impl<E: Element> RnnCell<E> {
    /// A cell from `inputs` to `hidden`, with W_x and W_h drawn from the two distributions.
    #[track_caller]
    pub fn new(inputs: usize, hidden: usize, w_x: Init, w_h: Init, rng: &mut Rng) -> Self {
        Self {
            w_x: w_x.tensor([inputs, hidden], rng),
            w_h: w_h.tensor([hidden, hidden], rng),
            bias: Init::Zeros.tensor(hidden, rng),
        }
    }

    /// H.
    pub fn hidden(&self) -> usize {
        self.w_h.dims::<2>()[0]
    }

    /// One step: x_t (B, D), h_{t−1} (B, H) → h_t (B, H).
    #[track_caller]
    pub fn step(&self, x: &Tensor<E>, h: &Tensor<E>) -> Tensor<E> {
        self.advance(&self.drive(x), h)
    }

    /// All steps, time first: x (T, B, D), h_0 (B, H) → h_1 … h_T (T, B, H) and the last of them again (B, H).
    #[track_caller]
    pub fn sequence(&self, x: &Tensor<E>, h: &Tensor<E>) -> (Tensor<E>, Tensor<E>) {
        let [t, _, _] = x.dims();
        let drive = self.drive(x); // (T, B, H)
        let mut h = h.clone();
        let mut states = Vec::with_capacity(t);
        for drive in drive.split(0, &vec![1; t]) {
            h = self.advance(&drive.squeeze(0), &h);
            states.push(h.clone());
        }
        (Tensor::stack(&states, 0), h) // (T, B, H)
    }

    /// What the input contributes, x W_x + b: x (…, D) → (…, H).
    fn drive(&self, x: &Tensor<E>) -> Tensor<E> {
        x.matmul(&self.w_x) + &self.bias
    }

    fn advance(&self, drive: &Tensor<E>, h: &Tensor<E>) -> Tensor<E> {
        (drive + h.matmul(&self.w_h)).tanh()
    }
}

/// Layers of [`RnnCell`], each reading the states of the one below.
///
/// Parameters: D·H + H² + H for the first layer, 2H² + H for each other.
#[derive(Debug, Clone)]
pub struct Rnn<E: Element = f32> {
    /// The layers, the first of which reads the input.
    pub layers: Vec<RnnCell<E>>,
    /// Between layers; not on the input, the recurrent connections or the output.
    pub dropout: Dropout,
}

parameters!(Rnn { layers, dropout: _ });

impl<E: Element> Rnn<E> {
    /// `layers` layers of `hidden` numbers, W_x by Xavier and W_h orthogonal.
    ///
    /// Other beginnings are made of cells: `Rnn { layers: vec![RnnCell::new(…)], dropout }`.
    #[track_caller]
    pub fn new(inputs: usize, hidden: usize, layers: usize, dropout: Dropout, rng: &mut Rng) -> Self {
        let width = |layer| if layer == 0 { inputs } else { hidden };
        let cell = |layer| RnnCell::new(width(layer), hidden, Init::XavierUniform, Init::Orthogonal, rng);
        Self { layers: (0..layers).map(cell).collect(), dropout }
    }

    /// The state before the first step: zeros (B, H) for every layer.
    pub fn zero_state(&self, batch: usize) -> Vec<Tensor<E>> {
        self.layers.iter().map(|cell| Tensor::constant(Array::zeros([batch, cell.hidden()]))).collect()
    }

    /// x (B, T, D) and a state (B, H) per layer → all states of the last layer (B, T, H), last state of every layer.
    ///
    /// # Panics
    /// If `state` does not have one tensor per layer.
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>, state: &[Tensor<E>], mode: &mut Mode<'_>) -> (Tensor<E>, Vec<Tensor<E>>) {
        let [_, t, _] = x.dims();
        assert!(t > 0, "rnn: a sequence of no steps");
        assert!(state.len() == self.layers.len(), "rnn: {} states for {} layers", state.len(), self.layers.len());
        let mut x = x.swap_axes(0, 1); // (T, B, D)
        let mut last = Vec::with_capacity(state.len());
        for (layer, (cell, before)) in self.layers.iter().zip(state).enumerate() {
            if layer > 0 {
                x = self.dropout.forward(&x, mode);
            }
            let (states, after) = cell.sequence(&x, before); // (T, B, H)
            x = states;
            last.push(after);
        }
        (x.swap_axes(0, 1), last) // (B, T, H)
    }
}
