//! A module whose intermediate results are not kept: less memory in training, for a third more work.
//!
//! [`Tensor::checkpoint`] with a module's parameters for operands, and with the generator that the module drew its
//! dropout from, so that the second time the same numbers are dropped.

use crate::{Mode, Module};
use rungs_tensor::{Element, Tensor};

/// `forward(module, inputs, mode)`, of which only inputs and result are kept until the way back, where it is computed
/// again.
///
/// Value and gradients have the bits they have without it, and so has what `mode` draws afterwards. Gradients reach the
/// inputs and the module's parameters, and nothing else that `forward` may hold.
///
/// ```
/// use rungs_layers::tensor::{Array, Rng, Tensor};
/// use rungs_layers::{Block, BlockConfig, Mode, checkpointed};
///
/// let mut rng = Rng::new(0);
/// let block: Block = Block::new(&BlockConfig::gpt(8, 2, 1), &mut rng);
/// let x = Tensor::constant(Array::normal([1, 3, 8], 0.0, 1.0, &mut rng));
/// let mut mode = Mode::Train(&mut rng);
/// let y = checkpointed(&block, &[&x], &mut mode, |block, x, mode| block.forward(&x[0], None, None, mode));
/// assert!(y.sum().backward().wrt(&block.attention.qkv.weight).is_ok());
/// ```
pub fn checkpointed<E: Element, M: Module<E> + Clone + Send + Sync + 'static>(
    module: &M,
    inputs: &[&Tensor<E>],
    mode: &mut Mode<'_>,
    forward: impl Fn(&M, &[Tensor<E>], &mut Mode<'_>) -> Tensor<E> + Send + Sync + 'static,
) -> Tensor<E> {
    let before = match mode {
        Mode::Train(rng) => Some(rng.clone()),
        Mode::Eval => None,
    };
    let frozen = module.detached();
    let constants: Vec<Tensor<E>> = inputs.iter().map(|x| x.detached()).collect();
    let value = forward(&frozen, &constants, mode);
    let mut operands = inputs.to_vec();
    module.for_each(&mut |_, parameter| operands.push(parameter));
    let count = inputs.len();
    Tensor::checkpoint(value, &operands, move |operands| {
        let (inputs, parameters) = operands.split_at(count);
        let module = frozen.with_parameters(parameters.iter().cloned());
        let mut rng = before.clone();
        forward(&module, inputs, &mut rng.as_mut().map_or(Mode::Eval, Mode::Train))
    })
}

#[cfg(test)]
mod tests;
