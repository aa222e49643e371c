//! Low-rank adaptation (LoRA): a trained matrix stays as it is, and a small one that is learnt is added to its product.
//!
//! ```text
//! y = xW + b + (α / R) · dropout(x) A B
//! ```
//! with x (…, D_in), W (D_in, D_out), A (D_in, R), B (R, D_out) and y (…, D_out). Hu et al. (2021), *LoRA: Low-Rank
//! Adaptation of Large Language Models*, [arXiv:2106.09685](https://arxiv.org/abs/2106.09685), section 4.1, who write
//! columns where this is written in rows. What fine-tuning adds to a matrix turns out to need few directions: with R =
//! 8, D_in = D_out = 768 the adapter has a fiftieth of the numbers of W.
//!
//! A begins at random and B at zero, so the model begins as the one that it adapts. W is a constant: its gradient, a
//! product as large as the forward's, is never computed, and an optimizer keeps nothing for it. Backward is left with
//! the gradient of x.
//!
//! Both products are taken one after the other, x A first, so that nothing of W's size is made in training. Once
//! training is over, the adapter can be [merged](crate::Linear::merge): W + (α / R) A B is a matrix like any other, and
//! costs what W did.
//!
//! [`lora`](crate::lora) gives adapters to a whole model, and takes them away again. α is the size of what is added;
//! divided by R, it need not be chosen anew when R is.

use crate::{Dropout, Init, Mode, parameters};
use rungs_tensor::{Element, Rng, Tensor};

/// The size of an adapter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LowRankConfig {
    /// R, at least 1.
    pub rank: usize,
    /// α.
    pub alpha: f64,
    /// On x, on its way to A, in training.
    pub dropout: Dropout,
}

/// (α / R) · dropout(x) A B, what is added to the product of a [`Linear`](crate::Linear) layer.
///
/// Parameters: R·(D_in + D_out).
#[derive(Debug, Clone)]
pub struct LowRank<E: Element = f32> {
    /// A (D_in, R).
    pub a: Tensor<E>,
    /// B (R, D_out).
    pub b: Tensor<E>,
    /// α.
    pub alpha: f64,
    /// On x.
    pub dropout: Dropout,
}

parameters!(LowRank { a, b, alpha: _, dropout: _ });

impl<E: Element> LowRank<E> {
    /// An adapter from `inputs` to `outputs` that adds nothing yet: A uniform from −1/√D_in to 1/√D_in, as the authors'
    /// code has it, and B zero.
    ///
    /// # Panics
    /// If the rank is 0.
    #[track_caller]
    pub fn new([inputs, outputs]: [usize; 2], config: &LowRankConfig, rng: &mut Rng) -> Self {
        let &LowRankConfig { rank, alpha, dropout } = config;
        assert!(rank > 0, "low rank: a rank of 0");
        let a = Init::Uniform(1.0 / (inputs as f64).sqrt()).tensor([inputs, rank], rng);
        Self { a, b: Init::Zeros.tensor([rank, outputs], rng), alpha, dropout }
    }

    /// R.
    pub fn rank(&self) -> usize {
        self.b.dims::<2>()[0]
    }

    /// α / R.
    fn scale(&self) -> f64 {
        self.alpha / self.rank() as f64
    }

    /// x (…, D_in) → (…, D_out), with one axis before the last or more.
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let low = self.dropout.forward(x, mode).matmul(&self.a); // (…, R)
        (low * self.scale()).matmul(&self.b) // (…, D_out)
    }

    /// (α / R) A B, (D_in, D_out): what it adds to the matrix itself.
    pub fn matrix(&self) -> Tensor<E> {
        (&self.a * self.scale()).matmul(&self.b)
    }
}
