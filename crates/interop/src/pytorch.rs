//! The parameters of PyTorch's `nn.RNN`, `nn.LSTM` and `nn.GRU`, with any number of layers, in one direction or both.
//! Those of its attention and Transformer layers are in [`transformer`].
//!
//! Layer 0 of the forward direction has, after a prefix such as `encoder.`:
//!
//! | name | shape | gates, from the top |
//! |---|---|---|
//! | `weight_ih_l0` | (G·H, D) | RNN: one; LSTM: i, f, g, o; GRU: r, z, n |
//! | `weight_hh_l0` | (G·H, H) | the same |
//! | `bias_ih_l0`, `bias_hh_l0` | (G·H) | the same |
//!
//! Layers above it count on, `_l1`, and read H numbers, or 2H in both directions; names of the backward direction end
//! in `_reverse`.
//!
//! PyTorch computes W x where we compute x W, so matrices are transposed on the way. Its two biases are added; only the
//! GRU's n keeps them apart, n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)).
//!
//! In Python, `safetensors.torch.save_file(model.state_dict(), path)` writes what [`load`] takes, and
//! `model.load_state_dict(safetensors.torch.load_file(path))` reads what [`save`] made.
//!
//! ```
//! use rungs_interop::pytorch;
//! use rungs_layers::tensor::{Rng, safetensors};
//! use rungs_layers::{Dropout, Lstm};
//!
//! let mut rng = Rng::new(0);
//! let encoder: Lstm = Lstm::new(3, 4, 2, Dropout::new(0.0), &mut rng);
//! let file = safetensors::write(&pytorch::save(&encoder, "encoder.")?, None)?;
//!
//! let tensors = safetensors::read(&file)?;
//! assert_eq!(tensors["encoder.weight_ih_l0"].dims(), [16, 3]);
//! let mut copy: Lstm = Lstm::new(3, 4, 2, Dropout::new(0.0), &mut rng);
//! pytorch::load(&mut copy, &tensors, "encoder.")?;
//! assert_eq!(copy.layers[1].w_h.to_vec(), encoder.layers[1].w_h.to_vec());
//!
//! let mut wider: Lstm = Lstm::new(5, 4, 2, Dropout::new(0.0), &mut rng);
//! let error = pytorch::load(&mut wider, &tensors, "encoder.").unwrap_err();
//! let line = "tensors do not fit the model: wrong shape: encoder.weight_ih_l0 is (16, 3) where (16, 5) is needed";
//! assert_eq!(error.to_string(), line);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod transformer;

use crate::ExchangeError;
use crate::recurrent_cells::{gru_bias, gru_biases, load_cells, nothing_beside, save_cells};
use rungs_layers::{Equations, LstmEquations, Nonlinearity, Order, Recurrent, RecurrentCell, Reset};
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Element, Tensor};

/// The parameters of one cell, in the order in which [`to_pytorch`] gives them.
const PARAMETERS: [&str; 4] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];

/// The further matrix of an LSTM with `proj_size`, which no cell of ours has.
const PROJECTION: &str = "weight_hr";

/// The equations of a cell that PyTorch has too. Only the biases are kept differently from cell to cell.
pub trait PyTorchCell: Equations {
    /// Whether PyTorch has this cell.
    ///
    /// # Errors
    /// If it does not.
    fn known_to_pytorch(self) -> Result<(), ExchangeError> {
        Ok(())
    }

    /// `bias_ih` and `bias_hh` (G·H), of our b.
    fn to_biases<E: Element>(self, bias: &Tensor<E>) -> [Tensor<E>; 2] {
        [bias.clone(), nothing_beside(bias)]
    }

    /// Our b, of `bias_ih` and `bias_hh`: the inverse of [`to_biases`](PyTorchCell::to_biases).
    fn to_bias<E: Element>(self, [input, state]: [Tensor<E>; 2]) -> Tensor<E> {
        input + state
    }
}

