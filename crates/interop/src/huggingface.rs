//! GPT-2 and Llama as Hugging Face's `transformers` keeps them: a `config.json` and tensors by name.
//!
//! The functions are the same as [`Gpt`](rungs_models::Gpt)'s; names, layouts and a few habits differ:
//!
//! | ours, in block i | GPT-2 (`transformer.` before all but the head) | Llama (`model.` before all but the head) |
//! |---|---|---|
//! | `token_embedding.weight` (V, D) | `wte.weight` | `embed_tokens.weight` |
//! | `position_embedding.weight` (context, D) | `wpe.weight` | none: positions are rotary |
//! | `norm_1.gain`, `norm_1.bias` (D) | `h.i.ln_1.weight`, `.bias` | `layers.i.input_layernorm.weight` |
//! | `attention.qkv.weight` (D, (N + 2M)·K) | `h.i.attn.c_attn.weight` | `layers.i.self_attn.{q,k,v}_proj.weight`ᵀ |
//! | `attention.projection.weight` (N·K, D) | `h.i.attn.c_proj.weight` | `layers.i.self_attn.o_proj.weight`ᵀ |
//! | `norm_2.gain`, `norm_2.bias` (D) | `h.i.ln_2.weight`, `.bias` | `layers.i.post_attention_layernorm.weight` |
//! | `feed_forward.gate.weight` (D, H) | none | `layers.i.mlp.gate_proj.weight`ᵀ |
//! | `feed_forward.up.weight` (D, H) | `h.i.mlp.c_fc.weight` | `layers.i.mlp.up_proj.weight`ᵀ |
//! | `feed_forward.down.weight` (H, D) | `h.i.mlp.c_proj.weight` | `layers.i.mlp.down_proj.weight`ᵀ |
//! | `final_norm.gain`, `final_norm.bias` (D) | `ln_f.weight`, `.bias` | `norm.weight` |
//! | `head.weight` (V, D), unless tied | `lm_head.weight` | `lm_head.weight` |
//!
//! What is marked ᵀ is transposed.
//!
//! Biases of linear layers go with their weights: GPT-2 has all of them, Llama (`attention_bias`, `mlp_bias`) all or
//! none. GPT-2's `Conv1D` keeps a matrix as the equation multiplies it, inputs first, as we do; Llama's `Linear` keeps
//! the transpose. Both lay rotary pairs out as ours: i beside i + K/2.
//!
//! A folder's tensors are read through [`Shards`]; all else is text or bytes that the caller reads and writes.
//! Everything is checked against the configuration before a number is looked at, and every error names the field or the
//! tensor.

mod config_fields;
mod config_json;
mod config_lists;
mod generation_config;
mod pretrained;
mod shards;
mod weights;

pub use generation_config::{GenerationConfig, Sampling};
pub use pretrained::{Family, HuggingFaceError, Pretrained};
pub use shards::{FileError, Shards, WEIGHTS_FILE, read_text};
pub use weights::{Place, read, write};

#[cfg(test)]
mod tests;
