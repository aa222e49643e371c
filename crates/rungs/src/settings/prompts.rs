//! What a language model learns if it is to answer: from what, and how questions are put to it.

use super::rung::by_name;
use crate::Error;
use crate::prompts::Template;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a language model learns to answer from.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptKind {
    /// Pairs of texts: what the other one is.
    Pairs,
    /// Dialogues: what the assistant says next.
    Dialogue,
}

impl PromptKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Pairs, Self::Dialogue];

    /// What it is called in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pairs => "pairs",
            Self::Dialogue => "dialogue",
        }
    }

    /// The two things that a template has places for.
    pub fn places(self) -> [&'static str; 2] {
        match self {
            Self::Pairs => ["{source}", "{target}"],
            Self::Dialogue => ["{role}", "{text}"],
        }
    }

    /// The template, unless told.
    pub fn template(self) -> &'static str {
        match self {
            Self::Pairs => "{source}\n=> {target}\n",
            Self::Dialogue => "{role}: {text}\n",
        }
    }
}
by_name!(PromptKind, "task");

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
