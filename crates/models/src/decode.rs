//! From a model to a text: which token to choose, and the loop that chooses one after another; or the search for the
//! most probable text.

pub mod beam;
mod candidates;
pub mod generate;
pub mod sampling;
pub mod search;

pub use beam::{BeamOptions, Hypothesis, LengthPenalty, beam_search};
pub use generate::{Finish, GenerateError, GenerateOptions, Generated, Length, generate};
pub use sampling::{Sampling, Temperature, TopK, TopP};
pub use search::{SearchOptions, search};
