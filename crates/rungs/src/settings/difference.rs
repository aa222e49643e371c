//! Settings by name, and where two of them differ.

use super::Settings;
use serde_json::{Value, json};

/// A setting that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name of the setting, as the program's option is called.
    pub name: String,
    /// Value of the saved run.
    pub was: String,
    /// Value that was asked for.
    pub wanted: String,
}

impl Settings {
    /// Every setting by the name of the program's option, with its value.
    pub fn named(&self) -> Vec<(String, String)> {
        flattened("", &json!(self))
    }

    /// The settings of the model, by the name of the program's option.
    pub fn named_model(&self) -> Vec<(String, String)> {
        let mut model = json!(self.model);
        model["context"] = self.context().into();
        let mut named = flattened("", &model);
        named.retain(|(name, _)| name != "dropout");
        named
    }

    /// The first setting in which `wanted` differs, those in `free` aside; none if a run with these settings can go on
    /// with the others.
    pub fn difference(&self, wanted: &Self, free: &[&str]) -> Option<Difference> {
        difference(&self.named(), &wanted.named(), free)
    }

    /// The first setting in which the models differ, but for settings that only change how they are computed.
    pub fn model_difference(&self, wanted: &Self) -> Option<Difference> {
        difference(&self.named_model(), &wanted.named_model(), &["gradient-checkpointing", "scheduled-sampling"])
    }
}

fn difference(was: &[(String, String)], wanted: &[(String, String)], free: &[&str]) -> Option<Difference> {
    let value = |named: &[(String, String)], name: &str| {
        named.iter().find(|(other, _)| other == name).map_or("absent".to_owned(), |(_, value)| value.clone())
    };
    let names = wanted.iter().chain(was).map(|(name, _)| name).filter(|name| !free.contains(&name.as_str()));
    let mut all =
        names.map(|name| Difference { name: name.clone(), was: value(was, name), wanted: value(wanted, name) });
    all.find(|difference| difference.was != difference.wanted)
}

/// Every leaf of the settings' JSON with the name of the option that sets it.
fn flattened(path: &str, value: &Value) -> Vec<(String, String)> {
    let text = match value {
        Value::Object(fields) => {
            // The name of an optimizer or schedule first, the learning rate, a rank: where they differ, others do
            // because of it.
            let place = |field: &str| {
                ["rung", "kind", "task", "name", "rate", "rank"].iter().position(|first| *first == field).unwrap_or(6)
            };
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(field, _)| place(field));
            let below = |(field, value): (&String, &Value)| match path {
                "" => flattened(field, value),
                _ => flattened(&format!("{path}.{field}"), value),
            };
            return fields.into_iter().flat_map(below).collect();
        }
        // What parts documents may be a line break, which would part what is printed.
        Value::String(text) => text.replace('\n', "\\n").replace('\t', "\\t"),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    };
    vec![(option_name(path), text)]
}

/// The option for a place in the settings: `--lr` for `training.schedule.rate`, `--batch-size` for
/// `training.batch_size`.
fn option_name(path: &str) -> String {
    let mut parts = path.rsplit('.');
    let (field, of) = (parts.next().unwrap_or(path), parts.next().unwrap_or_default());
    match (of, field) {
        (of, "name") => of.to_owned(),
        ("examples", "kind") => "examples".to_owned(),
        ("norm", "epsilon") => "norm-epsilon".to_owned(),
        ("positions", "theta") => "rope-theta".to_owned(),
        ("optimizer", "alpha") => "beta2".to_owned(),
        ("schedule", "rate") => "lr".to_owned(),
        ("schedule", "minimum") => "min-lr".to_owned(),
        ("schedule", "factor" | "every") => format!("lr-{field}"),
        ("lora", "rank") => "lora".to_owned(),
        ("lora", _) => format!("lora-{field}"),
        _ => field.replace('_', "-"),
    }
}
