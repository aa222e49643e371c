//! Parsers of the values behind flags.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use rungs::interop::huggingface::Family;
use rungs::settings::{Architecture, NormName, PositionKind, Tied};
use rungs::{CellKind, Rung, TokenizerKind};

pub(super) fn rung() -> impl TypedValueParser<Value = Rung> {
    PossibleValuesParser::new(Rung::ALL.map(Rung::name)).try_map(|name| name.parse())
}

pub(super) fn tokenizer(text: &str) -> Result<TokenizerKind, rungs::Error> {
    text.parse()
}

pub(super) fn tied() -> impl TypedValueParser<Value = Tied> {
    PossibleValuesParser::new(Tied::ALL.map(Tied::name)).try_map(|name| name.parse())
}

pub(super) fn cell() -> impl TypedValueParser<Value = CellKind> {
    PossibleValuesParser::new(CellKind::ALL.map(CellKind::name)).try_map(|name| name.parse())
}

pub(super) fn family() -> impl TypedValueParser<Value = Family> {
    let of = |name: String| Family::ALL.into_iter().find(|family| family.name() == name).expect("it is possible");
    PossibleValuesParser::new(Family::ALL.map(Family::name)).map(of)
}

pub(super) fn architecture() -> impl TypedValueParser<Value = Architecture> {
    PossibleValuesParser::new(Architecture::ALL.map(Architecture::name)).try_map(|name| name.parse())
}

pub(super) fn norm() -> impl TypedValueParser<Value = NormName> {
    PossibleValuesParser::new(NormName::ALL.map(NormName::name)).try_map(|name| name.parse())
}

pub(super) fn positions() -> impl TypedValueParser<Value = PositionKind> {
    PossibleValuesParser::new(PositionKind::ALL.map(PositionKind::name)).try_map(|name| name.parse())
}

/// One of some things with names.
pub(super) fn named<T: Copy + Send + Sync + 'static>(
    known: &'static [(&'static str, T)],
) -> impl TypedValueParser<Value = T> {
    let value = |name: String| known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    PossibleValuesParser::new(known.iter().map(|(name, _)| *name)).map(move |name| value(name).expect("it is possible"))
}

/// A whole number of at least 1.
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
