//! What a language model learns if it is to answer: from what, and how questions are put to it.

use super::template::{PromptKind, Template};
use crate::Error;
use serde::{Deserialize, Serialize};

/// The settings of a language model that learns to answer, beside those of every rung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptSettings {
    /// What it learns from.
    pub task: PromptKind,
    /// What stands around a question and its answer, or around a turn of a dialogue: see [`Template`].
    pub template: String,
}

impl PromptSettings {
    /// The defaults.
    pub fn of(task: PromptKind) -> Self {
        Self { task, template: task.template().to_owned() }
    }

    /// The template, taken apart.
    ///
    /// # Errors
    /// If it has not each of its places once and in order.
    pub fn parsed(&self) -> Result<Template, Error> {
        Template::parse(&self.template, self.task)
    }
}
