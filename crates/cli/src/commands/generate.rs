//! `rungs generate`: a trained model writes.

pub(super) mod decoding_options;
mod generation_config;

use std::ops::ControlFlow;
use std::path::Path;

use rungs::decoding::{Drafted, Finish, GenerateOptions, Generated, Search};
use rungs::generator::{Kind, Request, Written};
use rungs::tensor::Rng;
use rungs::text::pairs::LONGEST_LINE;
use rungs::{Error, Generator, Rung, SavedRun};

use crate::arguments::{Common, Generate};
use crate::plots::alignment::alignment_svg;
use crate::plots::{check_plot, write_plot};
use crate::terminal::{Facts, Failure, Outcome, complain, output};
use crate::text_input::{self, unescaped};

/// The most tokens of a text, unless told; of one that is searched for, where the context has room for them.
const MOST: usize = 300;
/// The most tokens of a translation, unless told.
const MOST_OF_TRANSLATION: usize = 100;

pub(crate) fn run(given: &Generate, common: &Common) -> Outcome {
    given.plot.as_deref().map_or(Ok(()), check_plot)?;
    let run = given.saved.open()?;
    let flags = &mut generation_config::completed(given, &run)?;
    let kind = kind(flags, &run)?;
    let stops = flags.stop.iter().map(|stop| unescaped("--stop", stop)).collect::<Outcome<Vec<_>>>()?;
    let mut generator = run.generator()?.with_stops(stops);
    let requests = requests(flags, &generator, kind)?;
    generation_config::set_length(flags, &run, &requests)?;
    if requests.iter().any(|request| request.begins) {
        complain("a prompt itself says the token that begins every text: it is read once");
    }
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
        write_plot(path, &alignment(&generator, &requests[0], &texts[0][0])?)?;
    }
    // How many tokens a draft wrote, and how many of them stayed.
    let mut drafted: Option<[usize; 2]> = None;
    let mut reports = Vec::new();
    for (request, texts) in requests.iter().zip(texts) {
        for Written { text, generated, drafted: ahead } in texts {
            if !common.json && !flags.stream {
                let before = match kind {
                    Kind::Continuation => format!("{}{}", separator(reports.is_empty()), request.text),
                    _ if flags.n > Some(1) => format!("{:.4}\t", generated.score),
                    _ => String::new(),
                };
                output::print(&format!("{before}{text}\n"))?;
            }
            if let Some(Drafted { proposed, accepted, .. }) = ahead {
                let [all, stayed] = drafted.unwrap_or_default();
                drafted = Some([all + proposed, stayed + accepted]);
            }
            reports.push(report(kind, request, &text, &generated));
        }
    }
    if common.json {
        return Facts::default().field("texts", reports).optional("drafted", drafted).print(true, "");
    }
    if let Some([proposed, accepted]) = drafted {
        complain(&format!("the draft wrote {proposed} tokens, of which {accepted} stayed"));
    }
    Ok(())
}

/// The kind of text that the options ask for. An option that does not apply to it, or a run that cannot write it, is an
/// error.
fn kind(flags: &Generate, run: &SavedRun) -> Outcome<Kind> {
    if flags.source.is_none() && flags.sources.is_none() {
        run.tokenizers.text()?;
        return Ok(Kind::Continuation);
    }
    let given = [
        ("--stream", flags.stream),
        ("--stop", !flags.stop.is_empty()),
        ("--draft", flags.draft.is_some()),
        ("--plot", flags.plot.is_some()),
    ];
    let (kind, useless, why) = match run.config.settings.prompts() {
        Some(_) => (Kind::Answer, &given[2..], "an answer of a language model has none"),
        None => {
            run.tokenizers.pair()?;
            (Kind::Translation, &given[..3], "a translation is short, ends by itself, and needs no draft")
        }
    };
    if let Some((flag, _)) = useless.iter().find(|(_, given)| *given) {
        return Err(Failure::input(format!("{flag}: {why}")));
    }
    if flags.plot.is_some() && run.config.settings.rung() == Rung::Seq2seq {
        return Err(Failure::input("--plot: this run's rung does not look back (attention and transformer do)"));
    }
    Ok(kind)
}

