//! Values of options: counts, numbers, and enumerations by the names that files have for them.

use std::fmt::Display;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};

use crate::terminal::{Failure, Outcome};

/// The names that serde has for an enumeration's variants.
pub(super) fn names<T: DeserializeOwned>() -> PossibleValuesParser {
    let no_name: StrDeserializer<'_, Names> = "".into_deserializer();
    PossibleValuesParser::new(T::deserialize(no_name).err().map_or(&[][..], |Names(names)| names))
}

/// A variant of an enumeration by the name that serde has for it.
pub(super) fn variant<T: DeserializeOwned + Clone + Send + Sync + 'static>() -> impl TypedValueParser<Value = T> {
    names::<T>().try_map(|name| T::deserialize::<StrDeserializer<'_, Names>>(name.as_str().into_deserializer()))
}

/// The error about a name that is none, which says what names there are.
#[derive(Debug, thiserror::Error)]
#[error("one of {0:?}")]
struct Names(&'static [&'static str]);

impl serde::de::Error for Names {
    fn custom<T: Display>(_: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_: &str, names: &'static [&'static str]) -> Self {
        Self(names)
    }
}

/// A whole number of 1 or more.
pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Err("must be 1 or more".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(error.to_string()),
    }
}

/// A whole number from 1 to `MOST`.
pub(super) fn count_to<const MOST: usize>(text: &str) -> Result<usize, String> {
    match count(text)? {
        count if count > MOST => Err(format!("must be {MOST} or less")),
        count => Ok(count),
    }
}

/// A finite number.
pub(super) fn number(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number.is_finite() { Ok(number) } else { Err("must be finite".to_owned()) }
}

/// A finite number above 0.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    match number(text)? {
        number if number > 0.0 => Ok(number),
        _ => Err("must be above 0".to_owned()),
    }
}

/// Sets a field to the value that was given for it, if one was; without such a field that is a `problem`.
pub(super) fn set<T>(field: Option<&mut T>, given: Option<T>, problem: &str) -> Outcome {
    let Some(value) = given else { return Ok(()) };
    *field.ok_or_else(|| Failure::input(problem))? = value;
    Ok(())
}
