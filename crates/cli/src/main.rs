//! The program `rungs`: every generation of language model trained, sampled and measured from one command line.
//!
//! | file | what |
//! |---|---|
//! | `arguments.rs`, `command_line.rs` | the command line: every option, its help and its default |
//! | `commands.rs` | one file per command, and the parts of each in a folder of its name |
//! | `plots.rs` | losses, alignments and scores as SVG |
//! | `terminal.rs` | what is printed, how far a run is, and how the program ends when it does not end well |
//! | `text_input.rs` | texts from files and from stdin |
//!
//! Here is what a user sees: flags, tables, plots, messages, exit codes. Models, training, run folders and measures
//! are not here; whatever a command computes is done by the crate `rungs` and those below it, for programs in Rust too.
//!
//! Everything a command computes runs inside one thread pool: work that is split from outside of a pool wakes its
//! threads again and again, which takes twice the time.

mod arguments;
mod command_line;
mod commands;
mod plots;
mod terminal;
mod text_input;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use terminal::{Failure, failure, interrupt};

fn main() -> ExitCode {
    failure::without_panics(|| {
        interrupt::let_oversized_writes_fail();
        interrupt::let_failed_allocations_end();
        let Some(Arguments { common, command }) = command_line::arguments()? else { return Ok(()) };
        // Of 0 threads rayon makes as many as there are cores.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(common.threads.unwrap_or(0)).build();
        pool.map_err(|error| Failure::input(format!("--threads: {error}")))?.install(|| match command {
            Command::Climb(climb) => commands::climb::run(&climb, &common),
            Command::Train(train) => commands::train::run(&train.into(), &common),
            Command::Generate(generate) => commands::generate::run(&generate, &common),
            Command::Chat(chat) => commands::chat::run(&chat, &common),
            Command::Evaluate(evaluate) => commands::evaluate::run(&evaluate, &common),
            Command::Info(info) => commands::info::run(&info, &common),
            Command::Import(import) => commands::import::run(&import, &common),
            Command::Export(export) => commands::export::run(&export, &common),
            Command::Merge(merge) => commands::merge::run(&merge, &common),
            Command::Check => commands::check::run(&common),
            Command::Completions { shell } => commands::manual::completions(shell),
            Command::Man { path } => commands::manual::page(&path),
        })
    })
}
