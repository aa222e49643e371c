//! A model that is measured on pairs: a translator, or a language model that has learnt to answer.

use std::ops::ControlFlow;
use std::path::Path;

use rungs::decoding::{Beam, GenerateOptions, Length, Search};
use rungs::tasks::Forced;
use rungs::tensor::Rng;
use rungs::text::Turns;
use rungs::trainer::Example;
use rungs::{Error, Generator, SavedRun, TextPair, measure_forced};

use crate::terminal::{Failure, Outcome, Progress, thousands};
use crate::text_input;

/// Sources that are translated between two looks at the clock: as many as are searched together anyway.
const TOGETHER: usize = 64;
/// The most tokens of a translation that is measured.
const MOST: usize = 200;

/// A run that is measured. It is known to be whole, and to write a target for a source.
pub(super) struct TargetWriter {
    pub(super) run: SavedRun,
    generator: Generator,
    options: GenerateOptions,
}

impl TargetWriter {
    /// A run that searches with a beam of this width.
    pub(super) fn open(run: SavedRun, width: usize) -> Outcome<Self> {
        let answers = run.config.settings.prompts().is_some();
        let writes = if answers { Ok(()) } else { run.tokenizers.pair().map(drop) };
        let generator = writes.and_then(|()| run.generator()).map_err(|error| match error {
            Error::Text(problem) => Failure::input(format!("{}: {problem}", run.path().display())),
            other => other.into(),
        })?;
        let search = match width {
            // Answers that are written together are so sooner than by a search for each.
            1 if answers => Search::Greedy,
            _ => Search::Beam(Beam::new(width)),
        };
        let length = Length::at_most(MOST);
        let options = GenerateOptions { search, length, batch: TOGETHER, ..GenerateOptions::default() };
        Ok(Self { run, generator, options })
    }

    /// Whether it is a language model, which goes on with a text in which the source stands.
    pub(super) fn answers(&self) -> bool {
        self.generator.prompts().is_some()
    }

    /// Whether what it writes are the same tokens, so that losses can be compared.
    pub(super) fn writes_as(&self, other: &Self) -> bool {
        self.answers() == other.answers() && self.run.tokenizers.target == other.run.tokenizers.target
    }

    /// Searches for one token of one translation: a beam that cannot be is refused at once.
    pub(super) fn try_search(&self, pair: &TextPair) -> Outcome {
        let options = GenerateOptions { length: Length::at_most(1), ..self.options.clone() };
        self.write(&[pair], &options).map(drop)
    }

    /// That a translator has positions for all tokens of every pair.
    pub(super) fn check_lengths(&self, pairs: &[TextPair], path: &Path) -> Outcome {
        let model = self.generator.model();
        if self.answers() || model.context().is_none() {
            return Ok(());
        }
        for (i, pair) in pairs.iter().enumerate() {
            let example = self.run.tokenizers.example(pair)?;
            // A target is read after a start token.
            let fits = model.check_lengths(example.source().map_or(0, <[u32]>::len), example.steps() - 1);
            let (name, run) = (text_input::name(path), self.run.path().display());
            fits.map_err(|error| Failure::input(format!("{name}, line {}: {run}: {error}", i + 1)))?;
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
        Ok(measure_forced(self.generator.model(), examples).map_err(Error::from)?)
    }

    /// The best text for each source. They are taken by their lengths, so that those which are searched together
    /// are similar; how much is done is counted in characters, since the short ones come first.
    pub(super) fn texts(&self, pairs: &[TextPair], mut progress: Progress) -> Outcome<Vec<String>> {
        let length = |&place: &usize| pairs[place].source.chars().count();
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by_key(length);
        let mut texts = vec![String::new(); pairs.len()];
        let characters: usize = order.iter().map(length).sum();
        let (mut written, mut read) = (0, 0);
        let mut show = |written, read| {
            let message = || format!("{} of {} translations", thousands(written), thousands(pairs.len()));
            progress.show(read as f64 / characters as f64, message);
        };
        show(0, 0);
        for together in order.chunks(TOGETHER) {
            let of_them: Vec<_> = together.iter().map(|&place| &pairs[place]).collect();
            for (&place, text) in together.iter().zip(self.write(&of_them, &self.options)?) {
                texts[place] = text;
            }
            written += together.len();
            read += together.iter().map(length).sum::<usize>();
            show(written, read);
        }
        Ok(texts)
    }

    /// The best text for each source.
    fn write(&self, pairs: &[&TextPair], options: &GenerateOptions) -> Outcome<Vec<String>> {
        let requests: Vec<_> =
            pairs.iter().map(|pair| self.generator.source(&pair.source)).collect::<Result<_, _>>()?;
        let texts = self.generator.generate(&requests, options, &Rng::new(0), &mut |_, _| ControlFlow::Continue(()))?;
        Ok(texts.into_iter().map(|mut texts| texts.remove(0).text).collect())
    }

    /// A pair as what the model reads and writes; none if it is longer than a language model's context.
    fn example(&self, pair: &TextPair) -> Result<Option<Example>, Error> {
        let Some(prompts) = self.generator.prompts() else { return Ok(Some(self.run.tokenizers.example(pair)?)) };
        let example = prompts.example(&pair.turns())?;
        let fits = self.generator.model().context().is_none_or(|context| example.steps() <= context);
        Ok(fits.then_some(example))
    }
}
