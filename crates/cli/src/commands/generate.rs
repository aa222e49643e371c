//! `rungs generate`: a trained model writes.

pub(super) mod decoding_options;
mod report;
mod requests;

use std::ops::ControlFlow;

use rungs::decoding::{Beam, Finish, GenerateOptions, Search};
use rungs::generator::{Kind, Request, Written};
use rungs::tensor::Rng;
use rungs::{Error, Generator, Rung, SavedRun};

use crate::arguments::{Common, Generate};
use crate::plots::alignment::Alignment;
use crate::plots::plot_file::{check_plot, write_plot};
use crate::terminal::failure::{Failure, Outcome, complain};
use crate::terminal::output;
use crate::text_input::unescaped;
use report::Report;

/// The most tokens of a text, unless told; of one that is searched for, where the context has room for them.
const MOST: usize = 300;
/// The most tokens of a translation, unless told.
const MOST_OF_TRANSLATION: usize = 100;

pub(crate) fn run(flags: &Generate, common: &Common) -> Outcome {
    flags.plot.as_deref().map_or(Ok(()), check_plot)?;
    let run = super::open(&flags.run, flags.base.base.as_deref())?;
    let kind = kind(flags, &run)?;
    let stops = flags.stop.iter().map(|stop| unescaped("--stop", stop)).collect::<Outcome<Vec<_>>>()?;
    let mut generator = run.generator()?.with_stops(stops);
    let requests = requests::requests(flags, &generator)?;
    let options = options(flags, &generator, kind, &requests)?;
    if let Some(folder) = &flags.draft {
        let draft = SavedRun::open(folder)?.generator()?;
        let wrong = |error: Error| Failure::input(format!("--draft {}: {error}", folder.display()));
        generator = generator.with_draft(draft, flags.draft_tokens).map_err(wrong)?;
    }
    let rng = Rng::new(common.seed.unwrap_or(0)).fork("generate");
    let texts = match flags.stream {
        true => streamed(&generator, kind, &requests, options, &rng)?,
        false => generator.generate(&requests, &options, &rng, &mut |_, _| ControlFlow::Continue(()))?,
    };
    if let Some(path) = &flags.plot {
        write_plot(path, &alignment(&generator, &requests[0], &texts[0][0])?.svg())?;
    }
    let mut report = Report::default();
    for (request, texts) in requests.iter().zip(texts) {
        for text in texts {
            if !common.json && !flags.stream {
                let before = match kind {
                    Kind::Continuation => format!("{}{}", separator(report.texts.is_empty()), request.text()),
                    _ if flags.n > 1 => format!("{:.4}\t", text.generated.score),
                    _ => String::new(),
                };
                output::print(&format!("{before}{}\n", text.text))?;
            }
            report.take(kind, request, text);
        }
    }
    if common.json {
        return output::json(&report);
    }
    if let Some([proposed, accepted]) = report.drafted {
        complain(&format!("the draft wrote {proposed} tokens, of which {accepted} stayed"));
    }
    Ok(())
}

/// The kind of text that the options ask for. An option that does not apply to it, or a run that cannot write it, is an
/// error.
fn kind(flags: &Generate, run: &SavedRun) -> Outcome<Kind> {
    let asked = flags.source.is_some() || flags.sources.is_some();
    let draft = ("--draft", flags.draft.is_some());
    let (kind, useless, why) = match (asked, run.config.settings.prompts()) {
        (false, _) => {
            run.tokenizers.text()?;
            return Ok(Kind::Continuation);
        }
        (true, Some(_)) => {
            let useless = vec![draft, ("--plot", flags.plot.is_some())];
            (Kind::Answer, useless, "an answer of a language model has none")
        }
        (true, None) => {
            run.tokenizers.pair()?;
            let useless = vec![("--stream", flags.stream), ("--stop", !flags.stop.is_empty()), draft];
            (Kind::Translation, useless, "a translation is short, ends by itself, and needs no draft")
        }
    };
    if let Some((flag, _)) = useless.into_iter().find(|(_, given)| *given) {
        return Err(Failure::input(format!("{flag}: {why}")));
    }
    if flags.plot.is_some() && run.config.settings.rung() == Rung::Seq2seq {
        return Err(Failure::input("--plot: this run's rung does not look back (attention and transformer do)"));
    }
    Ok(kind)
}

