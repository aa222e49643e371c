//! `rungs merge`: an adapter and the model that it adapts become a whole model.

use std::path::Path;

use rungs::{Rung, run};
use serde::Serialize;

use super::open;
use crate::arguments::{Common, Merge};
use crate::terminal::failure::Outcome;
use crate::terminal::output::{self, thousands};

#[derive(Serialize)]
struct Report<'a> {
    run: &'a Path,
    rung: Rung,
    parameters: u64,
    merged_from: &'a Path,
}

pub(crate) fn run(flags: &Merge, common: &Common) -> Outcome {
    let merged = run::merge(&open(&flags.run, flags.base.base.as_deref())?, &flags.out)?;
    let report = Report {
        run: &flags.out,
        rung: merged.config.settings.rung(),
        parameters: merged.parameter_count()?,
        merged_from: &flags.run,
    };
    if common.json {
        return output::json(&report);
    }
    output::print(&output::listing(&[
        ("run", report.run.display().to_string()),
        ("rung", report.rung.to_string()),
        ("parameters", thousands(report.parameters as usize)),
        ("merged from", report.merged_from.display().to_string()),
    ]))
}
