//! The settings of a run: its model, its data and its training, in one struct that a run's `config.json` holds.
//!
//! [`Settings::of`] gives the defaults of a rung. Every field can be changed before [`Settings::validate`] checks them
//! all, and two settings can be [compared](Settings::difference), which keeps a run from being resumed as another.
//!
//! ```
//! use rungs::models::{GptConfig, ModelConfig};
//! use rungs::{Rung, Settings};
//!
//! let mut settings = Settings::of(Rung::Gpt);
//! settings.training.batch_size = 8;
//! if let ModelConfig::Gpt(gpt) = &mut settings.model {
//!     gpt.width = 256;
//! }
//! settings.validate()?;
//!
//! settings.model = ModelConfig::Gpt(GptConfig { width: 130, ..GptConfig::nanogpt() });
//! assert_eq!(settings.validate().unwrap_err().to_string(), "width 130 is not a multiple of heads 4");
//! # Ok::<(), rungs::Error>(())
//! ```

mod as_text;
mod data_settings;
mod difference;
mod fine_tuning;
pub(crate) mod json;
mod template;
mod tokenizer_kind;

pub use data_settings::{DataSettings, Examples};
pub use difference::Difference;
pub use fine_tuning::{FineTuning, Lora, Targets};
pub use template::{PromptKind, PromptSettings, Template};
pub use tokenizer_kind::TokenizerKind;

use crate::Error;
use crate::models::{ModelConfig, Rung};
use crate::trainer::error::{counted, setting};
use crate::trainer::{Adam, AdamW, Method, Schedule, TrainerConfig};
use serde::{Deserialize, Serialize};

/// The tokens of a training window of models without a context of their own, if none are given.
const WINDOW: usize = 50;

/// The most tokens of a micro-batch: a slip of the keyboard should be an error, not exhaust the machine.
const MAX_BATCH_TOKENS: usize = 1 << 22;

/// Everything that decides a run: equal settings and equal texts give equal models, bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The model: its rung, sizes and arrangement.
    pub model: ModelConfig,
    /// What the run learns from.
    pub data: DataSettings,
    /// How it is trained.
    pub training: TrainerConfig,
    /// What is trained of a model that another run trained before, if not all of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fine_tuning: Option<FineTuning>,
}

impl Settings {
    /// The defaults of a rung.
    ///
    /// | rung | defaults |
    /// |---|---|
    /// | gpt | nanoGPT's for a CPU: 4 layers, 4 heads, width 128, context 64, batches of 12, AdamW |
    /// | lstm, gru | 2 layers of width 128, windows of 50, batches of 50, Adam at 4·10⁻³ falling by cosine, clip 5 |
    /// | rnn | half that learning rate |
    /// | seq2seq, attention | 1 layer of width 256, batches of 64 pairs, Adam at 2·10⁻³ falling by cosine, clip 1 |
    /// | transformer | 2 layers of width 128, 4 heads, the same but for β₂ 0.98 and a warm-up of 200 |
    pub fn of(rung: Rung) -> Self {
        let adam = Method::Adam(Adam::default());
        let (batch_size, optimizer, rate, warmup, clip) = match rung {
            Rung::Rnn => (50, adam, 2e-3, 0, 5.0),
            Rung::Lstm | Rung::Gru => (50, adam, 4e-3, 0, 5.0),
            Rung::Gpt => (12, Method::AdamW(AdamW::default()), 1e-3, 100, 1.0),
            Rung::Seq2seq | Rung::Attention => (64, adam, 2e-3, 0, 1.0),
            Rung::Transformer => (64, Method::Adam(Adam { beta2: 0.98, ..Adam::default() }), 2e-3, 200, 1.0),
        };
        let model = ModelConfig::of(rung);
        let context = if model.context().is_none() { Some(WINDOW) } else { None };
        let examples = if rung.translates() { Examples::pairs() } else { Examples::text() };
        let data = DataSettings { context, examples, ..DataSettings::default() };
        let schedule = Schedule::Cosine { rate, minimum: rate / 10.0, warmup };
        let training = TrainerConfig { batch_size, optimizer, schedule, clip: Some(clip), ..TrainerConfig::default() };
        Self { model, data, training, fine_tuning: None }
    }

    /// The rung of the model.
    pub fn rung(&self) -> Rung {
        self.model.rung()
    }

    /// T, the tokens of a training window: how far a GPT attends, and how far gradients flow back in recurrent models.
    /// Of pairs the most tokens of either text, and of prompts and answers the most of both; longer ones are left out.
    pub fn context(&self) -> usize {
        self.data.context.or(self.model.context()).unwrap_or(WINDOW)
    }

    /// Sets [`context`](Self::context), in the model where it has one.
    pub fn set_context(&mut self, context: usize) {
        match &mut self.model {
            ModelConfig::Gpt(config) => config.context = context,
            ModelConfig::Transformer(config) => config.context = context,
            _ => self.data.context = Some(context),
        }
    }

    /// How prompts and answers become texts, where a language model learns them.
    pub fn prompts(&self) -> Option<&PromptSettings> {
        if let Examples::Prompts(prompts) = &self.data.examples { Some(prompts) } else { None }
    }

    /// The settings of a new run that begins with the weights of this one: its model, and the training of its rung.
    #[must_use]
    pub fn beginning(&self) -> Self {
        let usual = Self::of(self.rung());
        let mut data = DataSettings { validation_split: usual.data.validation_split, ..self.data.clone() };
        if let Examples::Text { documents } = &mut data.examples {
            *documents = None; // other data is a text of one document
        }
        Self { model: self.model.clone(), data, ..usual }
    }

    /// Checks everything that can be checked before there is a text.
    ///
    /// # Errors
    /// The first setting that is out of its range, by name.
    pub fn validate(&self) -> Result<(), Error> {
        let (rung, context, batch) = (self.rung(), self.context(), self.training.batch_size);
        self.training.validate()?;
        counted("context", context)?;
        let most = self.model.context().unwrap_or(context);
        setting("context", context <= most, || format!("windows of {context} are longer than the model's {most}"))?;
        setting("batch-size", batch.saturating_mul(context) <= MAX_BATCH_TOKENS, || {
            format!("{batch} sequences of context {context} are more than {MAX_BATCH_TOKENS} tokens")
        })?;
        self.data.validate(rung)?;
        let kind = &self.data.tokenizer;
        setting("tied", !(self.model.ties_all() && kind.is_learnt_apart()), || {
            format!("all needs one vocabulary for sources and targets, as bpe:N has it, not two of {kind}")
        })?;
        if let Some(fine_tuning) = &self.fine_tuning {
            fine_tuning.validate(&self.model)?;
        }
        // The smallest vocabulary there is: sizes that are impossible with it are impossible with any.
        self.model.with_vocabulary(1, None).parameter_count()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
