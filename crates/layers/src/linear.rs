//! A linear layer: every output is a weighted sum of the inputs.
//!
//! y = xW + b, with x (…, D_in), W (D_in, D_out), b (D_out) and y (…, D_out).
//!
//! The weight is stored the way the equation multiplies it, inputs first (PyTorch stores the transpose), so a row
//! vector goes in on the left and the product runs along memory.
//!
//! A layer that is trained already can be given an [adapter](crate::lora), which learns in its stead.

use crate::{Init, LowRank, Mode, Module, Path, parameters};
use rungs_tensor::{Array, Element, Rng, Tensor};

/// Whether a layer adds a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// It does.
    Yes,
    /// It does not.
    No,
}

impl Bias {
    /// A bias of zeros, if there is to be one.
    pub(crate) fn zeros<E: Element>(self, width: usize) -> Option<Tensor<E>> {
        (self == Bias::Yes).then(|| Tensor::variable(Array::zeros(width)))
    }
}

/// y = xW + b, and what an adapter adds to it.
///
/// Parameters: D_in·D_out, and D_out for the bias; an adapter's are its own.
#[derive(Debug, Clone)]
pub struct Linear<E: Element = f32> {
    /// W (D_in, D_out).
    pub weight: Tensor<E>,
    /// b (D_out), or none.
    pub bias: Option<Tensor<E>>,
    /// What is added to W's product, or nothing.
    pub adapter: Option<LowRank<E>>,
}

parameters!(Linear { weight, bias, adapter });

impl<E: Element> Linear<E> {
    /// A layer from `inputs` to `outputs`, its weight drawn from `init`, its bias zero.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, bias: Bias, init: Init, rng: &mut Rng) -> Self {
        Self::of(init.tensor([inputs, outputs], rng), bias.zeros(outputs))
    }

    /// A layer of these parameters: W (D_in, D_out), and b (D_out) if there is one.
    pub fn of(weight: Tensor<E>, bias: Option<Tensor<E>>) -> Self {
        Self { weight, bias, adapter: None }
    }

    /// (D_in, D_out).
    pub fn widths(&self) -> [usize; 2] {
        self.weight.dims()
    }

    /// x (…, D_in) → y (…, D_out), with one axis before the last or more. In training an adapter may drop numbers of x.
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let y = x.matmul(&self.weight); // (…, D_out)
        let y = match &self.bias {
            Some(bias) => y + bias,
            None => y,
        };
        match &self.adapter {
            Some(adapter) => y + adapter.forward(x, mode),
            None => y,
        }
    }

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

/// Calls `f` with every linear layer of a module and its full name, in the order of declaration, to change it: to give
/// it an adapter, for example.
pub fn for_each_linear<E: Element, M: Module<E> + ?Sized>(module: &mut M, f: &mut dyn FnMut(&str, &mut Linear<E>)) {
    module.visit_mut(&mut Path::new(), &mut |name, module| {
        if let Some(layer) = module.downcast_mut() {
            f(name, layer);
        }
    });
}
