//! Everything that crosses crates, as one program: the engine's generic code is compiled into it once.
//!
//! `cargo test -p rungs-tests golden` runs one part.

mod binary;
mod bootstrap;
mod checker;
mod checkpoint;
mod depth;
mod encoder_decoder;
mod exchange;
mod exchange_transformer;
mod golden;
mod huggingface;
mod huggingface_tokenizers;
mod keras;
mod kernels;
mod kill;
#[path = "laws/main.rs"]
mod laws;
mod layers;
mod lora;
mod measures;
mod pairs;
mod program;
mod program_gpt;
mod program_huggingface;
mod program_huggingface_tokenizers;
mod program_lora;
mod program_measures;
mod program_pairs;
mod program_prompts;
mod program_tokens;
mod program_training;
mod prompts;
#[path = "properties/main.rs"]
mod properties;
mod recurrent;
mod registry;
mod rouge;
mod streaming;
mod threads;
mod tokenizers;
mod tokens;
mod training;
mod transformer;
mod translation;
