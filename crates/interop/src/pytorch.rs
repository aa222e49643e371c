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
use crate::recurrent_cells::{gru_bias, gru_biases, load_cells, merged, save_cells, zeros_like};
use crate::tensor_reader::Reader;
use rungs_layers::{Cell, Order, Recurrent};
use rungs_layers::{GruCell, LstmCell, Reset, RnnCell};
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Element, Tensor};

/// The parameters of one cell, in the order in which [`PyTorchCell`] takes and gives them.
const PARAMETERS: [&str; 4] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];

/// The further matrix of an LSTM with `proj_size`, which no cell of ours has.
const PROJECTION: &str = "weight_hr";

/// A cell that PyTorch has too.
pub trait PyTorchCell<E: Element>: Cell<E> {
    /// Whether PyTorch has this cell of every kind.
    ///
    /// # Errors
    /// If it does not have this one.
    fn known_to_pytorch(&self) -> Result<(), ExchangeError> {
        Ok(())
    }

    /// `weight_ih` (G·H, D), `weight_hh` (G·H, H), `bias_ih` and `bias_hh` (G·H).
    fn to_pytorch(&self) -> [Tensor<E>; 4];

    /// A cell of the same kind with these parameters: the inverse of [`to_pytorch`](PyTorchCell::to_pytorch).
    fn with_pytorch(&self, parameters: [Tensor<E>; 4]) -> Self;
}

/// Takes the parameters of a PyTorch layer from `tensors`, where their names begin with `prefix`, or changes nothing.
///
/// # Errors
/// If a parameter is missing or has another shape, if the layer in the file has parameters that this one does not
/// (more layers, a second direction, a projection), or if PyTorch has no such cell.
pub fn load<E: Element, C: PyTorchCell<E>>(
    stack: &mut Recurrent<C>,
    tensors: &Named<E>,
    prefix: &str,
) -> Result<(), ExchangeError> {
    check_known(stack)?;
    let reader = Reader::new(tensors, |name| name.strip_prefix(prefix).is_some_and(is_recurrent));
    Ok(load_cells(stack, reader, |reader, cell, layer, order| {
        cell.with_pytorch(reader.take(names(prefix, layer, order), cell.to_pytorch()))
    })?)
}

/// The parameters as PyTorch names and lays them out.
///
/// # Errors
/// If PyTorch has no such cell: a GRU with [`Reset::BeforeProduct`].
pub fn save<E: Element, C: PyTorchCell<E>>(stack: &Recurrent<C>, prefix: &str) -> Result<Named<E>, ExchangeError> {
    check_known(stack)?;
    Ok(save_cells(stack, |cell, layer, order| (names(prefix, layer, order), cell.to_pytorch())))
}

fn check_known<E: Element, C: PyTorchCell<E>>(stack: &Recurrent<C>) -> Result<(), ExchangeError> {
    stack.layers.iter().chain(&stack.backward).try_for_each(C::known_to_pytorch)
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

impl<E: Element> PyTorchCell<E> for RnnCell<E> {
    fn to_pytorch(&self) -> [Tensor<E>; 4] {
        [self.w_x.t(), self.w_h.t(), self.bias.clone(), zeros_like(&self.bias)]
    }

    fn with_pytorch(&self, [w_ih, w_hh, b_ih, b_hh]: [Tensor<E>; 4]) -> Self {
        Self { w_x: w_ih.t(), w_h: w_hh.t(), bias: merged(&b_ih, &b_hh), ..*self }
    }
}

impl<E: Element> PyTorchCell<E> for LstmCell<E> {
    fn to_pytorch(&self) -> [Tensor<E>; 4] {
        [self.w_x.t(), self.w_h.t(), self.bias.clone(), zeros_like(&self.bias)]
    }

    fn with_pytorch(&self, [w_ih, w_hh, b_ih, b_hh]: [Tensor<E>; 4]) -> Self {
        Self { w_x: w_ih.t(), w_h: w_hh.t(), bias: merged(&b_ih, &b_hh), ..*self }
    }
}

impl<E: Element> PyTorchCell<E> for GruCell<E> {
    fn known_to_pytorch(&self) -> Result<(), ExchangeError> {
        match self.equations {
            Reset::AfterProduct => Ok(()),
            Reset::BeforeProduct => Err(ExchangeError::ResetBeforeProduct),
        }
    }

    fn to_pytorch(&self) -> [Tensor<E>; 4] {
        let [b_ih, b_hh] = gru_biases(&self.bias);
        [self.w_x.t(), self.w_h.t(), b_ih, b_hh]
    }

    fn with_pytorch(&self, [w_ih, w_hh, b_ih, b_hh]: [Tensor<E>; 4]) -> Self {
        Self { w_x: w_ih.t(), w_h: w_hh.t(), bias: gru_bias(&b_ih, &b_hh), ..*self }
    }
}
