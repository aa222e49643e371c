//! The weights of Keras 3's `SimpleRNN`, `LSTM` and `GRU`.
//!
//! Each cell has, after a prefix of its own:
//!
//! | name | shape | gates, from the left |
//! |---|---|---|
//! | `kernel` | (D, G·H) | SimpleRNN: one; LSTM: i, f, c, o; GRU: z, r, h |
//! | `recurrent_kernel` | (H, G·H) | the same |
//! | `bias` | (G·H); of a GRU with `reset_after=True` (2, 3H), first the input's, then the state's | the same |
//!
//! Our g is Keras's c, and our n its h. `reset_after=True`, Keras's default, is
//! [`Reset::AfterProduct`], and `reset_after=False` is [`Reset::BeforeProduct`].
//!
//! The prefix is what stands before these names in a weight's `path`:
//!
//! | in Keras | prefixes |
//! |---|---|
//! | `LSTM(…, name="encoder")` | `encoder/lstm_cell/` |
//! | two layers, one upon the other | `lstm/lstm_cell/`, `lstm_1/lstm_cell/` |
//! | `Bidirectional(GRU(…))` | `bidirectional/forward_gru/gru_cell/`, `bidirectional/backward_gru/gru_cell/` |
//!
//! They are given one for each cell in the order of the states: layer by layer, in both directions first forward, then
//! backward. In Python, `safetensors.numpy.save_file({w.path: w.numpy() for w in model.weights}, path)` writes what
//! [`load`] takes, and after `tensors = safetensors.numpy.load_file(path)`, `w.assign(tensors[w.path])` for each weight
//! reads what [`save`] made.
//!
//! ```
//! use rungs_interop::keras;
//! use rungs_layers::tensor::{Rng, safetensors};
//! use rungs_layers::{Direction, Dropout, Gru, Reset};
//!
//! let mut rng = Rng::new(0);
//! let mut gru = || -> Gru {
//!     Gru::of_kind(Reset::AfterProduct, Direction::Both, 3, 4, 1, Dropout::new(0.0), &mut rng)
//! };
//! let prefixes = ["bidirectional/forward_gru/gru_cell/", "bidirectional/backward_gru/gru_cell/"];
//! let (reader, mut copy) = (gru(), gru());
//! let file = safetensors::write(&keras::save(&reader, &prefixes), None)?;
//!
//! let tensors = safetensors::read(&file)?;
//! assert_eq!(tensors["bidirectional/forward_gru/gru_cell/bias"].dims(), [2, 12]);
//! keras::load(&mut copy, &tensors, &prefixes)?;
//! assert_eq!(copy.backward[0].w_h.to_vec(), reader.backward[0].w_h.to_vec());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::ExchangeError;
use crate::recurrent_cells::{gru_bias, gru_biases, load_cells, nothing_beside, save_cells};
use rungs_layers::{Equations, LstmEquations, Nonlinearity, Order, Recurrent, RecurrentCell, Reset};
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Element, Tensor};

/// The weights of one cell, in the order in which [`to_keras`] gives them.
const WEIGHTS: [&str; 3] = ["kernel", "recurrent_kernel", "bias"];

/// The equations of a cell that Keras has too.
pub trait KerasCell: Equations {
    /// A matrix with its gates, along the last axis, in Keras's order, or from there in ours.
    fn exchange_gates<E: Element>(self, gates: &Tensor<E>) -> Tensor<E> {
        gates.clone()
    }

    /// `bias`, of our b.
    fn to_keras_bias<E: Element>(self, bias: &Tensor<E>) -> Tensor<E> {
        bias.clone()
    }

    /// Our b, of `bias`: the inverse of [`to_keras_bias`](KerasCell::to_keras_bias).
    fn to_bias<E: Element>(self, bias: &Tensor<E>) -> Tensor<E> {
        bias.clone()
    }
}