/// Reads the prompts to continue, the questions to answer or the sources to translate.
fn requests(flags: &Generate, generator: &Generator, kind: Kind) -> Outcome<Vec<Request>> {
    let prompt = |text: &str| generator.prompt(text);
    let source = |text: &str| generator.source(text);
    let (flag, request) = match flags {
        Generate { source: Some(text), .. } => ("--source", source(text)),
        Generate { sources: Some(path), .. } => return lines(path, kind, source),
        Generate { prompt: Some(text), .. } => ("--prompt", prompt(text)),
        Generate { prompts: Some(path), .. } => return lines(path, kind, prompt),
        Generate { prompt_ids: Some(ids), .. } => ("--prompt-ids", generator.prompt_ids(ids)),
        _ => return Ok(vec![generator.beginning()?]),
    };
    Ok(vec![request.map_err(|error| Failure::input(format!("{flag}: {error}")))?])
}

/// One for each line of a file: to an empty line belongs an empty text.
fn lines(path: &Path, kind: Kind, request: impl Fn(&str) -> Result<Request, Error>) -> Outcome<Vec<Request>> {
    let (name, content) = (text_input::name(path), text_input::read(path)?);
    let wrong = |i: usize, error: Error| Failure::input(format!("{name}, line {}: {error}", i + 1));
    let of_line = |(i, line): (usize, &str)| match line {
        "" => Ok(Request::empty(kind)),
        line if line.len() > LONGEST_LINE => {
            Err(Failure::input(format!("{name}, line {}: longer than {LONGEST_LINE} bytes", i + 1)))
        }
        line => request(line).map_err(|error| wrong(i, error)),
    };
    content.lines().enumerate().map(of_line).collect()
}

/// How texts of this kind are generated.
fn options(flags: &Generate, generator: &Generator, kind: Kind, requests: &[Request]) -> Outcome<GenerateOptions> {
    let longest = requests.iter().map(|request| request.ids.len()).max().unwrap_or(0);
    let context = generator.model().context().filter(|_| kind == Kind::Continuation);
    let searched = flags.contrastive.is_some() || flags.beam.is_some_and(|beam| beam > 1);
    let most = match (kind, context) {
        (Kind::Translation, _) => MOST_OF_TRANSLATION,
        (_, Some(context)) if flags.contrastive.is_some() => context.saturating_sub(longest).min(MOST),
        (_, Some(context)) if searched => (context + 1).saturating_sub(longest).min(MOST),
        _ => MOST,
    };
    let options = decoding_options::options(flags, generator, kind, most)?;
    if let (Kind::Answer, Search::Greedy, n @ 2..) = (kind, options.search, options.texts) {
        let several = "--temperature draws others, --beam searches for several";
        return Err(Failure::input(format!("--n {n}: the likeliest tokens are always the same ({several})")));
    }
    if let Some(context) = context.filter(|&context| longest > context && !searched) {
        let longer = format!("a prompt of {longest} tokens is longer than the context of {context}");
        complain(&format!("{longer}: its beginning is not looked at"));
    }
    Ok(options)
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
                let prompt = &requests[begun / options.texts].text;
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
fn alignment(generator: &Generator, request: &Request, Written { generated, .. }: &Written) -> Outcome<String> {
    if generated.weights.is_empty() {
        return Err(Failure::input("--plot: there is nothing to draw: no token was written"));
    }
    let [sources, targets] = generator.tokenizers().pair()?;
    let mut target: Vec<String> = generated.ids.iter().map(|&id| targets.token(id)).collect();
    target.extend((generated.finish == Finish::Stop).then(|| "end".to_owned()));
    let source: Vec<String> = request.source.iter().flatten().map(|&id| sources.token(id)).collect();
    Ok(alignment_svg(&source, &target, &generated.weights))
}

/// A text that was generated for a request.
fn report(kind: Kind, request: &Request, text: &str, generated: &Generated) -> Facts {
    let mut facts = Facts::default();
    facts.field(if kind == Kind::Continuation { "prompt" } else { "source" }, &request.text);
    facts.field("text", text);
    facts.field("ids", &generated.ids);
    facts.field("log_probability", generated.log_probability());
    // Of every token, given all before it.
    facts.field("log_probabilities", &generated.log_probabilities);
    // Of a beam what it was ranked by, else the log-probability of a token, on average.
    facts.field("score", generated.score);
    // The end of a translation among them where there is one.
    facts.field("tokens", generated.log_probabilities.len());
    let finish = match generated.finish {
        Finish::Length => "length",
        Finish::Stop => "stop",
        Finish::Complete => "complete",
    };
    facts.field("finish", finish);
    facts
}
