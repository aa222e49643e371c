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

/// A setting that cannot be, by its name.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A size of zero.
    #[error("{name} is 0; it must be at least 1")]
    Zero {
        /// The setting.
        name: &'static str,
    },
    /// A size beyond what any machine holds.
    #[error("{name} {value} is too large; the most is {most}")]
    TooLarge {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: usize,
        /// The largest value it can have.
        most: usize,
    },
    /// A model beyond what any machine holds, though each of its sizes is possible.
    #[error("these sizes make a model of {parameters} parameters; the most is {MAX_PARAMETERS}")]
    TooManyParameters {
        /// How many parameters the model would have.
        parameters: u64,
    },
    /// A number outside its range.
    #[error("{name} {value} is not {range}")]
    Range {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it must be, in words.
        range: &'static str,
    },
    /// Another setting, or several together, that cannot be: in words.
    #[error("{0}")]
    Invalid(String),
}

/// Checks that each size is from 1 to `most`.
///
/// # Errors
/// If one is not: the first.
pub fn check_sizes(most: usize, sizes: &[(&'static str, usize)]) -> Result<(), ConfigError> {
    sizes.iter().try_for_each(|&(name, value)| match value {
        0 => Err(ConfigError::Zero { name }),
        _ if value > most => Err(ConfigError::TooLarge { name, value, most }),
        _ => Ok(()),
    })
}

/// Checks that a model of this many parameters is one that a machine could hold.
pub(crate) fn check_parameters(parameters: u64) -> Result<u64, ConfigError> {
    if parameters > MAX_PARAMETERS { Err(ConfigError::TooManyParameters { parameters }) } else { Ok(parameters) }
}

/// Checks that a number fits; `range` says in words what it must be.
///
/// # Errors
/// If it does not.
pub fn check_number(name: &'static str, value: f64, fits: bool, range: &'static str) -> Result<f64, ConfigError> {
    if fits { Ok(value) } else { Err(ConfigError::Range { name, value, range }) }
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
    check(width % heads == 0, || format!("width {width} is not a multiple of heads {heads}"))
}

/// Checks a condition; `otherwise` says what is wrong.
///
/// # Errors
/// If it does not hold.
pub fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Invalid(otherwise())) }
}
