//! The rungs of the ladder, by name.

use super::by_name::by_name;
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
    /// Reading and writing by attention alone.
    Transformer,
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
    pub const ALL: [Self; 7] =
        [Self::Rnn, Self::Lstm, Self::Gru, Self::Gpt, Self::Seq2seq, Self::Attention, Self::Transformer];

    /// What it is called on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rnn => "rnn",
            Self::Lstm => "lstm",
            Self::Gru => "gru",
            Self::Gpt => "gpt",
            Self::Seq2seq => "seq2seq",
            Self::Attention => "attention",
            Self::Transformer => "transformer",
        }
    }

    /// What it learns.
    pub fn learns(self) -> Learns {
        match self {
            Self::Seq2seq | Self::Attention | Self::Transformer => Learns::Pairs,
            _ => Learns::Text,
        }
    }

    /// Whether it reads a text token by token and carries a state, rather than a window at once.
    pub fn is_recurrent(self) -> bool {
        !matches!(self, Self::Gpt | Self::Transformer)
    }
}

by_name!(Rung, "rung");
