//! Fields of a `config.json` by what they would change.
//!
//! | a field that | is |
//! |---|---|
//! | is read where a configuration is made ([`config_json`](super::config_json)) | honoured |
//! | is among [`CHANGE_NOTHING`] | passed over in silence: no number of a model's output depends on it |
//! | is among [`refused`], with another value than the one there | refused by name |
//! | is any other | named on import, and refuses nothing |
//!
//! The second and third hold for all architectures: a field of one is without a meaning in the others, and a folder
//! that has it all the same was meant for another model.

use super::config_fields::Fields;
use super::pretrained::HuggingFaceError;
use serde_json::{Value, json};

/// Why a part of a head cannot be turned.
pub(super) const WHOLE_HEADS: &str = "only whole heads are turned here";

/// Fields that change no number.
pub(super) const CHANGE_NOTHING: &[&str] = &[
    // Of files, of how and by whom they were made, and of labels.
    "_name_or_path",
    "_commit_hash",
    "architectures",
    "dtype",
    "finetuning_task",
    "id2label",
    "is_decoder",
    "label2id",
    "license",
    "model_type",
    "name_or_path",
    "num_labels",
    "problem_type",
    "tokenizer_class",
    "torch_dtype",
    "transformers_version",
    "unsloth_version",
    "unsloth_fixed",
    // Of a program: how it computes, and what else it gives back.
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_experts_implementation",
    "attn_implementation",
    "chunk_size_feed_forward",
    "gradient_checkpointing",
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "pretraining_tp",
    "reorder_and_upcast_attn",
    "return_dict",
    "tf_legacy_loss",
    "torchscript",
    "use_bfloat16",
    "use_cache",
    // Of training alone.
    "attn_pdrop",
    "embd_pdrop",
    "initializer_range",
    "summary_activation",
    "summary_first_dropout",
    "summary_proj_to_labels",
    "summary_type",
    "summary_use_proj",
    // Tokens, which are read elsewhere or stand for none of a text's.
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "sep_token_id",
    "unk_token_id",
    "decoder_start_token_id",
    // Beside another that says the same, or without one that would make something of it.
    "max_window_layers",
    "n_ctx",
    "original_max_position_embeddings",
    "task_specific_params",
];

/// Fields that ask for another computation than the one here, unless they have this value or are empty.
fn refused() -> [(&'static str, Value, &'static str); 35] {
    let (no, one, none) = (|| json!(false), || json!(1), || Value::Null);
    let own = "its layers have another form than those of gpt2 and llama";
    [
        ("quantization_config", none(), "quantized weights are not known here"),
        ("is_causal", json!(true), "attention to later tokens is not known here: a text is written from left to right"),
        ("use_bidirectional_attention", no(), "attention to later tokens is not known here"),
        ("is_encoder_decoder", no(), "a decoder without an encoder is all that is known here"),
        ("add_cross_attention", no(), "a decoder without an encoder has none here"),
        ("scale_attn_weights", json!(true), "scores are always divided by √K here"),
        ("scale_attn_by_inverse_layer_idx", no(), "scores are not scaled by layer here"),
        ("query_pre_attn_scalar", none(), "scores are always divided by √K here"),
        ("attention_multiplier", none(), "scores are always divided by √K here"),
        ("attn_logit_softcapping", none(), "scores are not capped here"),
        ("final_logit_softcapping", none(), "logits are not capped here"),
        ("logit_scale", one(), "logits are not scaled here"),
        ("logits_scaling", one(), "logits are not scaled here"),
        ("embedding_multiplier", one(), "embeddings are not scaled here"),
        ("residual_multiplier", one(), "residual connections are not scaled here"),
        ("partial_rotary_factor", one(), WHOLE_HEADS),
        ("rotary_pct", one(), WHOLE_HEADS),
        ("rotary_dim", none(), WHOLE_HEADS),
        ("rope_interleaved", no(), "i is turned with i + K/2 here, not with its neighbour"),
        ("rope_interleave", no(), "i is turned with i + K/2 here, not with its neighbour"),
        ("no_rope_layers", none(), "all layers know positions here"),
        ("no_rope_layer_interval", none(), "all layers know positions here"),
        ("alibi", no(), "scores have no bias by distance here"),
        ("attention_chunk_size", none(), "attention within chunks alone is not known here"),
        ("clip_qkv", none(), "queries, keys and values are not clipped here"),
        ("qk_layernorm", no(), "queries and keys are not normalized here"),
        ("use_qk_norm", no(), "queries and keys are not normalized here"),
        ("multi_query", no(), own),
        ("parallel_attn", no(), own),
        ("use_parallel_residual", no(), own),
        ("kv_lora_rank", none(), own),
        ("num_experts", none(), "a mixture of experts is not known here"),
        ("num_local_experts", none(), "a mixture of experts is not known here"),
        ("n_routed_experts", none(), "a mixture of experts is not known here"),
        ("pruned_heads", none(), "heads are not left out here"),
    ]
}

