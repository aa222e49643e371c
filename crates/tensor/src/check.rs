//! Checking gradients against the definition of a derivative, for the operations here and for anyone's own.
//!
//! [`check_gradients`] takes any function of tensors. In double precision it compares, along random directions,
//!
//! 1. what reverse mode says, ⟨∇φ, u⟩, with the central difference (φ(x + hu) − φ(x − hu)) / 2h of φ(x) = ⟨f(x), v⟩;
//! 2. the gradient of the gradient, ⟨∇ψ, u⟩, with the central difference of ψ(x) = ⟨∇φ(x), w⟩.
//!
//! One random direction meets every entry of the Jacobian at once; an error anywhere shows with probability one.
//! [`check_kernel`] also compares a kernel with its definition, in value, gradient and second gradient.

use crate::{Array, Graph, Kernel, Rng, Tensor, vjp};
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
}

impl Accuracy {
    /// The worse of two, in each order.
    pub fn worse(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), second: self.second.max(other.second) }
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
) -> Result<Accuracy, GradientMismatch> {
    check_tracked(name, &f, inputs, &vec![true; inputs.len()], rng)
}

/// As [`check_gradients`], by some of the inputs only; the others go in as constants.
///
/// # Errors
/// As [`check_gradients`].
///
/// # Panics
/// If `tracked` does not say for each input whether it is one of them.
#[track_caller]
pub fn check_gradients_by(
    name: &str,
    f: impl Fn(&[Tensor<f64>]) -> Tensor<f64>,
    inputs: &[Array<f64>],
    tracked: &[bool],
    rng: &mut Rng,
) -> Result<Accuracy, GradientMismatch> {
    assert!(tracked.len() == inputs.len(), "{name}: {} flags for {} inputs", tracked.len(), inputs.len());
    check_tracked(name, &f, inputs, tracked, rng)
}

/// Any function of tensors. It comes as a `dyn` function so that the checks are compiled once, not once for each.
type Checked<'a> = &'a dyn Fn(&[Tensor<f64>]) -> Tensor<f64>;

fn check_tracked(
    name: &str,
    f: Checked<'_>,
    inputs: &[Array<f64>],
    tracked: &[bool],
    rng: &mut Rng,
) -> Result<Accuracy, GradientMismatch> {
    let problem = Problem::new(f, inputs, tracked, rng);
    let first = problem.compare(name, "the first derivative", &|at, graph| problem.slope(at, graph), rng)?;
    let second = problem.compare(name, "the second derivative", &|at, graph| problem.curvature(at, graph), rng)?;
    let dropped = problem.slope(inputs, Graph::Drop).gradients;
    let kept = problem.slope(inputs, Graph::Keep).gradients;
    let detour = worst(&dropped, &kept);
    if detour > TOLERANCE || detour.is_nan() {
        let what = "the gradient with the graph dropped, against the graph kept,";
        return Err(GradientMismatch { name: name.into(), what, found: detour, expected: 0.0, error: detour });
    }
    Ok(Accuracy { first: first.max(detour), second })
}

/// A function of some inputs made scalar by random directions.
struct Problem<'a> {
    f: Checked<'a>,
    inputs: &'a [Array<f64>],
    tracked: &'a [bool],
    /// v: what the outputs are multiplied with.
    v: Tensor<f64>,
    /// w: what the gradients are multiplied with.
    w: Vec<Tensor<f64>>,
}

/// A scalar, and its gradients by the tracked inputs.
struct Scalar {
    value: f64,
    /// The size of the terms that make up the value: what its rounding error is relative to.
    magnitude: f64,
    gradients: Vec<Tensor<f64>>,
}

/// ⟨a, b⟩, summed over all pairs, and the sum of the sizes of its terms.
fn inner(a: &[Tensor<f64>], b: &[Tensor<f64>]) -> (f64, f64) {
    let terms = a.iter().zip(b).flat_map(|(a, b)| (a * b).to_vec());
    terms.fold((0.0, 0.0), |(value, magnitude), term| (value + term, magnitude + term.abs()))
}

impl<'a> Problem<'a> {
    fn new(f: Checked<'a>, inputs: &'a [Array<f64>], tracked: &'a [bool], rng: &mut Rng) -> Self {
        let shape = f(&inputs.iter().cloned().map(Tensor::constant).collect::<Vec<_>>()).shape();
        let v = Tensor::constant(Array::normal(shape, 0.0, 1.0, rng));
        let mut w = Vec::new();
        for (x, _) in inputs.iter().zip(tracked).filter(|(_, tracked)| **tracked) {
            w.push(Tensor::constant(Array::normal(x.shape(), 0.0, 1.0, rng)));
        }
        Self { f, inputs, tracked, v, w }
    }

    fn leaves(&self, at: &[Array<f64>]) -> Vec<Tensor<f64>> {
        let leaf = |(x, &tracked): (&Array<f64>, &bool)| {
            if tracked { Tensor::variable(x.clone()) } else { Tensor::constant(x.clone()) }
        };
        at.iter().zip(self.tracked).map(leaf).collect()
    }

