//! Everything that crosses crates, as one program: the engine's generic code is compiled into it once.
//!
//! `cargo test -p rungs-tests golden` runs one part.

mod architecture;
mod binary;
mod bootstrap;
mod checkpoint;
mod checkpointing;
mod decoding;
mod encoder_decoder;
mod exchange;
mod exchange_transformer;
mod golden;
mod house_rules;
mod huggingface;
mod huggingface_tokenizers;
mod layers;
mod links;
mod lora;
mod measures;
mod models;
mod program;
mod reading;
mod recurrent;
mod registry;
mod rouge;
mod tokens;
mod training;
mod transformer;
mod translation;
mod workspace;
