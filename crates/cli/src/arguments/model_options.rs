//! The options of each rung's model: each sets the field of its configuration that has, in a file, the name of the
//! option's field here.

use std::fmt::Debug;

use clap::Args;
use rungs::layers::{Activation, NormPosition, Score};
use rungs::models::{AddedPositions, CellKind, GptConfig, Positions, Style, Tying};
use rungs::settings::{FineTuning, Lora, Targets};
use rungs::{ModelConfig, Settings};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::value_parsers::{count, names, number, positive, set};
use crate::terminal::{Failure, Outcome};

/// The options of a rung's model.
pub(crate) trait ModelOptions: Debug {
    /// Puts the options that were given into settings of the rung.
    fn apply(&self, settings: &mut Settings) -> Outcome;
}

/// A preset, and the fields of a configuration.
#[derive(Debug, Args)]
pub(crate) struct OfModel<F: Args> {
    /// Sizes by name, which other options change
    #[arg(long, value_name = "NAME", value_parser = ["tiny", "small"])]
    preset: Option<String>,
    #[command(flatten)]
    fields: F,
}

impl<F: Args + Debug + Serialize> ModelOptions for OfModel<F> {
    fn apply(&self, settings: &mut Settings) -> Outcome {
        set_preset(settings, self.preset.as_deref());
        set_fields(&mut settings.model, &self.fields);
        Ok(())
    }
}

/// Begins with a preset, if one was given.
fn set_preset(settings: &mut Settings, preset: Option<&str>) {
    if let Some(name) = preset {
        let preset = ModelConfig::preset(settings.rung(), name);
        settings.model = preset.expect("the names of presets are those of the option");
    }
}

/// Sets the fields of a configuration for which a value was given; `norm.name` is the field `name` of the field `norm`.
fn set_fields<C: Serialize + DeserializeOwned>(config: &mut C, given: &impl Serialize) {
    let [mut fields, given] =
        [serde_json::to_value(&config), serde_json::to_value(given)].map(|value| value.expect("plain values"));
    for (path, value) in given.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let field = path.split('.').fold(&mut fields, |of, name| &mut of[name]);
        *field = value.clone();
    }
    *config = serde_json::from_value(fields).expect("an option has the values that its field can have");
}

/// The options of models made of recurrent cells.
#[derive(Debug, Args, Serialize)]
pub(crate) struct RecurrentFields {
    /// Layers
    #[arg(long, value_name = "N", value_parser = count)]
    layers: Option<usize>,
    /// Width of the hidden state
    #[arg(long, value_name = "N", value_parser = count)]
    hidden: Option<usize>,
    /// Width of the token embedding
    #[arg(long, value_name = "N", value_parser = count)]
    embedding: Option<usize>,
    /// Probability of dropout in training
    #[arg(long, value_name = "P", value_parser = number)]
    dropout: Option<f64>,
}

/// The options of encoder-decoders made of recurrent cells.
#[derive(Debug, Args, Serialize)]
pub(crate) struct EncoderDecoderFields {
    #[command(flatten)]
    #[serde(flatten)]
    recurrent: RecurrentFields,
    /// Cell of encoder and decoder
    #[arg(long, value_name = "CELL", value_parser = names::<CellKind>())]
    cell: Option<String>,
    /// Use the decoder's embedding as output layer too; --embedding and --hidden must be equal
    #[arg(long, value_name = "BOOL")]
    tied: Option<bool>,
    /// Probability that the decoder reads its own prediction in training
    #[arg(long, value_name = "P", value_parser = number)]
    scheduled_sampling: Option<f64>,
}

#[derive(Debug, Args, Serialize)]
pub(crate) struct Seq2SeqFields {
    #[command(flatten)]
    #[serde(flatten)]
    encoder_decoder: EncoderDecoderFields,
    /// Read the source from its end
    #[arg(long, value_name = "BOOL")]
    reverse: Option<bool>,
}

#[derive(Debug, Args, Serialize)]
pub(crate) struct AttentionFields {
    #[command(flatten)]
    #[serde(flatten)]
    encoder_decoder: EncoderDecoderFields,
    /// Attend before the decoder's step (bahdanau) or after it (luong)
    #[arg(long, value_name = "STYLE", value_parser = names::<Style>())]
    attention: Option<String>,
    /// Score function of attention
    #[arg(long, value_name = "SCORE", value_parser = names::<Score>())]
    score: Option<String>,
    /// Bidirectional encoder
    #[arg(long, alias = "both-ways", value_name = "BOOL")]
    bidirectional: Option<bool>,
}

/// The options of models made of Transformer blocks.
#[derive(Debug, Args, Serialize)]
pub(crate) struct BlockFields {
    /// Layers (Transformer blocks)
    #[arg(long, value_name = "N", value_parser = count)]
    layers: Option<usize>,
    /// Model width
    #[arg(long, alias = "hidden", value_name = "N", value_parser = count)]
    width: Option<usize>,
    /// Attention heads
    #[arg(long, value_name = "N", value_parser = count)]
    heads: Option<usize>,
    /// Inner width of the feed-forward networks [default: 4 times --width; llama: 8/3 times, rounded up to a multiple
    /// of 8]
    #[arg(long, value_name = "N", value_parser = count)]
    feed_forward: Option<usize>,
    /// Activation function of the feed-forward networks
    #[arg(long, value_name = "NAME", value_parser = names::<Activation>())]
    activation: Option<String>,
    /// Probability of dropout in training
    #[arg(long, value_name = "P", value_parser = number)]
    dropout: Option<f64>,
    /// Recompute each block in the backward pass: less memory, a third more time, the same result [default: false]
    #[arg(long, alias = "checkpointing", value_name = "BOOL")]
    gradient_checkpointing: Option<bool>,
}

