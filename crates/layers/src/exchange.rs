//! Weights from elsewhere: recurrent layers exchanged with [`pytorch`] and [`keras`], and attention and Transformers
//! with [PyTorch](pytorch::transformer), in both directions.
//!
//! The three libraries compute the same functions and keep their parameters differently. What differs for a recurrent
//! layer from D to H numbers with G gates:
//!
//! | | Rungs | PyTorch | Keras 3 |
//! |---|---|---|---|
//! | W_x | `w_x` (D, G·H) | `weight_ih` (G·H, D) | `kernel` (D, G·H) |
//! | W_h | `w_h` (H, G·H) | `weight_hh` (G·H, H) | `recurrent_kernel` (H, G·H) |
//! | b, RNN and LSTM | `bias` (G·H) | `bias_ih` + `bias_hh` (G·H) each | `bias` (G·H) |
//! | b, GRU, r after the product | `bias` (4H): b_r, b_z, b_n, b_hn | `bias_ih`, `bias_hh` (3H) each | `bias` (2, 3H) |
//! | b, GRU, r before the product | `bias` (4H): b_n + b_hn is what counts | – | `bias` (3H) |
//! | gates of an LSTM | i, f, g, o | i, f, g, o | i, f, c, o with c = g |
//! | gates of a GRU | r, z, n | r, z, n | z, r, h with h = n |
//!
//! Whatever parameter goes out comes back bit for bit, with one exception: a GRU with the reset gate before the product
//! ([`Reset::BeforeProduct`](crate::Reset)) adds b_n and b_hn at the same place, so Keras's file holds their sum, and
//! it comes back as b_n with b_hn = 0. Where another library adds two biases and ours has one, it receives ours and
//! zeros; ours receives the sum.
//!
//! Arrays go by name ([`Named`]); [`safetensors`](rungs_tensor::safetensors) makes them from the bytes of a file, and
//! converts numbers of other widths. Loading checks every name and shape before it changes anything, keeps frozen
//! parameters frozen, and says in one line, in the other library's names, all that does not fit.
//!
//! Files hold parameters, not settings: the layer that loads them has to be of the right
//! [`Nonlinearity`](crate::Nonlinearity) and [`Reset`](crate::Reset), and its gates are σ and tanh, which are the
//! defaults of both libraries. All biases must be in the file: a layer that was made without any needs zeros for them.

use crate::recurrent::{Cell, Order, Recurrent};
use crate::{LoadError, Misshapen, Module};
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Array, Element, Mask, Tensor};
use std::collections::BTreeSet;

pub mod keras;
pub mod pytorch;

/// Why parameters cannot be exchanged, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// Tensors that are missing, superfluous or of another shape, by the names that the other library gives them.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The other library has no such cell.
    #[error("PyTorch has no GRU whose reset gate acts before the product (Reset::BeforeProduct)")]
    ResetBeforeProduct,
    /// The other library gives every head of queries its own keys.
    #[error("PyTorch has no attention whose {heads} heads of queries share {key_heads} heads of keys")]
    SharedKeys {
        /// N.
        heads: usize,
        /// M.
        key_heads: usize,
    },
    /// The other library's Transformer layers have none.
    #[error("PyTorch's Transformer layers have no gate in their feed-forward part")]
    Gate,
}

/// Takes tensors out of a file by name, and keeps account of those that do not fit.
struct Reader<'a, E: Element> {
    tensors: &'a Named<E>,
    error: LoadError,
    /// Tensors that belong to the layer by their names and have not been taken.
    left: BTreeSet<&'a str>,
}

impl<'a, E: Element> Reader<'a, E> {
    /// `belongs` tells which tensors are the layer's and must all be taken; a file may hold others beside them.
    fn new(tensors: &'a Named<E>, belongs: impl Fn(&str) -> bool) -> Self {
        let left = tensors.keys().map(String::as_str).filter(|name| belongs(name)).collect();
        Self { tensors, error: LoadError::default(), left }
    }

