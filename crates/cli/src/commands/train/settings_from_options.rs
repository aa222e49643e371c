//! From the options of `rungs train` to settings.

use rungs::{Examples, ModelConfig, PromptKind, PromptSettings, Settings};

use crate::arguments::{Common, DataOptions, Train};
use crate::terminal::{Failure, Outcome};
use crate::text_input::{self, unescaped};

/// The settings of a new run: the defaults of the rung, or those of a file, with the options that were given.
pub(super) fn new(train: &Train, common: &Common) -> Outcome<Settings> {
    let settings = match &train.run.config {
        None => Settings::of(train.rung),
        Some(path) => Settings::from_json(&text_input::read(path)?, train.rung)
            .map_err(|problem| Failure::input(format!("--config: {}: {problem}", path.display())))?,
    };
    if let (Some(prompts), None, None) = (settings.prompts(), &train.data.pairs, &train.data.dialogue) {
        let task = prompts.task;
        return Err(Failure::input(format!("--config: these settings learn to answer from {task} (--{task} FILE)")));
    }
    changed(train, common, settings)
}

/// The settings of a new run that begins with these, with the options that were given.
pub(super) fn changed(train: &Train, common: &Common, mut settings: Settings) -> Outcome<Settings> {
    if let (Examples::Prompts(_), None, None) = (&settings.data.examples, &train.data.pairs, &train.data.dialogue) {
        settings.data.examples = Examples::text();
    }
    apply(train, common, &mut settings)?;
    if train.run.config.is_none() {
        train.training.shorten_warmup(&mut settings.training);
    }
    Ok(settings)
}

/// Puts the options that were given into settings of the rung.
pub(super) fn apply(train: &Train, common: &Common, settings: &mut Settings) -> Outcome {
    if settings.rung() != train.rung {
        settings.model = ModelConfig::of(train.rung);
    }
    let Settings { data, training, .. } = settings;
    training.seed = common.seed.unwrap_or(training.seed);
    data.validation_split = train.run.validation_split.unwrap_or(data.validation_split);
    data.tokenizer = train.run.tokenizer.clone().unwrap_or_else(|| data.tokenizer.clone());
    apply_examples(&train.data, &mut data.examples)?;
    train.model.apply(settings)?;
    if let Some(context) = train.run.context {
        settings.set_context(context);
    }
    let width = settings.model.width();
    train.training.apply(&mut settings.training, width)
}

fn apply_examples(options: &DataOptions, examples: &mut Examples) -> Outcome {
    let task = match (&options.pairs, &options.dialogue) {
        (Some(_), _) => Some(PromptKind::Pairs),
        (None, dialogue) => dialogue.as_ref().map(|_| PromptKind::Dialogue),
    };
    let learnt = |task| match &*examples {
        Examples::Pairs { .. } => true,
        Examples::Prompts(prompts) => prompts.task == task,
        Examples::Text { .. } => false,
    };
    if let Some(task) = task.filter(|&task| !learnt(task)) {
        *examples = Examples::Prompts(PromptSettings::of(task));
    }
    match (examples, &options.template, &options.documents) {
        (Examples::Pairs { min_count, lower_case }, ..) => {
            *min_count = options.min_count.unwrap_or(*min_count);
            *lower_case = options.lower_case.unwrap_or(*lower_case);
        }
        (Examples::Prompts(_), _, Some(_)) => {
            let problem = "every pair and every dialogue stands for itself; its template says what ends it";
            return Err(Failure::input(format!("--documents: {problem}")));
        }
        (Examples::Prompts(prompts), Some(template), _) => prompts.template = unescaped("--template", template)?,
        (Examples::Text { .. }, Some(_), _) => {
            return Err(Failure::input("--template: a text has none (--pairs and --dialogue have)"));
        }
        (Examples::Text { documents }, None, Some(separator)) => {
            *documents = Some(unescaped("--documents", separator)?);
        }
        (Examples::Prompts(_) | Examples::Text { .. }, None, None) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
