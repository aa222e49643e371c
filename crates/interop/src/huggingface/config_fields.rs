//! Fields of a `config.json`, read with an error that names the field.

use super::hugging_face_error::HuggingFaceError;
use super::pretrained::Family;
use rungs_layers::Activation;
use serde_json::{Map, Value};

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

pub(super) fn wrong(field: &str, problem: impl Into<String>) -> HuggingFaceError {
    HuggingFaceError::Field { field: field.to_owned(), problem: problem.into() }
}

/// An object of a configuration. A null is as good as no field.
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    pub(super) fn new(json: &str) -> Result<Self, HuggingFaceError> {
        match serde_json::from_str(json) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(HuggingFaceError::Json("it is not an object".to_owned())),
            Err(error) => Err(HuggingFaceError::Json(error.to_string())),
        }
    }

    pub(super) fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    /// That it is of this family, by its type or by its class.
    pub(super) fn check_family(&self, family: Family) -> Result<(), HuggingFaceError> {
        let class = self.get("architectures").and_then(|classes| classes.get(0));
        let known = |value: &Value| {
            let of = |f: &Family| Some(f.name()) == value.as_str() || Some(f.class()) == value.as_str();
            Family::ALL.into_iter().find(of)
        };
        let (field, value) = match (self.get("model_type"), class) {
            (Some(value), _) => ("model_type", value),
            (None, Some(value)) => ("architectures", value),
            (None, None) => return Err(wrong("model_type", "missing")),
        };
        match known(value) {
            Some(found) if found == family => Ok(()),
            Some(found) => {
                Err(wrong(field, format!("this is a {0}, not a {1} (rungs import {0})", found.name(), family.name())))
            }
            None => Err(wrong(field, format!("the architecture {value} is not known here, only gpt2 and llama"))),
        }
    }

    /// What a field says, if it is there.
    ///
    /// # Errors
    /// If it is not what it must be.
    fn read<T>(
        &self,
        field: &str,
        must_be: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, HuggingFaceError> {
        let Some(value) = self.get(field) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| wrong(field, format!("must be {must_be}, not {value}")))
    }

    pub(super) fn optional_count(&self, field: &str) -> Result<Option<usize>, HuggingFaceError> {
        self.read(field, "a whole number of 1 or more", |value| {
            value.as_u64().and_then(|count| usize::try_from(count).ok()).filter(|&count| count > 0)
        })
    }

    pub(super) fn count(&self, field: &str) -> Result<usize, HuggingFaceError> {
        self.optional_count(field)?.ok_or_else(|| wrong(field, "missing"))
    }

    pub(super) fn number(&self, field: &str) -> Result<Option<f64>, HuggingFaceError> {
        self.read(field, "a number", Value::as_f64)
    }

    pub(super) fn flag(&self, field: &str, usual: bool) -> Result<bool, HuggingFaceError> {
        Ok(self.read(field, "true or false", Value::as_bool)?.unwrap_or(usual))
    }

    pub(super) fn activation(&self, field: &str, usual: Activation) -> Result<Activation, HuggingFaceError> {
        let Some(value) = self.get(field) else { return Ok(usual) };
        let found = ACTIVATIONS.iter().find(|(name, _)| Some(*name) == value.as_str()).map(|(_, known)| *known);
        found.ok_or_else(|| wrong(field, format!("the function {value} is not known here")))
    }

    /// That a field has the one value that is known here, or is not there.
    pub(super) fn refuse_unless(&self, field: &str, only: &Value, because: &str) -> Result<(), HuggingFaceError> {
        let same = |value: &Value| value == only || (value.is_f64() && value.as_f64() == only.as_f64());
        match self.get(field) {
            Some(value) if !same(value) => Err(wrong(field, because)),
            _ => Ok(()),
        }
    }
}