/// Refuses what asks for another computation, in a model with this context.
///
/// # Errors
/// The first such field.
pub(super) fn refuse_unknown(fields: &Fields, context: usize) -> Result<(), HuggingFaceError> {
    refused().iter().try_for_each(|(field, only, because)| fields.refuse_unless(field, only, because))?;
    let window = fields.count("sliding_window")?;
    let narrow = window.filter(|&window| window < context && fields.flag("use_sliding_window", true) != Ok(false));
    if let Some(window) = narrow {
        let problem =
            format!("attention to the last {window} tokens alone is not known here, and the context has {context}");
        return Err(fields.wrong("sliding_window", problem));
    }
    let is_full = |kind: &&Value| {
        let is_wide = window.is_some_and(|window| window >= context);
        **kind == "full_attention" || **kind == "sliding_attention" && is_wide
    };
    match fields.get("layer_types") {
        None => Ok(()),
        Some(Value::Array(kinds)) => match kinds.iter().find(|kind| !is_full(kind)) {
            Some(other) => Err(fields.wrong("layer_types", format!("layers of the type {other} are not known here"))),
            None => Ok(()),
        },
        Some(other) => Err(fields.wrong("layer_types", format!("must be a list of types, not {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::huggingface::{Family, Pretrained};
    use proptest::prelude::*;

    /// A configuration of a family with these fields besides: what is passed over.
    fn passed_over(family: Family, fields: &[(&str, Value)]) -> Result<Vec<String>, String> {
        let mut config = match family {
            Family::Gpt2 => json!({ "n_positions": 16, "n_embd": 8, "n_head": 2, "n_layer": 1 }),
            Family::Llama => json!({
                "max_position_embeddings": 16, "hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 2,
                "num_hidden_layers": 1,
            }),
        };
        (config["model_type"], config["vocab_size"]) = (family.name().into(), 9.into());
        fields.iter().for_each(|(field, value)| config[*field] = value.clone());
        let read = Pretrained::from_json(family, &config.to_string(), None);
        read.map(|read| read.passed_over).map_err(|error| error.to_string())
    }

    #[test]
    fn what_asks_for_another_computation_is_refused_and_its_usual_value_is_not() {
        for family in Family::ALL {
            for (field, only, because) in refused() {
                let error = passed_over(family, &[(field, json!("another"))]).unwrap_err();
                assert_eq!(error, format!("{field}: {because}"));
                for usual in [only, Value::Null, json!([]), json!({})] {
                    assert_eq!(passed_over(family, &[(field, usual)]), Ok(vec![]), "{field}");
                }
            }
            for field in CHANGE_NOTHING.iter().filter(|field| !["model_type", "n_positions"].contains(field)) {
                let value = if field.ends_with("_token_id") { json!(3) } else { json!(16) };
                assert_eq!(passed_over(family, &[(field, value)]), Ok(vec![]), "{field}");
            }
        }
    }

    #[test]
    fn a_window_is_refused_if_it_is_narrower_than_the_context() {
        for family in Family::ALL {
            let with = |fields: &[(&str, Value)]| passed_over(family, fields);
            let (narrow, wide) = (("sliding_window", json!(15)), ("sliding_window", json!(16)));
            let error = with(&[narrow.clone(), ("use_cache", json!(true))]).unwrap_err();
            assert!(error.starts_with("sliding_window: ") && error.contains("15") && error.contains("16"), "{error}");
            assert_eq!(with(&[wide.clone(), ("use_cache", json!(true))]), Ok(vec![]));
            assert_eq!(with(&[narrow, ("use_sliding_window", json!(false))]), Ok(vec![]));
            let layers = |kinds: Value| ("layer_types", kinds);
            let [full, sliding, other] = ["full_attention", "sliding_attention", "linear_attention"];
            assert_eq!(with(&[layers(json!([full, full]))]), Ok(vec![]));
            assert_eq!(with(&[layers(json!([full, sliding])), wide.clone()]), Ok(vec![]));
            for kinds in [json!([full, sliding]), json!([other]), json!([7]), json!("full_attention")] {
                let error = with(&[layers(kinds)]).unwrap_err();
                assert!(error.starts_with("layer_types: "), "{error}");
            }
            assert!(with(&[layers(json!([other])), wide]).is_err());
        }
        let positions = json!({ "full_attention": { "rope_theta": 1e4 } });
        let error = passed_over(Family::Llama, &[("rope_parameters", positions)]).unwrap_err();
        assert!(error.starts_with("rope_parameters.full_attention: "), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// Whatever else a configuration has is named, unless it is null.
        #[test]
        fn any_other_field_is_named(name in "x[a-z_]{0,12}", value in 0..6_usize, llama in any::<bool>()) {
            let values = [Value::Null, json!(true), json!(0), json!("a"), json!([1]), json!({ "a": 1 })];
            let family = if llama { Family::Llama } else { Family::Gpt2 };
            let named = passed_over(family, &[(&name, values[value].clone())]);
            prop_assert_eq!(named, Ok(if value == 0 { vec![] } else { vec![name] }));
        }
    }
}
