//! From flags to settings: only what was given changes, the rest stays as the rung, or the run that goes on, has it.

use rungs::settings::Lora;
use rungs::trainer::{Budget, Schedule};
use rungs::{Learns, PromptKind, PromptSettings, Settings};

use super::architecture_flags::{apply_arrangement, apply_model, apply_tied};
use super::given_flags::{refuse, set};
use super::optimization_flags::apply_training;
use crate::arguments::{Common, FineTuningFlags, PairFlags, Train};
use crate::terminal::failure::{Failure, Outcome};
use crate::text_input::unescaped;

/// The settings of a new run that would otherwise have these.
pub(super) fn fresh(train: &Train, common: &Common, mut settings: Settings) -> Outcome<Settings> {
    // What the model to begin with has learnt to answer from is not what is to be learnt now.
    settings.prompts = settings.prompts.filter(|_| task(train).is_some());
    apply(train, common, &mut settings)?;
    // A short run would otherwise be all warm-up.
    if let (None, Budget::Steps(steps)) = (train.training.warmup, settings.budget) {
        match &mut settings.schedule {
            Schedule::Cosine { warmup, .. } => *warmup = (*warmup).min(steps / 10),
            Schedule::Noam { warmup, .. } => *warmup = (*warmup).min((steps / 10).max(1)),
            Schedule::Constant { .. } | Schedule::Step { .. } => {}
        }
    }
    Ok(settings)
}

/// Changes settings by what was given. The same flags change nothing a second time, so a run goes on with the command
/// that began it and `--resume`.
pub(super) fn apply(train: &Train, common: &Common, settings: &mut Settings) -> Outcome {
    settings.rung = train.rung;
    set(&mut settings.seed, common.seed);
    set(&mut settings.validation_split, train.validation_split);
    set(
        &mut settings.documents,
        train.documents.as_deref().map(|text| unescaped("--documents", text)).transpose()?.map(Some),
    );
    let budgets =
        [train.steps.map(Budget::Steps), train.epochs.map(Budget::Epochs), train.seconds.map(Budget::Seconds)];
    set(&mut settings.budget, budgets.into_iter().flatten().next());
    apply_model(&train.model, settings);
    apply_arrangement(&train.gpt, settings)?;
    apply_tied(train.model.tied, settings)?;
    apply_fine_tuning(&train.fine_tuning, settings)?;
    apply_pairs(&train.pair_flags, settings)?;
    apply_prompts(train, settings)?;
    apply_training(&train.training, settings)
}

fn apply_fine_tuning(flags: &FineTuningFlags, settings: &mut Settings) -> Outcome {
    let details = [
        ("--lora-alpha", flags.lora_alpha.is_some()),
        ("--lora-targets", flags.lora_targets.is_some()),
        ("--lora-dropout", flags.lora_dropout.is_some()),
    ];
    if settings.gpt.is_none() {
        let given = [("--lora", flags.lora.is_some()), ("--train-last-layers", flags.train_last_layers.is_some())];
        refuse(&given, settings.rung)?;
        refuse(&details, settings.rung)?;
    }
    let tuning = &mut settings.fine_tuning;
    set(&mut tuning.train_last_layers, flags.train_last_layers.map(Some));
    // What belongs to a rank comes with it, but not a second time.
    let known = tuning.lora.as_ref().map(|lora| lora.rank);
    if let Some(rank) = flags.lora.filter(|&rank| Some(rank) != known) {
        tuning.lora = Some(Lora::of_rank(rank));
    }
    match (&mut tuning.lora, details.iter().find(|(_, given)| *given)) {
        (Some(lora), _) => {
            set(&mut lora.alpha, flags.lora_alpha);
            set(&mut lora.targets, flags.lora_targets.clone());
            set(&mut lora.dropout, flags.lora_dropout);
            Ok(())
        }
        (None, Some((flag, _))) => Err(Failure::input(format!("{flag}: without --lora there is no adapter"))),
        (None, None) => Ok(()),
    }
}

fn apply_pairs(flags: &PairFlags, settings: &mut Settings) -> Outcome {
    let rung = settings.rung;
    let given = [
        ("--cell", flags.cell.is_some()),
        ("--reverse", flags.reverse.is_some()),
        ("--scheduled-sampling", flags.scheduled_sampling.is_some()),
        ("--min-count", flags.min_count.is_some()),
        ("--lower-case", flags.lower_case.is_some()),
        ("--attention", flags.attention.is_some()),
        ("--score", flags.score.is_some()),
        ("--both-ways", flags.both_ways.is_some()),
    ];
    let Some(pairs) = &mut settings.pairs else { return refuse(&given, rung) };
    set(&mut pairs.cell, flags.cell.map(Some));
    set(&mut pairs.reverse, flags.reverse);
    set(&mut pairs.scheduled_sampling, flags.scheduled_sampling);
    set(&mut pairs.min_count, flags.min_count);
    set(&mut pairs.lower_case, flags.lower_case);
    set(&mut pairs.attention, flags.attention.map(Some));
    set(&mut pairs.score, flags.score.map(Some));
    set(&mut pairs.both_ways, flags.both_ways.map(Some));
    Ok(())
}

/// What a language model is to learn to answer from, if that was given.
fn task(train: &Train) -> Option<PromptKind> {
    match (&train.pairs, &train.dialogue) {
        (Some(_), _) => Some(PromptKind::Pairs),
        (None, Some(_)) => Some(PromptKind::Dialogue),
        (None, None) => None,
    }
}

fn apply_prompts(train: &Train, settings: &mut Settings) -> Outcome {
    if settings.rung.learns() == Learns::Pairs {
        let given = [("--dialogue", train.dialogue.is_some()), ("--template", train.template.is_some())];
        return refuse(&given, settings.rung);
    }
    if let Some(task) = task(train) {
        let as_before = settings.prompts.take().filter(|prompts| prompts.task == task);
        settings.prompts = Some(as_before.unwrap_or_else(|| PromptSettings::of(task)));
    }
    let Some(template) = &train.template else { return Ok(()) };
    let prompts = settings.prompts.as_mut();
    let prompts = prompts.ok_or_else(|| Failure::input("--template: a text has none (--pairs and --dialogue have)"))?;
    prompts.template = unescaped("--template", template)?;
    Ok(())
}

#[cfg(test)]
mod tests;
