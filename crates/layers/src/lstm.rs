//! Long short-term memory: a state that is kept unless a gate says otherwise.
//!
//! ```text
//! (i, f, g, o) = x_t W_x + h_{t−1} W_h + b
//! c_t = σ(f) ⊙ c_{t−1} + σ(i) ⊙ tanh(g)
//! h_t = σ(o) ⊙ tanh(c_t)
//! ```
//! with x_t (B, D), h_t and c_t (B, H), W_x (D, 4H), W_h (H, 4H), b (4H).
//! Hochreiter & Schmidhuber (1997), *Long Short-Term Memory*; the forget gate f is of Gers, Schmidhuber & Cummins
//! (2000), *Learning to Forget*. Several layers and dropout between them as in Zaremba, Sutskever & Vinyals (2014).
//!
//! Where the simple network multiplies its state by a matrix at every step, c is multiplied by a gate: as long as
//! σ(f) stays near 1 the gradient travels back undiminished. So that it begins near 1, the bias of f begins at 1
//! (Gers et al. 2000; Jozefowicz, Zaremba & Sutskever 2015).
//!
//! The gates lie side by side in the order i, f, g, o, which is PyTorch's; PyTorch adds two biases where one suffices.
//! As in [`rnn`](crate::rnn), x W_x is one product for all steps, and time is the first axis inside.

use crate::{Dropout, Init, Mode, parameters};
use rungs_tensor::{Array, Element, Rng, Tensor};

/// What an LSTM layer carries from step to step.
#[derive(Debug, Clone)]
pub struct LstmState<E: Element = f32> {
    /// h (B, H): what the layer shows.
    pub h: Tensor<E>,
    /// c (B, H): what it keeps to itself.
    pub c: Tensor<E>,
}

impl<E: Element> LstmState<E> {
    /// Both zero.
    pub fn zeros(batch: usize, hidden: usize) -> Self {
        let zeros = Tensor::constant(Array::zeros([batch, hidden]));
        Self { h: zeros.clone(), c: zeros }
    }

    /// The same values without their history, where back-propagation through time is to stop.
    pub fn detached(&self) -> Self {
        Self { h: self.h.detached(), c: self.c.detached() }
    }
}

/// One layer's step.
///
/// Parameters: 4(D·H + H² + H).
#[derive(Debug, Clone)]
pub struct LstmCell<E: Element = f32> {
    /// W_x (D, 4H).
    pub w_x: Tensor<E>,
    /// W_h (H, 4H).
    pub w_h: Tensor<E>,
    /// b (4H), at first 1 for f and 0 for i, g and o.
    pub bias: Tensor<E>,
}

parameters!(LstmCell { w_x, w_h, bias });

impl<E: Element> LstmCell<E> {
    /// A cell from `inputs` to `hidden`, with each gate's part of W_x and W_h drawn from the two distributions.
    #[track_caller]
    pub fn new(inputs: usize, hidden: usize, w_x: Init, w_h: Init, rng: &mut Rng) -> Self {
        let forget = hidden..2 * hidden;
        let bias = |unit| if forget.contains(&unit) { E::ONE } else { E::ZERO };
        Self {
            w_x: w_x.side_by_side([inputs, hidden], 4, rng),
            w_h: w_h.side_by_side([hidden, hidden], 4, rng),
            bias: Tensor::variable(Array::from_fn(4 * hidden, bias)),
        }
    }

    /// H.
    pub fn hidden(&self) -> usize {
        self.w_h.dims::<2>()[0]
    }

    /// One step: x_t (B, D) and the state before → the state after.
    #[track_caller]
    pub fn step(&self, x: &Tensor<E>, state: &LstmState<E>) -> LstmState<E> {
        self.advance(&self.drive(x), state)
    }

    /// All steps, time first: x (T, B, D) and the state before → h_1 … h_T (T, B, H) and the state after.
    #[track_caller]
    pub fn sequence(&self, x: &Tensor<E>, state: &LstmState<E>) -> (Tensor<E>, LstmState<E>) {
        let [t, _, _] = x.dims();
        let drive = self.drive(x); // (T, B, 4H)
        let mut state = state.clone();
        let mut shown = Vec::with_capacity(t);
        for drive in drive.split(0, &vec![1; t]) {
            state = self.advance(&drive.squeeze(0), &state);
            shown.push(state.h.clone());
        }
        (Tensor::stack(&shown, 0), state) // (T, B, H)
    }

    /// What the input contributes to the gates, x W_x + b: x (…, D) → (…, 4H).
    fn drive(&self, x: &Tensor<E>) -> Tensor<E> {
        x.matmul(&self.w_x) + &self.bias
    }

    fn advance(&self, drive: &Tensor<E>, LstmState { h, c }: &LstmState<E>) -> LstmState<E> {
        let gates = drive + h.matmul(&self.w_h); // (B, 4H)
        let [i, f, g, o] = gates.chunks(-1); // (B, H) each
        let c = f.sigmoid() * c + i.sigmoid() * g.tanh();
        let h = o.sigmoid() * c.tanh();
        LstmState { h, c }
    }
}

/// Layers of [`LstmCell`], each reading what the one below shows.
///
/// Parameters: 4(D·H + H² + H) for the first layer, 4(2H² + H) for each other.
#[derive(Debug, Clone)]
pub struct Lstm<E: Element = f32> {
    /// The layers, the first of which reads the input.
    pub layers: Vec<LstmCell<E>>,
    /// Between layers; not on the input, the recurrent connections or the output.
    pub dropout: Dropout,
}

parameters!(Lstm { layers, dropout: _ });

impl<E: Element> Lstm<E> {
    /// `layers` layers of `hidden` numbers, each gate's W_x by Xavier and W_h orthogonal.
    ///
    /// Other beginnings are made of cells: `Lstm { layers: vec![LstmCell::new(…)], dropout }`.
    #[track_caller]
    pub fn new(inputs: usize, hidden: usize, layers: usize, dropout: Dropout, rng: &mut Rng) -> Self {
        let width = |layer| if layer == 0 { inputs } else { hidden };
        let cell = |layer| LstmCell::new(width(layer), hidden, Init::XavierUniform, Init::Orthogonal, rng);
        Self { layers: (0..layers).map(cell).collect(), dropout }
    }

    /// The state before the first step: zeros for every layer.
    pub fn zero_state(&self, batch: usize) -> Vec<LstmState<E>> {
        self.layers.iter().map(|cell| LstmState::zeros(batch, cell.hidden())).collect()
    }

    /// x (B, T, D) and a state per layer → h of the last layer at all steps (B, T, H), last state of every layer.
    ///
    /// # Panics
    /// If `state` does not have one state per layer.
    #[track_caller]
    pub fn forward(
        &self,
        x: &Tensor<E>,
        state: &[LstmState<E>],
        mode: &mut Mode<'_>,
    ) -> (Tensor<E>, Vec<LstmState<E>>) {
        let [_, t, _] = x.dims();
        assert!(t > 0, "lstm: a sequence of no steps");
        assert!(state.len() == self.layers.len(), "lstm: {} states for {} layers", state.len(), self.layers.len());
        let mut x = x.swap_axes(0, 1); // (T, B, D)
        let mut last = Vec::with_capacity(state.len());
        for (layer, (cell, before)) in self.layers.iter().zip(state).enumerate() {
            if layer > 0 {
                x = self.dropout.forward(&x, mode);
            }
            let (shown, after) = cell.sequence(&x, before); // (T, B, H)
            x = shown;
            last.push(after);
        }
        (x.swap_axes(0, 1), last) // (B, T, H)
    }
}
