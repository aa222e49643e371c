//! The rungs of the ladder, by name.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A rung of the ladder: a kind of model.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rung {
    /// One vector, rewritten at every step.
    Rnn,
    /// Two vectors, one of them behind gates.
    Lstm,
    /// One vector, kept or renewed by a gate.
    Gru,
    /// A stack of Transformer blocks that looks back at everything.
    Gpt,
    /// One network reads, another writes, and a state passes between them.
    Seq2seq,
    /// The same, and the one that writes looks back.
    Attention,
}

/// What a rung learns.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Learns {
    /// A text: what comes next.
    Text,
    /// Pairs of texts: what the other one is.
    Pairs,
}

impl Rung {
    /// All of them, from the bottom of the ladder to its top.
    pub const ALL: [Self; 6] = [Self::Rnn, Self::Lstm, Self::Gru, Self::Gpt, Self::Seq2seq, Self::Attention];

    /// What it is called on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rnn => "rnn",
            Self::Lstm => "lstm",
            Self::Gru => "gru",
            Self::Gpt => "gpt",
            Self::Seq2seq => "seq2seq",
            Self::Attention => "attention",
        }
    }

    /// What it learns.
    pub fn learns(self) -> Learns {
        match self {
            Self::Seq2seq | Self::Attention => Learns::Pairs,
            _ => Learns::Text,
        }
    }

    /// Whether it reads a text token by token and carries a state, rather than a window at once.
    pub fn is_recurrent(self) -> bool {
        self != Self::Gpt
    }
}

/// Printed as its name, and read back from it.
macro_rules! by_name {
    ($type:ident, $what:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(name: &str) -> Result<Self, Error> {
                let known = Self::ALL.map(Self::name).join(", ");
                let found = Self::ALL.into_iter().find(|item| item.name() == name);
                found.ok_or_else(|| Error::setting($what, format!("there is no {name:?}, only {known}")))
            }
        }
    };
}
pub(super) use by_name;
by_name!(Rung, "rung");
