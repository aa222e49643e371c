//! A language model that has learnt to answer does so.

use std::ops::ControlFlow;

use rungs::models::GenerateOptions;
use rungs::models::decode::Search;
use rungs::tensor::Rng;
use rungs::{Responder, SavedRun};

use super::{Report, Written, decoding, translate};
use crate::arguments::{Common, Generate};
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::text::unescaped;

/// The most tokens of an answer, unless told.
const MOST: usize = 300;

pub(super) fn run(run: &SavedRun, flags: &Generate, rng: &Rng, common: &Common) -> Outcome<Report> {
    let useless = [("--draft", flags.draft.is_some()), ("--plot", flags.plot.is_some())];
    if let Some((flag, _)) = useless.into_iter().find(|(_, given)| *given) {
        return Err(Failure::input(format!("{flag}: an answer of a language model has none")));
    }
    let stops = flags.stop.iter().map(|stop| unescaped("--stop", stop)).collect::<Outcome<Vec<_>>>()?;
    let responder = Responder::open(run)?;
    let prompts = responder.prompts();
    let stop = prompts.stop().to_vec();
    let options = decoding::options(flags, &|| prompts.spellings(), stop, MOST, Search::Greedy)?;
    if let (Search::Greedy, 2..) = (options.search, flags.n) {
        let n = flags.n;
        let problem =
            "the likeliest tokens are always the same (--temperature draws others, --beam searches for several)";
        return Err(Failure::input(format!("--n {n}: {problem}")));
    }
    let sources = translate::sources(flags)?;
    let question = |(name, source): &(String, String)| {
        responder.question(source).map_err(|error| Failure::input(format!("{name}: {error}")))
    };
    let questions = sources.iter().map(question).collect::<Outcome<Vec<_>>>()?;
    let mut report = Report { texts: Vec::new(), drafted: None };
    if flags.stream {
        let options = GenerateOptions { texts: 1, ..options };
        for (i, (question, (_, source))) in questions.iter().zip(&sources).enumerate() {
            for j in 0..flags.n {
                let rng = rng.fork(&format!("{i}.{j}"));
                report.texts.extend(answers(&responder, std::slice::from_ref(question), &options, &stops, &rng, true)?);
                output::print("\n")?;
                report.texts.iter_mut().skip(i * flags.n + j).for_each(|text| text.source = Some(source.clone()));
            }
        }
        return Ok(report);
    }
    report.texts = answers(&responder, &questions, &options, &stops, rng, false)?;
    for (number, text) in report.texts.iter_mut().enumerate() {
        text.source = Some(sources[number / flags.n].1.clone());
        if !common.json {
            let score = if flags.n > 1 { format!("{:.4}\t", text.score) } else { String::new() };
            output::print(&format!("{score}{}\n", text.text))?;
        }
    }
    Ok(report)
}

/// Answers, which end where they say any of `stops`, and are shown while they are written if that is wanted.
fn answers(
    responder: &Responder,
    questions: &[Vec<u32>],
    options: &GenerateOptions,
    stops: &[String],
    rng: &Rng,
    shown: bool,
) -> Outcome<Vec<Written>> {
    let mut texts = vec![String::new(); questions.len() * options.texts];
    let mut printed = Ok(());
    let answers = responder.write(questions, options, rng, &mut |number, part| {
        texts[number] += part;
        if shown && printed.is_ok() {
            printed = output::print(part);
        }
        let over = printed.is_err() || stops.iter().any(|stop| texts[number].contains(stop.as_str()));
        if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    printed?;
    let answers = answers?;
    Ok(answers.into_iter().flatten().map(|answer| Written::of(answer.written, answer.text)).collect())
}
