//! Values of options: counts, numbers, and enumerations by the names that files have for them.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use rungs::TokenizerKind;
use rungs::interop::huggingface::Family;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

/// One of an enumeration's variants, by the name that serde has for it.
pub(super) fn named<T: DeserializeOwned + Clone + Send + Sync + 'static>() -> impl TypedValueParser<Value = T> {
    let mut names = Names(&[]);
    _ = T::deserialize(&mut names);
    PossibleValuesParser::new(names.0).map(|name| {
        let text: StrDeserializer<'_, Error> = name.as_str().into_deserializer();
        T::deserialize(text).expect("it is one of the names")
    })
}

/// A deserializer that holds nothing; it learns the names of an enumeration's variants.
struct Names(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut Names {
    type Error = Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0 = variants;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

pub(super) fn tokenizer(text: &str) -> Result<TokenizerKind, rungs::Error> {
    text.parse()
}

pub(super) fn family() -> impl TypedValueParser<Value = Family> {
    let of = |name: String| Family::ALL.into_iter().find(|family| family.name() == name).expect("it is possible");
    PossibleValuesParser::new(Family::ALL.map(Family::name)).map(of)
}

/// A whole number of 1 or more.
pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Err("must be 1 or more".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(error.to_string()),
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
