//! Report of a training run: its numbers, why it ended, and the part of its data that it cannot learn.

use std::path::Path;

use rungs::trainer::{Finish, Progress, Summary};
use rungs::{Corpus, PromptKind, Rung, Settings};

use super::memory;
use crate::commands::report_training;
use crate::terminal::{Facts, complain, thousands};

/// A run in numbers: how many parameters it has, and how many of them are trained, where that is not all; and how much
/// memory it was estimated to need, if it was trained.
pub(super) fn report(
    path: &Path,
    rung: Rung,
    (parameters, trained): (u64, Option<u64>),
    memory: Option<f64>,
    summary: &Summary,
) -> Facts {
    let mut facts = Facts::default();
    facts.fact("run", path, "run", path.display());
    facts.fact("rung", rung, "rung", rung);
    let of_them = trained.map(|trained| format!(", {} of them trained", thousands(trained as usize)));
    let all = thousands(parameters as usize) + &of_them.unwrap_or_default();
    facts.fact("parameters", parameters, "parameters", all);
    facts.optional("trained_parameters", trained);
    facts.fact("steps", summary.steps, "steps", thousands(summary.steps));
    report_training(&mut facts, summary, "none");
    facts.field("stopped_early", summary.finish == Finish::StoppedEarly);
    let peak = memory::peak_rss_bytes();
    facts.field("peak_rss_bytes", peak).optional("estimated_memory_bytes", memory.map(|bytes| bytes as u64));
    if let (Some(estimated), Some(peak)) = (memory, peak) {
        let [estimated, peak] = [estimated, peak as f64].map(memory::size);
        facts.line("memory", format!("{peak} ({estimated} estimated)"));
    }
    facts
}

/// Says that there was nothing to do.
pub(super) fn complain_of_finished(path: &Path, summary: &Summary, progress: &Progress) {
    let (path, steps) = (path.display(), thousands(summary.steps));
    let (state, why, option) = match summary.finish {
        Finish::StoppedEarly => {
            ("stopped early", format!(": {}", patience(progress)), "--patience with a larger number, or 0,")
        }
        _ => ("is finished", String::new(), "--steps with a larger number"),
    };
    complain(&format!("{path}: this run {state}, after {steps} steps{why}; nothing was changed ({option} goes on)"));
}

/// Why a run has stopped early.
pub(super) fn patience(progress: &Progress) -> String {
    let best = thousands(progress.best.map_or(0, |best| best.step));
    format!("the last {} evaluations were no better than that of step {best}", progress.evaluations_since_best)
}

/// Pairs or dialogues that a run does not learn.
pub(super) struct LeftOut {
    /// `pairs` or `dialogues`.
    what: &'static str,
    of_them: rungs::data::LeftOut,
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

    /// Notices about it, if there are any.
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

    /// Reports how many are not learnt, and how many dialogues are not learnt whole.
    pub(super) fn report(&self, facts: &mut Facts) {
        let shortened = (self.what == "dialogues").then_some(self.of_them.shortened);
        facts.field("left_out", self.of_them.count()).optional("shortened", shortened);
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
