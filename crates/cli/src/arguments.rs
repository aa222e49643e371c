//! The command line: every flag, its help, and the examples under `--help`.

mod evaluate_options;
mod generate_options;
mod model_options;
mod run_folder;
mod train_options;
mod training_options;
mod value_parsers;

pub(crate) use evaluate_options::Evaluate;
pub(crate) use generate_options::Generate;
pub(crate) use train_options::{DataOptions, Train, TrainCommand};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use run_folder::RunFolder;
use rungs::interop::huggingface::Family;
use value_parsers::{count, count_to, number, positive};

/// The history of text generation as working code: train, sample and measure every generation of model.
#[derive(Debug, Parser)]
#[command(name = "rungs", version, arg_required_else_help = true, subcommand_required = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  rungs climb                                          every rung on the built-in text or dates, in a few minutes
  rungs train lstm --text book.txt --out runs/book     one rung on a text of yours
  rungs generate runs/book --prompt 'It was ' --temperature 0.8
  rungs train attention --pairs english-french.tsv --tokenizer word --out runs/translate
  rungs train gpt --from runs/book --dialogue talk.jsonl --out runs/talk
  rungs chat runs/talk

Results go to stdout, progress to stderr. Exit codes: 0 done, 1 failed while running, 2 bad input,
130 interrupted after saving.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Decides every random number; the same seed gives the same result [default: 0]
    #[arg(long, global = true, value_name = "N", display_order = 900)]
    pub(crate) seed: Option<u64>,
    /// How many threads to work on; the result does not depend on it [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = count_to::<1024>, display_order = 901)]
    pub(crate) threads: Option<usize>,
    /// Print one JSON object instead of prose
    #[arg(long, global = true, display_order = 902)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Climb(Climb),
    #[command(subcommand)]
    Train(TrainCommand),
    Generate(Box<Generate>),
    Chat(Chat),
    Evaluate(Evaluate),
    Info(Info),
    Import(Import),
    Export(Export),
    Merge(Merge),
    /// Check the gradient of every operation, kernel, layer and model, and print the worst errors as a table
    #[command(after_help = "\
Examples:
  rungs check
  rungs check --seed 1 --json")]
    Check,
    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  rungs completions bash > ~/.local/share/bash-completion/completions/rungs
  rungs completions fish > ~/.config/fish/completions/rungs.fish")]
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page, of the program or of a command
    #[command(after_help = "\
Examples:
  rungs man | man -l -
  rungs man train lstm > rungs-train-lstm.1")]
    Man {
        /// The command, as in rungs man train lstm
        #[arg(value_name = "COMMAND")]
        path: Vec<String>,
    },
}

/// Train every rung on the built-in text, or on dates, and print the ladder with a sample of each
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs climb                                the ladder in a few minutes, the same bits every time
  rungs climb --seconds-per-rung 20          as far as twenty seconds of training go
  rungs climb --out runs/ladder              keep the run folders: runs/ladder/lstm and so on
  rungs climb --out runs/ladder --resume     go on after Ctrl-C")]
pub(crate) struct Climb {
    /// Steps to train each rung, instead of as many as suit it
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "seconds_per_rung")]
    pub(crate) steps_per_rung: Option<usize>,
    /// Seconds to train each rung; how many steps that is depends on the machine
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) seconds_per_rung: Option<f64>,
    /// Keep a run folder for each rung in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the runs in --out
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
}

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
    /// System prompt: a turn of the system, which begins the conversation and holds for all of it
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    #[command(flatten)]
    pub(crate) saved: RunFolder,
    /// The most tokens of an answer
    #[arg(long, value_name = "N", value_parser = count, default_value_t = 200)]
    pub(crate) max_tokens: usize,
    /// Always the likeliest token
    #[arg(long, conflicts_with_all = ["temperature", "top_k", "top_p"])]
    pub(crate) greedy: bool,
    /// Below 1 safer, above 1 wilder; 0 is --greedy [default: 0.8]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) temperature: Option<f64>,
    /// Draw from the so many likeliest tokens only
    #[arg(long, value_name = "N")]
    pub(crate) top_k: Option<usize>,
    /// Draw from the likeliest tokens that together have this probability only [default: 0.95]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) top_p: Option<f64>,
}

/// Show what a run folder holds: rung, sizes, settings, losses
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs info runs/book
  rungs info runs/book --json
  rungs info runs/gpt --compare runs/lstm --plot losses.svg")]
pub(crate) struct Info {
    /// Draw how the validation loss fell, over the time of training
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
    /// Another run of the same tokens, to be drawn with it; may be given several times
    #[arg(long, value_name = "DIR", requires = "plot")]
    pub(crate) compare: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) saved: RunFolder,
}

/// Make a run folder of a model as Hugging Face ships it: GPT-2 or Llama
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs import gpt2 models/gpt2 --out runs/gpt2
  rungs import llama models/tiny-llama --out runs/llama
  rungs generate runs/gpt2 --prompt 'The history of text generation ' --top-p 0.95

A folder holds config.json, model.safetensors (or several files with model.safetensors.index.json), and
tokenizer.json or vocab.json with merges.txt. Without a tokenizer the run works in ids. A tokenizer.json of other
than byte pairs needs a program that was built with the feature tokenizers.")]
pub(crate) struct Import {
    /// The architecture
    #[arg(value_name = "gpt2|llama", value_parser = Family::ALL.map(Family::name))]
    pub(crate) family: String,
    /// The folder of Hugging Face
    #[arg(value_name = "HF_DIR")]
    pub(crate) folder: PathBuf,
    /// The run folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Write the model of a run folder so that Hugging Face's transformers loads it; gpt only
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs export runs/book --out models/book
  rungs export runs/llama --out models/llama --json

In Python: transformers.AutoModelForCausalLM.from_pretrained('models/book')")]
pub(crate) struct Export {
    /// The folder to write
    #[arg(long, value_name = "HF_DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) saved: RunFolder,
}

/// Make a run folder with a whole model of an adapter, which train --lora left, and the model that it adapts
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs merge runs/adapter --out runs/merged
  rungs merge runs/adapter --base models/moved --out runs/merged")]
#[command(mut_arg("run", |run| run.help("The run folder with the adapter")))]
pub(crate) struct Merge {
    /// The run folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) saved: RunFolder,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        crate::command_line::command().debug_assert();
    }
}
