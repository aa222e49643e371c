//! How the rung transformer is arranged: as Vaswani et al. (2017) have it, but for what has proved better since.

use super::PositionKind;
use super::gpt_settings::activation;
use crate::layers::{Activation, NormPosition};
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
