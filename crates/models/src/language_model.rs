//! The trait of all seven models: a probability for every token that could come next.
//!
//! p(y_1 … y_T | x) = Π_t p(y_t | y_1 … y_{t−1}, x), with p(· | y_1 … y_{t−1}, x) = softmax(z_{t−1}) and z (V) the
//! *logits*. A translator is given a source x; a model of texts is given none, and the condition falls away.
//!
//! Both begin with a [`State`], from [`start`](LanguageModel::start) or from [`encode`](LanguageModel::encode), and are
//! one forward pass from a state to a state from there on. It has two halves: [`features`](LanguageModel::features),
//! from tokens to a vector at each position, and [`scores`](LanguageModel::scores), from vectors to logits. Training
//! asks for the logits of every position of a batch at once (*teacher forcing*, Williams & Zipser 1989), generation for
//! those after the last token, one token after another. The pass is the same, so they cannot disagree: reading a text
//! at once, in pieces, or token by token gives the same logits, bit for bit, whatever else is in the batch.

use crate::config::check;
use crate::sampling::draw;
use crate::{ConfigError, Source, State};
use rungs_layers::tensor::{Element, Ids, Tensor};
use rungs_layers::{Mode, Module};

/// A model of the next token, given those before it and, in a translator, a source.
///
/// The trait can be made into an object; `Box<dyn LanguageModel<E>>` is a [`Module`].
///
/// # Panics
/// All methods that read tokens panic if one is V or more, if the state is another model's or another batch size's,
/// or if they would read past the model's [`context`](Self::context). Whoever takes tokens from outside checks them
/// first, as [`sample`](fn@crate::sample) does.
pub trait LanguageModel<E: Element>: Module<E> + Send + Sync {
    /// V, the number of tokens that can be written.
    fn vocabulary(&self) -> usize;

    /// The number of tokens that a source may have; none if the model is given no source.
    fn source_vocabulary(&self) -> Option<usize> {
        None
    }

    /// The most tokens that one state can have read, and that a source may have; none if there is no end, as in
    /// recurrent models.
    fn context(&self) -> Option<usize> {
        None
    }

    /// The state before the first token of `batch` texts.
    ///
    /// # Panics
    /// If the model translates, as it is given: such a model implements [`encode`](Self::encode) instead.
    fn start(&self, _batch: usize) -> State<E> {
        panic!("start: this model translates, and is given no source")
    }

    /// Reads sources: the state before the first token of their targets.
    ///
    /// # Panics
    /// If the model does not translate, as it is given, or if a source is longer than the [`context`](Self::context).
    fn encode(&self, _source: &Source, _mode: &mut Mode<'_>) -> State<E> {
        panic!("encode: this model goes on with texts, and is given a source")
    }

    /// The vector from which the next token is told, at each position: ids (B, T), which follow what `state` has read,
    /// → (B, T, D). Afterwards `state` has read them too.
    fn features(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E>;

    /// The logits of the next token: features (…, D) → (…, V).
    fn scores(&self, features: &Tensor<E>) -> Tensor<E>;

    /// The same model with constants for parameters, which records no graph: to evaluate and generate with. Nothing is
    /// copied.
    fn frozen(&self) -> Box<dyn LanguageModel<E>>;

    /// The logits at every position, which is what training needs: ids (B, T) → (B, T, V).
    fn logits(&self, ids: &Ids, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        self.scores(&self.features(ids, state, mode)) // (B, T, V)
    }

    /// The logits after the last token, which is what writing needs: ids (B, T) with T ≥ 1 → (B, V).
    ///
    /// Taken one after another, steps of a model that is not frozen make a graph that grows with the text.
    fn step(&self, ids: &Ids, state: &mut State<E>) -> Tensor<E> {
        let [_, t] = ids.dims();
        assert!(t > 0, "step: no token to read");
        let features = self.features(ids, state, &mut Mode::Eval); // (B, T, D)
        self.scores(&features.slice(1, t - 1..t).squeeze(1)) // (B, V)
    }

    /// As [`logits`](Self::logits), but in training each token after the first is, with probability `own`, one that the
    /// model would have written itself, drawn from its own softmax: *scheduled sampling* (Bengio et al. 2015), which
    /// prepares a model for reading what it wrote.
    fn logits_reading_its_own(&self, ids: &Ids, own: f64, state: &mut State<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let Mode::Train(_) = mode else { return self.logits(ids, state, mode) };
        let [b, t] = ids.dims();
        let mut read: Vec<u32> = (0..b).map(|row| ids.as_slice()[row * t]).collect();
        let mut logits = Vec::with_capacity(t);
        for at in 0..t {
            let here = self.logits(&Ids::new(read.clone(), [b, 1]), state, mode); // (B, 1, V)
            if at + 1 < t {
                let written = here.to_vec();
                let Mode::Train(rng) = mode else { unreachable!("it was so above") };
                for (row, (read, z)) in read.iter_mut().zip(written.chunks(self.vocabulary())).enumerate() {
                    let z: Vec<f64> = z.iter().map(|z| z.to_f64()).collect();
                    *read = match rng.uniform() < own {
                        true => draw(&z, rng).expect("no token is ruled out"),
                        false => ids.as_slice()[row * t + at + 1],
                    };
                }
            }
            logits.push(here);
        }
        Tensor::concat(&logits, 1) // (B, T, V)
    }

    /// That a source of this many tokens can be read, and a target of this many after its start token.
    ///
    /// # Errors
    /// If one is longer than the [`context`](Self::context).
    fn check_lengths(&self, source: usize, target: usize) -> Result<(), ConfigError> {
        let Some(context) = self.context() else { return Ok(()) };
        for (what, tokens, most) in [("a source", source, context), ("a target", target, context - 1)] {
            let positions = "for which this model has learnt positions";
            check(tokens <= most, || format!("{what} of {tokens} tokens is longer than the {most} {positions}"))?;
        }
        Ok(())
    }
}
