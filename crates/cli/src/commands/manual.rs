//! `rungs completions` and `rungs man`: what the command line says of itself, for shells and for `man`.

use clap_complete::Shell;
use clap_mangen::Man;

use crate::command_line::command;
use crate::terminal::{Failure, Outcome, output};

/// Prints the completion script for a shell.
pub(crate) fn completions(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "rungs", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}

/// Prints the manual page of the program, or of the command at this path.
pub(crate) fn page(path: &[String]) -> Outcome {
    let mut program = command();
    program.build(); // gives commands their whole names, and the options that are common to all
    let mut found = &program;
    for name in path {
        let missing = || Failure::input(format!("there is no command {:?} (rungs --help lists them)", path.join(" ")));
        found = found.find_subcommand(name).ok_or_else(missing)?;
    }
    let mut page = Vec::new();
    let name = found.get_bin_name().unwrap_or("rungs").replace(' ', "-");
    Man::new(found.clone().display_name(name)).render(&mut page).map_err(Failure::running)?;
    output::print(&String::from_utf8_lossy(&page))
}
