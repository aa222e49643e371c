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
mod streaming;
pub(crate) mod train;

use std::path::Path;

use rungs::trainer::{Metrics, Row, Summary};
use rungs::{Run, Rung};

use crate::plots::loss_curves::{self, Point};
use crate::terminal::{Course, Facts, Interrupt, Outcome, Progress, clock, thousands};

/// Trains with a display until the run is over or the user says stop.
fn train_with_display(run: &mut Run, label: &str, machine: bool, interrupt: &Interrupt) -> Outcome<Summary> {
    let (mut progress, mut course) = (Progress::new(label, machine), Course::default());
    interrupt.control(); // from here on there is something to save
    Ok(run.train(&mut |event| {
        course.show(&event, &mut progress);
        interrupt.control()
    })?)
}

/// The run with the file that the program adds to its folder: `loss.svg`.
fn with_loss_plot(run: Run, rung: Rung, parameters: u64) -> Run {
    let title = format!("{rung}: {} parameters", thousands(parameters as usize));
    run.with_files(move |metrics: &Metrics| {
        let points = |loss: fn(&Row) -> Option<f64>| -> Vec<Point> {
            metrics.rows().iter().filter_map(|row| Some((row.step as f64, loss(row)?))).collect()
        };
        let (training, validation) = (points(|row| Some(row.train_loss)), points(|row| row.validation_loss));
        let svg = loss_curves::loss_svg(&title, &training, &validation);
        svg.map(|svg| ("loss.svg".to_owned(), svg.into_bytes())).into_iter().collect()
    })
}

/// Reports the losses and the speed of a run; in prose `none` stands for a loss that is not known.
fn report_training(facts: &mut Facts, summary: &Summary, none: &str) {
    let loss = |loss: Option<f64>| loss.map_or(none.to_owned(), |loss| format!("{loss:.4} nats per token"));
    let Summary { train_loss, validation_loss, best_validation_loss: best, tokens_per_second, seconds, .. } = *summary;
    facts.fact("train_loss", train_loss, "training loss", loss(train_loss));
    facts.fact("validation_loss", validation_loss, "validation loss", loss(validation_loss));
    facts.fact("best_validation_loss", best, "best validation", loss(best));
    let speed = format!("{} tokens/s", thousands(tokens_per_second as usize));
    facts.fact("tokens_per_second", tokens_per_second, "speed", speed);
    facts.fact("seconds", seconds, "time", clock(seconds));
}

/// A path as it can be typed into a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+@%=:,~".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Names of runs in a comparison: the rung; the folder, where a rung occurs twice; the whole path, where a folder's
/// name does.
fn names(runs: &[(Rung, &Path)]) -> Vec<String> {
    let path = |path: &Path| path.display().to_string();
    let folder = |folder: &Path| folder.file_name().map_or_else(|| path(folder), |name| name.display().to_string());
    let by_rung: Vec<String> = runs.iter().map(|(rung, _)| rung.name().to_owned()).collect();
    let by_folder: Vec<String> = runs.iter().map(|(_, run)| folder(run)).collect();
    let by_path = runs.iter().map(|(_, run)| path(run)).collect();
    let differ = |names: &Vec<String>| (1..names.len()).all(|i| !names[..i].contains(&names[i]));
    [by_rung, by_folder].into_iter().find(differ).unwrap_or(by_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_shortest_name_that_tells_it_from_the_others() {
        let named = |runs: &[(Rung, &'static str)]| {
            names(&runs.iter().map(|&(rung, path)| (rung, Path::new(path))).collect::<Vec<_>>())
        };
        use Rung::{Attention, Seq2seq};
        assert_eq!(named(&[(Seq2seq, "runs/a"), (Attention, "runs/b")]), ["seq2seq", "attention"]);
        assert_eq!(named(&[(Attention, "runs/a/"), (Seq2seq, "b"), (Attention, ".")]), ["a", "b", "."]);
        assert_eq!(named(&[(Attention, "runs/a"), (Attention, "old/a")]), ["runs/a", "old/a"]);
    }
}
