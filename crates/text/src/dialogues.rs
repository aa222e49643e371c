//! Dialogues, from a file with one on each line, as JSON: who says what, in turns.
//!
//! ```json
//! {"turns": [{"role": "user", "text": "What is AI?"}, {"role": "assistant", "text": "A branch of engineering."}]}
//! ```
//!
//! - A role is `user`, `assistant` or `system`; the assistant is who is to be learnt from, and says something in every
//!   dialogue. What the system says, at the beginning, is what holds for the whole of it.
//! - A text is [normalised](crate::normalize): Unicode's form C, and one plain space for every run of white space,
//!   line breaks among it. So a turn is a line, and what ends a line can end a turn. It may be empty: somebody says
//!   nothing.
//! - Other fields are ignored, and so are empty lines.
//!
//! Everything else is an error that names file and line.
//!
//! ```
//! use rungs_text::{Role, read_dialogues};
//!
//! let file = r#"{"turns": [{"role": "user", "text": "Hello!"}, {"role": "assistant", "text": "Good  morning."}]}"#;
//! let dialogues = read_dialogues(file, "talk.jsonl")?;
//! assert_eq!((dialogues[0][1].role, &*dialogues[0][1].text), (Role::Assistant, "Good morning."));
//!
//! let error = read_dialogues(r#"{"turns": [{"role": "bot", "text": "Hello!"}]}"#, "talk.jsonl").unwrap_err();
//! assert_eq!(error.to_string(), r#"talk.jsonl, line 1: there is no role "bot", only system, user and assistant"#);
//! # Ok::<(), rungs_text::TextError>(())
//! ```

use crate::held_out::split_by;
use crate::{TextError, TextPair, normalize};
use serde::{Deserialize, Serialize};

/// Who speaks.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Who asks.
    User,
    /// Who answers: the model, when it has learnt to.
    Assistant,
    /// Who says what the dialogue is about, or how it is to be held. Nothing of it is learnt.
    System,
}

impl Role {
    /// What it is called in files and in what a model reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::System => "system",
        }
    }
}

/// What is said before the other speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub text: String,
}

/// A dialogue: its turns, the first one first. Of those that are read one is the assistant's at least.
pub type Dialogue = Vec<Turn>;

/// What is said in turns, of which those of the assistant are to be learnt.
pub trait Turns {
    /// Who says what, the first one first.
    fn turns(&self) -> Vec<(Role, &str)>;
}

impl Turns for Dialogue {
    fn turns(&self) -> Vec<(Role, &str)> {
        self.iter().map(|turn| (turn.role, turn.text.as_str())).collect()
    }
}

/// The source is a question, the target its answer.
impl Turns for TextPair {
    fn turns(&self) -> Vec<(Role, &str)> {
        vec![(Role::User, &self.source), (Role::Assistant, &self.target)]
    }
}

/// A line, as far as it is looked at.
#[derive(Deserialize)]
struct Line {
    turns: Vec<LineTurn>,
}

#[derive(Deserialize)]
struct LineTurn {
    role: String,
    text: String,
}

/// All dialogues of a text that has one on each line, which errors call `file`.
///
/// # Errors
/// If a line is not as the [module](self) says, or if there is none.
pub fn read_dialogues(text: &str, file: &str) -> Result<Vec<Dialogue>, TextError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut dialogues = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        dialogues.push(dialogue(line).map_err(|problem| TextError::line(file, i + 1, problem))?);
    }
    if dialogues.is_empty() { Err(TextError::new(file, "there are no dialogues in it")) } else { Ok(dialogues) }
}

