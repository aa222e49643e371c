//! What stands around the two texts of an example.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::fmt;

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

impl fmt::Display for PromptKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pairs => "pairs",
            Self::Dialogue => "dialogue",
        })
    }
}

/// How prompts and answers become texts for a language model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptSettings {
    /// Where prompts and answers come from.
    pub task: PromptKind,
    /// The [`Template`] around them.
    pub template: String,
}

impl PromptSettings {
    /// The default template.
    pub fn of(task: PromptKind) -> Self {
        Self { task, template: task.template().to_owned() }
    }

    /// The template, taken apart.
    ///
    /// # Errors
    /// If its places are not as the task needs them.
    pub fn parsed(&self) -> Result<Template, Error> {
        Template::parse(&self.template, self.task)
    }
}

/// A text with two places in it, taken apart: `{source}` and `{target}`, or `{role}` and `{text}`.
///
/// ```
/// use rungs::settings::{PromptKind, Template};
///
/// let template = Template::parse("English: {source} French: {target}\n", PromptKind::Pairs)?;
/// assert_eq!(template.fill("I am cold.", "J'ai froid."), "English: I am cold. French: J'ai froid.\n");
///
/// let error = Template::parse("English: {source}\n", PromptKind::Pairs).unwrap_err();
/// assert_eq!(error.to_string(), r#"template: there is no {target} in "English: {source}\n""#);
/// # Ok::<(), rungs::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What stands before the first place.
    pub before: String,
    /// What stands between the two.
    pub between: String,
    /// What stands behind the second.
    pub after: String,
}

impl Template {
    /// Takes a template apart.
    ///
    /// # Errors
    /// If it has not each of its places once and in order, or nothing stands between them: then nobody could tell where
    /// the first text ends.
    pub fn parse(text: &str, kind: PromptKind) -> Result<Self, Error> {
        let error = |problem: String| Err(Error::setting("template", problem));
        let [first, second] = kind.places();
        for place in [first, second] {
            let number = match text.matches(place).count() {
                0 => "no",
                1 => continue,
                _ => "more than one",
            };
            return error(format!("there is {number} {place} in {text:?}"));
        }
        let (before, rest) = text.split_once(first).expect("it is there");
        let Some((between, after)) = rest.split_once(second) else {
            return error(format!("{second} stands before {first} in {text:?}"));
        };
        if between.is_empty() {
            return error(format!("nothing stands between {first} and {second} in {text:?}"));
        }
        Ok(Self { before: before.to_owned(), between: between.to_owned(), after: after.to_owned() })
    }

    /// The template with texts in its places.
    pub fn fill(&self, first: &str, second: &str) -> String {
        let Self { before, between, after } = self;
        [before, first, between, second, after].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_can_be_taken_apart() {
        for kind in [PromptKind::Pairs, PromptKind::Dialogue] {
            let [first, second] = kind.places();
            let template = Template::parse(kind.template(), kind).unwrap();
            assert_eq!(template.fill(first, second), kind.template());
        }
    }

    #[test]
    fn each_place_stands_once_and_in_order() {
        for (text, kind, problem) in [
            ("", PromptKind::Pairs, r#"template: there is no {source} in """#),
            ("{source}\n", PromptKind::Pairs, r#"template: there is no {target} in "{source}\n""#),
            ("{role}: {tekst}", PromptKind::Dialogue, r#"template: there is no {text} in "{role}: {tekst}""#),
            (
                "{source}={target}={target}",
                PromptKind::Pairs,
                r#"template: there is more than one {target} in "{source}={target}={target}""#,
            ),
            (
                "{target}<={source}.",
                PromptKind::Pairs,
                r#"template: {target} stands before {source} in "{target}<={source}.""#,
            ),
            (
                "{role}{text}\n",
                PromptKind::Dialogue,
                r#"template: nothing stands between {role} and {text} in "{role}{text}\n""#,
            ),
        ] {
            assert_eq!(Template::parse(text, kind).unwrap_err().to_string(), problem);
        }
    }
}
