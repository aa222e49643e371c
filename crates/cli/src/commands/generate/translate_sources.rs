//! A translator writes targets, given sources.

use rungs::decoding::{Beam, Finish, GenerateError, Generated, LengthPenalty, SampleError, Search};
use rungs::tensor::Rng;
use rungs::writing::Written;
use rungs::{Rung, SavedRun, translate};

use super::decoding_options;
use super::written_texts::Report;
use crate::arguments::{Common, Generate};
use crate::plots::alignment::Alignment;
use crate::terminal::failure::{Failure, Outcome};
use crate::text_input;

/// The most tokens of a translation, unless told.
const MOST: usize = 100;

pub(super) fn run(run: &SavedRun, flags: &Generate, rng: &Rng, common: &Common) -> Outcome<Report> {
    let [_, target] = run.tokenizers.pair()?;
    let useless = [("--stream", flags.stream), ("--stop", !flags.stop.is_empty()), ("--draft", flags.draft.is_some())];
    if let Some((flag, _)) = useless.into_iter().find(|(_, given)| *given) {
        return Err(Failure::input(format!("{flag}: a translation is short, ends by itself, and needs no draft")));
    }
    if flags.plot.is_some() && run.config.settings.rung == Rung::Seq2seq {
        return Err(Failure::input("--plot: this run's rung does not look back (attention and transformer do)"));
    }
    let sources = sources(flags)?;
    let ids: Vec<Vec<u32>> = sources.iter().map(|(name, source)| encoded(run, name, source)).collect::<Outcome<_>>()?;
    // A beam of one is greedy, and ranks as wider ones do.
    let greedy = Search::Beam(Beam { penalty: LengthPenalty::Power(1.0), ..Beam::new(1) });
    let end = vec![rungs::text::tokenizer::sentence::END];
    let options = decoding_options::options(flags, &|| target.token_bytes(), end, MOST, greedy)?;
    let model = run.model()?;
    for ((name, _), ids) in sources.iter().zip(&ids) {
        let fits = model.check_lengths(ids.len(), 0);
        fits.map_err(|error| Failure::input(format!("{name}: {error}")))?;
    }
    let found = translate(model.as_ref(), &ids, &options, rng).map_err(failure)?;
    if let Some(path) = &flags.plot {
        picture(run, &ids[0], &found[0][0])?.draw(path)?;
    }
    let mut report = Report::default();
    for ((_, source), texts) in sources.iter().zip(found) {
        let text = |generated: Generated| Written { text: target.decode(&generated.ids), generated, drafted: None };
        report.take(source, texts.into_iter().map(text).collect(), !common.json, flags.n > 1)?;
    }
    Ok(report)
}

/// What is to be translated, each with the name of where it stands.
pub(super) fn sources(flags: &Generate) -> Outcome<Vec<(String, String)>> {
    if let Some(source) = &flags.source {
        return Ok(vec![("--source".to_owned(), source.clone())]);
    }
    let path = flags.sources.as_ref().expect("one of the two was given");
    let (name, content) = (text_input::name(path), text_input::read(path)?);
    Ok(content.lines().enumerate().map(|(i, line)| (format!("{name}, line {}", i + 1), line.to_owned())).collect())
}

/// The ids of a source, normalised as those it learnt from were.
fn encoded(run: &SavedRun, name: &str, source: &str) -> Outcome<Vec<u32>> {
    let lowercase = run.config.settings.pair_settings()?.lower_case;
    let [tokenizer, _] = run.tokenizers.pair()?;
    let ids = tokenizer.encode(&rungs::Normalization { lowercase }.apply(source)).map_err(Failure::input)?;
    if ids.is_empty() { Err(Failure::input(format!("{name}: nothing to translate"))) } else { Ok(ids) }
}

fn picture(run: &SavedRun, source: &[u32], text: &Generated) -> Outcome<Alignment> {
    if text.weights.is_empty() {
        return Err(Failure::input("--plot: there is nothing to draw: no token was written"));
    }
    let [sources, targets] = run.tokenizers.pair()?;
    let mut target: Vec<String> = text.ids.iter().map(|&id| targets.token(id)).collect();
    target.extend((text.finish == Finish::Stop).then(|| "end".to_owned()));
    Ok(Alignment {
        source: source.iter().map(|&id| sources.token(id)).collect(),
        target,
        weights: text.weights.clone(),
    })
}

fn failure(error: GenerateError) -> Failure {
    match error {
        GenerateError::Sample(SampleError::NotFinite { .. }) => Failure::running(error),
        other => Failure::input(other),
    }
}
