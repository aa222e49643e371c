//! `generation_config.json`: how a model is to generate, as `transformers` understands it.
//!
//! Older folders have its fields in `config.json`. What a file does not say has the value that `generate` of
//! `transformers` gives it: greedy, 20 tokens, and of the 50 likeliest where tokens are drawn.

use super::config_fields::Fields;
use super::pretrained::HuggingFaceError;
use serde_json::{Map, Value, json};

/// The fields that are read here.
const READ: [&str; 17] = [
    "do_sample",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "repetition_penalty",
    "no_repeat_ngram_size",
    "num_beams",
    "length_penalty",
    "early_stopping",
    "num_return_sequences",
    "max_new_tokens",
    "max_length",
    "min_new_tokens",
    "min_length",
    "stop_strings",
];

/// Fields on which no text depends.
const CHANGE_NOTHING: &[&str] = &[
    "_commit_hash",
    "_from_model_config",
    "assistant_confidence_threshold",
    "assistant_lookbehind",
    "bos_token_id",
    "cache_config",
    "compile_config",
    "decoder_start_token_id",
    "disable_compile",
    "encoder_no_repeat_ngram_size",
    "eos_token_id",
    "is_assistant",
    "low_memory",
    "num_assistant_tokens",
    "num_assistant_tokens_schedule",
    "output_attentions",
    "output_hidden_states",
    "output_logits",
    "output_scores",
    "pad_token_id",
    "prefill_chunk_size",
    "remove_invalid_values",
    "return_dict_in_generate",
    "target_lookbehind",
    "transformers_version",
    "use_cache",
];

/// Fields that ask for what `generate` of `transformers` does and is not done here, unless they have this value or are
/// empty.
fn refused() -> [(&'static str, Value); 25] {
    let none = || Value::Null;
    [
        ("assistant_early_exit", none()),
        ("bad_words_ids", none()),
        ("begin_suppress_tokens", none()),
        ("cache_implementation", none()),
        ("constraints", none()),
        ("diversity_penalty", json!(0)),
        ("dola_layers", none()),
        ("encoder_repetition_penalty", json!(1)),
        ("epsilon_cutoff", json!(0)),
        ("eta_cutoff", json!(0)),
        ("exponential_decay_length_penalty", none()),
        ("force_words_ids", none()),
        ("forced_bos_token_id", none()),
        ("forced_eos_token_id", none()),
        ("guidance_scale", json!(1)),
        ("max_time", none()),
        ("num_beam_groups", json!(1)),
        ("penalty_alpha", json!(0)),
        ("renormalize_logits", json!(false)),
        ("sequence_bias", none()),
        ("suppress_tokens", none()),
        ("token_healing", json!(false)),
        ("top_h", none()),
        ("use_mtp", json!(false)),
        ("watermarking_config", none()),
    ]
}

/// Whether a field of a `config.json` is one of a generation.
pub(super) fn is_known(field: &str) -> bool {
    READ.contains(&field) || refused().iter().any(|(name, _)| *name == field)
}

/// What is said of a generation, in its own file or else in the configuration; and the fields of that file which are
/// not known here.
pub(super) fn of(file: Option<Fields>, config: &Fields) -> (Map<String, Value>, Vec<String>) {
    let others = file.iter().flat_map(|file| file.others(CHANGE_NOTHING)).filter(|field| !is_known(field)).collect();
    let object = file.as_ref().unwrap_or(config).object.iter();
    let said = object.filter(|(name, value)| is_known(name) && !value.is_null());
    (said.map(|(name, value)| (name.clone(), value.clone())).collect(), others)
}

/// How a model is to generate. What does nothing, as a temperature of 1, is none.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationConfig {
    /// What to draw tokens with; none if they are not drawn.
    pub sampling: Option<Sampling>,
    /// What tokens that were there before are penalised by.
    pub repetition_penalty: Option<f64>,
    /// How many tokens in a row must not come twice.
    pub no_repeat_ngram: Option<usize>,
    /// How many beginnings a search keeps, if there is one.
    pub beams: Option<usize>,
    /// A of a beam's score, log-probability / tokens^A.
    pub length_penalty: f64,
    /// When a beam search is over: `false`, `true` or `never`.
    pub early_stopping: String,
    /// How many texts to write.
    pub texts: usize,
    /// The texts that end one.
    pub stops: Vec<String>,
    /// The fewest tokens, and whether the prompt's are counted.
    min: (usize, bool),
    /// The most tokens, and whether the prompt's are counted; none if nothing is said.
    max: Option<(usize, bool)>,
}

