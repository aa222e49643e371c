//! Texts that match a regular expression.
//!
//! The expression is made into a deterministic automaton over bytes (`automaton.rs`). A token is its bytes, so from
//! each state of the automaton it leads to another, or out of every match. Known for each state is how many tokens the
//! nearest end of a match is away; a token is allowed if from where it leads a match can be finished with the tokens
//! that remain. So what is written always matches, whatever the model would rather say, and however short it must be.
//!
//! The whole text matches, from its first character to its last; the prompt is no part of it. Where a match may end,
//! tokens that end a text are allowed, and no others are once nothing can follow. Willard & Louf (2023), *Efficient
//! Guided Generation for Large Language Models*, [arXiv:2307.09702](https://arxiv.org/abs/2307.09702).

mod automaton;

use automaton::{Automaton, DEAD};
use rayon::prelude::*;
use rungs_models::ConfigError;
use rungs_models::sampling::logits::RULED_OUT;
use rungs_models::sampling::{Context, Processor};
use rungs_text::TokenBytes;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lets through only texts that match an expression.
///
/// ```
/// use rungs_decoding::Pattern;
/// use rungs_text::Tokenizer;
///
/// let tokenizer = Tokenizer::char_from("0123456789-/ abc")?;
/// let token_bytes = tokenizer.token_bytes().expect("characters are spelt alone");
/// let date = Pattern::new(r"\d{4}-\d\d-\d\d", &token_bytes, &[])?;
/// assert_eq!(date.shortest(), 10);
/// let error = Pattern::new("x+", &token_bytes, &[]).unwrap_err();
/// assert_eq!(error.to_string(), r#"the expression "x+" matches no text that can be written in this vocabulary"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pattern {
    automaton: Automaton,
    /// The bytes of each token; none of one that no match has.
    tokens: Vec<Vec<u8>>,
    /// The ids of the others in the order of bytes, so that those with a beginning in common are neighbours.
    sorted: Vec<u32>,
    /// Tokens that end a text.
    stop: Vec<u32>,
    /// How many tokens the nearest end of a match is away from each state.
    distances: Vec<usize>,
}

/// The most steps that finding the distances may take, a second or two: one for each byte of a token that is looked at
/// from a state, and some for each state that follows on another, which takes memory.
const MOST_STEPS: usize = 1 << 28;
const STEPS_OF_AN_EDGE: usize = 1 << 5;

/// Farther than any text is long.
const NEVER: usize = usize::MAX;

impl Pattern {
    /// Texts that match `expression`, in the syntax of the crate [`regex`](https://docs.rs/regex/latest/regex/#syntax),
    /// of the tokens of a vocabulary; `stop` are those that end a text.
    ///
    /// # Errors
    /// If it does not parse, is too large, or matches nothing that these tokens can say.
    pub fn new(expression: &str, token_bytes: &TokenBytes, stop: &[u32]) -> Result<Self, ConfigError> {
        let error = |problem: String| ConfigError::new(format!("the expression {expression:?} {problem}"));
        let automaton = Automaton::new(expression, token_bytes.strips_space).map_err(error)?;
        let mut tokens: Vec<_> = token_bytes.tokens.iter().map(|token| token.clone().unwrap_or_default()).collect();
        for &id in stop.iter().filter(|&&id| (id as usize) < token_bytes.tokens.len()) {
            tokens[id as usize].clear();
        }
        let mut sorted: Vec<u32> = (0..tokens.len() as u32).filter(|&id| !tokens[id as usize].is_empty()).collect();
        sorted.sort_by(|&a, &b| tokens[a as usize].cmp(&tokens[b as usize]));
        let mut pattern = Self { automaton, tokens, sorted, stop: stop.to_vec(), distances: Vec::new() };
        let too_large = "is too large: its automaton has too many states for a vocabulary of this size";
        pattern.distances = pattern.measure().ok_or_else(|| error(too_large.to_owned()))?;
        if pattern.shortest() == NEVER {
            return Err(error("matches no text that can be written in this vocabulary".to_owned()));
        }
        Ok(pattern)
    }

    /// How many tokens the shortest match has, one that ends the text not counted.
    pub fn shortest(&self) -> usize {
        self.distances[self.automaton.start]
    }

    /// How many tokens each state is away from the end of a match: a search from the ends backwards. None if that would
    /// take too many steps.
    fn measure(&self) -> Option<Vec<usize>> {
        let (states, steps) = (self.automaton.accepts.len(), AtomicUsize::new(0));
        let next: Vec<BTreeSet<usize>> = (0..states)
            .into_par_iter()
            .map(|state| {
                let mut next = BTreeSet::new();
                let taken = self.follow(state, |_, to| _ = next.insert(to)) + STEPS_OF_AN_EDGE * next.len();
                (steps.fetch_add(taken, Ordering::Relaxed) + taken <= MOST_STEPS).then_some(next)
            })
            .collect::<Option<_>>()?;
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); states];
        for (state, next) in next.iter().enumerate() {
            next.iter().for_each(|&to| before[to].push(state));
        }
        let mut distances = vec![NEVER; states];
        let mut reached: Vec<usize> = (0..states).filter(|&state| self.automaton.accepts[state]).collect();
        let mut distance = 0;
        while !reached.is_empty() {
            reached.iter().for_each(|&state| distances[state] = distance);
            let farther: BTreeSet<usize> = reached.iter().flat_map(|&state| before[state].iter().copied()).collect();
            reached = farther.into_iter().filter(|&state| distances[state] == NEVER).collect();
            distance += 1;
        }
        Some(distances)
    }

    /// Calls `leads` for every token that does not leave every match, with the state to which it leads. Returns how
    /// many steps that took.
    fn follow(&self, state: usize, mut leads: impl FnMut(u32, usize)) -> usize {
        // The states after each byte of the last token: the next one begins as far as the two are equal.
        let mut states = vec![state];
        let (mut last, mut rest, mut steps): (&[u8], _, _) = (&[], &self.sorted[..], 0);
        while let Some((&id, others)) = rest.split_first() {
            rest = others;
            let bytes = &self.tokens[id as usize];
            let common = bytes.iter().zip(last).take_while(|(a, b)| a == b).count();
            states.truncate(common + 1);
            steps += common;
            while states.len() <= bytes.len() && states[states.len() - 1] != DEAD {
                let next = self.automaton.next(states[states.len() - 1], bytes[states.len() - 1]);
                states.push(next);
                steps += 1;
            }
            last = &bytes[..states.len() - 1];
            if states[last.len()] == DEAD {
                // So do all that begin with these bytes.
                rest = &rest[rest.partition_point(|&id| self.tokens[id as usize].starts_with(last))..];
            } else {
                leads(id, states[last.len()]);
            }
        }
        steps
    }

    /// Where a text leads.
    fn state(&self, written: &[u32]) -> usize {
        let bytes = written.iter().flat_map(|&id| &self.tokens[id as usize]);
        bytes.fold(self.automaton.start, |state, &byte| self.automaton.next(state, byte))
    }
}

impl Processor for Pattern {
    fn process(&self, context: &Context<'_>, logits: &mut [f64]) {
        let state = self.state(context.written);
        let mut allowed = vec![false; logits.len()];
        self.follow(state, |id, to| allowed[id as usize] = self.distances[to] < context.remaining);
        if self.automaton.accepts[state] {
            self.stop.iter().for_each(|&id| allowed[id as usize] = true);
        }
        logits.iter_mut().zip(allowed).filter(|(_, allowed)| !allowed).for_each(|(z, _)| *z = RULED_OUT);
    }
}

#[cfg(test)]
mod tests;
