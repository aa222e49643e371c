//! What may be done to the logits before a token is chosen.
//!
//! A [`Processor`] sees the logits of the next token and what stands before it, and changes them. Whatever chooses
//! then, an argmax, a draw, a beam, a contrastive search or a draft model's judge, chooses by what is left. Processors
//! are applied one after another, so their order counts, and one more is a few lines:
//!
//! ```
//! use rungs_models::sampling::{Context, Processor};
//!
//! /// No token twice in a row.
//! #[derive(Debug)]
//! struct NoStammer;
//!
//! impl Processor for NoStammer {
//!     fn process(&self, context: &Context<'_>, logits: &mut [f64]) {
//!         if let Some(&last) = context.written.last() {
//!             logits[last as usize] = f64::NEG_INFINITY;
//!         }
//!     }
//! }
//!
//! let mut logits = [0.0, 1.0];
//! NoStammer.process(&Context { prompt: &[0], written: &[1], remaining: 5 }, &mut logits);
//! assert_eq!(logits, [0.0, f64::NEG_INFINITY]);
//! ```

use std::fmt::Debug;
use std::sync::Arc;

/// Where in a text the next token stands.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What was there before the first token was written.
    pub prompt: &'a [u32],
    /// What was written so far.
    pub written: &'a [u32],
    /// How many more tokens there may be, this one among them: 1 or more.
    pub remaining: usize,
}

/// Changes the logits of the next token.
///
/// It must depend on nothing but its arguments: of several beginnings of a text, and of several texts, each asks in
/// turn.
pub trait Processor: Debug + Send + Sync {
    /// Changes the logits (V). −∞ rules a token out; other values are finite and stay so. If every token is ruled out,
    /// the text is over.
    fn process(&self, context: &Context<'_>, logits: &mut [f64]);
}

/// Processors, the first to be applied first.
pub type Processors = Vec<Arc<dyn Processor>>;
