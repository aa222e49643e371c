//! `rungs train`: one rung learns a text, or pairs of texts, and is kept in a run folder.

mod memory;
mod prepared_run;
mod settings_from_options;
mod training_report;

use std::io::IsTerminal;
use std::path::Path;

use prepared_run::{Prepared, create, resume};
use rungs::trainer::{Finish, Summary};
use training_report::{LeftOut, complain_of_finished, patience, report};

use super::streaming::EarlierIds;
use super::{quoted, train_with_display};
use crate::arguments::{Common, Train};
use crate::terminal::{Failure, Interrupt, Outcome, complain, thousands};

pub(crate) fn run(train: &Train, common: &Common) -> Outcome {
    let interrupt = Interrupt::listen()?;
    let (rung, path) = (train.rung, train.run.out.clone());
    let path = path.unwrap_or_else(|| Path::new("runs").join(rung.name()));
    let earlier = EarlierIds::of(&path);
    let prepared = match train.run.resume {
        false => create(train, common, &path, &interrupt).map(Some),
        true => resume(train, common, &path, &interrupt),
    };
    let prepared = prepared.inspect_err(|failure| {
        if failure.is_of_input() {
            earlier.remove_others();
        }
    });
    let Some(Prepared { mut run, left_out, memory: needed }) = prepared? else { return Ok(()) };
    let [parameters, trained] = [run.parameter_count(), run.trainer().trained_count()].map(|count| count as u64);
    let parameters = (parameters, (trained < parameters).then_some(trained));
    let finished = run.trainer().is_finished();
    if !finished {
        if std::io::stderr().is_terminal() {
            complain(&format!("training needs about {} of memory", memory::size(needed)));
        }
        left_out.iter().flat_map(LeftOut::notices).for_each(|notice| complain(&notice));
    }
    let summary = train_with_display(&mut run, rung.name(), common.json || finished, &interrupt)?;
    match summary.finish {
        _ if finished => complain_of_finished(&path, &summary, run.trainer().progress()),
        Finish::Completed => {}
        Finish::StoppedEarly => {
            let (steps, why) = (thousands(summary.steps), patience(run.trainer().progress()));
            complain(&format!("stopped early after step {steps}: {why}"));
        }
        Finish::Stopped => {
            return Err(stopped(&summary, &format!("train {rung} --out {} --resume", quoted(&path))));
        }
    }
    let mut facts = report(&path, rung, parameters, Some(needed), &summary);
    left_out.iter().for_each(|left_out| left_out.report(&mut facts));
    facts.print(common.json, "")
}

/// A run that the user has stopped, and how to go on with it.
pub(super) fn stopped(summary: &Summary, command: &str) -> Failure {
    let steps = thousands(summary.steps);
    Failure::interrupted(format!("stopped and saved after step {steps}; to go on: rungs {command}"))
}
