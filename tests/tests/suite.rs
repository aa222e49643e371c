//! Everything that crosses crates, as one program: the engine's generic code is compiled into it once.
//!
//! `cargo test -p rungs-tests golden` runs one part.

mod architecture;
mod binary;
mod bootstrap;
mod checkpoint;
mod golden;
mod half_trained;
mod house_rules;
mod huggingface_tokenizers;
mod links;
mod lora;
mod measures;
mod program;
mod reading;
mod registry;
mod rouge;
mod tokenizers;
mod tokens;
mod training;
mod workspace;

/// Reading and comparing the numbers that other libraries computed, which tests of several crates do.
#[path = "../fixtures/golden_numbers.rs"]
mod golden_numbers;
