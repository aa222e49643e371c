//! Settings that cannot be, refused before anything is built from them.
//!
//! A configuration is a plain struct, written by people and read from files. Each model checks its own once, in
//! `new`, and what is built after that takes sizes as they come: a wrong shape further in is a bug, not an error.

/// The largest vocabulary, width or context.
///
/// Large enough for any model that exists, small enough that no product of two sizes overflows.
pub const MAX_SIZE: usize = 1 << 24;

/// The most layers a model can have.
pub const MAX_LAYERS: usize = 1 << 10;

/// The most parameters a model can have, 64 GiB of them in single precision.
///
/// Memory for the parameters is asked for all at once, and a program that cannot get it is ended by the system
/// without a word; a slip of the keyboard (`--hidden 1000000`) deserves one.
pub const MAX_PARAMETERS: u64 = 1 << 34;

/// A setting, or several together, that cannot be: in words, with the setting's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// An error of these words.
    pub fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}

/// Checks a condition; `otherwise` says what is wrong.
///
/// # Errors
/// If it does not hold.
pub fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::new(otherwise())) }
}

/// Checks that each size is from 1 to `most`.
///
/// # Errors
/// If one is not: the first.
pub fn check_sizes(most: usize, sizes: &[(&str, usize)]) -> Result<(), ConfigError> {
    sizes.iter().try_for_each(|&(name, value)| {
        check(value > 0, || format!("{name} is 0; it must be at least 1"))?;
        check(value <= most, || format!("{name} {value} is too large; the most is {most}"))
    })
}

/// Checks that a model of this many parameters is one that a machine could hold.
pub(crate) fn check_parameters(parameters: u64) -> Result<u64, ConfigError> {
    let problem = || format!("these sizes make a model of {parameters} parameters; the most is {MAX_PARAMETERS}");
    check(parameters <= MAX_PARAMETERS, problem).map(|()| parameters)
}

/// Checks that a number fits; `range` says in words what it must be.
///
/// # Errors
/// If it does not.
pub fn check_number(name: &str, value: f64, fits: bool, range: &str) -> Result<f64, ConfigError> {
    check(fits, || format!("{name} {value} is not {range}")).map(|()| value)
}

/// Checks a number of layers and their dropout: everything could not be dropped, since what is left is divided by
/// 1 − p.
pub(crate) fn check_layers(layers: usize, dropout: f64) -> Result<(), ConfigError> {
    check_sizes(MAX_LAYERS, &[("layers", layers)])?;
    check_number("dropout", dropout, (0.0..1.0).contains(&dropout), "at least 0 and below 1").map(drop)
}

/// Checks the probability that a decoder reads its own prediction.
pub(crate) fn check_scheduled_sampling(p: f64) -> Result<(), ConfigError> {
    check_number("scheduled-sampling", p, (0.0..=1.0).contains(&p), "between 0 and 1").map(drop)
}

/// Checks that heads of equal width fill a width.
pub(crate) fn check_heads(width: usize, heads: usize) -> Result<(), ConfigError> {
    check(width.is_multiple_of(heads), || format!("width {width} is not a multiple of heads {heads}"))
}
