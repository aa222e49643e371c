//! Pairs and dialogues that a run cannot learn, and what is said about them.

use rungs::{Corpus, PromptKind, Settings};

use crate::terminal::output::thousands;

/// Pairs or dialogues that a run does not learn.
pub(super) struct LeftOut {
    /// `pairs` or `dialogues`.
    what: &'static str,
    pub(super) of_them: rungs::data::LeftOut,
    /// How many there are in all.
    of: usize,
    /// The most tokens of a text that is learnt, or of a question with its answer.
    context: usize,
}

impl LeftOut {
    /// None of a run that learns a text, which has a place for every token.
    pub(super) fn new(corpus: &Corpus, settings: &Settings) -> Option<Self> {
        let dialogues = settings.prompts().is_some_and(|prompts| prompts.task == PromptKind::Dialogue);
        let what = if dialogues { "dialogues" } else { "pairs" };
        let of_them = corpus.left_out.clone();
        Some(Self { what, of: of_them.count() + corpus.examples()?, of_them, context: settings.context() })
    }

    /// What to say about it, if there is anything to say.
    pub(super) fn notices(&self) -> Vec<String> {
        let Self { what, of_them, of, context } = self;
        let notice = |count: usize, so: String, then: &str| {
            let (number, of, are) = (thousands(count), thousands(*of), if count == 1 { "is" } else { "are" });
            (count > 0).then(|| format!("{number} of {of} {what} {are} {so} and {then}"))
        };
        let longer = || format!("longer than {context} tokens (--context)");
        let character = of_them.character.unwrap_or_default();
        let unknown = format!("not of known characters alone ({character:?} is the first other)");
        let notices = [
            notice(of_them.too_long, longer(), "left out"),
            notice(of_them.unknown, unknown, "left out"),
            notice(of_them.shortened, longer(), "learnt without the first turns"),
        ];
        notices.into_iter().flatten().collect()
    }

    /// How many dialogues are not learnt whole.
    pub(super) fn shortened(&self) -> Option<usize> {
        (self.what == "dialogues").then_some(self.of_them.shortened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_if_there_is_any() {
        let notices = |what, of_them| LeftOut { what, of_them, of: 43_613, context: 50 }.notices();
        let too_long = |too_long| rungs::data::LeftOut { too_long, ..Default::default() };
        assert_eq!(notices("pairs", too_long(0)), [""; 0]);
        assert_eq!(
            notices("pairs", too_long(1)),
            ["1 of 43,613 pairs is longer than 50 tokens (--context) and left out"]
        );
        assert_eq!(
            notices("pairs", too_long(1200)),
            ["1,200 of 43,613 pairs are longer than 50 tokens (--context) and left out"]
        );
        let of_them = rungs::data::LeftOut { too_long: 0, unknown: 2, character: Some('é'), shortened: 30 };
        assert_eq!(
            notices("dialogues", of_them),
            [
                "2 of 43,613 dialogues are not of known characters alone ('é' is the first other) and left out",
                "30 of 43,613 dialogues are longer than 50 tokens (--context) and learnt without the first turns",
            ]
        );
    }
}
