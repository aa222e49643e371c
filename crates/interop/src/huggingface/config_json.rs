//! `config.json` as `transformers` writes it, in both directions.
//!
//! A field that is not there has the value that `transformers` gives it. A field that asks for a computation that is
//! not known here is refused by name: to pass over it would give other numbers without a word. What is neither read
//! here nor in the [lists](super::config_lists) is named to whoever imports.

use super::config_fields::{ACTIVATIONS, Fields};
use super::config_lists::{CHANGE_NOTHING, WHOLE_HEADS, refuse_unknown};
use super::generation_config;
use super::pretrained::{Family, HuggingFaceError, Pretrained};
use rungs_layers::{Activation, NormKind, Rotary};
use rungs_models::{GptConfig, Positions};
use serde_json::{Map, Value, json};

impl Pretrained {
    /// Reads a `config.json` that is to be of this family. Where there is a `generation_config.json`, it says which
    /// tokens end a text.
    ///
    /// # Errors
    /// The first field that is missing, or cannot be, or asks for what is not known here.
    pub fn from_json(family: Family, config: &str, generation: Option<&str>) -> Result<Self, HuggingFaceError> {
        let fields = Fields::new(config)?;
        fields.check_family(family)?;
        let (config, usual_begin, usual_end) = match family {
            Family::Gpt2 => (gpt2(&fields)?, json!(50256), json!(50256)),
            Family::Llama => (llama(&fields)?, json!(1), json!(2)),
        };
        refuse_unknown(&fields, config.context)?;
        config.parameter_count()?;
        let generation = generation.map(Fields::new).transpose()?;
        let named = |field: &str, usual: &Value| {
            let found = generation.iter().chain([&fields]).find_map(|fields| fields.object.get(field));
            let ids = tokens(field, found.unwrap_or(usual))?;
            // A small vocabulary leaves the usual id without a token.
            Ok::<_, HuggingFaceError>(ids.into_iter().filter(|&id| (id as usize) < config.vocabulary).collect())
        };
        let (begin, end): (Vec<u32>, _) = (named("bos_token_id", &usual_begin)?, named("eos_token_id", &usual_end)?);
        let mut passed_over = fields.others(CHANGE_NOTHING);
        passed_over.retain(|field| !generation_config::is_known(field));
        let (generation, others) = generation_config::of(generation, &fields);
        passed_over.extend(others);
        Ok(Self { family, config, begin: begin.first().copied(), end, generation, passed_over })
    }

    /// The model with this configuration as one of theirs: of the family that has its parts.
    ///
    /// # Errors
    /// If neither has.
    pub fn of(config: &GptConfig, begin: Option<u32>, end: Vec<u32>) -> Result<Self, HuggingFaceError> {
        let is_rms = matches!(config.norm, NormKind::Rms(_));
        let (family, kind, missing) = match config.positions {
            Positions::Learned => {
                let shared = config.key_heads() != config.heads;
                let missing = vec![(is_rms, "norm rms"), (config.gated, "gate"), (shared, "key-heads of its own")];
                (Family::Gpt2, "learned", missing)
            }
            Positions::Rotary(_) => {
                let missing = vec![(!is_rms, "norm layer"), (!config.gated, "feed-forward layer without a gate")];
                (Family::Llama, "rotary", missing)
            }
        };
        if let Some((_, what)) = missing.into_iter().find(|(is_so, _)| *is_so) {
            return Err(HuggingFaceError::Unfit(format!(
                "neither gpt2 nor llama can be this model: with {kind} positions it is {}, and that has no {what}",
                family.name()
            )));
        }
        let (generation, passed_over) = (Map::new(), Vec::new());
        Ok(Self { family, config: config.clone(), begin, end, generation, passed_over })
    }

    /// The value of `eos_token_id`.
    pub fn end_json(&self) -> Value {
        match self.end.as_slice() {
            [] => Value::Null,
            [one] => json!(one),
            several => json!(several),
        }
    }

    /// The content of `config.json`.
    pub fn to_json(&self) -> String {
        let GptConfig { vocabulary, context, width, heads, layers, .. } = self.config;
        let GptConfig { activation, norm, positions, tied, dropout, bias, .. } = self.config;
        let name = ACTIVATIONS.iter().find(|(_, known)| *known == activation).map(|(name, _)| *name);
        let mut fields = json!({
            "architectures": [self.family.class()],
            "model_type": self.family.name(),
            "vocab_size": vocabulary,
            "tie_word_embeddings": tied,
            "bos_token_id": self.begin,
            "eos_token_id": self.end_json(),
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
    let context = if fields.get("n_positions").is_some() { "n_positions" } else { "n_ctx" };
    let (vocabulary, context) = (fields.size("vocab_size")?, fields.size(context)?);
    let (width, heads, layers) = (fields.size("n_embd")?, fields.size("n_head")?, fields.size("n_layer")?);
    Ok(GptConfig {
        feed_forward: fields.count("n_inner")?,
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
    let (vocabulary, context) = (fields.size("vocab_size")?, fields.size("max_position_embeddings")?);
    let (width, layers) = (fields.size("hidden_size")?, fields.size("num_hidden_layers")?);
    let heads = fields.size("num_attention_heads")?;
    if let Some(head) = fields.count("head_dim")?.filter(|head| head.checked_mul(heads) != Some(width)) {
        return Err(fields.wrong("head_dim", format!("{head} of {heads} heads is not hidden_size {width}")));
    }
    let [bias, mlp_bias] = [fields.flag("attention_bias", false)?, fields.flag("mlp_bias", false)?];
    if bias != mlp_bias {
        let problem = format!("is {mlp_bias} where attention_bias is {bias}; here they are one");
        return Err(fields.wrong("mlp_bias", problem));
    }
    Ok(GptConfig {
        key_heads: fields.count("num_key_value_heads")?,
        feed_forward: Some(fields.size("intermediate_size")?),
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
        let object = value.as_object().cloned().ok_or_else(|| fields.wrong(field, "must be an object"))?;
        let inner = Fields::of(object, format!("{field}."));
        if let Some((kind, _)) = inner.object.iter().find(|(_, value)| value.is_object()) {
            return Err(inner.wrong(kind, "positions of their own for each kind of layer are not known here"));
        }
        let kind = inner.get("rope_type").or_else(|| inner.get("type"));
        if let Some(other) = kind.map(|kind| kind.as_str().unwrap_or_default()).filter(|kind| *kind != "default") {
            let problem = format!("rotary positions of the type {other:?} are not known here, only default");
            return Err(fields.wrong(field, problem));
        }
        inner.refuse_unless("partial_rotary_factor", &json!(1.0), WHOLE_HEADS)?;
        if let Some(within) = inner.number("rope_theta")? {
            if let Some(beside) = base.filter(|&beside| beside != within) {
                return Err(inner.wrong("rope_theta", format!("is {within}, and rope_theta is {beside}")));
            }
            base = Some(within);
        }
    }
    Ok(base.unwrap_or(10_000.0))
}

/// The ids of a field: none, one or several.
fn tokens(field: &str, value: &Value) -> Result<Vec<u32>, HuggingFaceError> {
    let one = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(several) => several.iter().map(one).collect(),
        single => one(single).map(|id| vec![id]),
    }
    .ok_or_else(|| HuggingFaceError::Unfit(format!("{field}: must be a token id or several, not {value}")))
}
