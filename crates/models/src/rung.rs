//! The rungs of the ladder by name.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A kind of model. From each to the next goes one idea of the history of text generation.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rung {
    /// Elman's network.
    Rnn,
    /// Long short-term memory.
    Lstm,
    /// The gated recurrent unit.
    Gru,
    /// Transformer blocks with causal attention.
    Gpt,
    /// An encoder and a decoder, and a state between them.
    Seq2seq,
    /// A decoder that attends to the encoder's states.
    Attention,
    /// An encoder and a decoder made of attention.
    Transformer,
}

impl Rung {
    /// All rungs: language models first, then translators.
    pub const ALL: [Self; 7] =
        [Self::Rnn, Self::Lstm, Self::Gru, Self::Gpt, Self::Seq2seq, Self::Attention, Self::Transformer];

    /// The name, as the program and files of settings have it.
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

    /// Whether the model reads a source and writes a target, rather than continuing a text.
    pub fn translates(self) -> bool {
        matches!(self, Self::Seq2seq | Self::Attention | Self::Transformer)
    }

    /// Whether the model is made of recurrent cells.
    pub fn is_recurrent(self) -> bool {
        matches!(self, Self::Rnn | Self::Lstm | Self::Gru | Self::Seq2seq | Self::Attention)
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
