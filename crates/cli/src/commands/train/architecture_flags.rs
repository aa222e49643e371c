//! The flags of a model's sizes and arrangement.

use rungs::Settings;
use rungs::settings::{GptSettings, PositionKind, Tied};

use super::given_flags::{refuse, set};
use crate::arguments::{GptFlags, ModelFlags};
use crate::terminal::failure::Outcome;

/// θ of rotary positions that are asked for by themselves.
const ROTARY_BASE: f64 = 10_000.0;

pub(super) fn apply_model(flags: &ModelFlags, settings: &mut Settings) {
    set(&mut settings.layers, flags.layers);
    set(&mut settings.hidden, flags.hidden);
    set(&mut settings.embedding, flags.embedding.map(Some));
    set(&mut settings.heads, flags.heads.map(Some));
    set(&mut settings.context, flags.context);
    set(&mut settings.dropout, flags.dropout);
    set(&mut settings.tokenizer, flags.tokenizer.clone());
}

pub(super) fn apply_arrangement(flags: &GptFlags, settings: &mut Settings) -> Outcome {
    let of_both = [
        ("--feed-forward", flags.feed_forward.is_some()),
        ("--activation", flags.activation.is_some()),
        ("--positions", flags.positions.is_some()),
        ("--checkpointing", flags.checkpointing.is_some()),
    ];
    let of_gpt = [
        ("--architecture", flags.architecture.is_some()),
        ("--key-heads", flags.key_heads.is_some()),
        ("--gated", flags.gated.is_some()),
        ("--norm", flags.norm.is_some()),
        ("--norm-epsilon", flags.norm_epsilon.is_some()),
        ("--rotary-base", flags.rotary_base.is_some()),
        ("--bias", flags.bias.is_some()),
    ];
    let of_transformer = [("--norm-position", flags.norm_position.is_some())];
    let rung = settings.rung;
    if settings.gpt.is_none() {
        refuse(&of_gpt, rung)?;
    }
    match (&mut settings.gpt, &mut settings.transformer) {
        (Some(gpt), _) => {
            refuse(&of_transformer, rung)?;
            apply_gpt(flags, gpt);
        }
        (None, Some(transformer)) => {
            set(&mut transformer.feed_forward, flags.feed_forward.map(Some));
            set(&mut transformer.activation, flags.activation);
            set(&mut transformer.norm_position, flags.norm_position);
            set(&mut transformer.positions, flags.positions);
            set(&mut transformer.checkpointing, flags.checkpointing);
        }
        (None, None) => {
            refuse(&of_both, rung)?;
            refuse(&of_transformer, rung)?;
        }
    }
    Ok(())
}

fn apply_gpt(flags: &GptFlags, gpt: &mut GptSettings) {
    // What belongs to an architecture comes with it, but not a second time: a run goes on with what was changed since.
    if let Some(architecture) = flags.architecture.filter(|&architecture| architecture != gpt.architecture) {
        *gpt = GptSettings::of(architecture);
    }
    set(&mut gpt.key_heads, flags.key_heads.map(Some));
    set(&mut gpt.feed_forward, flags.feed_forward.map(Some));
    set(&mut gpt.activation, flags.activation);
    set(&mut gpt.gated, flags.gated);
    set(&mut gpt.norm, flags.norm);
    set(&mut gpt.norm_epsilon, flags.norm_epsilon);
    if let Some(positions) = flags.positions.filter(|&positions| positions != gpt.positions) {
        gpt.positions = positions;
        gpt.rotary_base = (positions == PositionKind::Rotary).then_some(ROTARY_BASE);
    }
    set(&mut gpt.rotary_base, flags.rotary_base.map(Some));
    set(&mut gpt.bias, flags.bias);
    set(&mut gpt.checkpointing, flags.checkpointing);
}

/// Whether there is one matrix for embedding and head, in the rungs that leave it open.
pub(super) fn apply_tied(tied: Option<Tied>, settings: &mut Settings) -> Outcome {
    let rung = settings.rung;
    match (&mut settings.gpt, &mut settings.pairs) {
        (Some(gpt), _) => set(&mut gpt.tied, tied.map(|tied| tied.head(rung)).transpose()?),
        (_, Some(pairs)) => set(&mut pairs.tied, tied),
        (None, None) => refuse(&[("--tied", tied.is_some())], rung)?,
    }
    Ok(())
}
