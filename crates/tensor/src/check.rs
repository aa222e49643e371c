//! Checking gradients against the definition of a derivative, for the operations here and for anyone's own.
//!
//! [`check_gradients`] takes any function of tensors. In double precision it compares, along random directions,
//!
//! 1. what reverse mode says, ⟨∇φ, u⟩, with the central difference (φ(x + hu) − φ(x − hu)) / 2h of φ(x) = ⟨f(x), v⟩;
//! 2. the gradient of the gradient, ⟨∇ψ, u⟩, with the central difference of ψ(x) = ⟨∇φ(x), w⟩.
//!
//! One random direction meets every entry of the Jacobian at once; an error anywhere shows with probability one.
//! [`check_kernel`] also compares a kernel with its definition, in value, gradient and second gradient.

use crate::{Array, Element, Graph, Kernel, Rng, Tensor, vjp};
use std::fmt;

/// The largest relative error that passes.
pub const TOLERANCE: f64 = 1e-6;

/// How well gradients agreed.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// The largest relative error of a first derivative.
    pub first: f64,
    /// The largest relative error of a second derivative.
    pub second: f64,
    /// At how many points derivatives of either order were compared.
    pub cases: usize,
}

impl Accuracy {
    /// The worse of two, in each order, and the cases of both.
    pub fn worse(self, other: Self) -> Self {
        let (first, second) = (self.first.max(other.first), self.second.max(other.second));
        Self { first, second, cases: self.cases + other.cases }
    }
}

/// A gradient that is wrong, in one line.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientMismatch {
    /// What was checked.
    pub name: String,
    /// Which comparison failed.
    pub what: &'static str,
    /// What reverse mode (or the kernel) gave.
    pub found: f64,
    /// What it should have been.
    pub expected: f64,
    /// The relative error.
    pub error: f64,
}

impl fmt::Display for GradientMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, what, found, expected, error } = self;
        write!(f, "{name}: {what} is {found:.10e}, expected {expected:.10e} (relative error {error:.1e})")
    }
}

impl std::error::Error for GradientMismatch {}

/// What a check finds: how well gradients agree, or which of them is wrong.
pub type Outcome = Result<Accuracy, GradientMismatch>;

/// The worst accuracy of several checks, and the cases of them all.
///
/// # Errors
/// The first gradient that is wrong.
pub fn worst(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    outcomes.into_iter().try_fold(Accuracy::default(), |worst, outcome| Ok(worst.worse(outcome?)))
}

/// Checks first and second derivatives of `f` at `inputs`, by every input that `f` is given.
///
/// ```
/// use rungs_tensor::{Array, Rng, check_gradients};
///
/// let mut rng = Rng::new(0);
/// let x = Array::normal([3, 4], 0.0, 1.0, &mut rng);
/// check_gradients("x·tanh x", |x| &x[0] * x[0].tanh(), &[x], &mut rng).unwrap();
/// ```
///
/// # Errors
/// If a derivative differs from its central difference by more than [`TOLERANCE`], relative to the size of the terms
/// that make it up.
pub fn check_gradients(
    name: &str,
    f: impl Fn(&[Tensor<f64>]) -> Tensor<f64>,
    inputs: &[Array<f64>],
    rng: &mut Rng,
) -> Outcome {
    check_function(name, &f, inputs, rng)
}

/// Any function of tensors. It comes as a `dyn` function so that the checks are compiled once, not once for each.
pub(crate) type Checked<'a> = &'a dyn Fn(&[Tensor<f64>]) -> Tensor<f64>;

fn check_function(name: &str, f: Checked<'_>, inputs: &[Array<f64>], rng: &mut Rng) -> Outcome {
    let problem = Problem::new(f, inputs, rng);
    let first = problem.compare(name, "the first derivative", &|at, graph| problem.slope(at, graph), rng)?;
    let second = problem.compare(name, "the second derivative", &|at, graph| problem.curvature(at, graph), rng)?;
    let [dropped, kept] = [Graph::Drop, Graph::Keep].map(|graph| problem.slope(inputs, graph).gradients);
    let detour = largest_difference(&dropped, &kept);
    let detour = judge(name, "the gradient with the graph dropped, against the graph kept,", detour, 0.0, detour)?;
    Ok(Accuracy { first: first.max(detour), second, cases: 1 })
}

