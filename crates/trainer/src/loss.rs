//! What a forward pass cost, and what a whole text costs.
//!
//! Losses are carried as **sums** of nats with the number of tokens they were summed over, and divided once at the end.
//! A mean of means is only right when every batch has the same number of tokens, which the last window of a text,
//! padded sentences and unequal micro-batches do not have.
//!
//! | quantity | of a loss of L nats per token |
//! |---|---|
//! | perplexity | e^L: how many equally likely tokens would be as hard to guess |
//! | bits per character | L / ln 2 / (characters per token): comparable between tokenizers |
//! | bits per byte | L / ln 2 / (bytes per token): comparable between scripts and with compressors, too |

use crate::TrainError;
use rungs_layers::tensor::{Element, Tensor};

/// The loss of one (micro-)batch, to be differentiated.
#[derive(Clone, Debug)]
pub struct Loss<E: Element> {
    /// Σ −ln p(target), in nats, over the tokens: a single number.
    pub total: Tensor<E>,
    /// How many tokens were predicted.
    pub tokens: usize,
}

impl<E: Element> Loss<E> {
    /// The sum in nats, if the loss can be differentiated.
    ///
    /// # Errors
    /// If it is not a single number, depends on no variable, or is infinite or not a number.
    pub fn nats(&self) -> Result<f64, TrainError> {
        if self.total.size() != 1 {
            return Err(TrainError::Loss("it is not a single number"));
        }
        if !self.total.is_tracked() {
            return Err(TrainError::Loss("it depends on no parameter"));
        }
        let value = self.total.item().to_f64();
        if value.is_finite() { Ok(value) } else { Err(TrainError::NonFinite(format!("the training loss is {value}"))) }
    }
}

/// How well a model predicts a text that it is not trained on.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Σ −ln p(target), in nats, over the whole text.
    pub nats: f64,
    /// How many tokens were predicted. 0 says that there was nothing to evaluate on.
    pub tokens: usize,
}

impl Evaluation {
    /// Takes in one more part of the text.
    pub fn add(&mut self, nats: f64, tokens: usize) {
        self.nats += nats;
        self.tokens += tokens;
    }

    /// Nats per token; NaN if there are no tokens.
    pub fn loss(&self) -> f64 {
        self.nats / self.tokens as f64
    }

    /// e^loss.
    pub fn perplexity(&self) -> f64 {
        self.loss().exp()
    }

    /// Bits per character of the text, or per byte, where a token stands for so many of them on average (1 character
    /// for a character tokenizer).
    #[doc(alias = "bits_per_character")]
    #[doc(alias = "bits_per_byte")]
    pub fn bits_per(&self, units_per_token: f64) -> f64 {
        self.loss() / std::f64::consts::LN_2 / units_per_token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rungs_layers::tensor::Array;

    #[test]
    fn a_loss_that_cannot_be_differentiated_says_why() {
        let says = |total: Tensor<f64>| Loss { total, tokens: 1 }.nats().unwrap_err().to_string();
        let x = Tensor::variable(Array::from_vec(vec![0.0, 1.0], 2));
        assert_eq!(says(x.clone()), "the loss cannot be differentiated: it is not a single number");
        assert_eq!(says(x.detached().sum()), "the loss cannot be differentiated: it depends on no parameter");
        assert_eq!(says(x.ln().sum()), "the training loss is -inf");
        assert_eq!(Loss { total: x.sum(), tokens: 2 }.nats().unwrap(), 1.0);
    }

    #[test]
    fn a_fair_coin_costs_one_bit_and_has_two_faces() {
        let mut coin = Evaluation::default();
        coin.add(30.0 * 0.5_f64.ln().abs(), 30);
        coin.add(70.0 * 0.5_f64.ln().abs(), 70);
        assert!((coin.perplexity() - 2.0).abs() < 1e-12);
        assert!((coin.bits_per(1.0) - 1.0).abs() < 1e-12);
        assert!((coin.bits_per(4.0) - 0.25).abs() < 1e-12, "four characters share the token's bit");
        assert!((coin.bits_per(2.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn parts_of_unequal_length_weigh_by_their_tokens() {
        let mut evaluation = Evaluation::default();
        evaluation.add(3.0, 1);
        evaluation.add(1.0, 3);
        assert_eq!(evaluation.loss(), 1.0, "the mean of the two means would be 5/3");
        assert!(Evaluation::default().loss().is_nan());
    }
}
