//! Keras's "ten-minute introduction to sequence-to-sequence learning" (Chollet, 2017): English to French, character by
//! character.
//!
//! An LSTM reads the source; another, which begins in the first one's last state, writes the target (Sutskever, Vinyals
//! & Le 2014). Sentences come from a file of pairs, `source TAB target`, such as Tatoeba's, of which the shortest are
//! taken. In the article padding is a character that is read and learnt like any other; with `masked` it is left out:
//!
//! ```text
//! cargo run --release -p rungs --example seq2seq_keras -- PAIRS.tsv [PAIRS=10000] [EPOCHS=100] [masked]
//! ```
//!
//! | in the article | here |
//! |---|---|
//! | `keras.Model` with `LSTM` and `Dense` | the structure in `seq2seq.rs`, with [`Lstm`] and [`Linear`] |
//! | one-hot arrays for characters | [`Ids::one_hot`] |
//! | `"categorical_crossentropy"` | [`Tensor::soft_cross_entropy`] |
//! | `compile(optimizer="rmsprop")` | a [`Trainer`] with [`RmsProp::keras`] |
//! | `fit(batch_size, epochs, validation_split)` | the [`Task`] in `fit.rs` |
//!
//! The numbers are Keras's, to which `golden.rs` holds them.

#![expect(clippy::print_stdout, reason = "the program is to be watched")]

mod fit;
#[cfg(test)]
mod golden;
mod seq2seq;

use fit::{Fit, HISTORY, Samples, compile, fit, select};
use rungs::prelude::*;
use rungs::text::tokenizer::sentence::{END, PADDING, START};
use rungs::text::{SentenceTokenizer, TokenizerError, Unit, WordOptions};
use rungs::trainer::pad;
use rungs::{Columns, read_pairs};
use seq2seq::Seq2Seq;
use std::{env, error::Error, fs::File, io::BufReader};

const USAGE: &str = "usage: seq2seq_keras PAIRS.tsv [PAIRS=10000] [EPOCHS=100] [masked]";
const LATENT: usize = 256;
const BATCH_SIZE: usize = 64;
const VALIDATION_SPLIT: f64 = 0.2;
const LEARNING_RATE: f64 = 1e-3; // that of "rmsprop"

fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let path = arguments.first().ok_or(USAGE)?;
    let number = |at: usize, otherwise| arguments.get(at).map_or(Ok(otherwise), |number| number.parse());
    let (count, epochs) = (number(1, 10_000)?, number(2, 100)?);
    let masked = match arguments.get(3).map(String::as_str) {
        None => false,
        Some("masked") => true,
        Some(_) => return Err(USAGE.into()),
    };
    let file = BufReader::new(File::open(path)?);
    let mut pairs = read_pairs(file, path, Columns::default(), false)?;
    pairs.sort_by_key(|pair| pair.source.chars().count()); // as the article's file is
    pairs.truncate(count);

    let sources: Vec<&str> = pairs.iter().map(|pair| pair.source.as_str()).collect();
    let targets: Vec<&str> = pairs.iter().map(|pair| pair.target.as_str()).collect();
    let characters =
        |texts: &[&str]| SentenceTokenizer::from_texts(texts.iter().copied(), Unit::Char, WordOptions::default());
    let (english, french) = (characters(&sources)?, characters(&targets)?);
    let rows = |before: &[u32], texts: &[&str], vocabulary: &SentenceTokenizer, after: &[u32]| {
        let row = |text: &&str| Ok([before, &vocabulary.encode(text)?, after].concat());
        let rows: Result<Vec<_>, TokenizerError> = texts.iter().map(row).collect();
        rows.map(|rows| pad(&rows, PADDING).0)
    };
    let samples = Samples {
        source: rows(&[], &sources, &english, &[])?,     // (N, S)
        inputs: rows(&[START], &targets, &french, &[])?, // (N, T)
        targets: rows(&[], &targets, &french, &[END])?,  // (N, T): one step ahead of the inputs
    };
    let (source, longest) = (samples.source.clone(), samples.targets.shape().dim(1));

    let rng = &mut Rng::new(0);
    let model: Seq2Seq = Seq2Seq {
        encoder: Lstm::new(english.vocabulary(), LATENT, 1, Dropout::new(0.0), rng),
        decoder: Lstm::new(french.vocabulary(), LATENT, 1, Dropout::new(0.0), rng),
        dense: Linear::new(LATENT, french.vocabulary(), Bias::Yes, Init::XavierUniform, rng),
        masked,
    };
    println!("{} pairs, {} parameters", pairs.len(), model.parameter_count());
    let task = Fit::new(samples, BATCH_SIZE, VALIDATION_SPLIT, true)?;
    let mut trainer = compile(model, task, LEARNING_RATE, epochs)?;
    let mut epoch = 0;
    fit(&mut trainer, &mut |measured, seconds| {
        epoch += 1;
        let line: String = HISTORY.iter().zip(measured).map(|(name, value)| format!(" - {name}: {value:.4}")).collect();
        println!("Epoch {epoch}/{epochs} - {seconds:.0}s{line}");
    })?;
    for (row, pair) in pairs.iter().enumerate().rev().take(10) {
        let written = trainer.model().translate(&select(&source, &[row]), longest);
        println!("{} → {} (reference: {})", pair.source, french.decode(&written), pair.target);
    }
    Ok(())
}

/// All of it inside of the pool: work that is split from outside wakes the pool's threads every time.
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    rayon::ThreadPoolBuilder::new().build()?.install(run)
}