/// Takes the parameters of a PyTorch layer from `tensors`, where their names begin with `prefix`, or changes nothing.
///
/// # Errors
/// If a parameter is missing or has another shape, if the layer in the file has parameters that this one does not
/// (more layers, a second direction, a projection), or if PyTorch has no such cell.
pub fn load<E: Element, Q: PyTorchCell>(
    stack: &mut Recurrent<E, Q>,
    tensors: &Named<E>,
    prefix: &str,
) -> Result<(), ExchangeError> {
    check_known(stack)?;
    let belongs = |name: &str| name.strip_prefix(prefix).is_some_and(is_recurrent);
    let names = |layer, order| names(prefix, layer, order);
    Ok(load_cells(stack, tensors, belongs, names, (to_pytorch, with_pytorch))?)
}

/// The parameters as PyTorch names and lays them out.
///
/// # Errors
/// If PyTorch has no such cell: a GRU with [`Reset::BeforeProduct`].
pub fn save<E: Element, Q: PyTorchCell>(stack: &Recurrent<E, Q>, prefix: &str) -> Result<Named<E>, ExchangeError> {
    check_known(stack)?;
    Ok(save_cells(stack, |layer, order| names(prefix, layer, order), to_pytorch))
}

fn check_known<E: Element, Q: PyTorchCell>(stack: &Recurrent<E, Q>) -> Result<(), ExchangeError> {
    stack.layers.iter().chain(&stack.backward).try_for_each(|cell| cell.equations.known_to_pytorch())
}

fn names(prefix: &str, layer: usize, order: Order) -> [String; 4] {
    let suffix = if order == Order::Reverse { "_reverse" } else { "" };
    PARAMETERS.map(|parameter| format!("{prefix}{parameter}_l{layer}{suffix}"))
}

/// Whether a name, its prefix taken off, is that of a recurrent layer's parameter.
fn is_recurrent(name: &str) -> bool {
    let mut parameters = PARAMETERS.into_iter().chain([PROJECTION]);
    parameters.any(|parameter| name.strip_prefix(parameter).is_some_and(|rest| rest.starts_with("_l")))
}

/// The parameters of a cell as PyTorch lays them out.
fn to_pytorch<E: Element, Q: PyTorchCell>(cell: &RecurrentCell<E, Q>) -> [Tensor<E>; 4] {
    let [b_ih, b_hh] = cell.equations.to_biases(&cell.bias);
    [cell.w_x.t(), cell.w_h.t(), b_ih, b_hh]
}

/// A cell of the same equations with these parameters: the inverse of [`to_pytorch`].
pub(crate) fn with_pytorch<E: Element, Q: PyTorchCell>(
    &RecurrentCell { equations, .. }: &RecurrentCell<E, Q>,
    [w_ih, w_hh, b_ih, b_hh]: [Tensor<E>; 4],
) -> RecurrentCell<E, Q> {
    RecurrentCell { w_x: w_ih.t(), w_h: w_hh.t(), bias: equations.to_bias([b_ih, b_hh]), equations }
}

impl PyTorchCell for Nonlinearity {}

impl PyTorchCell for LstmEquations {}

impl PyTorchCell for Reset {
    fn known_to_pytorch(self) -> Result<(), ExchangeError> {
        let missing = "PyTorch has no GRU whose reset gate acts before the product (Reset::BeforeProduct)";
        match self {
            Reset::AfterProduct => Ok(()),
            Reset::BeforeProduct => Err(ExchangeError::NoCounterpart(missing.to_owned())),
        }
    }

    fn to_biases<E: Element>(self, bias: &Tensor<E>) -> [Tensor<E>; 2] {
        gru_biases(bias)
    }

    fn to_bias<E: Element>(self, [input, state]: [Tensor<E>; 2]) -> Tensor<E> {
        gru_bias(&input, &state)
    }
}
