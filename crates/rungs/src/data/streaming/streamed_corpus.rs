//! A text that is larger than memory, made into tokens once.

use super::ids_file::{IdsFile, IdsWriter, Key};
use super::text_file::{OnReading, TextFile};
use crate::Error;
use crate::data::corpus::Corpus;
use crate::data::text_corpus::{check_separator, learnt};
use crate::settings::Settings;
use crate::text::Tokenizer;
use crate::text::tokenizer::PieceEncoder;
use crate::trainer::checkpoint::{checksum, sha256};
use crate::trainer::data::TokenIds;
use std::ops::Range;
use std::path::{Path, PathBuf};

impl Corpus {
    /// The same parts and the same vocabulary as of [`Corpus::new`](crate::Corpus::new), or those of `tokenizer` where
    /// there is one already; the files of ids are in the folder `cache`, which is made if there is none.
    ///
    /// # Errors
    /// As [`Corpus::new`](crate::Corpus::new); if the tokenizer reads a text as a whole or not at all; if the disk
    /// refuses; or if it was to stop.
    pub fn streamed(
        text: &TextFile,
        validation: Option<&TextFile>,
        tokenizer: Option<Tokenizer>,
        settings: &Settings,
        cache: &Path,
        on_reading: OnReading<'_>,
    ) -> Result<Self, Error> {
        // Of a text that holds out its own end, how many characters are trained on.
        let share = 1.0 - settings.data.validation_split;
        let all = text.characters;
        let train_characters = if validation.is_some() { all } else { (all as f64 * share) as u64 };
        let tokenizer = match tokenizer {
            Some(tokenizer) => tokenizer,
            None => learnt(&settings.data.tokenizer, settings.data.examples.documents(), &mut |learner, both| {
                let upto = if both { all } else { train_characters };
                let parts = [Some((text, upto)), validation.filter(|_| both).map(|text| (text, text.characters))];
                for (text, upto) in parts.into_iter().flatten() {
                    let mut push = |piece: &str| Ok(learner.push(piece)?);
                    text.read_part(0..upto, "learning tokens", on_reading, &mut push)?;
                }
                Ok(())
            })?,
        };
        check_separator(&tokenizer, settings)?;
        PieceEncoder::new(&tokenizer)?;
        let sum = checksum(tokenizer.to_json().as_bytes());
        let train = Part::of(text, 0..train_characters, &sum, cache);
        let (of, rest) = validation.map_or((text, train_characters..all), |other| (other, 0..other.characters));
        let held_out = Part::of(of, rest, &sum, cache);
        let mut ids = |part: &Part<'_>| match IdsFile::open(&part.path, &part.key)? {
            Some(file) => Ok(TokenIds::from(file)),
            None => part.encode(&tokenizer, on_reading).map(TokenIds::from),
        };
        let corpus = Self::of_ids(tokenizer.clone(), [ids(&train)?, ids(&held_out)?])?;
        text.remember(cache)?;
        validation.map_or(Ok(()), |text| text.remember(cache))?;
        Ok(corpus)
    }
}

/// A part of a text, in characters, and the file of its ids.
struct Part<'t> {
    text: &'t TextFile,
    characters: Range<u64>,
    key: Key,
    path: PathBuf,
}

impl<'t> Part<'t> {
    fn of(text: &'t TextFile, characters: Range<u64>, tokenizer: &str, cache: &Path) -> Self {
        let Range { start, end } = characters;
        let depends_on = format!("text {}\ncharacters {start} to {end}\ntokenizer {tokenizer}\n", text.sha256);
        let path = cache.join(format!("{}.ids", &checksum(depends_on.as_bytes())[..16]));
        Self { text, characters, key: sha256(depends_on.as_bytes()), path }
    }

    fn encode(&self, tokenizer: &Tokenizer, on_reading: OnReading<'_>) -> Result<IdsFile, Error> {
        let mut encoder = PieceEncoder::new(tokenizer)?;
        let mut writer = IdsWriter::create(&self.path, &self.key, tokenizer.vocabulary())?;
        let mut ids = Vec::new();
        self.text.read_part(self.characters.clone(), "making tokens", on_reading, &mut |piece| {
            encoder.push(piece, &mut ids)?;
            writer.write(&ids, piece.chars().count())?;
            ids.clear();
            Ok(())
        })?;
        encoder.finish(&mut ids)?;
        writer.write(&ids, 0)?;
        Ok(writer.finish()?)
    }
}
