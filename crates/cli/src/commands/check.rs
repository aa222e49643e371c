//! `rungs check`: the gradient of every operation, kernel, layer and model against finite differences.

use rungs::tensor::Rng;
use rungs::tensor::registry::{Entry, Kind};
use serde::Serialize;

use crate::arguments::Common;
use crate::terminal::failure::{Failure, Outcome};
use crate::terminal::output;

#[derive(Serialize)]
struct Check {
    name: &'static str,
    kind: &'static str,
    passed: bool,
    /// The worst relative error of a first derivative.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_order: Option<f64>,
    /// The same of a second derivative.
    #[serde(skip_serializing_if = "Option::is_none")]
    second_order: Option<f64>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
struct Report {
    passed: bool,
    checks: Vec<Check>,
}

pub(crate) fn run(common: &Common) -> Outcome {
    let rng = Rng::new(common.seed.unwrap_or(0));
    let entries =
        [rungs::tensor::registry::entries(), rungs::layers::registry::entries(), rungs::models::registry::entries()];
    let checks: Vec<Check> = entries.iter().flatten().map(|entry| check(entry, &rng)).collect();
    let failed: Vec<&str> = checks.iter().filter(|check| !check.passed).map(|check| check.name).collect();
    let (count, failed) = (checks.len(), failed.join(", "));
    let report = Report { passed: failed.is_empty(), checks };
    if common.json { output::json(&report) } else { output::print(&prose(&report)) }?;
    if report.passed { Ok(()) } else { Err(Failure::running(format!("wrong gradients among {count}: {failed}"))) }
}

fn check(entry: &Entry, rng: &Rng) -> Check {
    let kind = match entry.kind {
        Kind::Op => "op",
        Kind::Function => "function",
        Kind::Kernel => "kernel",
        Kind::Layer => "layer",
        Kind::Model => "model",
    };
    // Each check has a stream of its own, so that one more entry changes no other's numbers.
    let outcome = (entry.run)(&mut rng.fork(entry.covers));
    let accuracy = outcome.as_ref().ok();
    Check {
        name: entry.covers,
        kind,
        passed: outcome.is_ok(),
        first_order: accuracy.map(|accuracy| accuracy.first),
        second_order: accuracy.map(|accuracy| accuracy.second),
        problem: outcome.as_ref().err().map(ToString::to_string),
    }
}

fn prose(report: &Report) -> String {
    let error = |error: Option<f64>| error.map_or("wrong".to_owned(), |error| format!("{error:.1e}"));
    let mut rows = vec![["name", "kind", "first order", "second order"].map(str::to_owned).to_vec()];
    for check in &report.checks {
        let name = check.name.to_owned();
        rows.push(vec![name, check.kind.to_owned(), error(check.first_order), error(check.second_order)]);
    }
    let mut text = output::table(&rows);
    for problem in report.checks.iter().filter_map(|check| check.problem.as_deref()) {
        text += &format!("{problem}\n");
    }
    let count = report.checks.len();
    text += "\nRelative errors of first and second derivatives against central differences in double precision,\n";
    text += &match report.passed {
        true => format!("along random directions: all {count} are right.\n"),
        false => format!("along random directions: not all {count} are right.\n"),
    };
    text
}
