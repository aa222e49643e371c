//! What a run is made of: the rung, its sizes, its data and how it is trained, as one plain struct.
//!
//! [`Settings::of`] gives the defaults of a rung, which are those of a recipe people know; every field can be changed
//! before [`Settings::validate`] looks at the whole. They are written to a run's `config.json` field by field, and two
//! settings can be [compared](Settings::difference), which is how a run is kept from going on as something else.
//!
//! ```
//! use rungs::{Rung, Settings};
//!
//! let mut settings = Settings::of(Rung::Gpt);
//! settings.hidden = 130;
//! assert_eq!(settings.validate().unwrap_err().to_string(), "hidden 130 is not a multiple of heads 4");
//! ```

use crate::Error;
use crate::trainer::{Adam, AdamW, Budget, Method, Schedule};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod by_name;
mod difference;
mod fine_tuning;
mod gpt_settings;
mod model_config;
mod pair_settings;
mod prompt_settings;
mod regularization;
mod rung;
mod sizes;
mod template;
mod tokenizer_kind;
mod transformer_settings;
mod validation;

pub use crate::error::Difference;
pub use fine_tuning::{FineTuning, Lora, Targets};
pub use gpt_settings::{ACTIVATIONS, Architecture, GptSettings, NormName, PositionKind};
pub use model_config::{ModelConfig, PairModelConfig};
pub use pair_settings::{CellKind, PairSettings, SCORES, STYLES, Tied};
pub use prompt_settings::PromptSettings;
pub use regularization::Regularization;
pub use rung::{Learns, Rung};
pub use template::{PromptKind, Template};
pub use tokenizer_kind::TokenizerKind;
pub use transformer_settings::{NORM_POSITIONS, TransformerSettings};

/// Everything that decides a run: from equal settings and equal texts come equal models, bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Settings {
    /// Which model.
    pub rung: Rung,
    /// How many layers or blocks, one upon the other.
    pub layers: usize,
    /// H, the width of a recurrent layer's state, or D, the width of a GPT or Transformer.
    pub hidden: usize,
    /// D, the width of a token's vector, in recurrent rungs. (In the others it is their width.)
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub embedding: Option<usize>,
    /// N, the number of attention heads, in rungs that attend.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub heads: Option<usize>,
    /// T, the tokens of a training window: how far a GPT looks back, and how far gradients flow back in recurrent
    /// rungs. In rungs that learn pairs, the most tokens of either text; longer pairs are left out. Of an answer with
    /// its question likewise.
    pub context: usize,
    /// The probability of dropping, in training.
    pub dropout: f64,
    /// What becomes a token.
    pub tokenizer: TokenizerKind,
    /// What stands between the documents of the text, if it has several: one token, wherever it stands. Windows hold
    /// parts of as many documents as fit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub documents: Option<String>,
    /// The share of the text, at its end, that is held out for validation; unused where there is a text for it.
    pub validation_split: f64,
    /// B, the sequences of a micro-batch.
    pub batch_size: usize,
    /// The micro-batches of a step, whose gradients are added up.
    pub accumulate: usize,
    /// How long to train.
    pub budget: Budget,
    /// The optimizer and its settings.
    pub optimizer: Method,
    /// The learning rate, step by step.
    pub schedule: Schedule,
    /// The largest global norm of the gradient; none for no clipping.
    pub clip: Option<f64>,
    /// After how many steps to evaluate on the validation text. The model kept is the best at these moments.
    pub evaluate_every: usize,
    /// After how many steps to save, if there is a folder.
    pub save_every: usize,
    /// Decides every random number of the run.
    pub seed: u64,
    /// What only a GPT has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gpt: Option<GptSettings>,
    /// What keeps the model from learning its text by heart.
    #[serde(skip_serializing_if = "Regularization::is_off", default)]
    pub regularization: Regularization,
    /// What of the model is trained, where it began with another run's and is not trained as a whole.
    #[serde(skip_serializing_if = "FineTuning::is_whole", default)]
    pub fine_tuning: FineTuning,
    /// What only rungs that learn pairs have.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pairs: Option<PairSettings>,
    /// What only a language model has that learns to answer: to predict, not a text, but what is to be said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prompts: Option<PromptSettings>,
    /// What only a Transformer that learns pairs has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transformer: Option<TransformerSettings>,
}

