//! A language model that has learnt to answer does so.

use std::ops::ControlFlow;

use rungs::decoding::{GenerateOptions, Search};
use rungs::tensor::Rng;
use rungs::writing::Written;
use rungs::{Responder, SavedRun};

use super::written_texts::{Report, shown};
use super::{decoding_options, translate_sources};
use crate::arguments::{Common, Generate};
use crate::terminal::failure::{Failure, Outcome};
use crate::text_input::unescaped;

/// The most tokens of an answer, unless told.
const MOST: usize = 300;

pub(super) fn run(run: &SavedRun, flags: &Generate, rng: &Rng, common: &Common) -> Outcome<Report> {
    let useless = [("--draft", flags.draft.is_some()), ("--plot", flags.plot.is_some())];
    if let Some((flag, _)) = useless.into_iter().find(|(_, given)| *given) {
        return Err(Failure::input(format!("{flag}: an answer of a language model has none")));
    }
    let stops = flags.stop.iter().map(|stop| unescaped("--stop", stop)).collect::<Outcome<Vec<_>>>()?;
    let responder = run.responder()?.with_stops(stops);
    let prompts = responder.prompts();
    let stop = prompts.stop().to_vec();
    let options = decoding_options::options(flags, &|| prompts.token_bytes(), stop, MOST, Search::Greedy)?;
    if let (Search::Greedy, 2..) = (options.search, flags.n) {
        let n = flags.n;
        let problem =
            "the likeliest tokens are always the same (--temperature draws others, --beam searches for several)";
        return Err(Failure::input(format!("--n {n}: {problem}")));
    }
    let sources = translate_sources::sources(flags)?;
    let question = |(name, source): &(String, String)| {
        responder.question(source).map_err(|error| Failure::input(format!("{name}: {error}")))
    };
    let questions = sources.iter().map(question).collect::<Outcome<Vec<_>>>()?;
    let answers = match flags.stream {
        true => streamed(&responder, &questions, &options, rng)?,
        false => responder.write(&questions, &options, rng, &mut |_, _| ControlFlow::Continue(()))?,
    };
    let mut report = Report::default();
    for (answers, (_, source)) in answers.into_iter().zip(&sources) {
        report.take(source, answers, !common.json && !flags.stream, flags.n > 1)?;
    }
    Ok(report)
}

/// Writes an answer after the other, and shows each as it comes.
fn streamed(
    responder: &Responder,
    questions: &[Vec<u32>],
    options: &GenerateOptions,
    rng: &Rng,
) -> Outcome<Vec<Vec<Written>>> {
    let one = GenerateOptions { texts: 1, ..options.clone() };
    let answer = |i: usize, j: usize| {
        let rng_of = |_: usize, _: usize| rng.fork(&format!("{i}.{j}"));
        shown(|on_text| responder.write_each(&questions[i..=i], &one, &rng_of, on_text))
    };
    (0..questions.len()).map(|i| (0..options.texts).map(|j| answer(i, j)).collect()).collect()
}
