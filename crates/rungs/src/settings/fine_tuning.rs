//! What of a model is trained, where that is not all of it: adapters, or the last blocks.

use crate::Error;
use crate::layers::lora::is_adapter;
use crate::models::{GptConfig, ModelConfig};
use crate::trainer::TrainError;
use crate::trainer::error::{counted, positive, setting, share};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The part that is trained of a model that begins with another run's weights. Without it all of the model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FineTuning {
    /// Adapters; the model stays as it is.
    Lora(Lora),
    /// The last blocks, so many of them, with the last norm, and with the output layer where it is not the embedding
    /// too: that is the first layer, and its gradient would have to pass through all others.
    TrainLastLayers(usize),
}

/// Low-rank adaptation (Hu et al. 2021): see [`crate::layers::lora`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lora {
    /// R, the rank of what is added to a matrix.
    pub rank: usize,
    /// α; what is added is scaled by α / R.
    pub alpha: f64,
    /// Which matrices are adapted.
    #[serde(with = "super::as_text")]
    pub targets: Targets,
    /// The probability of dropping a number on its way into an adapter, in training.
    pub dropout: f64,
}

impl Lora {
    /// Adapters of this rank on all matrices of the blocks, with α = 2R and without dropout.
    ///
    /// The paper adapts queries and values alone. With all matrices a smaller rank does as well (Dettmers et al. 2023,
    /// *QLoRA*, section 4), and here queries, keys and values are one matrix.
    pub fn of_rank(rank: usize) -> Self {
        Self { rank, alpha: 2.0 * rank as f64, targets: Targets::default(), dropout: 0.0 }
    }
}

/// Parts of a model by name, whose linear layers are adapted: `attention,feed_forward`.
///
/// A part is one or more neighbouring steps of the path that a parameter's name is: `attention`, `qkv`,
/// `feed_forward.up`, `blocks.3` or all of `blocks.3.attention.qkv`. It is printed as it is read, and kept in files in
/// that form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets(Vec<String>);

impl Default for Targets {
    /// All of a block that is a matrix.
    fn default() -> Self {
        Self(["attention", "feed_forward"].map(str::to_owned).to_vec())
    }
}

impl Targets {
    /// Whether the linear layer of this name is part of one of them.
    pub fn take(&self, layer: &str) -> bool {
        self.0.iter().any(|part| is_part(layer, part))
    }

    /// The first of them that none of these layers is part of.
    pub fn missing<'a>(&'a self, layers: &[impl AsRef<str>]) -> Option<&'a str> {
        self.0.iter().find(|part| !layers.iter().any(|layer| is_part(layer.as_ref(), part))).map(String::as_str)
    }
}

fn is_part(layer: &str, part: &str) -> bool {
    format!(".{layer}.").contains(&format!(".{part}."))
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.join(","))
    }
}

impl FromStr for Targets {
    type Err = Error;

    /// Parts with commas in between; `feed-forward` is `feed_forward`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let parts: Vec<String> = text.split(',').map(|part| part.trim().replace('-', "_")).collect();
        match parts.iter().any(String::is_empty) {
            true => Err(Error::setting("lora-targets", format!("{text:?} leaves out the name of a part"))),
            false => Ok(Self(parts)),
        }
    }
}

