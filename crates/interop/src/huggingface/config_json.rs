//! `config.json` as `transformers` writes it, in both directions.
//!
//! A field that is not there has the value that `transformers` gives it. A field that asks for a computation that is
//! not known here is refused by name: to pass over it would give other numbers without a word.

use super::config_fields::{ACTIVATIONS, Fields, wrong};
use super::hugging_face_error::HuggingFaceError;
use super::pretrained::{Family, Pretrained};
use rungs_layers::{Activation, NormKind, Rotary};
use rungs_models::{GptConfig, Positions};
use serde_json::{Value, json};

impl Pretrained {
    /// Reads a `config.json` that is to be of this family. Where there is a `generation_config.json`, it says which
    /// tokens end a text.
    ///
    /// # Errors
    /// The first field that is missing, or cannot be, or asks for what is not known here.
    pub fn from_json(family: Family, config: &str, generation: Option<&str>) -> Result<Self, HuggingFaceError> {
        let fields = Fields::new(config)?;
        fields.check_family(family)?;
        fields.refuse_unless("quantization_config", &Value::Null, "quantized weights are not known here")?;
        let config = match family {
            Family::Gpt2 => gpt2(&fields)?,
            Family::Llama => llama(&fields)?,
        };
        config.parameter_count()?;
        let usual = match family {
            Family::Gpt2 => json!(50256),
            Family::Llama => json!(2),
        };
        let generation = generation.map(Fields::new).transpose()?;
        let end = generation.as_ref().and_then(|fields| fields.0.get("eos_token_id"));
        let end = tokens(end.or_else(|| fields.0.get("eos_token_id")).unwrap_or(&usual))?;
        // A small vocabulary leaves the usual id without a token.
        let end = end.into_iter().filter(|&id| (id as usize) < config.vocabulary).collect();
        Ok(Self { family, config, end })
    }

    /// The model with this configuration as one of theirs: of the family that has its parts.
    ///
    /// # Errors
    /// If neither has.
    pub fn of(config: &GptConfig, end: Vec<u32>) -> Result<Self, HuggingFaceError> {
        let GptConfig { norm, gated, .. } = *config;
        let rms = matches!(norm, NormKind::Rms(_));
        let (family, why, lacking) = match config.positions {
            Positions::Learned => (
                Family::Gpt2,
                "with learned positions it is gpt2",
                [(rms, "norm rms"), (gated, "gate"), (config.key_heads() != config.heads, "key-heads of its own")],
            ),
            Positions::Rotary(_) => (
                Family::Llama,
                "with rotary positions it is llama",
                [(!rms, "norm layer"), (!gated, "feed-forward layer without a gate"), (false, "")],
            ),
        };
        if let Some((_, what)) = lacking.into_iter().find(|(lacks, _)| *lacks) {
            return Err(HuggingFaceError::NoCounterpart(format!("{why}, and that has no {what}")));
        }
        Ok(Self { family, config: config.clone(), end })
    }

    /// The content of `config.json`.
    pub fn to_json(&self) -> String {
        let GptConfig { vocabulary, context, width, heads, layers, .. } = self.config;
        let GptConfig { activation, norm, positions, tied, dropout, bias, .. } = self.config;
        let name = ACTIVATIONS.iter().find(|(_, known)| *known == activation).map(|(name, _)| *name);
        let end = match self.end.as_slice() {
            [] => Value::Null,
            [one] => json!(one),
            several => json!(several),
        };
        let mut fields = json!({
            "architectures": [self.family.class()],
            "model_type": self.family.name(),
            "vocab_size": vocabulary,
            "tie_word_embeddings": tied,
            "bos_token_id": null,
            "eos_token_id": end,
            "initializer_range": 0.02,
            "torch_dtype": "float32",
        });
        let own = match self.family {
            Family::Gpt2 => json!({
                "n_positions": context,
                "n_embd": width,
                "n_head": heads,
                "n_layer": layers,
                "n_inner": self.config.feed_forward(),
                "activation_function": name,
                "layer_norm_epsilon": norm.epsilon(),
                "resid_pdrop": dropout,
                "embd_pdrop": dropout,
                "attn_pdrop": dropout,
            }),
            Family::Llama => {
                let theta = match positions {
                    Positions::Rotary(Rotary { theta }) => json!(theta),
                    Positions::Learned => Value::Null,
                };
                json!({
                    "max_position_embeddings": context,
                    "hidden_size": width,
                    "num_attention_heads": heads,
                    "num_key_value_heads": self.config.key_heads(),
                    "head_dim": width / heads,
                    "num_hidden_layers": layers,
                    "intermediate_size": self.config.feed_forward(),
                    "hidden_act": name,
                    "rms_norm_eps": norm.epsilon(),
                    // Older versions read the first of these, newer ones the second.
                    "rope_theta": theta,
                    "rope_parameters": { "rope_type": "default", "rope_theta": theta },
                    "attention_dropout": dropout,
                    "attention_bias": bias,
                    "mlp_bias": bias,
                })
            }
        };
        if let (Value::Object(fields), Value::Object(own)) = (&mut fields, own) {
            fields.extend(own);
        }
        format!("{fields:#}\n")
    }
}

