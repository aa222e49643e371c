//! Settings as JSON: files of today, and those that earlier versions wrote.

use super::Settings;
use crate::layers::gated_width;
use crate::layers::norm::EPSILON;
use crate::models::Rung;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::{Map, Value, json};

/// Reads settings that this version or an earlier one wrote.
pub(crate) fn of_any_version<'de, D: Deserializer<'de>>(from: D) -> Result<Settings, D::Error> {
    let settings = as_of_today(Value::Object(Map::deserialize(from)?)).and_then(serde_json::from_value);
    settings.map_err(D::Error::custom)
}

fn as_of_today(settings: Value) -> Result<Value, serde_json::Error> {
    match settings {
        Value::Object(fields) if fields.contains_key("rung") => from_flat(fields),
        settings => Ok(settings),
    }
}

impl Settings {
    /// Settings from a file: `config.json` of a run, or settings alone. What is left out has the default of the rung.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn from_json(json: &str, rung: Rung) -> Result<Self, String> {
        let mut file: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        while let Some(inner @ Value::Object(_)) = file.get_mut("settings").map(Value::take) {
            file = inner;
        }
        file = as_of_today(file).map_err(|error| error.to_string())?;
        let name = file.pointer("/model/rung").and_then(Value::as_str).unwrap_or(rung.name());
        if name != rung.name() {
            return Err(format!("these are settings of the rung {name}, not {rung}"));
        }
        let mut settings = serde_json::to_value(Self::of(rung)).expect("settings are plain values");
        if let Some(Value::Object(model)) = file.get_mut("model") {
            // A configuration knows its defaults, and the earlier names of its fields.
            model.insert("rung".to_owned(), rung.name().into());
            settings["model"] = Value::Object(std::mem::take(model));
        }
        merge(&mut settings, file);
        serde_json::from_value(settings).map_err(|error| error.to_string())
    }
}

/// Puts the values of `patch` over those of `value`. Objects are merged, unless they are of different kinds.
fn merge(value: &mut Value, patch: Value) {
    match (value, patch) {
        (Value::Object(fields), Value::Object(patch))
            if ["name", "kind", "steps", "epochs", "seconds"]
                .iter()
                .all(|tag| patch.get(*tag).is_none_or(|of| fields.get(*tag) == Some(of))) =>
        {
            for (name, patch) in patch {
                merge(fields.entry(name).or_insert(Value::Null), patch);
            }
        }
        (value, patch) => *value = patch,
    }
}

/// The settings that earlier versions wrote, without parts: 28 fields, of which each rung had its own.
fn from_flat(mut old: Map<String, Value>) -> Result<Value, serde_json::Error> {
    let rung: Rung = serde_json::from_value(old.get("rung").cloned().unwrap_or_default())?;
    if let Some(missing) = ["layers", "hidden", "context"].into_iter().find(|name| !old.contains_key(*name)) {
        return Err(serde_json::Error::missing_field(missing));
    }
    let mut parts = |name: &str| match old.remove(name) {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let (mut gpt, mut pairs, transformer) = (parts("gpt"), parts("pairs"), parts("transformer"));
    let (prompts, regularization) = (parts("prompts"), parts("regularization"));

    let mut taken =
        |names: &[&str]| -> Map<String, Value> { names.iter().filter_map(|name| old.remove_entry(*name)).collect() };
    let mut model = taken(&["rung", "layers", "hidden", "embedding", "heads", "dropout"]);
    let mut data = taken(&["tokenizer", "validation_split"]);
    if rung.is_recurrent() { &mut data } else { &mut model }.extend(taken(&["context"]));

    if rung == Rung::Gpt {
        data.extend(gpt.remove_entry("end"));
        let llama = gpt.remove("architecture") == Some("llama".into());
        let gated = gpt.get("gated") == Some(&true.into());
        let width = model.get("hidden").and_then(Value::as_u64).unwrap_or_default() as usize;
        if gated != llama && !gpt.contains_key("feed_forward") {
            let inner = if llama { gated_width(width) } else { 4 * width };
            gpt.insert("feed_forward".to_owned(), inner.into());
        }
        if let Some(name) = gpt.remove("norm") {
            let epsilon = gpt.remove("norm_epsilon").unwrap_or_else(|| json!(EPSILON));
            gpt.insert("norm".to_owned(), json!({ "name": name, "epsilon": epsilon }));
        }
        let theta = gpt.remove("rotary_base").map(|theta| ("theta".to_owned(), theta));
        if let Some(name) = gpt.remove("positions") {
            let positions = [("name".to_owned(), name)].into_iter().chain(theta).collect();
            gpt.insert("positions".to_owned(), Value::Object(positions));
        }
    }
    let counts = ["min_count", "lower_case"].map(|name| (name.to_owned(), pairs.remove(name).unwrap_or_default()));
    if rung == Rung::Transformer
        && let Some(Value::Bool(tied)) = pairs.get("tied")
    {
        let tied = tied.to_string();
        pairs.insert("tied".to_owned(), tied.into());
    }
    if rung != Rung::Seq2seq {
        pairs.remove("reverse"); // the others read their source as it is
    }
    model.extend(gpt.into_iter().chain(pairs).chain(transformer));

    let (kind, mut examples) = if rung.translates() {
        ("pairs", Map::from_iter(counts))
    } else if prompts.is_empty() {
        ("text", taken(&["documents"]))
    } else {
        ("prompts", prompts)
    };
    examples.insert("kind".to_owned(), kind.into());
    data.insert("examples".to_owned(), examples.into());

    let fine_tuning = old.remove("fine_tuning");
    old.extend(regularization);
    Ok(json!({ "model": model, "data": data, "training": old, "fine_tuning": fine_tuning }))
}
