//! How the rung transformer is arranged: as Vaswani et al. (2017) have it, but for what has proved better since.

use super::gpt::activation;
use super::{PairSettings, PositionKind, Settings, Tied};
use crate::Error;
use crate::layers::{Activation, NormPosition};
use crate::models::{AddedPositions, TransformerConfig, Tying};
use serde::{Deserialize, Serialize};

/// Where norms stand: [`NormPosition`] by name.
pub const NORM_POSITIONS: [(&str, NormPosition); 2] = [("pre", NormPosition::Pre), ("post", NormPosition::Post)];

/// The settings of a Transformer that reads and writes, beside those of every rung that learns pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformerSettings {
    /// H, the width inside the feed-forward layers; 4 times that of a position where it is not said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub feed_forward: Option<usize>,
    /// φ of the feed-forward layers.
    #[serde(with = "activation")]
    pub activation: Activation,
    /// Where the norms stand.
    #[serde(with = "norm_position")]
    pub norm_position: NormPosition,
    /// How positions are known.
    pub positions: PositionKind,
    /// Whether each block is computed again on the way back: less memory, a third more time, the same bits.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub checkpointing: bool,
}

impl Default for TransformerSettings {
    /// The paper's, with the norm before each part: it learns without a warm-up of thousands of steps.
    fn default() -> Self {
        Self {
            feed_forward: None,
            activation: Activation::Relu,
            norm_position: NormPosition::Pre,
            positions: PositionKind::Sinusoidal,
            checkpointing: false,
        }
    }
}

impl Settings {
    /// The sizes of a Transformer for vocabularies of this many tokens.
    pub(super) fn transformer_config(&self, vocabularies: [usize; 2]) -> Result<TransformerConfig, Error> {
        let &Self { rung, layers, hidden, embedding, heads, context, dropout, .. } = self;
        let needed = |name: &'static str| Error::setting(name, format!("the rung {rung} needs it"));
        let &PairSettings { cell, reverse, tied, attention, score, both_ways, scheduled_sampling, .. } =
            self.pair_settings()?;
        for (name, is_there) in [
            ("embedding", embedding.is_some()),
            ("cell", cell.is_some()),
            ("reverse", reverse),
            ("attention", attention.is_some()),
            ("score", score.is_some()),
            ("both-ways", both_ways.is_some()),
        ] {
            if is_there {
                return Err(Error::setting(name, format!("the rung {rung} has no such setting")));
            }
        }
        let settings = self.transformer.as_ref().ok_or_else(|| needed("norm-position"))?;
        if settings.checkpointing && scheduled_sampling > 0.0 {
            let problem =
                "with scheduled-sampling every step of the decoder is kept: there is nothing to compute again";
            return Err(Error::setting("checkpointing", problem));
        }
        let heads = heads.ok_or_else(|| needed("heads"))?;
        let named = TransformerConfig::vaswani(vocabularies, hidden, heads, layers);
        Ok(TransformerConfig {
            // A target is read after a start token.
            context: context.saturating_add(1),
            feed_forward: settings.feed_forward.unwrap_or(named.feed_forward),
            activation: settings.activation,
            norm_position: settings.norm_position,
            positions: match settings.positions {
                PositionKind::Learned => AddedPositions::Learned,
                PositionKind::Sinusoidal => AddedPositions::Sinusoidal,
                PositionKind::Rotary => {
                    let problem = format!("those of the rung {rung} are sinusoidal or learned");
                    return Err(Error::setting("positions", problem));
                }
            },
            tying: match tied {
                Tied::No => Tying::Nothing,
                Tied::Head => Tying::Head,
                Tied::All => Tying::All,
            },
            dropout,
            checkpointing: settings.checkpointing,
            ..named
        })
    }

    /// That there is nothing of what only a Transformer has.
    pub(super) fn no_transformer(&self) -> Result<(), Error> {
        match self.transformer {
            None => Ok(()),
            Some(_) => Err(Error::setting("norm-position", format!("the rung {} has no such setting", self.rung))),
        }
    }
}

