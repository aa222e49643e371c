//! Fields of a `config.json`, read with an error that names the field.

use super::pretrained::{Family, HuggingFaceError};
use rungs_layers::Activation;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;

/// What they call the functions inside of feed-forward layers; of several names the first is written.
pub(super) const ACTIVATIONS: [(&str, Activation); 8] = [
    ("gelu_new", Activation::GeluTanh),
    ("gelu_pytorch_tanh", Activation::GeluTanh),
    ("gelu_fast", Activation::GeluTanh),
    ("gelu", Activation::Gelu),
    ("relu", Activation::Relu),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
    ("tanh", Activation::Tanh),
];

/// An object of a configuration. A null is as good as no field.
pub(super) struct Fields {
    pub(super) object: Map<String, Value>,
    /// The prefix of a field's name in errors: the field that this object is the value of, with a dot.
    pub(super) within: String,
    /// The fields that were asked for.
    asked: RefCell<BTreeSet<String>>,
}

impl Fields {
    pub(super) fn new(json: &str) -> Result<Self, HuggingFaceError> {
        let wrong = |problem| Err(HuggingFaceError::Unfit(format!("not a configuration: {problem}")));
        match serde_json::from_str(json) {
            Ok(Value::Object(object)) => Ok(Self::of(object, String::new())),
            Ok(_) => wrong("it is not an object".to_owned()),
            Err(error) => wrong(error.to_string()),
        }
    }

    pub(super) fn of(object: Map<String, Value>, within: String) -> Self {
        Self { object, within, asked: RefCell::default() }
    }

    /// The fields that were never asked for, and are not among these.
    pub(super) fn others(&self, known: &[&str]) -> Vec<String> {
        let asked = self.asked.borrow();
        let is_other = |(name, value): &(&String, &Value)| {
            !value.is_null() && !asked.contains(*name) && !known.contains(&name.as_str())
        };
        self.object.iter().filter(is_other).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn wrong(&self, field: &str, problem: impl Display) -> HuggingFaceError {
        HuggingFaceError::Unfit(format!("{}{field}: {problem}", self.within))
    }

    pub(super) fn get(&self, field: &str) -> Option<&Value> {
        self.asked.borrow_mut().insert(field.to_owned());
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// That it is of this family, by its type or by its class.
    pub(super) fn check_family(&self, family: Family) -> Result<(), HuggingFaceError> {
        let class = self.get("architectures").and_then(|classes| classes.get(0));
        let (field, value) = match (self.get("model_type"), class) {
            (Some(value), _) => ("model_type", value),
            (None, Some(value)) => ("architectures", value),
            (None, None) => return Err(self.wrong("model_type", "missing")),
        };
        let is_named = |family: &Family| value == family.name() || value == family.class();
        let problem = match Family::ALL.into_iter().find(is_named) {
            Some(found) if found == family => return Ok(()),
            Some(found) => format!("this is a {0}, not a {1} (rungs import {0})", found.name(), family.name()),
            None => format!("the architecture {value} is not known here, only gpt2 and llama"),
        };
        Err(self.wrong(field, problem))
    }

    /// The value of a field as `parse` reads it; `must` says what it has to be.
    fn parsed<T>(
        &self,
        field: &str,
        must: &str,
        parse: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, HuggingFaceError> {
        let wrong = |value: &Value| self.wrong(field, format!("must be {must}, not {value}"));
        self.get(field).map(|value| parse(value).ok_or_else(|| wrong(value))).transpose()
    }

    pub(super) fn count(&self, field: &str) -> Result<Option<usize>, HuggingFaceError> {
        self.parsed(field, "a whole number of 1 or more", |value| {
            value.as_u64().and_then(|count| usize::try_from(count).ok()).filter(|&count| count > 0)
        })
    }

    /// A number of 0 or more.
    pub(super) fn whole(&self, field: &str) -> Result<Option<usize>, HuggingFaceError> {
        self.parsed(field, "a whole number of 0 or more", |value| {
            value.as_u64().and_then(|count| usize::try_from(count).ok())
        })
    }

    /// A count that must be there.
    pub(super) fn size(&self, field: &str) -> Result<usize, HuggingFaceError> {
        self.count(field)?.ok_or_else(|| self.wrong(field, "missing"))
    }

    pub(super) fn number(&self, field: &str) -> Result<Option<f64>, HuggingFaceError> {
        self.parsed(field, "a number", Value::as_f64)
    }

    pub(super) fn flag(&self, field: &str, usual: bool) -> Result<bool, HuggingFaceError> {
        Ok(self.parsed(field, "true or false", Value::as_bool)?.unwrap_or(usual))
    }

    pub(super) fn activation(&self, field: &str, usual: Activation) -> Result<Activation, HuggingFaceError> {
        let Some(value) = self.get(field) else { return Ok(usual) };
        let found = ACTIVATIONS.iter().find(|(name, _)| Some(*name) == value.as_str());
        found
            .map(|(_, activation)| *activation)
            .ok_or_else(|| self.wrong(field, format!("the function {value} is not known here")))
    }

    /// That a field has the one value that is known here, or is empty or not there.
    pub(super) fn refuse_unless(&self, field: &str, only: &Value, because: &str) -> Result<(), HuggingFaceError> {
        let is_empty = |value: &Value| *value == json!([]) || *value == json!({});
        let same =
            |value: &Value| value == only || value.is_number() && value.as_f64() == only.as_f64() || is_empty(value);
        match self.get(field) {
            Some(value) if !same(value) => Err(self.wrong(field, because)),
            _ => Ok(()),
        }
    }
}
