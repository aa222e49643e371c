//! How a GPT is arranged: GPT-2's way, Llama's, or any other that its parts allow.

use super::by_name::by_name;
use crate::Error;
use crate::layers::{Activation, NormKind, Rotary, norm};
use crate::models::{GptConfig, Positions};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An arrangement that has a name: the values of [`GptSettings`] that are not set one by one.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// GPT-2's blocks with the exact gelu and without biases, as nanoGPT has them.
    Gpt,
    /// Llama's: root-mean-square norms, rotary positions, a gated silu, a head of its own.
    Llama,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Gpt, Self::Llama];

    /// What it is called on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpt => "gpt",
            Self::Llama => "llama",
        }
    }
}
by_name!(Architecture, "architecture");

/// Which normalisation stands before each part of a block.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NormName {
    /// [Layer normalisation](crate::layers::LayerNorm).
    Layer,
    /// [Root-mean-square normalisation](crate::layers::RmsNorm).
    Rms,
}

impl NormName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Layer, Self::Rms];

    /// What it is called on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Rms => "rms",
        }
    }
}
by_name!(NormName, "norm");

/// How a rung without recurrence knows where a token stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PositionKind {
    /// A learnt vector for each position.
    Learned,
    /// Queries and keys are [turned](crate::layers::Rotary); in a GPT.
    Rotary,
    /// Waves are added to the token's vector, as Vaswani et al. (2017) do; in the rung transformer.
    Sinusoidal,
}

impl PositionKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Learned, Self::Rotary, Self::Sinusoidal];

    /// What it is called on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Learned => "learned",
            Self::Rotary => "rotary",
            Self::Sinusoidal => "sinusoidal",
        }
    }
}
by_name!(PositionKind, "positions");

/// φ of the feed-forward layers: [`Activation`] by name.
pub const ACTIVATIONS: [(&str, Activation); 5] = [
    ("relu", Activation::Relu),
    ("gelu", Activation::Gelu),
    ("gelu-tanh", Activation::GeluTanh),
    ("silu", Activation::Silu),
    ("tanh", Activation::Tanh),
];

/// The settings of a GPT beside those of every rung. What a file does not say is as [`Architecture::Gpt`] has it, which
/// was the only arrangement once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GptSettings {
    /// Where the others began.
    pub architecture: Architecture,
    /// M, the heads of keys and values, which divides that of queries; as many where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_heads: Option<usize>,
    /// H, the width inside the feed-forward layers; the architecture's for this width where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feed_forward: Option<usize>,
    /// φ of the feed-forward layers.
    #[serde(with = "activation")]
    pub activation: Activation,
    /// Whether they have a gate.
    pub gated: bool,
    /// What stands before each part.
    pub norm: NormName,
    /// Its ε.
    pub norm_epsilon: f64,
    /// How positions are known.
    pub positions: PositionKind,
    /// θ of rotary positions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotary_base: Option<f64>,
    /// Whether the embedding is the head too.
    pub tied: bool,
    /// Whether linear layers and layer norms have biases.
    pub bias: bool,
    /// Whether each block is computed again on the way back: less memory, a third more time, the same bits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub checkpointing: bool,
    /// Tokens that end a text, in models that were imported with any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub end: Vec<u32>,
}

impl Default for GptSettings {
    fn default() -> Self {
        Self::of(Architecture::Gpt)
    }
}

impl GptSettings {
    /// The values an architecture has.
    pub fn of(architecture: Architecture) -> Self {
        let gpt = Self {
            architecture,
            key_heads: None,
            feed_forward: None,
            activation: Activation::Gelu,
            gated: false,
            norm: NormName::Layer,
            norm_epsilon: norm::EPSILON,
            positions: PositionKind::Learned,
            rotary_base: None,
            tied: true,
            bias: false,
            checkpointing: false,
            end: Vec::new(),
        };
        match architecture {
            Architecture::Gpt => gpt,
            Architecture::Llama => Self {
                activation: Activation::Silu,
                gated: true,
                norm: NormName::Rms,
                positions: PositionKind::Rotary,
                rotary_base: Some(10_000.0),
                tied: false,
                ..gpt
            },
        }
    }

    /// The settings that make a model of these sizes and parts, and end texts with `end`.
    pub fn from_config(architecture: Architecture, config: &GptConfig, end: Vec<u32>) -> Self {
        let (norm, norm_epsilon) = match config.norm {
            NormKind::Layer(epsilon) => (NormName::Layer, epsilon),
            NormKind::Rms(epsilon) => (NormName::Rms, epsilon),
        };
        let (positions, rotary_base) = match config.positions {
            Positions::Learned => (PositionKind::Learned, None),
            Positions::Rotary(Rotary { base }) => (PositionKind::Rotary, Some(base)),
        };
        Self {
            architecture,
            key_heads: (config.key_heads != config.heads).then_some(config.key_heads),
            feed_forward: Some(config.feed_forward),
            activation: config.activation,
            gated: config.gated,
            norm,
            norm_epsilon,
            positions,
            rotary_base,
            tied: config.tied,
            bias: config.bias,
            checkpointing: config.checkpointing,
            end,
        }
    }