fn gpt2(fields: &Fields) -> Result<GptConfig, HuggingFaceError> {
    fields.refuse_unless("scale_attn_weights", &json!(true), "scores are always divided by √K here")?;
    fields.refuse_unless("scale_attn_by_inverse_layer_idx", &json!(false), "scores are not scaled by layer here")?;
    fields.refuse_unless("add_cross_attention", &json!(false), "a decoder without an encoder has none here")?;
    let context = if fields.has("n_positions") { "n_positions" } else { "n_ctx" };
    let (vocabulary, context) = (fields.count("vocab_size")?, fields.count(context)?);
    let (width, heads, layers) = (fields.count("n_embd")?, fields.count("n_head")?, fields.count("n_layer")?);
    Ok(GptConfig {
        feed_forward: fields.optional_count("n_inner")?,
        activation: fields.activation("activation_function", Activation::GeluTanh)?,
        norm: NormKind::Layer(fields.number("layer_norm_epsilon")?.unwrap_or(1e-5)),
        tied: fields.flag("tie_word_embeddings", true)?,
        dropout: fields.number("resid_pdrop")?.unwrap_or(0.1),
        vocabulary,
        context,
        width,
        heads,
        layers,
        ..GptConfig::gpt2()
    })
}

fn llama(fields: &Fields) -> Result<GptConfig, HuggingFaceError> {
    let (vocabulary, context) = (fields.count("vocab_size")?, fields.count("max_position_embeddings")?);
    let (width, layers) = (fields.count("hidden_size")?, fields.count("num_hidden_layers")?);
    let heads = fields.count("num_attention_heads")?;
    if let Some(head) = fields.optional_count("head_dim")?.filter(|head| head.checked_mul(heads) != Some(width)) {
        return Err(wrong("head_dim", format!("{head} of {heads} heads is not hidden_size {width}")));
    }
    let [bias, mlp_bias] = [fields.flag("attention_bias", false)?, fields.flag("mlp_bias", false)?];
    if bias != mlp_bias {
        return Err(wrong("mlp_bias", format!("is {mlp_bias} where attention_bias is {bias}; here they are one")));
    }
    Ok(GptConfig {
        key_heads: fields.optional_count("num_key_value_heads")?,
        feed_forward: Some(fields.count("intermediate_size")?),
        activation: fields.activation("hidden_act", Activation::Silu)?,
        norm: NormKind::Rms(fields.number("rms_norm_eps")?.unwrap_or(1e-6)),
        positions: Positions::Rotary(Rotary { theta: rotary_base(fields)? }),
        tied: fields.flag("tie_word_embeddings", false)?,
        dropout: fields.number("attention_dropout")?.unwrap_or(0.0),
        bias,
        vocabulary,
        context,
        width,
        heads,
        layers,
        ..GptConfig::llama()
    })
}

/// θ, in either spelling: `rope_theta` beside `rope_scaling`, or both in `rope_parameters`.
fn rotary_base(fields: &Fields) -> Result<f64, HuggingFaceError> {
    let mut base = fields.number("rope_theta")?;
    for field in ["rope_scaling", "rope_parameters"] {
        let Some(value) = fields.get(field) else { continue };
        let inner = Fields(value.as_object().cloned().ok_or_else(|| wrong(field, "must be an object"))?);
        let named = |error| match error {
            HuggingFaceError::Field { field: inner, problem } => wrong(&format!("{field}.{inner}"), problem),
            other => other,
        };
        let kind = inner.get("rope_type").or_else(|| inner.get("type"));
        match kind.map(|kind| kind.as_str().unwrap_or_default()) {
            None | Some("default") => {}
            Some(other) => {
                return Err(wrong(
                    field,
                    format!("rotary positions of the type {other:?} are not known here, only default"),
                ));
            }
        }
        inner.refuse_unless("partial_rotary_factor", &json!(1.0), "only whole heads are turned here").map_err(named)?;
        if let Some(within) = inner.number("rope_theta").map_err(named)? {
            if let Some(beside) = base.filter(|&beside| beside != within) {
                return Err(wrong(&format!("{field}.rope_theta"), format!("is {within}, and rope_theta is {beside}")));
            }
            base = Some(within);
        }
    }
    fields.refuse_unless("partial_rotary_factor", &json!(1.0), "only whole heads are turned here")?;
    Ok(base.unwrap_or(10_000.0))
}

/// `eos_token_id`: none, one or several.
fn tokens(value: &Value) -> Result<Vec<u32>, HuggingFaceError> {
    let one = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(several) => several.iter().map(one).collect(),
        single => one(single).map(|id| vec![id]),
    }
    .ok_or_else(|| wrong("eos_token_id", format!("must be a token id or several, not {value}")))
}
