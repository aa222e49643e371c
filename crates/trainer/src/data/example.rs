//! Texts of which only a part is learnt, and translations.

use super::{Batch, IGNORE_INDEX, not_empty, pad};
use crate::TrainError;
use crate::error::setting;

/// What stands behind the end of the shorter texts and sources: any token does, as nothing before it sees it and
/// nothing is learnt there.
const PADDING: u32 = 0;

/// The tokens of a text and which of them are learnt, such as an answer and not its question; and of a translation,
/// the source that it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    source: Option<Vec<u32>>,
    ids: Vec<u32>,
    learnt: Vec<bool>,
}

impl Example {
    /// A target, given its source: `start` is read before it and `end`, which is learnt too, comes after it.
    pub fn translation(source: Vec<u32>, start: u32, target: &[u32], end: u32) -> Self {
        let mut example = Self { source: Some(source), ..Self::default() };
        example.read(&[start]);
        example.learn(target);
        example.learn(&[end]);
        example
    }

    /// Appends tokens that are only read.
    pub fn read(&mut self, ids: &[u32]) {
        self.extend(ids, false);
    }

    /// Appends tokens that are to be learnt.
    pub fn learn(&mut self, ids: &[u32]) {
        self.extend(ids, true);
    }

    /// Appends tokens that are to be `learnt`, or only read.
    pub fn extend(&mut self, ids: &[u32], learnt: bool) {
        self.ids.extend_from_slice(ids);
        self.learnt.resize(self.ids.len(), learnt);
    }

    /// All its tokens but those of the source.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Whether each of them is to be learnt. The first is not, whatever this says: nothing stands before it.
    pub fn learnt(&self) -> &[bool] {
        &self.learnt
    }

    /// The tokens of the source, if there is one.
    pub fn source(&self) -> Option<&[u32]> {
        self.source.as_deref()
    }

    /// T, the tokens a model reads to predict the others: all but the last.
    pub fn steps(&self) -> usize {
        self.ids.len().saturating_sub(1)
    }

    /// How many tokens are predicted.
    pub fn tokens(&self) -> usize {
        self.learnt.iter().skip(1).filter(|&&learnt| learnt).count()
    }

    /// The length that matters most, what a decoder with its output layer reads, and the one that matters next.
    pub(super) fn lengths(&self) -> [usize; 2] {
        [self.steps(), self.source.as_ref().map_or_else(|| self.tokens(), Vec::len)]
    }
}

/// That there are examples, that something is to be learnt of each, and that all have something to read as a source, or
/// none has a source.
pub(super) fn usable(part: &'static str, examples: &[Example], batch: usize) -> Result<(), TrainError> {
    not_empty(batch, 1)?;
    setting(part, !examples.is_empty(), || "has no examples".into())?;
    let none_is = |wrong: &dyn Fn(&Example) -> bool, problem: &str| match examples.iter().position(wrong) {
        Some(at) => setting(part, false, || problem.replace("{}", &(at + 1).to_string())),
        None => Ok(()),
    };
    none_is(&|example| example.tokens() == 0, "nothing is to be learnt of example {}")?;
    none_is(&|example| example.source.as_ref().is_some_and(Vec::is_empty), "the source of example {} has no tokens")?;
    let sources = examples[0].source.is_some();
    none_is(&|example| example.source.is_some() != sources, "example {} has a source, or has none, unlike the first")
}

impl Batch {
    /// The batch of these examples; T is the length of the longest without its last token.
    ///
    /// ```text
    /// examples         a b c X Y > d          e f Z >          capitals and ends are learnt
    ///
    /// inputs           a b c X Y >            e f Z · · ·      · padding
    /// targets          - - X Y > -            - Z > - - -      - IGNORE_INDEX
    /// ```
    /// A translation begins with a start token, `< x y >`, and so reads `< x y` and learns `x y >`.
    pub(super) fn of_examples(examples: &[Example], rows: &[usize]) -> Self {
        let examples = || rows.iter().map(|&row| &examples[row]);
        let inputs: Vec<&[u32]> = examples().map(|example| &example.ids[..example.steps()]).collect();
        let target = |(&id, &learnt): (&u32, &bool)| if learnt { id } else { IGNORE_INDEX };
        let targets = |example: &Example| example.ids.iter().zip(&example.learnt).skip(1).map(target).collect();
        let targets: Vec<Vec<u32>> = examples().map(targets).collect();
        let sources: Option<Vec<&[u32]>> = examples().map(Example::source).collect();
        Self {
            inputs: pad(&inputs, PADDING).0,
            targets: pad(&targets, IGNORE_INDEX).0,
            source: sources.map(|sources| pad(&sources, PADDING)),
            restart: true,
        }
    }
}
