//! Pairs and dialogues made ready to learn answers from.

use super::answer_end::ENDS;
use super::corpus::{Corpus, LeftOut};
use super::prompts::{Prompts, filled};
use super::text_corpus::learnt;
use crate::Error;
use crate::settings::{PromptKind, Settings, TokenizerKind};
use crate::text::{Tokenizer, TokenizerError, Turns};
use crate::trainer::data::Example;

impl Corpus {
    /// Answers in pairs or in dialogues, with a tokenizer that there is already, or the one of the settings: its tokens
    /// are those of the filled-in templates of the part to train on.
    ///
    /// A pair that is longer than the context is left out. Of a dialogue that is longer, the last turns are learnt that
    /// fit, from a user's turn on: this is what a [conversation](Prompts::latest) that has gone on for long will look
    /// like.
    ///
    /// # Errors
    /// If nothing is left to train on, or to validate on; if the tokenizer cannot be had, or cannot say the template;
    /// or if an answer says what is to end it.
    pub fn of_turns<T: Turns>(
        train: &[T],
        validation: &[T],
        tokenizer: Option<Tokenizer>,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let tokenizer = tokenizer.map_or_else(|| learnt_tokenizer(train, settings), Ok)?;
        let prompts = Prompts::new(settings, &tokenizer)?;
        let context = settings.context();
        let make = |turns: &T, left_out: &mut LeftOut| left_out.example(&prompts, turns, context);
        let nothing = |part: &str, left_out: &LeftOut| left_out.nothing(part, prompts.kind, context);
        Self::of_examples(tokenizer.into(), [train, validation], make, nothing)
    }
}

impl LeftOut {
    /// What can be learnt of this; else it is counted.
    fn example(&mut self, prompts: &Prompts, turns: &impl Turns, context: usize) -> Result<Option<Example>, Error> {
        let turns = turns.turns();
        let latest = match prompts.kind {
            PromptKind::Pairs => {
                let example = prompts.example(&turns);
                example.map(|example| (example.steps() <= context).then_some((example, 0)))
            }
            PromptKind::Dialogue => prompts.latest_example(&turns, context),
        };
        if let Err(Error::Tokenizer(TokenizerError::UnknownCharacter { character, .. })) = latest {
            self.unknown += 1;
            self.character.get_or_insert(character);
            return Ok(None);
        }
        let latest = latest?;
        self.too_long += usize::from(latest.is_none());
        Ok(latest.map(|(example, before)| {
            self.shortened += usize::from(before > 0);
            example
        }))
    }

    /// That nothing of a part can be learnt, and why.
    fn nothing(&self, part: &str, kind: PromptKind, context: usize) -> String {
        let one = if kind == PromptKind::Pairs { "pair" } else { "dialogue" };
        let unknown = self.character.map_or(String::new(), |character| {
            format!(", and none of those has characters of the vocabulary alone ({character:?} is unknown)")
        });
        format!("no {one} of the {part} part has at most {context} tokens with its template{unknown}")
    }
}

/// The tokenizer of the settings, learnt from the filled-in templates.
fn learnt_tokenizer<T: Turns>(train: &[T], settings: &Settings) -> Result<Tokenizer, Error> {
    let prompts = settings.prompts().ok_or_else(Error::goes_on)?;
    let template = prompts.parsed()?;
    let texts: Vec<String> = train.iter().map(|turns| filled(prompts.task, &template, &turns.turns())).collect();
    // What ends a document ends an answer.
    let end = matches!(settings.data.tokenizer, TokenizerKind::Bpe(_)).then_some(ENDS[0]);
    let text = texts.join(end.unwrap_or_default());
    learnt(&settings.data.tokenizer, end, &mut |learner, _| Ok(learner.push(&text)?))
}
