//! Low-rank adaptation (LoRA) of a whole model: [`adapt`] gives adapters to linear layers chosen by their names, and
//! [`merge`] takes them away again. What an adapter computes is in [`low_rank`](crate::low_rank).

use crate::linear::for_each_linear;
use crate::{LowRank, LowRankConfig, Module};
use rungs_tensor::{Element, Rng};

/// The field of a [`Linear`](crate::Linear) that an adapter lies in.
const FIELD: &str = "adapter";

/// Gives an adapter to every linear layer of a model whose name `chosen` takes, and makes constants of all other
/// parameters: what is learnt from now on are the adapters, `NAME.adapter.a` and `NAME.adapter.b`.
///
/// A layer that has one already gets another in its place. Gives back the names of the layers, in the order of
/// declaration; if there is none of them, nothing was changed.
///
/// ```
/// use rungs_layers::lora::{adapt, merge};
/// use rungs_layers::tensor::Rng;
/// use rungs_layers::{Block, BlockConfig, Dropout, LowRankConfig, Module};
///
/// let mut rng = Rng::new(0);
/// let mut block: Block = Block::new(&BlockConfig::gpt(8, 2, 1), &mut rng);
/// let config = LowRankConfig { rank: 2, alpha: 4.0, dropout: Dropout::new(0.0) };
/// let names = adapt(&mut block, &config, &mut |name| name.starts_with("attention"), &mut rng);
/// assert_eq!(names, ["attention.qkv", "attention.projection"]);
/// let mut trained = 0;
/// block.for_each(&mut |_, x| trained += if x.is_tracked() { x.size() } else { 0 });
/// assert_eq!(trained, 2 * (8 + 3 * 8) + 2 * (8 + 8));
/// assert_eq!(merge(&mut block), 2);
/// ```
///
/// # Panics
/// If the rank is 0.
#[track_caller]
pub fn adapt<E: Element, M: Module<E> + ?Sized>(
    model: &mut M,
    config: &LowRankConfig,
    chosen: &mut dyn FnMut(&str) -> bool,
    rng: &mut Rng,
) -> Vec<String> {
    let mut names = Vec::new();
    for_each_linear(model, &mut |name, layer| {
        if chosen(name) {
            layer.adapter = Some(LowRank::new(layer.widths(), config, rng));
            names.push(name.to_owned());
        }
    });
    if !names.is_empty() {
        model.for_each_mut(&mut |name, parameter| {
            if !is_adapter(name) {
                *parameter = parameter.detached();
            }
        });
    }
    names
}

/// Merges the adapters of all linear layers of a model, and says how many there were.
pub fn merge<E: Element, M: Module<E> + ?Sized>(model: &mut M) -> usize {
    let mut merged = 0;
    for_each_linear(model, &mut |_, layer| merged += usize::from(layer.merge().is_some()));
    merged
}

/// Whether a parameter of this name is part of an adapter.
pub fn is_adapter(parameter: &str) -> bool {
    parameter.rsplit('.').nth(1) == Some(FIELD)
}

#[cfg(test)]
mod tests;