    fn targets<'t>(&self, leaves: &'t [Tensor<f64>]) -> Vec<&'t Tensor<f64>> {
        leaves.iter().filter(|x| x.is_tracked()).collect()
    }

    /// φ = ⟨f(x), v⟩ and ∇φ.
    fn slope(&self, at: &[Array<f64>], graph: Graph) -> Scalar {
        let leaves = self.leaves(at);
        let y = (self.f)(&leaves);
        let gradients = vjp(&y, &self.v, &self.targets(&leaves), graph);
        let (value, magnitude) = inner(&[y], std::slice::from_ref(&self.v));
        Scalar { value, magnitude, gradients }
    }

    /// ψ = ⟨∇φ, w⟩ and ∇ψ.
    fn curvature(&self, at: &[Array<f64>], graph: Graph) -> Scalar {
        let leaves = self.leaves(at);
        let targets = self.targets(&leaves);
        let y = (self.f)(&leaves);
        let slope = vjp(&y, &self.v, &targets, Graph::Keep);
        let along = slope.iter().zip(&self.w).map(|(g, w)| (g * w).sum()).reduce(|a, b| a + b);
        let (value, magnitude) = inner(&slope, &self.w);
        // Terms as large as φ's may have cancelled within ∇φ, as they do for a function that is constant.
        let magnitude = magnitude.max(inner(&[y], std::slice::from_ref(&self.v)).1);
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
        let u: Vec<Tensor<f64>> =
            self.inputs.iter().map(|x| Tensor::constant(Array::normal(x.shape(), 0.0, 1.0, rng))).collect();
        let along: Vec<Tensor<f64>> = u.iter().zip(self.tracked).filter(|(_, t)| **t).map(|(u, _)| u.clone()).collect();
        let moved = |step: f64| -> f64 {
            let move_one = |((x, u), &tracked): ((&Array<f64>, &Tensor<f64>), &bool)| {
                if tracked { (Tensor::constant(x.clone()) + u * step).array().clone() } else { x.clone() }
            };
            let at: Vec<Array<f64>> = self.inputs.iter().zip(&u).zip(self.tracked).map(move_one).collect();
            function(&at, Graph::Drop).value
        };
        // Two step sizes, extrapolated: the error falls with h⁴, so h need not be so small that rounding takes over.
        let h = 1e-3;
        let central = |h: f64| (moved(h) - moved(-h)) / (2.0 * h);
        let expected = (4.0 * central(h) - central(2.0 * h)) / 3.0;
        let here = function(self.inputs, Graph::Drop);
        let (found, size) = inner(&here.gradients, &along);
        // The rounding error of a difference is relative to what was subtracted, so where the derivative is much
        // smaller than that (a function that is linear but not written so) no more can be asked.
        let size = size.max(here.magnitude * 1e-6).max(1e-9);
        let error = (found - expected).abs() / size;
        if error <= TOLERANCE {
            Ok(error)
        } else {
            Err(GradientMismatch { name: name.into(), what, found, expected, error })
        }
    }
}

/// The largest difference between two lists of tensors, relative to the largest element of each.
fn worst(found: &[Tensor<f64>], expected: &[Tensor<f64>]) -> f64 {
    let difference = |(a, b): (&Tensor<f64>, &Tensor<f64>)| {
        let size = b.to_vec().into_iter().fold(1e-9, |m: f64, x| m.max(x.abs()));
        let far = |(a, b): (f64, f64)| if a == b { 0.0 } else { (a - b).abs() / size };
        a.to_vec().into_iter().zip(b.to_vec()).map(far).fold(0.0, |m: f64, x| if x > m || x.is_nan() { x } else { m })
    };
    found.iter().zip(expected).map(difference).fold(0.0, |m: f64, x| if x > m || x.is_nan() { x } else { m })
}

/// Checks a kernel against its definition in value, gradient and second gradient, and its gradients against central
/// differences.
///
/// # Errors
/// At the first comparison that fails.
pub fn check_kernel<K: Kernel<f64>>(
    kernel: impl Fn() -> K,
    inputs: &[Array<f64>],
    rng: &mut Rng,
) -> Result<Accuracy, GradientMismatch> {
    let fused = |x: &[Tensor<f64>]| Tensor::apply_kernel(kernel(), &x.iter().collect::<Vec<_>>());
    let textbook = |x: &[Tensor<f64>]| kernel().definition(x);
    check_same(kernel().name(), &fused, &textbook, inputs, rng)
}

/// Checks one function of tensors against another in value, gradient and second gradient, and then by itself.
fn check_same(
    name: &str,
    fused: Checked<'_>,
    textbook: Checked<'_>,
    inputs: &[Array<f64>],
    rng: &mut Rng,
) -> Result<Accuracy, GradientMismatch> {
    let constants: Vec<Tensor<f64>> = inputs.iter().cloned().map(Tensor::constant).collect();
    let agree = |what, found: &[Tensor<f64>], expected: &[Tensor<f64>]| {
        let error = worst(found, expected);
        let same_shapes = found.iter().zip(expected).all(|(a, b)| a.shape() == b.shape());
        if error <= TOLERANCE && same_shapes {
            Ok(error)
        } else {
            Err(GradientMismatch { name: name.into(), what, found: error, expected: 0.0, error })
        }
    };
    agree("the value, against the definition,", &[fused(&constants)], &[textbook(&constants)])?;
    let tracked = vec![true; inputs.len()];
    let seed = rng.fork(name);
    let pair = (
        Problem::new(fused, inputs, &tracked, &mut seed.clone()),
        Problem::new(textbook, inputs, &tracked, &mut seed.clone()),
    );
    let first = agree(
        "the gradient, against the definition's,",
        &pair.0.slope(inputs, Graph::Drop).gradients,
        &pair.1.slope(inputs, Graph::Drop).gradients,
    )?;
    let second = agree(
        "the second gradient, against the definition's,",
        &pair.0.curvature(inputs, Graph::Drop).gradients,
        &pair.1.curvature(inputs, Graph::Drop).gradients,
    )?;
    Ok(check_tracked(name, fused, inputs, &tracked, rng)?.worse(Accuracy { first, second }))
}

#[cfg(test)]
mod tests;
