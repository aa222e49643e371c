//! A model that is measured on pairs: a translator, or a language model that has learnt to answer.

use std::ops::ControlFlow;
use std::path::Path;

use rungs::decoding::{Beam, GenerateOptions, Length, Search};
use rungs::tasks::Forced;
use rungs::tensor::Rng;
use rungs::text::Turns;
use rungs::trainer::Example;
use rungs::{Error, Generator, SavedRun, TextPair, measure_forced};

use crate::terminal::failure::{Failure, Outcome};
use crate::terminal::progress::TranslationProgress;
use crate::text_input;

/// Sources that are translated between two looks at the clock: as many as are searched together anyway.
const TOGETHER: usize = 64;

/// A model that writes a target for a source.
pub(super) struct TargetWriter(Generator);

impl TargetWriter {
    pub(super) fn open(run: &SavedRun) -> Result<Self, Error> {
        if run.config.settings.prompts().is_none() {
            run.tokenizers.pair()?;
        }
        Ok(Self(run.generator()?))
    }

    /// Whether it is a language model, which goes on with a text in which the source stands.
    pub(super) fn answers(&self) -> bool {
        self.0.prompts().is_some()
    }

    /// Whether what it writes are the same tokens, so that losses can be compared.
    pub(super) fn writes_as(&self, other: &Self) -> bool {
        self.answers() == other.answers() && self.0.tokenizers().target() == other.0.tokenizers().target()
    }

    /// Searches for one token of one translation: a beam that cannot be is refused at once.
    pub(super) fn try_search(&self, pair: &TextPair, options: &GenerateOptions) -> Outcome {
        let options = GenerateOptions { length: Length::at_most(1), ..options.clone() };
        self.write([pair], &options)?;
        Ok(())
    }

    /// That a translator has positions for all tokens of every pair.
    pub(super) fn check_lengths(&self, pairs: &[TextPair], path: &Path, run: &Path) -> Outcome {
        let model = self.0.model();
        if self.answers() || model.context().is_none() {
            return Ok(());
        }
        for (i, pair) in pairs.iter().enumerate() {
            let example = self.0.tokenizers().example(pair)?;
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
        !self.answers() || self.example(pair).is_ok_and(|example| example.is_some())
    }

    /// How well it predicts the targets, given the true ones at every step.
    pub(super) fn forced(&self, pairs: &[TextPair]) -> Outcome<Forced> {
        let examples = pairs.iter().filter_map(|pair| self.example(pair).transpose()).collect::<Result<Vec<_>, _>>()?;
        Ok(measure_forced(self.0.model(), examples).map_err(Error::from)?)
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
            let written_now = self.write(together.iter().map(|&place| &pairs[place]), options)?;
            for (&place, text) in together.iter().zip(written_now) {
                texts[place] = text;
            }
            written += together.len();
            read += together.iter().map(|&place| length(place)).sum::<usize>();
            progress.show(written, read as f64 / characters as f64);
        }
        Ok(texts)
    }

    /// The best text for each source.
    fn write<'p>(
        &self,
        pairs: impl IntoIterator<Item = &'p TextPair>,
        options: &GenerateOptions,
    ) -> Outcome<Vec<String>> {
        let requests: Vec<_> = pairs.into_iter().map(|pair| self.0.source(&pair.source)).collect::<Result<_, _>>()?;
        let search = match options.search {
            // Answers that are written together are so sooner than by a search for each.
            Search::Beam(Beam { width: 1, .. }) if self.answers() => Search::Greedy,
            other => other,
        };
        let options = GenerateOptions { search, batch: TOGETHER, ..options.clone() };
        let texts = self.0.generate(&requests, &options, &Rng::new(0), &mut |_, _| ControlFlow::Continue(()))?;
        Ok(texts.into_iter().map(|texts| texts.into_iter().next().map_or(String::new(), |best| best.text)).collect())
    }

    /// A pair as what the model reads and writes; none if it is longer than a language model's context.
    fn example(&self, pair: &TextPair) -> Result<Option<Example>, Error> {
        let Some(prompts) = self.0.prompts() else { return Ok(Some(self.0.tokenizers().example(pair)?)) };
        let example = prompts.example(&pair.turns())?;
        let fits = self.0.model().context().is_none_or(|context| example.steps() <= context);
        Ok(fits.then_some(example))
    }
}
