//! `rungs check`: the gradient of every operation, kernel, layer and model against finite differences.

use rungs::tensor::Rng;
use rungs::tensor::check::TOLERANCE;
use rungs::tensor::registry::{Control, Kind};

use crate::arguments::Common;
use crate::terminal::{Facts, Failure, Outcome, output, thousands};

pub(crate) fn run(common: &Common) -> Outcome {
    let seed = common.seed.unwrap_or(0);
    let rng = Rng::new(seed);
    let entries =
        [rungs::tensor::registry::entries(), rungs::layers::registry::entries(), rungs::models::registry::entries()];
    let (mut checks, mut failed, mut problems, mut rows) = (Vec::new(), Vec::new(), String::new(), Vec::new());
    let mut cases = 0;
    for entry in entries.iter().flatten() {
        let (name, kind) = (entry.covers, name(entry.kind));
        // Each check has a stream of its own, so that one more entry changes no other's numbers.
        let outcome = (entry.run)(&mut rng.fork(name));
        let mut facts = Facts::default();
        facts.field("name", name).field("kind", kind).field("passed", outcome.is_ok());
        let figures = match outcome {
            Ok(accuracy) => {
                facts.field("first_order", accuracy.first).field("second_order", accuracy.second);
                facts.field("cases", accuracy.cases);
                cases += accuracy.cases;
                let [first, second] = [accuracy.first, accuracy.second].map(|error| format!("{error:.1e}"));
                [first, second, thousands(accuracy.cases)]
            }
            Err(problem) => {
                facts.field("problem", problem.to_string());
                failed.push(name);
                problems += &format!("{problem}\n");
                ["wrong", "wrong", ""].map(str::to_owned)
            }
        };
        checks.push(facts);
        rows.push(output::row(name, std::iter::once(kind.to_owned()).chain(figures)));
    }
    let (mut found, mut missed, mut seen) = (Vec::new(), Vec::new(), String::new());
    for Control { mistake, run } in rungs::tensor::registry::controls() {
        let problem = run(&mut rng.fork(mistake)).err();
        let mut facts = Facts::default();
        facts.field("mistake", mistake).field("found", problem.is_some());
        facts.optional("problem", problem.as_ref().map(ToString::to_string));
        found.push(facts);
        seen += &match &problem {
            Some(problem) => format!("{mistake}: found, relative error {:.1e}\n", problem.error),
            None => format!("{mistake}: not found\n"),
        };
        missed.extend(problem.is_none().then_some(mistake));
    }
    let header = ["name", "kind", "first order", "second order", "cases"].map(str::to_owned).to_vec();
    let (table, count) = (output::table(header, rows), checks.len());
    let verdict = verdict(&failed, &missed, count);
    let mut facts = Facts::default();
    facts.field("passed", verdict.is_ok()).field("bound", TOLERANCE).field("cases", cases).field("seed", seed);
    facts.field("controls", found).field("checks", checks);
    let all = if failed.is_empty() { "all" } else { "not all" };
    let prose = format!(
        "{table}{problems}\nNegative control, gradients that are wrong on purpose:\n{seen}\n\
         Relative errors of first and second derivatives against central differences in double precision,\n\
         along random directions, at most {TOLERANCE:.0e}, in {} cases, seed {seed}: {all} {count} are right.\n",
        thousands(cases)
    );
    facts.print(common.json, &prose)?;
    verdict
}

/// Whether everything is right, and every mistake was found that was made on purpose.
fn verdict(failed: &[&str], missed: &[&str], count: usize) -> Outcome {
    match (failed, missed) {
        ([], []) => Ok(()),
        ([], _) => {
            let missed = missed.join(" and ");
            Err(Failure::running(format!("the negative control did not find {missed}: these checks prove nothing")))
        }
        _ => Err(Failure::running(format!("wrong gradients among {count}: {}", failed.join(", ")))),
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Op => "op",
        Kind::Function => "function",
        Kind::Kernel => "kernel",
        Kind::Layer => "layer",
        Kind::Model => "model",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_that_is_not_found_fails() {
        assert!(verdict(&[], &[], 3).is_ok());
        assert!(verdict(&["Tanh"], &[], 3).is_err() && verdict(&["Tanh"], &["a lost slope"], 3).is_err());
        assert!(verdict(&[], &["a lost slope"], 3).is_err());
    }
}