#[derive(Debug, Args, Serialize)]
pub(crate) struct TransformerFields {
    #[command(flatten)]
    #[serde(flatten)]
    blocks: BlockFields,
    /// Probability that the decoder reads its own prediction in training
    #[arg(long, value_name = "P", value_parser = number)]
    scheduled_sampling: Option<f64>,
    /// Norms before each part (pre) or after it (post), as in the paper
    #[arg(long, value_name = "WHERE", value_parser = names::<NormPosition>())]
    norm_position: Option<String>,
    /// Positional encoding
    #[arg(long, value_name = "KIND", value_parser = names::<AddedPositions>())]
    positions: Option<String>,
    /// Use the decoder's embedding as output layer too (true), and as the encoder's (all; with byte pairs only)
    #[arg(long, value_name = "false|true|all", value_parser = names::<Tying>())]
    tied: Option<String>,
}

#[derive(Debug, Args, Serialize)]
struct GptFields {
    #[command(flatten)]
    #[serde(flatten)]
    blocks: BlockFields,
    /// Key and value heads, each shared by several query heads (grouped-query attention) [default: --heads]
    #[arg(long, value_name = "N", value_parser = count)]
    key_heads: Option<usize>,
    /// Gated feed-forward networks (with silu: SwiGLU)
    #[arg(long, value_name = "BOOL")]
    gated: Option<bool>,
    /// Biases in linear layers and layer norms
    #[arg(long, value_name = "BOOL")]
    bias: Option<bool>,
    /// Use the token embedding as output layer too
    #[arg(long, value_name = "BOOL")]
    tied: Option<bool>,
    /// Norm before attention and feed-forward network: layer norm or RMS norm
    #[arg(long, value_name = "NORM", value_parser = ["layer", "rms"])]
    #[serde(rename = "norm.name")]
    norm: Option<String>,
    /// ε of the norm
    #[arg(long, value_name = "X", value_parser = positive)]
    #[serde(rename = "norm.epsilon")]
    norm_epsilon: Option<f64>,
    /// Learned position embeddings or rotary ones (RoPE)
    #[arg(long, value_name = "KIND", value_parser = ["learned", "rotary"])]
    #[serde(rename = "positions.name")]
    positions: Option<String>,
    /// Base θ of RoPE [default: 10000]
    #[arg(long, alias = "rotary-base", value_name = "X", value_parser = positive)]
    #[serde(rename = "positions.theta")]
    rope_theta: Option<f64>,
}

#[derive(Debug, Args)]
pub(crate) struct GptOptions {
    /// Sizes and arrangement by name, which options change; llama has nanogpt's sizes
    #[arg(long, value_name = "NAME", value_parser = ["tiny", "small", "nanogpt", "gpt2", "llama"])]
    preset: Option<String>,
    /// The arrangement of gpt or llama, whatever the sizes: the name of --preset in earlier versions
    #[arg(long, value_name = "NAME", value_parser = ["gpt", "llama"], hide = true, conflicts_with = "preset")]
    architecture: Option<String>,
    #[command(flatten)]
    fields: GptFields,
    #[command(flatten, next_help_heading = "Fine-tuning (with --from)")]
    fine_tuning: FineTuningOptions,
}

impl ModelOptions for GptOptions {
    fn apply(&self, settings: &mut Settings) -> Outcome {
        set_preset(settings, self.preset.as_deref());
        self.fine_tuning.apply(&mut settings.fine_tuning)?;
        let ModelConfig::Gpt(config) = &mut settings.model else { return Ok(()) };
        let is_llama = matches!(config.positions, Positions::Rotary(_)) && config.gated;
        let other = match self.architecture.as_deref() {
            Some("llama") if !is_llama => Some(GptConfig::llama()),
            Some("gpt") if is_llama => Some(GptConfig::nanogpt()),
            _ => None,
        };
        if let Some(arrangement) = other {
            let GptConfig { context, layers, width, heads, dropout, .. } = *config;
            *config = GptConfig { context, layers, width, heads, dropout, ..arrangement };
        }
        let was_gated = config.gated;
        set_fields(config, &self.fields);
        if config.gated != was_gated && config.feed_forward.is_none() {
            // The arrangement decides the inner width, whether or not the gate is as it has it.
            let usual = GptConfig { gated: was_gated, ..config.clone() };
            config.feed_forward = Some(usual.feed_forward());
        }
        if config.positions == Positions::Learned && self.fields.rope_theta.is_some() {
            return Err(Failure::input("--rope-theta: only rotary positions have it (--positions rotary)"));
        }
        Ok(())
    }
}

/// The options of fine-tuning: what is trained of a model that another run trained before.
#[derive(Debug, Args)]
struct FineTuningOptions {
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
    fn apply(&self, fine_tuning: &mut Option<FineTuning>) -> Outcome {
        if let Some(last) = self.train_last_layers {
            *fine_tuning = Some(FineTuning::TrainLastLayers(last));
        }
        let known = if let Some(FineTuning::Lora(lora)) = &fine_tuning { Some(lora.rank) } else { None };
        if let Some(rank) = self.lora.filter(|&rank| Some(rank) != known) {
            *fine_tuning = Some(FineTuning::Lora(Lora::of_rank(rank)));
        }
        let (alpha, targets, dropout) = match fine_tuning {
            Some(FineTuning::Lora(lora)) => (Some(&mut lora.alpha), Some(&mut lora.targets), Some(&mut lora.dropout)),
            _ => (None, None, None),
        };
        set(alpha, self.lora_alpha, "--lora-alpha: without --lora there is no adapter")?;
        set(targets, self.lora_targets.clone(), "--lora-targets: without --lora there is no adapter")?;
        set(dropout, self.lora_dropout, "--lora-dropout: without --lora there is no adapter")
    }
}