/// The relative error between what was found and what was expected, if it is small; NaN is not.
fn judge(name: &str, what: &'static str, found: f64, expected: f64, error: f64) -> Result<f64, GradientMismatch> {
    let mismatch = || GradientMismatch { name: name.into(), what, found, expected, error };
    (error <= TOLERANCE).then_some(error).ok_or_else(mismatch)
}

/// A function of some inputs made scalar by random directions.
struct Problem<'a> {
    f: Checked<'a>,
    inputs: &'a [Array<f64>],
    /// v: what the outputs are multiplied with.
    v: Tensor<f64>,
    /// w: what the gradients are multiplied with.
    w: Vec<Tensor<f64>>,
}

/// A scalar, and its gradients by the inputs.
struct Scalar {
    value: f64,
    /// The size of the terms that make up the value: what its rounding error is relative to.
    magnitude: f64,
    gradients: Vec<Tensor<f64>>,
}

/// A random direction for each input.
fn directions(inputs: &[Array<f64>], rng: &mut Rng) -> Vec<Tensor<f64>> {
    inputs.iter().map(|x| Tensor::constant(Array::normal(x.shape(), 0.0, 1.0, rng))).collect()
}

/// ⟨a, b⟩, summed over all pairs, and the sum of the sizes of its terms.
fn inner(a: &[Tensor<f64>], b: &[Tensor<f64>]) -> (f64, f64) {
    let terms = a.iter().zip(b).flat_map(|(a, b)| (a * b).to_vec());
    terms.fold((0.0, 0.0), |(value, magnitude), term| (value + term, magnitude + term.abs()))
}

impl<'a> Problem<'a> {
    fn new(f: Checked<'a>, inputs: &'a [Array<f64>], rng: &mut Rng) -> Self {
        let shape = f(&inputs.iter().cloned().map(Tensor::constant).collect::<Vec<_>>()).shape();
        let v = Tensor::constant(Array::normal(shape, 0.0, 1.0, rng));
        Self { f, inputs, v, w: directions(inputs, rng) }
    }

    /// The inputs as leaves, f of them, and ∇φ.
    fn differentiate(&self, at: &[Array<f64>], graph: Graph) -> (Vec<Tensor<f64>>, Tensor<f64>, Vec<Tensor<f64>>) {
        let leaves: Vec<Tensor<f64>> = at.iter().cloned().map(Tensor::variable).collect();
        let y = (self.f)(&leaves);
        let slope = vjp(&y, &self.v, &leaves.iter().collect::<Vec<_>>(), graph);
        (leaves, y, slope)
    }

    /// φ = ⟨f(x), v⟩ and ∇φ.
    fn slope(&self, at: &[Array<f64>], graph: Graph) -> Scalar {
        let (_, y, gradients) = self.differentiate(at, graph);
        let (value, magnitude) = inner(&[y], std::slice::from_ref(&self.v));
        Scalar { value, magnitude, gradients }
    }

    /// ψ = ⟨∇φ, w⟩ and ∇ψ.
    fn curvature(&self, at: &[Array<f64>], graph: Graph) -> Scalar {
        let (leaves, y, slope) = self.differentiate(at, Graph::Keep);
        let along = slope.iter().zip(&self.w).map(|(g, w)| (g * w).sum()).reduce(|a, b| a + b);
        let (value, magnitude) = inner(&slope, &self.w);
        // Terms as large as φ's may have cancelled within ∇φ, as they do for a function that is constant.
        let magnitude = magnitude.max(inner(&[y], std::slice::from_ref(&self.v)).1);
        let targets: Vec<&Tensor<f64>> = leaves.iter().collect();
        let gradients = along.map_or(Vec::new(), |psi| vjp(&psi, &Tensor::scalar(1.0), &targets, graph));
        Scalar { value, magnitude, gradients }
    }

