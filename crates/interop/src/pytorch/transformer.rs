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
    /// Replaces every parameter. `replace` is asked for each by PyTorch's name, which begins with `prefix`, and shown
    /// the present value as PyTorch lays it out; what it gives must have the same shape.
    ///
    /// # Errors
    /// If PyTorch does not have this layer in this arrangement.
    fn exchange(&mut self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<(), ExchangeError>;
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
    let mut loaded = layer.detached();
    let mut needed = Vec::new();
    loaded.exchange(prefix, &mut |name, tensor| {
        needed.push((name, tensor.shape()));
        tensor
    })?;
    LoadError::check(needed, tensors, |name| name.strip_prefix(prefix).is_some_and(is_a_layers))?;
    loaded.exchange(prefix, &mut |name, _| Tensor::constant(tensors[&name].clone()))?;
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
    merged.exchange(prefix, &mut |name, tensor| {
        saved.insert(name, tensor.array().contiguous());
        tensor
    })?;
    Ok(saved)
}

/// Whether a name, its prefix taken off, is that of a parameter of such a layer.
fn is_a_layers(name: &str) -> bool {
    let own =
        "in_proj_weight in_proj_bias q_proj_weight k_proj_weight v_proj_weight bias_k bias_v out_proj linear1 linear2";
    let inner = "self_attn multihead_attn norm1 norm2 norm3 layers norm encoder decoder";
    let first = name.split('.').next().unwrap_or_default();
    own.split(' ').chain(inner.split(' ')).any(|known| known == first)
}

fn linear<E: Element>(linear: &mut Linear<E>, prefix: &str, replace: &mut Replace<'_, E>) {
    linear.weight = replace(format!("{prefix}weight"), linear.weight.t()).t();
    if let Some(bias) = &mut linear.bias {
        *bias = replace(format!("{prefix}bias"), bias.clone());
    }
}

fn norm<E: Element>(norm: &mut Norm<E>, prefix: &str, replace: &mut Replace<'_, E>) {
    norm.gain = replace(format!("{prefix}weight"), norm.gain.clone());
    if let Some(bias) = &mut norm.bias {
        *bias = replace(format!("{prefix}bias"), bias.clone());
    }
}

fn feed_forward<E: Element>(
    layer: &mut FeedForward<E>,
    prefix: &str,
    replace: &mut Replace<'_, E>,
) -> Result<(), ExchangeError> {
    if layer.gate.is_some() {
        let missing = "PyTorch's Transformer layers have no gate in their feed-forward part";
        return Err(ExchangeError::NoCounterpart(missing.to_owned()));
    }
    linear(&mut layer.up, &format!("{prefix}linear1."), replace);
    linear(&mut layer.down, &format!("{prefix}linear2."), replace);
    Ok(())
}

fn check_heads(heads: usize, key_heads: usize) -> Result<(), ExchangeError> {
    if heads == key_heads {
        return Ok(());
    }
    let missing = format!("PyTorch has no attention whose {heads} heads of queries share {key_heads} heads of keys");
    Err(ExchangeError::NoCounterpart(missing))
}

impl<E: Element> PyTorchLayer<E> for SelfAttention<E> {
    fn exchange(&mut self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<(), ExchangeError> {
        check_heads(self.heads, self.key_heads)?;
        linear(&mut self.qkv, &format!("{prefix}in_proj_"), replace);
        linear(&mut self.projection, &format!("{prefix}out_proj."), replace);
        Ok(())
    }
}

impl<E: Element> PyTorchLayer<E> for CrossAttention<E> {
    fn exchange(&mut self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<(), ExchangeError> {
        check_heads(self.heads, self.key_heads)?;
        let Self { query, key_value, .. } = self;
        let [width, queries] = query.widths();
        let parts = |all: Tensor<E>| -> [Tensor<E>; 2] {
            all.split(-1, &[queries, 2 * queries]).try_into().expect("two parts")
        };
        let beside = |a: &Tensor<E>, b: &Tensor<E>| Tensor::concat(&[a.clone(), b.clone()], -1);
        if width == key_value.widths()[0] {
            let all = beside(&query.weight, &key_value.weight); // (D, 3D)
            [query.weight, key_value.weight] = parts(replace(format!("{prefix}in_proj_weight"), all.t()).t());
        } else {
            query.weight = replace(format!("{prefix}q_proj_weight"), query.weight.t()).t();
            let [keys, values] = key_value.weight.chunks(-1);
            let keys = replace(format!("{prefix}k_proj_weight"), keys.t()).t();
            let values = replace(format!("{prefix}v_proj_weight"), values.t()).t();
            key_value.weight = beside(&keys, &values);
        }
        if let (Some(query), Some(key_value)) = (&mut query.bias, &mut key_value.bias) {
            [*query, *key_value] = parts(replace(format!("{prefix}in_proj_bias"), beside(query, key_value)));
        }
        linear(&mut self.projection, &format!("{prefix}out_proj."), replace);
        Ok(())
    }
}

impl<E: Element> PyTorchLayer<E> for Block<E> {
    fn exchange(&mut self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<(), ExchangeError> {
        self.attention.exchange(&format!("{prefix}self_attn."), replace)?;
        norm(&mut self.norm_1, &format!("{prefix}norm1."), replace);
        norm(&mut self.norm_2, &format!("{prefix}norm2."), replace);
        feed_forward(&mut self.feed_forward, prefix, replace)
    }
}

impl<E: Element> PyTorchLayer<E> for DecoderBlock<E> {
    fn exchange(&mut self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<(), ExchangeError> {
        self.attention.exchange(&format!("{prefix}self_attn."), replace)?;
        self.cross.exchange(&format!("{prefix}multihead_attn."), replace)?;
        norm(&mut self.norm_1, &format!("{prefix}norm1."), replace);
        norm(&mut self.norm_2, &format!("{prefix}norm2."), replace);
        norm(&mut self.norm_3, &format!("{prefix}norm3."), replace);
        feed_forward(&mut self.feed_forward, prefix, replace)
    }
}

fn stack<E: Element, L: PyTorchLayer<E>>(
    blocks: &mut [L],
    last: Option<&mut Norm<E>>,
    prefix: &str,
    replace: &mut Replace<'_, E>,
) -> Result<(), ExchangeError> {
    for (at, block) in blocks.iter_mut().enumerate() {
        block.exchange(&format!("{prefix}layers.{at}."), replace)?;
    }
    last.into_iter().for_each(|last| norm(last, &format!("{prefix}norm."), replace));
    Ok(())
}

impl<E: Element> PyTorchLayer<E> for TransformerEncoder<E> {
    fn exchange(&mut self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<(), ExchangeError> {
        stack(&mut self.blocks, self.norm.as_mut(), prefix, replace)
    }
}

impl<E: Element> PyTorchLayer<E> for TransformerDecoder<E> {
    fn exchange(&mut self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<(), ExchangeError> {
        stack(&mut self.blocks, self.norm.as_mut(), prefix, replace)
    }
}

#[cfg(test)]
mod tests;
