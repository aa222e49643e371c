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
//! training is over, the adapter can be [merged](Linear::merge): W + (α / R) A B is a matrix like any other, and costs
//! what W did.
//!
//! [`adapt`] gives adapters to a whole model, chosen by the names of its linear layers, and [`merge`] takes them away
//! again. α is the size of what is added; divided by R, it need not be chosen anew when R is.

use crate::{Dropout, Init, Linear, Mode, Module, Path, parameters};
use rungs_tensor::{Element, Rng, Tensor};

/// The field of a [`Linear`] that an adapter lies in.
const FIELD: &str = "adapter";

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

/// (α / R) · dropout(x) A B, what is added to the product of a [`Linear`] layer.
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

impl<E: Element> Linear<E> {
    /// W ← W + (α / R) A B: the adapter becomes part of the matrix, and is given back. None if there is none.
    ///
    /// The layer computes what it did, to rounding, at the cost of one without an adapter. A constant stays one.
    pub fn merge(&mut self) -> Option<LowRank<E>> {
        let adapter = self.adapter.take()?;
        self.add(&adapter, 1.0);
        Some(adapter)
    }

    /// W ← W − (α / R) A B, and the adapter stands beside it again: what [`merge`](Self::merge) did, undone to
    /// rounding.
    pub fn unmerge(&mut self, adapter: LowRank<E>) {
        self.add(&adapter, -1.0);
        self.adapter = Some(adapter);
    }

    fn add(&mut self, adapter: &LowRank<E>, sign: f64) {
        let sum = self.weight.detached() + adapter.matrix().detached() * sign;
        self.weight = if self.weight.is_tracked() { sum.as_variable() } else { sum };
    }
}

/// Gives an adapter to every linear layer of a model whose name `chosen` takes, and makes constants of all other
/// parameters: what is learnt from now on are the adapters, `NAME.adapter.a` and `NAME.adapter.b`.
///
/// A layer that has one already gets another in its place. Gives back the names of the layers, in the order of
/// declaration; if there is none of them, nothing was changed.
///
/// ```
/// use rungs_layers::low_rank::{LowRankConfig, adapt, merge};
/// use rungs_layers::tensor::Rng;
/// use rungs_layers::{Block, BlockConfig, Dropout, Module};
///
/// let mut rng = Rng::new(0);
/// let mut block: Block = Block::new(&BlockConfig::gpt(8, 2, 1), &mut rng);
/// let config = LowRankConfig { rank: 2, alpha: 4.0, dropout: Dropout::new(0.0) };
/// let names = adapt(&mut block, &config, &mut |name| name.starts_with("attention"), &mut rng);
/// assert_eq!(names, ["attention.qkv", "attention.projection"]);
/// let mut trained = 0;
/// block.for_each(&mut |_, x| trained += if x.is_tracked() { x.size() } else { 0 });
/// assert_eq!(trained, 2 * (8 + 3 * 8) + 2 * (8 + 8));
/// assert_eq!(merge(&mut block), 2);
/// ```
///
/// # Panics
/// If the rank is 0.
#[track_caller]
pub fn adapt<E: Element, M: Module<E> + ?Sized>(
    model: &mut M,
    config: &LowRankConfig,
    chosen: &mut dyn FnMut(&str) -> bool,
    rng: &mut Rng,
) -> Vec<String> {
    let mut names = Vec::new();
    model.visit_linear(&mut Path::new(), &mut |name, layer| {
        if chosen(name) {
            layer.adapter = Some(LowRank::new(layer.widths(), config, rng));
            names.push(name.to_owned());
        }
    });
    if !names.is_empty() {
        model.for_each_mut(&mut |name, parameter| {
            if !is_adapter(name) {
                *parameter = parameter.detached();
            }
        });
    }
    names
}

/// Merges the adapters of all linear layers of a model, and says how many there were.
pub fn merge<E: Element, M: Module<E> + ?Sized>(model: &mut M) -> usize {
    let mut merged = 0;
    model.visit_linear(&mut Path::new(), &mut |_, layer| merged += usize::from(layer.merge().is_some()));
    merged
}

/// Whether a parameter of this name is part of an adapter.
pub fn is_adapter(parameter: &str) -> bool {
    parameter.rsplit('.').nth(1) == Some(FIELD)
}
