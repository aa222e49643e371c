//! The decoding options of `rungs generate`: search, length, logits processors.

use std::sync::Arc;

use rungs::Generator;
use rungs::decoding::{
    Beam, Contrastive, CountPenalty, Ending, GenerateOptions, Length, LengthPenalty, LogitBias, MinP, NoRepeatNgram,
    Pattern, Processor, Processors, RepetitionPenalty, Search, Temperature, TopK, TopP, Typical,
};
use rungs::generator::Kind;
use rungs::models::ConfigError;

use crate::arguments::Generate;
use crate::terminal::{Failure, Outcome};

/// Of how many of the likeliest tokens a contrastive search looks at, unless told.
const CANDIDATES: usize = 4;

/// How texts of this kind are generated, of `most` tokens unless told.
pub(super) fn options(flags: &Generate, generator: &Generator, kind: Kind, most: usize) -> Outcome<GenerateOptions> {
    let stop = generator.end(kind);
    let token_bytes = |flag: &str| {
        let needed = "what a token of this run says depends on the tokens beside it";
        generator.token_bytes(kind).ok_or_else(|| Failure::input(format!("{flag}: {needed}")))
    };
    let search = search(flags, kind)?;
    let length =
        Length::new(flags.min_tokens.unwrap_or(0), flags.max_tokens.unwrap_or(most)).map_err(Failure::input)?;
    let mut processors = processors(flags, search).map_err(Failure::input)?;
    if !flags.bias.is_empty() {
        processors.insert(0, Arc::new(biases(flags, &token_bytes("--bias")?.tokens)?));
    }
    if let Some(expression) = &flags.regex {
        let pattern = Pattern::new(expression, &token_bytes("--regex")?, &stop);
        let pattern = pattern.map_err(|error| Failure::input(format!("--regex: {error}")))?;
        if pattern.shortest() > length.max {
            let (shortest, max) = (pattern.shortest(), length.max);
            let problem = format!("the shortest text that matches has {shortest} tokens, and {max} may be written");
            return Err(Failure::input(format!("--regex {expression}: {problem}")));
        }
        // Before what looks for the likeliest of what is left.
        let place = processors.len() - shaping(flags).count();
        processors.insert(place, Arc::new(pattern));
    }
    let (texts, batch) = (flags.n.unwrap_or(1), flags.batch_size);
    Ok(GenerateOptions { processors, search, length, stop, texts, batch, keep_awake: true })
}

/// The temperature to sample with; none if it is 0, which is greedy.
fn temperature(flags: &Generate) -> Option<f64> {
    flags.temperature.filter(|&temperature| temperature != 0.0)
}

/// The flags that shape a distribution to be drawn from.
fn shaping(flags: &Generate) -> impl Iterator<Item = &'static str> {
    let given = [
        ("--temperature", temperature(flags).is_some()),
        ("--top-k", flags.top_k.is_some() && flags.contrastive.is_none()),
        ("--top-p", flags.top_p.is_some()),
        ("--min-p", flags.min_p.is_some()),
        ("--typical", flags.typical.is_some()),
    ];
    given.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag)
}

fn search(flags: &Generate, kind: Kind) -> Outcome<Search> {
    let drawn = shaping(flags).next();
    let search = match (flags.contrastive, flags.beam.filter(|&width| width > 1)) {
        (Some(_), Some(_)) => return Err(Failure::input("--contrastive: this search has no beam")),
        (Some(alpha), None) => {
            Search::Contrastive(Contrastive { alpha, candidates: flags.top_k.unwrap_or(CANDIDATES) })
        }
        (None, Some(width)) => Search::Beam(Beam {
            penalty: penalty(flags),
            groups: flags.beam_groups.unwrap_or(1),
            ending: match flags.early_stopping.as_deref() {
                Some("true") => Ending::UntilFull,
                Some("never") => Ending::UntilSure,
                _ => Ending::LeavesPlace,
            },
            diversity: flags.diversity.unwrap_or(if flags.beam_groups.is_some() { 0.5 } else { 0.0 }),
            ..Beam::new(width)
        }),
        (None, None) if flags.greedy || flags.temperature == Some(0.0) => Search::Greedy,
        (None, None) if flags.beam.is_none() && drawn.is_some() => Search::Sample,
        // A beam of one is greedy; that of a translation ranks as wider ones do.
        (None, None) => match kind {
            Kind::Translation => Search::Beam(Beam { penalty: penalty(flags), ..Beam::new(1) }),
            Kind::Continuation if flags.beam.is_none() => Search::Sample,
            Kind::Continuation | Kind::Answer => Search::Greedy,
        },
    };
    if let (Some(flag), false) = (drawn, matches!(search, Search::Sample)) {
        return Err(Failure::input(format!("{flag}: what is searched for is not drawn")));
    }
    if flags.greedy && search != Search::Greedy {
        return Err(Failure::input("--greedy: a beam of more than 1 is not greedy, nor is a contrastive search"));
    }
    if let Search::Beam(beam) = search {
        if let Some(n) = flags.n.filter(|&n| n > beam.width) {
            let beam = beam.width;
            return Err(Failure::input(format!("--n {n}: a beam of {beam} finds no more than that")));
        }
        let useless = [("--stream", flags.stream), ("--stop", !flags.stop.is_empty())];
        if let (Some((flag, _)), true) = (useless.into_iter().find(|(_, given)| *given), beam.width > 1) {
            return Err(Failure::input(format!("{flag}: a beam knows its text at the end only")));
        }
    }
    if flags.draft.is_some() && !matches!(search, Search::Greedy | Search::Sample) {
        return Err(Failure::input("--draft: a draft helps to write greedily or to draw, and no search"));
    }
    Ok(search)
}

