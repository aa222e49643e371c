//! The parameters of PyTorch's `nn.MultiheadAttention` and of what it builds on it: `nn.TransformerEncoderLayer`,
//! `nn.TransformerDecoderLayer`, `nn.TransformerEncoder`, `nn.TransformerDecoder`, and the two halves of
//! `nn.Transformer`. What each is in Rungs, and its parameters:
//!
//! - `MultiheadAttention`, of a sequence to itself, is [`SelfAttention`]: `in_proj_weight` (3D, D), `in_proj_bias`,
//!   `out_proj`;
//! - `MultiheadAttention`, of one sequence to another, is [`CrossAttention`]: the same; `q_proj_weight`,
//!   `k_proj_weight` and `v_proj_weight` where `kdim` is not D;
//! - `TransformerEncoderLayer` is [`Block`]: `self_attn`, `linear1`, `linear2`, `norm1`, `norm2`;
//! - `TransformerDecoderLayer` is [`DecoderBlock`]: `self_attn`, `multihead_attn`, `linear1`, `linear2`, `norm1`,
//!   `norm2`, `norm3`;
//! - `TransformerEncoder` and `TransformerDecoder` are [`TransformerEncoder`] and [`TransformerDecoder`]: `layers.0`
//!   and so on, `norm` if there is one.
//!
//! Of an `nn.Transformer` load `encoder.` and `decoder.`, one after the other; both have a last norm, whatever
//! `norm_first` says. Files hold parameters, not settings: `norm_first` is
//! [`NormPosition::Pre`](rungs_layers::NormPosition), `activation` is relu unless told, and a decoder's attention to
//! itself is causal here, which in PyTorch is an argument (`tgt_mask`). Query, key and value weights stand one upon the
//! other in PyTorch and side by side here; matrices are transposed on the way.
//!
//! ```
//! use rungs_interop::pytorch::transformer;
//! use rungs_layers::tensor::{Rng, safetensors};
//! use rungs_layers::{BlockConfig, TransformerEncoder};
//!
//! let mut rng = Rng::new(0);
//! let encoder: TransformerEncoder = TransformerEncoder::new(&BlockConfig::vaswani(8, 2), 2, &mut rng);
//! let file = safetensors::write(&transformer::save(&encoder, "encoder.")?, None)?;
//!
//! let tensors = safetensors::read(&file)?;
//! assert_eq!(tensors["encoder.layers.1.self_attn.in_proj_weight"].dims(), [24, 8]);
//! let mut copy: TransformerEncoder = TransformerEncoder::new(&BlockConfig::vaswani(8, 2), 2, &mut rng);
//! transformer::load(&mut copy, &tensors, "encoder.")?;
//!
//! let mut deeper: TransformerEncoder = TransformerEncoder::new(&BlockConfig::vaswani(8, 2), 3, &mut rng);
//! let error = transformer::load(&mut deeper, &tensors, "encoder.").unwrap_err().to_string();
//! assert!(error.starts_with("tensors do not fit the model: missing: encoder.layers.2.self_attn.in_proj_weight"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::ExchangeError;
use rungs_layers::lora::merge;
use rungs_layers::{
    Block, CrossAttention, DecoderBlock, FeedForward, Linear, LoadError, Module, Norm, SelfAttention,
    TransformerDecoder, TransformerEncoder,
};
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Element, Tensor};

/// Given a parameter's name and value in PyTorch's layout, the value to put in its place.
pub type Replace<'a, E> = dyn FnMut(String, Tensor<E>) -> Tensor<E> + 'a;