    /// The tensors of these names, which are to have the shapes of `like`. One that does not fit is noted, and `like`
    /// stands in for it: [`finish`](Reader::finish) will refuse the whole.
    fn take<const N: usize>(&mut self, names: [String; N], mut like: [Tensor<E>; N]) -> [Tensor<E>; N] {
        for (name, tensor) in names.into_iter().zip(&mut like) {
            self.left.remove(name.as_str());
            match self.tensors.get(&name) {
                None => self.error.missing.push(name),
                Some(array) if array.shape() != tensor.shape() => {
                    self.error.misshapen.push(Misshapen { name, expected: tensor.shape(), found: array.shape() });
                }
                Some(array) => *tensor = Tensor::constant(array.clone()),
            }
        }
        like
    }

    fn finish(mut self) -> Result<(), LoadError> {
        self.error.unexpected = self.left.into_iter().map(str::to_owned).collect();
        if self.error.is_empty() { Ok(()) } else { Err(self.error) }
    }
}

/// Replaces every parameter of `stack` by what `read` makes of its cells, or changes nothing.
///
/// `read` sees each cell with its layer and the order in which it reads, and takes its parameters from `reader`.
fn load_cells<'a, E: Element, C: Cell<E>>(
    stack: &mut Recurrent<C>,
    mut reader: Reader<'a, E>,
    read: impl Fn(&mut Reader<'a, E>, &C, usize, Order) -> C,
) -> Result<(), LoadError> {
    let mut loaded = stack.detached();
    for (cells, order) in [(&mut loaded.layers, Order::Forward), (&mut loaded.backward, Order::Reverse)] {
        for (layer, cell) in cells.iter_mut().enumerate() {
            *cell = read(&mut reader, cell, layer, order);
        }
    }
    reader.finish()?;
    let parameters = loaded.named().into_iter().map(|(name, tensor)| (name, tensor.array().contiguous()));
    stack.load(&parameters.collect())
}

/// The tensors `write` makes of the cells, by the names it gives them.
///
/// # Panics
/// If it gives two tensors one name.
#[track_caller]
fn save_cells<E: Element, C: Cell<E>, const N: usize>(
    stack: &Recurrent<C>,
    write: impl Fn(&C, usize, Order) -> ([String; N], [Tensor<E>; N]),
) -> Named<E> {
    let stack = stack.detached();
    let mut saved = Named::new();
    for (cells, order) in [(&stack.layers, Order::Forward), (&stack.backward, Order::Reverse)] {
        for (layer, cell) in cells.iter().enumerate() {
            let (names, tensors) = write(cell, layer, order);
            for (name, tensor) in names.into_iter().zip(tensors) {
                assert!(!saved.contains_key(&name), "two tensors would be called {name}");
                saved.insert(name, tensor.array().contiguous());
            }
        }
    }
    saved
}

/// a + b for two biases that act at the same place. Where b is zero it is a itself: −0 + 0 would lose the sign.
fn merged<E: Element>(a: &Tensor<E>, b: &Tensor<E>) -> Tensor<E> {
    let zeros: Vec<bool> = b.array().to_vec().into_iter().map(|x| x == E::ZERO).collect();
    Tensor::choose(&Mask::from_fn(b.shape(), |i| zeros[i]), a, &(a + b))
}

/// Zeros of the same shape.
fn zeros_like<E: Element>(x: &Tensor<E>) -> Tensor<E> {
    Tensor::constant(Array::zeros(x.shape()))
}

/// Our bias of a GRU, (b_r, b_z, b_n, b_hn), as one of the input and one of the state, (b_r, b_z, b_n) and
/// (0, 0, b_hn): only n, where r stands between the two, tells them apart.
fn gru_biases<E: Element>(bias: &Tensor<E>) -> [Tensor<E>; 2] {
    let [r, z, n, h_n] = bias.chunks(-1);
    let nothing = zeros_like(&r);
    [Tensor::concat(&[r, z, n], -1), Tensor::concat(&[nothing.clone(), nothing, h_n], -1)]
}

/// The inverse of [`gru_biases`], for any biases of r and z.
fn gru_bias<E: Element>(input: &Tensor<E>, state: &Tensor<E>) -> Tensor<E> {
    let ([r, z, n], [h_r, h_z, h_n]) = (input.chunks(-1), state.chunks(-1));
    Tensor::concat(&[merged(&r, &h_r), merged(&z, &h_z), n, h_n], -1)
}
