//! Tasks for a language model: a question is a text, and the answer is how it goes on.
//!
//! A model that has learnt to go on with texts knows words, grammar and a little of the world. Whatever else is asked
//! of it can be written as the beginning of a text: *a description, then `=>`*, and the summary is what comes next
//! (Radford et al. 2018, *Improving Language Understanding by Generative Pre-Training*). So pairs and dialogues become
//! texts by a [`Template`], and a model of any rung, trained before or not, learns to go on with them:
//!
//! - pairs, by default with `{source}\n=> {target}\n`: source and `\n=> ` are read, target and end are learnt;
//! - dialogues, by default with `{role}: {text}\n` for each turn: the turns of system and user, and `assistant: `, are
//!   read, the assistant's texts and their ends are learnt.
//!
//! The loss is Σ −ln p(y_t | x, y_1 … y_{t−1}) over what is learnt, as a translator's is over its targets. What is read
//! is no part of it, exactly: no logits are computed there.
//!
//! # Tokens
//! Every part of the text is tokenized by itself, so that the first token of the answer begins where the answer does.
//! In vocabularies of words and byte pairs a space belongs to the word behind it. There, one that stands before a place
//! of the template is a part of what is put there: the answer of `{source}\n=> {target}\n` begins with ` Va`, the token
//! that it is elsewhere. In characters it is a part of the template. Texts never become special tokens, whatever they
//! say; what stands in the template does.
//!
//! # The end
//! An answer ends with a token that no text says, if the vocabulary has one: that of the model that was opened,
//! `<|endoftext|>` or `</s>`; byte pairs that are learnt here have the first of these. It stands where the template has
//! something behind its second place. Other vocabularies say what stands there, the line break of the defaults, and
//! answers may not have it in them.
//!
//! # A model that answers
//!
//! ```
//! use rungs::prelude::*;
//! use rungs::{Examples, PromptKind, PromptSettings, split_pairs};
//!
//! let [things, kinds] = [["cat", "rose"], ["an animal", "a plant"]];
//! let pair = |n: usize| TextPair { source: format!("{} {n}", things[n % 2]), target: kinds[n % 2].to_owned() };
//! let (train, validation) = split_pairs((100..200).map(pair).collect(), 0.1)?;
//! let mut settings = Settings::of(Rung::Gpt);
//! settings.model = ModelConfig::Gpt(GptConfig { layers: 1, width: 32, context: 32, ..GptConfig::nanogpt() });
//! let template = "{source} is {target}.".to_owned();
//! settings.data.examples = Examples::Prompts(PromptSettings { task: PromptKind::Pairs, template });
//! settings.training.batch_size = 20;
//! settings.training.budget = Budget::Steps(200);
//! settings.training.schedule = Schedule::Constant { rate: 5e-3 };
//! // Followed by begin_with(&SavedRun::open(folder)?), this would take over a model's weights.
//! let mut run = Run::new(&settings, Corpus::of_turns(&train, &validation, None, &settings)?)?;
//! run.train(&mut |_| Control::Continue)?;
//!
//! let generator = run.generator()?;
//! let questions = [generator.source("cat 217")?, generator.source("rose 218")?];
//! let options = GenerateOptions { search: Search::Greedy, ..GenerateOptions::default() };
//! let go_on = &mut |_: usize, _: &str| std::ops::ControlFlow::Continue(());
//! let answers = generator.generate(&questions, &options, &Rng::new(0), go_on)?;
//! assert_eq!((&*answers[0][0].text, &*answers[1][0].text), ("an animal", "a plant"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::answer_end::{End, sayable};
use crate::Error;
use crate::settings::{PromptKind, Settings, Template};
use crate::text::tokenizer::Passage;
use crate::text::{Role, TokenBytes, Tokenizer};
use crate::trainer::data::Example;

/// How questions and answers become the tokens of a language model.
#[derive(Clone, Debug)]
pub struct Prompts {
    pub(crate) tokenizer: Tokenizer,
    /// The tokens that begin every text, unless the template says them.
    beginning: Vec<u32>,
    pub(super) kind: PromptKind,
    /// What stands before the words of the user and of the assistant, of pairs before source and target; and before
    /// those of the system, which not every vocabulary can say.
    markers: [Marker; 3],
    pub(crate) end: End,
}

/// What stands before a text.
#[derive(Clone, Debug)]
struct Marker {
    text: String,
    /// Whether a space follows that belongs to the text.
    space: bool,
}

impl Prompts {
    /// How these settings put questions to a model with this tokenizer.
    ///
    /// # Errors
    /// If they are those of a model that only goes on with a text, or the template cannot be, or the tokenizer cannot
    /// say it.
    pub fn new(settings: &Settings, tokenizer: &Tokenizer) -> Result<Self, Error> {
        let prompts = settings.prompts().ok_or_else(Error::goes_on)?;
        let (kind, template) = (prompts.task, prompts.parsed()?);
        // A space belongs to the word behind it, where there are words.
        let spaces = !matches!(tokenizer, Tokenizer::Char(_) | Tokenizer::Ids(_));
        let marker = |text: String| match text.strip_suffix(' ') {
            Some(rest) if spaces => Marker { text: rest.to_owned(), space: true },
            _ => Marker { text, space: false },
        };
        let markers = marker_texts(kind, &template).map(marker);
        markers[..2].iter().try_for_each(|marker| sayable(tokenizer, &marker.text).map(drop))?;
        let first = tokenizer.encode_passage(&markers[0].text, Passage { begins: true, added: true })?;
        let mut beginning = tokenizer.beginning();
        // A run whose settings do not say what begins a text has learnt that twice, and goes on so.
        if settings.data.begin.is_some() && first.starts_with(&beginning) {
            beginning.clear();
        }
        let (end, tokenizer) = (End::new(settings, tokenizer, template.after)?, tokenizer.clone());
        Ok(Self { kind, beginning, markers, end, tokenizer })
    }