/// The dialogue of a line, or what is wrong with it.
fn dialogue(line: &str) -> Result<Dialogue, String> {
    let Line { turns } = serde_json::from_str(line).map_err(|error| {
        // Every line is a file of its own to the reader of JSON; where in it is what it knows.
        let problem = error.to_string();
        let problem = problem.split(" at line ").next().unwrap_or_default();
        format!("not a dialogue at column {}: {problem}", error.column())
    })?;
    if turns.is_empty() {
        return Err("there are no turns in it".to_owned());
    }
    let turn = |LineTurn { role, text }: LineTurn| {
        let known = [Role::User, Role::Assistant, Role::System].into_iter().find(|known| known.name() == role);
        let role = known.ok_or_else(|| format!("there is no role {role:?}, only system, user and assistant"))?;
        Ok(Turn { role, text: normalize(&text, false) })
    };
    let turns: Dialogue = turns.into_iter().map(turn).collect::<Result<_, String>>()?;
    if turns.iter().skip(1).any(|turn| turn.role == Role::System) {
        return Err("the system speaks at the beginning alone".to_owned());
    }
    match turns.iter().any(|turn| turn.role == Role::Assistant) {
        true => Ok(turns),
        false => Err("no turn is the assistant's: there is nothing to learn".to_owned()),
    }
}

/// A part to train on and a part to validate on, with `share` of the different *first turns* in the second, those of
/// the system apart: dialogues that begin alike stay together, as the pairs of one source do in
/// [`split_pairs`](crate::split_pairs).
///
/// # Errors
/// If the share is not in (0, 1), or if there are fewer than two different beginnings.
pub fn split_dialogues(dialogues: Vec<Dialogue>, share: f64) -> Result<(Vec<Dialogue>, Vec<Dialogue>), TextError> {
    split_by(dialogues, share, "all dialogues begin alike", |dialogue| {
        let first = dialogue.iter().find(|turn| turn.role != Role::System);
        &first.expect("the assistant says something").text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_dialogue_say_why() {
        let error = |line: &str| read_dialogues(&format!("{}\n{line}\n", said("a", "b")), "talk.jsonl").unwrap_err();
        for (line, problem) in [
            ("user: hello", "not a dialogue at column 1: expected value"),
            (
                r#"{"turns": "hello"}"#,
                r#"not a dialogue at column 17: invalid type: string "hello", expected a sequence"#,
            ),
            ("{}", "not a dialogue at column 2: missing field `turns`"),
            (r#"{"turns": [{"role": "user"}]}"#, "not a dialogue at column 27: missing field `text`"),
            (r#"{"turns": []}"#, "there are no turns in it"),
            (
                r#"{"turns": [{"role": "human", "text": "a"}]}"#,
                r#"there is no role "human", only system, user and assistant"#,
            ),
            (
                r#"{"turns": [{"role": "assistant", "text": "a"}, {"role": "system", "text": "a"}]}"#,
                "the system speaks at the beginning alone",
            ),
            (r#"{"turns": [{"role": "user", "text": "a"}]}"#, "no turn is the assistant's: there is nothing to learn"),
        ] {
            assert_eq!(error(line).to_string(), format!("talk.jsonl, line 2: {problem}"));
        }
        assert_eq!(read_dialogues("\n \n", "f").unwrap_err().to_string(), "f: there are no dialogues in it");
    }

    fn said(question: &str, answer: &str) -> String {
        let user = format!(r#"{{"role": "user", "text": "{question}"}}"#);
        let assistant = format!(r#"{{"role": "assistant", "text": "{answer}"}}"#);
        format!(r#"{{"id": 7, "turns": [{user}, {assistant}]}}"#)
    }

    #[test]
    fn what_begins_alike_stays_together() {
        let lines: Vec<String> =
            (0..40).map(|i| said(&format!("question {}", i % 10), &format!("answer {i}"))).collect();
        let dialogues = read_dialogues(&lines.join("\n"), "f").unwrap();
        let (train, validation) = split_dialogues(dialogues.clone(), 0.3).unwrap();
        assert_eq!((train.len(), validation.len()), (28, 12));
        let begins = |part: &[Dialogue], text: &str| part.iter().any(|dialogue| dialogue[0].text == text);
        for dialogue in &dialogues {
            let text = &dialogue[0].text;
            assert!(begins(&train, text) != begins(&validation, text), "{text}");
        }
        let error = split_dialogues(dialogues[..1].to_vec(), 0.5).unwrap_err().to_string();
        assert_eq!(error, "all dialogues begin alike: none can be held out to validate on, which takes two");
    }
}
