//! What binds models to the trainer: token ids into batches, logits into a loss, and held-out data into a number.
//!
//! There is one task, [`LanguageTask`], for texts, for answers and for translations. [`evaluate`] measures a model on a
//! text, [`token_losses()`] token by token, and [`measure_forced`] on examples.

pub mod language_task;
pub mod measuring;
pub mod token_losses;

pub use language_task::LanguageTask;
pub use measuring::{Forced, evaluate, measure_forced};
pub use token_losses::token_losses;
