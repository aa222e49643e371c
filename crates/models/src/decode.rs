//! From a model to a text: which token to choose, and the loop that chooses one after another.

pub mod generate;
pub mod sampling;

pub use generate::{Finish, GenerateError, GenerateOptions, Generated, Length, generate};
pub use sampling::{Sampling, Temperature, TopK, TopP};