// Derived for a `remote` type that is this one: what follows can then go on from what was read field by field.
impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut settings = Self::deserialize(from)?;
        // Runs that were made when there was only one arrangement say nothing of it.
        if settings.rung == Rung::Gpt {
            settings.gpt.get_or_insert_default();
        }
        Ok(settings)
    }
}

impl Settings {
    /// The defaults of a rung.
    ///
    /// | rung | recipe |
    /// |---|---|
    /// | gpt | nanoGPT's CPU configuration: 4 layers, 4 heads, 128 wide, context 64, batch 12, AdamW |
    /// | lstm | 2 layers of 128, windows of 50, 50 streams, Adam at 4·10⁻³ falling by cosine, clip 5 |
    /// | gru | the same with the other gated cell |
    /// | rnn | the same with a plain cell, at half the rate, which is what it bears |
    /// | seq2seq, attention | 1 layer of 256, batches of 64 pairs, Adam at 2·10⁻³ falling by cosine, clip 1 |
    /// | transformer | 2 layers of 128, 4 heads, Adam (β₂ 0.98) at 2·10⁻³ falling by cosine, warm-up of 200, clip 1 |
    pub fn of(rung: Rung) -> Self {
        let recurrent = Self {
            rung,
            layers: 2,
            hidden: 128,
            embedding: Some(128),
            heads: None,
            context: 50,
            dropout: 0.0,
            tokenizer: TokenizerKind::Char,
            documents: None,
            validation_split: 0.1,
            batch_size: 50,
            accumulate: 1,
            budget: Budget::Steps(2000),
            optimizer: Method::Adam(Adam::default()),
            schedule: Schedule::Cosine { rate: 4e-3, minimum: 4e-4, warmup: 0 },
            clip: Some(5.0),
            evaluate_every: 250,
            save_every: 250,
            seed: 0,
            gpt: None,
            regularization: Regularization::default(),
            fine_tuning: FineTuning::default(),
            pairs: None,
            prompts: None,
            transformer: None,
        };
        match rung {
            Rung::Lstm | Rung::Gru => recurrent,
            Rung::Rnn => Self { schedule: Schedule::Cosine { rate: 2e-3, minimum: 2e-4, warmup: 0 }, ..recurrent },
            Rung::Gpt => Self {
                layers: 4,
                embedding: None,
                heads: Some(4),
                context: 64,
                batch_size: 12,
                optimizer: Method::AdamW(AdamW::default()),
                schedule: Schedule::Cosine { rate: 1e-3, minimum: 1e-4, warmup: 100 },
                clip: Some(1.0),
                gpt: Some(GptSettings::default()),
                ..recurrent
            },
            Rung::Seq2seq | Rung::Attention => Self {
                layers: 1,
                hidden: 256,
                batch_size: 64,
                schedule: Schedule::Cosine { rate: 2e-3, minimum: 2e-4, warmup: 0 },
                clip: Some(1.0),
                pairs: Some(PairSettings::of(rung)),
                ..recurrent
            },
            Rung::Transformer => Self {
                embedding: None,
                heads: Some(4),
                batch_size: 64,
                optimizer: Method::Adam(Adam { beta2: 0.98, ..Adam::default() }),
                schedule: Schedule::Cosine { rate: 2e-3, minimum: 2e-4, warmup: 200 },
                clip: Some(1.0),
                pairs: Some(PairSettings::of(rung)),
                transformer: Some(TransformerSettings::default()),
                ..recurrent
            },
        }
    }

    /// What only a rung that learns pairs has.
    ///
    /// # Errors
    /// If this rung does not, or it is missing.
    pub fn pair_settings(&self) -> Result<&PairSettings, Error> {
        let rung = self.rung;
        match (&self.pairs, rung.learns()) {
            (Some(pairs), Learns::Pairs) => Ok(pairs),
            (None, Learns::Pairs) => Err(Error::setting("pairs", format!("the rung {rung} needs them"))),
            (_, Learns::Text) => {
                Err(Error::setting("rung", format!("the rung {rung} learns a text, not pairs of texts")))
            }
        }
    }
}

#[cfg(test)]
mod tests;
