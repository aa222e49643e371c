//! Models with their tokens: text in, text out.
//!
//! A [`Writer`] completes texts, a [`Responder`] answers questions, and [`translate`] writes targets, given sources.
//!
//! ```
//! use rungs::decoding::TopP;
//! use rungs::prelude::*;
//! use std::sync::Arc;
//!
//! let tokenizer = Tokenizer::char_from("a text of characters")?;
//! let config = GptConfig { vocabulary: tokenizer.vocabulary(), context: 16, width: 8, heads: 2, layers: 1, bias: true, ..GptConfig::nanogpt() };
//! let model: Gpt = Gpt::new(&config, &mut Rng::new(0))?; // of a run: SavedRun::open(folder)?.writer()?
//! let writer = Writer::new(Box::new(model), tokenizer).with_stops(vec!["xt".to_owned()]);
//!
//! let options = GenerateOptions { processors: vec![Arc::new(TopP::new(0.9)?)], texts: 3, ..Default::default() };
//! let prompts = [writer.prompt("a text ")?, writer.beginning()];
//! let texts = writer.write(&prompts, &options, &Rng::new(0), &mut |number, part| {
//!     println!("text {number} goes on with {part}");
//!     std::ops::ControlFlow::Continue(())
//! })?;
//! for text in texts.iter().flatten() {
//!     assert!(text.text.ends_with("xt") || text.generated.ids.len() == 300);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it has learnt can be [tuned to answer](crate::data::prompts), which makes a [`Responder`] of it.
//!
//! # All of it
//! A [`Prompt`] is what a text goes on from. [`Writer::write`] continues many of them,
//! [as many times](crate::models::SampleOptions::texts) as is wanted, and tells how likely every token was. What
//! options there are, beams, penalties, expressions that must match, tells [`decoding`](crate::decoding).

mod completion;
mod listener;
mod responder;
mod translate;

pub use completion::{Prompt, Writer};
pub use listener::{OnText, Written};
pub use responder::Responder;
pub use translate::translate;
