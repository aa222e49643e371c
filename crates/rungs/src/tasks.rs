//! What binds models to the trainer: data into batches, logits into a loss, and held-out data into a number.
//!
//! | task | of a model that |
//! |---|---|
//! | [`LanguageTask`] | goes on with texts; [`evaluate`] measures it, and [`token_losses`] token by token |
//! | [`TranslationTask`] | translates; [`measure_forced`] measures it |
//! | [`PromptTask`] | goes on with a question by answering it; [`measure_answers`] measures it |

pub mod answers;
mod any_task;
mod forced;
pub mod language;
pub mod token_losses;
pub mod translation;

pub use answers::{PromptTask, measure_answers};
pub use forced::Forced;
pub use language::{LanguageTask, evaluate};
pub use token_losses::token_losses;
pub use translation::{TranslationTask, measure_forced};

pub(crate) use any_task::AnyTask;
