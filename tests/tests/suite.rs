//! Everything that crosses crates, as one program: the engine's generic code is compiled into it once.
//!
//! `cargo test -p rungs-tests golden` runs one part.

mod architecture;
mod binary;
mod golden;
mod half_trained;
mod house_rules;
mod links;
mod program;
mod reading;
mod registry;
mod workspace;

/// Reading and comparing the numbers that other libraries computed, which tests of several crates do.
#[path = "../fixtures/golden_numbers.rs"]
mod golden_numbers;

/// Tokenizers that only Hugging Face's crate knows, which the program opens as crates/text does.
#[path = "../fixtures/tokenizer_files.rs"]
mod tokenizer_files;