/// Places of norms by name.
mod norm_position {
    use super::{NORM_POSITIONS, NormPosition};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
    pub(super) fn serialize<S: Serializer>(place: &NormPosition, to: S) -> Result<S::Ok, S::Error> {
        let named = NORM_POSITIONS.iter().find(|(_, known)| known == place);
        named.map(|(name, _)| name).expect("both places have names").serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<NormPosition, D::Error> {
        let name = String::deserialize(from)?;
        let found = NORM_POSITIONS.iter().find(|(known, _)| *known == name);
        found.map(|(_, place)| *place).ok_or_else(|| D::Error::custom(format!("there is no norm position {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CellKind, Rung, TokenizerKind};

    #[test]
    fn settings_are_a_configuration_of_the_model() {
        let settings = Settings { hidden: 96, layers: 3, dropout: 0.1, ..Settings::of(Rung::Transformer) };
        let config = settings.transformer_config([7, 9]).unwrap();
        let expected = TransformerConfig {
            context: 51,
            dropout: 0.1,
            norm_position: NormPosition::Pre,
            ..TransformerConfig::vaswani([7, 9], 96, 4, 3)
        };
        assert_eq!(config, expected);
        let mut spelled = settings.clone();
        spelled.transformer = Some(TransformerSettings {
            feed_forward: Some(50),
            activation: Activation::Gelu,
            norm_position: NormPosition::Post,
            positions: PositionKind::Learned,
            checkpointing: true,
        });
        spelled.pairs.as_mut().unwrap().tied = Tied::All;
        let json = serde_json::to_string(&spelled).unwrap();
        assert!(
            !serde_json::to_string(&settings).unwrap().contains("checkpointing"),
            "runs of earlier versions have no word"
        );
        assert!(json.contains(r#""tied":"all""#) && json.contains(r#""norm_position":"post""#), "{json}");
        let read: Settings = serde_json::from_str(&json).unwrap();
        assert_eq!(read, spelled);
        let config = read.transformer_config([9, 9]).unwrap();
        let spelled = (config.tying, config.positions, config.feed_forward, config.checkpointing);
        assert_eq!(spelled, (Tying::All, AddedPositions::Learned, 50, true));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let refused = |rung, change: fn(&mut Settings)| {
            let mut settings = Settings::of(rung);
            change(&mut settings);
            settings.validate().unwrap_err().to_string()
        };
        fn pairs(settings: &mut Settings) -> &mut PairSettings {
            settings.pairs.as_mut().unwrap()
        }
        let of_transformer = |change| refused(Rung::Transformer, change);
        assert_eq!(of_transformer(|s| s.heads = Some(3)), "hidden 128 is not a multiple of heads 3");
        assert_eq!(of_transformer(|s| s.heads = None), "heads: the rung transformer needs it");
        assert_eq!(of_transformer(|s| s.embedding = Some(8)), "embedding: the rung transformer has no such setting");
        let cell = |s: &mut Settings| pairs(s).cell = Some(CellKind::Gru);
        assert_eq!(of_transformer(cell), "cell: the rung transformer has no such setting");
        let reverse = |s: &mut Settings| pairs(s).reverse = true;
        assert_eq!(of_transformer(reverse), "reverse: the rung transformer has no such setting");
        let all = |s: &mut Settings| pairs(s).tied = Tied::All;
        let line = "tied: all needs one vocabulary for sources and targets, as bpe:N has it, not two of char";
        assert_eq!(of_transformer(all), line);
        let all_of_bytes = |s: &mut Settings| {
            pairs(s).tied = Tied::All;
            s.tokenizer = TokenizerKind::Bpe(300);
        };
        let line = "tied: the rung attention cannot tie all: it has true and false";
        assert_eq!(refused(Rung::Attention, all_of_bytes), line);
        let mut bytes = Settings::of(Rung::Transformer);
        all_of_bytes(&mut bytes);
        bytes.validate().unwrap();
        let again = |s: &mut Settings| {
            pairs(s).scheduled_sampling = 0.1;
            s.transformer = Some(TransformerSettings { checkpointing: true, ..Default::default() });
        };
        assert!(of_transformer(again).starts_with("checkpointing: with scheduled-sampling every step"));
        let rotary = |s: &mut Settings| {
            s.transformer = Some(TransformerSettings { positions: PositionKind::Rotary, ..Default::default() });
        };
        assert_eq!(of_transformer(rotary), "positions: those of the rung transformer are sinusoidal or learned");
        assert_eq!(refused(Rung::Seq2seq, rotary), "norm-position: the rung seq2seq has no such setting");
    }
}
