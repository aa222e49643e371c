//! A regular expression as a table: which state follows which at each byte, and in which a match may end.

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};
use std::collections::HashMap;

/// The most bytes of an automaton, and of the memory to build it with: some thousands of states.
const LARGEST: usize = 4 << 20;

/// The most bytes of the nondeterministic automaton before it. A state of the deterministic one is a set of its states,
/// so this bounds the time that each of them takes.
const LARGEST_NONDETERMINISTIC: usize = 1 << 20;

/// The state from which there is no match.
pub(super) const DEAD: usize = 0;

/// A deterministic automaton that accepts exactly the texts that match.
#[derive(Debug)]
pub(super) struct Automaton {
    /// Which of the classes a byte is in: those of a class lead from each state to the same one.
    classes: Box<[u8; 256]>,
    /// How many there are.
    width: usize,
    /// The state after each state, class by class.
    table: Vec<u32>,
    /// Whether a match may end in each state.
    pub(super) accepts: Vec<bool>,
    pub(super) start: usize,
}

impl Automaton {
    /// The automaton of an expression; of texts whose first space is not looked at, if one is `stripped`.
    pub(super) fn new(expression: &str, stripped: bool) -> Result<Self, String> {
        let limits = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .match_kind(MatchKind::All)
            .dfa_size_limit(Some(LARGEST))
            .determinize_size_limit(Some(LARGEST));
        let syntax = syntax::Config::new().unicode(true).utf8(true);
        let nfa = thompson::Config::new().nfa_size_limit(Some(LARGEST_NONDETERMINISTIC));
        let dfa = dense::Builder::new().configure(limits).syntax(syntax).thompson(nfa).build(expression);
        let dfa = dfa.map_err(problem)?;
        let start = dfa.start_state(&start::Config::new().anchored(Anchored::Yes));
        let start = start.map_err(|_| "begins with what cannot be decided".to_owned())?;
        let of_byte = dfa.byte_classes();
        let classes: Box<[u8; 256]> = Box::new(std::array::from_fn(|byte| of_byte.get(byte as u8)));
        let width = usize::from(*classes.iter().max().unwrap_or(&0)) + 1;
        let mut example = vec![0u8; width];
        (0..=255u8).for_each(|byte| example[usize::from(classes[byte as usize])] = byte);

        // State 0 is the dead one; the others get numbers as they are found.
        let (mut numbers, mut found) = (HashMap::from([(start, 1_u32)]), vec![start]);
        let (mut table, mut accepts) = (vec![0u32; width], vec![false]);
        let mut done = 0;
        while let Some(&state) = found.get(done) {
            done += 1;
            accepts.push(dfa.is_match_state(dfa.next_eoi_state(state)));
            for &byte in &example {
                let next = dfa.next_state(state, byte);
                let number = match dfa.is_dead_state(next) || dfa.is_quit_state(next) {
                    true => 0,
                    false => *numbers.entry(next).or_insert_with(|| {
                        found.push(next);
                        u32::try_from(found.len()).expect("fewer states than numbers")
                    }),
                };
                table.push(number);
            }
        }
        let mut automaton = Self { classes, width, table, accepts, start: 1 };
        if stripped {
            automaton.skip_a_space();
        }
        Ok(automaton)
    }

    /// A new first state, as the old one but for a space, which leads to the old one.
    fn skip_a_space(&mut self) {
        let old = self.start;
        let row = old * self.width..(old + 1) * self.width;
        self.table.extend_from_within(row);
        self.accepts.push(self.accepts[old]);
        self.start = self.accepts.len() - 1;
        // A space shares its class with other bytes, so it gets one of its own.
        let space = usize::from(self.classes[usize::from(b' ')]);
        let with_space = |row: &[u32]| row.iter().copied().chain([row[space]]).collect::<Vec<_>>();
        self.table = self.table.chunks(self.width).flat_map(with_space).collect();
        self.classes[usize::from(b' ')] =
            u8::try_from(self.width).expect("a class beyond those of all bytes is not full");
        self.width += 1;
        let at = self.start * self.width + self.width - 1;
        self.table[at] = u32::try_from(old).expect("fewer states than numbers");
    }

    /// The state after a byte.
    pub(super) fn next(&self, state: usize, byte: u8) -> usize {
        self.table[state * self.width + usize::from(self.classes[usize::from(byte)])] as usize
    }
}

/// What is wrong with an expression, in a line.
fn problem(error: dense::BuildError) -> String {
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let text = causes.last().map(<dyn std::error::Error>::to_string).unwrap_or_default();
    match error.is_size_limit_exceeded() || text.contains("limit") {
        true => "is too large: its automaton would have more states than fit 4 MiB".to_owned(),
        // The parser draws where the error is; the last line says what it is.
        false => {
            let last = text.lines().last().unwrap_or_default().trim();
            format!("is none: {}", last.strip_prefix("error: ").unwrap_or(last))
        }
    }
}
