//! What PyTorch and Keras have in common in exchanging the parameters of recurrent layers.

use rungs_layers::{Equations, LoadError, Module, Order, Recurrent, RecurrentCell};
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Array, Element, Tensor};

/// A cell's parameters as another library lays them out.
type ToTheirs<E, Q, const N: usize> = fn(&RecurrentCell<E, Q>) -> [Tensor<E>; N];

/// A cell like this one with parameters of the other library.
type WithTheirs<E, Q, const N: usize> = fn(&RecurrentCell<E, Q>, [Tensor<E>; N]) -> RecurrentCell<E, Q>;

/// Replaces every parameter of `stack` by what the other library's `tensors` say, or changes nothing. `names` are those
/// of a cell, by its layer and the order in which it reads; tensors that `belongs` takes must all be among them.
pub(crate) fn load_cells<E: Element, Q: Equations, const N: usize>(
    stack: &mut Recurrent<E, Q>,
    tensors: &Named<E>,
    belongs: impl Fn(&str) -> bool,
    names: impl Fn(usize, Order) -> [String; N],
    (to, with): (ToTheirs<E, Q, N>, WithTheirs<E, Q, N>),
) -> Result<(), LoadError> {
    let mut loaded = stack.detached();
    let needed = theirs(&loaded, &names, to).into_iter().map(|(name, tensor)| (name, tensor.shape()));
    LoadError::check(needed, tensors, belongs)?;
    for (cells, order) in [(&mut loaded.layers, Order::Forward), (&mut loaded.backward, Order::Reverse)] {
        for (layer, cell) in cells.iter_mut().enumerate() {
            *cell = with(cell, names(layer, order).map(|name| Tensor::constant(tensors[&name].clone())));
        }
    }
    let parameters = loaded.named().into_iter().map(|(name, tensor)| (name, tensor.array().contiguous()));
    stack.load(&parameters.collect())
}

/// The parameters of all cells by the names and in the layout of the other library.
///
/// # Panics
/// If two tensors have one name.
#[track_caller]
pub(crate) fn save_cells<E: Element, Q: Equations, const N: usize>(
    stack: &Recurrent<E, Q>,
    names: impl Fn(usize, Order) -> [String; N],
    to: ToTheirs<E, Q, N>,
) -> Named<E> {
    let mut saved = Named::new();
    for (name, tensor) in theirs(&stack.detached(), &names, to) {
        assert!(!saved.contains_key(&name), "two tensors would be called {name}");
        saved.insert(name, tensor.array().contiguous());
    }
    saved
}

/// The tensors of all cells, those that read forward first.
fn theirs<E: Element, Q: Equations, const N: usize>(
    stack: &Recurrent<E, Q>,
    names: &impl Fn(usize, Order) -> [String; N],
    to: ToTheirs<E, Q, N>,
) -> Vec<(String, Tensor<E>)> {
    let cells = |(cells, order): (&Vec<RecurrentCell<E, Q>>, Order)| {
        let tensors = |(layer, cell)| names(layer, order).into_iter().zip(to(cell));
        cells.iter().enumerate().flat_map(tensors).collect::<Vec<_>>()
    };
    [(&stack.layers, Order::Forward), (&stack.backward, Order::Reverse)].into_iter().flat_map(cells).collect()
}

/// A bias of nothing beside another of this shape. It is −0, since b + (−0) is b for every b and −0 + 0 would be 0.
pub(crate) fn nothing_beside<E: Element>(bias: &Tensor<E>) -> Tensor<E> {
    Tensor::constant(Array::full(bias.shape(), -E::ZERO))
}

/// Our bias of a GRU, (b_r, b_z, b_n, b_hn), as one of the input and one of the state, (b_r, b_z, b_n) and
/// (0, 0, b_hn): only n, where r stands between the two, tells them apart.
pub(crate) fn gru_biases<E: Element>(bias: &Tensor<E>) -> [Tensor<E>; 2] {
    let [r, z, n, h_n] = bias.chunks(-1);
    let nothing = nothing_beside(&r);
    [Tensor::concat(&[r, z, n], -1), Tensor::concat(&[nothing.clone(), nothing, h_n], -1)]
}

/// The inverse of [`gru_biases`], for any biases of r and z.
pub(crate) fn gru_bias<E: Element>(input: &Tensor<E>, state: &Tensor<E>) -> Tensor<E> {
    let ([r, z, n], [h_r, h_z, h_n]) = (input.chunks(-1), state.chunks(-1));
    Tensor::concat(&[r + h_r, z + h_z, n, h_n], -1)
}

#[cfg(test)]
mod tests;