/// How texts of this kind are generated.
fn options(flags: &Generate, generator: &Generator, kind: Kind, requests: &[Request]) -> Outcome<GenerateOptions> {
    let of = |most, default| decoding_options::options(flags, generator, kind, most, default);
    match kind {
        Kind::Continuation => {
            let longest = requests.iter().map(|request| request.ids().len()).max().unwrap_or(0);
            let context = generator.model().context();
            let searched = flags.contrastive.is_some() || flags.beam.is_some_and(|beam| beam > 1);
            let room = context.filter(|_| searched).map_or(MOST, |context| (context + 1).saturating_sub(longest));
            let options = of(room.min(MOST), Search::Sample)?;
            if let Some(context) = context.filter(|&context| longest > context && !searched) {
                complain(&format!(
                    "a prompt of {longest} tokens is longer than the context of {context}: its beginning is not \
                     looked at"
                ));
            }
            Ok(options)
        }
        Kind::Answer => {
            let options = of(MOST, Search::Greedy)?;
            match (options.search, flags.n) {
                (Search::Greedy, n @ 2..) => Err(Failure::input(format!(
                    "--n {n}: the likeliest tokens are always the same (--temperature draws others, --beam searches \
                     for several)"
                ))),
                _ => Ok(options),
            }
        }
        // A beam of one is greedy, and ranks as wider ones do.
        Kind::Translation => of(MOST_OF_TRANSLATION, Search::Beam(Beam::new(1))),
    }
}

/// Generates a text after the other, and shows each as it comes.
fn streamed(
    generator: &Generator,
    kind: Kind,
    requests: &[Request],
    options: GenerateOptions,
    rng: &Rng,
) -> Outcome<Vec<Vec<Written>>> {
    let options = GenerateOptions { batch: 1, ..options };
    // How many texts have been begun: one of which nothing can be shown is heard of when the next one is, or never.
    let mut begun = 0;
    let mut begin = |upto: usize| -> Outcome {
        while begun < upto {
            output::print(if begun > 0 { "\n" } else { "" })?;
            if kind == Kind::Continuation {
                let prompt = requests[begun / options.texts].text();
                output::print(&format!("{}{prompt}", separator(begun == 0)))?;
            }
            begun += 1;
        }
        Ok(())
    };
    let mut printed = begin(requests.len().min(1));
    let texts = generator.generate(requests, &options, rng, &mut |number, part| {
        if printed.is_ok() {
            printed = begin(number + 1).and_then(|()| output::print(part));
        }
        if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    printed?;
    let texts = texts?;
    begin(requests.len() * options.texts)?;
    output::print(if requests.is_empty() { "" } else { "\n" })?;
    Ok(texts)
}

/// A line between texts.
fn separator(first: bool) -> &'static str {
    if first { "" } else { "---\n" }
}

/// Where the model looked as it wrote a translation.
fn alignment(generator: &Generator, request: &Request, Written { generated, .. }: &Written) -> Outcome<Alignment> {
    if generated.weights.is_empty() {
        return Err(Failure::input("--plot: there is nothing to draw: no token was written"));
    }
    let [sources, targets] = generator.tokenizers().pair()?;
    let mut target: Vec<String> = generated.ids.iter().map(|&id| targets.token(id)).collect();
    target.extend((generated.finish == Finish::Stop).then(|| "end".to_owned()));
    let source = request.source().unwrap_or_default().iter().map(|&id| sources.token(id)).collect();
    Ok(Alignment { source, target, weights: generated.weights.clone() })
}
