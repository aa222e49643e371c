//! How the program fails: one line on stderr, and an exit code that says whose fault it was.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use rungs::Error;
use rungs::tensor::OUT_OF_MEMORY;

use crate::terminal::escapes;

/// Why a command ended without its result.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

/// What every command returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Something the user gave is wrong: exit code 2, nothing written.
    pub(crate) fn input(message: impl Display) -> Self {
        Self { code: 2, message: message.to_string() }
    }

    pub(crate) fn is_of_input(&self) -> bool {
        self.code == 2
    }

    /// The work itself failed, a full disk or a diverging loss: exit code 1.
    pub(crate) fn running(message: impl Display) -> Self {
        Self { code: 1, message: message.to_string() }
    }

    /// The user stopped a run, and it was saved: exit code 130, as the shell has it for SIGINT.
    pub(crate) fn interrupted(message: impl Display) -> Self {
        Self { code: 130, message: message.to_string() }
    }

    /// The reader of our output has gone (`rungs generate … | head`): stop, and say nothing.
    pub(crate) fn nobody_listens() -> Self {
        Self { code: 0, message: String::new() }
    }

    /// Condenses clap's report, which runs over several paragraphs, to its first one and the tip, if there is one.
    pub(crate) fn usage(error: &clap::Error) -> Self {
        if let ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand = error.kind() {
            return Self::input("a command is missing: rungs climb is a good first one, rungs --help lists them");
        }
        let report = error.render().to_string();
        let part = |paragraph: &str| {
            let text = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
            match text.strip_prefix("error: ") {
                Some(message) => Some(message.to_owned()),
                None => text.starts_with("tip: ").then(|| format!("({text})")),
            }
        };
        Self::input(report.split("\n\n").filter_map(part).collect::<Vec<_>>().join(" "))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Stopped => Self::interrupted(error),
            error if error.is_bad_input() => Self::input(error),
            error => Self::running(error),
        }
    }
}

/// Writes one line to stderr, whatever the message holds: a file's name may contain a line break.
pub(crate) fn complain(message: &str) {
    let line = message.trim().replace(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'], " ");
    // Nothing can be done where stderr itself is closed, and a panic would only hide the exit code.
    let _ = escapes::write(std::io::stderr().lock(), &format!("rungs: {line}\n"));
}

/// The operating system's reason in its own words, without Rust's "(os error 2)".
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// Runs the program's work. A panic is a bug of ours: it is shown as one line that says where, never as a backtrace.
pub(crate) fn without_panics(work: impl FnOnce() -> Outcome + std::panic::UnwindSafe) -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let message = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        if let Some(message) = message.filter(|message| message.starts_with(OUT_OF_MEMORY)) {
            return complain(&format!("{message}; a smaller --batch-size or --context needs less"));
        }
        let place = panic.location().map(|at| format!(" ({}:{})", at.file(), at.line())).unwrap_or_default();
        complain(&format!("this is a bug in rungs: {}{place}", message.unwrap_or("unknown reason")));
    }));
    match std::panic::catch_unwind(work) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(Failure { code, message })) => {
            if !message.is_empty() {
                complain(&message);
            }
            ExitCode::from(code)
        }
        Err(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, clap::Parser)]
    #[command(subcommand_required = true, arg_required_else_help = true)]
    struct Example {
        #[arg(long)]
        steps: Option<usize>,
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Command {
        Train,
    }

    fn line(arguments: &[&str]) -> String {
        let error = Example::try_parse_from(std::iter::once(&"rungs").chain(arguments)).expect_err("bad arguments");
        Failure::usage(&error).message
    }

    #[test]
    fn claps_reports_become_one_line() {
        assert_eq!(
            line(&["--steps", "x", "train"]),
            "invalid value 'x' for '--steps <STEPS>': invalid digit found in string"
        );
        assert_eq!(line(&["trian"]), "unrecognized subcommand 'trian' (tip: a similar subcommand exists: 'train')");
        assert!(line(&[]).starts_with("a command is missing"), "{}", line(&[]));
    }
}