    /// What each token adds to an answer, where that can be said of one by itself.
    pub fn token_bytes(&self) -> Option<TokenBytes> {
        Some(TokenBytes { strips_space: self.strips_space(), ..self.tokenizer.token_bytes()? })
    }

    /// Whether a space before an answer is no part of it.
    pub(crate) fn strips_space(&self) -> bool {
        self.markers[Role::Assistant as usize].space
    }

    /// What is said in turns as an example: the assistant's words and their ends are to be learnt.
    ///
    /// # Errors
    /// If the tokenizer does not know a character, or an answer says what is to end it.
    pub fn example(&self, turns: &[(Role, &str)]) -> Result<Example, Error> {
        let mut example = Example::default();
        example.read(&self.beginning);
        for &(role, text) in turns {
            self.turn(&mut example, role, text)?;
        }
        Ok(example)
    }

    /// The tokens that a model is to go on from to answer what was said.
    ///
    /// # Errors
    /// If the tokenizer does not know a character.
    pub fn prompt(&self, turns: &[(Role, &str)]) -> Result<Vec<u32>, Error> {
        let mut example = self.example(turns)?;
        let begins = turns.is_empty();
        example.read(&self.encode(&self.markers[Role::Assistant as usize].text, begins, true)?);
        Ok(example.ids().to_vec())
    }

    /// The [prompt](Self::prompt) for a question alone, normalised as what was learnt was.
    ///
    /// # Errors
    /// If the question is empty, or the tokenizer does not know a character.
    pub fn question(&self, text: &str) -> Result<Vec<u32>, Error> {
        let text = crate::normalize(text, false);
        match text.is_empty() {
            true => Err(Error::Text("nothing to answer".to_owned())),
            false => self.prompt(&[(Role::User, &text)]),
        }
    }

    /// The prompt for what was said last, with as much of what was said before as fits `most` tokens, from a user's
    /// turn on; and how many turns are left out. None if what was said last does not fit alone.
    ///
    /// # Errors
    /// If the tokenizer does not know a character.
    pub fn latest(&self, turns: &[(Role, &str)], most: usize) -> Result<Option<(Vec<u32>, usize)>, Error> {
        fitting(turns, |turns| self.prompt(turns), |ids| ids.len() <= most)
    }

    /// The latest part of what is said that fits a context of so many tokens, from a user's turn on, as an example; and
    /// how many turns are left out at its beginning. None if not even the last answer fits.
    pub(super) fn latest_example(&self, turns: &[(Role, &str)], context: usize) -> Fitting<Example> {
        // Behind the last answer nothing is learnt.
        let last = turns.iter().rposition(|(role, _)| *role == Role::Assistant).map_or(0, |last| last + 1);
        fitting(&turns[..last], |turns| self.example(turns), |example| example.steps() <= context)
    }

    /// Appends what somebody says.
    fn turn(&self, example: &mut Example, role: Role, text: &str) -> Result<(), Error> {
        let begins = example.ids().len() == self.beginning.len();
        let Marker { text: marker, space } = &self.markers[role as usize];
        if role == Role::System {
            sayable(&self.tokenizer, marker)?;
        }
        example.read(&self.encode(marker, begins, true)?);
        let spaced = if *space && !text.is_empty() { format!(" {text}") } else { text.to_owned() };
        let ids = self.encode(&spaced, begins && marker.is_empty(), false)?;
        let learnt = role == Role::Assistant;
        if learnt {
            self.end.check(text)?;
        }
        example.extend(&ids, learnt);
        // Behind the source of a pair the template has nothing but what parts it from the target.
        if (role, self.kind) != (Role::User, PromptKind::Pairs) {
            example.extend(&self.end.ids, learnt);
        }
        Ok(())
    }

    fn encode(&self, text: &str, begins: bool, added: bool) -> Result<Vec<u32>, Error> {
        Ok(self.tokenizer.encode_passage(text, Passage { begins, added })?)
    }
}

/// What stands before the words of the user, of the assistant and of the system, which pairs have not.
fn marker_texts(kind: PromptKind, template: &Template) -> [String; 3] {
    let Template { before, between, .. } = template;
    match kind {
        PromptKind::Pairs => [before.clone(), between.clone(), String::new()],
        PromptKind::Dialogue => {
            [Role::User, Role::Assistant, Role::System].map(|role| [before, role.name(), between].concat())
        }
    }
}

/// What is said in turns as one text, as the template has it.
pub(super) fn filled(kind: PromptKind, template: &Template, turns: &[(Role, &str)]) -> String {
    match (kind, turns) {
        (PromptKind::Pairs, [(_, source), (_, target)]) => template.fill(source, target),
        _ => turns.iter().map(|(role, said)| template.fill(role.name(), said)).collect(),
    }
}

/// Something made of the last turns that fit, and how many turns are left out; none if not even the last does.
type Fitting<T> = Result<Option<(T, usize)>, Error>;

/// What is made of as many of the last turns as fit, from a user's on, behind what the system says; and how many are
/// left out.
fn fitting<T>(
    turns: &[(Role, &str)],
    make: impl Fn(&[(Role, &str)]) -> Result<T, Error>,
    fits: impl Fn(&T) -> bool,
) -> Fitting<T> {
    let (system, turns) = turns.split_at(turns.iter().take_while(|(role, _)| *role == Role::System).count());
    let begins = |&start: &usize| start == 0 || turns[start].0 == Role::User;
    for start in (0..turns.len()).filter(begins) {
        let made = make(&[system, &turns[start..]].concat())?;
        if fits(&made) {
            return Ok(Some((made, start)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
