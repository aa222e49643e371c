//! `rungs check`: the gradient of every operation, kernel, layer and model against finite differences.

use rungs::tensor::Rng;
use rungs::tensor::registry::Kind;

use crate::arguments::Common;
use crate::terminal::{Facts, Failure, Outcome, output};

pub(crate) fn run(common: &Common) -> Outcome {
    let rng = Rng::new(common.seed.unwrap_or(0));
    let entries =
        [rungs::tensor::registry::entries(), rungs::layers::registry::entries(), rungs::models::registry::entries()];
    let (mut checks, mut failed, mut problems, mut rows) = (Vec::new(), Vec::new(), String::new(), Vec::new());
    for entry in entries.iter().flatten() {
        let (name, kind) = (entry.covers, name(entry.kind));
        // Each check has a stream of its own, so that one more entry changes no other's numbers.
        let outcome = (entry.run)(&mut rng.fork(name));
        let mut facts = Facts::default();
        facts.field("name", name).field("kind", kind).field("passed", outcome.is_ok());
        let errors = match outcome {
            Ok(accuracy) => {
                facts.field("first_order", accuracy.first).field("second_order", accuracy.second);
                [accuracy.first, accuracy.second].map(|error| format!("{error:.1e}"))
            }
            Err(problem) => {
                facts.field("problem", problem.to_string());
                failed.push(name);
                problems += &format!("{problem}\n");
                ["wrong", "wrong"].map(str::to_owned)
            }
        };
        checks.push(facts);
        rows.push(output::row(name, std::iter::once(kind.to_owned()).chain(errors)));
    }
    let header = ["name", "kind", "first order", "second order"].map(str::to_owned).to_vec();
    let (table, count) = (output::table(header, rows), checks.len());
    let all = if failed.is_empty() { "all" } else { "not all" };
    let mut facts = Facts::default();
    facts.field("passed", failed.is_empty()).field("checks", checks);
    let prose = format!(
        "{table}{problems}\nRelative errors of first and second derivatives against central differences in double \
         precision,\nalong random directions: {all} {count} are right.\n"
    );
    facts.print(common.json, &prose)?;
    match failed[..] {
        [] => Ok(()),
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