/// What the distribution is shaped by from which tokens are drawn, applied in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// T in z / T.
    pub temperature: Option<f64>,
    /// How many of the likeliest tokens are kept.
    pub top_k: Option<usize>,
    /// The probability that the likeliest tokens which are kept have together.
    pub top_p: Option<f64>,
    /// The least probability in terms of the largest.
    pub min_p: Option<f64>,
    /// The probability that the most typical tokens which are kept have together.
    pub typical: Option<f64>,
}

impl GenerationConfig {
    /// What these fields say.
    ///
    /// # Errors
    /// The first field that cannot be, or asks for what is not known here.
    pub fn new(said: &Map<String, Value>) -> Result<Self, HuggingFaceError> {
        let fields = Fields::of(said.clone(), String::new());
        let unknown = "this way to generate is not known here";
        refused().iter().try_for_each(|(field, only)| fields.refuse_unless(field, only, unknown))?;
        let number = |field: &str, neutral: f64| {
            Ok::<_, HuggingFaceError>(fields.number(field)?.filter(|&value| value != neutral))
        };
        let whole = |field: &str| Ok::<_, HuggingFaceError>(fields.whole(field)?.filter(|&value| value != 0));
        let share = |field: &str| Ok::<_, HuggingFaceError>(fields.number(field)?.filter(|&value| value < 1.0));
        let beams = fields.count("num_beams")?.filter(|&beams| beams > 1);
        let sampling = Sampling {
            temperature: number("temperature", 1.0)?,
            top_k: Some(fields.whole("top_k")?.unwrap_or(50)).filter(|&k| k != 0),
            top_p: share("top_p")?,
            min_p: number("min_p", 0.0)?,
            typical: share("typical_p")?,
        };
        let sampling = fields.flag("do_sample", false)?.then_some(sampling);
        if let (Some(_), Some(beams)) = (&sampling, beams) {
            return Err(
                fields.wrong("num_beams", format!("a beam of {beams} whose tokens are drawn is not known here"))
            );
        }
        let early_stopping = match fields.get("early_stopping").unwrap_or(&json!(false)) {
            Value::Bool(early) => early.to_string(),
            Value::String(never) if never == "never" => never.clone(),
            value => {
                return Err(fields.wrong("early_stopping", format!("must be true, false or \"never\", not {value}")));
            }
        };
        let stops = match fields.get("stop_strings") {
            None => Some(Vec::new()),
            Some(Value::String(stop)) => Some(vec![stop.clone()]),
            Some(value) => serde_json::from_value(value.clone()).ok(),
        };
        let max_new = fields.count("max_new_tokens")?.map(|max| (max, false));
        Ok(Self {
            sampling,
            repetition_penalty: number("repetition_penalty", 1.0)?,
            no_repeat_ngram: whole("no_repeat_ngram_size")?,
            beams,
            length_penalty: fields.number("length_penalty")?.unwrap_or(1.0),
            early_stopping,
            texts: fields.count("num_return_sequences")?.unwrap_or(1),
            stops: stops.ok_or_else(|| fields.wrong("stop_strings", "must be a text or several"))?,
            min: match fields.whole("min_new_tokens")? {
                Some(min) => (min, false),
                None => (fields.whole("min_length")?.unwrap_or(0), true),
            },
            max: max_new.or(fields.count("max_length")?.map(|max| (max, true))),
        })
    }

