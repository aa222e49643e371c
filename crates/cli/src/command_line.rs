//! From what was typed to [`Arguments`]: the default of every option in its help, and messages of one line.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, FromArgMatches};
use rungs::{Rung, Settings};

use crate::arguments::Arguments;
use crate::terminal::{Failure, Outcome, output};

/// The command line, with the defaults of each rung.
pub(crate) fn command() -> Command {
    let with_defaults = |of_rung: Command| {
        let rung = Rung::ALL.into_iter().find(|rung| rung.name() == of_rung.get_name()).expect("a rung");
        let defaults = Settings::of(rung).named();
        of_rung.mut_args(|argument| {
            let default = defaults.iter().find(|(name, _)| argument.get_long() == Some(name));
            match default.zip(argument.get_help()) {
                Some(((_, default), help)) => {
                    let help = format!("{help} [default: {default}]");
                    argument.help(help)
                }
                None => argument,
            }
        })
    };
    Arguments::command().mut_subcommand("train", |train| train.mut_subcommands(with_defaults))
}

/// Parses the command line; none if it asked for help or the version, which are printed here.
pub(crate) fn arguments() -> Outcome<Option<Arguments>> {
    let typed = rung_first(std::env::args_os().collect());
    match command().try_get_matches_from(&typed).and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => Ok(Some(arguments)),
        Err(answer) if matches!(answer.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            output::print(&answer.render().to_string())?;
            Ok(None)
        }
        Err(error) => Err(without_rung(&typed)
            .or_else(|| of_another_rung(&error, &typed))
            .unwrap_or_else(|| Failure::usage(&error))),
    }
}

/// Puts the rung directly behind `train`, if options stand before it: `rungs train --steps 9 lstm`.
fn rung_first(mut typed: Vec<OsString>) -> Vec<OsString> {
    let Some(train) = typed.iter().position(|typed| typed == "train") else { return typed };
    let is_value = |at: usize| {
        let before = &*typed[at - 1].to_string_lossy();
        before.starts_with("--") && !before.contains('=') && !["--", "--resume", "--stream", "--json"].contains(&before)
    };
    let place = (train + 1..typed.len()).find(|&at| is_rung(&typed[at]) && !is_value(at));
    if let Some(place) = place {
        typed[train + 1..=place].rotate_right(1);
        if typed[place] == "--" {
            typed.remove(place);
        }
    }
    typed
}

fn is_rung(typed: &OsString) -> bool {
    Rung::ALL.iter().any(|rung| typed == rung.name())
}

/// The message for `train` without a rung, or with one that there is not.
fn without_rung(typed: &[OsString]) -> Option<Failure> {
    let train = typed.iter().position(|typed| typed == "train").filter(|&at| !typed[..at].contains(&"man".into()))?;
    let rungs = Rung::ALL.map(Rung::name).join(", ");
    match typed.get(train + 1) {
        Some(rung) if is_rung(rung) => None,
        Some(other) if !other.to_string_lossy().starts_with('-') => {
            Some(Failure::input(format!("train: there is no rung {other:?}, only {rungs}")))
        }
        _ => Some(Failure::input(format!("train: RUNG is missing, one of {rungs}"))),
    }
}

/// The message for an option that only other rungs have.
fn of_another_rung(error: &clap::Error, typed: &[OsString]) -> Option<Failure> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return None };
    let name = option.strip_prefix("--").filter(|_| error.kind() == ErrorKind::UnknownArgument)?;
    let rung = typed.iter().skip_while(|typed| *typed != "train").nth(1)?.to_str()?;
    let has = |command: &Command| {
        command.get_arguments().any(|argument| {
            argument.get_long() == Some(name) || argument.get_all_aliases().is_some_and(|all| all.contains(&name))
        })
    };
    let train = Arguments::command();
    let known = train.find_subcommand("train")?.get_subcommands().any(has);
    let problem = match name {
        "text" | "dialogue" => "learns pairs of texts (--pairs)",
        _ => "has no such setting",
    };
    known.then(|| Failure::input(format!("{option}: the rung {rung} {problem}")))
}
