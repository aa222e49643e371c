//! The commands, and what several of them need.

pub(crate) mod chat;
pub(crate) mod check;
pub(crate) mod climb;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod info;
mod learning_data;
pub(crate) mod manual;
pub(crate) mod merge;
mod run_names;
mod streaming;
pub(crate) mod train;

use std::path::Path;

use rungs::trainer::{Control, Metrics, Row, Summary};
use rungs::{Run, Rung, SavedRun};

use crate::plots::loss_curves;
use crate::terminal::failure::Outcome;
use crate::terminal::interrupt::Interrupt;
use crate::terminal::output::thousands;
use crate::terminal::progress::Progress;

/// The run in a folder, whose adapter belongs to the model in `base` if that was given.
fn open(run: &Path, base: Option<&Path>) -> Outcome<SavedRun> {
    let run = SavedRun::open(run)?;
    Ok(match base {
        Some(base) => run.with_base(base)?,
        None => run,
    })
}

/// Trains with a display until the run is over or the user says stop.
fn train_with_display(run: &mut Run, label: &str, machine: bool, interrupt: &Interrupt) -> Outcome<Summary> {
    let mut progress = Progress::new(label, machine);
    Ok(run.train(&mut |event| {
        progress.show(&event);
        if interrupt.requested() { Control::Stop } else { Control::Continue }
    })?)
}

/// The run with the file that the program adds to its folder: `loss.svg`.
fn with_loss_plot(run: Run, rung: Rung, parameters: u64) -> Run {
    let title = format!("{rung}: {} parameters", thousands(parameters as usize));
    run.with_files(move |metrics: &Metrics| {
        let point = |row: &Row, loss| (row.step as f64, loss);
        let training: Vec<_> = metrics.rows().iter().map(|row| point(row, row.train_loss)).collect();
        let validation: Vec<_> =
            metrics.rows().iter().filter_map(|row| row.validation_loss.map(|loss| point(row, loss))).collect();
        let svg = loss_curves::loss_svg(&title, &training, &validation);
        svg.map(|svg| ("loss.svg".to_owned(), svg.into_bytes())).into_iter().collect()
    })
}

/// A path as it can be typed into a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+@%=:,~".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
