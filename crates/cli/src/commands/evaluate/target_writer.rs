//! A model that is measured on pairs: a translator, or a language model that has learnt to answer.

use std::path::Path;

use rungs::decoding::{GenerateOptions, Length, Search};
use rungs::models::LanguageModel;
use rungs::tasks::Forced;
use rungs::tensor::Rng;
use rungs::trainer::Example;
use rungs::writing::Written;
use rungs::{Error, Responder, SavedRun, TextPair, Tokenizers, measure_forced, translate};
use std::ops::ControlFlow;

use crate::terminal::failure::{Failure, Outcome};
use crate::terminal::progress::TranslationProgress;
use crate::text_input;

/// Sources that are translated between two looks at the clock: as many as are searched together anyway.
const TOGETHER: usize = 64;

/// A model that writes a target for a source.
pub(super) enum TargetWriter {
    /// It reads the source and writes.
    Translator { tokenizers: Tokenizers, model: Box<dyn LanguageModel<f32>> },
    /// It goes on with a text in which the source stands.
    Responder(Box<Responder>),
}

impl TargetWriter {
    pub(super) fn open(run: &SavedRun) -> Result<Self, Error> {
        if run.config.settings.prompts.is_some() {
            return Ok(Self::Responder(Box::new(run.responder()?)));
        }
        run.tokenizers.pair()?;
        Ok(Self::Translator { tokenizers: run.tokenizers.clone(), model: run.model()? })
    }

    /// Whether what it writes are the same tokens, so that losses can be compared.
    pub(super) fn writes_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Translator { tokenizers: a, .. }, Self::Translator { tokenizers: b, .. }) => {
                a.target() == b.target()
            }
            (Self::Responder(a), Self::Responder(b)) => a.prompts().tokenizer() == b.prompts().tokenizer(),
            _ => false,
        }
    }

    /// Searches for one token of one translation: a beam that cannot be is refused at once.
    pub(super) fn try_search(&self, pair: &TextPair, options: &GenerateOptions) -> Outcome {
        let options = GenerateOptions { length: Length::at_most(1), ..options.clone() };
        self.write(std::slice::from_ref(pair), &options)?;
        Ok(())
    }

    /// That a translator has positions for all tokens of every pair.
    pub(super) fn check_lengths(&self, pairs: &[TextPair], path: &Path, run: &Path) -> Outcome {
        let Self::Translator { tokenizers, model } = self else { return Ok(()) };
        if model.context().is_none() {
            return Ok(());
        }
        for (i, pair) in pairs.iter().enumerate() {
            let example = tokenizers.example(pair)?;
            // A target is read after a start token.
            let fits = model.check_lengths(example.source().map_or(0, <[u32]>::len), example.steps() - 1);
            let run = run.display();
            let error = |error| Failure::input(format!("{}, line {}: {run}: {error}", text_input::name(path), i + 1));
            fits.map_err(error)?;
        }
        Ok(())
    }

    /// Whether a language model can read a pair: it knows its characters, and its context has room for both sides. (To
    /// a translator nothing is unknown, and what it has no positions for is refused.)
    pub(super) fn can_read(&self, pair: &TextPair) -> bool {
        let Self::Responder(responder) = self else { return true };
        example(responder, pair).is_ok_and(|example| example.is_some())
    }

    /// How well it predicts the targets, given the true ones at every step.
    pub(super) fn forced(&self, pairs: &[TextPair]) -> Outcome<Forced> {
        let (model, examples) = match self {
            Self::Translator { tokenizers, model } => {
                (model.as_ref(), pairs.iter().map(|pair| tokenizers.example(pair)).collect::<Result<Vec<_>, _>>()?)
            }
            Self::Responder(responder) => {
                let examples = pairs.iter().filter_map(|pair| example(responder, pair).transpose());
                (responder.model(), examples.collect::<Result<Vec<_>, _>>()?)
            }
        };
        Ok(measure_forced(model, examples).map_err(Error::from)?)
    }

    /// The best text for each source. They are taken by their lengths, so that those which are searched together
    /// are similar; how much is done is counted in characters, since the short ones come first.
    pub(super) fn texts(
        &self,
        pairs: &[TextPair],
        options: &GenerateOptions,
        progress: &mut TranslationProgress,
    ) -> Outcome<Vec<String>> {
        let length = |place: usize| pairs[place].source.chars().count();
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by_key(|&place| length(place));
        let mut texts = vec![String::new(); pairs.len()];
        let characters: usize = order.iter().map(|&place| length(place)).sum();
        let (mut written, mut read) = (0, 0);
        progress.show(0, 0.0);
        for together in order.chunks(TOGETHER) {
            let group: Vec<TextPair> = together.iter().map(|&place| pairs[place].clone()).collect();
            for (&place, text) in together.iter().zip(self.write(&group, options)?) {
                texts[place] = text;
            }
            written += group.len();
            read += together.iter().map(|&place| length(place)).sum::<usize>();
            progress.show(written, read as f64 / characters as f64);
        }
        Ok(texts)
    }

    /// The best text for each source.
    fn write(&self, pairs: &[TextPair], options: &GenerateOptions) -> Outcome<Vec<String>> {
        match self {
            Self::Translator { tokenizers, model } => {
                let [source, target] = tokenizers.pair()?;
                let sources = pairs.iter().map(|pair| source.encode(&pair.source)).collect::<Result<Vec<_>, _>>();
                let sources = sources.map_err(Failure::input)?;
                let found = translate(model.as_ref(), &sources, options, &Rng::new(0)).map_err(Failure::input)?;
                Ok(found.iter().map(|texts| target.decode(&texts[0].ids)).collect())
            }
            Self::Responder(responder) => {
                let search = match options.search {
                    // Texts that are written together are so sooner than by a search for each.
                    Search::Beam(beam) if beam.width == 1 => Search::Greedy,
                    other => other,
                };
                let options = GenerateOptions { search, batch: pairs.len(), ..options.clone() };
                let question = |pair: &TextPair| responder.question(&pair.source);
                let prompts = pairs.iter().map(question).collect::<Result<Vec<_>, _>>()?;
                let quiet = &mut |_: usize, _: &str| ControlFlow::Continue(());
                let answers = responder.write(&prompts, &options, &Rng::new(0), quiet)?;
                let best = |answers: Vec<Written>| answers.into_iter().next().map(|answer| answer.text);
                Ok(answers.into_iter().map(|answers| best(answers).unwrap_or_default()).collect())
            }
        }
    }
}

/// A pair as what a language model reads and writes; none if it is longer than the context.
fn example(responder: &Responder, pair: &TextPair) -> Result<Option<Example>, Error> {
    let example = responder.prompts().example(pair)?;
    let fits = responder.model().context().is_none_or(|context| example.steps() <= context);
    Ok(fits.then_some(example))
}
