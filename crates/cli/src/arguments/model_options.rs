//! The options of each rung's model: each sets one field of its configuration.

use std::fmt::Debug;

use clap::Args;
use rungs::layers::{Activation, NormKind, NormPosition, Rotary, Score};
use rungs::models::{
    AddedPositions, AttentionConfig, CellKind, GptConfig, Positions, RecurrentConfig, Seq2SeqConfig, Style,
    TransformerConfig, Tying,
};
use rungs::{ModelConfig, Settings};

use super::fine_tuning_options::FineTuningOptions;
use super::value_parsers::{count, named, number, positive};
use crate::terminal::failure::{Failure, Outcome};

/// The options of a rung's model.
pub(crate) trait ModelOptions: Debug {
    /// The preset to begin with.
    fn preset(&self) -> Option<&str>;

    /// Puts the options that were given into settings of the rung.
    fn apply(&self, settings: &mut Settings) -> Outcome;
}

/// A group of options that change a configuration.
trait Fields<C> {
    fn set(&self, config: &mut C);
}

/// Options that each set the field of the same name, in any of some configurations.
macro_rules! fields {
    ($(#[$meta:meta])* $name:ident of $($config:ty),+ {
        $($(#[$attr:meta])* $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Args)]
        struct $name {
            $($(#[$attr])* $field: Option<$type>,)*
        }

        fields!(@set $name [$($config),+] [$($field)*]);
    };
    (@set $name:ident [$config:ty $(, $more:ty)*] [$($field:ident)*]) => {
        impl Fields<$config> for $name {
            fn set(&self, config: &mut $config) {
                $(if let Some(value) = self.$field { config.$field = value.into(); })*
            }
        }

        fields!(@set $name [$($more),*] [$($field)*]);
    };
    (@set $name:ident [] [$($field:ident)*]) => {};
}

fields! {
    /// The options of models made of recurrent cells.
    RecurrentFields of RecurrentConfig, Seq2SeqConfig, AttentionConfig {
        /// Layers
        #[arg(long, value_name = "N", value_parser = count)]
        layers: usize,
        /// Width of the hidden state
        #[arg(long, value_name = "N", value_parser = count)]
        hidden: usize,
        /// Width of the token embedding
        #[arg(long, value_name = "N", value_parser = count)]
        embedding: usize,
        /// Probability of dropout in training
        #[arg(long, value_name = "P", value_parser = number)]
        dropout: f64,
    }
}

fields! {
    /// The options of models made of Transformer blocks.
    BlockFields of GptConfig, TransformerConfig {
        /// Layers (Transformer blocks)
        #[arg(long, value_name = "N", value_parser = count)]
        layers: usize,
        /// Model width
        #[arg(long, alias = "hidden", value_name = "N", value_parser = count)]
        width: usize,
        /// Attention heads
        #[arg(long, value_name = "N", value_parser = count)]
        heads: usize,
        /// Inner width of the feed-forward networks [default: 4 times --width; llama: 8/3 times, rounded up to a
        /// multiple of 8]
        #[arg(long, value_name = "N", value_parser = count)]
        feed_forward: usize,
        /// Activation function of the feed-forward networks
        #[arg(long, value_name = "NAME", value_parser = named::<Activation>())]
        activation: Activation,
        /// Probability of dropout in training
        #[arg(long, value_name = "P", value_parser = number)]
        dropout: f64,
        /// Recompute each block in the backward pass: less memory, a third more time, the same result [default: false]
        #[arg(long, alias = "checkpointing", value_name = "BOOL")]
        gradient_checkpointing: bool,
    }
}

fields! {
    /// The options of encoder-decoders made of recurrent cells.
    EncoderDecoderFields of Seq2SeqConfig, AttentionConfig {
        /// Cell of encoder and decoder
        #[arg(long, value_name = "CELL", value_parser = named::<CellKind>())]
        cell: CellKind,
        /// Use the decoder's embedding as output layer too; --embedding and --hidden must be equal
        #[arg(long, value_name = "BOOL")]
        tied: bool,
    }
}

fields! {
    /// The options of all encoder-decoders.
    DecoderFields of Seq2SeqConfig, AttentionConfig, TransformerConfig {
        /// Probability that the decoder reads its own prediction in training
        #[arg(long, value_name = "P", value_parser = number)]
        scheduled_sampling: f64,
    }
}

fields! {
    /// The options of gpt alone.
    GptFields of GptConfig {
        /// Key and value heads, each shared by several query heads (grouped-query attention) [default: --heads]
        #[arg(long, value_name = "N", value_parser = count)]
        key_heads: usize,
        /// Gated feed-forward networks (with silu: SwiGLU)
        #[arg(long, value_name = "BOOL")]
        gated: bool,
        /// Biases in linear layers and layer norms
        #[arg(long, value_name = "BOOL")]
        bias: bool,
        /// Use the token embedding as output layer too
        #[arg(long, value_name = "BOOL")]
        tied: bool,
    }
}

fields! {
    /// The options of seq2seq alone.
    Seq2SeqFields of Seq2SeqConfig {
        /// Read the source from its end
        #[arg(long, value_name = "BOOL")]
        reverse: bool,
    }
}

fields! {
    /// The options of attention alone.
    AttentionFields of AttentionConfig {
        /// Attend before the decoder's step (bahdanau) or after it (luong)
        #[arg(long = "attention", value_name = "STYLE", value_parser = named::<Style>())]
        style: Style,
        /// Score function of attention
        #[arg(long, value_name = "SCORE", value_parser = named::<Score>())]
        score: Score,
        /// Bidirectional encoder
        #[arg(long, alias = "both-ways", value_name = "BOOL")]
        bidirectional: bool,
    }
}

fields! {
    /// The options of transformer alone.
    TransformerFields of TransformerConfig {
        /// Norms before each part (pre) or after it (post), as in the paper
        #[arg(long, value_name = "WHERE", value_parser = named::<NormPosition>())]
        norm_position: NormPosition,
        /// Positional encoding
        #[arg(long, value_name = "KIND", value_parser = named::<AddedPositions>())]
        positions: AddedPositions,
        /// Use the decoder's embedding as output layer too (true), and as the encoder's (all; with byte pairs only)
        #[arg(long, value_name = "false|true|all", value_parser = named::<Tying>())]
        tied: Tying,
    }
}

/// The options of a rung: a preset, and groups of fields.
macro_rules! of_rung {
    ($name:ident, $($rung:ident)|+, $($group:ident: $fields:ty),+) => {
        #[derive(Debug, Args)]
        pub(crate) struct $name {
            /// Sizes by name, which other options change
            #[arg(long, value_name = "NAME", value_parser = ["tiny", "small"])]
            preset: Option<String>,
            $(#[command(flatten)]
            $group: $fields,)+
        }

        impl ModelOptions for $name {
            fn preset(&self) -> Option<&str> {
                self.preset.as_deref()
            }

            fn apply(&self, settings: &mut Settings) -> Outcome {
                if let $(ModelConfig::$rung(config))|+ = &mut settings.model {
                    $(self.$group.set(config);)+
                }
                Ok(())
            }
        }
    };
}

of_rung!(RecurrentOptions, Rnn | Lstm | Gru, recurrent: RecurrentFields);
of_rung!(
    Seq2SeqOptions,
    Seq2seq,
    recurrent: RecurrentFields,
    encoder_decoder: EncoderDecoderFields,
    decoder: DecoderFields,
    own: Seq2SeqFields
);
of_rung!(
    AttentionOptions,
    Attention,
    recurrent: RecurrentFields,
    encoder_decoder: EncoderDecoderFields,
    decoder: DecoderFields,
    own: AttentionFields
);
of_rung!(TransformerOptions, Transformer, blocks: BlockFields, decoder: DecoderFields, own: TransformerFields);

#[derive(Debug, Args)]
pub(crate) struct GptOptions {
    /// Sizes and arrangement by name, which options change; llama has nanogpt's sizes
    #[arg(long, value_name = "NAME", value_parser = ["tiny", "small", "nanogpt", "gpt2", "llama"])]
    preset: Option<String>,
    /// The arrangement of gpt or llama, whatever the sizes: the name of --preset in earlier versions
    #[arg(long, value_name = "NAME", value_parser = ["gpt", "llama"], hide = true, conflicts_with = "preset")]
    architecture: Option<String>,
    #[command(flatten)]
    blocks: BlockFields,
    #[command(flatten)]
    own: GptFields,
    /// Norm before attention and feed-forward network: layer norm or RMS norm
    #[arg(long, value_name = "NORM", value_parser = ["layer", "rms"])]
    norm: Option<String>,
    /// ε of the norm
    #[arg(long, value_name = "X", value_parser = positive)]
    norm_epsilon: Option<f64>,
    /// Learned position embeddings or rotary ones (RoPE)
    #[arg(long, value_name = "KIND", value_parser = ["learned", "rotary"])]
    positions: Option<String>,
    /// Base θ of RoPE [default: 10000]
    #[arg(long, alias = "rotary-base", value_name = "X", value_parser = positive)]
    rope_theta: Option<f64>,
    #[command(flatten, next_help_heading = "Fine-tuning (with --from)")]
    fine_tuning: FineTuningOptions,
}

impl ModelOptions for GptOptions {
    fn preset(&self) -> Option<&str> {
        self.preset.as_deref()
    }

    fn apply(&self, settings: &mut Settings) -> Outcome {
        self.fine_tuning.apply(&mut settings.fine_tuning)?;
        let ModelConfig::Gpt(config) = &mut settings.model else { return Ok(()) };
        let is_llama = matches!(config.positions, Positions::Rotary(_)) && config.gated;
        match self.architecture.as_deref() {
            Some("llama") if !is_llama => arrange(config, GptConfig::llama()),
            Some("gpt") if is_llama => arrange(config, GptConfig::nanogpt()),
            _ => {}
        }
        let was_gated = config.gated;
        self.blocks.set(config);
        self.own.set(config);
        if config.gated != was_gated && config.feed_forward.is_none() {
            // The arrangement decides the inner width, whether or not the gate is as it has it.
            let usual = GptConfig { gated: was_gated, ..config.clone() };
            config.feed_forward = Some(usual.feed_forward());
        }
        let epsilon = self.norm_epsilon.unwrap_or(config.norm.epsilon());
        config.norm = match (self.norm.as_deref(), config.norm) {
            (Some("layer"), _) | (None, NormKind::Layer(_)) => NormKind::Layer(epsilon),
            _ => NormKind::Rms(epsilon),
        };
        config.positions = match (self.positions.as_deref(), config.positions) {
            (Some("learned"), _) | (None, Positions::Learned) => Positions::Learned,
            (_, Positions::Rotary(rotary)) => Positions::Rotary(rotary),
            (_, Positions::Learned) => Positions::Rotary(Rotary::default()),
        };
        match (&mut config.positions, self.rope_theta) {
            (Positions::Rotary(rotary), Some(theta)) => rotary.theta = theta,
            (Positions::Learned, Some(_)) => {
                return Err(Failure::input("--rope-theta: only rotary positions have it (--positions rotary)"));
            }
            (_, None) => {}
        }
        Ok(())
    }
}

/// Gives a model the arrangement of another in its own sizes.
fn arrange(config: &mut GptConfig, arrangement: GptConfig) {
    let GptConfig { context, layers, width, heads, dropout, .. } = *config;
    *config = GptConfig { context, layers, width, heads, dropout, ..arrangement };
}
