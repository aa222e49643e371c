//! The arguments of `rungs chat`.

use std::path::PathBuf;

use clap::Args;

use super::base_model::Base;
use super::value_parsers::{count, number};

/// Talk with a model that learnt dialogues, line by line
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs train gpt --dialogue talk.jsonl --tokenizer bpe:2000 --context 128 --out runs/talk
  rungs chat runs/talk
  rungs chat runs/talk --temperature 0.5 --max-tokens 60
  rungs chat runs/talk --system 'Answer briefly.'
  rungs chat runs/talk --greedy < questions.txt > answers.txt

A line is what the user says; the answer goes to stdout while it is written. /reset begins a new conversation, /quit or
Ctrl-D ends it. What was said is remembered as far as it fits the context; then the oldest turns are forgotten, with a
notice. With --json nothing is shown until the end, which is the conversation as a line of a file of dialogues.")]
pub(crate) struct Chat {
    /// The run folder
    #[arg(value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// What holds for the whole conversation: the turn of the system, with which it begins
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    #[command(flatten)]
    pub(crate) base: Base,
    /// The most tokens of an answer
    #[arg(long, value_name = "N", value_parser = count, default_value_t = 200)]
    pub(crate) max_tokens: usize,
    /// Always the likeliest token
    #[arg(long, conflicts_with_all = ["temperature", "top_k", "top_p"])]
    pub(crate) greedy: bool,
    /// Below 1 safer, above 1 wilder [default: 0.8]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) temperature: Option<f64>,
    /// Draw from the so many likeliest tokens only
    #[arg(long, value_name = "N")]
    pub(crate) top_k: Option<usize>,
    /// Draw from the likeliest tokens that together have this probability only [default: 0.95]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) top_p: Option<f64>,
}