/// Takes the weights of Keras layers from `tensors`, with one prefix for each cell, or changes nothing.
///
/// # Errors
/// If a weight is missing or has another shape.
///
/// # Panics
/// If there is not one prefix per cell.
#[track_caller]
pub fn load<E: Element, Q: KerasCell>(
    stack: &mut Recurrent<E, Q>,
    tensors: &Named<E>,
    prefixes: &[&str],
) -> Result<(), ExchangeError> {
    let names = names(stack, prefixes);
    Ok(load_cells(stack, tensors, |_| false, names, (to_keras, with_keras))?)
}

/// The weights as Keras names and lays them out, with one prefix for each cell.
///
/// # Panics
/// If there is not one prefix per cell, or two are the same.
#[track_caller]
pub fn save<E: Element, Q: KerasCell>(stack: &Recurrent<E, Q>, prefixes: &[&str]) -> Named<E> {
    save_cells(stack, names(stack, prefixes), to_keras)
}

/// What the weights of a cell are called, given its layer and the order in which it reads.
#[track_caller]
fn names<'a, E: Element, Q>(
    stack: &Recurrent<E, Q>,
    prefixes: &'a [&'a str],
) -> impl Fn(usize, Order) -> [String; 3] + use<'a, E, Q> {
    let cells = stack.layers.len() + stack.backward.len();
    assert!(prefixes.len() == cells, "keras: {} prefixes for {cells} cells", prefixes.len());
    let ways = if stack.backward.is_empty() { 1 } else { 2 };
    move |layer, order| {
        let prefix = prefixes[ways * layer + usize::from(order == Order::Reverse)];
        WEIGHTS.map(|weight| format!("{prefix}{weight}"))
    }
}

/// The weights of a cell as Keras lays them out.
fn to_keras<E: Element, Q: KerasCell>(cell: &RecurrentCell<E, Q>) -> [Tensor<E>; 3] {
    let RecurrentCell { w_x, w_h, bias, equations } = cell;
    [equations.exchange_gates(w_x), equations.exchange_gates(w_h), equations.to_keras_bias(bias)]
}

/// A cell of the same equations with these weights: the inverse of [`to_keras`].
pub(crate) fn with_keras<E: Element, Q: KerasCell>(
    &RecurrentCell { equations, .. }: &RecurrentCell<E, Q>,
    [kernel, recurrent_kernel, bias]: [Tensor<E>; 3],
) -> RecurrentCell<E, Q> {
    let [w_x, w_h] = [kernel, recurrent_kernel].map(|weight| equations.exchange_gates(&weight));
    RecurrentCell { w_x, w_h, bias: equations.to_bias(&bias), equations }
}

impl KerasCell for Nonlinearity {}

impl KerasCell for LstmEquations {}

impl KerasCell for Reset {
    /// r, z, n ↔ z, r, n.
    fn exchange_gates<E: Element>(self, gates: &Tensor<E>) -> Tensor<E> {
        let [first, second, n] = gates.chunks(-1);
        Tensor::concat(&[second, first, n], -1)
    }

    fn to_keras_bias<E: Element>(self, bias: &Tensor<E>) -> Tensor<E> {
        match self {
            Reset::AfterProduct => {
                Tensor::stack(&gru_biases(bias).map(|bias| self.exchange_gates(&bias)), 0) // (2, 3H)
            }
            Reset::BeforeProduct => {
                let [r, z, n, h_n] = bias.chunks(0);
                Tensor::concat(&[z, r, n + h_n], 0) // (3H)
            }
        }
    }

    fn to_bias<E: Element>(self, bias: &Tensor<E>) -> Tensor<E> {
        match self {
            Reset::AfterProduct => {
                let [input, state] = bias.chunks(0).map(|bias| self.exchange_gates(&bias.squeeze(0)));
                gru_bias(&input, &state)
            }
            Reset::BeforeProduct => {
                let bias = self.exchange_gates(bias);
                let [r, ..] = bias.chunks::<3>(0);
                Tensor::concat(&[bias, nothing_beside(&r)], 0) // (4H)
            }
        }
    }
}
