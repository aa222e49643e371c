//! What PyTorch and Keras have in common in exchanging the parameters of recurrent layers.

use crate::tensor_reader::Reader;
use rungs_layers::{Cell, LoadError, Module, Order, Recurrent};
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Array, Element, Mask, Tensor};

/// Replaces every parameter of `stack` by what `read` makes of its cells, or changes nothing.
///
/// `read` sees each cell with its layer and the order in which it reads, and takes its parameters from `reader`.
pub(crate) fn load_cells<'a, E: Element, C: Cell<E>>(
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
pub(crate) fn save_cells<E: Element, C: Cell<E>, const N: usize>(
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
pub(crate) fn merged<E: Element>(a: &Tensor<E>, b: &Tensor<E>) -> Tensor<E> {
    let zeros: Vec<bool> = b.array().to_vec().into_iter().map(|x| x == E::ZERO).collect();
    Tensor::choose(&Mask::from_fn(b.shape(), |i| zeros[i]), a, &(a + b))
}

/// Zeros of the same shape.
pub(crate) fn zeros_like<E: Element>(x: &Tensor<E>) -> Tensor<E> {
    Tensor::constant(Array::zeros(x.shape()))
}

/// Our bias of a GRU, (b_r, b_z, b_n, b_hn), as one of the input and one of the state, (b_r, b_z, b_n) and
/// (0, 0, b_hn): only n, where r stands between the two, tells them apart.
pub(crate) fn gru_biases<E: Element>(bias: &Tensor<E>) -> [Tensor<E>; 2] {
    let [r, z, n, h_n] = bias.chunks(-1);
    let nothing = zeros_like(&r);
    [Tensor::concat(&[r, z, n], -1), Tensor::concat(&[nothing.clone(), nothing, h_n], -1)]
}

/// The inverse of [`gru_biases`], for any biases of r and z.
pub(crate) fn gru_bias<E: Element>(input: &Tensor<E>, state: &Tensor<E>) -> Tensor<E> {
    let ([r, z, n], [h_r, h_z, h_n]) = (input.chunks(-1), state.chunks(-1));
    Tensor::concat(&[merged(&r, &h_r), merged(&z, &h_z), n, h_n], -1)
}

#[cfg(test)]
mod tests;
