//! What translates: an encoder reads a source, a decoder writes a target, given what was read.
//!
//! p(y_1 … y_T | x) = Π_t p(y_t | y_1 … y_{t−1}, x). In training the decoder reads the true target, moved by one
//! (*teacher forcing*, Williams & Zipser 1989); in use it reads what it wrote itself. *Scheduled sampling* (Bengio et
//! al. 2015) bridges the two: now and then it reads its own word in training too.

use crate::sampling::draw;
use crate::{ConfigError, Decoder, State};
use rungs_layers::tensor::{Element, Ids, Tensor};
use rungs_layers::{Mode, RecurrentState};

/// A batch of texts to translate, padded at their ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    ids: Ids,
    lengths: Vec<usize>,
}

impl Source {
    /// Tokens (B, S), and how many of each row are not padding.
    ///
    /// # Panics
    /// If there is not one length per row, or one is not in 1..=S.
    #[track_caller]
    pub fn new(ids: Ids, lengths: Vec<usize>) -> Self {
        let [b, s] = ids.dims();
        let fit = lengths.len() == b && lengths.iter().all(|length| (1..=s).contains(length));
        assert!(fit, "source: lengths {lengths:?} of {b} texts of {s} tokens");
        Self { ids, lengths }
    }

    /// One text.
    ///
    /// # Panics
    /// If it is empty.
    #[track_caller]
    pub fn one(ids: &[u32]) -> Self {
        Self::new(Ids::new(ids, [1, ids.len()]), vec![ids.len()])
    }

    /// The tokens (B, S).
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// How many tokens of each row are not padding.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Each text from its last token to its first; the padding stays at the end.
    pub fn reversed(&self) -> Self {
        let [b, s] = self.ids.dims();
        let mut ids = self.ids.as_slice().to_vec();
        for (row, &length) in self.lengths.iter().enumerate() {
            ids[row * s..][..length].reverse();
        }
        Self { ids: Ids::new(ids, [b, s]), lengths: self.lengths.clone() }
    }
}

/// Sources as an encoder has read them.
#[derive(Debug, Clone)]
pub struct Encoded<E: Element = f32> {
    /// What the encoder showed at every position (B, S, D).
    pub states: Tensor<E>,
    /// The last state of each of its cells, if it has any.
    pub last: Vec<RecurrentState<E>>,
    /// How many positions of each row are not padding.
    pub lengths: Vec<usize>,
}

/// A model of a target, given a source.
///
/// The trait can be made into an object; `Box<dyn EncoderDecoder<E>>` is a [`Module`](rungs_layers::Module).
pub trait EncoderDecoder<E: Element>: Decoder<E> {
    /// The number of tokens a source may have.
    fn source_vocabulary(&self) -> usize;

    /// The most tokens that a source may have, and that the decoder can read; none if there is no end.
    fn context(&self) -> Option<usize> {
        None
    }

    /// That a source of this many tokens can be read, and a target of this many after its start token.
    ///
    /// # Errors
    /// If one is longer than the [`context`](Self::context).
    fn check_lengths(&self, source: usize, target: usize) -> Result<(), ConfigError> {
        let Some(context) = self.context() else { return Ok(()) };
        for (what, tokens, most) in [("a source", source, context), ("a target", target, context - 1)] {
            if tokens > most {
                return Err(ConfigError::TooLong { what, tokens, most });
            }
        }
        Ok(())
    }

    /// Reads sources.
    ///
    /// # Panics
    /// If one is longer than the [`context`](Self::context).
    fn encode(&self, source: &Source, mode: &mut Mode<'_>) -> Encoded<E>;

    /// The state before the first token of the targets.
    fn start(&self, encoded: &Encoded<E>) -> State<E>;

    /// The same model with constants for parameters, which records no graph: to evaluate and translate with. Nothing is
    /// copied.
    fn frozen(&self) -> Box<dyn EncoderDecoder<E>>;

    /// The logits at every position of the targets, which is what training needs: `inputs` (B, T) is what the decoder
    /// reads, a start token and the target → (B, T, V).
    fn logits(&self, source: &Source, inputs: &Ids, mode: &mut Mode<'_>) -> Tensor<E> {
        let mut state = self.start(&self.encode(source, mode));
        self.scores(&self.features(inputs, &mut state, mode)) // (B, T, V)
    }

    /// As [`logits`](EncoderDecoder::logits), but each token after the first that the decoder reads is one that it
    /// would have written itself, drawn from its own softmax, with probability `own`.
    fn logits_reading_its_own(&self, source: &Source, inputs: &Ids, own: f64, mode: &mut Mode<'_>) -> Tensor<E> {
        let Mode::Train(_) = mode else { return self.logits(source, inputs, mode) };
        let [b, t] = inputs.dims();
        let mut state = self.start(&self.encode(source, mode));
        let mut read: Vec<u32> = (0..b).map(|row| inputs.as_slice()[row * t]).collect();
        let mut logits = Vec::with_capacity(t);
        for at in 0..t {
            let features = self.features(&Ids::new(read.clone(), [b, 1]), &mut state, mode); // (B, 1, D)
            let here = self.scores(&features); // (B, 1, V)
            if at + 1 < t {
                let written = here.to_vec();
                let vocabulary = written.len() / b;
                let Mode::Train(rng) = mode else { unreachable!("it was so above") };
                for (row, read) in read.iter_mut().enumerate() {
                    let z: Vec<f64> = written[row * vocabulary..][..vocabulary].iter().map(|z| z.to_f64()).collect();
                    *read = match rng.uniform() < own {
                        true => draw(&z, rng).expect("no token is ruled out"),
                        false => inputs.as_slice()[row * t + at + 1],
                    };
                }
            }
            logits.push(here);
        }
        Tensor::concat(&logits, 1) // (B, T, V)
    }
}
