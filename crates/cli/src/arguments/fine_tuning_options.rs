//! The options of fine-tuning: what is trained of a model that another run trained before.

use clap::Args;
use rungs::settings::{FineTuning, Lora, Targets};

use super::value_parsers::{count, number, positive};
use crate::terminal::failure::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct FineTuningOptions {
    /// Train LoRA adapters of this rank and freeze the model; the run folder holds the adapters alone
    #[arg(long, value_name = "RANK", value_parser = count)]
    lora: Option<usize>,
    /// α of LoRA, divided by the rank [default: twice --lora]
    #[arg(long, value_name = "X", value_parser = positive)]
    lora_alpha: Option<f64>,
    /// Matrices that get adapters, by parts of their names, as qkv or blocks.3.attention [default:
    /// attention,feed-forward]
    #[arg(long, value_name = "NAME,NAME,…")]
    lora_targets: Option<Targets>,
    /// Probability of dropout before an adapter in training [default: 0]
    #[arg(long, value_name = "P", value_parser = number)]
    lora_dropout: Option<f64>,
    /// Train the last N blocks, the last norm and an untied output layer, and freeze the rest
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "lora")]
    train_last_layers: Option<usize>,
}

impl FineTuningOptions {
    /// Puts the options that were given into settings.
    pub(super) fn apply(&self, fine_tuning: &mut Option<FineTuning>) -> Outcome {
        if let Some(last) = self.train_last_layers {
            *fine_tuning = Some(FineTuning::TrainLastLayers(last));
        }
        let known = if let Some(FineTuning::Lora(lora)) = &fine_tuning { Some(lora.rank) } else { None };
        if let Some(rank) = self.lora.filter(|&rank| Some(rank) != known) {
            *fine_tuning = Some(FineTuning::Lora(Lora::of_rank(rank)));
        }
        match fine_tuning {
            Some(FineTuning::Lora(lora)) => {
                lora.alpha = self.lora_alpha.unwrap_or(lora.alpha);
                lora.dropout = self.lora_dropout.unwrap_or(lora.dropout);
                lora.targets = self.lora_targets.clone().unwrap_or_else(|| lora.targets.clone());
            }
            _ => {
                let given = [
                    ("--lora-alpha", self.lora_alpha.is_some()),
                    ("--lora-targets", self.lora_targets.is_some()),
                    ("--lora-dropout", self.lora_dropout.is_some()),
                ];
                if let Some((option, _)) = given.into_iter().find(|(_, given)| *given) {
                    return Err(Failure::input(format!("{option}: without --lora there is no adapter")));
                }
            }
        }
        Ok(())
    }
}
