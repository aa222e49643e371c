//! The program as its users meet it: what it prints, what it writes, and what it says when something is wrong.

mod answering_models;
mod bad_input;
mod beginning_tokens;
mod byte_pair_runs;
mod compared_translators;
mod conversations;
mod dialogue_files;
mod foreign_tokenizers;
mod from_text_to_text;
mod generation_configs;
mod gpt_arrangements;
mod help_check_and_climb;
mod huggingface_folders;
mod imported_and_exported;
mod interrupted_runs;
mod lora_adapters;
mod marked_texts;
mod measured_runs;
mod memory_limits;
mod pair_files;
mod refused_imports;
mod resuming_and_failing;
mod streamed_texts;
mod text_runs;
mod training_at_length;
mod translators;
