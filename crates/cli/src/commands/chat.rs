//! `rungs chat`: a conversation with a model that has learnt dialogues, line by line.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::ops::ControlFlow;

use rungs::decoding::{GenerateOptions, Length, Processors, Search, Temperature, TopK, TopP};
use rungs::models::ConfigError;
use rungs::tensor::Rng;
use rungs::text::pairs::LONGEST_LINE;
use rungs::{Generator, PromptKind, Role, Turn, normalize};

use super::generate::decoding_options::processor;
use crate::arguments::{Chat, Common};
use crate::terminal::{Facts, Failure, Outcome, complain, output, reason, thousands};

/// How tokens are drawn, unless told: a little safer than the model is.
const TEMPERATURE: f64 = 0.8;
const TOP_P: f64 = 0.95;

pub(crate) fn run(chat: &Chat, common: &Common) -> Outcome {
    let run = chat.saved.open()?;
    let other = match run.config.settings.prompts().map(|prompts| prompts.task) {
        Some(PromptKind::Dialogue) => None,
        Some(PromptKind::Pairs) => Some("rungs generate --source asks it"),
        None => Some("rungs generate goes on with a text"),
    };
    if let Some(other) = other {
        let (path, rung) = (chat.saved.run.display(), run.config.settings.rung());
        let problem = format!("this {rung} has not learnt dialogues (rungs train --dialogue); {other}");
        return Err(Failure::input(format!("{path}: {problem}")));
    }
    let (generator, context) = (run.generator()?, run.config.settings.context());
    let turns = chat.system.iter().map(|said| system(said, &generator, context)).collect::<Outcome<_>>()?;
    let (search, processors) = choice(chat).map_err(Failure::input)?;
    let mut conversation = Conversation {
        generator,
        context,
        options: GenerateOptions { search, processors, ..GenerateOptions::default() },
        most: chat.max_tokens,
        rng: Rng::new(common.seed.unwrap_or(0)).fork("chat"),
        turns,
        forgets: false,
        answers: 0,
        shown: !common.json,
    };
    let stdin = io::stdin();
    let asked = stdin.is_terminal();
    let mut lines = stdin.lock();
    loop {
        if asked {
            // Nothing can be done where stderr is closed.
            let _ = write!(io::stderr(), "> ");
        }
        let Some(line) = line(&mut lines)? else { break };
        match line.trim() {
            "" => {}
            "/quit" => break,
            "/reset" => conversation.reset(),
            said => conversation.say(said)?,
        }
    }
    // The conversation, as a line of a file of dialogues.
    Facts::default().field("turns", conversation.turns).print(common.json, "")
}

/// The first turn of a conversation, where the system has something to say. It leaves room for others.
fn system(said: &str, generator: &Generator, context: usize) -> Outcome<Turn> {
    let wrong = |problem: String| Failure::input(format!("--system: {problem}"));
    let turn = Turn { role: Role::System, text: normalize(said, false) };
    if turn.text.is_empty() {
        return Err(wrong("there is nothing in it".to_owned()));
    }
    let prompts = generator.prompts().expect("the run has learnt dialogues");
    let ids = prompts.prompt(&[(turn.role, &turn.text)]).map_err(|error| wrong(error.to_string()))?;
    if ids.len() > context / 2 {
        let (tokens, context) = (thousands(ids.len()), thousands(context));
        return Err(wrong(format!("{tokens} tokens are more than half of the context of {context}")));
    }
    Ok(turn)
}

/// How tokens are chosen, and how the distribution is shaped that they are drawn from.
fn choice(chat: &Chat) -> Result<(Search, Processors), ConfigError> {
    if chat.greedy || chat.temperature == Some(0.0) {
        return Ok((Search::Greedy, Vec::new()));
    }
    // Who chooses from so many of the likeliest tokens has said how.
    let top_p = chat.top_p.or(chat.top_k.is_none().then_some(TOP_P));
    let chain = [
        processor(Some(Temperature::new(chat.temperature.unwrap_or(TEMPERATURE))))?,
        processor(chat.top_k.map(TopK::new))?,
        processor(top_p.map(TopP::new))?,
    ];
    Ok((Search::Sample, chain.into_iter().flatten().collect()))
}

/// The next line of what is said; none at the end.
fn line(lines: &mut impl BufRead) -> Outcome<Option<String>> {
    let mut bytes = Vec::new();
    let read = lines.take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut bytes);
    let read = read.map_err(|error| Failure::input(format!("stdin: {}", reason(&error))))?;
    match String::from_utf8(bytes) {
        _ if read == 0 => Ok(None),
        _ if read > LONGEST_LINE => Err(Failure::input(format!("stdin: a line of more than {LONGEST_LINE} bytes"))),
        Ok(line) => Ok(Some(line)),
        Err(_) => Err(Failure::input("stdin: not UTF-8 text")),
    }
}

/// What was said, and who answers.
struct Conversation {
    generator: Generator,
    /// How many tokens of a conversation the model has learnt to keep in mind.
    context: usize,
    options: GenerateOptions,
    /// The most tokens of an answer.
    most: usize,
    rng: Rng,
    turns: Vec<Turn>,
    /// Whether the model does not see the first turns any more.
    forgets: bool,
    /// How many answers there were: each has a stream of random numbers of its own.
    answers: usize,
    shown: bool,
}

impl Conversation {
    fn reset(&mut self) {
        self.turns.retain(|turn| turn.role == Role::System);
        self.forgets = false;
    }

    /// Hears what the user says and answers. What cannot be said to this model is said to be so, and was never said.
    fn say(&mut self, said: &str) -> Outcome {
        self.turns.push(Turn { role: Role::User, text: normalize(said, false) });
        // An answer needs room as well, but not so much that nothing could be asked.
        let room = self.most.min(self.context / 2);
        let (request, forgotten) = match self.generator.dialogue(&self.turns, self.context + 1 - room) {
            Ok(Some(latest)) => latest,
            other => {
                let long = || format!("this is too long for a context of {} tokens", thousands(self.context));
                complain(&other.err().map_or_else(long, |error| error.to_string()));
                self.turns.pop();
                return Ok(());
            }
        };
        // Once is enough: from here on something is forgotten with nearly every turn.
        if forgotten > 0 && !self.forgets {
            let (forgotten, context) = (thousands(forgotten), thousands(self.context));
            let first = format!("the first {forgotten} turns do not fit the context of {context} tokens");
            complain(&format!("{first} and are forgotten, as others will be"));
        }
        self.forgets |= forgotten > 0;
        let rng = self.rng.fork(&self.answers.to_string());
        self.answers += 1;
        let length = Length::at_most(self.most.min(self.context + 1 - request.ids.len()));
        let options = GenerateOptions { length, ..self.options.clone() };
        let (shown, mut printed) = (self.shown, Ok(()));
        let answers = self.generator.generate(&[request], &options, &rng, &mut |_, part| {
            if shown && printed.is_ok() {
                printed = output::print(part);
            }
            if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        printed?;
        let answer = &answers?[0][0].text;
        if self.shown {
            output::print("\n")?;
        }
        // Nothing at all is no turn that it has ever seen.
        match normalize(answer, false) {
            text if text.is_empty() => drop(self.turns.pop()),
            text => self.turns.push(Turn { role: Role::Assistant, text }),
        }
        Ok(())
    }
}
