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
use crate::models::{AttentionConfig, RecurrentConfig, Seq2SeqConfig};
use crate::trainer::{Adam, AdamW, Budget, Method, Schedule};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod difference;
mod fine_tuning;
mod gpt;
mod model;
mod pairs;
mod prompts;
mod regularization;
mod rung;
mod tokenizer;
mod transformer;
pub use difference::Difference;
pub use fine_tuning::{FineTuning, Lora, Targets};
pub use gpt::{ACTIVATIONS, Architecture, GptSettings, NormName, PositionKind};
pub use model::{ModelConfig, PairModelConfig};
pub use pairs::{CellKind, PairSettings, SCORES, STYLES, Tied};
pub use prompts::{PromptKind, PromptSettings};
pub use regularization::Regularization;
pub use rung::{Learns, Rung};
pub use tokenizer::TokenizerKind;
pub use transformer::{NORM_POSITIONS, TransformerSettings};

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

/// The most tokens of a micro-batch: a slip of the keyboard should give an error, not exhaust the machine.
const MAX_BATCH_TOKENS: usize = 1 << 22;

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

    /// Checks everything that can be checked before there is a text.
    ///
    /// # Errors
    /// The first setting that cannot be, by name.
    pub fn validate(&self) -> Result<(), Error> {
        let counts = [
            ("context", self.context),
            ("batch-size", self.batch_size),
            ("accumulate", self.accumulate),
            ("evaluate-every", self.evaluate_every),
            ("save-every", self.save_every),
        ];
        if let Some((name, _)) = counts.into_iter().find(|&(_, count)| count == 0) {
            return Err(Error::setting(name, "must be 1 or more, not 0"));
        }
        if self.batch_size.saturating_mul(self.context) > MAX_BATCH_TOKENS {
            let (batch, context) = (self.batch_size, self.context);
            let problem = format!("{batch} sequences of context {context} are more than {MAX_BATCH_TOKENS} tokens");
            return Err(Error::setting("batch-size", problem));
        }
        if !(self.validation_split > 0.0 && self.validation_split < 1.0) {
            let problem = format!("must lie between 0 and 1, not {}", self.validation_split);
            return Err(Error::setting("validation-split", problem));
        }
        if let Some(clip) = self.clip.filter(|&clip| !(clip > 0.0 && clip.is_finite())) {
            return Err(Error::setting("clip", format!("must be a positive number, not {clip}")));
        }
        match self.budget {
            Budget::Steps(0) => return Err(Error::setting("steps", "must be 1 or more, not 0")),
            Budget::Epochs(0) => return Err(Error::setting("epochs", "must be 1 or more, not 0")),
            Budget::Seconds(seconds) if !(seconds > 0.0 && seconds.is_finite()) => {
                return Err(Error::setting("seconds", format!("must be a positive number, not {seconds}")));
            }
            _ => {}
        }
        self.optimizer.validate()?;
        self.schedule.validate()?;
        self.regularization.validate()?;
        self.fine_tuning.validate(self.rung, self.layers)?;
        self.tokenizer.validate(self.rung.learns())?;
        match &self.documents {
            Some(_) if self.rung.learns() == Learns::Pairs => {
                return Err(Error::setting(
                    "documents",
                    "pairs are not parted by a text; every pair stands for itself",
                ));
            }
            Some(_) if self.prompts.is_some() => {
                let problem = "every pair and every dialogue stands for itself; its template says what ends it";
                return Err(Error::setting("documents", problem));
            }
            Some(separator) if separator.is_empty() => {
                return Err(Error::setting("documents", "nothing cannot stand between documents"));
            }
            _ => {}
        }
        match &self.prompts {
            Some(_) if self.rung.learns() == Learns::Pairs => {
                let problem =
                    format!("the rung {} has no such setting; it reads sources and writes targets", self.rung);
                return Err(Error::setting("template", problem));
            }
            Some(prompts) => drop(prompts.parsed()?),
            None => {}
        }
        // The smallest vocabulary there is: sizes that are impossible with it are impossible with any.
        match self.rung.learns() {
            Learns::Text => self.model(1)?.parameter_count()?,
            Learns::Pairs => {
                self.pair_settings()?.validate(&self.tokenizer)?;
                self.pair_model([1, 1])?.parameter_count()?
            }
        };
        Ok(())
    }

    /// The sizes of the model for a vocabulary of this many tokens.
    ///
    /// # Errors
    /// If a size that the rung needs is missing, or one is given that it does not have.
    pub fn model(&self, vocabulary: usize) -> Result<ModelConfig, Error> {
        let Self { rung, layers, hidden, embedding, heads, context, dropout, .. } = *self;
        let needed =
            |name, size: Option<usize>| size.ok_or_else(|| Error::setting(name, format!("the rung {rung} needs it")));
        let absent = |name, size: Option<usize>| match size {
            None => Ok(()),
            Some(_) => Err(Error::setting(name, format!("the rung {rung} has no such size"))),
        };
        if rung.learns() != Learns::Text {
            return Err(Error::setting("rung", format!("the rung {rung} learns pairs of texts, not a text")));
        }
        if rung.is_recurrent() {
            absent("heads", heads)?;
            self.no_gpt()?;
            self.no_transformer()?;
            let embedding = needed("embedding", embedding)?;
            let config = RecurrentConfig { vocabulary, embedding, hidden, layers, dropout };
            return Ok(match rung {
                Rung::Rnn => ModelConfig::Rnn(config),
                Rung::Lstm => ModelConfig::Lstm(config),
                _ => ModelConfig::Gru(config),
            });
        }
        absent("embedding", embedding)?;
        self.no_transformer()?;
        let heads = needed("heads", heads)?;
        let settings = self.gpt.as_ref().ok_or_else(|| Error::setting("architecture", "the rung gpt needs it"))?;
        Ok(ModelConfig::Gpt(settings.config([vocabulary, context, hidden, heads, layers], dropout)?))
    }

    /// That there is nothing of what only a GPT has.
    fn no_gpt(&self) -> Result<(), Error> {
        match self.gpt {
            None => Ok(()),
            Some(_) => Err(Error::setting("architecture", format!("the rung {} has no such setting", self.rung))),
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

    /// The sizes of the model for vocabularies of this many tokens, the sources' and the targets'.
    ///
    /// # Errors
    /// If a size that the rung needs is missing, or one is given that it does not have.
    pub fn pair_model(&self, [source_vocabulary, vocabulary]: [usize; 2]) -> Result<PairModelConfig, Error> {
        let Self { rung, layers, hidden, embedding, heads, dropout, .. } = *self;
        let &PairSettings { cell, reverse, tied, attention, score, both_ways, .. } = self.pair_settings()?;
        self.no_gpt()?;
        if rung == Rung::Transformer {
            return Ok(PairModelConfig::Transformer(self.transformer_config([source_vocabulary, vocabulary])?));
        }
        self.no_transformer()?;
        if heads.is_some() {
            return Err(Error::setting("heads", format!("the rung {rung} has no such size")));
        }
        let needed = |name, is_there: bool| match is_there {
            true => Ok(()),
            false => Err(Error::setting(name, format!("the rung {rung} needs it"))),
        };
        needed("embedding", embedding.is_some())?;
        needed("cell", cell.is_some())?;
        let (embedding, cell) = (embedding.unwrap_or_default(), cell.unwrap_or(CellKind::Lstm));
        let tied = tied.head(rung)?;
        if rung == Rung::Seq2seq {
            if attention.is_some() || score.is_some() || both_ways.is_some() {
                return Err(Error::setting("attention", "the rung seq2seq does not look back"));
            }
            let config =
                Seq2SeqConfig { source_vocabulary, vocabulary, embedding, hidden, layers, dropout, reverse, tied };
            return Ok(PairModelConfig::Seq2Seq(cell, config));
        }
        let (Some(style), Some(score), Some(bidirectional)) = (attention, score, both_ways) else {
            return Err(Error::setting("attention", "the rung attention needs attention, score and both-ways"));
        };
        if reverse {
            return Err(Error::setting("reverse", "the rung attention looks back; it reads its source as it is"));
        }
        Ok(PairModelConfig::Attention(
            cell,
            AttentionConfig {
                source_vocabulary,
                vocabulary,
                embedding,
                hidden,
                layers,
                dropout,
                style,
                score,
                bidirectional,
                tied,
            },
        ))
    }
}

#[cfg(test)]
mod tests;
