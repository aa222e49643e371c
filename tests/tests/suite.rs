//! Everything that crosses crates, as one program: the engine's generic code is compiled into it once.
//!
//! `cargo test -p rungs-tests golden` runs one part.

mod architecture;
mod binary;
mod bootstrap;
mod checkpoint;
mod golden;
#[path = "../fixtures/golden_numbers.rs"]
mod golden_numbers;
mod house_rules;
mod huggingface_tokenizers;
mod kill;
mod links;
mod lora;
mod measures;
mod program;
mod program_gpt;
mod program_huggingface;
mod program_huggingface_tokenizers;
mod program_lora;
mod program_measures;
mod program_pairs;
mod program_prompts;
mod program_streaming;
mod program_tokens;
mod program_training;
mod reading;
mod registry;
mod rouge;
mod tokenizers;
mod tokens;
mod training;
mod workspace;