/// What texts of a beam are ranked by.
fn penalty(flags: &Generate) -> LengthPenalty {
    let a = flags.length_penalty.unwrap_or(1.0);
    if flags.gnmt { LengthPenalty::Gnmt(a) } else { LengthPenalty::Power(a) }
}

fn processors(flags: &Generate, search: Search) -> Result<Processors, ConfigError> {
    let (presence, frequency) = (flags.presence_penalty, flags.frequency_penalty);
    let counts = presence.or(frequency);
    let counts = counts.map(|_| CountPenalty::new(presence.unwrap_or_default(), frequency.unwrap_or_default()));
    let top_k = flags.top_k.filter(|_| !matches!(search, Search::Contrastive(_)));
    let chain = [
        processor(flags.repetition_penalty.map(RepetitionPenalty::new))?,
        processor(counts)?,
        processor(flags.no_repeat_ngram.map(NoRepeatNgram::new))?,
        processor(temperature(flags).map(Temperature::new))?,
        processor(top_k.map(TopK::new))?,
        processor(flags.top_p.map(TopP::new))?,
        processor(flags.min_p.map(MinP::new))?,
        processor(flags.typical.map(Typical::new))?,
    ];
    Ok(chain.into_iter().flatten().collect())
}

/// A processor that was asked for, to be one of several.
pub(crate) fn processor<P: Processor + 'static>(
    wanted: Option<Result<P, ConfigError>>,
) -> Result<Option<Arc<dyn Processor>>, ConfigError> {
    Ok(wanted.transpose()?.map(|processor| Arc::new(processor) as Arc<dyn Processor>))
}

/// `TEXT=X` or `#ID=X`: what is added to the logits of the tokens that say just this text, or of this id.
fn biases(flags: &Generate, tokens: &[Option<Vec<u8>>]) -> Outcome<LogitBias> {
    let mut biases = Vec::new();
    for given in &flags.bias {
        let wrong = |problem: &str| Failure::input(format!("--bias {given}: {problem}"));
        let (token, bias) = given.rsplit_once('=').ok_or_else(|| wrong("must be TEXT=X or #ID=X"))?;
        let bias: f64 = match bias {
            "-inf" => f64::NEG_INFINITY,
            number => number.parse().ok().filter(|x: &f64| x.is_finite()).ok_or_else(|| {
                wrong("what is added must be a number, or -inf for a token that is never to be written")
            })?,
        };
        let before = biases.len();
        match token.strip_prefix('#').and_then(|id| id.parse::<u32>().ok()) {
            Some(id) if (id as usize) < tokens.len() => biases.push((id, bias)),
            Some(id) => return Err(wrong(&format!("token {id} is outside the vocabulary of {}", tokens.len()))),
            None => {
                let text = crate::text_input::unescaped("--bias", token)?;
                let says = |(_, bytes): &(u32, &Option<Vec<u8>>)| bytes.as_deref() == Some(text.as_bytes());
                biases.extend((0..).zip(tokens).filter(says).map(|(id, _)| (id, bias)));
            }
        }
        if biases.len() == before {
            return Err(wrong("no token of this run says just that"));
        }
    }
    LogitBias::new(biases).map_err(Failure::input)
}
