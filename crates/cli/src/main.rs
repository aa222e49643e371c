//! The program `rungs`: every generation of language model trained, sampled and measured from one command line.
//!
//! | file | what |
//! |---|---|
//! | `arguments.rs`, `flags.rs` | the command line, and what it makes of a rung's settings |
//! | `command/` | one file per command |
//! | `text.rs`, `output.rs`, `progress.rs`, `plot.rs` | what goes in, what comes out |
//! | `picture.rs`, `alignment.rs`, `bars.rs` | pictures as SVG and PNG: what they are made of, and the two there are |
//! | `failure.rs`, `interrupt.rs` | how it ends when it does not end well |
//!
//! Everything a command computes runs inside one thread pool: work that is split from outside of a pool wakes its
//! threads again and again, which takes twice the time.

mod alignment;
mod arguments;
mod bars;
mod command;
mod failure;
mod flags;
mod interrupt;
mod memory;
mod output;
mod picture;
mod plot;
mod progress;
mod text;

use std::process::ExitCode;

use arguments::{Arguments, Command, Common};
use clap::Parser;
use clap::error::ErrorKind;
use failure::{Failure, Outcome};

fn main() -> ExitCode {
    failure::without_panics(|| {
        interrupt::let_oversized_writes_fail();
        let Some(Arguments { common, command }) = arguments()? else { return Ok(()) };
        pool(&common)?.install(|| match command {
            Command::Climb(climb) => command::climb::run(&climb, &common),
            Command::Train(train) => command::train::run(&train, &common),
            Command::Generate(generate) => command::generate::run(&generate, &common),
            Command::Chat(chat) => command::chat::run(&chat, &common),
            Command::Evaluate(evaluate) => command::evaluate::run(&evaluate, &common),
            Command::Info(info) => command::info::run(&info, &common),
            Command::Import(import) => command::import::run(&import, &common),
            Command::Export(export) => command::export::run(&export, &common),
            Command::Merge(merge) => command::merge::run(&merge, &common),
            Command::Check(_) => command::check::run(&common),
        })
    })
}

/// What was asked for; none if it was help or the version, which is answered here.
fn arguments() -> Outcome<Option<Arguments>> {
    match Arguments::try_parse() {
        Ok(arguments) => Ok(Some(arguments)),
        Err(answer) if matches!(answer.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            output::print(&answer.render().to_string())?;
            Ok(None)
        }
        Err(error) => Err(Failure::usage(&error)),
    }
}

fn pool(common: &Common) -> Outcome<rayon::ThreadPool> {
    let mut builder = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = common.threads {
        builder = builder.num_threads(threads);
    }
    builder.build().map_err(|error| Failure::input(format!("--threads: {error}")))
}
