//! `rungs train`: one rung learns a text, or pairs of texts, and is kept in a run folder.

mod left_out;
mod memory;
mod prepared_run;
mod settings_from_options;
mod training_report;

use std::path::Path;

use left_out::LeftOut;
use prepared_run::{Prepared, Resumed, create, resume};
use rungs::trainer::{Finish, Progress, Summary};
use training_report::Report;

use super::{quoted, train_with_display};
use crate::arguments::{Common, Train};
use crate::terminal::failure::{Failure, Outcome, complain};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::output::thousands;

pub(crate) fn run(train: &Train, common: &Common) -> Outcome {
    let interrupt = Interrupt::listen()?;
    let path = train.run.out.clone().unwrap_or_else(|| Path::new("runs").join(train.rung.name()));
    let Prepared { mut run, left_out } = match train.run.resume {
        false => create(train, common, &path, &interrupt)?,
        true => match resume(train, common, &path, &interrupt)? {
            Resumed::Unfinished(prepared) => *prepared,
            Resumed::Finished(report, progress) => return finished(&report, &progress, &path, common),
        },
    };
    let parameters = run.parameter_count();
    let trained = Some(run.trainer().trained_count() as u64).filter(|&trained| trained < parameters as u64);
    let report = |summary: &Summary| Report {
        trained_parameters: trained,
        left_out: left_out.as_ref().map(|left_out| left_out.of_them.count()),
        shortened: left_out.as_ref().and_then(LeftOut::shortened),
        ..Report::new(&path, train.rung, parameters, summary)
    };
    if run.trainer().is_finished() {
        let summary = train_with_display(&mut run, train.rung.name(), true, &interrupt)?;
        return finished(&report(&summary), run.trainer().progress(), &path, common);
    }
    left_out.iter().flat_map(LeftOut::notices).for_each(|notice| complain(&notice));
    let summary = train_with_display(&mut run, train.rung.name(), common.json, &interrupt)?;
    match summary.finish {
        Finish::Completed => report(&summary).print(common),
        Finish::StoppedEarly => {
            complain(&format!(
                "stopped early after step {}: {}",
                thousands(summary.steps),
                patience(run.trainer().progress())
            ));
            report(&summary).print(common)
        }
        Finish::Stopped => Err(stopped(&summary, &format!("train {} --out {} --resume", train.rung, quoted(&path)))),
    }
}

/// A run that the user has stopped, and how to go on with it.
pub(super) fn stopped(summary: &Summary, command: &str) -> Failure {
    let steps = thousands(summary.steps);
    Failure::interrupted(format!("stopped and saved after step {steps}; to go on: rungs {command}"))
}

/// Why a run has stopped early.
fn patience(progress: &Progress) -> String {
    let best = progress.best.map_or(0, |best| best.step);
    format!(
        "the last {} evaluations were no better than that of step {}",
        progress.evaluations_since_best,
        thousands(best)
    )
}

fn finished(report: &Report, progress: &Progress, path: &Path, common: &Common) -> Outcome {
    let (path, steps) = (path.display(), thousands(report.steps));
    complain(&match report.stopped_early {
        false => format!(
            "{path}: this run is finished, after {steps} steps; nothing was changed \
             (--steps with a larger number goes on)"
        ),
        true => format!(
            "{path}: this run stopped early, after {steps} steps: {}; nothing was changed \
             (--patience with a larger number, or 0, goes on)",
            patience(progress)
        ),
    });
    report.print(common)
}
