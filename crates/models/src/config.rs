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
    /// A width that heads of equal width do not fill.
    #[error("width {width} is not a multiple of heads {heads}")]
    Heads {
        /// D, the model's width.
        width: usize,
        /// N, the number of heads.
        heads: usize,
    },
    /// Heads of queries that heads of keys do not share evenly.
    #[error("heads {heads} is not a multiple of key-heads {key_heads}")]
    KeyHeads {
        /// N, the number of heads.
        heads: usize,
        /// M, the number of heads of keys and values.
        key_heads: usize,
    },
    /// Rotary positions in heads that have no pairs.
    #[error("rotary positions turn pairs of numbers, and a head has {head}")]
    OddHeads {
        /// K, the width of a head.
        head: usize,
    },
    /// A head that is tied to an embedding of another width.
    #[error("a tied head needs an embedding as wide as the state: embedding {embedding}, hidden {hidden}")]
    Tied {
        /// D, the width of a token's vector.
        embedding: usize,
        /// H, the width of the state.
        hidden: usize,
    },
    /// One matrix of vectors for two vocabularies.
    #[error(
        "one embedding for sources and targets needs one vocabulary: they have \
         {source_vocabulary} and {vocabulary} tokens"
    )]
    TiedVocabularies {
        /// How many tokens a source may have.
        source_vocabulary: usize,
        /// V, how many a target may have.
        vocabulary: usize,
    },
    /// A dot product of vectors of different widths.
    #[error("dot attention compares vectors of one width: the encoder shows {shown}, the decoder {hidden}")]
    DotWidths {
        /// D_v, what the encoder shows.
        shown: usize,
        /// H, the width of the decoder's state.
        hidden: usize,
    },
    /// A text that is longer than the positions that a model has learnt.
    #[error("{what} of {tokens} tokens is longer than the {most} for which this model has learnt positions")]
    TooLong {
        /// Which text: a source, or a target.
        what: &'static str,
        /// How many tokens it has.
        tokens: usize,
        /// How many it can have.
        most: usize,
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
    /// Gradient checkpointing of a decoder that reads token by token.
    #[error("gradient-checkpointing: with scheduled-sampling every step of the decoder is kept; nothing is recomputed")]
    NothingToRecompute,
    /// Two settings that exclude one another.
    #[error("{least_name} {least} is more than {most_name} {most}")]
    Order {
        /// The setting that must not be the larger one.
        least_name: &'static str,
        /// Its value.
        least: usize,
        /// The setting that must not be the smaller one.
        most_name: &'static str,
        /// Its value.
        most: usize,
    },
}

/// Checks that each size is from 1 to `most`.
pub(crate) fn check_sizes(most: usize, sizes: &[(&'static str, usize)]) -> Result<(), ConfigError> {
    for &(name, value) in sizes {
        match value {
            0 => return Err(ConfigError::Zero { name }),
            _ if value > most => return Err(ConfigError::TooLarge { name, value, most }),
            _ => {}
        }
    }
    Ok(())
}

/// Checks that a model of this many parameters is one that a machine could hold.
pub(crate) fn check_parameters(parameters: u64) -> Result<u64, ConfigError> {
    if parameters > MAX_PARAMETERS { Err(ConfigError::TooManyParameters { parameters }) } else { Ok(parameters) }
}

/// Checks a probability of dropping: everything could not be dropped, since what is left is divided by 1 − p.
pub(crate) fn check_dropout(probability: f64) -> Result<(), ConfigError> {
    if (0.0..1.0).contains(&probability) {
        Ok(())
    } else {
        Err(ConfigError::Range { name: "dropout", value: probability, range: "at least 0 and below 1" })
    }
}

/// Checks a probability that may be 1.
pub(crate) fn check_probability(name: &'static str, value: f64) -> Result<(), ConfigError> {
    let range = "between 0 and 1";
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(ConfigError::Range { name, value, range }) }
}

/// Checks a number that must be above 0.
pub(crate) fn check_positive(name: &'static str, value: f64) -> Result<(), ConfigError> {
    let range = "a positive number";
    if value > 0.0 && value.is_finite() { Ok(()) } else { Err(ConfigError::Range { name, value, range }) }
}
