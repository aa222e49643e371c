//! Reading the steps that a `tokenizer.json` describes.

use serde_json::Value;

/// Calls `each` with the steps that a description consists of: none, one, or several in a sequence.
pub(in crate::tokenizer) fn each_step(
    described: &Value,
    list: &str,
    each: &mut dyn FnMut(&Value) -> Result<(), String>,
) -> Result<(), String> {
    match (described, kind(described)) {
        (Value::Null, _) => Ok(()),
        (_, "Sequence") => {
            let steps = described[list].as_array().ok_or_else(|| format!("a Sequence has no list of {list}"))?;
            steps.iter().try_for_each(|step| each_step(step, list, each))
        }
        (step, _) => each(step),
    }
}

/// The name of a step.
pub(in crate::tokenizer) fn kind(step: &Value) -> &str {
    step["type"].as_str().unwrap_or("without a type")
}

/// When Metaspace puts its mark before a text: `always`, `first` or `never`. Older files say it by a flag.
pub(super) fn prepend_scheme(step: &Value) -> &str {
    let scheme = if flag(step, "add_prefix_space", true) { "always" } else { "never" };
    step["prepend_scheme"].as_str().unwrap_or(scheme)
}

/// A text in the description of a step.
pub(super) fn text(step: &Value, field: &str) -> Result<String, String> {
    step[field].as_str().map(str::to_owned).ok_or_else(|| format!("{} has no text {field:?}", kind(step)))
}

/// The pattern of a step, if it is a literal text and no regular expression.
pub(in crate::tokenizer) fn literal(step: &Value) -> Result<Option<String>, String> {
    match (step["pattern"]["String"].as_str(), step["pattern"]["Regex"].as_str()) {
        (Some(text), _) => Ok(Some(text.to_owned())),
        (None, Some(_)) => Ok(None),
        (None, None) => Err(format!("{} has no pattern", kind(step))),
    }
}

/// A yes or no in the description of a step.
pub(super) fn flag(step: &Value, field: &str, default: bool) -> bool {
    step[field].as_bool().unwrap_or(default)
}