/// A layer that PyTorch has too.
pub trait PyTorchLayer<E: Element>: Module<E> + Clone {
    /// The same layer with every parameter replaced. `replace` is asked for each by PyTorch's name, which begins with
    /// `prefix`, and is shown the present value as PyTorch lays it out; what it gives must have the same shape.
    ///
    /// # Errors
    /// If PyTorch does not have this layer in this arrangement.
    fn replaced(&self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<Self, ExchangeError>;
}

/// Takes the parameters of a PyTorch layer from `tensors`, where their names begin with `prefix`, or changes nothing.
///
/// # Errors
/// If a parameter is missing or has another shape, if the layer in the file has parameters that this one does not (more
/// layers, a bias, a last norm), or if PyTorch has no such layer.
pub fn load<E: Element, L: PyTorchLayer<E>>(
    layer: &mut L,
    tensors: &Named<E>,
    prefix: &str,
) -> Result<(), ExchangeError> {
    let detached = layer.detached();
    let mut needed = Vec::new();
    detached.replaced(prefix, &mut |name, tensor| {
        needed.push((name, tensor.shape()));
        tensor
    })?;
    LoadError::check(needed, tensors, |name| name.strip_prefix(prefix).is_some_and(is_a_layers))?;
    let loaded = detached.replaced(prefix, &mut |name, _| Tensor::constant(tensors[&name].clone()))?;
    let parameters = loaded.named().into_iter().map(|(name, tensor)| (name, tensor.array().contiguous()));
    Ok(layer.load(&parameters.collect())?)
}

/// The parameters as PyTorch names and lays them out, adapters [merged](rungs_layers::lora::merge): PyTorch's
/// layers have none.
///
/// # Errors
/// If PyTorch has no such layer.
pub fn save<E: Element, L: PyTorchLayer<E>>(layer: &L, prefix: &str) -> Result<Named<E>, ExchangeError> {
    let mut saved = Named::new();
    let mut merged = layer.detached();
    merge(&mut merged);
    merged.replaced(prefix, &mut |name, tensor| {
        saved.insert(name, tensor.array().contiguous());
        tensor
    })?;
    Ok(saved)
}

/// Whether a name, its prefix taken off, is that of a parameter of such a layer.
fn is_a_layers(name: &str) -> bool {
    const FIRST: [&str; 19] = [
        "in_proj_weight",
        "in_proj_bias",
        "q_proj_weight",
        "k_proj_weight",
        "v_proj_weight",
        "bias_k",
        "bias_v",
        "out_proj",
        "self_attn",
        "multihead_attn",
        "linear1",
        "linear2",
        "norm1",
        "norm2",
        "norm3",
        "layers",
        "norm",
        "encoder",
        "decoder",
    ];
    name.split('.').next().is_some_and(|first| FIRST.contains(&first))
}

/// x W + b, where PyTorch has W x + b. The names are `prefix` and `weight` or `bias`.
fn linear<E: Element>(linear: &Linear<E>, prefix: &str, replace: &mut Replace<'_, E>) -> Linear<E> {
    let weight = replace(format!("{prefix}weight"), linear.weight.t()).t();
    Linear::of(weight, linear.bias.as_ref().map(|bias| replace(format!("{prefix}bias"), bias.clone())))
}

fn norm<E: Element>(norm: &Norm<E>, prefix: &str, replace: &mut Replace<'_, E>) -> Norm<E> {
    let mut norm = norm.clone();
    norm.gain = replace(format!("{prefix}weight"), norm.gain);
    if let Some(bias) = &mut norm.bias {
        *bias = replace(format!("{prefix}bias"), bias.clone());
    }
    norm
}

fn feed_forward<E: Element>(
    layer: &FeedForward<E>,
    prefix: &str,
    replace: &mut Replace<'_, E>,
) -> Result<FeedForward<E>, ExchangeError> {
    if layer.gate.is_some() {
        let missing = "PyTorch's Transformer layers have no gate in their feed-forward part";
        return Err(ExchangeError::NoCounterpart(missing.to_owned()));
    }
    let up = linear(&layer.up, &format!("{prefix}linear1."), replace);
    let down = linear(&layer.down, &format!("{prefix}linear2."), replace);
    Ok(FeedForward { up, down, ..layer.clone() })
}

/// PyTorch gives every head of queries its own keys and values.
fn check_heads(heads: usize, key_heads: usize) -> Result<(), ExchangeError> {
    if heads == key_heads {
        return Ok(());
    }
    let missing = format!("PyTorch has no attention whose {heads} heads of queries share {key_heads} heads of keys");
    Err(ExchangeError::NoCounterpart(missing))
}

impl<E: Element> PyTorchLayer<E> for SelfAttention<E> {
    fn replaced(&self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<Self, ExchangeError> {
        check_heads(self.heads, self.key_heads)?;
        let mut layer = self.clone();
        layer.qkv = linear(&self.qkv, &format!("{prefix}in_proj_"), replace);
        layer.projection = linear(&self.projection, &format!("{prefix}out_proj."), replace);
        Ok(layer)
    }
}

impl<E: Element> PyTorchLayer<E> for CrossAttention<E> {
    fn replaced(&self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<Self, ExchangeError> {
        check_heads(self.heads, self.key_heads)?;
        let mut layer = self.clone();
        let width = self.query.widths()[1];
        let parts = [width, 2 * width];
        let beside = |a: &Tensor<E>, b: &Tensor<E>| Tensor::concat(&[a.clone(), b.clone()], -1);
        if self.query.widths()[0] == self.key_value.widths()[0] {
            let all = beside(&self.query.weight, &self.key_value.weight); // (D, 3D)
            let all = replace(format!("{prefix}in_proj_weight"), all.t()).t().split(-1, &parts);
            [layer.query.weight, layer.key_value.weight] = all.try_into().expect("two parts");
        } else {
            layer.query.weight = replace(format!("{prefix}q_proj_weight"), self.query.weight.t()).t();
            let [keys, values] = self.key_value.weight.chunks(-1);
            let keys = replace(format!("{prefix}k_proj_weight"), keys.t()).t();
            let values = replace(format!("{prefix}v_proj_weight"), values.t()).t();
            layer.key_value.weight = beside(&keys, &values);
        }
        if let (Some(query), Some(key_value)) = (&self.query.bias, &self.key_value.bias) {
            let all = replace(format!("{prefix}in_proj_bias"), beside(query, key_value)).split(-1, &parts);
            [layer.query.bias, layer.key_value.bias] =
                all.into_iter().map(Some).collect::<Vec<_>>().try_into().expect("two parts");
        }
        layer.projection = linear(&self.projection, &format!("{prefix}out_proj."), replace);
        Ok(layer)
    }
}

impl<E: Element> PyTorchLayer<E> for Block<E> {
    fn replaced(&self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<Self, ExchangeError> {
        Ok(Self {
            attention: self.attention.replaced(&format!("{prefix}self_attn."), replace)?,
            feed_forward: feed_forward(&self.feed_forward, prefix, replace)?,
            norm_1: norm(&self.norm_1, &format!("{prefix}norm1."), replace),
            norm_2: norm(&self.norm_2, &format!("{prefix}norm2."), replace),
            norm_position: self.norm_position,
        })
    }
}

impl<E: Element> PyTorchLayer<E> for DecoderBlock<E> {
    fn replaced(&self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<Self, ExchangeError> {
        Ok(Self {
            attention: self.attention.replaced(&format!("{prefix}self_attn."), replace)?,
            cross: self.cross.replaced(&format!("{prefix}multihead_attn."), replace)?,
            feed_forward: feed_forward(&self.feed_forward, prefix, replace)?,
            norm_1: norm(&self.norm_1, &format!("{prefix}norm1."), replace),
            norm_2: norm(&self.norm_2, &format!("{prefix}norm2."), replace),
            norm_3: norm(&self.norm_3, &format!("{prefix}norm3."), replace),
            norm_position: self.norm_position,
        })
    }
}

/// The blocks of a stack, whose names count them, and its last norm.
type Stack<E, L> = (Vec<L>, Option<Norm<E>>);

fn stack<E: Element, L: PyTorchLayer<E>>(
    (blocks, last): (&[L], Option<&Norm<E>>),
    prefix: &str,
    replace: &mut Replace<'_, E>,
) -> Result<Stack<E, L>, ExchangeError> {
    let block = |(at, block): (usize, &L)| block.replaced(&format!("{prefix}layers.{at}."), replace);
    let blocks = blocks.iter().enumerate().map(block).collect::<Result<_, _>>()?;
    Ok((blocks, last.map(|last| norm(last, &format!("{prefix}norm."), replace))))
}

impl<E: Element> PyTorchLayer<E> for TransformerEncoder<E> {
    fn replaced(&self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<Self, ExchangeError> {
        let (blocks, norm) = stack((&self.blocks, self.norm.as_ref()), prefix, replace)?;
        Ok(Self { blocks, norm, checkpointing: self.checkpointing })
    }
}

impl<E: Element> PyTorchLayer<E> for TransformerDecoder<E> {
    fn replaced(&self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<Self, ExchangeError> {
        let (blocks, norm) = stack((&self.blocks, self.norm.as_ref()), prefix, replace)?;
        Ok(Self { blocks, norm, checkpointing: self.checkpointing })
    }
}

#[cfg(test)]
mod tests;