    /// The relative error between the gradients of a scalar function and its central difference, along a random
    /// direction.
    fn compare(
        &self,
        name: &str,
        what: &'static str,
        function: &dyn Fn(&[Array<f64>], Graph) -> Scalar,
        rng: &mut Rng,
    ) -> Result<f64, GradientMismatch> {
        let u = directions(self.inputs, rng);
        let moved = |step: f64| -> f64 {
            let here = self.inputs.iter().cloned().map(Tensor::constant);
            let at: Vec<Array<f64>> = here.zip(&u).map(|(x, u)| (x + u * step).array().clone()).collect();
            function(&at, Graph::Drop).value
        };
        // Two step sizes, extrapolated: the error falls with h⁴, so h need not be so small that rounding takes over.
        let h = 1e-3;
        let central = |h: f64| (moved(h) - moved(-h)) / (2.0 * h);
        let expected = (4.0 * central(h) - central(2.0 * h)) / 3.0;
        let here = function(self.inputs, Graph::Drop);
        let (found, size) = inner(&here.gradients, &u);
        // The rounding error of a difference is relative to what was subtracted, so where the derivative is much
        // smaller than that (a function that is linear but not written so) no more can be asked.
        let size = size.max(here.magnitude * 1e-6).max(1e-9);
        judge(name, what, found, expected, (found - expected).abs() / size)
    }
}

/// The largest difference between two lists of tensors, relative to the largest element of each; NaN if one is.
fn largest_difference(found: &[Tensor<f64>], expected: &[Tensor<f64>]) -> f64 {
    let difference = |(a, b): (&Tensor<f64>, &Tensor<f64>)| {
        let size = b.to_vec().into_iter().fold(1e-9, |m: f64, x| m.max(x.abs()));
        let far = |(a, b): (f64, f64)| if a == b { 0.0 } else { (a - b).abs() / size };
        a.to_vec().into_iter().zip(b.to_vec()).map(far).fold(0.0, Element::larger)
    };
    found.iter().zip(expected).map(difference).fold(0.0, Element::larger)
}

/// Checks a kernel against its definition in value, gradient and second gradient, and its gradients against central
/// differences.
///
/// # Errors
/// At the first comparison that fails.
pub fn check_kernel<K: Kernel<f64>>(kernel: impl Fn() -> K, inputs: &[Array<f64>], rng: &mut Rng) -> Outcome {
    let fused = |x: &[Tensor<f64>]| Tensor::apply_kernel(kernel(), &x.iter().collect::<Vec<_>>());
    let textbook = |x: &[Tensor<f64>]| kernel().definition(x);
    check_same(kernel().name(), [&fused, &textbook], inputs, rng)
}

/// Checks one function of tensors against another in value, gradient and second gradient, and then by itself.
fn check_same(name: &str, functions: [Checked<'_>; 2], inputs: &[Array<f64>], rng: &mut Rng) -> Outcome {
    let constants: Vec<Tensor<f64>> = inputs.iter().cloned().map(Tensor::constant).collect();
    let agree = |what, found: &[Tensor<f64>], expected: &[Tensor<f64>]| {
        let error = largest_difference(found, expected);
        let same_shapes = found.iter().zip(expected).all(|(a, b)| a.shape() == b.shape());
        judge(name, what, error, 0.0, if same_shapes { error } else { f64::NAN })
    };
    let [found, expected] = functions.map(|f| [f(&constants)]);
    agree("the value, against the definition,", &found, &expected)?;
    let seed = rng.fork(name);
    let problems = functions.map(|f| Problem::new(f, inputs, &mut seed.clone()));
    let [found, expected] = problems.each_ref().map(|problem| problem.slope(inputs, Graph::Drop).gradients);
    let first = agree("the gradient, against the definition's,", &found, &expected)?;
    let [found, expected] = problems.map(|problem| problem.curvature(inputs, Graph::Drop).gradients);
    let second = agree("the second gradient, against the definition's,", &found, &expected)?;
    Ok(check_function(name, functions[0], inputs, rng)?.worse(Accuracy { first, second, cases: 0 }))
}

#[cfg(test)]
mod tests;