    /// Whether the prompt's tokens are among those that are counted.
    pub fn counts_prompt(&self) -> bool {
        self.min.1 && self.min.0 > 0 || self.max.is_some_and(|(_, counts)| counts)
    }

    /// The fewest and the most tokens behind a prompt of so many, with a model of this context.
    ///
    /// # Errors
    /// If the prompt is as long as a text may be.
    pub fn length(&self, prompt: usize, context: usize) -> Result<[usize; 2], HuggingFaceError> {
        let new = |(tokens, counts): (usize, bool)| if counts { tokens.saturating_sub(prompt) } else { tokens };
        let usual = 20.min(context.saturating_sub(prompt)).max(1);
        let max = self.max.map_or(usual, new);
        if max == 0 {
            let problem = format!("max_length: a prompt of {prompt} tokens leaves no room for more");
            return Err(HuggingFaceError::Unfit(problem));
        }
        Ok([new(self.min).min(max), max])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: Value) -> Result<GenerationConfig, String> {
        let Value::Object(said) = said else { panic!("{said} is no object") };
        GenerationConfig::new(&said).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_what_it_is_to_transformers() {
        let nothing = read(json!({})).unwrap();
        assert_eq!((&nothing.sampling, nothing.beams, nothing.texts), (&None, None, 1));
        assert_eq!(nothing.length(5, 1024), Ok([0, 20]));
        assert_eq!(nothing.length(1020, 1024), Ok([0, 4]), "as many as the context has room for");
        let shaped = |said: Value| read(said).unwrap().sampling.unwrap();
        let usual = Sampling { temperature: None, top_k: Some(50), top_p: None, min_p: None, typical: None };
        assert_eq!(shaped(json!({ "do_sample": true })), usual);
        let neutral = json!({ "do_sample": true, "temperature": 1, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0 });
        assert_eq!(shaped(neutral), usual);
        assert_eq!(shaped(json!({ "do_sample": true, "top_k": 0 })).top_k, None);
        let neutral = read(json!({ "repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "num_beams": 1 }));
        assert_eq!(neutral, read(json!({})));
    }

    #[test]
    fn lengths_count_the_prompt_or_do_not() {
        let length = |said: Value, prompt| read(said).unwrap().length(prompt, 64);
        assert_eq!(length(json!({ "max_length": 9, "min_length": 6 }), 4), Ok([2, 5]));
        assert_eq!(
            length(json!({ "max_length": 9, "max_new_tokens": 3, "min_length": 6, "min_new_tokens": 1 }), 4),
            Ok([1, 3])
        );
        assert_eq!(length(json!({ "max_new_tokens": 3, "min_new_tokens": 7 }), 4), Ok([3, 3]));
        assert_eq!(length(json!({ "max_length": 9, "min_length": 6 }), 8), Ok([0, 1]));
        assert!(length(json!({ "max_length": 9 }), 9).is_err());
        let counts = |said: Value| read(said).unwrap().counts_prompt();
        assert_eq!(
            [counts(json!({})), counts(json!({ "max_length": 9 })), counts(json!({ "min_length": 9 }))],
            [false, true, true]
        );
    }

    #[test]
    fn what_is_not_known_here_is_refused_by_name() {
        for (field, only) in refused() {
            assert!(read(json!({ field: "another" })).unwrap_err().starts_with(field));
            for usual in [only, Value::Null, json!([])] {
                assert!(read(json!({ field: usual })).is_ok(), "{field}");
            }
        }
        for (field, value) in [
            ("early_stopping", json!("always")),
            ("stop_strings", json!([1])),
            ("temperature", json!("hot")),
            ("max_new_tokens", json!(0)),
            ("do_sample", json!("yes")),
        ] {
            assert!(read(json!({ field: value })).unwrap_err().starts_with(field), "{field}");
        }
        assert!(read(json!({ "num_beams": 2, "do_sample": true })).unwrap_err().starts_with("num_beams"));
    }
}
