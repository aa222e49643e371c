//! A model with its tokens: text in, text out.
//!
//! A [`Generator`] goes on with texts, answers questions and translates sources, whatever its model has learnt. What it
//! is asked for is a [`Request`]; [`generate`](Generator::generate) does all of them, many at once,
//! [as many texts](crate::models::SampleOptions::texts) for each as are wanted, and tells how likely every token was.
//! What options there are, beams, penalties, expressions that must match, tells [`decoding`](crate::decoding).
//!
//! ```
//! use rungs::decoding::TopP;
//! use rungs::prelude::*;
//! use std::sync::Arc;
//!
//! let tokenizer = Tokenizer::char_from("a text of characters")?;
//! let sizes = GptConfig { context: 16, layers: 1, width: 8, heads: 2, ..GptConfig::nanogpt() };
//! let config = GptConfig { vocabulary: tokenizer.vocabulary(), ..sizes };
//! let model: Gpt = Gpt::new(&config, &mut Rng::new(0))?; // of a run: SavedRun::open(folder)?.generator()?
//! let generator = Generator::new(Box::new(model), tokenizer).with_stops(vec!["xt".to_owned()]);
//!
//! let options = GenerateOptions { processors: vec![Arc::new(TopP::new(0.9)?)], texts: 3, ..Default::default() };
//! let requests = [generator.prompt("a text ")?, generator.beginning()?];
//! let texts = generator.generate(&requests, &options, &Rng::new(0), &mut |number, part| {
//!     println!("text {number} goes on with {part}");
//!     std::ops::ControlFlow::Continue(())
//! })?;
//! for text in texts.iter().flatten() {
//!     assert!(text.text.ends_with("xt") || text.generated.ids.len() == 300);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A model that goes on with texts can be [tuned to answer](crate::data::prompts).

mod generating;
mod listener;
mod request;
mod requesting;
#[cfg(test)]
mod tests;

pub use generating::Written;
pub use request::{Kind, Request};

use crate::Error;
use crate::data::{End, Prompts, Tokenizers};
use crate::model::Model;
use crate::models::LanguageModel;
use crate::settings::{DataSettings, Settings};
use crate::text::TokenBytes;
use crate::text::tokenizer::sentence::END;
use std::fmt;

/// A model with its tokens, which makes texts of texts.
pub struct Generator {
    model: Model,
    tokenizers: Tokenizers,
    /// Settings of the data that the model has learnt: what ends a text, what stands between documents, and whether
    /// sources are lower-cased.
    data: DataSettings,
    /// How questions are put to it, if it has learnt to answer.
    prompts: Option<Prompts>,
    stops: Vec<String>,
    /// A smaller model, and how many tokens it writes ahead.
    draft: Option<(Model, usize)>,
}

impl fmt::Debug for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator").field("tokenizer", &self.tokenizers.target.kind()).finish_non_exhaustive()
    }
}

impl Generator {
    /// A model with its tokens.
    pub fn new(model: Model, tokenizers: impl Into<Tokenizers>) -> Self {
        let (model, tokenizers, data) = (model.frozen(), tokenizers.into(), DataSettings::default());
        Self { model, tokenizers, data, prompts: None, stops: Vec::new(), draft: None }
    }

    /// A model that these settings made.
    pub(crate) fn of(model: Model, tokenizers: &Tokenizers, settings: &Settings) -> Result<Self, Error> {
        let prompts = settings.prompts().map(|_| Prompts::new(settings, tokenizers.text()?)).transpose()?;
        Ok(Self { prompts, data: settings.data.clone(), ..Self::new(model, tokenizers.clone()) })
    }

    /// Questions are put to the model so: it has learnt to answer.
    #[must_use]
    pub fn with_prompts(self, prompts: Prompts) -> Self {
        Self { prompts: Some(prompts), ..self }
    }

    /// Texts end where they say one of these, which stays; translations do not.
    #[must_use]
    pub fn with_stops(self, stops: Vec<String>) -> Self {
        Self { stops, ..self }
    }

    /// Another generator's model writes up to `ahead` tokens ahead of this one's, as
    /// [`generate_with_draft`](crate::decoding::generate_with_draft) does: the texts are as likely as without it, and
    /// come sooner if it is often right.
    ///
    /// # Errors
    /// If its tokens are not the same.
    pub fn with_draft(self, draft: Self, ahead: usize) -> Result<Self, Error> {
        if draft.tokenizers != self.tokenizers {
            return Err(Error::Text("its tokens are not those of the model: a draft must have the same".to_owned()));
        }
        Ok(Self { draft: Some((draft.model, ahead)), ..self })
    }

    /// The model.
    pub fn model(&self) -> &dyn LanguageModel<f32> {
        self.model.as_ref()
    }

    /// What its tokens are.
    pub fn tokenizers(&self) -> &Tokenizers {
        &self.tokenizers
    }

    /// How questions are put to it, if it has learnt to answer.
    pub fn prompts(&self) -> Option<&Prompts> {
        self.prompts.as_ref()
    }

    /// The tokens each of which ends a text of this kind.
    pub fn end(&self, kind: Kind) -> Vec<u32> {
        self.ends(kind).0.tokens
    }

    /// What each token adds to a text of this kind, where that can be said of one by itself.
    pub fn token_bytes(&self, kind: Kind) -> Option<TokenBytes> {
        match (kind, &self.prompts) {
            (Kind::Answer, Some(prompts)) => prompts.token_bytes(),
            _ => self.tokenizers.target.token_bytes(),
        }
    }

    /// The end token of texts of this kind, and the stop sequences.
    fn ends(&self, kind: Kind) -> (End, &[String]) {
        match (kind, &self.prompts) {
            (Kind::Answer, Some(prompts)) => (prompts.end.clone(), &self.stops),
            (Kind::Translation, _) => (End { tokens: vec![END], ..End::default() }, &[]),
            _ => (End { tokens: self.data.end.clone(), ..End::default() }, &self.stops),
        }
    }
}
