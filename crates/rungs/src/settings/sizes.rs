//! The model that settings describe: its configuration, given how many tokens there are.

use super::{CellKind, Learns, ModelConfig, PairModelConfig, PairSettings, PositionKind, Rung, Settings, Tied};
use crate::Error;
use crate::models::{AddedPositions, AttentionConfig, RecurrentConfig, Seq2SeqConfig, TransformerConfig, Tying};

impl Settings {
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

    /// The sizes of a Transformer for vocabularies of this many tokens.
    pub(super) fn transformer_config(&self, vocabularies: [usize; 2]) -> Result<TransformerConfig, Error> {
        let &Self { rung, layers, hidden, embedding, heads, context, dropout, .. } = self;
        let needed = |name: &'static str| Error::setting(name, format!("the rung {rung} needs it"));
        let &PairSettings { cell, reverse, tied, attention, score, both_ways, scheduled_sampling, .. } =
            self.pair_settings()?;
        for (name, is_there) in [
            ("embedding", embedding.is_some()),
            ("cell", cell.is_some()),
            ("reverse", reverse),
            ("attention", attention.is_some()),
            ("score", score.is_some()),
            ("both-ways", both_ways.is_some()),
        ] {
            if is_there {
                return Err(Error::setting(name, format!("the rung {rung} has no such setting")));
            }
        }
        let settings = self.transformer.as_ref().ok_or_else(|| needed("norm-position"))?;
        if settings.checkpointing && scheduled_sampling > 0.0 {
            let problem =
                "with scheduled-sampling every step of the decoder is kept: there is nothing to compute again";
            return Err(Error::setting("checkpointing", problem));
        }
        let heads = heads.ok_or_else(|| needed("heads"))?;
        let named = TransformerConfig::vaswani(vocabularies, hidden, heads, layers);
        Ok(TransformerConfig {
            // A target is read after a start token.
            context: context.saturating_add(1),
            feed_forward: settings.feed_forward.unwrap_or(named.feed_forward),
            activation: settings.activation,
            norm_position: settings.norm_position,
            positions: match settings.positions {
                PositionKind::Learned => AddedPositions::Learned,
                PositionKind::Sinusoidal => AddedPositions::Sinusoidal,
                PositionKind::Rotary => {
                    let problem = format!("those of the rung {rung} are sinusoidal or learned");
                    return Err(Error::setting("positions", problem));
                }
            },
            tying: match tied {
                Tied::No => Tying::Nothing,
                Tied::Head => Tying::Head,
                Tied::All => Tying::All,
            },
            dropout,
            checkpointing: settings.checkpointing,
            ..named
        })
    }

    /// That there is nothing of what only a Transformer has.
    pub(super) fn no_transformer(&self) -> Result<(), Error> {
        match self.transformer {
            None => Ok(()),
            Some(_) => Err(Error::setting("norm-position", format!("the rung {} has no such setting", self.rung))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenizerKind;
    use crate::layers::{Activation, NormPosition};
    use crate::settings::TransformerSettings;

    #[test]
    fn settings_are_a_configuration_of_the_model() {
        let settings = Settings { hidden: 96, layers: 3, dropout: 0.1, ..Settings::of(Rung::Transformer) };
        let config = settings.transformer_config([7, 9]).unwrap();
        let expected = TransformerConfig {
            context: 51,
            dropout: 0.1,
            norm_position: NormPosition::Pre,
            ..TransformerConfig::vaswani([7, 9], 96, 4, 3)
        };
        assert_eq!(config, expected);
        let mut spelled = settings.clone();
        spelled.transformer = Some(TransformerSettings {
            feed_forward: Some(50),
            activation: Activation::Gelu,
            norm_position: NormPosition::Post,
            positions: PositionKind::Learned,
            checkpointing: true,
        });
        spelled.pairs.as_mut().unwrap().tied = Tied::All;
        let json = serde_json::to_string(&spelled).unwrap();
        assert!(
            !serde_json::to_string(&settings).unwrap().contains("checkpointing"),
            "runs of earlier versions have no word"
        );
        assert!(json.contains(r#""tied":"all""#) && json.contains(r#""norm_position":"post""#), "{json}");
        let read: Settings = serde_json::from_str(&json).unwrap();
        assert_eq!(read, spelled);
        let config = read.transformer_config([9, 9]).unwrap();
        let spelled = (config.tying, config.positions, config.feed_forward, config.checkpointing);
        assert_eq!(spelled, (Tying::All, AddedPositions::Learned, 50, true));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let refused = |rung, change: fn(&mut Settings)| {
            let mut settings = Settings::of(rung);
            change(&mut settings);
            settings.validate().unwrap_err().to_string()
        };
        fn pairs(settings: &mut Settings) -> &mut PairSettings {
            settings.pairs.as_mut().unwrap()
        }
        let of_transformer = |change| refused(Rung::Transformer, change);
        assert_eq!(of_transformer(|s| s.heads = Some(3)), "hidden 128 is not a multiple of heads 3");
        assert_eq!(of_transformer(|s| s.heads = None), "heads: the rung transformer needs it");
        assert_eq!(of_transformer(|s| s.embedding = Some(8)), "embedding: the rung transformer has no such setting");
        let cell = |s: &mut Settings| pairs(s).cell = Some(CellKind::Gru);
        assert_eq!(of_transformer(cell), "cell: the rung transformer has no such setting");
        let reverse = |s: &mut Settings| pairs(s).reverse = true;
        assert_eq!(of_transformer(reverse), "reverse: the rung transformer has no such setting");
        let all = |s: &mut Settings| pairs(s).tied = Tied::All;
        let line = "tied: all needs one vocabulary for sources and targets, as bpe:N has it, not two of char";
        assert_eq!(of_transformer(all), line);
        let all_of_bytes = |s: &mut Settings| {
            pairs(s).tied = Tied::All;
            s.tokenizer = TokenizerKind::Bpe(300);
        };
        let line = "tied: the rung attention cannot tie all: it has true and false";
        assert_eq!(refused(Rung::Attention, all_of_bytes), line);
        let mut bytes = Settings::of(Rung::Transformer);
        all_of_bytes(&mut bytes);
        bytes.validate().unwrap();
        let again = |s: &mut Settings| {
            pairs(s).scheduled_sampling = 0.1;
            s.transformer = Some(TransformerSettings { checkpointing: true, ..Default::default() });
        };
        assert!(of_transformer(again).starts_with("checkpointing: with scheduled-sampling every step"));
        let rotary = |s: &mut Settings| {
            s.transformer = Some(TransformerSettings { positions: PositionKind::Rotary, ..Default::default() });
        };
        assert_eq!(of_transformer(rotary), "positions: those of the rung transformer are sinusoidal or learned");
        assert_eq!(refused(Rung::Seq2seq, rotary), "norm-position: the rung seq2seq has no such setting");
    }
}