    /// The sizes and parts of a model, with those that these settings do not decide as `sizes` has them.
    pub(super) fn config(&self, sizes: [usize; 5], dropout: f64) -> Result<GptConfig, Error> {
        let [vocabulary, context, width, heads, layers] = sizes;
        let positions = match (self.positions, self.rotary_base) {
            (PositionKind::Learned, None) => Positions::Learned,
            (PositionKind::Rotary, Some(base)) => Positions::Rotary(Rotary { base }),
            (PositionKind::Learned, Some(_)) => {
                return Err(Error::setting("rotary-base", "only rotary positions have it, and these are learned"));
            }
            (PositionKind::Rotary, None) => {
                return Err(Error::setting("rotary-base", "rotary positions need it"));
            }
            (PositionKind::Sinusoidal, _) => {
                return Err(Error::setting("positions", "those of a gpt are learned or rotary"));
            }
        };
        let of = match self.architecture {
            Architecture::Gpt => GptConfig::gpt,
            Architecture::Llama => GptConfig::llama,
        };
        let named = of(vocabulary, context, width, heads, layers);
        Ok(GptConfig {
            key_heads: self.key_heads.unwrap_or(heads),
            feed_forward: self.feed_forward.unwrap_or(named.feed_forward),
            activation: self.activation,
            gated: self.gated,
            norm: match self.norm {
                NormName::Layer => NormKind::Layer(self.norm_epsilon),
                NormName::Rms => NormKind::Rms(self.norm_epsilon),
            },
            positions,
            tied: self.tied,
            dropout,
            bias: self.bias,
            checkpointing: self.checkpointing,
            ..named
        })
    }
}

/// Activations by name.
pub(super) mod activation {
    use super::{ACTIVATIONS, Activation};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
    pub(in crate::settings) fn serialize<S: Serializer>(activation: &Activation, to: S) -> Result<S::Ok, S::Error> {
        let named = ACTIVATIONS.iter().find(|(_, known)| known == activation);
        named.map(|(name, _)| name).expect("every activation has a name").serialize(to)
    }

    pub(in crate::settings) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Activation, D::Error> {
        let name = String::deserialize(from)?;
        let found = ACTIVATIONS.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, activation)| *activation)
            .ok_or_else(|| D::Error::custom(format!("there is no activation {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rung, Settings};

    #[test]
    fn an_architecture_is_a_configuration_of_the_model() {
        for (architecture, config) in [
            (Architecture::Gpt, GptConfig { bias: false, ..GptConfig::gpt(50, 64, 128, 4, 4) }),
            (Architecture::Llama, GptConfig::llama(50, 64, 128, 4, 4)),
        ] {
            let settings = GptSettings::of(architecture);
            assert_eq!(settings.config([50, 64, 128, 4, 4], 0.0).unwrap(), config);
            let spelled = GptSettings::from_config(architecture, &config, vec![]);
            assert_eq!(spelled.config([50, 64, 128, 4, 4], 0.0).unwrap(), config);
            let json = serde_json::to_string(&settings).unwrap();
            assert_eq!(serde_json::from_str::<GptSettings>(&json).unwrap(), settings);
        }
    }

    #[test]
    fn what_is_not_said_is_as_it_was_when_there_was_nothing_to_say() {
        assert_eq!(serde_json::from_str::<GptSettings>("{}").unwrap(), GptSettings::of(Architecture::Gpt));
        let mut json = serde_json::to_value(Settings::of(Rung::Gpt)).unwrap();
        json.as_object_mut().unwrap().remove("gpt").unwrap();
        assert_eq!(serde_json::from_value::<Settings>(json).unwrap(), Settings::of(Rung::Gpt));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let refused = |change: fn(&mut Settings, &mut GptSettings)| {
            let mut settings = Settings::of(Rung::Gpt);
            let mut gpt = settings.gpt.take().unwrap();
            change(&mut settings, &mut gpt);
            Settings { gpt: Some(gpt), ..settings }.validate().unwrap_err().to_string()
        };
        assert_eq!(refused(|_, g| g.key_heads = Some(3)), "heads 4 is not a multiple of key-heads 3");
        assert_eq!(refused(|_, g| g.norm_epsilon = 0.0), "norm-epsilon 0 is not a positive number");
        assert_eq!(refused(|_, g| g.feed_forward = Some(0)), "feed-forward is 0; it must be at least 1");
        let learned = "rotary-base: only rotary positions have it, and these are learned";
        assert_eq!(refused(|_, g| g.rotary_base = Some(1e4)), learned);
        assert_eq!(refused(|_, g| g.positions = PositionKind::Rotary), "rotary-base: rotary positions need it");
        let odd = refused(|s, g| {
            *g = GptSettings::of(Architecture::Llama);
            s.hidden = 36;
        });
        assert_eq!(odd, "rotary positions turn pairs of numbers, and a head has 9");
        assert_eq!(refused(|s, _| *s = Settings::of(Rung::Rnn)), "architecture: the rung rnn has no such setting");
    }
}
