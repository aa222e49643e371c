//! The example with which Keras introduces sequence-to-sequence learning: English to French, character by character.
//!
//! An LSTM reads the source; another, which begins in the first one's last state, writes the target (Sutskever, Vinyals
//! & Le 2014). Sentences come from a file of pairs, `source TAB target`, such as Tatoeba's; the shortest are taken:
//!
//! ```text
//! cargo run --release -p rungs --example seq2seq_keras -- PAIRS.tsv [PAIRS=10000] [EPOCHS=20]
//! ```

#![expect(clippy::print_stdout, reason = "the program is to be watched")]

use rungs::keras::{Accuracy, CategoricalCrossEntropy, Compile, Compiled, Fit, Model, one_hot};
use rungs::layers::{Cell, RecurrentState};
use rungs::prelude::*;
use rungs::tensor::argmax;
use rungs::text::vocabulary::{END, PADDING, START};
use rungs::text::{SequenceVocabulary, Unit, WordOptions};
use rungs::trainer::pad;
use rungs::{Columns, Normalization, read_pairs};
use std::{env, error::Error, fs::File, io::BufReader};

const LATENT: usize = 256;

#[derive(Clone, Debug)]
struct Seq2Seq<E: Element = f32> {
    encoder: Lstm<E>,
    decoder: Lstm<E>,
    dense: Linear<E>,
}
parameters!(Seq2Seq { encoder, decoder, dense });

/// What an LSTM makes of one-hot characters (B, T), and its last state.
fn read(lstm: &Lstm, ids: &Ids, state: &[RecurrentState]) -> (Tensor, Vec<RecurrentState>) {
    let [_, t] = ids.dims();
    let real = |row: &[u32]| row.iter().filter(|&&id| id != PADDING).count();
    let lengths: Vec<usize> = ids.as_slice().chunks(t).map(real).collect();
    let x = one_hot(ids, lstm.layers[0].inputs()); // (B, T, V)
    lstm.forward_padded(&x, &lengths, state, &mut Mode::Eval) // no dropout, so no mode
}

impl Model for Seq2Seq {
    type Input = (Ids, Ids);

    fn forward(&self, (source, inputs): &(Ids, Ids), mode: &mut Mode<'_>) -> Tensor {
        let (_, last) = read(&self.encoder, source, &self.encoder.zero_state(source.dims::<2>()[0]));
        let (states, _) = read(&self.decoder, inputs, &last); // (B, T, H)
        self.dense.forward(&states, mode) // (B, T, V): logits; the softmax is the loss's
    }
}

impl Seq2Seq {
    /// The likeliest character, again and again, until the end or `most` of them.
    fn translate(&self, source: Vec<u32>, most: usize) -> Vec<u32> {
        let (model, length) = (self.detached(), source.len());
        let (_, mut state) = read(&model.encoder, &Ids::new(source, [1, length]), &model.encoder.zero_state(1));
        let (mut target, mut last) = (Vec::new(), START);
        while target.len() < most {
            let (states, after) = read(&model.decoder, &Ids::new(vec![last], [1, 1]), &state);
            let logits = model.dense.forward(&states, &mut Mode::Eval).to_vec();
            (state, last) = (after, argmax(&logits).expect("finite logits") as u32);
            if last == END {
                break;
            }
            target.push(last);
        }
        target
    }
}

fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let path = arguments.first().ok_or("usage: seq2seq_keras PAIRS.tsv [PAIRS=10000] [EPOCHS=20]")?;
    let number = |at: usize, otherwise| arguments.get(at).map_or(Ok(otherwise), |number| number.parse());
    let (count, epochs) = (number(1, 10_000)?, number(2, 20)?);
    let file = BufReader::new(File::open(path)?);
    let rng = &mut Rng::new(0);
    let mut pairs = read_pairs(file, path, Columns::default(), Normalization::default())?;
    pairs.sort_by_key(|pair| pair.source.chars().count());
    pairs.truncate(count);
    rng.shuffle(&mut pairs); // the last are held out, and are to be like the others

    let sources: Vec<&str> = pairs.iter().map(|pair| pair.source.as_str()).collect();
    let targets: Vec<&str> = pairs.iter().map(|pair| pair.target.as_str()).collect();
    let characters =
        |texts: &[&str]| SequenceVocabulary::from_texts(texts.iter().copied(), Unit::Char, WordOptions::default());
    let (english, french) = (characters(&sources)?, characters(&targets)?);
    let rows = |before: &[u32], texts: &[&str], vocabulary: &SequenceVocabulary, after: &[u32]| {
        let row = |text: &&str| [before, &vocabulary.encode(text), after].concat();
        pad(&texts.iter().map(row).collect::<Vec<_>>(), PADDING).0
    };
    let x = (rows(&[], &sources, &english, &[]), rows(&[START], &targets, &french, &[])); // (N, S), (N, T)
    let y = rows(&[], &targets, &french, &[END]); // (N, T): each character one step before the decoder reads it

    let model: Seq2Seq = Seq2Seq {
        encoder: Lstm::new(english.size(), LATENT, 1, Dropout::new(0.0), rng),
        decoder: Lstm::new(french.size(), LATENT, 1, Dropout::new(0.0), rng),
        dense: Linear::new(LATENT, french.size(), Bias::Yes, Init::XavierUniform, rng),
    };
    println!("{} pairs, {} parameters", pairs.len(), model.parameter_count());
    // Padding is masked, so that the numbers are about characters; `None` counts it, as the original does.
    let ignore_class = Some(PADDING);
    let compile = Compile {
        metrics: vec![Box::new(Accuracy { ignore_class })],
        ..Compile::new(CategoricalCrossEntropy { ignore_class, ..Default::default() }) // with RMSprop
    };
    let mut compiled = Compiled::new(model, compile)?;
    let options = Fit { batch_size: 64, epochs, validation_split: 0.2, shuffle: true };
    compiled.fit(&x, &y, options, rng, &mut |end| {
        println!("{end}");
        Control::Continue
    })?;
    for pair in pairs.iter().rev().take(10) {
        let written = compiled.model().translate(english.encode(&pair.source), y.dims::<2>()[1]);
        println!("{} → {} (reference: {})", pair.source, french.decode(&written), pair.target);
    }
    Ok(())
}

/// All of it inside of the pool: work that is split from outside wakes the pool's threads every time.
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    rayon::ThreadPoolBuilder::new().build()?.install(run)
}