impl FineTuning {
    /// The option that asks for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lora(_) => "lora",
            Self::TrainLastLayers(_) => "train-last-layers",
        }
    }

    /// Whether the parameter of this name is frozen in a model of so many blocks.
    pub fn freezes(&self, parameter: &str, layers: usize) -> bool {
        match self {
            Self::Lora(_) => !is_adapter(parameter),
            Self::TrainLastLayers(last) => {
                let mut path = parameter.split('.');
                match (path.next(), path.next().and_then(|index| index.parse::<usize>().ok())) {
                    (Some("blocks"), Some(index)) => index + last < layers,
                    (first, _) => !matches!(first, Some("final_norm" | "head")),
                }
            }
        }
    }

    pub(super) fn validate(&self, model: &ModelConfig) -> Result<(), TrainError> {
        let ModelConfig::Gpt(GptConfig { layers, .. }) = model else {
            let problem = format!("the rung {} is trained as a whole; only gpt need not be", model.rung());
            return Err(TrainError::setting(self.name(), problem));
        };
        match self {
            Self::TrainLastLayers(last) => setting("train-last-layers", (1..=*layers).contains(last), || {
                format!("must be 1 to {layers}, all there are, not {last}")
            }),
            Self::Lora(Lora { rank, alpha, dropout, .. }) => {
                counted("lora", *rank)?;
                positive("lora-alpha", *alpha)?;
                share("lora-dropout", *dropout)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rung, Settings};

    #[test]
    fn targets_are_parts_of_names_and_not_of_words() {
        let targets: Targets = "qkv, feed-forward.up".parse().unwrap();
        assert_eq!(targets.to_string(), "qkv,feed_forward.up");
        let layers = ["attention.qkv", "attention.projection", "feed_forward.up", "feed_forward.down"];
        let layers = layers.map(|layer| format!("blocks.10.{layer}")).to_vec();
        let taken: Vec<bool> = layers.iter().map(|layer| targets.take(layer)).collect();
        assert_eq!(taken, [true, false, true, false]);
        let taken = |text: &str| {
            let targets: Targets = text.parse().unwrap();
            layers.iter().filter(|layer| targets.take(layer)).count()
        };
        assert_eq!(
            [taken("blocks.10"), taken("blocks.1"), taken("up"), taken("u"), taken("blocks.10.up")],
            [4, 0, 1, 0, 0]
        );
        assert_eq!(Targets::default().missing(&layers), None);
        assert_eq!("qkv,gate,cross".parse::<Targets>().unwrap().missing(&layers), Some("gate"));
        assert!("qkv,,up".parse::<Targets>().is_err() && "".parse::<Targets>().is_err());
        let lora = Lora { targets, ..Lora::of_rank(2) };
        let json = serde_json::to_value(&lora).unwrap();
        assert_eq!(
            (&json["targets"], serde_json::from_value(json.clone()).unwrap()),
            (&"qkv,feed_forward.up".into(), lora)
        );
    }

    #[test]
    fn the_last_blocks_are_trained_with_what_comes_after_them() {
        let tuning = FineTuning::TrainLastLayers(2);
        let trained = |name: &str| !tuning.freezes(name, 12);
        for name in ["blocks.10.norm_1.gain", "blocks.11.attention.qkv.weight", "final_norm.gain", "head.weight"] {
            assert!(trained(name), "{name}");
        }
        for name in
            ["blocks.1.norm_1.gain", "blocks.9.norm_1.gain", "token_embedding.weight", "position_embedding.weight"]
        {
            assert!(!trained(name), "{name}");
        }
    }

    #[test]
    fn settings_without_it_say_nothing_of_it_and_read_back_with_it() {
        let plain = Settings::of(Rung::Gpt);
        assert!(!serde_json::to_string(&plain).unwrap().contains("fine_tuning"));
        let tuned = Settings { fine_tuning: Some(FineTuning::Lora(Lora::of_rank(4))), ..plain.clone() };
        let json = serde_json::to_string(&tuned).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), tuned);
        let difference = plain.difference(&tuned, &[]).unwrap();
        assert_eq!(
            (difference.name.as_str(), difference.was.as_str(), difference.wanted.as_str()),
            ("lora", "absent", "4")
        );
        assert_eq!(plain.model_difference(&tuned), None);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let refused = |rung, change: fn(&mut Lora), last: Option<usize>| {
            let mut lora = Lora::of_rank(4);
            change(&mut lora);
            let fine_tuning = Some(last.map_or(FineTuning::Lora(lora), FineTuning::TrainLastLayers));
            Settings { fine_tuning, ..Settings::of(rung) }.validate().unwrap_err().to_string()
        };
        let nothing = |_: &mut Lora| {};
        assert_eq!(refused(Rung::Gpt, |lora| lora.rank = 0, None), "lora: must be 1 or more, not 0");
        assert_eq!(refused(Rung::Gpt, |lora| lora.alpha = -1.0, None), "lora-alpha: must be a positive number, not -1");
        assert!(refused(Rung::Gpt, |lora| lora.dropout = 1.0, None).starts_with("lora-dropout: "));
        let lstm = "lora: the rung lstm is trained as a whole; only gpt need not be";
        assert_eq!(refused(Rung::Lstm, nothing, None), lstm);
        assert_eq!(refused(Rung::Gpt, nothing, Some(5)), "train-last-layers: must be 1 to 4, all there are, not 5");
        assert!(refused(Rung::Transformer, nothing, Some(1)).starts_with("train-last-layers: the rung transformer"));
    }
}
