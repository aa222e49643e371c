//! Rungs.

pub use rungs_layers as layers;
pub use rungs_models as models;
pub use rungs_tensor as tensor;
pub use rungs_trainer as trainer;

pub mod bigram;
pub mod corpus;
mod error;
pub mod language;
pub mod run;
pub mod settings;

pub use bigram::Bigram;
pub use corpus::Corpus;
pub use error::Error;
pub use language::LanguageTask;
pub use run::{Run, RunConfig, SavedRun, Source};
pub use settings::{Rung, Settings, TokenizerKind};
