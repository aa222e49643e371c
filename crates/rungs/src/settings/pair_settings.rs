//! What only the rungs that translate have: their cell, how they read, how they look back.

use super::by_name::by_name;
use super::{Rung, TokenizerKind};
use crate::Error;
use crate::layers::Score;
use crate::models::Style;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A recurrent cell.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// Two vectors, one of them behind gates.
    Lstm,
    /// One vector, kept or renewed by a gate.
    Gru,
}

impl CellKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Lstm, Self::Gru];

    /// What it is called on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lstm => "lstm",
            Self::Gru => "gru",
        }
    }
}
by_name!(CellKind, "cell");

/// When a decoder looks back: [`Style`] by name.
pub const STYLES: [(&str, Style); 2] = [("bahdanau", Style::Bahdanau), ("luong", Style::Luong)];

/// How it compares: [`Score`] by name.
pub const SCORES: [(&str, Score); 4] =
    [("additive", Score::Additive), ("dot", Score::Dot), ("general", Score::General), ("concat", Score::Concat)];

/// Which matrices are one: written `false`, `true` or `all`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tied {
    /// None.
    No,
    /// The decoder's embedding is its head too.
    Head,
    /// And the encoder's embedding, of the one vocabulary that sources and targets then have; in the rung transformer.
    All,
}

impl Tied {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::No, Self::Head, Self::All];

    /// What it is called on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::No => "false",
            Self::Head => "true",
            Self::All => "all",
        }
    }

    /// Whether the embedding is the head, in a rung that has no third matrix to tie.
    ///
    /// # Errors
    /// If all three were to be one.
    pub fn head(self, rung: Rung) -> Result<bool, Error> {
        match self {
            Self::No | Self::Head => Ok(self == Self::Head),
            Self::All => Err(Error::setting("tied", format!("the rung {rung} cannot tie all: it has true and false"))),
        }
    }
}
by_name!(Tied, "tied");

impl Serialize for Tied {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => to.serialize_bool(false),
            Self::Head => to.serialize_bool(true),
            Self::All => to.serialize_str(self.name()),
        }
    }
}

impl<'de> Deserialize<'de> for Tied {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Tied(bool),
            Named(String),
        }
        match Written::deserialize(from)? {
            Written::Tied(tied) => Ok(if tied { Self::Head } else { Self::No }),
            Written::Named(name) => name.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// The settings of a rung that learns pairs of texts, beside those of every rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairSettings {
    /// What the encoder and the decoder are made of, in rungs that have a recurrence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cell: Option<CellKind>,
    /// Whether the encoder reads the source from its end; in rungs that do not look back.
    pub reverse: bool,
    /// Whether the decoder's embedding is its head too, and perhaps the encoder's.
    pub tied: Tied,
    /// The probability that the decoder reads its own word in training, not the true one (scheduled sampling).
    pub scheduled_sampling: f64,
    /// How often a token must occur in the training pairs to be known.
    pub min_count: usize,
    /// Whether texts are made lower-case before they are learnt.
    pub lower_case: bool,
    /// When the decoder looks back, in the rung that does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attention: Option<Style>,
    /// How it compares.
    #[serde(with = "score", skip_serializing_if = "Option::is_none", default)]
    pub score: Option<Score>,
    /// Whether the encoder reads both ways.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub both_ways: Option<bool>,
}

impl PairSettings {
    /// The defaults: for the rung that looks back, Luong's attention with general scores over both directions.
    pub(super) fn of(rung: Rung) -> Self {
        let looks_back = rung == Rung::Attention;
        Self {
            cell: (rung != Rung::Transformer).then_some(CellKind::Lstm),
            reverse: rung == Rung::Seq2seq,
            tied: if rung == Rung::Transformer { Tied::Head } else { Tied::No },
            scheduled_sampling: 0.0,
            min_count: 1,
            lower_case: false,
            attention: looks_back.then_some(Style::Luong),
            score: looks_back.then_some(Score::General),
            both_ways: looks_back.then_some(true),
        }
    }

    pub(super) fn validate(&self, tokenizer: &TokenizerKind) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&self.scheduled_sampling) {
            let problem = format!("must lie between 0 and 1, not {}", self.scheduled_sampling);
            return Err(Error::setting("scheduled-sampling", problem));
        }
        if self.tied == Tied::All && matches!(tokenizer, TokenizerKind::Char | TokenizerKind::Word) {
            let problem =
                format!("all needs one vocabulary for sources and targets, as bpe:N has it, not two of {tokenizer}");
            return Err(Error::setting("tied", problem));
        }
        if self.min_count == 0 {
            return Err(Error::setting("min-count", "must be 1 or more, not 0"));
        }
        if self.min_count > 1 && !matches!(tokenizer, TokenizerKind::Char | TokenizerKind::Word) {
            let problem = format!("only characters and words can be too rare to be known, not tokens of {tokenizer}");
            return Err(Error::setting("min-count", problem));
        }
        Ok(())
    }
}

/// Scores by name.
mod score {
    use super::{SCORES, Score};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(score: &Option<Score>, to: S) -> Result<S::Ok, S::Error> {
        let name = |score: &Score| SCORES.iter().find(|(_, known)| known == score).map(|(name, _)| *name);
        score.as_ref().and_then(name).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Score>, D::Error> {
        let Some(name) = Option::<String>::deserialize(from)? else { return Ok(None) };
        let found = SCORES.iter().find(|(known, _)| *known == name);
        found.map(|(_, score)| Some(*score)).ok_or_else(|| D::Error::custom(format!("there is no score {name:?}")))
    }
}
