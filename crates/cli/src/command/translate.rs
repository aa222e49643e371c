//! `rungs generate --source`: a trained translator writes.

use rungs::models::{Finish, Hypothesis, LengthPenalty, PairVocabulary};
use rungs::{SavedRun, Search, translate};
use serde::Serialize;

use crate::alignment::Alignment;
use crate::arguments::{Common, Generate};
use crate::failure::{Failure, Outcome};
use crate::picture::Format;
use crate::{output, text};

/// The most tokens of a translation, unless told.
const MOST: usize = 100;

/// A translation.
#[derive(Serialize)]
struct Written<'a> {
    source: &'a str,
    text: String,
    ids: &'a [u32],
    log_probability: f64,
    score: f64,
    /// Its tokens, the end among them where there is one.
    tokens: usize,
    finish: &'static str,
}

#[derive(Serialize)]
struct Report<'a> {
    texts: Vec<Written<'a>>,
}

pub(super) fn run(run: &SavedRun, flags: &Generate, common: &Common) -> Outcome {
    let vocabularies = run.tokens.pairs()?;
    refuse(flags)?;
    flags.plot.as_deref().map(Format::of).transpose()?;
    let sources = sources(flags)?;
    let ids: Vec<Vec<u32>> = sources.iter().map(|(name, source)| encoded(run, name, source)).collect::<Outcome<_>>()?;
    let search = search(flags);
    let model = run.model()?.translation()?;
    for ((name, _), ids) in sources.iter().zip(&ids) {
        let fits = model.check_lengths(ids.len(), 0);
        fits.map_err(|error| Failure::input(format!("{name}: {error}")))?;
    }
    let found = translate(model.as_ref(), &ids, search).map_err(Failure::input)?;
    if let Some(path) = &flags.plot {
        picture(vocabularies, &ids[0], &found[0][0])?.draw(path)?;
    }
    let mut report = Report { texts: Vec::new() };
    for ((_, source), texts) in sources.iter().zip(&found) {
        for hypothesis in texts.iter().take(flags.n) {
            let written = written(vocabularies, source, hypothesis);
            if !common.json {
                let score = if flags.n > 1 { format!("{:.4}\t", written.score) } else { String::new() };
                output::print(&format!("{score}{}\n", written.text))?;
            }
            report.texts.push(written);
        }
    }
    if common.json { output::json(&report) } else { Ok(()) }
}

/// What has no meaning for a search.
pub(super) fn refuse(flags: &Generate) -> Outcome {
    let given = [
        ("--temperature", flags.temperature.is_some()),
        ("--top-k", flags.top_k.is_some()),
        ("--top-p", flags.top_p.is_some()),
        ("--stop", !flags.stop.is_empty()),
        ("--stream", flags.stream),
    ];
    if let Some((flag, _)) = given.into_iter().find(|(_, given)| *given) {
        return Err(Failure::input(format!("{flag}: what is searched for is not drawn")));
    }
    if flags.greedy && flags.beam > 1 {
        return Err(Failure::input("--greedy: a beam of more than 1 is not greedy"));
    }
    if flags.n > flags.beam {
        return Err(Failure::input(format!("--n {}: a beam of {} finds no more than that", flags.n, flags.beam)));
    }
    Ok(())
}

/// What texts of a search are ranked by.
pub(super) fn penalty(flags: &Generate) -> LengthPenalty {
    let a = flags.length_penalty.unwrap_or(1.0);
    if flags.gnmt { LengthPenalty::Gnmt(a) } else { LengthPenalty::Power(a) }
}

fn search(flags: &Generate) -> Search {
    Search { beam: flags.beam, penalty: penalty(flags), min: flags.min_tokens, max: flags.max_tokens.unwrap_or(MOST) }
}

/// What is to be translated, each with the name of where it stands.
fn sources(flags: &Generate) -> Outcome<Vec<(String, String)>> {
    if let Some(source) = &flags.source {
        return Ok(vec![("--source".to_owned(), source.clone())]);
    }
    let path = flags.sources.as_ref().expect("one of the two was given");
    let (name, content) = (text::name(path), text::read(path)?);
    Ok(content.lines().enumerate().map(|(i, line)| (format!("{name}, line {}", i + 1), line.to_owned())).collect())
}

/// The ids of a source, normalised as those it learnt from were.
fn encoded(run: &SavedRun, name: &str, source: &str) -> Outcome<Vec<u32>> {
    let lowercase = run.config.settings.pair_settings()?.lower_case;
    let ids = run.tokens.pairs()?.source.encode(&rungs::Normalization { lowercase }.apply(source));
    if ids.is_empty() { Err(Failure::input(format!("{name}: nothing to translate"))) } else { Ok(ids) }
}

fn written<'a>(vocabularies: &PairVocabulary, source: &'a str, hypothesis: &'a Hypothesis) -> Written<'a> {
    let ended = hypothesis.finish == Finish::Stop;
    Written {
        source,
        text: vocabularies.target.decode(&hypothesis.ids),
        ids: &hypothesis.ids,
        log_probability: hypothesis.log_probability,
        score: hypothesis.score,
        tokens: hypothesis.ids.len() + usize::from(ended),
        finish: if ended { "stop" } else { "length" },
    }
}

fn picture(vocabularies: &PairVocabulary, source: &[u32], hypothesis: &Hypothesis) -> Outcome<Alignment> {
    if hypothesis.weights.is_empty() {
        return Err(Failure::input("--plot: this run's rung does not look back (attention and transformer do)"));
    }
    let name =
        |id: &u32, of: &rungs::models::vocabulary::SequenceVocabulary| of.token(*id).unwrap_or_default().to_owned();
    let mut target: Vec<String> = hypothesis.ids.iter().map(|id| name(id, &vocabularies.target)).collect();
    target.extend((hypothesis.finish == Finish::Stop).then(|| "end".to_owned()));
    Ok(Alignment {
        source: source.iter().map(|id| name(id, &vocabularies.source)).collect(),
        target,
        weights: hypothesis.weights.clone(),
    })
}
